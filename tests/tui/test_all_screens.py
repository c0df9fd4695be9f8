"""Every screen and dialog: complete at 80 columns, names as text, every key safe, and read-only mode."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from itertools import cycle, islice
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import pytest
from textual.screen import ModalScreen, Screen

from tests.support.profile import count, in_soak, spread
from tests.tui.fixtures import HOSTILE, ConsoleFixture, press, settle, text_of
from tests.tui.walk import STOPS, alike, cut, home, hostile, lost, mute, unsafe
from xpm_tui import tui
from xpm_tui.application.runs import plans
from xpm_tui.commands.effects import READ_ONLY
from xpm_tui.domain.safe_text import visible
from xpm_tui.lazy import load
from xpm_tui.tui import keymap
from xpm_tui.tui.app import Console
from xpm_tui.tui.dialogs.help import HelpDialog
from xpm_tui.tui.dialogs.screen_dialogue import ProgressDialog
from xpm_tui.tui.screens.area import AreaScreen

Make = Callable[..., Console]
OURS = "Something went wrong inside xpm-tui."

PARTS = count(1, 24)
"""The number of tests into which the walk is divided, so that several workers can run it."""

GENERIC = (
    *(f"f{n}" for n in range(1, 13)), "enter", "tab", "shift+tab", "space", "pageup", "pagedown", "home",
    "end", "up", "down", "left", "right", "backspace", "delete", "slash", "question_mark", "colon",
    "ctrl+p", "plus", "minus", "x", "y", "n", "a", "0", "asterisk",
)  # fmt: skip
"""Keys that users press on any screen, whether they are bound there or not."""

SAID = READ_ONLY.partition(":")[0]
"""The beginning of the message of a read-only console."""

LEAVES = {"ctrl+q", "ctrl+c", "super+c", "ctrl+z"}
"""Keys that end or suspend the console, which are not pressed here."""


def part(number: int) -> list[tuple[str, Sequence[str]]]:
    """Return one part of the walk; the default profile takes every other stop."""
    return list(STOPS.items())[number :: PARTS * count(4, 1)]


@pytest.mark.usefixtures("inline")
@pytest.mark.parametrize("number", range(PARTS))
async def test_every_screen_is_whole_and_its_names_are_text(
    number: int, tmp_path: Path, console: Make
) -> None:
    """Return a third of the screens; the soak visits all of them."""
    app = console(await hostile(tmp_path))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for name, way in part(number)[:: count(3, 1)]:
            app.folder = str(tmp_path)
            await press(pilot, *way)
            shown = text_of(app)
            assert OURS not in shown, name
            assert cut(app) == [], f"{name}:\n{shown}"
            assert unsafe(app) == [], f"{name}:\n{shown}"
            assert mute(app) == [], f"{name}:\n{shown}"
            assert alike(app) == [], f"{name}:\n{shown}"
            await home(pilot)


LONG = "Harbour View Residential Property Development Partnership No 2 of "
"""A name that has no room in any list, nor in a line of 80 columns."""

TWINS = tuple(f"{LONG}{end}" for end in "0123456789abcdef")

ENDS = {
    "case": ("aa", "aA", "Aa", "AA"),
    "spaces": ("x y", "x  y", "x\u00a0y", "x\u2003y"),
    "letters": ("axe", "\u0430xe", "a\u0445e", "ax\u0435"),
    "hidden": ("ab", "a\u200bb", "a\u200db", "a\u00adb"),
    "accents": ("e", "e\u0300", "e\u0301", f"e{chr(0x301) * 9}"),
    "right-to-left": ("שלום", "שלון", "مرحبا", "مرحب"),
    "pictures": ("👩\u200d👧", "👩\u200d👦", "👍🏽", "👍🏿"),
    "wide": ("一", "二", "株式会社さくら一", "株式会社さくら二"),
    "endless": tuple(f"{end}{'N' * 990}{end}" for end in "0123"),
}
"""How names that are easily mistaken for each other end."""


LISTS = (
    "clients", "pick", "team", "team-pick", "templates-link", "templates", "jobs", "proposals", "run-log",
    "plan-by-client", "differences", "review-last", "export-all", "inbox", "jobs-in-xpm", "audit",
)  # fmt: skip
"""Stops with lists of names."""


@pytest.mark.usefixtures("inline")
@pytest.mark.parametrize("number", range(PARTS))
async def test_names_that_differ_at_their_end_look_different(
    number: int, tmp_path: Path, console: Make
) -> None:
    app = console(await hostile(tmp_path, TWINS, "Hill"))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for name, way in part(number)[1 :: count(7, 1)]:
            app.folder = str(tmp_path)
            await press(pilot, *way)
            assert alike(app) == [], f"{name}:\n{text_of(app)}"
            assert lost(app, LONG[:7], r"of [0-9a-f](?![a-z])") == [], f"{name}:\n{text_of(app)}"
            await home(pilot)


@pytest.mark.usefixtures("inline")
@pytest.mark.parametrize("how", spread(ENDS, 1))
async def test_names_that_are_alike_look_different_in_each_list(
    how: str, tmp_path: Path, console: Make
) -> None:
    names = [*(f"{LONG}{end}" for end in ENDS[how]), *ENDS[how]]
    app = console(await hostile(tmp_path, names, "Hill"))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for name in LISTS[:: count(8, 1)]:
            await press(pilot, *STOPS[name])
            assert alike(app) == [], f"{name}:\n{text_of(app)}"
            assert unsafe(app) == [], f"{name}:\n{text_of(app)}"
            await home(pilot)


ELSEWHERE = {"ProgressDialog", "TooSmall", "ConsentScreen"}
"""Screens that no key leads to, or only for a moment: other tests show them."""


@pytest.mark.soak
@pytest.mark.usefixtures("inline")
async def test_the_walk_visits_every_screen_and_no_stop_repeats_another(
    tmp_path: Path, console: Make
) -> None:
    app = console(await hostile(tmp_path))
    kinds: set[str] = set()
    seen: dict[tuple[str, ...], str] = {}
    repeated: list[str] = []
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for name, way in STOPS.items():
            app.folder = str(tmp_path)
            await press(pilot, *way)
            kinds |= {kind.__name__ for kind in type(app.screen).__mro__}
            focus = app.focused.ancestors_with_self if app.focused else ()
            shown = re.sub(r"\bp[0-9]+\b", "p", text_of(app)), *(type(each).__name__ for each in focus)
            if seen.setdefault(shown, name) != name:
                repeated.append(f"{name} shows the same as {seen[shown]}")
            await home(pilot)
    assert repeated == []
    assert {kind.__name__ for kind in screens()} - kinds == ELSEWHERE


def screens() -> Iterator[type[Screen[Any]]]:
    """Return every class of screen and dialog of the console."""
    modules = [import_module(each.name) for each in walk_packages(tui.__path__, f"{tui.__name__}.")]
    for module in modules:
        load(module)  # a lazily imported module is empty until then
    for module in modules:
        for kind in vars(module).values():
            is_screen = isinstance(kind, type) and issubclass(kind, Screen)
            if is_screen and kind.__module__ == module.__name__ and not kind.__subclasses__():
                yield kind


@pytest.mark.parametrize("name", spread(HOSTILE, 1))
async def test_a_box_that_waits_is_whole_and_its_names_are_text(
    name: str, env: ConsoleFixture, console: Make
) -> None:
    """It is only shown while it waits, so no key of the walk stops at it."""
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app.push_screen(box := ProgressDialog(name, f"Asking XPM for job {name * 9} …"))
        await settle(pilot)
        box.update_progress(f"{name}: 3 of 12")
        await settle(pilot)
        assert f"{visible(name)}: 3 of 12"[-9:] in text_of(app)
        assert cut(app) == []
        assert unsafe(app) == []
        await press(pilot, "escape")
        assert isinstance(app.screen, ProgressDialog), "what goes on by itself is not left out of sight"
        box.dismiss(None)
        await settle(pilot)
        assert not isinstance(app.screen, ProgressDialog)


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("clients", 6),
        in_soak("team", 6),
        in_soak("templates", 6),
        in_soak("export-all", 5),
        in_soak("import", 1),
        ("proposals", 5),
        in_soak("run", 1),
    ],
)
async def test_names_are_shown_as_they_are(name: str, there: int, tmp_path: Path, console: Make) -> None:
    app = console(await hostile(tmp_path))
    app.folder = str(tmp_path)
    async with app.run_test(size=(160, 60)) as pilot:
        await settle(pilot)
        await press(pilot, *STOPS[name], *(("end",) if name == "export-all" else ()))
        shown = text_of(app)
        assert sum(visible(each)[:12] in shown for each in HOSTILE) >= there, shown
        assert unsafe(app) == []


def keys_of(screen: Screen[object]) -> list[str]:
    """Return every key that a screen or its focused widget binds."""
    found = {key for _, bound in screen._modal_binding_chain for key in bound.key_to_bindings}
    return sorted(found - LEAVES - {"escape"})


@pytest.mark.usefixtures("inline")
@pytest.mark.parametrize("number", range(PARTS))
async def test_every_key_of_every_screen_is_safe(number: int, tmp_path: Path, console: Make) -> None:
    """Return some screens, alternately with a key of their own and another one; the soak presses all keys."""
    app = console(await hostile(tmp_path))
    generic: Iterator[str] = cycle(GENERIC)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for place, (name, way) in enumerate(part(number)[:: count(12, 1)]):
            app.folder = str(tmp_path)
            await press(pilot, *way)
            own = keys_of(app.screen)
            turned = own[place % max(1, len(own)) :] + own[: place % max(1, len(own))]
            keys = turned[: count(1, 1_000)] + list(islice(generic, count(1, len(GENERIC))))
            await home(pilot)
            for key in keys:
                app.folder = str(tmp_path)
                await press(pilot, *way, key)
                assert app.is_running, (name, key)
                assert OURS not in text_of(app), (name, key, text_of(app))
                assert unsafe(app) == [], (name, key)
                await home(pilot)


def prints(env: ConsoleFixture) -> dict[str, str]:
    """Return the contents of every file of the practice except its logs."""
    folders = (env.home.data, env.home.config)
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.usefixtures("inline")
@pytest.mark.parametrize("number", range(PARTS))
async def test_a_read_only_console_shows_all_and_writes_nothing(
    number: int, tmp_path: Path, console: Make
) -> None:
    env = await hostile(tmp_path)
    before = prints(env)
    there = sorted(path.name for path in tmp_path.iterdir())
    asked = len(env.xpm.asked)
    app = console(env, read_only=True)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await settle(pilot)
        assert "READ-ONLY" in text_of(app)
        for name, way in part(number)[:: count(12, 1)]:
            app.folder = str(tmp_path)
            await press(pilot, *way)
            for key in islice(("enter", "a", "y", "space", "u", "S", "w", "s", "d"), count(3, 9)):
                await press(pilot, key)
                assert OURS not in text_of(app), (name, key, text_of(app))
                if isinstance(app.screen, HelpDialog):
                    break
            await home(pilot)
            assert prints(env) == before, f"something was written at {name}"
    writes = [name for name in env.xpm.asked[asked:] if name.startswith(("add", "update"))]
    assert writes == []
    assert sorted(path.name for path in tmp_path.iterdir()) == there


@pytest.mark.soak
@pytest.mark.usefixtures("inline")
@pytest.mark.parametrize("state", ["not connected", "empty", "read-only"])
async def test_every_command_of_the_palette_does_something_or_says_why(
    state: str, tmp_path: Path, console: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_only = state == "read-only"
    app = console(ConsoleFixture(tmp_path, connected=read_only, books=state != "empty"), read_only=read_only)
    said: list[str] = []
    monkeypatch.setattr(app, "toast", lambda text, *_, **__: said.append(text))
    done: set[str] = set()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for area in ("overview", "clients", "jobs"):
            app.go(area)
            await settle(pilot)
            assert isinstance(app.screen, AreaScreen)
            names = {each.name for each in keymap.palette_entries(area, app.screen.situation())}
            for name in sorted(names - done - {"practices.switch"}):
                said.clear()
                before = text_of(app), type(app.screen)
                app.screen.action_run_command(name)
                await settle(pilot)
                assert OURS not in text_of(app), (area, name)
                assert said or (text_of(app), type(app.screen)) != before, (area, name)
                await home(pilot)
                app.go(area)
                await settle(pilot)
            done |= names


PLAN = ("plan",)
"""No key leads there, because making a plan is refused."""


@pytest.mark.parametrize(
    "way",
    [
        ("g", "c", "r"),
        in_soak(PLAN),
        in_soak(("enter",)),
        in_soak(("g", "s")),
        ("colon", "=doctor", "enter", "b"),
    ],
    ids=["review", "plan", "run", "log", "bundle"],
)
async def test_a_read_only_console_saves_no_file_and_says_so(
    way: Sequence[str], tmp_path: Path, console: Make
) -> None:
    env = await hostile(tmp_path)
    with env.open(read_only=True) as practice:
        plan = plans.load(practice)[0].id
    app = console(env, read_only=True)
    app.folder = str(tmp_path)

    def files() -> set[Path]:
        return {path for path in tmp_path.rglob("*") if path.suffix in (".csv", ".txt", ".zip")}

    before = files()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await settle(pilot)
        if way == PLAN:
            app.show_plan(plan)
            await settle(pilot)
        else:
            await press(pilot, *way)
        assert SAID not in text_of(app)
        assert app.screen.active_bindings["w"].enabled is False, "dim in the foot"
        await press(pilot, "w")
        assert SAID in text_of(app), text_of(app)
        assert not isinstance(app.screen, ModalScreen)
    assert files() == before
