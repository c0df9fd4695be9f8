"""The simulator without sockets: a request value goes in, a response value comes out.

Everything it makes (ids, tokens, names) follows from the seed, everything timed from its clock.
"""
