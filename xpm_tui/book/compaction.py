"""Folding the commit log into fresh snapshot files, while others go on committing."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from xpm_tui.book.commit_log import Mark, first_line
from xpm_tui.book.engine import Engine
from xpm_tui.book.head import FORMAT, HEAD, Head, TableFile, previous_head, read_head, write_head
from xpm_tui.book.table_file import read_table, write_table
from xpm_tui.book.view import BookSnapshot
from xpm_tui.files.atomic import leftovers, replace_bytes
from xpm_tui.files.disk import Disk, spoken
from xpm_tui.files.locks import Lock
from xpm_tui.model.errors import BookUnreadable, Busy

LEAST = 1024 * 1024
"""Bytes of log that are never worth folding in."""

SHARE = 0.25
"""Part of the snapshot files' size from which on the log is folded in."""

_OURS = re.compile(r"^(?:[a-z_]+\.(\d+)\.rows|log\.(\d+))$")
_COPY = 1 << 20


def due(engine: Engine) -> bool:
    """Whether the log has grown enough."""
    return engine.mark.offset > max(LEAST, SHARE * engine.head.bytes)


def compact(engine: Engine) -> bool:
    """Put a new generation in place; False where another process is at it.

    The generation before is kept whole. The book lock is held only for the last step, in which what was
    committed meanwhile is copied over. Raises ``DiskTrouble`` and ``BookUnreadable``; the book is as it was.
    """
    lock = Lock(engine.folder / "compact.lock", clock=engine.clock, person="", what="compacting")
    try:
        with lock.hold(0):
            _compact(engine)
    except Busy:
        return False
    finally:
        lock.close()
    return True


def _compact(engine: Engine) -> None:
    with engine.locked():
        old, mark, view = engine.head, engine.mark, engine.view()
        refuse_foreign(engine.folder, old)
    tables = write_tables(engine.folder, view, old.generation + 1, old.book, engine.disk)
    with engine.locked():
        if engine.head != old or read_head(engine.folder / HEAD) != old:
            return  # Somebody restored another state meanwhile: what was written here belongs to none.
        head = msgspec.structs.replace(
            old,
            format=FORMAT,
            generation=old.generation + 1,
            position=mark.position,
            chain=mark.chain,
            made=engine.clock.now(),
            tables=tables,
        )
        offset = put_in_place(engine.folder, head, old, mark, engine.mark.offset, engine.disk)
        engine.adopt(head, engine.mark._replace(offset=offset))
        clean(engine.folder, head, engine.disk)


def write_tables(
    folder: Path, view: BookSnapshot, generation: int, book: str, disk: Disk
) -> dict[str, TableFile]:
    """Snapshot files of all tables that have rows."""
    title = f"xpm-tui book {book} generation {generation} position {view.position}"
    return {
        name: write_table(
            folder / f"{name}.{generation}.rows", view.items(name), title=f"{title} table {name}", disk=disk
        )
        for name in view.names()
    }


def put_in_place(folder: Path, head: Head, old: Head, mark: Mark, end: int, disk: Disk) -> int:
    """The new generation's log, with what the old one holds from ``mark`` to ``end``; then its head.

    Gives the length of the new log.
    """
    path = folder / old.log

    def pieces() -> Iterator[bytes]:
        yield first_line(head)
        with spoken(path, "read"), path.open("rb") as stream:
            stream.seek(mark.offset)
            left = end - mark.offset
            while left > 0 and (piece := stream.read(min(left, _COPY))):
                left -= len(piece)
                yield piece

    size = replace_bytes(folder / head.log, pieces(), disk=disk)
    write_head(folder, head, disk=disk)
    return size


def refuse_foreign(folder: Path, head: Head) -> None:
    """Look whether the snapshot files are still as they were written, before they give way to others.

    Raises :class:`Damage`. A file whose size is right is read only where it was changed after its head.
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


def clean(folder: Path, head: Head, disk: Disk) -> None:
    """Remove what neither this generation nor the one before needs, and what killed processes left."""
    keep = {head.log, *(known.file for known in head.tables.values())}
    with suppress(BookUnreadable):
        before = read_head(previous_head(folder))
        if before is not None:
            keep |= {before.log, *(known.file for known in before.tables.values())}
    with suppress(OSError):
        for path in [*folder.iterdir()]:
            if _OURS.match(path.name) and path.name not in keep:
                disk.unlink(path)
        for path in leftovers(folder):
            disk.unlink(path)
