"""The contract of the work queue: in memory, and Procrastinate in PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from tempfile import mkdtemp

import psycopg
import pytest

from tests.support.cutting_proxy import CuttingProxy
from tests.support.memory_queue import MemoryQueue
from tests.support.postgres_server import fresh_practice, private_server
from xpm_tui.domain.errors import StoreUnreadable
from xpm_tui.domain.shared_state import Perform, WorkerProcess, WorkQueue
from xpm_tui.store.postgres_queue import ProcrastinateQueue

_numbers = count(1)
NOW = datetime.now(UTC)
Queues = Callable[[], WorkQueue]


@pytest.fixture(params=["memory", "postgres"])
async def queues(request: pytest.FixtureRequest) -> AsyncIterator[Queues]:
    """What opens the same queue again, as another worker does."""
    made: list[WorkQueue] = []
    shared = MemoryQueue()
    url = fresh_practice()[0] if request.param == "postgres" else ""

    def opened() -> WorkQueue:
        made.append(ProcrastinateQueue(url, heartbeat=0.1, silent=0.3) if url else shared)
        return made[-1]

    yield opened
    for each in made:
        await each.close()


def names(count: int) -> list[str]:
    return [f"q{os.getpid()}-{next(_numbers)}" for _ in range(count)]


def process(name: str) -> WorkerProcess:
    return WorkerProcess(id=name, machine="m1", person="kim", version="1", practices=0, since=NOW, seen=NOW)


@asynccontextmanager
async def working(
    queue: WorkQueue, serves: list[str], perform: Perform, name: str = ""
) -> AsyncIterator[None]:
    stop = asyncio.Event()
    every = dict.fromkeys(serves, ((NOW.minute + 30) % 60,))  # once half an hour ago, and not soon
    who = process(name or names(1)[0])
    task = asyncio.create_task(queue.run(who, lambda: every, perform, stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, 10)


async def until(is_true: Callable[[], bool]) -> None:
    deadline = asyncio.get_running_loop().time() + 10
    while not is_true():
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.005)


async def abandon(queue: WorkQueue, practice: str) -> None:
    """A worker begins the job of a practice, and is killed."""
    assert await queue.enqueue(practice)
    if isinstance(queue, MemoryQueue):
        queue.waiting.remove(practice)
        queue.running[practice] = "killed"
        return
    assert isinstance(queue, ProcrastinateQueue)
    async with queue._opened() as app:
        number = await app.job_manager.register_worker()
        assert await app.job_manager.fetch_job([practice], number)
        await app.connector.execute_query_async(
            "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute' WHERE id = %(id)s",
            id=number,
        )


async def test_each_minute_is_performed_once_by_all_workers(queues: Queues) -> None:
    serves, seen = names(3), list[str]()

    async def perform(practice: str) -> float | None:
        assert seen.count(practice) == 0, "performed twice for one minute"
        seen.append(practice)
        await asyncio.sleep(0.01)
        return None

    first, second = queues(), queues()
    async with working(first, serves, perform, "w1"), working(second, serves, perform, "w2"):
        await until(lambda: len(seen) == 3)
        workers = (await queues().status()).workers
        assert {"w1", "w2"} <= {each.id for each in workers}
    async with working(queues(), serves, perform):
        await asyncio.sleep(0.02)  # the minute was performed before this worker began
    assert sorted(seen) == sorted(serves)
    status = await queues().status()
    assert not {"w1", "w2"} & {each.id for each in status.workers}, "a worker that ended is not shown"
    assert not [job for job in status.jobs if job.practice in serves]


async def test_a_practice_has_one_waiting_and_one_running_job(queues: Queues) -> None:
    queue, (name, other) = queues(), names(2)
    now, most, done, go = 0, 0, 0, asyncio.Event()

    async def perform(practice: str) -> float | None:
        nonlocal now, most, done
        assert practice == name, "a worker performs only jobs of practices that it serves"
        now, most = now + 1, max(most, now + 1)
        await go.wait()
        now, done = now - 1, done + 1
        return None

    assert await queue.enqueue(other)
    assert await queue.enqueue(name)
    assert not await queue.enqueue(name)
    async with working(queue, [name], perform):
        await until(lambda: now == 1)
        await queues().enqueue(name)  # one may wait while one runs: the worker may have added it by now
        assert not await queues().enqueue(name)
        states = [(job.practice, job.state) for job in (await queue.status()).jobs if job.practice == name]
        assert sorted(states) == [(name, "running"), (name, "waiting")]
        go.set()
        await until(lambda: done == 2)
    assert most == 1
    assert not await queues().enqueue(other)


@pytest.mark.parametrize("waits", [False, True], ids=["alone", "another-waits"])
async def test_the_job_of_a_killed_worker_is_rescued(queues: Queues, waits: bool) -> None:
    queue, (name,), seen = queues(), names(1), list[str]()

    async def perform(practice: str) -> float | None:
        seen.append(practice)
        return None

    await abandon(queue, name)
    if waits:
        assert await queue.enqueue(name)
    assert name in await queue.rescue()
    assert name not in await queue.rescue()
    jobs = [job.state for job in (await queue.status()).jobs if job.practice == name]
    assert jobs == ["waiting"]
    await abandon(queues(), (second := names(1)[0]))
    async with working(queues(), [name, second], perform):
        await until(lambda: {name, second} <= set(seen))


async def test_stopping_waits_for_jobs_that_are_running(queues: Queues) -> None:
    (name,), ended, begun, go = names(1), list[str](), asyncio.Event(), asyncio.Event()

    async def perform(practice: str) -> float | None:
        begun.set()
        await go.wait()
        ended.append(practice)
        return None

    queue = queues()
    async with working(queue, [name], perform):
        await begun.wait()
        asyncio.get_running_loop().call_later(0.05, go.set)
    assert ended == [name]
    assert not [job for job in (await queue.status()).jobs if job.practice == name]


@pytest.mark.parametrize("waits", [False, True], ids=["alone", "another-waits"])
async def test_a_practice_is_looked_at_again_when_its_look_says_so(queues: Queues, waits: bool) -> None:
    (name,), seen, queue = names(1), list[float](), queues()

    async def perform(practice: str) -> float | None:
        seen.append(asyncio.get_running_loop().time())
        if waits and len(seen) == 1:
            assert await queue.enqueue(practice, after=0.05)
        return 0.05 if len(seen) == 1 else None

    async with working(queue, [name], perform):
        await until(lambda: len(seen) == 2)
        assert seen[1] - seen[0] >= 0.05
    assert not [job for job in (await queues().status()).jobs if job.practice == name]


async def test_a_job_that_is_ended_by_its_worker_is_left_to_another(queues: Queues) -> None:
    (name,), begun, go, queue = names(1), asyncio.Event(), asyncio.Event(), queues()

    async def perform(practice: str) -> float | None:
        begun.set()
        await go.wait()
        return 0

    async with working(queue, [name], perform):
        await begun.wait()
        asyncio.get_running_loop().call_later(0.05, go.set)
    jobs = [job.state for job in (await queues().status()).jobs if job.practice == name]
    assert jobs == ["waiting"]


async def test_a_look_that_is_to_be_repeated_outlasts_a_lost_queue(tmp_path: Path) -> None:
    """The database is away when the look ends, for longer than connections are tried again."""
    (name,), seen = names(1), list[str]()
    proxy = CuttingProxy(
        Path(mkdtemp(prefix="xpm-q-", dir="/tmp")), private_server().folder / ".s.PGSQL.5432"
    )
    lost: list[str] = []
    queue = ProcrastinateQueue(
        proxy.url(), heartbeat=0.1, silent=0.3, patience=0.2, notice=lambda each: lost.append(each.message)
    )

    async def perform(practice: str) -> float | None:
        seen.append(practice)
        if len(seen) == 1:
            proxy.go_away()
            return 0.05
        return None

    async with working(queue, [name], perform):
        await until(lambda: bool(lost))
        proxy.away = False
        await until(lambda: len(seen) == 2)
    await queue.close()
    proxy.close()
    shutil.rmtree(proxy.folder)


async def test_a_role_without_rights_and_a_lost_server_are_reported() -> None:
    """The first ends the worker; the second is reported once, and waited for."""
    server = private_server()
    url = server.address()
    owner = ProcrastinateQueue(url, heartbeat=0.1)
    await owner.enqueue(names(1)[0])
    await owner.close()
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("DROP ROLE IF EXISTS queue_reader")
        admin.execute("CREATE ROLE queue_reader LOGIN")
    reader = ProcrastinateQueue(server.address(user="queue_reader"), heartbeat=0.1)
    assert (await reader.status()).jobs
    with pytest.raises(StoreUnreadable, match="lacks a permission for the queue"):
        await reader.run(process("reader"), lambda: {"a": (0,)}, nothing, asyncio.Event())
    await reader.close()

    lost: list[str] = []
    stop = asyncio.Event()
    nowhere = ProcrastinateQueue(
        "postgresql://kim@/xpm?host=/nowhere", heartbeat=0.01, notice=lambda each: lost.append(each.message)
    )
    asyncio.get_running_loop().call_later(0.1, stop.set)
    await nowhere.run(process("w"), lambda: {"a": (0,)}, nothing, stop)
    assert len(lost) == 1
    assert "cannot be reached" in lost[0]


async def nothing(practice: str) -> float | None:
    return None


async def test_a_timetable_may_change_while_a_worker_runs(queues: Queues) -> None:
    (first, second), seen, stop = names(2), list[str](), asyncio.Event()
    minute = ((NOW.minute + 30) % 60,)
    table = {first: minute}

    async def perform(practice: str) -> float | None:
        seen.append(practice)
        return None

    task = asyncio.create_task(queues().run(process("w3"), lambda: dict(table), perform, stop))
    await until(lambda: seen == [first])
    table.clear()
    await asyncio.sleep(0.15)
    table[second] = minute
    await until(lambda: seen == [first, second])
    assert await queues().enqueue(first), "nobody serves it any more"
    await asyncio.sleep(0.15)
    assert seen == [first, second]
    stop.set()
    await task
