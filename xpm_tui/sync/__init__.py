"""Decide what would change and why, apply it, and undo it.

The package knows disk and network only as ports.
"""
