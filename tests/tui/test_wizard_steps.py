"""The steps of the wizard for team and templates: counted, accepted, answered, skipped and resumed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, ContentSwitcher

from tests.support.profile import in_soak
from tests.tui.fixtures import ConsoleFixture, calm, press, prose_of, settle, text_of
from tests.tui.people import UUID, asked, fill
from xpm_tui.application import connection_steps
from xpm_tui.domain.errors import CaseId, LoginNeeded
from xpm_tui.domain.tables import SERVICES, TEAM
from xpm_tui.domain.xpm import Tenant
from xpm_tui.tui.app import Console
from xpm_tui.tui.widgets.inputs import RadioRows, TextField
from xpm_tui.tui.wizard.step_pane import StepPane, StepScreen

Make = Callable[..., Console]
Shot = Callable[..., bool]
SETTLED = {"xero.client_id": "abc", "sync.direction": "from_xpm"}


@pytest.fixture
def env(tmp_path: Any) -> ConsoleFixture:
    return ConsoleFixture(tmp_path, settings=SETTLED)


def states(env: ConsoleFixture) -> dict[str, str]:
    with env.open(read_only=True) as practice:
        return {step.name: step.state for step in connection_steps.steps(practice)}


def row(env: ConsoleFixture, table: Any, id_: str) -> Any:
    with env.open(read_only=True) as practice:
        return practice.snapshot().get(table, id_)


async def choose(pilot: Pilot[Any], name: str) -> None:
    """Focus a button, as tab would, and press it."""
    found = pilot.app.screen.query_one(f"#{pilot.app.screen.query_one('ContentSwitcher').current} #{name}")  # type: ignore[attr-defined]
    assert isinstance(found, Button)
    assert found.display, name
    found.focus()
    await press(pilot, "enter")


@pytest.mark.soak
async def test_clear_matches_decide_the_team(env: ConsoleFixture, console: Make) -> None:
    await fill(env)
    assert states(env)["team"] == "now"
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "c")
        shown = text_of(app)
        for reported in ("6 people in the team, 2 linked to XPM's staff (6)", "1 person with the same e-mail",
                     "5 people in XPM not linked to your team", "Link 1 person by e-mail",
                     "Bring in XPM's staff (3)", "Skip for now"):  # fmt: skip
            assert reported in shown, reported
        await choose(pilot, "accept")
        await asked(pilot, "Link 1 person whose e-mail is the same?")
        await press(pilot, "y")
        assert row(env, TEAM, "t2").staff == UUID.format(1, 2)
        assert "3 linked to XPM's staff (6)" in text_of(app)
        assert "by e-mail" not in text_of(app)
        await choose(pilot, "pick")
        await asked(pilot, "people from XPM?")
        await press(pilot, "y")
        assert "8 people in the team, 5 linked" in text_of(app)
        assert "2 people in XPM have a name like someone in your team" in prose_of(app), "both are Sam Lee"
        assert "Bring in XPM's staff" not in text_of(app), "there is nobody left to bring in"
        assert app.focused is not None
        assert app.focused.id == "later"
        await choose(pilot, "later")
        assert states(env)["team"] == "skipped"
        assert "Does Ignition's own XPM integration still create jobs?" in text_of(app)


@pytest.mark.soak
async def test_templates_and_the_question_who_makes_the_jobs(env: ConsoleFixture, console: Make) -> None:
    await fill(env)
    with env.open() as practice:
        connection_steps.skip(practice, "team")
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "c")
        for reported in (
            "no longer has the job template Vanished",
            "(•) Not known yet",
            "Link 1 service by name",
            "Save and continue",
        ):
            assert reported in prose_of(app), reported
        with env.open(read_only=True) as practice:
            step = next(step for step in connection_steps.steps(practice) if step.name == "templates")
        assert "5 job templates in XPM; 3 of 6 services decided" in step.facts
        assert "1 service with the name of a job template" in step.facts
        await press(pilot, "down", "down")
        await choose(pilot, "accept")
        await asked(pilot, "Annual Accounts = Annual Accounts")
        await press(pilot, "y")
        assert row(env, SERVICES, "s1").templates == (UUID.format(2, 1),)
        assert "4 of 6 services decided" in text_of(app)
        assert "(•) No " in text_of(app)
        await choose(pilot, "go-on")
        with env.open(read_only=True) as practice:
            assert practice.settings.text("jobs.ignition_deploys") == "no"
        assert states(env)["templates"] == "skipped"
        await press(pilot, "f2")
        assert "Does Ignition's own XPM integration still create jobs?" in text_of(app)


@pytest.mark.soak
async def test_leaving_it_for_later_keeps_no_answer_and_comes_back(
    env: ConsoleFixture, console: Make
) -> None:
    await fill(env)
    with env.open() as practice:
        connection_steps.skip(practice, "team")
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "c", "down", "down")
        await choose(pilot, "later")
        with env.open(read_only=True) as practice:
            assert practice.settings.text("jobs.ignition_deploys") == "unknown"
        await press(pilot, "escape", "c", "f2", "f2")
        assert "people in the team" in text_of(app)


@pytest.mark.parametrize(
    ("size", "times"),
    [((80, 24), 8), in_soak((80, 24), 1), in_soak((80, 24), 40), in_soak((60, 18), 2)],
)
async def test_after_every_steps_error_the_focus_is_in_sight(
    size: tuple[int, int], times: int, env: ConsoleFixture, console: Make
) -> None:
    """The focus is a bar at the button, a cursor in the field or the mark of a choice, not only a colour."""
    app = console(ConsoleFixture(env.root / "new", connected=False))
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        await press(pilot, "c", *("f2",) * 8)
        seen = []
        for _ in range(9):
            switcher = app.screen.query_one(ContentSwitcher)
            pane = app.screen.query_one(f"#{switcher.current}", StepPane)
            seen.append(pane.STEP)
            pane.show_error(
                LoginNeeded("It was refused. " * times, hint="Do it again. " * times, case=CaseId.CANCELLED)
            )
            await settle(pilot)
            await calm(pilot)
            focused = app.screen.focused
            assert focused is not None, pane.STEP
            assert switcher.region.contains_region(focused.region), (pane.STEP, text_of(app))
            assert "✗ It was refused." in text_of(app), (pane.STEP, text_of(app))
            for each in pane.query(".buttons"):
                assert each.styles.dock == "none" or switcher.region.contains_region(each.region), pane.STEP
            if size == (80, 24) and times < 40:
                assert "All steps" in text_of(app), (pane.STEP, text_of(app))
            if isinstance(focused, Button):
                assert f"▌ {focused.label}" in text_of(app), (pane.STEP, text_of(app))
            else:
                assert isinstance(focused, TextField | RadioRows), (pane.STEP, focused)
            await press(pilot, "f3")
        assert len(set(seen)) == 9


@pytest.mark.parametrize("size", [(80, 24), in_soak((120, 40))], ids=["80x24", "120x40"])
@pytest.mark.parametrize("step", ["team", "templates"])
def test_picture(
    step: str, size: tuple[int, int], env: ConsoleFixture, console: Make, snap_compare: Shot
) -> None:
    asyncio.run(fill(env))
    if step == "templates":
        with env.open() as practice:
            connection_steps.skip(practice, "team")

    async def go(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await press(pilot, "c")

    assert snap_compare(console(env), terminal_size=size, run_before=go)


async def test_enter_alone_changes_nothing_and_ends_at_the_plan(env: ConsoleFixture, console: Make) -> None:
    """Every question is answered with the focused button, and no step is repeated."""
    await fill(env)
    before = [row(env, TEAM, f"t{n}") for n in range(8)]
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "c")
        for name in ("Permission", "Sign in", "Practice", "Direction", "Clients", "▶ 7 Team", "Templates"):
            assert name in text_of(app), name
        await press(pilot, "f2", "f2", "tab", "down", "f3")
        assert "step 5 of 9" in text_of(app), text_of(app)
        assert "Discard your changes?" in text_of(app), "another direction was selected and not saved"
        await press(pilot, "y", "f3")
        for _ in range(9):
            if "step 9 of 9" in text_of(app):
                break
            await press(pilot, "enter")
        assert "step 9 of 9" in text_of(app)
    assert [row(env, TEAM, f"t{n}") for n in range(8)] == before


@pytest.mark.soak
async def test_a_long_answer_leaves_the_buttons_in_sight(tmp_path: Any, console: Make) -> None:
    app = console(ConsoleFixture(tmp_path, connected=False))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "c", "right", "enter")
        shown = text_of(app)
        for reported in ("There is no such box", "It is ticked", "Continue", 'Tick "Administrator"'):
            assert reported in shown, reported
        await press(pilot, "f3", "=4C0FFEE", "f3")
        assert "Discard your changes?" in text_of(app)
        await press(pilot, "enter")
        assert "4C0FFEE" in text_of(app)


async def test_back_returns_to_a_practice_that_is_connected(env: ConsoleFixture, console: Make) -> None:
    """It is not chosen and read again, which would lead back to the step from which the user came."""
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "c")
        await press(pilot, *("f2",) * 8)
        assert "step 1 of 9" in text_of(app)
        await press(pilot, "down")
        assert "▌ There is no such box" in text_of(app), "down moves, and does not scroll"
        wizard = app.screen
        assert isinstance(wizard, StepScreen)
        tenant = Tenant(connection_id="n", tenant_id="t", kind="PRACTICEMANAGER", name="Hill")
        await wizard.ask(lambda machine: vars(machine).update(tenants=(tenant,), _is_chosen=True))
        await press(pilot, "f3", "f3", "f3", "f3", "f2")
        assert "step 4 of 9" in text_of(app)
        assert "▌ Continue" in text_of(app)
        await press(pilot, "enter")
        assert "step 9 of 9" in text_of(app), "the next step that is not done"
