"""Import and export Ignition's files: CSV files, and the inbox to which other programs deliver."""
