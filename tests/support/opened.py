"""Verbs that open a practice over a network and a clock of the tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from xpm_tui.application import practice, timer
from xpm_tui.application.health import maintenance, probe_facts
from xpm_tui.application.status import practices

# These keep the function that they find when they are loaded: that must be the real one, for tests to come.

KEEPERS = (timer, probe_facts, maintenance, practices)


def open_otherwise(monkeypatch: pytest.MonkeyPatch, make: Callable[..., practice.OpenPractice]) -> None:
    """From now on verbs open a practice by ``make``, called like ``open_practice`` with that before."""
    opened = practice.open_practice
    assert all(getattr(each, "open_practice") is opened for each in KEEPERS)  # noqa: B009 - loads it

    def open_practice(*args: Any, **more: Any) -> practice.OpenPractice:
        return make(opened, *args, **more)

    monkeypatch.setattr(practice, "open_practice", open_practice)
