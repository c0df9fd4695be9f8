"""A local Xero: identity, connections and Practice Manager, apart from the rest.
Imports nothing of ours, so that the client and the simulator are two separate readings of Xero's documents.
core/ has no sockets; server puts it on loopback.
"""
