"""Known problems as data: symptom, cause, remedy, and what to tell Xero's support.

There is one file for each place where they appear.
"""
