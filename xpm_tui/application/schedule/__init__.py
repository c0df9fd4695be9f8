"""The daily run: its timer, the run that it starts, and the proof that the login opens there."""
