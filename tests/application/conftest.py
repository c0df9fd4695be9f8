"""An open practice in a folder of its own, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.moved_clock import MovedClock
from xpm_tui.application.home import Home, find_home
from xpm_tui.application.practice import OpenPractice, open_practice


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return find_home(str(tmp_path / "home"), {})


@pytest.fixture
def practice(home: Home, clock: MovedClock) -> Iterator[OpenPractice]:
    with open_practice(home, person="mere", environ={}, clock=clock) as opened:
        yield opened
