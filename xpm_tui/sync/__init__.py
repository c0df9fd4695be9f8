"""Decide what would change and why, apply it, and undo it.

Knows disk and wire only as ports.
"""
