"""Formats: an older book is brought up to date with a backup first, a newer one is left alone."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.book.faults import FailingDisk
from tests.book.script import holds, opened, truths, writes
from tests.book.test_kill import prepared
from xpm_tui.book import migrations
from xpm_tui.book.care import restore
from xpm_tui.book.migrations import Tables
from xpm_tui.files.clock import SystemClock
from xpm_tui.model.errors import BookUnreadable, DiskTrouble
from xpm_tui.model.tables import CLIENTS

STEPS = 4


def louder(tables: Tables) -> Tables:
    out = dict(tables)
    rows = {}
    for each, raw in tables.get("clients", {}).items():
        fields = msgspec.json.decode(raw)
        rows[each] = msgspec.json.encode({**fields, "name": fields["name"].upper()})
    out["clients"] = rows
    return out


def names(folder: Path, *, read_only: bool = False) -> list[str]:
    with opened(folder, read_only=read_only) as book:
        return [row.name for row in book.snapshot().rows(CLIENTS)]


def test_an_older_format_is_migrated_with_a_backup_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = truths(tmp_path, STEPS)
    folder = prepared(tmp_path / "book", STEPS)
    old = names(folder)
    monkeypatch.setattr(migrations, "STEPS", [louder])
    assert names(folder, read_only=True) == [name.upper() for name in old]
    assert not (folder / "backups").exists(), "a reader changes nothing"
    assert names(folder) == [name.upper() for name in old]
    assert names(folder) == [name.upper() for name in old], "once"
    with opened(folder) as book:
        book.commit(writes(STEPS + 1))
    monkeypatch.setattr(migrations, "STEPS", [])
    with pytest.raises(BookUnreadable, match="newer version") as told:
        opened(folder)
    assert "Nothing was changed" in told.value.hint
    (saved,) = (folder / "backups").glob("*-format-1.zip")
    restore(tmp_path / "again", saved, clock=SystemClock())
    with opened(tmp_path / "again") as book:
        assert holds(book.snapshot()) == truth[STEPS]


def test_a_migration_that_fails_leaves_the_old_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = prepared(tmp_path / "book", STEPS)
    old = names(folder)
    monkeypatch.setattr(migrations, "STEPS", [louder])
    for nth in range(1, 8):
        with pytest.raises(DiskTrouble):
            opened(folder, disk=FailingDisk(nth, "ENOSPC"))
    monkeypatch.setattr(migrations, "STEPS", [])
    assert names(folder) == old
