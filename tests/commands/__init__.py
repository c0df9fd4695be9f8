"""The acts: what they say of themselves, and that verbs, keys and forms can be made of them."""
