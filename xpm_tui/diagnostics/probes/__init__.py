"""The probes, one file per place: the way to Xero, the login, the lists, the book, this machine."""
