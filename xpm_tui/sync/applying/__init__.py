"""Apply a plan on both sides with a journal, and resolve writes without an answer."""
