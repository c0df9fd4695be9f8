"""Actions that cannot be undone: what their command asks and shows, from wherever they are started."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui.fixtures import ConsoleFixture, press, settle, text_of, until
from xpm_tui.application.clients import links as linking
from xpm_tui.application.runs.xpm_refresh import refresh
from xpm_tui.domain.ports import Drop
from xpm_tui.domain.tables import CLIENTS, LINKS
from xpm_tui.tui.app import Console
from xpm_tui.tui.screens.clients import Clients
from xpm_tui.tui.screens.csv_previews import ExportPreview
from xpm_tui.tui.screens.picker import Picker

Make = Callable[..., Console]
UUID = "00000000-0000-0000-0000-{:012}"


async def mirrored(env: ConsoleFixture, *, empty: bool = False) -> None:
    with env.open() as practice:
        await refresh(practice, full=True)
        if empty:
            practice.store.commit([Drop(CLIENTS, row.id) for row in practice.snapshot().rows(CLIENTS)])


def shows(app: Console, screen: type[object]) -> bool:
    return isinstance(app.screen, screen)


def links(env: ConsoleFixture) -> dict[str, str]:
    with env.open() as practice:
        return {row.id: row.uuid for row in practice.snapshot().rows(LINKS)}


@pytest.mark.soak
async def test_picking_all_asks_with_the_number_that_is_picked(env: ConsoleFixture, console: Make) -> None:
    await mirrored(env, empty=True)
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c", "p")
        await pilot.press("f5")
        await until(pilot, "Bring in 20 clients?")
        await press(pilot, "n")
        assert shows(app, Picker)
        assert links(env) == {}, "who says no has picked nothing"
        await pilot.press("f5")
        await until(pilot, "Bring in 20 clients")
        await press(pilot, "y")
    assert len(links(env)) == 20


@pytest.mark.soak
async def test_a_second_client_is_asked_about_and_one_that_was_shown_is_not(
    env: ConsoleFixture, console: Make
) -> None:
    await mirrored(env)
    app = console(env)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c", "slash", "=00003", "enter", "m")
        await until(pilot, "XPM data, updated")
        await settle(pilot)
        with env.open() as other:
            linking.link(other, "c5", UUID.format(3))
        await pilot.press("enter")  # it was shown as linked to no other client, which has changed meanwhile
        await until(pilot, "already linked to")
        await press(pilot, "escape")
        assert shows(app, Picker)
        assert "c3" not in links(env)
        await pilot.press("enter")
        await until(pilot, "Link them?")
        await press(pilot, "y")
        assert shows(app, Clients)
    assert links(env)["c3"] == UUID.format(3)


@pytest.mark.soak
async def test_a_file_is_replaced_after_asking(env: ConsoleFixture, console: Make, tmp_path: Path) -> None:
    await mirrored(env)
    taken = tmp_path / "clients.csv"
    taken.write_text("mine", encoding="utf-8")
    app = console(env)
    app.folder = str(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c", "X", "v", "v", "w")
        await pilot.press("enter")
        await until(pilot, "Replace it?")
        await press(pilot, "n")
        assert shows(app, ExportPreview)
        assert taken.read_text(encoding="utf-8") == "mine"
        await press(pilot, "w")
        await pilot.press("enter")
        await until(pilot, "Replace it?")
        await press(pilot, "y")
        assert "Client 00003" in taken.read_text(encoding="utf-8-sig")
        assert not shows(app, ExportPreview)


@pytest.mark.soak
async def test_a_decision_of_one_console_is_undone_by_its_own_screen(
    env: ConsoleFixture, console: Make
) -> None:
    """Each screen undoes the decisions made there, although a user's decisions are stored together."""
    await mirrored(env)
    app = console(env)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c", "r", "enter")
        (first,) = links(env)
        other = console(env)
        async with other.run_test(size=(80, 24)) as elsewhere:
            await settle(elsewhere)
            await press(elsewhere, "g", "c", "r", "enter")
        assert len(links(env)) == 2
        await press(pilot, "u")
        assert "was undone" in text_of(app)
    assert first not in links(env)
    assert len(links(env)) == 1
