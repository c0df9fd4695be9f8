"""Communication with Xero: login, rate limiter, client and codec.

This is the only package that uses HTTP.
"""
