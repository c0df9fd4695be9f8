"""Sample practices of any size, generated from a seed, with unusual records in them."""
