"""The work queue in memory: the fake of the port, shared by the workers of one test."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from xpm_tui.domain.shared_state import Perform, QueuedJob, QueueStatus, Timetable, WorkerProcess


class MemoryQueue:
    """Jobs in a dict: practice to whether one waits, and by whom one is performed."""

    def __init__(self) -> None:
        self.waiting: list[str] = []
        self.begins: dict[str, float] = {}
        self.running: dict[str, str] = {}
        self.workers: dict[str, WorkerProcess] = {}
        self.ticks: set[str] = set()

    async def enqueue(self, practice: str, *, after: float = 0.0) -> bool:
        if practice in self.waiting:
            return False
        self.begins[practice] = time.monotonic() + after
        self.waiting.append(practice)
        return True

    async def run(
        self,
        worker: WorkerProcess,
        timetable: Callable[[], Timetable],
        perform: Perform,
        stop: asyncio.Event,
    ) -> None:
        self.workers[worker.id] = worker
        tasks: set[asyncio.Task[None]] = set()

        async def one(practice: str) -> None:
            after = await perform(practice)
            if after is not None:
                await self.enqueue(practice, after=after)
            del self.running[practice]

        while not stop.is_set():
            for practice in timetable():
                if practice not in self.ticks:  # the last minute; a test does not last until the next
                    self.ticks.add(practice)
                    await self.enqueue(practice)
            await self.rescue()
            for practice in [each for each in self.waiting if each in timetable()]:
                if practice not in self.running and self.begins[practice] <= time.monotonic():
                    self.waiting.remove(practice)
                    self.running[practice] = worker.id
                    tasks.add(asyncio.create_task(one(practice)))
            await asyncio.sleep(0.001)
        await asyncio.gather(*tasks)
        del self.workers[worker.id]

    async def rescue(self) -> list[str]:
        lost = [practice for practice, owner in self.running.items() if owner not in self.workers]
        for practice in lost:
            del self.running[practice]
            await self.enqueue(practice)
        return lost

    async def status(self) -> QueueStatus:
        return QueueStatus(
            workers=tuple(self.workers.values()),
            jobs=(
                *(QueuedJob(practice=each, state="running") for each in self.running),
                *(QueuedJob(practice=each, state="waiting") for each in self.waiting),
            ),
        )

    async def close(self) -> None:
        self.workers.clear()
