"""Snapshots, which show the store at one position whatever is committed afterwards, and sources of new ids.

Ids are counted in the store, per prefix, so that no two processes use the same.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from typing import Any, Protocol, TypeVar

import msgspec

from xpm_tui.domain.ports import IdSource, Put, Snapshot, Write
from xpm_tui.domain.tables import META, Meta, TableSchema
from xpm_tui.store.encoding import decode
from xpm_tui.store.memory import Index, LiveTable, MemoryState, Rows

T = TypeVar("T", bound=msgspec.Struct)
Build = Callable[[LiveTable, TableSchema[Any], str], Index]

_UNTOUCHED: Any = object()


def id_sort_key(id: str) -> tuple[int, str]:  # noqa: A002
    """Return the sort key of an id: ``c2`` before ``c10``."""
    return len(id), id


class StoreSnapshot:
    """The Snapshot port over the state in memory. Any thread may read it.

    Rows that no commit has changed since are read from the latest state. Of the others, the snapshot collects
    the former bytes version by version when it is read.
    """

    def __init__(self, state: MemoryState, build: Build, store_id: str = "") -> None:
        self._version = state.version
        self._position = self._version.mark.position
        self._store_id = store_id
        self._touched = self._version.touched
        self._live = dict(state.tables)
        self._lazy_rows = {name: live.lazy_rows for name, live in self._live.items()}
        self._rows: dict[str, Rows] = {}
        self._build = build
        self._lock = threading.Lock()
        self._before: dict[str, dict[str, bytes | None]] = {}
        self._old: dict[tuple[str, str], tuple[Index, int]] = {}

    @property
    def position(self) -> int:
        """The number of its last commit."""
        return self._position

    def fingerprint(self, *tables: TableSchema[Any]) -> str:
        """Return the store's id and, for each table, the last commit that changed it."""
        if not self._store_id:
            return ""
        marks = (self._touched.get(table.name, (0, 0)) for table in tables)
        return " ".join((self._store_id, *(f"{position}.{chain:x}" for position, chain in marks)))

    def get(self, table: TableSchema[T], id: str) -> T | None:  # noqa: A002
        """Return a row, or None, in constant time."""
        raw = self.raw(table, id)
        return None if raw is None else decode(table, id, raw)

    def raw(self, table: TableSchema[Any], id: str) -> bytes | None:  # noqa: A002
        """Return the stored bytes of a row."""
        return self.raw_in(table.name, id)

    def raw_in(self, name: str, id: str) -> bytes | None:  # noqa: A002
        """Return the stored bytes of a row of the table with this name."""
        rows = self._rows.get(name)
        newest = (self._newest(name) if rows is None else rows).get(id)
        if self._version.next is None and not self._before:
            return newest
        before = self._former_rows(name).get(id, _UNTOUCHED)
        return newest if before is _UNTOUCHED else before

    def find(self, table: TableSchema[T], index: str, value: str) -> list[T]:
        """Return rows by an index, in order of id (short ids first), in time proportional to the hits."""
        rows = ((id_, self.raw_in(table.name, id_)) for id_ in self.find_ids(table, index, value))
        return [decode(table, id_, raw) for id_, raw in rows if raw is not None]

    def find_ids(self, table: TableSchema[Any], index: str, value: str) -> list[str]:
        """Return the ids of the rows that :meth:`find` returns, without decoding them."""
        live = self._live.get(table.name)
        if live is None:
            return []
        built = live.indexes.get(index) or self._build(live, table, index)
        newest = built.ids(value)
        before = self._former_rows(table.name)
        if before:
            newest = [id_ for id_ in newest if id_ not in before]
            newest += self._index_before(table, index, before).ids(value)
        return newest if len(newest) < 2 else sorted(set(newest), key=id_sort_key)

    def rows(self, table: TableSchema[T]) -> Iterator[T]:
        """Yield all rows, decoded one at a time, in order of arrival."""
        for id_, raw in self.items(table.name):
            yield decode(table, id_, raw)

    def items(self, name: str) -> Iterator[tuple[str, bytes]]:
        """Yield id and bytes of every row of the table with this name, in order of arrival."""
        # A copy of the dict is atomic. A list of pairs is not: each pair may start a garbage collection, and
        # with it another thread's commit.
        newest = self._newest(name).copy()
        if not self._former_rows(name):
            yield from newest.items()
            return
        for id_ in self._keys(name):
            raw = self.raw_in(name, id_)
            if raw is not None:
                yield id_, raw

    def ids(self, table: TableSchema[Any]) -> Collection[str]:
        """Return all ids of a table, without decoding rows."""
        return _Ids(self, table.name)

    def count(self, table: TableSchema[Any]) -> int:
        """Return the number of rows."""
        return self.count_in(table.name)

    def count_in(self, name: str) -> int:
        """Return the number of rows of the table with this name."""
        size = len(self._lazy_rows.get(name, ()))
        return len(self._keys(name)) if self._former_rows(name) else size

    def names(self) -> list[str]:
        """Return the names of the tables that have rows."""
        return [name for name in self._lazy_rows if self.count_in(name)]

    def keys(self, name: str) -> list[str]:
        """Return all ids of the table with this name, in order of arrival."""
        newest = list(self._newest(name))
        return self._keys(name) if self._former_rows(name) else newest

    def _newest(self, name: str) -> Rows:
        rows = self._rows.get(name)
        if rows is None:
            lazy_rows = self._lazy_rows.get(name)
            rows = self._rows[name] = {} if lazy_rows is None else lazy_rows.rows
        return rows

    def _keys(self, name: str) -> list[str]:
        newest = list(self._newest(name))
        before = self._former_rows(name)
        present = [id_ for id_ in newest if before.get(id_, _UNTOUCHED) is not None]
        removed = set(before).difference(newest)
        return present + [id_ for id_ in before if id_ in removed and before[id_] is not None]

    def _former_rows(self, name: str) -> dict[str, bytes | None]:
        """Return the former bytes of rows that were changed since; call it after reading the latest rows."""
        if self._version.next is not None:
            with self._lock:
                while self._version.next is not None:
                    for table, replaced in self._version.replaced.items():
                        before = self._before.setdefault(table, {})
                        for id_, raw in replaced.items():
                            before.setdefault(id_, raw)
                    self._version = self._version.next
        return self._before.get(name, {})

    def _index_before(self, table: TableSchema[Any], name: str, before: dict[str, bytes | None]) -> Index:
        with self._lock:
            index, seen = self._old.get((table.name, name), (Index(), 0))
            values = table.indexes[name]
            for id_, raw in islice(before.items(), seen, None):
                for value in values(decode(table, id_, raw)) if raw is not None else ():
                    index.add(value, id_)
            self._old[table.name, name] = index, len(before)
            return index


