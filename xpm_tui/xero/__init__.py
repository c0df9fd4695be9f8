"""Reach Xero: login, rate limiter, client and codec.

The only package that knows HTTP.
"""
