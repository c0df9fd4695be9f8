"""Sample practices of any size, made from a seed, with the hard cases inside."""
