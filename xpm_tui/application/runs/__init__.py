"""Plans and runs: the mirror filled, a plan made, a run at work, stopped, retried, released, undone."""
