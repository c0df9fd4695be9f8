"""Plans and sync runs: refresh the mirror, plan, run, stop, retry and undo."""
