"""The scheduled run: its timer, the run itself, and the check that a login opens there."""
