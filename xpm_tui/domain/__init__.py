"""Frozen values, ports, name keys, case ids and the plain-text rule.
No input or output; imports nothing of ours."""
