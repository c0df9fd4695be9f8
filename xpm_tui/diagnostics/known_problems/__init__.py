"""Known trouble as data: sign, cause, way out, and what to tell Xero's support.
One file per place where it shows: the login, the wire, the practice's records, this machine."""
