"""A bundle in the console: each screen names the verb that shows the same; and the command log."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from textual.screen import ModalScreen, Screen

from tests.tui.fixtures import ConsoleFixture, settle, text_of
from xpm_tui.application.health import bundle
from xpm_tui.application.health.opened_bundle import unpack
from xpm_tui.application.health.probe_facts import of_practice
from xpm_tui.cli.console import NoConsole
from xpm_tui.cli.main import build_root
from xpm_tui.domain.formatting import clock
from xpm_tui.tui import screens
from xpm_tui.tui.app import Console
from xpm_tui.tui.base_screen import SCREEN_VERBS, screen_verb
from xpm_tui.tui.screens.command_log import CommandLog
from xpm_tui.tui.worker_thread import WorkerThread

BASES = {
    "AreaScreen",
    "FilteredArea",
    "DetailScreen",
    "RecordListScreen",
    "Chooser",
    "SearchScreen",
    "StaffPicker",
    "JobCommands",
}
"""Base classes of screens, which are never shown themselves."""


def every_screen() -> list[type[Screen[Any]]]:
    found: list[type[Screen[Any]]] = []
    for module in pkgutil.iter_modules(screens.__path__, "xpm_tui.tui.screens."):
        for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if not issubclass(kind, Screen) or issubclass(kind, ModalScreen):
                continue
            if kind.__module__ == module.name and kind.__name__ not in BASES:
                found.append(kind)
    return found


def test_every_screen_names_a_verb_that_there_is() -> None:
    assert {kind.__name__ for kind in every_screen()} <= SCREEN_VERBS.keys()
    about = {"_plan_id": "p1", "_run_id": "r1", "_form": "clients"}
    for name in SCREEN_VERBS:
        screen = type(name, (SimpleNamespace,), {})(**about)
        found: click.Command = build_root(NoConsole())
        for word in shlex.split(screen_verb(screen))[1:]:
            if not isinstance(found, click.Group):
                break
            ctx = click.Context(found)
            assert word in found.list_commands(ctx), (name, word)
            found = found.get_command(ctx, word) or found


async def test_a_bundle_opens_with_the_verb_of_each_area(tmp_path: Path) -> None:
    env = ConsoleFixture(tmp_path)
    with env.open() as practice:
        parts = await bundle.gather(of_practice(practice), [])
        bundle.write(parts, tmp_path / "b.zip", of_practice(practice))
    worker = WorkerThread(unpack(tmp_path / "b.zip", tmp_path / "opened").practice)
    worker.open()
    app = Console(worker)
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            await settle(pilot)
            for area in ("overview", "clients"):
                app.go(area)
                await settle(pilot)
                shown = str(app.screen.query_one(".verb-line").render())
                assert "names masked" in shown
                assert screen_verb(app.screen) in shown
            assert app.practice_status.read_only
    finally:
        worker.close()


async def test_what_was_done_can_be_copied(
    tmp_path: Path, console: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = ConsoleFixture(tmp_path)
    copied: list[str] = []
    app: Console = console(env)
    monkeypatch.setattr(app, "copy_to_clipboard", copied.append)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert not app.screen.query(".verb-line")
        await app.run_named("settings.set", {"key": "notify.command", "value": "mail -s 'it is' x@y.example"})
        with pytest.raises(Exception, match="no client"):
            await app.run_named("clients.show", {"client": "c404"})
        await pilot.press("at")
        await settle(pilot)
        assert isinstance(app.screen, CommandLog)
        shown = text_of(app)
        assert all(clock(each.at) in shown for each in app.command_log), "no time is cut"
        await pilot.press("down", "y")
        await settle(pilot)
    home = env.open().home.root
    line = shlex.join(
        ["xpm-tui", "--home", str(home), "settings", "set", "notify.command", "mail -s 'it is' x@y.example"]
    )
    assert copied == [line]
    assert [each.outcome for each in app.command_log] == ["done", "failed"]
