"""Tests of planning and applying."""
