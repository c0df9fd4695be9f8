"""Connecting a practice: the state machine of the wizard and of ``connect``, its steps, the permission."""
