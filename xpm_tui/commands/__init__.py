"""What a user can do, each act once: verb, key, palette entry and form come from here."""
