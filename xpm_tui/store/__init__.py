"""The Ignition side and the mirror on TinyDB: storage, tables, commit log, CSV forms.
Reached through the Book port alone."""
