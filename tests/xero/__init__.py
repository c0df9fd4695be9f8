"""The wire, with hand-made replies."""
