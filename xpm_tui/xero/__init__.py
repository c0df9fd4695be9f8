"""The client of Xero's APIs: login, rate limiter, calls and codec. No other package knows HTTP."""
