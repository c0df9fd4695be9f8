"""Immutable values, ports, labels and the field registry.

No input or output; imports none of our other packages.
"""
