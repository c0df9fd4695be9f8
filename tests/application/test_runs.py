"""Live runs and dead ones."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.runs import history
from xpm_tui.domain.errors import BadInput, NotFound
from xpm_tui.domain.ports import Put
from xpm_tui.domain.runs import Run
from xpm_tui.domain.tables import RUNS, STOPS


def keep(practice: OpenPractice, number: int, pid: int, outcome: str = "running") -> Run:
    run = Run(
        id=f"r{number}", started=practice.clock.now(), by="mere", host=socket.gethostname(), pid=pid,
        plan="p1", outcome=outcome,  # type: ignore[arg-type]
    )  # fmt: skip
    practice.store.commit([Put(RUNS, run)])
    return run


def dead_pid() -> int:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def test_newest_first_by_number_not_by_text(practice: OpenPractice) -> None:
    for number in (9, 10, 11):
        keep(practice, number, 1, "done")
    assert [run.id for run in history.list_runs(practice)] == ["r11", "r10", "r9"]
    assert history.show(practice, "last").id == "r11"
    assert [run.id for run in history.list_runs(practice, 1)] == ["r11"]
    with pytest.raises(NotFound):
        history.show(practice, "r99")


def test_a_dead_process_runs_nothing(practice: OpenPractice) -> None:
    keep(practice, 1, dead_pid())
    assert history.current_run(practice) is None
    with pytest.raises(BadInput, match="No run"):
        history.request_stop(practice)
    keep(practice, 2, os.getpid())
    going = history.current_run(practice)
    assert going is not None
    assert going.id == "r2"


def test_a_zombie_is_dead(practice: OpenPractice) -> None:
    child = subprocess.Popen([sys.executable, "-c", "print()"], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.read()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    keep(practice, 1, child.pid)
    assert history.current_run(practice) is None
    child.wait()
    child.stdout.close()


def test_stopping_leaves_a_request(practice: OpenPractice) -> None:
    keep(practice, 1, os.getpid())
    assert history.request_stop(practice).id == "r1"
    request = practice.snapshot().get(STOPS, "r1")
    assert request is not None
    assert request.by == "mere"


def test_the_next_run_ends_the_dead_ones(practice: OpenPractice) -> None:
    keep(practice, 1, dead_pid())
    keep(practice, 2, os.getpid())
    ended = history.end_dead(practice, except_="r2")
    assert [run.id for run in ended] == ["r1"]
    assert history.show(practice, "r1").outcome == "interrupted"
    assert [event.key for event in practice.events.read()] == ["run.interrupted"]


def test_a_held_run_waits_until_another_one_ended(practice: OpenPractice) -> None:
    keep(practice, 1, 1, "held")
    assert [run.id for run in history.list_held_runs(practice.snapshot())] == ["r1"]
    keep(practice, 2, 1, "skipped")
    assert [run.id for run in history.list_held_runs(practice.snapshot())] == ["r1"]
    keep(practice, 3, 1, "done")
    assert history.list_held_runs(practice.snapshot()) == []
