"""What a timer starts: made, skipped and told, or left for later."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.application.flows import World
from xpm_tui.application.runs import history as runs
from xpm_tui.application.runs.due import signed_in
from xpm_tui.application.runs.runner import run
from xpm_tui.application.schedule.login_check import check_login, main
from xpm_tui.application.schedule.scheduled_run import run_if_due
from xpm_tui.application.status.summary import summarize
from xpm_tui.domain.errors import LoginNeeded


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


@pytest.fixture
def told(world: World, tmp_path: Path) -> Path:
    path = tmp_path / "told"
    command = f"sh -c 'echo $XPM_TUI_NOTIFY_REASON >>{path}'"
    world.practice.settings.set("notify.command", command, practice=True)
    path.touch()
    return path


async def ready(world: World) -> None:
    await world.connect()
    world.book(world.unique_names())
    await run(world.practice)
    world.clock.move(timedelta(days=1))


async def test_a_due_run_is_made_once_a_day(world: World) -> None:
    await ready(world)
    signed_in(world.practice)
    due, made = await run_if_due(world.practice)
    assert due.now
    assert made is not None
    assert (made.outcome, made.trigger) == ("done", "daily")
    due, again = await run_if_due(world.practice)
    assert (due.why, again) == ("done-today", None)


async def test_a_skipped_day_is_a_run_that_the_heartbeat_shows(world: World) -> None:
    await ready(world)
    before = world.net.asked("client.api/list")
    due, made = await run_if_due(world.practice)
    assert due.why == "no-sign-in"
    assert made is not None
    assert (made.outcome, made.exit_code) == ("skipped", 0)
    assert world.net.asked("client.api/list") == before
    assert summarize(world.practice).skipped == made.started
    assert summarize(world.practice).exit_code == 0
    await run(world.practice)
    assert summarize(world.practice).skipped is None


async def test_an_idle_login_is_renewed_weekly(world: World) -> None:
    await ready(world)
    renewed = world.net.asked("connect/token")
    await run_if_due(world.practice)
    assert world.net.asked("connect/token") == renewed
    for _ in range(9):
        world.clock.move(timedelta(days=7))
        await run_if_due(world.practice)
    assert world.net.asked("connect/token") == renewed + 9
    assert (await run(world.practice)).outcome == "done"


async def test_a_lost_login_and_a_stale_practice_are_told_once(world: World, told: Path) -> None:
    await ready(world)
    world.clock.move(timedelta(days=6))
    await run_if_due(world.practice)
    world.clock.move(timedelta(days=1))
    await run_if_due(world.practice)
    assert told.read_text().split() == ["stale"]
    await world.control("tokens", revoke=True)
    world.clock.move(timedelta(days=8))
    with pytest.raises(LoginNeeded):
        await run_if_due(world.practice)
    assert told.read_text().split() == ["stale", "login-needed"]


async def test_a_held_first_run_is_told(world: World, told: Path) -> None:
    await world.connect()
    world.book(world.unique_names())
    signed_in(world.practice)
    _, made = await run_if_due(world.practice)
    assert made is not None
    assert made.outcome == "held"
    assert told.read_text().split() == ["held"]
    assert [each.id for each in runs.held(world.practice.snapshot())] == [made.id]


async def test_not_connected_is_told(world: World, told: Path) -> None:
    with pytest.raises(LoginNeeded):
        await run_if_due(world.practice)
    assert told.read_text().split() == ["login-needed"]


async def test_the_login_is_proved_without_a_call(world: World) -> None:
    with pytest.raises(LoginNeeded):
        await check_login(world.practice)
    await world.connect()
    calls = len(world.sandbox.log.rows(lambda _: True))
    assert await check_login(world.practice) == "The login of practice works."
    assert len(world.sandbox.log.rows(lambda _: True)) == calls


def test_the_proof_as_a_program(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert main(["practice", str(world.home.root)]) == 3
    assert main(["nobody", str(world.home.root)]) == 2
    assert "connect" in capsys.readouterr().err
