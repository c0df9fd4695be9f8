"""Use cases: what commands and screens ask for, over one open practice."""
