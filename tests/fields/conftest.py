"""The fixtures of the tests of the application layer: an open practice in a folder of its own."""

from __future__ import annotations

from tests.application.conftest import clock, home, practice

__all__ = ["clock", "home", "practice"]
