"""The simulator without sockets: it takes request values and returns response values.

Everything that it creates (ids, tokens, names) follows from the seed, and everything timed from its clock.
"""
