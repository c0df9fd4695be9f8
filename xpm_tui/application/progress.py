"""How far a piece of work is, for a screen or a terminal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Phase = Literal["lists", "plan", "apply", "stop"]


@dataclass(frozen=True)
class Progress:
    """``done`` of ``total`` steps of a phase; ``total`` of 0: not known. ``calls`` to Xero so far.

    ``expected`` are the calls that the whole work was estimated to take, 0 where nobody knows. The phase
    ``stop`` says that somebody has just asked to stop.
    """

    phase: Phase
    done: int = 0
    total: int = 0
    calls: int = 0
    expected: int = 0


Report = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """Nobody looks."""
