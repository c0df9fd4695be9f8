"""A call that replaces something or cannot be undone is refused without a terminal, unless --yes is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_read_only import tree
from tests.interface.practice import CLIENTS
from tests.support.command import Inline
from xpm_tui.commands.effects import PerCall, usual_effect
from xpm_tui.commands.registry import all_commands

CALLS: dict[str, tuple[str, ...]] = {
    "disconnect": ("disconnect", "--everything"),
    "import.undo": ("import", "undo"),
    "schedule.install": ("schedule", "install", "--kind", "cron"),
    "team.create": (),  # the login of these tests has no scope to write staff: see test_staff_creation.py
    "undo": ("undo", "last"),
    "data.restore": ("data", "restore", "backup.zip"),
    "data.move": ("data", "move", "--to", "postgresql://nobody@127.0.0.1:1/none"),
    "purge": ("purge",),
}
"""A call of each command that needs consent."""


def test_the_table_has_every_such_command() -> None:
    found = {act.name for act in all_commands() if act.verb and usual_effect(act).needs_yes}
    varying = {act.name for act in all_commands() if isinstance(act.effect, PerCall)}
    assert found <= set(CALLS) <= found | varying


@pytest.fixture
def filled(connected: Inline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inline:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clients.csv").write_text(CLIENTS, encoding="utf-8")
    connected("import", "clients", "clients.csv", code=1)
    connected("sync", "--yes", "--json", code=None)
    connected("data", "backup", "backup.zip")
    return connected


@pytest.mark.parametrize("call", filter(None, CALLS.values()), ids=" ".join)
@pytest.mark.parametrize("form", ["json", "text"])
def test_it_is_refused_and_nothing_is_written(
    call: tuple[str, ...], form: str, filled: Inline, sandbox: Any, tmp_path: Path
) -> None:
    before = {path: seen for path, seen in tree(tmp_path).items() if "/book/" in path}
    sandbox.control("DELETE", "requests")
    done = filled(*call, *(["--json"] if form == "json" else []), code=4)
    assert {path: seen for path, seen in tree(tmp_path).items() if "/book/" in path} == before
    asked = sandbox.control("GET", "requests")["requests"]
    assert [row for row in asked if row.get("method") != "GET"] == []
    reported = str(done.error) if form == "json" else done.err
    assert "--yes" in reported
    assert "needs your decision" not in reported, "no run and no record waits"
