"""The TinyDB database of a practice on durable storage: commit log, snapshot files, tables.

The rest of the program reaches it through the store port alone.
"""
