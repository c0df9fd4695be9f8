"""A clock that stands still until a test moves it; sleeping moves it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

START = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)


class MovedClock:
    """Implements the Clock port in simulated time."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._passed = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._passed

    async def sleep(self, seconds: float) -> None:
        self.move(timedelta(seconds=max(0.0, seconds)))
        await asyncio.sleep(0)

    def move(self, by: timedelta) -> None:
        """Let time pass; a negative step moves the wall clock alone."""
        self._now += by
        self._passed += max(0.0, by.total_seconds())
