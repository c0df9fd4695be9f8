"""The TinyDB database of a practice on durable storage: commit log, snapshot files and tables.

The rest of the program uses it only through the store port.
"""
