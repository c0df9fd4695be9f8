"""Compaction: merges the commit log into new snapshot files, while other processes commit.

Deletes what the retention settings no longer keep: runs, before-images, journal, plans and inbox.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from xpm_tui.domain.errors import Busy
from xpm_tui.domain.ports import Drop, Snapshot, Write
from xpm_tui.domain.tables import (
    IMAGES,
    IMPORT_IMAGES,
    IMPORTS,
    INBOX,
    INTENTS,
    PLANNED,
    PLANS,
    RUNS,
    STOPS,
    TableSchema,
)
from xpm_tui.files.locks import Lock
from xpm_tui.store.engine import Engine
from xpm_tui.store.manifest import HEAD, read_manifest
from xpm_tui.store.snapshot_set import COMPACTION_LOCK, clean, install_log, refuse_foreign, write_tables

SMALLEST_LOG = 1024 * 1024
"""Logs with fewer bytes are not compacted."""

LOG_SHARE = 0.25
"""The size of the log, as a share of the snapshot files, from which on it is compacted."""


def is_due(engine: Engine) -> bool:
    """Return whether the log has grown enough."""
    return engine.mark.offset > max(SMALLEST_LOG, LOG_SHARE * engine.head.bytes)


def compact(engine: Engine) -> bool:
    """Install a new generation; return False if another process is compacting.

    The previous generation is kept. The store lock is held only for the last step, which copies what was
    committed meanwhile.

    Raises:
        DiskError: The files cannot be written; the store is unchanged.
        StoreUnreadable: The store is damaged.
    """
    lock = Lock(engine.folder / COMPACTION_LOCK, clock=engine.clock, person="", what="compacting")
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
            return  # Another state was restored meanwhile, so what was written here is obsolete.
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


DRAFTS = 3
"""The number of plans that were never applied to keep, however old."""

_UNRESOLVED = ("intent", "sent", "held")


def outdated_rows(snapshot: Snapshot, *, now: datetime, runs_days: int, images_days: int) -> list[Write]:
    """Return the rows to delete, for a single commit.

    A run is deleted after ``runs_days`` with everything that belongs to it. Its before-images, finished
    journal entries and the records of its plan are deleted after ``images_days``, after which it cannot be
    undone. Kept regardless of age are runs that have not ended, and runs with a write to XPM whose outcome is
    unknown or held. The newest :data:`DRAFTS` plans that were never applied are kept, and all younger than a
    day. Files and events of the inbox are deleted after ``runs_days``; the times at which fields were set
    stay, so that even a late copy does no harm.
    """
    unresolved = {i.run for i in snapshot.rows(INTENTS) if i.state in _UNRESOLVED}
    gone: set[str] = set()
    undoable: set[str] = set()
    heads: set[str] = set()
    details: set[str] = set()
    for run in snapshot.rows(RUNS):
        kept = run.ended is None or run.id in unresolved
        if not kept and run.ended is not None and run.ended < now - timedelta(days=runs_days):
            gone.add(run.id)
            continue
        heads.add(run.plan)
        if kept or (run.ended is not None and run.ended >= now - timedelta(days=images_days)):
            undoable.add(run.id)
            details.add(run.plan)
    drafts = sorted((plan for plan in snapshot.rows(PLANS) if plan.id not in heads), key=lambda p: p.made)
    fresh = {p.id for p in drafts if p.made >= now - timedelta(days=1)} | {p.id for p in drafts[-DRAFTS:]}
    writes: list[Write] = [Drop(RUNS, run) for run in sorted(gone)]
    writes += [Drop(PLANS, plan.id) for plan in drafts if plan.id not in fresh]
    writes += _without(snapshot, STOPS, "id", {stop for stop in snapshot.ids(STOPS) if stop not in gone})
    writes += _without(snapshot, IMAGES, "run", undoable)
    writes += _without(snapshot, INTENTS, "run", undoable)
    writes += _without(snapshot, PLANNED, "plan", details | fresh)
    writes += _inbox(snapshot, now - timedelta(days=runs_days))
    return writes


def _inbox(snapshot: Snapshot, before: datetime) -> list[Write]:
    """Delete records of files and events before a time, except the import that can be undone."""
    undoable = {image.partition("/")[0] for image in snapshot.ids(IMPORT_IMAGES)}
    events = (each for each in snapshot.rows(IMPORTS) if each.event and each.id not in undoable)
    return [
        *(Drop(INBOX, row.id) for row in snapshot.rows(INBOX) if row.at < before),
        *(Drop(IMPORTS, each.id) for each in events if each.at < before),
    ]


def _without(snapshot: Snapshot, table: TableSchema[Any], field: str, kept: set[str]) -> list[Write]:
    return [Drop(table, row.id) for row in snapshot.rows(table) if getattr(row, field) not in kept]
