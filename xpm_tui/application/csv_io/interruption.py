"""Ctrl-C and other signals during an import: acknowledged at once, obeyed until the file is written."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from xpm_tui.domain.errors import AppError

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class ImportStopped(AppError):
    """The import was stopped before anything of its file was written."""

    code = "stopped"


class Interruption:
    """Whether somebody wants an import to stop.

    Reading and comparing a file write nothing, so that they can be left at any row. Once all of it is being
    written in one commit, the commit is waited for.
    """

    def __init__(self, say: Callable[[str], None], file: str) -> None:
        self._say = say
        self._file = file
        self._signal = 0
        self._writing = False

    @property
    def came_late(self) -> bool:
        """Whether somebody wanted to stop when the file was being written already."""
        return bool(self._signal) and self._writing

    def check(self) -> None:
        """Raise :class:`ImportStopped` where somebody wants to stop."""
        if self._signal and not self._writing:
            stopped = ImportStopped(
                f"Stopped. Nothing of {self._file} was imported.", hint="Import the file again to start over."
            )
            stopped.exit_code = 128 + self._signal
            stopped.logged = True
            raise stopped

    def write(self) -> None:
        """From now on everything is written. Raises :class:`ImportStopped` where it is not too late."""
        self.check()
        self._writing = True

    def again(self) -> None:
        """Nothing was written after all: the store had changed."""
        self._writing = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals meanwhile, where this is the main thread; what was set before is set again."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        taken = [number for number in _SIGNALS if before[number] is not signal.SIG_IGN]
        for number in taken:
            signal.signal(number, self._hit)
        if _is_being_cancelled():
            self._hit(signal.SIGINT, None)
        try:
            yield
        finally:
            for number in taken:
                signal.signal(number, before[number])

    def _hit(self, number: int, frame: FrameType | None) -> None:
        self._signal = number
        self._say(
            f"{self._file} is being saved: this takes a moment."
            if self._writing
            else "Stopping: nothing has been saved yet."
        )


def _is_being_cancelled() -> bool:
    """Whether a signal came before the import began, which this task will be told of only when it waits."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return False
    return task is not None and task.cancelling() > 0
