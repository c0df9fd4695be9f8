"""Clients and their contacts: queries, edits, links, frozen fields and reviews."""
