"""Known problems as data: symptom, cause, remedy, and what to tell Xero support.

One file per place where they show.
"""
