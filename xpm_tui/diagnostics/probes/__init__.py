"""The probes, one file per place: network, login, store and machine."""
