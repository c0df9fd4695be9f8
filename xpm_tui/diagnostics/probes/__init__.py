"""The probes, one file per area: network, login, store and computer."""
