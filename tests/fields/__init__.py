"""The field registry and everything that is derived from it."""
