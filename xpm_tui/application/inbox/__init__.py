"""The inbox: files that other programs deliver, imported exactly once, and what came of each."""
