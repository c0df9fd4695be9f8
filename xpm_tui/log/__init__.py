"""The event log: one JSON line per event, appended by every process and read or followed.

Events are derived from the work and never read to decide anything.
"""
