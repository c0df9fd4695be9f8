"""What a person does to a client: link, pick, review, create in XPM, undo."""
