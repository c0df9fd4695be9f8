"""Opens a practice's store: the Store port over TinyDB, with compaction and retention.

Compaction merges the commit log into new snapshot files while other processes commit. Retention finds the
rows that the settings no longer keep: runs, before-images, journal, plans and inbox.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self, cast

import msgspec

from xpm_tui.domain.errors import AppError, Busy, StoreUnreadable
from xpm_tui.domain.ports import Clock, Drop, Snapshot, Write
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
from xpm_tui.files.machine import DISK, Disk
from xpm_tui.files.private import network_file_system
from xpm_tui.store.engine import Engine, refuse_moved
from xpm_tui.store.manifest import HEAD, read_manifest
from xpm_tui.store.snapshot_set import (
    COMPACTION_LOCK,
    install_log,
    remove_unneeded_files,
    verify_snapshot_files,
    write_tables,
)
from xpm_tui.store.tables import PracticeDB, TableSnapshot

SMALLEST_LOG = 1024 * 1024
"""Logs with fewer bytes are not compacted."""

LOG_SHARE = 0.25
"""The share of the snapshot files' size above which the log is compacted."""


def is_due(engine: Engine) -> bool:
    """Return whether the log has grown enough to be compacted."""
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
        verify_snapshot_files(engine.folder, old)
    tables = write_tables(engine.folder, view, old.generation + 1, old.store_id, engine.disk)
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
        remove_unneeded_files(engine.folder, head, engine.disk)


DRAFTS = 3
"""The number of plans that were never applied and are kept, however old they are."""

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
    plans: set[str] = set()
    detailed_plans: set[str] = set()
    for run in snapshot.rows(RUNS):
        is_open = run.ended is None or run.id in unresolved
        if not is_open and run.ended is not None and run.ended < now - timedelta(days=runs_days):
            gone.add(run.id)
            continue
        plans.add(run.plan)
        if is_open or (run.ended is not None and run.ended >= now - timedelta(days=images_days)):
            undoable.add(run.id)
            detailed_plans.add(run.plan)
    drafts = sorted((plan for plan in snapshot.rows(PLANS) if plan.id not in plans), key=lambda p: p.made)
    fresh = {p.id for p in drafts if p.made >= now - timedelta(days=1)} | {p.id for p in drafts[-DRAFTS:]}
    writes: list[Write] = [Drop(RUNS, run) for run in sorted(gone)]
    writes += [Drop(PLANS, plan.id) for plan in drafts if plan.id not in fresh]
    writes += _drop_other_rows(
        snapshot, STOPS, "id", {stop for stop in snapshot.ids(STOPS) if stop not in gone}
    )
    writes += _drop_other_rows(snapshot, IMAGES, "run", undoable)
    writes += _drop_other_rows(snapshot, INTENTS, "run", undoable)
    writes += _drop_other_rows(snapshot, PLANNED, "plan", detailed_plans | fresh)
    writes += _outdated_inbox(snapshot, now - timedelta(days=runs_days))
    return writes


def _outdated_inbox(snapshot: Snapshot, before: datetime) -> list[Write]:
    """Return the records of files and events before a time to delete, except imports that can be undone."""
    undoable = {image.partition("/")[0] for image in snapshot.ids(IMPORT_IMAGES)}
    events = (row for row in snapshot.rows(IMPORTS) if row.event and row.id not in undoable)
    return [
        *(Drop(INBOX, row.id) for row in snapshot.rows(INBOX) if row.at < before),
        *(Drop(IMPORTS, row.id) for row in events if row.at < before),
    ]


def _drop_other_rows(snapshot: Snapshot, table: TableSchema[Any], field: str, kept: set[str]) -> list[Write]:
    return [Drop(table, row.id) for row in snapshot.rows(table) if getattr(row, field) not in kept]


