"""Reads and writes Ignition's CSV forms, and plans what an import would change."""
