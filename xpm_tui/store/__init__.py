"""The database of a practice: TinyDB on durable storage, with a commit log, snapshot files and tables."""
