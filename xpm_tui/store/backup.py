"""Backups of a store, and upgrades of an older format, which begin with a backup.

A backup is one generation of the store in a zip file, which is read back before it counts as complete.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

import msgspec

from xpm_tui.domain.errors import BadInput, StoreUnreadable
from xpm_tui.domain.ports import Clock
from xpm_tui.domain.tables import TableSchema
from xpm_tui.files.machine import Disk, disk_error, to_disk_error
from xpm_tui.files.private import ensure_private
from xpm_tui.lazy import lazy_imports
from xpm_tui.store.loader import Loaded, load
from xpm_tui.store.manifest import HEAD, StoreDamaged, migrate, newest
from xpm_tui.store.memory import Index, LiveTable, MemoryState
from xpm_tui.store.snapshot import StoreSnapshot
from xpm_tui.store.snapshot_set import install, read_range

with lazy_imports():
    import shutil
    import tempfile
    import zipfile


BACKUPS = "backups"
"""The folder for automatic backups, beside the files of the store."""


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """A backup that was read back, with the position and the rows by table that the store had then."""

    path: str
    position: int
    rows: dict[str, int]
    bytes: int


def write_backup(folder: Path, target: Path) -> Backup:
    """Write the contents of the store to ``target`` (0600); the caller prevents compactions meanwhile.

    Raises:
        StoreUnreadable: The store is damaged; a backup of it would be useless.
        BadInput: The file exists.
        DiskError: The file cannot be written.
    """
    loaded = load(folder)
    if loaded is None:
        raise StoreUnreadable(f"There is no data in {folder}.", hint="Check --home and --practice.")
    with disk_error(target):
        if os.path.lexists(target):
            raise BadInput(f"{target} is already there.", hint="Name another file, or move that one away.")
    temporary = target.with_name(f".{target.name}.tmp")
    head, mark = loaded.head, loaded.state.mark
    with disk_error(target):
        try:
            with (
                _open_private(temporary) as stream,
                zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed,
            ):
                packed.write(folder / HEAD, HEAD)
                for known in head.tables.values():
                    packed.write(folder / known.file, known.file)
                with packed.open(head.log, "w", force_zip64=True) as inside:
                    inside.writelines(read_range(folder / head.log, 0, mark.offset))
            with unpacked(temporary) as read_back:
                if read_back.state.mark != mark:
                    raise StoreUnreadable(
                        f"The backup {target} could not be verified: it does not contain what was written."
                    )
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
    rows = {name: len(live.lazy_rows) for name, live in loaded.state.tables.items() if live.lazy_rows}
    return Backup(path=str(target), position=mark.position, rows=rows, bytes=target.stat().st_size)


@contextmanager
def unpacked(source: Path) -> Iterator[Loaded]:
    """Yield the state in a backup, which is verified completely.

    Raises:
        BadInput: The file is not a complete backup.
    """
    refusal = f"{source} is not a complete backup"
    scratch = Path(tempfile.mkdtemp(prefix=".reading-", dir=_scratch_parent(source)))
    try:
        with zipfile.ZipFile(source) as packed:
            for member in packed.infolist():
                # Only plain names are accepted: a path inside a backup is never followed.
                name = Path(member.filename).name
                if name == member.filename and not member.is_dir():
                    with packed.open(member) as inside, (scratch / name).open("wb") as out:
                        shutil.copyfileobj(inside, out)
        loaded = load(scratch)
        if loaded is None:
            raise BadInput(f"{refusal}: it has no manifest.", hint="Choose another backup.")
        yield loaded
    except FileNotFoundError as error:
        raise BadInput(f"The file {source} does not exist.") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, StoreDamaged, RuntimeError) as error:
        raise BadInput(f"{refusal}: it is damaged.", hint="Choose another backup.") from error
    except OSError as error:
        raise to_disk_error(error, source, "read") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def automatic_backup_path(folder: Path, why: str, now: datetime) -> Path:
    """Return the path for an automatic backup."""
    backups = ensure_private(folder / BACKUPS)
    return backups / f"{now:%Y%m%dT%H%M%S%f}-{why}.zip"


def prune_backups(folder: Path, keep: int) -> list[Path]:
    """Remove all automatic backups but the newest ``keep``; return what was removed."""
    found = sorted((folder / BACKUPS).glob("*.zip"))
    removed = found[: max(0, len(found) - keep)]
    for path in removed:
        path.unlink(missing_ok=True)
    return removed


def _scratch_parent(source: Path) -> Path | None:
    return source.parent if source.parent.is_dir() and os.access(source.parent, os.W_OK) else None


@contextmanager
def _open_private(path: Path) -> Iterator[IO[bytes]]:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "w+b") as stream:
        yield stream
        stream.flush()
        os.fsync(stream.fileno())


def migrate_rows(loaded: Loaded) -> Loaded:
    """Return the same state with rows of the newest format."""
    tables = {name: live.rows for name, live in loaded.state.tables.items()}
    state = MemoryState(migrate(tables, loaded.head.format), loaded.state.mark)
    return loaded._replace(state=state, head=msgspec.structs.replace(loaded.head, format=newest()))


def upgrade(folder: Path, clock: Clock, disk: Disk) -> Loaded:
    """Install the state in the newest format, and return it. The caller holds both locks.

    Raises what a commit raises.
    """
    old = load(folder)
    assert old is not None
    if old.head.format < newest():
        write_backup(folder, automatic_backup_path(folder, f"format-{old.head.format}", clock.now()))
        new = migrate_rows(old)
        mark = old.state.mark
        install(
            folder,
            private_view(new.state),
            store_id=old.head.store_id,
            position=mark.position + 1,
            chain=mark.chain ^ 1,
            clock=clock,
            disk=disk,
        )
    loaded = load(folder)
    assert loaded is not None
    return loaded


def private_view(state: MemoryState) -> StoreSnapshot:
    """Return a view of a state that nothing else uses."""

    def build(live: LiveTable, table: TableSchema[object], name: str) -> Index:  # type: ignore[type-var]
        return live.indexes.build(table, name, live.rows)

    return StoreSnapshot(state, build)
