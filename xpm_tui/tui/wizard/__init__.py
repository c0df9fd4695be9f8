"""The connection wizard: its screen and one pane per step."""
