"""Connect a practice: the state machine behind the wizard and `connect`, and its steps."""
