"""Workers: what they serve, how they end; and a fleet in which workers and the database are killed."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fleet import TO_XPM, Fleet, wait_until
from tests.support.memory_queue import MemoryQueue
from tests.support.postgres_server import PostgresServer, start_server
from tests.support.profile import count
from tests.support.sandbox_process import sandbox_process
from xpm_tui.application.home import add_practice, find_home
from xpm_tui.application.schedule import practice_worker
from xpm_tui.application.schedule.practice_worker import PracticeWorker, WorkReport
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.runs import UNKNOWN, Run

DATABASE = "postgresql://kim@/xpm?host=/nowhere"
SETTINGS = f'[store]\nurl = "{DATABASE}"\n'


class ScriptedWorker(PracticeWorker):
    """A worker whose processes run ``script`` with the practice as its argument, in place of a sync."""

    def __init__(self, folder: Path, queue: MemoryQueue, reports: list[WorkReport]) -> None:
        super().__init__(
            find_home(str(folder), {}),
            person="kim",
            environ={},
            report=reports.append,
            open_queue=lambda url: queue,
        )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = find_home(str(tmp_path / "home"), {})
    for name in ("harbour", "te-aroha", "files-only"):
        add_practice(home, name)
        if name != "files-only":
            file = home.practice(name)[0] / "settings.toml"
            file.write_text(SETTINGS)
            file.chmod(0o600)
    return tmp_path / "home"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    path = tmp_path / "script.py"
    path.write_text('print(\'{"ok": true, "id": "r7", "outcome": "done"}\')')

    def start(home: object, name: str) -> list[str]:
        return [sys.executable, "-S", str(path), name]

    monkeypatch.setattr(practice_worker, "command_start", start)
    return path


async def work(worker: PracticeWorker, reports: list[WorkReport], number: int) -> None:
    stop = asyncio.Event()
    task = asyncio.create_task(worker.run(stop))
    await wait_until(lambda: len(reports) >= number, 10)
    stop.set()
    await task


async def test_a_worker_serves_the_practices_of_its_home_that_are_in_a_database(
    folder: Path, script: Path
) -> None:
    queue, reports = MemoryQueue(), list[WorkReport]()
    worker = ScriptedWorker(folder, queue, reports)
    assert {url: sorted(names) for url, names in worker.served.items()} == {DATABASE: ["harbour", "te-aroha"]}
    again = ScriptedWorker(folder, queue, reports)
    assert worker.served == again.served, "the minute is the same on every machine"
    (folder / "config" / "settings.toml").write_text("[schedule]\nminute = 7\nevery = '15m'\n")
    (folder / "config" / "settings.toml").chmod(0o600)
    assert set(worker._databases()[DATABASE].values()) == {(7, 22, 37, 52)}
    await work(worker, reports, 2)
    assert [
        (each.practice, each.outcome, each.run) for each in sorted(reports, key=lambda r: r.practice)
    ] == [
        ("harbour", "done", "r7"),
        ("te-aroha", "done", "r7"),
    ]
    for name in ("harbour", "te-aroha"):
        (folder / "config" / "practices" / name / "settings.toml").unlink()
    with pytest.raises(BadInput, match="nothing to do"):
        ScriptedWorker(folder, queue, reports)


async def test_a_busy_practice_counts_as_finished_and_a_failure_ends_no_worker(
    folder: Path, script: Path
) -> None:
    script.write_text(
        "import os, sys\n"
        "if sys.argv[1] == 'harbour':\n"
        '    print(\'{"ok": false, "error": {"code": "busy", "message": "Busy with kim."}}\'); sys.exit(5)\n'
        "os.kill(os.getpid(), 9)\n"
    )
    queue, reports = MemoryQueue(), list[WorkReport]()
    await work(ScriptedWorker(folder, queue, reports), reports, 2)
    found = {each.practice: (each.outcome, each.exit_code, each.message) for each in reports}
    assert found == {"harbour": ("busy", 5, "Busy with kim."), "te-aroha": ("failed", -9, "")}
    assert (queue.waiting, queue.running) == ([], {})
    script.write_text('print(\'{"ok": false, "error": {"code": "store-unreachable", "message": "Lost."}}\')')
    queue.ticks.clear()
    await work(ScriptedWorker(folder, queue, reports), reports, 4)
    assert sorted(queue.waiting) == ["harbour", "te-aroha"], "the sync is still due: looked at again soon"


async def test_runs_that_a_stopping_worker_interrupts_are_left_to_another(
    folder: Path, script: Path, tmp_path: Path
) -> None:
    begun = tmp_path / "begun"
    script.write_text(
        f"import sys, time\nopen({str(begun)!r} + sys.argv[1], 'w').close()\n"
        "if sys.argv[1] == 'harbour': time.sleep(60)\n"
    )
    queue, reports = MemoryQueue(), list[WorkReport]()
    stop = asyncio.Event()
    task = asyncio.create_task(ScriptedWorker(folder, queue, reports).run(stop))
    await wait_until(lambda: Path(f"{begun}harbour").exists() and len(reports) == 1, 10)
    stop.set()
    await task
    assert {each.practice: each.exit_code for each in reports} == {"harbour": -15, "te-aroha": 0}
    assert queue.waiting == ["harbour"]


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[tuple[Fleet, PostgresServer]]:
    server = start_server()
    if isinstance(server, str):
        pytest.skip(server)
    number = count(6, 12, 24)
    with sandbox_process("--tenants", str(number), "--switch", "latency=0.3") as sandbox:
        made = Fleet(tmp_path, server.address(), sandbox, [f"office-{at}" for at in range(number)])
        try:
            yield made, server
        finally:
            made.close()


@pytest.mark.soak
def test_nothing_is_lost_or_repeated_when_workers_and_the_database_are_killed(
    fleet: tuple[Fleet, PostgresServer],
) -> None:
    made, server = fleet
    homes = [made.machine(name, TO_XPM) for name in ("first", "second", "third")]
    asyncio.run(made.connect(homes[0]))
    changed = {name: made.edit(homes[0], name, 4) for name in made.names}
    made.sandbox.control("DELETE", "requests")
    for home in homes:
        made.worker(home, "--jobs", "2")
    deadline = time.monotonic() + count(280, 600, 1200)
    killed, most = 0, count(6, 12, 30)
    while not all(ended(runs) for runs in made.runs(homes[0]).values()):
        assert time.monotonic() < deadline, made.runs(homes[0])
        time.sleep(0.3)
        going = [run for each in made.runs(homes[0]).values() for run in each if run.outcome == "running"]
        if killed == most or not going:
            continue
        if killed % 3 == 2:
            server.kill()
        elif place := made.kill_worker_of(going[-1].pid, machine=killed % 3 == 0):
            made.worker(place, "--jobs", "2")
        killed += 1
        time.sleep(2)
    for worker in made.workers:
        assert worker.poll() is None, "a worker outlives the database"
    assert killed >= 3

    runs = made.runs(homes[0])
    assert any(len(each) > 1 for each in runs.values()), "no run was killed"
    assert {name: len(ended(each)) for name, each in runs.items()} == dict.fromkeys(made.names, 1), (
        "each due sync once"
    )
    # A write that was begun by a killed process and is not in XPM is never sent again without a decision.
    unknown = [stop for each in runs.values() for run in ended(each) for stop in run.stops]
    assert {stop.rule for stop in unknown} <= {UNKNOWN}
    rows = [row for row in made.requests() if row["status"] < 300]
    created = [row for row in rows if row["method"] == "POST" and row["endpoint"] == "client.api/contact"]
    wanted = sum(map(len, changed.values()))
    assert len(created) + sum(stop.counted for stop in unknown) == wanted, "none lost, none repeated"
    assert not [row for row in made.requests() if row["status"] == 429]


def ended(runs: list[Run]) -> list[Run]:
    """The runs that came to their end, as far as they could."""
    return [run for run in runs if run.outcome in ("done", "held")]
