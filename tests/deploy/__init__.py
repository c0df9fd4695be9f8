"""Tests of deploying: calendar, previews, steps under every fault, a year of occurrences."""
