"""Use cases for commands and screens, over one open practice."""
