"""The port of the queue by which workers on several machines share the scheduled work of practices.

A job says only that a practice is to be looked at: what is due is decided from the practice's own data, and
its journal alone says what was written to XPM. A lost, dropped or repeated job therefore does no harm.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol

import msgspec

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
