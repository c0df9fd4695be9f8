"""A local Xero: identity, connections and Practice Manager, independent of the other packages.

It imports none of their code, so that the client and the simulator are two independent implementations of
Xero's documents. ``core`` has no sockets; ``server`` serves it on loopback.
"""
