"""Examine a practice and its machine, write the support bundle, and repair a store from outside."""
