"""Compare names, propose links, search clients and find duplicates. Pure."""
