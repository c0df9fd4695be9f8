"""Runs in progress, and runs whose process has ended."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest

from tests.support.postgres_server import fresh_practice
from xpm_tui.application.home import add_practice, find_home
from xpm_tui.application.jobs.queries import refuse_while_created
from xpm_tui.application.practice import OpenPractice, open_practice
from xpm_tui.application.runs import history
from xpm_tui.deploy.occurrences import Occurrence
from xpm_tui.domain.errors import BadInput, Busy, NotFound
from xpm_tui.domain.ignition import Deployment, Workflow
from xpm_tui.domain.ports import Put
from xpm_tui.domain.runs import Run
from xpm_tui.domain.tables import RUNS, STOPS

DAY = date(2026, 7, 1)


def keep(practice: OpenPractice, number: int, pid: int, outcome: str = "running", host: str = "") -> Run:
    run = Run(
        id=f"r{number}", started=practice.clock.now(), by="mere", host=host or socket.gethostname(), pid=pid,
        plan="p1", outcome=outcome,  # type: ignore[arg-type]
    )  # fmt: skip
    practice.store.commit([Put(RUNS, run)])
    return run


def await_position(reader: OpenPractice, writer: OpenPractice) -> None:
    """Wait for the notification of what another machine wrote."""
    deadline = time.monotonic() + 10
    while reader.snapshot().position < writer.snapshot().position:
        assert time.monotonic() < deadline
        time.sleep(0.002)


def dead_pid() -> int:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def test_newest_first_by_number_not_by_text(practice: OpenPractice) -> None:
    for number in (9, 10, 11):
        keep(practice, number, 1, "done")
    assert [run.id for run in history.list_runs(practice)] == ["r11", "r10", "r9"]
    assert history.find_run(practice, "last").id == "r11"
    assert [run.id for run in history.list_runs(practice, 1)] == ["r11"]
    with pytest.raises(NotFound):
        history.find_run(practice, "r99")


def test_a_dead_process_runs_nothing(practice: OpenPractice) -> None:
    keep(practice, 1, dead_pid())
    assert history.current_run(practice) is None
    with pytest.raises(BadInput, match="No run"):
        history.request_stop(practice)
    keep(practice, 2, os.getpid())
    with practice.lock("sync").hold():
        going = history.current_run(practice)
    assert going is not None
    assert going.id == "r2"


@pytest.mark.parametrize("engine", ["disk", "postgres"])
def test_a_run_is_in_progress_while_its_process_holds_the_run_lock(engine: str, tmp_path: Path) -> None:
    """On both engines, whichever machine asks: process ids say nothing about those of another machine."""
    url, name = fresh_practice() if engine == "postgres" else ("", "office")
    environ = {"XPM_TUI_STORE_URL": url} if url else {}
    homes = [find_home(str(tmp_path / each), {}) for each in ("one", "two" if url else "one")]
    for home in homes:
        add_practice(home, name)
    with (
        open_practice(homes[0], name, person="mere", environ=environ) as runs,
        open_practice(homes[1], name, person="ann", environ=environ) as asks,
    ):
        keep(runs, 1, os.getpid())
        await_position(asks, runs)
        workflow = Workflow(id="w1", proposal="p1", name="Accounts", start=DAY, since=DAY)
        row = Deployment(id="w1/2026-07-01", workflow="w1", day=DAY, state="going", run="r1")
        job = Occurrence(
            workflow=workflow, day=DAY, deploy_on=DAY, state="going", automatic=True, deployment=row
        )
        assert history.current_run(asks) is None, "this process lives, but it is not making the run"
        refuse_while_created(asks, job)
        with runs.lock("sync").hold():
            assert history.current_run(asks) is not None
            with pytest.raises(Busy, match="is being created by run r1 right now"):
                refuse_while_created(asks, job)
            keep(runs, 2, dead_pid())
            keep(runs, 3, 1, host="another")
            await_position(asks, runs)
            assert [run.id for run in history.in_progress(asks)] == ["r1"]
        refuse_while_created(asks, job)


def test_stopping_leaves_a_request(practice: OpenPractice) -> None:
    keep(practice, 1, os.getpid())
    with practice.lock("sync").hold():
        assert history.request_stop(practice).id == "r1"
    request = practice.snapshot().get(STOPS, "r1")
    assert request is not None
    assert request.by == "mere"


def test_the_next_run_ends_the_dead_ones(practice: OpenPractice) -> None:
    keep(practice, 1, dead_pid())
    keep(practice, 2, os.getpid())
    ended = history.end_dead(practice, except_="r2")
    assert [run.id for run in ended] == ["r1"]
    assert history.find_run(practice, "r1").outcome == "interrupted"
    assert [event.key for event in practice.events.read()] == ["run.interrupted"]


def test_a_held_run_waits_until_another_one_ended(practice: OpenPractice) -> None:
    keep(practice, 1, 1, "held")
    assert [run.id for run in history.list_held_runs(practice.snapshot())] == ["r1"]
    keep(practice, 2, 1, "skipped")
    assert [run.id for run in history.list_held_runs(practice.snapshot())] == ["r1"]
    keep(practice, 3, 1, "done")
    assert history.list_held_runs(practice.snapshot()) == []
