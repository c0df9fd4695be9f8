"""The state of a store in memory: rows as bytes, indexes, and the replaced rows that snapshots need.

Indexes are built when they are first used, and updated with every commit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

import msgspec

from xpm_tui.domain.tables import TableSchema
from xpm_tui.store.commit_log import Mark
from xpm_tui.store.encoding import EncodedWrite, decode

Values = Callable[[Any], Iterable[str]]
Bucket = str | dict[str, None]
"""The ids of a value: a single id, which is usual, or several; a bucket is never empty."""


class Index:
    """Ids by value."""

    __slots__ = ("buckets",)

    def __init__(self) -> None:
        self.buckets: dict[str, Bucket] = {}

    def add(self, value: str, id: str) -> None:  # noqa: A002
        """Add an id to a value."""
        bucket = self.buckets.get(value)
        if bucket is None:
            self.buckets[value] = id
        elif isinstance(bucket, dict):
            bucket[id] = None
        elif bucket != id:
            self.buckets[value] = {bucket: None, id: None}

    def discard(self, value: str, id: str) -> None:  # noqa: A002
        """Remove an id from a value."""
        bucket = self.buckets.get(value)
        if isinstance(bucket, dict):
            bucket.pop(id, None)
            if not bucket:
                del self.buckets[value]
        elif bucket == id:
            del self.buckets[value]

    def ids(self, value: str) -> list[str]:
        """Return the ids of a value, in no order."""
        bucket = self.buckets.get(value)
        if bucket is None:
            return []
        return [bucket] if isinstance(bucket, str) else list(bucket)


class Indexes:
    """The indexes of a table that have been built, by name."""

    def __init__(self) -> None:
        self._built: dict[str, tuple[TableSchema[Any], Index]] = {}

    def get(self, name: str) -> Index | None:
        """Return an index if it has been built."""
        built = self._built.get(name)
        return built[1] if built else None

    def build(self, table: TableSchema[Any], name: str, rows: Mapping[str, bytes]) -> Index:
        """Build an index over all rows. The caller prevents commits meanwhile."""
        index = Index()
        values = table.indexes[name]
        for id_, found in _index_values(table, values, rows):
            for value in found:
                index.add(value, id_)
        self._built[name] = (table, index)
        return index

    def change(self, old: Mapping[str, bytes | None], new: Mapping[str, bytes]) -> None:
        """Update the indexes: ``old`` has the former bytes of changed rows, ``new`` those that exist."""
        if not self._built:
            return
        table = next(iter(self._built.values()))[0]
        for id_, before in old.items():
            after = new.get(id_)
            if before == after:
                continue
            was = decode(table, id_, before) if before is not None else None
            now = decode(table, id_, after) if after is not None else None
            for name, (_, index) in self._built.items():
                values = table.indexes[name]
                former = set(values(was)) if was is not None else set()
                present = set(values(now)) if now is not None else set()
                for value in former - present:
                    index.discard(value, id_)
                for value in present - former:
                    index.add(value, id_)


class _Probe:
    """Stands in for a row, to find out which fields an index reads."""

    def __init__(self, row: type[msgspec.Struct]) -> None:
        self._known = {field.name for field in msgspec.structs.fields(row)}
        self.seen: set[str] = set()

    def __getattr__(self, name: str) -> str:
        if name.startswith("_") or name not in self._known:
            raise AttributeError(name)
        self.seen.add(name)
        return "x"


def _index_values(
    table: TableSchema[Any], values: Values, rows: Mapping[str, bytes]
) -> Iterable[tuple[str, list[str]]]:
    """Yield the values of every row, decoding only the fields that ``values`` reads, if possible."""
    narrow = _narrow(table, values)
    for id_, raw in rows.items():
        if narrow is not None:
            try:
                yield id_, list(values(narrow.decode(raw)))
                continue
            except (msgspec.MsgspecError, AttributeError):
                narrow = None
        yield id_, list(values(decode(table, id_, raw)))


@cache
def _narrow(table: TableSchema[Any], values: Values) -> msgspec.json.Decoder[Any] | None:
    probe = _Probe(table.row)
    try:
        tuple(values(probe))
    except (AttributeError, TypeError, ValueError):
        return None
    if not probe.seen:
        return None
    fields: list[Any] = []
    for field in msgspec.structs.fields(table.row):
        if field.name not in probe.seen:
            continue
        if field.default is not msgspec.NODEFAULT:
            fields.append((field.encode_name, field.type, field.default))
        elif field.default_factory is not msgspec.NODEFAULT:
            return None
        else:
            fields.append((field.encode_name, field.type))
        if field.encode_name != field.name:
            return None
    made = msgspec.defstruct(f"Narrow{table.row.__name__}", fields, kw_only=True, frozen=True)
    return msgspec.json.Decoder(made)


Rows = dict[str, bytes]


class LazyRows:
    """The rows of a table by id; those of a snapshot file are split into rows when they are first needed.

    ``split`` returns them; ``size`` is their number. Any thread may read it.
    """

    __slots__ = ("_lock", "_rows", "_size", "_split")

    def __init__(self, rows: Rows | None = None, *, split: Callable[[], Rows] | None = None, size: int = 0):
        self._rows: Rows = {} if rows is None else rows
        self._split = split
        self._size = size
        self._lock = threading.Lock()

    @property
    def rows(self) -> Rows:
        """All rows. Raises ``StoreUnreadable`` if the file contradicts its manifest."""
        if self._split is not None:
            with self._lock:
                if self._split is not None:
                    self._rows = self._split()
                    self._split = None
        return self._rows

    @property
    def is_split(self) -> bool:
        """Whether the rows have been split."""
        return self._split is None

    def __len__(self) -> int:
        return len(self._rows) if self._split is None else self._size


class StateVersion:
    """The state at ``mark``; the next commit links it to the rows that it replaces, and to the next version.

    A snapshot refers to the version at which it was taken and follows the links from there. So a commit costs
    the same however many snapshots exist, and a version without snapshots is freed at once.
    """

    __slots__ = ("mark", "next", "replaced", "touched")

    def __init__(self, mark: Mark, touched: dict[str, tuple[int, int]]) -> None:
        self.mark = mark
        self.touched = touched
        """By table, position and checksum of the last commit that changed it."""
        self.next: StateVersion | None = None
        self.replaced: dict[str, dict[str, bytes | None]] = {}


class LiveTable:
    """The latest rows of a table, in order of arrival, and the indexes that have been built."""

    __slots__ = ("indexes", "lazy_rows", "name")

    def __init__(self, name: str, lazy_rows: LazyRows | None = None) -> None:
        self.name = name
        self.lazy_rows = LazyRows() if lazy_rows is None else lazy_rows
        self.indexes = Indexes()

    @property
    def rows(self) -> Rows:
        """The rows by id."""
        return self.lazy_rows.rows


class MemoryState:
    """All tables. One thread at a time may change them, and any thread may read them without a lock.

    This is safe because a commit first adds the rows that it will replace to the latest version, then changes
    the rows, then activates the new version; a reader reads the rows first and the versions afterwards.
    """

    def __init__(self, tables: Mapping[str, Rows | LazyRows], mark: Mark) -> None:
        self.tables = {
            name: LiveTable(name, rows if isinstance(rows, LazyRows) else LazyRows(rows))
            for name, rows in tables.items()
        }
        self.version = StateVersion(mark, dict.fromkeys(tables, (mark.position, mark.chain)))

    @property
    def mark(self) -> Mark:
        """The mark of the latest commit."""
        return self.version.mark

    def apply(self, changes: list[EncodedWrite], mark: Mark, *, watched: bool) -> None:
        """Apply a durable commit; ``watched`` says whether there are snapshots."""
        replaced: dict[str, dict[str, bytes | None]] = {}
        puts: dict[str, dict[str, bytes]] = {}
        drops: dict[str, set[str]] = {}
        for name, id_, raw in changes:
            live = self.tables.get(name)
            if live is None:
                live = self.tables[name] = LiveTable(name)
            replaced.setdefault(name, {}).setdefault(id_, live.rows.get(id_))
            if raw is None:
                # A row that returns later in the same commit arrives last, as a new one.
                drops.setdefault(name, set()).add(id_)
                puts.get(name, {}).pop(id_, None)
            else:
                puts.setdefault(name, {})[id_] = raw
        version = self.version
        touched = version.touched | dict.fromkeys(replaced, (mark.position, mark.chain))
        after = StateVersion(mark, touched)
        version.replaced = replaced
        version.next = after
        for name, before in replaced.items():
            live, put = self.tables[name], puts.get(name, {})
            live.indexes.change(before, put)
            gone = drops.get(name)
            if gone and watched:
                # Snapshots keep the old dict, so that removed rows keep their position.
                live.lazy_rows = LazyRows(dict(live.rows))
            for id_ in gone or ():
                live.rows.pop(id_, None)
            live.rows.update(put)
        self.version = after
