"""The terminal driver: sends only the cells that differ, and never waits for a slow terminal."""
