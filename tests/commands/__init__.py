"""The commands: their definitions, and the verbs, keys and forms that are made of them."""
