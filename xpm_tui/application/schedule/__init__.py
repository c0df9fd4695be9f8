"""The scheduled run: its timer, the run itself, and the check of the login in the timer's environment."""
