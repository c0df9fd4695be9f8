"""Import and export Ignition's CSV files."""
