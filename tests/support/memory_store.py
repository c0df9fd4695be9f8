"""A store in memory for tests: the Store and Ids ports without a disk, with the same meaning."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from xpm_tui.domain.errors import ReadOnly
from xpm_tui.domain.ports import Drop, Put, PutRaw, Snapshot, Write
from xpm_tui.domain.tables import TableSchema
from xpm_tui.store.encoding import refuse_changed_rows

T = TypeVar("T", bound=msgspec.Struct)
Rows = dict[str, bytes]


class MemorySnapshot:
    """Rows are kept as bytes, so that nobody can change one by keeping hold of a dict inside it."""

    def __init__(self, position: int, tables: dict[str, Rows]) -> None:
        self._position = position
        self._tables = tables
        self._indexes: dict[tuple[str, str], dict[str, list[str]]] = {}

    @property
    def position(self) -> int:
        return self._position

    def fingerprint(self, *tables: TableSchema[Any]) -> str:
        return ""

    def get(self, table: TableSchema[T], id: str) -> T | None:  # noqa: A002
        raw = self.raw(table, id)
        return None if raw is None else msgspec.json.decode(raw, type=table.row)

    def find(self, table: TableSchema[T], index: str, value: str) -> list[T]:
        values = table.indexes[index]
        built = self._indexes.get((table.name, index))
        if built is None:
            built = self._indexes[table.name, index] = {}
            for row in self.rows(table):
                for each in dict.fromkeys(values(row)):
                    built.setdefault(each, []).append(table.key(row))
        found = (self.get(table, each) for each in sorted(built.get(value, []), key=lambda i: (len(i), i)))
        return [row for row in found if row is not None]

    def find_ids(self, table: TableSchema[Any], index: str, value: str) -> list[str]:
        return [table.key(row) for row in self.find(table, index, value)]

    def rows(self, table: TableSchema[T]) -> Iterator[T]:
        decoder = msgspec.json.Decoder(table.row)
        return map(decoder.decode, self._tables.get(table.name, {}).values())

    def ids(self, table: TableSchema[Any]) -> Collection[str]:
        return self._tables.get(table.name, {}).keys()

    def raw(self, table: TableSchema[Any], id: str) -> bytes | None:  # noqa: A002
        return self._tables.get(table.name, {}).get(id)

    def count(self, table: TableSchema[Any]) -> int:
        return len(self._tables.get(table.name, {}))


class MemoryStore:
    """All or nothing, as the real one: every row is encoded and checked before the first is taken over.

    ``commits`` keeps the writes of every commit, for tests that ask what was written together.
    """

    def __init__(self, writes: Sequence[Write] = (), *, read_only: bool = False) -> None:
        self._position = 0
        self._tables: dict[str, Rows] = {}
        self.read_only = False
        self.commits: list[tuple[Write, ...]] = []
        if writes:
            self.commit(writes)
        self.read_only = read_only

    def snapshot(self) -> MemorySnapshot:
        return MemorySnapshot(self._position, self._tables)

    def transact(self, make: Callable[[Snapshot], Iterable[Write]]) -> int:
        return self.commit(make(self.snapshot()))

    def commit(self, writes: Iterable[Write], *, since: Snapshot | None = None) -> int:
        writes = tuple(writes)
        if since is not None:
            refuse_changed_rows(writes, since, self.snapshot())
        if self.read_only:
            raise ReadOnly("Nothing may be written.")
        changed: dict[str, Rows] = {}
        for write in writes:
            name = write.table.name
            if name not in changed:
                changed[name] = dict(self._tables.get(name, {}))
            match write:
                case Put(table=table, row=row):
                    raw = msgspec.json.encode(row)
                    changed[name][table.key(msgspec.json.decode(raw, type=table.row))] = raw
                case PutRaw(table=table, id=id, raw=raw):
                    assert table.key(msgspec.json.decode(raw, type=table.row)) == id
                    changed[name][id] = raw
                case Drop(id=id):
                    changed[name].pop(id, None)
        if writes:
            self._tables = {**self._tables, **changed}
            self._position += 1
            self.commits.append(tuple(writes))
        return self._position

    def watch(self) -> int:
        return self._position

    def close(self) -> None:
        """Nothing to give back."""


class MemoryIds:
    """Ids as the real ones: a prefix and a number, each prefix counted by itself from 1."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def new(self, prefix: str, count: int = 1) -> list[str]:
        first = self._last.get(prefix, 0) + 1
        self._last[prefix] = first + count - 1
        return [f"{prefix}{number}" for number in range(first, first + count)]
