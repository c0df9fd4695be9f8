"""Ports of what the machines of one practice share besides its data: locks, small records, clock and queue.

A practice on one machine uses lock files and files of that machine instead. ``StoreUnreadable`` includes a
database that cannot be reached.

A job of the queue says only that a practice is to be looked at: what is due is decided from the practice's
own data, and its journal alone says what was written to XPM. A lost, dropped or repeated job therefore does
no harm.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from xpm_tui.domain.ports import Clock


class RunLock(Protocol):
    """A lock of a practice across processes; it ends with the process that holds it."""

    @property
    def held(self) -> bool:
        """Return whether this object holds it."""

    def acquire(self, timeout: float = 0.0, *, what: str | None = None) -> None:
        """Acquire the lock, waiting up to ``timeout`` seconds (0: one attempt, negative: without limit).

        Raises ``Busy``, naming the holder, ``DiskError`` and ``StoreUnreadable``.
        """

    def release(self) -> None:
        """Release the lock; does nothing if it is not held."""

    def hold(self, timeout: float = 0.0, *, what: str | None = None) -> AbstractContextManager[None]:
        """Hold the lock for a ``with`` block; raises what :meth:`acquire` raises."""

    def close(self) -> None:
        """Release the lock completely."""


class RecordState:
    """A shared record while it is locked: its bytes, and the numbers of the processes that are alive."""

    def __init__(self, data: bytes | None, alive: Sequence[int]) -> None:
        self.data = data
        self.alive = frozenset(alive)


class SharedRecord(Protocol):
    """A small record that the processes of all machines change one at a time."""

    @property
    def process(self) -> int:
        """The number that shows other processes that this one is alive."""

    def read(self) -> RecordState:
        """Return the record. Raises ``StoreUnreadable``."""

    def change(self) -> AbstractContextManager[RecordState]:
        """Lock the record, and write the final ``data`` unless an error is raised.

        Raises ``StoreUnreadable``, ``DiskError`` and ``Busy``.
        """


class SharedState(Protocol):
    """What the machines of a practice share, stored with its data."""

    def record(self, name: str) -> SharedRecord:
        """Return the record with this name."""

    def login_lock(self, person: str) -> RunLock:
        """Return the lock that lets one process on all machines refresh the tokens."""

    def clock(self, clock: Clock) -> Clock:
        """Return the clock of that place: times that several machines compare must come from one.

        Raises ``StoreUnreadable``.
        """


Timetable = Mapping[str, Sequence[int]]
"""The practices that a worker serves, each with the minutes of the hour at which it is looked at."""


Perform = Callable[[str], Awaitable[float | None]]
"""Looks at a practice, and returns in how many seconds to look again; None: not before its next minute."""


class WorkerProcess(msgspec.Struct, frozen=True, kw_only=True):
    """A worker: where it runs, for whom, how many practices it serves, and when it was last alive."""

    id: str
    machine: str
    person: str
    version: str
    practices: int
    since: datetime
    seen: datetime


class QueuedJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job that waits or is running."""

    practice: str
    state: Literal["waiting", "running"]


class QueueStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The workers, and the jobs in the order in which they were added."""

    workers: tuple[WorkerProcess, ...] = ()
    jobs: tuple[QueuedJob, ...] = ()

    def practices(self, state: str) -> list[str]:
        """Return the practices of the jobs in a state."""
        return [job.practice for job in self.jobs if job.state == state]


class WorkQueue(Protocol):
    """A queue with at most one waiting and one running job for each practice.

    Every method raises ``StoreUnreadable``; ``StoreUnreachable`` is one.
    """

    async def enqueue(self, practice: str, *, after: float = 0.0) -> bool:
        """Add a job for a practice, to begin in ``after`` seconds; False if one is waiting already."""

    async def run(
        self,
        worker: WorkerProcess,
        timetable: Callable[[], Timetable],
        perform: Perform,
        stop: asyncio.Event,
    ) -> None:
        """Perform jobs of the practices in the timetable until ``stop`` is set, and let running ones end.

        A practice whose minute has come gets a job, once for all workers; one whose last minute was missed,
        as no worker was running, gets it at the start. Jobs of workers that were killed are rescued. If the
        queue cannot be reached, it is tried again.
        """

    async def rescue(self) -> list[str]:
        """Put back the jobs of workers that have shown no sign of life; return their practices."""

    async def status(self) -> QueueStatus:
        """Return the workers and jobs."""

    async def close(self) -> None:
        """Close the connections."""
