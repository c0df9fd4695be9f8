"""The command line: verbs generated from the commands, with text or JSON output."""
