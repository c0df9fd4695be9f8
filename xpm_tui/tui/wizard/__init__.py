"""The wizard's steps: one pane each, over the connection's own state machine."""
