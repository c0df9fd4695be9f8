"""The command line: verbs made from the commands, with output as text or JSON."""
