"""Reads and writes the XML of the Practice Manager API, by element name and never by position."""
