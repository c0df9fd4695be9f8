"""A snapshot with pending writes on top: what the store would contain after them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, TypeVar

import msgspec

from xpm_tui.domain.ports import Put, Snapshot, Write
from xpm_tui.domain.tables import TableSchema

T = TypeVar("T", bound=msgspec.Struct)


class Overlay:
    """Implements the Snapshot port over another snapshot and some writes."""

    def __init__(self, below: Snapshot, writes: Iterable[Write]) -> None:
        self._below = below
        self._rows: dict[str, dict[str, Any]] = {}
        for write in writes:
            rows = self._rows.setdefault(write.table.name, {})
            if isinstance(write, Put):
                rows[write.table.key(write.row)] = write.row
            else:
                rows[write.id] = None

    @property
    def position(self) -> int:
        """Return the position of the underlying snapshot."""
        return self._below.position

    def fingerprint(self, *tables: TableSchema[Any]) -> str:
        """None: no store is in this state."""
        return ""

    def get(self, table: TableSchema[T], id: str) -> T | None:  # noqa: A002
        """Return the row as it would be, or None."""
        rows = self._rows.get(table.name, {})
        found: T | None = rows[id] if id in rows else self._below.get(table, id)
        return found

    def find(self, table: TableSchema[T], index: str, value: str) -> list[T]:
        """Return rows by an index of the table, in order of id."""
        changed, values = self._rows.get(table.name, {}), table.indexes[index]
        below = [row for row in self._below.find(table, index, value) if table.key(row) not in changed]
        above = [row for row in changed.values() if row is not None and value in values(row)]
        return sorted([*below, *above], key=lambda row: (len(table.key(row)), table.key(row)))

    def find_ids(self, table: TableSchema[Any], index: str, value: str) -> list[str]:
        """Return the ids of the rows that :meth:`find` returns."""
        return [table.key(row) for row in self.find(table, index, value)]

    def rows(self, table: TableSchema[T]) -> Iterator[T]:
        """Yield all rows as they would be."""
        changed = self._rows.get(table.name, {})
        yield from (row for row in self._below.rows(table) if table.key(row) not in changed)
        yield from (row for row in changed.values() if row is not None)

    def ids(self, table: TableSchema[Any]) -> Collection[str]:
        """Return all ids of a table."""
        changed = self._rows.get(table.name, {})
        return {id_ for id_ in self._below.ids(table) if id_ not in changed} | {
            id_ for id_, row in changed.items() if row is not None
        }

    def raw(self, table: TableSchema[Any], id: str) -> bytes | None:  # noqa: A002
        """Return the row's bytes."""
        rows = self._rows.get(table.name, {})
        if id not in rows:
            return self._below.raw(table, id)
        return None if rows[id] is None else msgspec.json.encode(rows[id])

    def count(self, table: TableSchema[Any]) -> int:
        """Return the number of rows."""
        return len(self.ids(table))
