"""Every screen: its picture, its footer at 80 columns, hostile names as text, and a way back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Footer

from tests.tui.world import HOSTILE, TERMINAL, World, press, settle, text_of
from xpm_tui.model.text import visible
from xpm_tui.tui.app import Console
from xpm_tui.tui.screens.area import AreaScreen

Make = Callable[..., Console]
Shot = Callable[..., bool]

WAYS: dict[str, Sequence[str]] = {
    "overview": (),
    "clients": ("g", "c"),
    "team": ("g", "t"),
    "templates": ("g", "l"),
    "jobs": ("g", "j"),
    "sync": ("g", "s"),
    "settings": ("g", "e", "slash", "=redirect", "enter"),
    "plan-review": ("s", "right"),
    "picker": ("g", "c", "slash", "=john", "enter", "m"),
    "bulk-review": ("g", "c", "r"),
    "palette": ("colon",),
    "letters": ("g",),
    "help": ("g", "c", "f1"),
    "freeze-form": ("g", "c", "slash", "=00005", "enter", "f"),
    "setting-dialog": ("g", "e", "slash", "=redirect", "enter", "enter"),
    "apply-dialog": ("s", "a"),
    "wizard": ("c",),
}
LARGE = ("overview", "clients", "sync", "settings", "plan-review", "picker")
PICTURES = [(name, (80, 24)) for name in WAYS] + [(name, (120, 40)) for name in LARGE]
PLAIN = {"TERM": "xterm-256color", "NO_COLOR": "1"}


async def walked(world: World, pilot: Pilot[Any], way: Sequence[str]) -> None:
    """Fill the mirror and link by a first run, then go there."""
    await settle(pilot)
    await press(pilot, *way)


async def seeded(world: World) -> None:
    """A mirror that is filled, as after the wizard; nothing is linked yet."""
    from xpm_tui.service.refresh import refresh

    with world.open() as practice:
        await refresh(practice, full=True)


@pytest.mark.parametrize(("name", "size"), PICTURES, ids=[f"{n}-{s[0]}x{s[1]}" for n, s in PICTURES])
def test_picture(name: str, size: tuple[int, int], world: World, console: Make, snap_compare: Shot) -> None:
    if name == "wizard":
        world = World(world.root / "new", connected=False)

    async def go(pilot: Pilot[Any]) -> None:
        if name != "wizard":
            await seeded(world)
        await walked(world, pilot, WAYS[name])

    assert snap_compare(console(world), terminal_size=size, run_before=go)


@pytest.mark.parametrize("name", ["overview", "clients", "plan-review", "picker"])
def test_picture_without_colour(
    name: str, world: World, console: Make, snap_compare: Shot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def go(pilot: Pilot[Any]) -> None:
        await seeded(world)
        await walked(world, pilot, WAYS[name])

    assert snap_compare(console(world, environ=PLAIN), terminal_size=(80, 24), run_before=go)


async def test_nothing_is_cut_at_80_columns(world: World, console: Make) -> None:
    await seeded(world)
    app = console(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for name, way in WAYS.items():
            app.go("overview")
            await settle(pilot)
            await press(pilot, *way)
            for footer in app.screen.query(Footer):
                assert footer.max_scroll_x == 0, name
            for button in app.screen.query(Button):
                if button.display:
                    assert app.screen.region.contains_region(button.region), (name, button.id)
            for _ in range(6):
                if isinstance(app.screen, AreaScreen):
                    break
                await press(pilot, "escape")
            await press(pilot, "escape", "escape")


@pytest.mark.parametrize("name", ["clients", "picker", "bulk-review", "plan-review", "team"])
async def test_hostile_names_are_text(name: str, world: World, console: Make) -> None:
    await seeded(world)
    app = console(world)
    async with app.run_test(size=(160, 60)) as pilot:
        await settle(pilot)
        await press(pilot, *WAYS[name])
        if name == "plan-review":
            await press(pilot, "left", "v")
        if name == "picker":
            for hostile in HOSTILE:
                await press(pilot, "f4")
                app.screen.query_one("Field").value = hostile  # type: ignore[attr-defined]
                await settle(pilot)
                assert visible(hostile)[:16] in text_of(app)
            return
        shown = text_of(app)
        if name in ("clients", "plan-review"):
            for hostile in HOSTILE[:6]:
                assert visible(hostile)[:20] in shown
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        assert "\x9b" not in shown


async def test_every_key_of_every_area_is_safe(world: World, console: Make) -> None:
    """Each key of each act, on each area; then escape until the area is back."""
    await seeded(world)
    app = console(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for area in ("overview", "clients", "team", "templates", "jobs", "sync", "settings"):
            app.go(area)
            await settle(pilot)
            screen = app.screen
            assert isinstance(screen, AreaScreen)
            keys = {key for key, bound in screen._bindings.key_to_bindings.items() if bound}
            for key in sorted(keys - {"escape", "ctrl+c", "super+c"}):
                await press(pilot, key)
                for _ in range(6):
                    if app.screen is screen:
                        break
                    await press(pilot, "escape")
                assert app.screen is screen, f"{area}: no way back after {key}"
        assert app.is_running


@pytest.mark.parametrize("size", [(59, 24), (80, 17), (20, 5), (1, 1)])
async def test_too_small_is_said(size: tuple[int, int], world: World, console: Make) -> None:
    app = console(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "too small" not in text_of(app)
        await pilot.resize_terminal(*size)
        await settle(pilot)
        if size[0] > 30 and size[1] > 3:
            assert "This window is too small." in text_of(app)
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        assert "Overview" in text_of(app)


async def test_sixteen_colours_get_the_terminals_own(world: World, console: Make) -> None:
    assert console(world, environ={"TERM": "xterm"}).theme == "xpm-ansi-dark"
    assert console(world, environ={"TERM": "xterm", "COLORFGBG": "0;15"}).theme == "xpm-ansi-light"
    assert console(world, environ=TERMINAL).theme == "xpm-dark"
    assert console(world, environ={**TERMINAL, "NO_COLOR": "1"}).theme == "xpm-ansi-dark"


async def test_an_error_of_ours_is_told_without_a_value(
    world: World, console: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = "canary-5f1c"

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(canary)

    monkeypatch.setattr("xpm_tui.service.clients.side_by_side", broken)
    app = console(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c")
        shown = text_of(app)
        assert "Something went wrong inside xpm-tui." in shown
        assert canary not in shown
    (log,) = Path(world.root).rglob("console-errors.log")
    assert canary not in log.read_text(encoding="utf-8")
    assert log.stat().st_mode & 0o777 == 0o600
