"""The history of changes to clients, to the team and to the services, so that the last one can be undone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from xpm_tui.application.practice import OpenPractice, put, read
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.ignition import Client, Service, TeamMember
from xpm_tui.domain.ports import Drop, Put, Snapshot, Write
from xpm_tui.domain.tables import ALL, TableSchema

R = TypeVar("R", Client, Service, TeamMember)

_TABLES = {table.name: table for table in ALL}

MAX_ENTRIES = 20
"""How many changes of each table can be undone."""


class UndoStep(msgspec.Struct, frozen=True, omit_defaults=True):
    """A change of one record: before (None: it was created) and after (None: it was deleted).

    ``table`` is the record's table; empty for the table that the history is about.
    """

    id: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None = None
    table: str = ""


class UndoEntry(msgspec.Struct, frozen=True):
    """One change that a user made."""

    what: str
    by: str
    at: datetime
    steps: tuple[UndoStep, ...]


class UndoHistory(msgspec.Struct, frozen=True, omit_defaults=True):
    """The last changes, oldest first."""

    done: tuple[UndoEntry, ...] = ()


class UndoResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of an undo.

    Attributes:
        back: The ids of records that are as before.
        stay: The ids of records that stay, because they were changed since or are in use.
    """

    what: str
    back: tuple[str, ...]
    stay: tuple[str, ...]


def commit_undoable(
    practice: OpenPractice, snapshot: Snapshot, table: TableSchema[R], rows: Sequence[R], what: str
) -> None:
    """Write rows computed from ``snapshot``, in one commit, and record how to undo that.

    ``what`` completes "Undone: …". Raises ``StoreChanged`` if someone changed one of them since.
    """
    practice.writable()
    changed: list[R] = [row for row in rows if snapshot.get(table, row.id) != row]
    if not changed:
        return
    steps = tuple(UndoStep(row.id, _as_dict(snapshot.get(table, row.id)), _as_dict(row)) for row in changed)
    _commit(practice, snapshot, table, [Put(table, row) for row in changed], what, steps)


def remove(
    practice: OpenPractice,
    snapshot: Snapshot,
    table: TableSchema[R],
    rows: Sequence[tuple[TableSchema[Any], Any, Any]],
    what: str,
) -> None:
    """Delete or change rows of several tables in one commit, and record how to undo that.

    ``rows`` are a table, the row as it is, and as it becomes (None: deleted). Raises ``StoreChanged``.
    """
    practice.writable()
    steps = tuple(
        UndoStep(
            str(kind.key(before)),
            _as_dict(before),
            _as_dict(after),
            "" if kind is table else kind.name,
        )
        for kind, before, after in rows
    )
    writes: list[Write] = [
        Drop(kind, str(kind.key(before))) if after is None else Put(kind, after)
        for kind, before, after in rows
    ]
    _commit(practice, snapshot, table, writes, what, steps)


def _commit(
    practice: OpenPractice,
    snapshot: Snapshot,
    table: TableSchema[R],
    writes: Sequence[Write],
    what: str,
    steps: tuple[UndoStep, ...],
) -> None:
    entry = UndoEntry(what, practice.person, practice.clock.now(), steps)
    history = UndoHistory((*_history(snapshot, table).done[-MAX_ENTRIES + 1 :], entry))
    practice.store.commit([*writes, put(_row_id(table), history)], since=snapshot)


def undo(
    practice: OpenPractice, table: TableSchema[R], in_use: Callable[[Snapshot], Collection[str]]
) -> UndoResult:
    """Undo the last change, for those of its records that have not changed since.

    A record that the change created is deleted, unless ``in_use`` returns its id.

    Raises:
        BadInput: There is nothing left to undo.
    """
    practice.writable()
    snapshot = practice.snapshot()
    found = _history(snapshot, table)
    if not found.done:
        raise BadInput(
            "There is nothing left to undo.", hint=f"The last {MAX_ENTRIES} changes are remembered."
        )
    entry = found.done[-1]
    used = in_use(snapshot) if any(step.before is None for step in entry.steps) else ()
    writes: list[Write] = []
    stay = []
    for step in entry.steps:
        kind = _TABLES[step.table] if step.table else table
        row = snapshot.get(kind, step.id)
        is_changed = row != (None if step.after is None else msgspec.convert(step.after, kind.row))
        if is_changed or (step.before is None and step.id in used):
            stay.append(step.id)
        elif step.before is None:
            writes.append(Drop(kind, step.id))
        else:
            writes.append(Put(kind, msgspec.convert(step.before, kind.row)))
    practice.store.commit([*writes, put(_row_id(table), UndoHistory(found.done[:-1]))], since=snapshot)
    back = tuple(dict.fromkeys(step.id for step in entry.steps if step.id not in stay))
    return UndoResult(what=entry.what, back=back, stay=tuple(stay))


def _history(snapshot: Snapshot, table: TableSchema[R]) -> UndoHistory:
    return read(snapshot, _row_id(table), UndoHistory) or UndoHistory()


def _row_id(table: TableSchema[R]) -> str:
    return f"doings:{table.name}"


def _as_dict(row: Any) -> Any:
    return None if row is None else msgspec.to_builtins(row)
