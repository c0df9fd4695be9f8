"""Formats: an older store is upgraded after a backup, a newer one is not touched."""

from __future__ import annotations

import zlib
from pathlib import Path

import msgspec
import pytest

from tests.store.faults import FailingDisk
from tests.store.script import expected_states, holds, opened, writes
from tests.store.test_kill import prepared
from xpm_tui.domain.errors import DiskError, StoreUnreadable
from xpm_tui.domain.tables import CLIENTS
from xpm_tui.files.machine import SystemClock
from xpm_tui.store import manifest
from xpm_tui.store.admin import restore
from xpm_tui.store.commit_log import LOG_END, read_log_end
from xpm_tui.store.encoding import seal_struct
from xpm_tui.store.manifest import HEAD, Tables, read_manifest

STEPS = 4
KNOWN = manifest.STEPS


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
    expected = expected_states(tmp_path, STEPS)
    folder = prepared(tmp_path / "book", STEPS)
    old = names(folder)
    monkeypatch.setattr(manifest, "STEPS", [*KNOWN, louder])
    assert names(folder, read_only=True) == [name.upper() for name in old]
    assert not (folder / "backups").exists(), "a reader changes nothing"
    assert names(folder) == [name.upper() for name in old]
    assert names(folder) == [name.upper() for name in old], "once"
    with opened(folder) as book:
        book.commit(writes(STEPS + 1))
    monkeypatch.setattr(manifest, "STEPS", KNOWN)
    with pytest.raises(StoreUnreadable, match="newer version") as reported:
        opened(folder)
    assert "Nothing was changed" in reported.value.hint
    (saved,) = (folder / "backups").glob("*-format-2.zip")
    restore(tmp_path / "again", saved, clock=SystemClock())
    with opened(tmp_path / "again") as book:
        assert holds(book.snapshot()) == expected[STEPS]


def test_a_migration_that_fails_leaves_the_old_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = prepared(tmp_path / "book", STEPS)
    old = names(folder)
    monkeypatch.setattr(manifest, "STEPS", [*KNOWN, louder])
    for nth in range(1, 8):
        with pytest.raises(DiskError):
            opened(folder, disk=FailingDisk(nth, "ENOSPC"))
    monkeypatch.setattr(manifest, "STEPS", KNOWN)
    assert names(folder) == old


def as_format_1(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """A store of format 1: no checksums of whole files, no recorded end of the log."""
    with patch.context() as patched:
        patched.setattr(manifest, "STEPS", [])
        prepared(folder, STEPS)
    head = read_manifest(folder / HEAD)
    assert head is not None
    tables = {name: msgspec.structs.replace(each, crc=None) for name, each in head.tables.items()}
    body = msgspec.to_builtins(msgspec.structs.replace(head, tables=tables))
    for each in body["tables"].values():
        del each["crc"]
    (folder / HEAD).write_bytes(seal_struct(body))
    (folder / LOG_END).unlink()


def test_a_store_of_format_1_is_brought_to_format_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = expected_states(tmp_path, STEPS)
    folder = tmp_path / "book"
    as_format_1(folder, monkeypatch)
    with opened(folder, read_only=True) as book:
        assert holds(book.snapshot()) == expected[STEPS]
    assert not (folder / LOG_END).exists(), "a reader changes nothing"
    with opened(folder) as book:
        assert holds(book.snapshot()) == expected[STEPS]
    head, end = read_manifest(folder / HEAD), read_log_end(folder)
    assert head is not None
    assert head.format == 2
    for name, table in head.tables.items():
        assert table.crc == zlib.crc32((folder / table.file).read_bytes())
        assert table.rows == sum(1 for kind, _ in expected[STEPS] if kind == name)
    assert end is not None
    assert (end.generation, end.position) == (head.generation, head.position)
    monkeypatch.setattr(manifest, "STEPS", [])
    with pytest.raises(StoreUnreadable, match="newer version"):
        opened(folder)
