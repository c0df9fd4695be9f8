"""Runs as separate processes: started, followed, stopped, killed, and two at the same time."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.application.test_killed_runs import connected
from tests.support.command import CommandLine
from tests.support.profile import in_soak
from tests.support.sandbox_process import SandboxProcess, sandbox_process
from xpm_tui.application.home import find_home
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.runs import history, plans
from xpm_tui.application.runs.runner import BackgroundRun, run, start_background_run, wait_for_run
from xpm_tui.domain.errors import AppError, Busy
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import CLIENTS, LINKS, XPM_CLIENTS
from xpm_tui.log.event_log import EventFilter


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with sandbox_process(clients=12) as started:
        yield started


@pytest.fixture
def practice(
    sandbox: SandboxProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OpenPractice]:
    """Connected, linked, To XPM, with some clients to push to a slow XPM."""
    sandbox.control("POST", "reset")
    for name, value in sandbox.environ.items():
        monkeypatch.setenv(name, value)
    with connected(sandbox, find_home(str(tmp_path / "home"), {})) as opened:
        yield opened
    sandbox.control("POST", "switches", {"latency": 0})


async def ready(practice: OpenPractice, sandbox: SandboxProcess, *, slow: float) -> int:
    """Link what can be linked, change all of it, slow XPM down; gives how many clients there are to push."""
    rows = [row for row in practice.snapshot().rows(XPM_CLIENTS) if not (row.archived or row.prospect)]
    practice.store.commit([Put(CLIENTS, Client(id=f"c{n}", name=row.name)) for n, row in enumerate(rows)])
    await run(practice, reviewed=True)
    practice.settings.set("sync.direction", "to_xpm", practice=True)
    linked = [c for c in practice.snapshot().rows(CLIENTS) if practice.snapshot().get(LINKS, c.id)]
    practice.store.commit([Put(CLIENTS, msgspec.structs.replace(c, phone=f"ours {c.id}")) for c in linked])
    sandbox.control("POST", "switches", {"latency": slow})
    return len(linked)


def written(sandbox: SandboxProcess) -> int:
    return sandbox.asked("client.api/update")


async def ended(practice: OpenPractice, detached: BackgroundRun) -> int:
    """Wait for the process, following its events as a console does."""
    while (code := detached.ended()) is None:
        await practice.clock.sleep(0.05)
    return code


@pytest.mark.soak
async def test_a_run_lives_by_itself_and_is_followed(practice: OpenPractice, sandbox: SandboxProcess) -> None:
    total = await ready(practice, sandbox, slow=0.05)
    plan = await plans.make(practice)
    tail = practice.events.tail()
    detached = start_background_run(practice, plan_id=plan.id)
    made = await wait_for_run(practice, detached)
    assert os.getsid(detached.pid) == detached.pid != os.getsid(0)
    assert all(os.path.samefile(f"/proc/{detached.pid}/fd/{n}", os.devnull) for n in range(3))
    going = history.current_run(practice)
    assert going is not None
    assert (going.id, going.plan, going.by) == (made.id, plan.id, "mere")
    with pytest.raises(Busy, match="mere"):
        await run(practice)
    with pytest.raises(Busy):
        start_background_run(practice)
    assert await ended(practice, detached) == 0
    assert history.find_run(practice, made.id).outcome == "done"
    assert history.current_run(practice) is None
    seen = [event.key for event in tail.poll() if event.run == made.id]
    assert seen[0] == "run.started"
    assert "run.done" in seen
    assert written(sandbox) == total


@pytest.mark.soak
async def test_a_request_stops_it_after_its_current_step(
    practice: OpenPractice, sandbox: SandboxProcess
) -> None:
    total = await ready(practice, sandbox, slow=0.15)
    plan = await plans.make(practice)
    detached = start_background_run(practice, plan_id=plan.id)
    made = await wait_for_run(practice, detached)
    while history.find_run(practice, made.id).done < 1:
        await practice.clock.sleep(0.05)
    history.request_stop(practice)
    assert await ended(practice, detached) == 1
    stopped = history.find_run(practice, made.id)
    assert stopped.outcome == "stopped"
    assert 0 < stopped.done == written(sandbox) < total


@pytest.mark.soak
@pytest.mark.parametrize("number", [signal.SIGTERM, in_soak(signal.SIGINT)])
async def test_a_signal_does_the_same_and_the_next_run_finishes(
    practice: OpenPractice, sandbox: SandboxProcess, number: signal.Signals
) -> None:
    total = await ready(practice, sandbox, slow=0.15)
    plan = await plans.make(practice)
    detached = start_background_run(practice, plan_id=plan.id)
    made = await wait_for_run(practice, detached)
    while history.find_run(practice, made.id).done < 1:
        await practice.clock.sleep(0.05)
    os.kill(detached.pid, number)
    assert await ended(practice, detached) == 128 + number
    assert history.find_run(practice, made.id).outcome == "stopped"
    sandbox.control("POST", "switches", {"latency": 0})
    done = await run(practice)
    assert done.outcome == "done"
    assert done.reviewed
    assert written(sandbox) == total


async def test_kill_nine_leaves_a_run_that_the_next_one_ends(
    practice: OpenPractice, sandbox: SandboxProcess
) -> None:
    total = await ready(practice, sandbox, slow=0.15)
    detached = start_background_run(practice)
    made = await wait_for_run(practice, detached)
    while history.find_run(practice, made.id).done < 1:
        await practice.clock.sleep(0.05)
    os.kill(detached.pid, signal.SIGKILL)
    assert await ended(practice, detached) == -signal.SIGKILL
    assert history.find_run(practice, made.id).outcome == "running"
    assert history.current_run(practice) is None
    sandbox.control("POST", "switches", {"latency": 0})
    done = await run(practice)
    assert done.outcome == "done"
    assert history.find_run(practice, made.id).outcome == "interrupted"
    assert written(sandbox) == total
    assert "run.interrupted" in [event.key for event in practice.events.read(EventFilter(run=made.id))]


@pytest.mark.soak
async def test_a_run_that_cannot_start_is_reported(practice: OpenPractice) -> None:
    detached = start_background_run(practice, plan_id="p999")
    with pytest.raises(AppError, match="did not start"):
        await wait_for_run(practice, detached)


@pytest.mark.soak
def test_the_command_line_reports_who_has_the_practice(practice: OpenPractice) -> None:
    command = CommandLine(practice.home.root or Path())
    with practice.lock("sync").hold():
        busy = command("sync", "--yes", "--json", code=5)
    assert "mere" in busy.error["message"]
    assert busy.error["code"] == "busy"
    assert command("status", "--json", code=None).json["ok"] is not None
