"""Ignition's CSV forms: read, matched with the book, merged, and written."""
