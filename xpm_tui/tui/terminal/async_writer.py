"""What is sent to the terminal, on its way there: nobody has to wait for a terminal that takes nothing.

A line that hangs would otherwise hold the console up in the middle of a picture, deaf to keys, to SIGTERM and
to the hang-up that follows.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from threading import Condition, Thread
from typing import TextIO

ROOM = 32_768
"""Bytes that may wait. More would cost the line more than a whole new picture does."""
PIECE = 2_048
"""Bytes that are handed to the terminal at once."""
PATIENCE = 2.0
"""Seconds in which a terminal must take a piece, for whoever leaves to wait for the rest."""


class AsyncWriter:
    """Sends text from a thread of its own, in order. Once the terminal is gone, what is written is lost."""

    def __init__(self, file: TextIO, caught_up: Callable[[], None]) -> None:
        """``caught_up`` is called in that thread when nothing waits any more after too much did."""
        self._file = file
        self._caught_up = caught_up
        self._changed = Condition()
        self._pieces: list[bytes] = []
        self._waiting = self._taken = 0
        self._behind = self._gone = False
        self._thread: Thread | None = None

    @property
    def behind(self) -> bool:
        """Whether so much waits that new pictures should not be added, until all of it was taken."""
        return self._behind

    def write(self, text: str) -> None:
        """Send; returns at once."""
        data = text.encode(self._file.encoding, self._file.errors or "replace")
        with self._changed:
            if self._gone or not data:
                return
            self._pieces.append(data)
            self._waiting += len(data)
            self._behind = self._behind or self._waiting > ROOM
            self._changed.notify_all()
            if self._thread is None:
                self._thread = Thread(target=self._run, name="terminal", daemon=True)
                self._thread.start()

    def finish(self) -> None:
        """Wait until all was taken, or until the terminal takes nothing for ``PATIENCE`` seconds."""
        with self._changed:
            self._behind = False  # nobody is left to be told
            while self._waiting:
                before = self._taken
                if not self._changed.wait(PATIENCE) and self._taken == before:
                    return

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pieces)
                data, self._pieces = b"".join(self._pieces), []
            while data:
                try:
                    sent = os.write(self._file.fileno(), data[:PIECE])
                except BlockingIOError:  # whoever shares the terminal may have set it so
                    select.select([], [self._file], [])
                    continue
                except (OSError, ValueError):
                    sent, self._gone = len(data), True
                data = data[sent:]
                self._count(sent)
            if self._gone:
                return

    def _count(self, sent: int) -> None:
        with self._changed:
            if self._gone:
                self._pieces, sent = [], self._waiting
            self._waiting -= sent
            self._taken += sent
            told = self._behind and not self._waiting
            self._behind = self._behind and not told
            self._changed.notify_all()
        if told and not self._gone:
            self._caught_up()
