"""Settings from one schema, read from files, environment and options, each with its origin."""
