"""Changes that a user asks for one by one: link, pick, review, create in XPM, undo."""
