"""The verbs for the data of a practice, also for a store that cannot be opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interface.practice import CLIENTS
from tests.support.command import Inline


@pytest.fixture
def filled(tmp_path: Path) -> Inline:
    path = tmp_path / "clients.csv"
    path.write_text(CLIENTS, encoding="utf-8")
    command = Inline(tmp_path / "home", {"XPM_TUI_USER": "tester"})
    command("import", "clients", str(path), code=1)
    return command


def names(command: Inline) -> list[str]:
    return [view["name"] for view in command("clients", "list", "--json").json["items"]]


def damage(command: Inline) -> None:
    command("data", "compact")
    (table,) = [p for p in command.home.rglob("*") if p.is_file() and p.name.startswith("clients.")][:1]
    table.write_bytes(table.read_bytes()[:-40] + b"x" * 40)


def test_a_whole_store_is_reported(filled: Inline) -> None:
    reported = filled("data", "check", "--json").json
    assert reported["ok"] is True
    assert reported["rows"]["clients"] == 7
    assert filled("data", "compact", "--json").json["done"] is True
    assert filled("data", "repair", "--json").json["changed"] is False


def test_a_backup_brings_everything_back(filled: Inline, tmp_path: Path) -> None:
    file = tmp_path / "backup.zip"
    before = names(filled)
    assert filled("data", "backup", str(file), "--json").json["rows"]["clients"] == 7
    assert file.stat().st_mode & 0o077 == 0
    filled("data", "backup", str(file), "--json", code=2)
    filled("import", "undo", "--yes", "--json")
    assert names(filled) == []
    assert filled("data", "restore", str(file), "--yes", "--json").json["rows"]["clients"] == 7
    assert names(filled) == before
    filled("data", "restore", str(tmp_path / "clients.csv"), "--yes", "--json", code=2)
    assert names(filled) == before


def test_a_damaged_store_is_reported_read_and_repaired(filled: Inline) -> None:
    damage(filled)
    assert filled("data", "check", "--json", code=8).error["code"] == "book-unreadable"
    filled("settings", "set", "sync.level", "name", code=None)
    repaired = filled("data", "repair", "--json", code=None)
    if repaired.code != 0:
        repaired = filled("data", "repair", "--lossy", "--json")
    assert Path(repaired.json["kept"]).is_dir()
    assert filled("data", "check", "--json").json["ok"] is True


def test_purging_leaves_nothing_of_the_practice(filled: Inline) -> None:
    assert "add --yes" in filled("purge", "--json", code=4).error["hint"]
    assert filled("purge", "--yes", "--json").json["purged"] is True
    assert [path for path in filled.home.rglob("*") if path.is_file()] == []
    assert filled("practices", "--json").json["items"] == []
    assert filled("purge", "--yes", "--json", code=2).error["code"] == "not-found"


def test_where_there_is_no_store(tmp_path: Path) -> None:
    command = Inline(tmp_path / "home")
    for words in (("data", "check"), ("data", "repair"), ("data", "backup", "x.zip"), ("purge", "--yes")):
        assert command(*words, "--json", code=2).error["code"] in ("not-found", "bad-input"), words
    assert not (tmp_path / "home").exists()


def test_nothing_of_it_happens_with_read_only(filled: Inline, tmp_path: Path) -> None:
    for words in (
        ("data", "repair"),
        ("data", "restore", "x"),
        ("purge", "--yes"),
        ("practices", "add", "x"),
    ):
        assert filled(*words, "--read-only", "--json", code=2).error["code"] == "read-only", words
