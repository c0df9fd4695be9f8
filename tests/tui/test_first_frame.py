"""The work between the start of the program and its first frame is counted; nothing here is timed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.pseudo_terminal import Terminal
from tests.tui.fixtures import ConsoleFixture

COUNTED = """
import collections, gc, json, os, sys
from textual import app, screen
from textual.css import stylesheet
from xpm_tui.__main__ import main
from xpm_tui.lazy import unloaded_modules
from xpm_tui.tui.terminal import driver
from xpm_tui.tui.app import Console

counts = collections.Counter()

def counted(owner, name):
    stock = getattr(owner, name)

    def call(*args, **more):
        counts[name] += 1
        return stock(*args, **more)

    setattr(owner, name, call)

read = collections.Counter()
stock_parse = stylesheet.parse

def parse(scope, css, source, **more):
    read[source] += 1
    return stock_parse(scope, css, source, **more)

stylesheet.parse = parse
counted(stylesheet.Stylesheet, "apply")
counted(screen.Screen, "_refresh_layout")
stock_run, stock_begin = app.App.run, Console._start_up
Console.run = lambda self, **more: stock_run(self, headless=True, size=(80, 24))
driver.require_terminal = lambda environ: None
stock_ready = Console.on_ready

def looks():
    return sum(each["collections"] for each in gc.get_stats())

def ready(self, event):
    found.update(
        modules=sorted(set(sys.modules) - unloaded_modules()), widgets=len(list(self.screen.walk_children())),
        screens=len(self.screen_stack),
        looks=looks() - before,
        searched=gc.isenabled(), **counts,
    )
    stock_ready(self, event)

def begin(self):
    stock_begin(self)
    found["searched after"] = gc.isenabled()
    self.exit()

found = {}
Console.on_ready, Console._start_up = ready, begin
before = looks()
try:
    main()
finally:
    ours = [source for source in read if source[0].endswith(".tcss")]
    found["read"] = {os.path.basename(source[0]): read[source] for source in ours}
    print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """Return counts at the first frame of a console from the command line, and whether it opened later."""
    folder: Path = tmp_path_factory.mktemp("first")
    ConsoleFixture(folder)
    done = subprocess.run(
        [sys.executable, "-c", COUNTED], env=os.environ | {"XPM_TUI_HOME": str(folder / "home")},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


LATER = (
    "click", "msgspec", "secrets", "sqlite3", "tomllib", "httpx", "authlib", "lxml", "rapidfuzz",
    "concurrent.futures.thread", "xpm_tui.commands.registry", "xpm_tui.store.store", "xpm_tui.cli.runner",
    "xpm_tui.settings.schema", "xpm_tui.sync.policy", "xpm_tui.xero.wiring",
    "xpm_tui.application.practice", "xpm_tui.tui.keymap",
    "xpm_tui.tui.dialogs.dialog", "xpm_tui.tui.screens.clients",
)  # fmt: skip


@pytest.mark.parametrize("module", LATER)
def test_what_the_first_frame_does_not_need_is_loaded_after_it(frame: Mapping[str, Any], module: str) -> None:
    assert module not in frame["modules"]


def test_the_first_frame_needs_few_files_of_ours(frame: Mapping[str, Any]) -> None:
    assert len([name for name in frame["modules"] if name.split(".")[0] == "xpm_tui"]) <= 63


def test_the_first_frame_is_few_widgets_styled_and_laid_out_few_times(frame: Mapping[str, Any]) -> None:
    assert frame["screens"] == 1
    assert frame["widgets"] <= 16
    assert frame["apply"] <= frame["widgets"] + 9  # and the app, the screen, the footer's own
    assert frame["_refresh_layout"] <= 3


def test_the_stylesheets_of_the_shell_and_of_the_area_are_read_once(frame: Mapping[str, Any]) -> None:
    assert frame["read"] == {"console.tcss": 1, "overview.tcss": 1}


def test_no_garbage_collection_before_the_practice_is_open(frame: Mapping[str, Any]) -> None:
    assert (frame["looks"], frame["searched"]) == (0, False)
    assert frame["searched after"] is True


def test_the_first_frame_is_sent_once_and_the_keys_after_the_data(tmp_path: Path) -> None:
    ConsoleFixture(tmp_path)
    terminal = Terminal(["-m", "xpm_tui"], XPM_TUI_HOME=str(tmp_path / "home"))
    sent = terminal.until(b"clients to link")
    terminal.close()
    assert sent.count(b"Calls to Xero") == 1
    assert sent.index(b"clients to link") < sent.index(b"All actions")
