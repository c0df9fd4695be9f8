"""The documentation: its commands are run as written."""
