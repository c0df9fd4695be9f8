"""A local simulation of Xero: identity, connections and Practice Manager.

It imports no code of the other packages, so that client and simulator are two independent readings of Xero's
documentation. Only ``server`` has sockets: it serves the simulator on loopback. Everything that the simulator
creates (ids, tokens, names) follows from a seed, and everything timed from its clock.
"""
