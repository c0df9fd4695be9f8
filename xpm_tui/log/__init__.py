"""The event log: one JSON line per event, appended by every process, and read or followed.

Events describe what was done; no decision is ever based on them.
"""