class _Ids(Collection[str]):
    """The ids of a table in a snapshot."""

    def __init__(self, view: StoreSnapshot, name: str) -> None:
        self._view = view
        self._name = name

    def __contains__(self, id_: object) -> bool:
        return isinstance(id_, str) and self._view.raw_in(self._name, id_) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._view.keys(self._name))

    def __len__(self) -> int:
        return self._view.count_in(self._name)


class TransactionalStore(Protocol):
    """A store that can read and write in one transaction."""

    def transact(self, make: Callable[[Snapshot], Sequence[Write]]) -> int:
        """Commit what ``make`` returns for the latest snapshot."""


class StoreIds:
    """The IdSource port for a store."""

    def __init__(self, store: TransactionalStore) -> None:
        self._store = store

    def new(self, prefix: str, count: int = 1) -> list[str]:
        """Return ``count`` new ids (``c12``), durable before they are returned, in a single commit."""
        if count < 1:
            return []
        name = f"ids/{prefix}"
        last = 0

        def advance(snapshot: Snapshot) -> Sequence[Write]:
            nonlocal last
            row = snapshot.get(META, name)
            last = (int(row.value) if row else 0) + count
            return [Put(META, Meta(id=name, value=last))]

        self._store.transact(advance)
        return [f"{prefix}{number}" for number in range(last - count + 1, last + 1)]


class SnapshotIds:
    """The IdSource port for one transaction: ids that follow those of a snapshot and are committed with it.

    Nothing is taken until :meth:`writes` are committed. A commit that names the snapshot fails if someone
    else has taken ids since.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._last: dict[str, int] = {}

    def new(self, prefix: str, count: int = 1) -> list[str]:
        """Return ``count`` ids that are unused in the snapshot."""
        last = self._last.get(prefix)
        if last is None:
            row = self._snapshot.get(META, f"ids/{prefix}")
            last = int(row.value) if row else 0
        self._last[prefix] = last + count
        if count == 1:
            return [f"{prefix}{last + 1}"]
        return [f"{prefix}{number}" for number in range(last + 1, last + count + 1)]

    def writes(self) -> list[Write]:
        """Return what has to be committed together with the records that have the ids."""
        return [Put(META, Meta(id=f"ids/{prefix}", value=last)) for prefix, last in self._last.items()]


class BlockIds:
    """The IdSource port for many small requests: it takes ids in growing blocks, so that few cost a commit.

    The rest of the last block is never used. ``most`` limits a block; blocks start with one id and double, so
    at most as many ids are lost as were used.
    """

    def __init__(self, ids: IdSource, most: int = 512) -> None:
        self._ids = ids
        self._most = most
        self._free: dict[str, deque[str]] = {}
        self._next: dict[str, int] = {}

    def new(self, prefix: str, count: int = 1) -> list[str]:
        """Return ``count`` new ids, durable before they are returned."""
        free = self._free.setdefault(prefix, deque())
        if len(free) < count:
            block = self._next.get(prefix, 1)
            self._next[prefix] = min(2 * block, self._most)
            free.extend(self._ids.new(prefix, max(block, count - len(free))))
        return [free.popleft() for _ in range(count)]
