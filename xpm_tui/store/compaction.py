"""Folding the commit log into fresh snapshot files, while others go on committing."""

from __future__ import annotations

import msgspec

from xpm_tui.domain.errors import Busy
from xpm_tui.files.locks import Lock
from xpm_tui.store.engine import Engine
from xpm_tui.store.manifest import HEAD, read_manifest
from xpm_tui.store.snapshot_set import FOLD_LOCK, clean, install_log, refuse_foreign, write_tables

LEAST = 1024 * 1024
"""Bytes of log that are never worth folding in."""

SHARE = 0.25
"""Part of the snapshot files' size from which on the log is folded in."""


def due(engine: Engine) -> bool:
    """Whether the log has grown enough."""
    return engine.mark.offset > max(LEAST, SHARE * engine.head.bytes)


def compact(engine: Engine) -> bool:
    """Put a new generation in place; False where another process is at it.

    The generation before is kept whole. The book lock is held only for the last step, in which what was
    committed meanwhile is copied over. Raises ``DiskError`` and ``StoreUnreadable``; the book is as it was.
    """
    lock = Lock(engine.folder / FOLD_LOCK, clock=engine.clock, person="", what="compacting")
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
        if engine.head != old or read_manifest(engine.folder / HEAD) != old:
            return  # Somebody restored another state meanwhile: what was written here belongs to none.
        head = msgspec.structs.replace(
            old,
            generation=old.generation + 1,
            position=mark.position,
            chain=mark.chain,
            made=engine.clock.now(),
            tables=tables,
        )
        offset = install_log(engine.folder, head, old, mark, engine.mark.offset, engine.disk)
        engine.adopt(head, engine.mark._replace(offset=offset))
        clean(engine.folder, head, engine.disk)
