"""A local simulation of Xero: identity, connections and Practice Manager.

It imports no code of the other packages, so that client and simulator are two independent readings of Xero's
documentation. ``core`` has no sockets; ``server`` serves it on loopback.
"""
