"""Settings from one schema: file, environment, option; each with its origin."""
