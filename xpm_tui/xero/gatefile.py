"""The gate's memory: calls of the last minute, calls in flight and the day, in one file of the practice.

All processes of the practice share it. It is replaced whole, but not forced to the disk: after a power loss
the minute that it remembers is over anyway.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from xpm_tui.files.atomic import replace_bytes
from xpm_tui.files.disk import Disk
from xpm_tui.files.locks import Lock
from xpm_tui.files.private import ensure_private
from xpm_tui.model.ports import Clock

MINUTE = 60.0
DAY = 86_400.0
BUCKET = 600.0
"""Seconds of one count of the day's log."""

STALE = 7_200.0
"""Seconds after which a call in flight is no longer believed in (a process number may be given anew)."""


class Ticket(msgspec.Struct, array_like=True):
    """One call: a number, who made it, and when it last touched the server (seconds since 1970).

    ``pid`` 0: not in flight. ``push``: made for a run, not for a person.
    """

    id: str
    pid: int
    at: float
    push: bool


class State(msgspec.Struct, omit_defaults=True):
    """What the file holds. ``day_left`` is what Xero told at ``day_at``; ``buckets`` our own calls by time.

    ``since_day_at`` counts our calls since then, ``day_most`` is the most that Xero ever told.
    """

    tickets: list[Ticket] = []
    closed_until: float = 0.0
    day_until: float = 0.0
    day_left: int | None = None
    day_at: float = 0.0
    day_most: int = 0
    since_day_at: int = 0
    buckets: list[tuple[float, int]] = []


class _Light(Disk):
    def fsync(self, fd: int) -> None:
        """Not needed here: see the module."""

    def sync_folder(self, folder: Path) -> None:
        """Not needed here: see the module."""


_LIGHT = _Light()


class GateFile:
    """The file and its lock. Each visit is short and never waits for the network."""

    def __init__(self, path: Path, *, clock: Clock, person: str = "") -> None:
        self.path = path
        self._clock = clock
        self._made = False
        self._lock = Lock(
            path.with_name(path.name + ".lock"), clock=clock, person=person, what="makes a call"
        )

    @contextmanager
    def visit(self) -> Iterator[State]:
        """Read, change and write back, alone. Raises ``Busy`` after ten seconds, ``DiskTrouble``."""
        if not self._made:
            ensure_private(self.path.parent)
            self._made = True
        with self._lock.hold(timeout=10.0):
            state = self.read()
            try:
                yield state
            finally:
                replace_bytes(self.path, msgspec.json.encode(state), disk=_LIGHT)

    def read(self) -> State:
        """What the file says, tidied for now: calls out of the minute and of dead processes dropped."""
        now = self._clock.now().timestamp()
        try:
            state = msgspec.json.decode(self.path.read_bytes(), type=State)
        except FileNotFoundError:
            return State()
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            # Unknown is not empty: take the minute as spent rather than spend it twice.
            return State(closed_until=now + MINUTE)
        return tidy(state, now)

    def close(self) -> None:
        """Give the lock's descriptor back."""
        self._lock.close()


def tidy(state: State, now: float) -> State:
    """Drop what no longer counts at ``now``; a time ahead of the clock counts as now."""
    kept = []
    for ticket in state.tickets:
        ticket.at = min(ticket.at, now)
        if ticket.pid and (now - ticket.at > STALE or not _alive(ticket.pid)):
            ticket.pid = 0
        if ticket.pid or now - ticket.at < MINUTE:
            kept.append(ticket)
    state.tickets = kept
    state.closed_until = min(state.closed_until, now + DAY)
    state.day_until = min(state.day_until, now + DAY)
    state.day_at = min(state.day_at, now)
    state.buckets = [(at, n) for at, n in state.buckets if now - at < 2 * DAY + BUCKET]
    if now - state.day_at > DAY:
        state.day_left = None
    return state


def _alive(pid: int) -> bool:
    if pid == os.getpid():
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def left_today(state: State, now: float) -> int | None:
    """Calls left of the day: what Xero told, less ours since, plus ours that have left the day since."""
    if state.day_left is None:
        return None
    freed = sum(n for at, n in state.buckets if at + BUCKET + DAY <= now and at + BUCKET + DAY > state.day_at)
    return max(0, state.day_left - state.since_day_at + freed)


def more_at(state: State, now: float, wanted: int) -> float:
    """When ``wanted`` calls of the day will be left, as far as our own calls tell; else in an hour."""
    left = left_today(state, now) or 0
    for at, n in sorted(state.buckets):
        free = at + BUCKET + DAY
        if free <= now:
            continue
        left += n
        if left >= wanted:
            return free
    return now + 3600.0


def count_call(state: State, now: float) -> None:
    """Add one call to the day's log."""
    start = now - now % BUCKET
    if state.buckets and state.buckets[-1][0] == start:
        state.buckets[-1] = (start, state.buckets[-1][1] + 1)
    else:
        state.buckets.append((start, 1))
    state.since_day_at += 1
