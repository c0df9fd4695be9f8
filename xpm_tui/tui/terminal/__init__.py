"""The terminal driver: send only the cells that differ, and never wait for a slow terminal."""
