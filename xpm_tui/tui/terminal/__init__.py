"""The way to the terminal: of each picture what differs, in few bytes, and no waiting for it to be taken."""
