"""Virtual time: an event loop whose clock jumps when nothing is left to do, and the Clock port over it.

``run_virtual(coroutine)`` runs hours of pacing in milliseconds and in a fixed order. Sockets and threads have
no part in it: a real call would time out at once.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

START = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)


class _Jumping(selectors.DefaultSelector):
    """A selector that does not wait: it moves the loop's time by as much as it was to wait."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise RuntimeError("deadlock in virtual time: every task waits for something that never comes")
        self.passed += max(0.0, timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return float(self._jumping.passed)


class VirtualClock:
    """The Clock port over a virtual loop."""

    def __init__(self, start: datetime = START, ahead: timedelta = timedelta(0)) -> None:
        self._start = start + ahead

    def now(self) -> datetime:
        return self._start + timedelta(seconds=asyncio.get_running_loop().time())

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
