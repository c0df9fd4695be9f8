"""Widgets that screens are built from; data enters through the safe-text function."""
