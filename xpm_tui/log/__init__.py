"""The log: one JSON line per event, appended by every process, read newest first or followed live.
Events are derived from the work and never read to decide anything."""
