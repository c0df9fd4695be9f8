"""The structured log: derived from what happened, followed, filtered, put into words."""
