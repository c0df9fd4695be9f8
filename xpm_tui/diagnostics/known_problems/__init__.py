"""Known problems as data: symptom, cause, remedy, and what to send to Xero's support.

There is one module per area.
"""
