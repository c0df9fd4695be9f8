"""Time of the simulator: the wall clock, or any other source, and always movable forward."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR

SAMPLE_NOW = datetime(2026, 9, 14, 9, 30, tzinfo=UTC).timestamp()
"""Where a manual clock stands at first: a Monday after Xero's content negotiation became strict."""


class Clock:
    """Seconds since the epoch, UTC, from `source`, plus what was added by `advance`."""

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        self._source = source
        self._offset = 0.0

    @classmethod
    def manual(cls, start: float = SAMPLE_NOW) -> Clock:
        """A clock that stands still at `start` until `advance` moves it."""
        return cls(lambda: start)

    def now(self) -> float:
        return self._source() + self._offset

    def advance(self, seconds: float) -> float:
        """Move on by `seconds` and give the new time. Raises ValueError on a negative step: the rolling
        windows and token lives have no meaning in a time that runs backwards."""
        if seconds < 0:
            raise ValueError("the sandbox clock only moves forward")
        self._offset += seconds
        return self.now()


def utc(moment: float) -> datetime:
    """A moment as an aware datetime."""
    return datetime.fromtimestamp(moment, UTC)


def stamp(moment: float) -> str:
    """`yyyy-MM-ddTHH:mm:ss` without a zone, as Practice Manager writes times."""
    return utc(moment).strftime("%Y-%m-%dT%H:%M:%S")


def stamp7(moment: float) -> str:
    """The form of /connections: seven decimals, no `Z`."""
    return utc(moment).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0"


def day_of(moment: float) -> str:
    """`yyyy-MM-dd` of a moment, in UTC."""
    return utc(moment).strftime("%Y-%m-%d")


def shift_day(day: str, days: int) -> str:
    """A `yyyy-MM-dd` day moved by whole days."""
    return (datetime.fromisoformat(day) + timedelta(days=days)).strftime("%Y-%m-%d")
