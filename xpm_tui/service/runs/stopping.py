"""Stopping a run: by a signal to its process, or by a request that somebody left in the book."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from xpm_tui.model.tables import STOPS
from xpm_tui.service.practice import OpenPractice

T = TypeVar("T")

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):
    """The run was asked to stop before it had begun to write."""


class Stopper:
    """Whether a run was asked to stop. Calling it tells, cheaply; ``signal`` is the one that came, or 0."""

    def __init__(self, practice: OpenPractice, run: str) -> None:
        self._practice = practice
        self._run = run
        self._asked = False
        self._stage: asyncio.Task[Any] | None = None
        self.signal = 0

    def __call__(self) -> bool:
        if not self._asked:
            self._asked = self._practice.snapshot().raw(STOPS, self._run) is not None
        return self._asked

    def check(self) -> None:
        """Raise :class:`Stopped` when asked to stop: for stages that write nothing to XPM."""
        if self():
            raise Stopped

    def hit(self, number: int) -> None:
        """A signal came: stop after the current step, or at once where nothing is written to XPM."""
        self._asked = True
        self.signal = number
        if self._stage is not None:
            self._stage.cancel()

    async def through(self, work: Coroutine[Any, Any, T]) -> T:
        """Do work that may be cut off at any point. Raises :class:`Stopped` when a signal cut it off."""
        if self._asked:
            work.close()
            raise Stopped
        stage = asyncio.ensure_future(work)
        self._stage = stage
        try:
            return await stage
        except asyncio.CancelledError:
            if self.signal:
                raise Stopped from None
            raise
        finally:
            self._stage = None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals meanwhile, where this is the main thread; what was set before is set again."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        before = {number: signal.getsignal(number) for number in SIGNALS}
        taken = [n for n in SIGNALS if before[n] is not signal.SIG_IGN]
        for number in taken:
            loop.add_signal_handler(number, self.hit, int(number))
        try:
            yield
        finally:
            for number in taken:
                loop.remove_signal_handler(number)
                signal.signal(number, before[number])
