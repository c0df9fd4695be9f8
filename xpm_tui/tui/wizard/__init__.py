"""The wizard: its screen and one pane per step, over the connection's state machine."""
