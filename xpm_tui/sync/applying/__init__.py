"""Carrying out changes on either side, journaled, and finding out what became of a lost answer."""
