"""Compare both sides with what they last agreed on, and plan the changes. Pure."""
