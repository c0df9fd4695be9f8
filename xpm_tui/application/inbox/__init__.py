"""The inbox: files that other programs deliver, imported exactly once, and their results."""
