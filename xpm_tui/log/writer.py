"""Writing the log: append-only JSON lines, one file per UTC day, shared by all processes of a practice.

A line goes out in one ``write`` on a descriptor opened with ``O_APPEND``, so that lines of several processes
never mix (POSIX.1-2017, ``write``). The log may lose its last second on power loss; nothing is decided by it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from xpm_tui.domain.errors import AppError
from xpm_tui.domain.events import Event, Severity
from xpm_tui.domain.ports import Clock
from xpm_tui.files.private import ensure_private, open_private
from xpm_tui.log.reader import EVERYTHING, RANK, EventFilter, Tail, day_files, newest_first

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: sorts like the number it writes
_RANDOM_BITS = 40

_run: ContextVar[str] = ContextVar("xpm_tui_run", default="")


@contextmanager
def during(run: str) -> Iterator[None]:
    """Everything reported inside, by this task and those it starts, belongs to ``run``."""
    token = _run.set(run)
    try:
        yield
    finally:
        _run.reset(token)


class EventLog:
    """The events of one practice. Making one touches no disk; the folder comes with the first event.

    Reporting never fails the work: what the disk refuses is counted in ``lost`` and told by one event as soon
    as the disk takes lines again. ``least`` is the least severity that is written down.
    """

    def __init__(self, folder: Path, clock: Clock, person: str = "", *, least: Severity = "debug") -> None:
        self.folder = folder
        self.lost = 0
        self._least = RANK[least]
        self._clock = clock
        self._person = person
        self._fd = -1
        self._day = ""
        self._last = 0
        self._encode = msgspec.json.Encoder().encode

    def emit(self, event: Event) -> None:
        """Append one event; ``id``, ``at``, ``by`` and ``run`` are filled in where empty."""
        if RANK[event.level] < self._least:
            return
        try:
            at = event.at or self._clock.now()
            full = msgspec.structs.replace(
                event,
                at=at,
                id=event.id or self._new_id(at),
                by=event.by or self._person,
                run=event.run or _run.get(),
            )
            self._append(full, at)
        except (OSError, AppError, ValueError, TypeError, msgspec.MsgspecError):
            self.lost += 1
            self.close()

    def read(
        self, wanted: EventFilter = EVERYTHING, names: Callable[[str], str] | None = None
    ) -> Iterator[Event]:
        """Events that ``wanted`` lets through, newest first. ``names`` is used by a text filter only."""
        return newest_first(self.folder, wanted, names)

    def tail(self, *, last: int = 0) -> Tail:
        """Follow the log from now on; the first poll also gives the ``last`` events before."""
        return Tail(self.folder, last=last)

    def drop_older(self, days: int) -> int:
        """Remove the files of days more than ``days`` ago; gives how many. ``days`` of 0 keeps all."""
        if days <= 0:
            return 0
        limit = (self._clock.now() - timedelta(days=days)).date().isoformat()
        gone = 0
        for path in day_files(self.folder):
            if path.stem < limit:
                path.unlink(missing_ok=True)
                gone += 1
        return gone

    def close(self) -> None:
        """Let go of the file; the next event opens it again."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            with suppress(OSError):
                os.close(fd)

    def _append(self, event: Event, at: datetime) -> None:
        day = at.date().isoformat()
        if self._fd < 0 or day != self._day or os.fstat(self._fd).st_nlink == 0:
            self._open(day)
        if self.lost:
            told = Event(
                key="log.lost",
                level="warning",
                at=at,
                id=self._new_id(at),
                by=self._person,
                numbers={"events": self.lost},
            )
            self._write(told)
            self.lost = 0
        self._write(event)

    def _write(self, event: Event) -> None:
        line = self._encode(event) + b"\n"
        if os.write(self._fd, line) != len(line):
            raise OSError("the line was cut")  # the next opening puts a line end after the torn piece

    def _open(self, day: str) -> None:
        self.close()
        ensure_private(self.folder)
        self._fd = open_private(self.folder / f"{day}.jsonl", os.O_RDWR | os.O_APPEND | os.O_CREAT)
        self._day = day
        size = os.fstat(self._fd).st_size
        if size and os.pread(self._fd, 1, size - 1) != b"\n":
            os.write(self._fd, b"\n")

    def _new_id(self, at: datetime) -> str:
        """Time in milliseconds, then chance: sorts by time, and within a process by order of making."""
        fresh = (int(at.timestamp() * 1000) << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS - 1)
        self._last = max(fresh, self._last + 1)
        number, text = self._last, ""
        for _ in range(18):
            number, digit = divmod(number, 32)
            text = _ALPHABET[digit] + text
        return text
