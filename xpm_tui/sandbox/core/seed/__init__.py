"""Sample practices of any size, made from a seed, with difficult cases."""
