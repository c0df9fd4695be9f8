"""The progress of some work, for a screen or a terminal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Phase = Literal["lists", "plan", "apply", "stop"]


@dataclass(frozen=True)
class Progress:
    """``done`` of ``total`` steps of a phase; ``total`` of 0: unknown. ``calls`` to Xero so far.

    ``expected`` is the estimated number of calls, 0 if it is unknown. The phase ``stop`` says that someone
    has just asked to stop.
    """

    phase: Phase
    done: int = 0
    total: int = 0
    calls: int = 0
    expected: int = 0


Report = Callable[[Progress], None]


def ignore_progress(progress: Progress) -> None:
    """Ignore the progress."""
