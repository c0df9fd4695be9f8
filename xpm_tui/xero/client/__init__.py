"""Calls to the Practice Manager API: transport, retries, errors, and the calls themselves."""
