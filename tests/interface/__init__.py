"""What scripts rely on, recorded in ``golden/``: nothing of it may disappear unnoticed."""
