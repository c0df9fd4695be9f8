"""A generation of the book's files: written beside the old one, made true by its head, the old one kept."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from xpm_tui.domain.errors import StoreUnreadable
from xpm_tui.domain.ports import Clock
from xpm_tui.files.atomic import leftovers, replace_bytes
from xpm_tui.files.disk import DISK, Disk, disk_error
from xpm_tui.files.locks import Lock
from xpm_tui.store.commit_log import Mark, first_line
from xpm_tui.store.log_end import LOG_END, write_log_end
from xpm_tui.store.manifest import HEAD, Manifest, TableFile, previous_manifest, read_manifest, write_manifest
from xpm_tui.store.migrations import newest
from xpm_tui.store.snapshot import StoreSnapshot
from xpm_tui.store.snapshot_file import read_table, write_table

BOOK_LOCK = "book.lock"
FOLD_LOCK = "compact.lock"
PATIENCE = 20.0
"""Seconds to wait for another process before giving up."""

_OURS = re.compile(r"^(?:[a-z_][a-z0-9_]*\.(\d+)\.rows|log\.(\d+))$")
_COPY = 1 << 20


@contextmanager
def both_locks(folder: Path, clock: Clock, what: str, person: str = "") -> Iterator[None]:
    """Keep commits and compactions of all processes out. Raises ``Busy``."""
    fold = Lock(folder / FOLD_LOCK, clock=clock, person=person, what=what)
    book = Lock(folder / BOOK_LOCK, clock=clock, person=person, what=what)
    try:
        with fold.hold(PATIENCE), book.hold(PATIENCE):
            yield
    finally:
        fold.close()
        book.close()


def install(
    folder: Path,
    view: StoreSnapshot,
    *,
    book: str,
    position: int,
    chain: int,
    clock: Clock,
    disk: Disk = DISK,
) -> Manifest:
    """Make the rows of a view the newest generation, with an empty log. The caller holds both locks."""
    generation = 1 + max((number for number, _ in generation_files(folder)), default=0)
    head = Manifest(
        format=newest(),
        book=book,
        generation=generation,
        position=position,
        chain=chain,
        made=clock.now(),
        tables=write_tables(folder, view, generation, book, disk),
    )
    size = replace_bytes(folder / head.log, first_line(head), disk=disk)
    # What was recorded of the state before does not hold for this one, which may go back.
    with suppress(FileNotFoundError), disk_error(folder / LOG_END, "removed"):
        disk.unlink(folder / LOG_END)
        disk.sync_folder(folder)
    write_manifest(folder, head, disk=disk)
    write_log_end(folder, head, Mark(size, position, chain), disk=disk)
    return head


def generation_files(folder: Path) -> list[tuple[int, Path]]:
    """Snapshot files and logs in a folder, each with its generation."""
    found = []
    for path in folder.iterdir():
        match = _OURS.match(path.name)
        if match:
            found.append((int(match[1] or match[2]), path))
    return sorted(found)


def write_tables(
    folder: Path, view: StoreSnapshot, generation: int, book: str, disk: Disk
) -> dict[str, TableFile]:
    """Snapshot files of all tables that have rows."""
    title = f"xpm-tui data {book} generation {generation} position {view.position}"
    return {
        name: write_table(
            folder / f"{name}.{generation}.rows", view.items(name), title=f"{title} table {name}", disk=disk
        )
        for name in view.names()
    }


def install_log(folder: Path, head: Manifest, old: Manifest, mark: Mark, end: int, disk: Disk) -> int:
    """The new generation's log, with what the old one holds from ``mark`` to ``end``; then its head.

    Gives the length of the new log.
    """
    path = folder / old.log

    def pieces() -> Iterator[bytes]:
        yield first_line(head)
        with disk_error(path, "read"), path.open("rb") as stream:
            stream.seek(mark.offset)
            left = end - mark.offset
            while left > 0 and (piece := stream.read(min(left, _COPY))):
                left -= len(piece)
                yield piece

    size = replace_bytes(folder / head.log, pieces(), disk=disk)
    write_manifest(folder, head, disk=disk)
    return size


def refuse_foreign(folder: Path, head: Manifest) -> None:
    """Look whether the snapshot files are still as they were written, before they give way to others.

    Raises :class:`StoreDamaged`. A file whose size is right is read only where it was changed after its head.
    """
    made = os.stat(folder / HEAD).st_mtime_ns
    for known in head.tables.values():
        path = folder / known.file
        try:
            found = os.stat(path)
        except FileNotFoundError:
            found = None
        if found is None or found.st_size != known.bytes or found.st_mtime_ns > made:
            read_table(path, known)


def clean(folder: Path, head: Manifest, disk: Disk) -> None:
    """Remove what neither this generation nor the one before needs, and what killed processes left."""
    keep = {head.log, *(known.file for known in head.tables.values())}
    with suppress(StoreUnreadable):
        before = read_manifest(previous_manifest(folder))
        if before is not None:
            keep |= {before.log, *(known.file for known in before.tables.values())}
    with suppress(OSError):
        for _, path in generation_files(folder):
            if path.name not in keep:
                disk.unlink(path)
        for path in leftovers(folder):
            disk.unlink(path)
