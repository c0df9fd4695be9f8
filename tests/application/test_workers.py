"""Workers: what they serve and how they end; and a fleet in which workers and the database are killed."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.fleet import wait_until
from tests.support.memory_queue import MemoryQueue
from tests.support.profile import count
from xpm_tui.application import practice_worker
from xpm_tui.application.home import add_practice, find_home
from xpm_tui.application.practice_worker import PracticeWorker, WorkReport
from xpm_tui.domain.errors import BadInput

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
    script.write_text('print(\'{"ok": true, "outcome": "skipped", "why": "running"}\')')
    queue.ticks.clear()
    queue.waiting.clear()
    await work(ScriptedWorker(folder, queue, reports), reports, 6)
    assert sorted(queue.waiting) == ["harbour", "te-aroha"], "that run may be lost with its machine"


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


@pytest.mark.soak
def test_nothing_is_lost_or_repeated_while_machines_and_networks_fail() -> None:
    """Three hosts; workers and PostgreSQL are killed, commits lost, hosts cut off, which then come back."""
    practices, times = count(6, 12, 24), count(6, 14, 28)
    words = ["--practices", str(practices), "--times", str(times), "--limit", str(count(280, 900, 1800))]
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.fleet_round", *words], capture_output=True, text=True
    )
    assert done.stdout, done.stderr
    verdict = json.loads(done.stdout)
    if "skipped" in verdict:
        pytest.skip(verdict["skipped"])
    assert verdict["ok"], verdict
    assert verdict["runs_cut_short"] > 0, "no fault hit a run"
