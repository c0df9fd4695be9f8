"""The commands: everything a user can do, each with its verb, key, palette entry and form."""
