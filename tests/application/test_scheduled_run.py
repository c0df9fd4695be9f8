"""The scheduled run: made, skipped with a message, or left for later."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.application.fixtures import PracticeFixture
from xpm_tui.application.runs import history
from xpm_tui.application.runs.runner import run
from xpm_tui.application.runs.unattended_runs import due, record_sign_in
from xpm_tui.application.scheduled_run import run_if_due
from xpm_tui.application.status.summary import summarize
from xpm_tui.application.timer import check_login, main
from xpm_tui.domain.errors import LoginNeeded, XeroError
from xpm_tui.domain.pace import LIMITER_FILE
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import RUNS
from xpm_tui.sandbox.faults import Fault
from xpm_tui.xero.rate_limiter import LimiterState


@pytest.fixture
def env(tmp_path: Path) -> Iterator[PracticeFixture]:
    made = PracticeFixture(tmp_path)
    yield made
    made.close()


@pytest.fixture
def reported(env: PracticeFixture, tmp_path: Path) -> Path:
    path = tmp_path / "told"
    command = f"sh -c 'echo $XPM_TUI_NOTIFY_REASON >>{path}'"
    env.practice.settings.set("notify.command", command, practice=True)
    path.touch()
    return path


async def ready(env: PracticeFixture) -> None:
    await env.connect()
    env.store(env.unique_names())
    await run(env.practice)
    env.clock.move(timedelta(days=1))


async def test_a_due_run_is_made_once_a_day(env: PracticeFixture) -> None:
    await ready(env)
    record_sign_in(env.practice)
    found, made = await run_if_due(env.practice)
    assert found.now
    assert made is not None
    assert (made.outcome, made.trigger) == ("done", "daily")
    found, again = await run_if_due(env.practice)
    assert (found.why, again) == ("done-today", None)


async def test_an_interval_syncs_what_changed_and_compares_all_once_a_day(env: PracticeFixture) -> None:
    await ready(env)
    env.practice.settings.set("schedule.every", "30m", practice=True)
    env.practice.settings.set("practice.timezone", "UTC", practice=True)
    now = env.clock.now()
    env.clock.move(timedelta(hours=29) - timedelta(hours=now.hour, minutes=now.minute))  # to 05:00
    seen: dict[str, int] = {}
    asked = {name: env.net.asked(name) for name in ("client.api/list", "staff.api/list")}
    for step in range(24):  # from 05:00 to 07:00, by a timer that starts too often
        if step % 12 == 0:
            record_sign_in(env.practice)
        found, made = await run_if_due(env.practice)
        what = f"{found.why}{' full' if found.full else ''}"
        seen[what] = seen.get(what, 0) + 1
        assert (made is not None) == found.now
        env.clock.move(timedelta(minutes=5))
    # The first run is the comparison that the day before missed; the second comes after 06:30.
    assert seen["due full"] == 2
    assert seen["due"] + seen["due full"] == 6  # not before two thirds of the interval: at most every 20 min
    assert env.net.asked("client.api/list") - asked["client.api/list"] == 6
    assert env.net.asked("staff.api/list") - asked["staff.api/list"] == 3  # with each comparison, and hourly


async def test_an_interval_does_not_notify_repeatedly(env: PracticeFixture, reported: Path) -> None:
    """A held sync, an allowance that is nearly used up, a day without use: each is recorded once."""
    await env.connect()
    env.store(env.unique_names())
    env.practice.settings.set("schedule.every", "15m", practice=True)
    record_sign_in(env.practice)
    _, made = await run_if_due(env.practice)
    assert made is not None
    assert made.outcome == "held"
    env.clock.move(timedelta(minutes=15))
    assert (await run_if_due(env.practice))[0].why == "held"
    await run(env.practice, reviewed=True)
    path = env.practice.state / LIMITER_FILE
    state = msgspec.json.decode(path.read_bytes(), type=LimiterState)
    state.day_left, state.day_at, state.since_day_at = 104, env.clock.now().timestamp(), 0
    path.write_bytes(msgspec.json.encode(state))
    env.clock.move(timedelta(minutes=15))
    assert (await run_if_due(env.practice))[0].why == "allowance"
    path.unlink()
    env.clock.move(timedelta(days=2))
    assert [(await run_if_due(env.practice))[1] is None for _ in range(2)] == [False, True]
    record_sign_in(env.practice)
    assert (await run_if_due(env.practice))[0].now
    assert reported.read_text().split() == ["held"]
    env.sandbox.faults.add(Fault("404", endpoint="client.api/list"))
    for _ in range(2):
        env.clock.move(timedelta(minutes=15))
        with pytest.raises(XeroError):
            await run_if_due(env.practice)
    assert reported.read_text().split() == ["held", "failed"]


LOST: list[tuple[dict[str, Any], bool]] = [
    ({"outcome": "running"}, True),  # nobody holds the run lock: its process was killed, on any machine
    ({"outcome": "interrupted"}, True),
    ({"outcome": "stopped", "exit_code": 143}, True),  # the machine, a timer or a worker ended it
    ({"outcome": "stopped", "exit_code": 1}, False),  # a user did
    ({"outcome": "failed", "case": "store-unreachable", "exit_code": 8}, True),
    ({"outcome": "failed", "case": "run-lock-lost", "exit_code": 5}, True),
    ({"outcome": "failed", "case": "access-denied", "exit_code": 3}, False),
]


async def test_a_run_that_was_lost_is_made_again_the_same_day(env: PracticeFixture) -> None:
    await ready(env)
    record_sign_in(env.practice)
    _, made = await run_if_due(env.practice)
    assert made is not None
    for every in ("daily", "1h"):
        env.practice.settings.set("schedule.every", every, practice=True)
        for changed, again in LOST:
            env.practice.store.commit([Put(RUNS, msgspec.structs.replace(made, **changed))])
            assert due(env.practice).now == again, changed
    env.practice.store.commit([Put(RUNS, msgspec.structs.replace(made, outcome="running"))])
    with env.practice.lock("sync").hold():
        assert due(env.practice).why == "running"


async def test_a_skipped_day_is_a_run_that_the_heartbeat_shows(env: PracticeFixture) -> None:
    await ready(env)
    before = env.net.asked("client.api/list")
    found, made = await run_if_due(env.practice)
    assert found.why == "no-sign-in"
    assert made is not None
    assert (made.outcome, made.exit_code) == ("skipped", 0)
    assert env.net.asked("client.api/list") == before
    assert summarize(env.practice).skipped == made.started
    assert summarize(env.practice).exit_code == 0
    await run(env.practice)
    assert summarize(env.practice).skipped is None


async def test_an_idle_login_is_renewed_weekly(env: PracticeFixture) -> None:
    await ready(env)
    renewed = env.net.asked("connect/token")
    await run_if_due(env.practice)
    assert env.net.asked("connect/token") == renewed
    for _ in range(9):
        env.clock.move(timedelta(days=7))
        await run_if_due(env.practice)
    assert env.net.asked("connect/token") == renewed + 9
    assert (await run(env.practice)).outcome == "done"


async def test_a_lost_login_and_a_stale_practice_notify_once(env: PracticeFixture, reported: Path) -> None:
    await ready(env)
    env.clock.move(timedelta(days=6))
    await run_if_due(env.practice)
    env.clock.move(timedelta(days=1))
    await run_if_due(env.practice)
    assert reported.read_text().split() == ["stale"]
    await env.control("tokens", revoke=True)
    env.clock.move(timedelta(days=8))
    with pytest.raises(LoginNeeded):
        await run_if_due(env.practice)
    assert reported.read_text().split() == ["stale", "login-needed"]


async def test_a_held_first_run_is_reported(env: PracticeFixture, reported: Path) -> None:
    await env.connect()
    env.store(env.unique_names())
    record_sign_in(env.practice)
    _, made = await run_if_due(env.practice)
    assert made is not None
    assert made.outcome == "held"
    assert reported.read_text().split() == ["held"]
    assert [each.id for each in history.list_held_runs(env.practice.snapshot())] == [made.id]


async def test_not_connected_is_reported(env: PracticeFixture, reported: Path) -> None:
    with pytest.raises(LoginNeeded):
        await run_if_due(env.practice)
    assert reported.read_text().split() == ["login-needed"]


async def test_the_login_is_proved_without_a_call(env: PracticeFixture) -> None:
    with pytest.raises(LoginNeeded):
        await check_login(env.practice)
    await env.connect()
    calls = len(env.sandbox.log.rows(lambda _: True))
    assert await check_login(env.practice) == "The login of practice works."
    assert len(env.sandbox.log.rows(lambda _: True)) == calls


def test_the_proof_as_a_program(env: PracticeFixture, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert main(["practice", str(env.home.root)]) == 3
    assert main(["nobody", str(env.home.root)]) == 2
    assert "connect" in capsys.readouterr().err
