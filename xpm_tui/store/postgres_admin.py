"""Maintenance of a practice in PostgreSQL: check, back up, restore, move in and out.

Backups have the format of the embedded store, so each engine can restore those of the other.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from xpm_tui.domain.errors import BadInput, StoreUnreachable, StoreUnreadable
from xpm_tui.domain.formatting import count
from xpm_tui.domain.ports import Clock
from xpm_tui.domain.safe_text import visible
from xpm_tui.files.private import ensure_private
from xpm_tui.store.admin import Compacted, IntegrityFinding, Report, Restored, check_rows
from xpm_tui.store.backup import (
    Backup,
    automatic_backup_path,
    migrate_rows,
    private_view,
    unpacked,
    write_backup,
)
from xpm_tui.store.database_store import DatabaseStore
from xpm_tui.store.encoding import EncodedWrite
from xpm_tui.store.engine import MOVED, Engine
from xpm_tui.store.loader import load
from xpm_tui.store.postgres import PostgresEngine
from xpm_tui.store.postgres_connection import Session
from xpm_tui.store.snapshot import StoreSnapshot
from xpm_tui.store.snapshot_set import both_locks, install

BATCH = 2_000
"""The number of rows per transaction of a move; an interrupted move continues after the last one."""


def check_practice(url: str, practice: str, clock: Clock) -> Report:
    """Read everything of a practice, verify each checksum and decode each row."""
    try:
        with DatabaseStore(url, practice, read_only=True, clock=clock) as store:
            view = store.engine.view()
            return Report(
                position=view.position,
                generation=0,
                rows={name: view.count_in(name) for name in view.names()},
                bytes=_size(store),
                findings=tuple(check_rows(view)),
            )
    except StoreUnreachable:
        raise
    except StoreUnreadable as damage:
        finding = IntegrityFinding("error", damage.message)
        return Report(position=0, generation=0, rows={}, bytes=0, findings=(finding,))


def back_up_practice(url: str, practice: str, target: Path, clock: Clock) -> Backup:
    """Write a backup to ``target`` and read it back, without blocking others."""
    with DatabaseStore(url, practice, read_only=True, clock=clock) as store:
        return _backed_up(store, target, clock)


def compact_practice(url: str, practice: str, clock: Clock) -> Compacted:
    """Remove data that no reader needs any more. Raises what a commit raises."""
    with DatabaseStore(url, practice, clock=clock) as store:
        before = _size(store)
        store.compact()
        return Compacted(done=True, before=before, after=_size(store))


def restore_practice(
    url: str, practice: str, source: Path, folder: Path, *, clock: Clock, person: str
) -> Restored:
    """Restore a backup; the present state is backed up into ``folder`` first.

    Other processes see it as one commit that changes everything. The run lock is held meanwhile.
    """
    with (
        DatabaseStore(url, practice, clock=clock, person=person) as store,
        unpacked(source) as found,
        store.run_lock(store.person or person, "restoring a backup").hold(),
    ):
        ensure_private(folder)
        before = _backed_up(store, automatic_backup_path(folder, "before-restore", clock.now()), clock).path
        tables = {name: live.rows for name, live in migrate_rows(found).state.tables.items() if live.rows}
        position = store.engine.write_all(tables, position=found.state.mark.position)
    return Restored(
        position=position, backed_up=before, rows={name: len(rows) for name, rows in tables.items()}
    )


def move_in(folder: Path, url: str, practice: str, *, clock: Clock, person: str) -> DatabaseStore:
    """Copy the store in ``folder`` into a database, verify it row by row, and then refuse writes here.

    Readers of both sides stay online, and writers here until the last step. Rows that an interrupted move has
    copied are compared instead of copied again.

    Returns:
        The open store in the database.

    Raises:
        BadInput: The database has another practice with this name.
        AppError: Whatever a commit raises.
    """
    source = Engine(folder, read_only=False, clock=clock, person=person)
    try:
        target = DatabaseStore(url, practice, clock=clock, person=person, moving=True)
        try:
            _claim(target.engine, source.head.store_id)
            copy_rows(source.snapshot(), target.engine)
            with source.locked():
                view = source.view()
                copy_rows(view, target.engine)
                _verify(view, target.engine)
                _set_state(target.engine, "", position=view.position)
                (folder / MOVED).write_text(target.shown, encoding="utf-8")
        except BaseException:
            target.close()
            raise
    finally:
        source.close()
    return target


def move_out(store: DatabaseStore, folder: Path, *, clock: Clock) -> int:
    """Copy a practice from a database into ``folder`` and verify it; then it can no longer be changed there.

    The caller holds the run lock; ``store`` was opened with ``moving``. Returns the number of rows.
    """
    engine = store.engine
    _set_state(engine, "moved", moved_to="files on another machine")
    try:
        engine.verify()
        ensure_private(folder)
        view = engine.view()
        with both_locks(folder, clock, "moving the data"):
            here = load(folder)
            position = max(view.position, here.state.mark.position if here else 0)
            install(folder, view, store_id=engine.head.store_id, position=position, chain=0, clock=clock)
            loaded = load(folder)
            assert loaded is not None
            _refuse_difference(view, private_view(loaded.state))
            (folder / MOVED).unlink(missing_ok=True)
    except BaseException:
        _set_state(engine, "")
        raise
    return sum(view.count_in(name) for name in view.names())


def copy_rows(view: StoreSnapshot, target: PostgresEngine) -> int:
    """Copy the rows of ``view`` to ``target``, in transactions of :data:`BATCH`; return their number."""
    changes = list(_differences(view, target.view()))
    for start in range(0, len(changes), BATCH):
        part = changes[start : start + BATCH]
        target.transact(lambda _, part=part: part)  # type: ignore[misc]
    return len(changes)


def _differences(view: StoreSnapshot, copy: StoreSnapshot) -> Iterator[EncodedWrite]:
    names = view.names()
    for name in copy.names():
        if name not in names:
            yield from (EncodedWrite(name, id_, None) for id_ in copy.keys(name))
    for name in names:
        wanted, found = dict.fromkeys(view.keys(name)), copy.keys(name)
        common = [id_ for id_ in found if id_ in wanted]
        is_reordered = common != list(wanted)[: len(common)]  # then all of them are written again
        yield from (EncodedWrite(name, id_, None) for id_ in found if is_reordered or id_ not in wanted)
        for id_, raw in view.items(name):
            if is_reordered or copy.raw_in(name, id_) != raw:
                yield EncodedWrite(name, id_, raw)


def _verify(view: StoreSnapshot, target: PostgresEngine) -> None:
    """Read the copy again from the database and compare it row by row."""
    target.verify()
    _refuse_difference(view, target.view())


def _refuse_difference(view: StoreSnapshot, copy: StoreSnapshot) -> None:
    for name in sorted({*view.names(), *copy.names()}):
        if list(view.items(name)) != list(copy.items(name)):
            raise StoreUnreadable(
                f"The copy of the table {name} differs from the original, so nothing was moved.",
                hint="Try again. If it happens again, check both sides with: xpm-tui data check",
            )


def _claim(engine: PostgresEngine, store_id: str) -> None:
    """Mark the practice in the database as being moved. Raises ``BadInput`` if it is another one."""
    head = engine.head
    if head.row_count and head.store_id != store_id:
        raise BadInput(
            f"The database already has a practice {visible(engine.practice, 60)} with "
            f"{count(head.row_count, 'row')}.",
            hint="Rename the practice, or use another database.",
        )
    _set_state(engine, "loading", store_id=store_id)


def _set_state(
    engine: PostgresEngine, state: str, *, moved_to: str = "", store_id: str = "", position: int = 0
) -> None:
    def ask(session: Session) -> None:
        with session.errors():
            session.connection.execute(
                "UPDATE xpm_tui.practices SET state = %s, moved_to = %s,"
                " book = coalesce(nullif(%s, ''), book), position = greatest(position, %s) WHERE id = %s",
                (state, moved_to, store_id, position, engine.id),
            )

    engine.ask(ask)


def _backed_up(store: DatabaseStore, target: Path, clock: Clock) -> Backup:
    parent = target.parent if target.parent.is_dir() else None
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=parent, ignore_cleanup_errors=True) as scratch:
        view = store.engine.view()
        store_id = store.engine.head.store_id
        install(Path(scratch), view, store_id=store_id, position=view.position, chain=0, clock=clock)
        return write_backup(Path(scratch), target)


def _size(store: DatabaseStore) -> int:
    """Return the bytes of all rows, including tombstones."""
    statement = (
        "SELECT coalesce(sum(octet_length(tbl) + octet_length(id) + 24"
        " + coalesce(octet_length(body), 0)), 0)::bigint FROM xpm_tui.rows WHERE practice = %s"
    )
    row = store.engine.ask(lambda session: session.query_row(statement, (store.engine.id,)))
    return int(row[0]) if row else 0
