"""Everything a user can do, each command once: verb, key, palette entry and form."""
