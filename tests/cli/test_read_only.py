"""Read-only mode by verb: reading works, everything else is refused, and no file of the home changes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.interface.practice import CLIENTS
from tests.support.command import Inline
from tests.support.every_verb import words
from xpm_tui.commands.command import Command
from xpm_tui.commands.effects import usual_effect
from xpm_tui.commands.registry import all_commands

VERBS = [act for act in all_commands() if act.verb]

LOOKS = (
    ("plan",),
    ("import", "clients", "clients.csv", "--dry-run"),
    ("import", "undo", "--dry-run"),
    ("export", "clients", "-"),
    ("export", "services", "-", "--form", "spreadsheet"),
    ("export", "team", "-"),
    ("export", "proposals", "-"),
    ("plan", "export", "last"),
    ("clients", "review", "--export", "-"),
    ("clients", "link", "c1", "14070003", "--dry-run"),
    ("team", "link", "--by-email", "--dry-run"),
    ("schedule", "install", "--dry-run"),
    ("undo", "last", "--dry-run"),
    ("runs", "retry", "last", "--list"),
    ("relink",),
)
"""Calls that only read, of commands that can write."""

WRITING = {"templates.rules": ("--budget", "none")}
"""Options without which a command that writes would only read."""


def tree(folder: Path) -> dict[str, tuple[int, int, int, int]]:
    """Return every file and folder below, with inode, size, time and mode: even a touch is a change."""
    found = {}
    for path in sorted(folder.rglob("*")):
        at = path.lstat()
        found[str(path)] = (at.st_ino, at.st_size if path.is_file() else 0, at.st_mtime_ns, at.st_mode)
    return found


@pytest.fixture(scope="module")
def template_home(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with clients, links, a plan, a run and an import."""
    folder = tmp_path_factory.mktemp("read-only")
    shutil.copytree(template, folder / "home")
    (folder / "clients.csv").write_text(CLIENTS, encoding="utf-8")
    return folder


@pytest.fixture
def filled(template_home: Path, sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> Inline:
    monkeypatch.chdir(template_home)
    command = Inline(template_home / "home", {**sandbox.environ, "XPM_TUI_USER": "tester"})
    if not (template_home / "ready").exists():
        command("import", "clients", "clients.csv", code=1)
        command("sync", "--yes", "--json", code=None)
        command("plan", "--json")
        # A killed process leaves a lock file behind that still names its owner.
        (template_home / "home/state/practices/practice/run.lock").write_text('{"person": "ana"}')
        (template_home / "ready").touch()
    return command


@pytest.mark.parametrize("act", VERBS, ids=lambda act: act.name)
def test_no_verb_changes_a_file(act: Command[Any], filled: Inline, template_home: Path) -> None:
    before = tree(template_home)
    done = filled("--read-only", *words(act), *WRITING.get(act.name, ()), "--json", code=None)
    assert tree(template_home) == before
    refused = done.code == 2 and done.error["code"] == "read-only"
    assert refused == usual_effect(act).writes, done
    if refused:
        assert "--read-only" in done.error["hint"]


@pytest.mark.parametrize("call", LOOKS, ids=" ".join)
def test_what_only_looks_works_and_changes_no_file(
    call: tuple[str, ...], filled: Inline, template_home: Path
) -> None:
    before = tree(template_home)
    done = filled("--read-only", *call, code=None)
    assert tree(template_home) == before
    assert done.code in (0, 1), done


def test_a_plan_uses_the_stored_data_says_its_age_and_is_not_saved(
    filled: Inline, sandbox: Any, template_home: Path
) -> None:
    last = filled("plan", "export", "last", "--json").json["id"]
    sandbox.control("DELETE", "requests")
    reported = filled("--read-only", "plan", "--json").json
    assert (reported["id"], reported["saved"]) == ("", False)
    assert reported["mirror_at"]
    assert sandbox.control("GET", "requests")["requests"] == []
    assert "XPM data of " in filled("--read-only", "plan").out
    assert filled("plan", "export", "last", "--json").json["id"] == last
