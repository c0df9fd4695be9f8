"""Tests of deployment: calendar, previews, every step under every fault, a year of occurrences."""
