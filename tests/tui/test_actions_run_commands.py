"""Each action of a screen is one call of the same command as on the command line, with these parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot

from tests.deploy.fixtures import JobsFixture
from tests.tui.fixtures import TERMINAL, ConsoleFixture, press, settle, until
from tests.tui.people import UUID, fill
from tests.tui.test_wizard_steps import choose
from xpm_tui.application import connection_steps
from xpm_tui.application.runs import history, runner
from xpm_tui.commands import effects
from xpm_tui.commands.command import Command
from xpm_tui.domain.ports import Put
from xpm_tui.domain.runs import Run
from xpm_tui.domain.tables import RUNS
from xpm_tui.tui.app import Console
from xpm_tui.tui.screens.sync import RunScreen
from xpm_tui.tui.worker_thread import WorkerThread

Call = tuple[str, dict[str, Any]]
Make = Callable[..., Console]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """The calls that keys have made: each command with those parameters that are not its defaults."""
    found: list[Call] = []
    stock = effects.admit

    def admit(command: Command[Any], params: msgspec.Struct, **about: Any) -> effects.AdmittedCall:
        assert about["keyed"]
        plain = {
            field.name: value
            for field in msgspec.structs.fields(type(params))
            if (value := getattr(params, field.name)) != field.default
        }
        found.append((command.name, plain))
        return stock(command, params, **about)

    monkeypatch.setattr(effects, "admit", admit)
    return found


def taken(ran: list[Call]) -> list[Call]:
    """Return the calls since the last time."""
    found = [*ran]
    ran.clear()
    return found


@pytest.mark.soak
@pytest.mark.usefixtures("inline")
async def test_a_plan_is_made_ticked_exported_applied_and_undone(
    env: ConsoleFixture, console: Make, ran: list[Call]
) -> None:
    app = console(env)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await press(pilot, "s")
        await until(pilot, "Review plan p1")
        assert taken(ran) == [("plan", {})]
        await press(pilot, "space", "space")
        group = {"plan": "p1", "what": ("rule:exact-name,field:link",)}
        assert taken(ran) == [("plan.untick", group), ("plan.tick", group)]
        await press(pilot, "right", "down", "space", "space")
        one = {"plan": "p1", "what": ("c0:link,rule:exact-name",)}
        assert taken(ran) == [("plan.untick", one), ("plan.tick", one)]
        await press(pilot, "w")
        assert taken(ran) == [("plan.export", {"plan": "p1"})]
        await press(pilot, "a", "n")
        assert taken(ran) == [("sync", {"plan": "p1", "detach": True})]
        assert not env_runs(env), "the user said no"
        await press(pilot, "a", "y")
        assert isinstance(app.screen, RunScreen)
        assert taken(ran) == [("sync", {"plan": "p1", "detach": True})]
        await press(pilot, "u")
        assert taken(ran) == [("undo", {"run": "r1", "review": True})]
        await press(pilot, "escape", "escape", "g", "c", "u")
        ((command, preset),) = taken(ran)
        assert (command, preset["review"]) == ("clients.undo", True)


def env_runs(env: ConsoleFixture) -> list[Run]:
    with env.open(read_only=True) as practice:
        return history.list_runs(practice)


@pytest.mark.soak
@pytest.mark.usefixtures("inline")
async def test_a_run_is_released_resumed_and_stopped(
    env: ConsoleFixture, console: Make, ran: list[Call]
) -> None:
    with env.open() as practice:
        held = await runner.run(practice, full=True, trigger="daily")
        assert held.outcome == "held"
    app = console(env)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "s", "a", "n")
        assert taken(ran) == [("runs.release", {"detach": True})]
        assert len(env_runs(env)) == 1, "the user said no"
        app.show_run(held.id)
        await settle(pilot)
        await press(pilot, "a", "y")
        assert taken(ran) == [("runs.release", {"run": held.id, "detach": True})]
        (last, *_) = env_runs(env)
        with env.open() as practice:
            practice.store.commit([Put(RUNS, msgspec.structs.replace(last, outcome="interrupted"))])
        await app.refresh_status()
        await until(pilot, "a Resume")
        await press(pilot, "a", "n")
        assert taken(ran) == [("runs.resume", {"detach": True})]
        with env.open() as practice:
            practice.store.commit([Put(RUNS, msgspec.structs.replace(last, outcome="running"))])
        await press(pilot, "escape")
        app.show_run(last.id)
        await until(pilot, "Running")
        await press(pilot, "x")
        await until(pilot, "Nothing more is sent")
        await press(pilot, "n")
        assert taken(ran) == [("runs.stop", {"run": last.id})]
        assert not [n for n in app._notifications if "stops now" in n.message], "the user said no"
        await press(pilot, "x", "y")
        assert [n for n in app._notifications if "stops now" in n.message]


@pytest.fixture
def workers() -> Iterator[list[WorkerThread]]:
    made: list[WorkerThread] = []
    yield made
    for worker in made:
        worker.close()


@pytest.mark.soak
@pytest.mark.usefixtures("inline")
async def test_jobs_are_previewed_made_and_made_again(
    tmp_path: Path, workers: list[WorkerThread], ran: list[Call]
) -> None:
    env = JobsFixture(tmp_path)
    await env.ready()
    env.accepted()
    workers.append(WorkerThread(env.open))
    workers[0].open()
    app = Console(workers[0], environ=TERMINAL, welcome=False)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await settle(pilot)
        await press(pilot, "g", "j", "enter", "escape")
        ((command, preset),) = taken(ran)
        assert (command, preset["job"].partition("/")[0]) == ("jobs.preview", "w1")
        job = preset["job"]
        await press(pilot, "d", "escape")
        assert taken(ran) == [("jobs.deploy", {"jobs": (job,), "dry_run": True})]
        await press(pilot, "d", "right", "enter")
        assert taken(ran) == [
            ("jobs.deploy", {"jobs": (job,), "dry_run": True}),
            ("jobs.deploy", {"jobs": (job,), "detach": True, "yes": True}),
        ]
        (there,) = env.made()
        await env.control("colleague", delete=there.number)
        await press(pilot, "escape", "left_square_bracket", "D", "right", "enter")
        assert taken(ran) == [
            ("jobs.redeploy", {"job": job, "wait": True}),
            ("jobs.retry", {"jobs": (job,), "dry_run": True}),
            ("jobs.retry", {"jobs": (job,), "detach": True, "yes": True}),
        ]


@pytest.mark.soak
async def test_team_and_templates_are_linked_and_picked(
    env: ConsoleFixture, console: Make, ran: list[Call]
) -> None:
    await fill(env)
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "t", "slash", "=bo li", "enter", "m", "=samuel")
        taken(ran)
        await press(pilot, "enter")
        pair = {"member": "t5", "staff": UUID.format(1, 4)}
        assert taken(ran) == [("team.link", {**pair, "dry_run": True}), ("team.link", pair)]
        await press(pilot, "p", "=sam@", "enter", "y")
        assert taken(ran) == [("team.pick", {"staff": (UUID.format(1, 3),)})]
        await press(pilot, "f4", "f5", "n")
        assert taken(ran) == [("team.pick", {"all": True})]
        await press(pilot, "escape", "g", "l", "slash", "=advice", "enter", "m")
        await press(pilot, "=payroll", "enter", "f10")
        service = {"service": "s3", "templates": (UUID.format(2, 3),)}
        assert taken(ran) == [("templates.link", service)]
        await press(pilot, "m", "enter", "f10")
        assert taken(ran) == [("templates.link", {"service": "s3", "clear": True})]
        await press(pilot, "m", "f6")
        assert taken(ran) == [("templates.link", {"service": "s3", "no_job": True})]
        await press(pilot, "P", "enter", "down", "enter")
        setting = {"key": "jobs.default_category", "value": "Compliance"}
        assert taken(ran) == [("templates.defaults", {}), ("settings.set", setting)]


@pytest.mark.soak
async def test_the_wizard_runs_commands(tmp_path: Path, console: Make, ran: list[Call]) -> None:
    env = ConsoleFixture(tmp_path, settings={"xero.client_id": "abc"})
    await fill(env)
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "c")
        await to_step(pilot, "direction")
        await choose(pilot, "go-on")
        assert taken(ran) == [("policy.set", {"direction": "from_xpm", "level": "everything"})]
        await to_step(pilot, "clients")
        await choose(pilot, "pick")
        assert taken(ran) == [("clients.pick", {"all": True})]
        await press(pilot, "escape")
        await to_step(pilot, "team")
        await choose(pilot, "pick")
        assert taken(ran) == [("team.pick", {"all": True})]
        await press(pilot, "escape")
        await to_step(pilot, "templates")
        await press(pilot, "down", "down")
        await choose(pilot, "go-on")
        assert taken(ran) == [("settings.set", {"key": "jobs.ignition_deploys", "value": "no"})]
        await to_step(pilot, "plan")
        await choose(pilot, "plan")
        assert taken(ran) == [("plan", {"stored": True})]


async def to_step(pilot: Pilot[Any], name: connection_steps.Name) -> None:
    """Open a step of the wizard."""
    await pilot.app.screen.show(name)  # type: ignore[attr-defined]
    await settle(pilot)