class TableStore:
    """The store of one practice on any engine: the Store port, and its state for its owner.

    It holds no lock between two calls. Any thread may call it.
    """

    db: PracticeDB

    @property
    def read_only(self) -> bool:
        """Whether commits are refused, as requested or because of damage."""
        return bool(self.db.engine.read_only)

    @property
    def damage(self) -> StoreUnreadable | None:
        """Why the store can only be read, and what is missing; None if nothing is wrong."""
        return cast("StoreUnreadable | None", self.db.engine.damage)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings for the user, to be shown once."""
        return ()

    def snapshot(self) -> TableSnapshot:
        """Return the current state, including commits of other processes."""
        return self.db.snapshot()

    def commit(self, writes: Iterable[Write], *, since: Snapshot | None = None) -> int:
        """Make the writes durable, all or none, and return the new position.

        Without writes there is no commit. With ``since``, nothing is written if one of these rows has changed
        after that snapshot.

        Raises:
            BadInput: A value does not match its field.
            ReadOnly: The store is open for reading only.
            StoreUnreadable: The store is damaged.
            StoreChanged: A row has changed after ``since``.
            Busy: Another process holds the store.
            DiskError: The commit cannot be written. Nothing is written after any of these errors.
        """
        return self.db.commit(writes, since=since)

    def transact(self, make: Callable[[TableSnapshot], Iterable[Write]]) -> int:
        """Commit the writes that ``make`` returns for the latest snapshot, with other writers locked out."""
        return self.db.transact(make)

    def watch(self) -> int:
        """Return the latest position cheaply; it differs from that of a snapshot after a commit."""
        return int(self.db.engine.watch())

    def record_end(self) -> None:
        """Do what is due at the end of a run. Raises what a commit raises."""

    def close(self) -> None:
        """Close the store."""
        self.db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class DiskStore(TableStore):
    """The store of one practice in a folder of this machine.

    The commit log is compacted by a thread of its own, so no commit waits for that.
    """

    def __init__(self, folder: Path, *, read_only: bool, clock: Clock, disk: Disk) -> None:
        self.folder = folder
        self.db = PracticeDB(folder, read_only=read_only, clock=clock, disk=disk)
        self._engine: Engine = self.db.engine
        self._compaction: threading.Thread | None = None
        self.compaction_error: AppError | None = None

    @property
    def generation(self) -> int:
        """The number of the generation, which increases with each compaction."""
        return self._engine.head.generation

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings for the user: a network file system, or a log that could not be compacted."""
        kind = network_file_system(self.folder)
        messages = []
        if kind:
            messages.append(
                f"The data is on a network file system ({kind}): locks and durable writes are only "
                "as reliable as the server. A local disk is safe."
            )
        if self.compaction_error is not None:
            messages.append(f"The commit log could not be compacted: {self.compaction_error.message}")
        return tuple(messages)

    def commit(self, writes: Iterable[Write], *, since: Snapshot | None = None) -> int:
        """Commit like :meth:`TableStore.commit`; a long log is compacted afterwards."""
        position = self.db.commit(writes, since=since)
        if writes:
            self._compact_soon()
        return position

    def transact(self, make: Callable[[TableSnapshot], Iterable[Write]]) -> int:
        """Commit like :meth:`TableStore.transact`; a long log is compacted afterwards."""
        position = self.db.transact(make)
        self._compact_soon()
        return position

    def compact(self) -> bool:
        """Compact the log now; return False if another process does. Raises what a commit raises."""
        return compact(self._engine)

    def record_end(self) -> None:
        """Record durably how far the commit log reaches, at the end of a run. Raises what a commit raises."""
        self._engine.record_end()

    def close(self) -> None:
        """Compact a long log, and close the files. A full disk raises no error."""
        if self._compaction is not None:
            self._compaction.join()
            self._compaction = None
        if not self.read_only and is_due(self._engine):
            with suppress(AppError):
                compact(self._engine)
        self.db.close()

    def _compact_soon(self) -> None:
        if not is_due(self._engine) or (self._compaction is not None and self._compaction.is_alive()):
            return
        self._compaction = threading.Thread(target=self._compact, name="store-compaction")
        self._compaction.start()

    def _compact(self) -> None:
        try:
            compact(self._engine)
            self.compaction_error = None
        except Busy:
            return
        except AppError as error:
            self.compaction_error = error


def open_store(folder: Path, *, read_only: bool = False, clock: Clock, disk: Disk = DISK) -> DiskStore:
    """Open the store in ``folder``; create it if it is missing, unless ``read_only``.

    A damaged store is opened for reading only, at its last intact state: see ``read_only`` and ``damage`` of
    the result.

    Raises:
        StoreUnreadable: There is no store (with ``read_only``), its format is newer, no intact state is left,
            or it was moved to a database.
        BadInput: The folder is not private.
        DiskError: The store cannot be created.
    """
    refuse_moved(folder)
    return DiskStore(folder, read_only=read_only, clock=clock, disk=disk)
