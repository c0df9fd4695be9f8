"""The probes, one module per area: network, login, store and machine."""
