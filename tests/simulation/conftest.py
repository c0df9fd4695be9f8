"""A folder in memory for every simulation, and the figures that they add up to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulation.faults import FIGURES
from tests.simulation.practice import fast_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    with fast_folder() as place:
        yield place


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell what the engine went through, and what was lost, doubled or half written by it."""
    if FIGURES:
        reported = ", ".join(f"{name} {times:,}" for name, times in sorted(FIGURES.items()))
        terminalreporter.write_line(f"engine: {reported}")
