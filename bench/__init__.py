"""Measurements, run with ``python -m bench``; speed is measured here and never asserted by a test."""
