"""What scripts rely on, written down in ``golden/``: nothing of it may disappear unnoticed."""
