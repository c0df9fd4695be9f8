"""Clients and their contacts: looked at, edited, linked, picked, reviewed, kept, made in XPM."""
