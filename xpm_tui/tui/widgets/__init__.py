"""Widgets for screens; data enters through the safe-text functions."""
