"""The simulator without sockets: it takes request values and returns response values.

Everything it creates (ids, tokens, names) follows from the seed, and all times from its clock.
"""
