"""Ways through the console, from the keyboard alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.screen import Screen

from tests.tui.world import World, press, settle, text_of
from xpm_tui.model.tables import CLIENTS, LINKS
from xpm_tui.service import keeping, plans, runs
from xpm_tui.tui.app import Console
from xpm_tui.tui.screens.clients import Clients
from xpm_tui.tui.screens.conflicts import Conflicts
from xpm_tui.tui.screens.picker import Picker
from xpm_tui.tui.screens.plan_review import PlanReview
from xpm_tui.tui.screens.policy import PolicyScreen
from xpm_tui.tui.screens.review import Review
from xpm_tui.tui.screens.run import RunScreen
from xpm_tui.tui.widgets.table import TableRows

Make = Callable[..., Console]


def shows(app: Console, kind: type[Screen[Any]]) -> bool:
    """Whether a screen of that kind is in front."""
    return isinstance(app.screen, kind)


@pytest.mark.usefixtures("inline")
async def test_plan_review_run(world: World, console: Make) -> None:
    app = console(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "s")
        assert shows(app, PlanReview)
        shown = text_of(app)
        assert "Link by exact name" in shown
        assert "first run" in shown
        await press(pilot, "a")
        assert "Every change can be undone afterwards." in text_of(app)
        assert app.focused is not None
        assert app.focused.id == "no", "the safe button has the focus"
        await press(pilot, "y")
        assert shows(app, RunScreen)
        assert "✓ done" in text_of(app)
        screen = app.screen
        assert isinstance(screen, RunScreen)
        screen._pane.flush()
        await settle(pilot)
        assert "Run r1 is done" in text_of(app), "what the run logged is here to its last line"
        await press(pilot, "escape")
    with world.open() as practice:
        (run,) = runs.list_runs(practice)
        assert run.outcome == "done"
        assert practice.snapshot().count(LINKS) == 12 + 7, "same-name clients are not linked"
        assert practice.snapshot().get(LINKS, "c20") is None


async def test_an_unticked_change_stays_out(world: World, console: Make) -> None:
    app = console(world)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await press(pilot, "s", "down", "right", "down", "space")
        assert shows(app, PlanReview)
        assert "1 wait for a tick" in text_of(app)
        await press(pilot, "escape")
    with world.open() as practice:
        _, records = plans.load(practice, "last")
        assert len(list(plans.waiting(records))) == 1


async def test_two_clients_of_one_name_are_mapped_apart_by_number(world: World, console: Make) -> None:
    app = console(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c")
        assert shows(app, Clients)
        await press(pilot, "slash", "=john", "enter", "down", "m")
        assert shows(app, Picker)
        shown = text_of(app)
        assert shown.count("John Smith =name") == 2
        assert "city Hobart" in shown
        assert "city Darwin" in shown
        await press(pilot, "f4", "=1021")
        shown = text_of(app)
        assert "00000000-0000-0000-0000-000000000021" in shown
        assert "000000000020" not in shown, "a number finds exactly one"
        await press(pilot, "enter")
        assert shows(app, Clients)
        assert "● linked" in text_of(app)
    with world.open() as practice:
        snapshot = practice.snapshot()
        link = snapshot.get(LINKS, "c21")
        assert link is not None
        assert link.number == "1021"
        assert snapshot.get(LINKS, "c20") is None


async def test_review_settles_one_client_per_key(world: World, console: Make) -> None:
    app = console(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c", "r")
        assert shows(app, Review)
        assert "1 of 22" in text_of(app)
        await press(pilot, "enter", "enter")
        assert "1 of 20" in text_of(app)
        await press(pilot, "n", "i")
        assert "of 19" in text_of(app)
        await press(pilot, "S")
        assert "Link " in text_of(app)
        await press(pilot, "y", "escape")
    with world.open() as practice:
        assert practice.snapshot().count(LINKS) == 9, "two by enter, seven by all sure ones"


async def test_a_setting_is_found_and_changed(world: World, console: Make) -> None:
    app = console(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "e", "slash", "=day_reserve", "enter", "enter")
        await press(pilot, "backspace", "backspace", "backspace", "=250", "enter")
        assert "250" in text_of(app)
        assert "practice" in text_of(app)
        await press(pilot, "enter", "=x", "enter")
        assert "cannot be" in text_of(app)
    with world.open() as practice:
        assert practice.settings.number("gate.day_reserve") == 250


async def test_a_setting_of_a_few_words_is_chosen(world: World, console: Make) -> None:
    app = console(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "e", "slash", "=sync.clear", "enter", "enter")
        assert app.focused is not None
        assert app.focused.id == "choice-1", "what is in force has the focus"
        await press(pilot, "up", "enter")
        assert "never" in text_of(app)
    with world.open() as practice:
        assert practice.settings.text("sync.clear") == "never"


async def test_read_only_shows_all_and_writes_nothing(world: World, console: Make) -> None:
    with world.open() as practice:
        before = practice.book.watch()
    app = console(world, read_only=True)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await settle(pilot)
        assert "READ-ONLY" in text_of(app)
        await press(pilot, "s")
        assert "read-only" in text_of(app)
        await press(pilot, "g", "c", "i")
        assert shows(app, Clients)
        assert "read-only" in text_of(app)
    with world.open() as practice:
        assert practice.book.watch() == before


async def test_a_key_that_cannot_be_used_says_why(world: World, console: Make) -> None:
    world = World(world.root / "other", connected=False)
    app = console(world)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await settle(pilot)
        assert "not connected" in text_of(app)
        await press(pilot, "s")
        assert "not connected to XPM yet" in text_of(app)


async def test_the_palette_does_what_a_key_does(world: World, console: Make) -> None:
    app = console(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "colon", "=make a plan", "enter")
        assert shows(app, PlanReview)
        await press(pilot, "escape", "ctrl+p", "=go to sett", "enter")
        assert "xero.login_url" in text_of(app)


async def test_leaving(world: World, console: Make) -> None:
    app = console(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "escape", "escape")
        assert app.is_running, "escape never leaves the console"
        await pilot.press("ctrl+c")
        assert app.is_running
        await pilot.press("ctrl+c")
        await pilot.pause()
    assert app.return_value == 0


async def in_step(world: World) -> None:
    """A first run is behind: all that can be linked is linked, and both sides agree."""
    from xpm_tui.service import runner

    with world.open() as practice:
        await runner.run(practice, full=True, reviewed=True)


def edited_on_both_sides(world: World, number: int) -> None:
    """A phone is changed in Ignition, and otherwise in XPM."""
    from xpm_tui.service.editing import edit_client

    with world.open() as practice:
        edit_client(practice, f"c{number}", {"phone": "07 000 0001"})
    world.xpm.edit(f"00000000-0000-0000-0000-{number:012}", phone="07 999 9999")


@pytest.mark.usefixtures("inline")
async def test_a_conflict_is_understood_and_undone(world: World, console: Make) -> None:
    await in_step(world)
    edited_on_both_sides(world, 3)
    app = console(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "s", "escape", "C")
        assert shows(app, Conflicts)
        shown = text_of(app)
        assert "1 ‼ planned" in shown
        assert "07 000 0001" in shown
        assert "07 999 9999  ◀ wins" in shown
        assert "last agreed  09 555 0003" in shown, shown
        assert "the master and wins" in shown
        await press(pilot, "space")
        assert "■ held" in text_of(app)
        await press(pilot, "space", "v")
        assert shows(app, PlanReview)
        await press(pilot, "a", "y")
        assert "✓ done" in text_of(app)
        await press(pilot, "escape", "escape", "g", "s", "C")
        assert "● overwritten" in text_of(app)
        await press(pilot, "u")
        assert shows(app, PlanReview)
        assert "takes back run" in text_of(app)
        await press(pilot, "a", "y", "escape")
        assert shows(app, Conflicts)
        shown = text_of(app)
        assert "↶ undone" in shown
        assert "❄ frozen" in shown
    with world.open() as practice:
        client = practice.snapshot().get(CLIENTS, "c3")
        assert client is not None
        assert client.phone == "07 000 0001", "Ignition has its own value back"


@pytest.mark.usefixtures("inline")
async def test_a_held_conflict_is_let_go_by_a_tick(world: World, console: Make) -> None:
    world.settings = {"sync.on_conflict": "hold"}
    await in_step(world)
    edited_on_both_sides(world, 3)
    app = console(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "s", "escape", "C")
        assert "held for you" in text_of(app)
        await press(pilot, "space")
        assert "‼ planned" in text_of(app)
        await press(pilot, "v", "a", "y", "escape")
    with world.open() as practice:
        client = practice.snapshot().get(CLIENTS, "c3")
        assert client is not None
        assert client.phone == "07 999 9999"


async def test_a_field_is_switched_off_in_the_policy_table(world: World, console: Make) -> None:
    await in_step(world)
    with world.open() as practice:
        keeping.freeze(practice, "c3", ["phone"], "private number")
    app = console(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "e", "P")
        assert shows(app, PolicyScreen)
        rows = app.screen.query_one(TableRows)
        phone = next(place for place, row in enumerate(rows.items) if row.field == "phone")
        await press(pilot, *("down",) * phone)
        assert "Frozen for 1 client" in text_of(app)
        await press(pilot, "space")
        assert "○ off" in text_of(app)
        assert "1 field switched off" in text_of(app)
        await press(pilot, "enter")
        assert "private number" in text_of(app)
        await press(pilot, "enter")
        assert shows(app, Clients)
        assert "Client 00003" in text_of(app)
    with world.open() as practice:
        assert practice.policy().off == {"phone"}
