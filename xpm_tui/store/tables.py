"""TinyDB for a practice: its storage on an engine, and its tables, with typed methods for the Store port.

``TinyDB(folder, storage=CommitLogStorage)`` behaves like any TinyDB, but a kill, a full disk or a second
process cannot destroy it. Every read and write of the product goes through :class:`RowTable`: the Store port
calls its typed methods (immutable values at the position of a snapshot), TinyDB's API its documents. Both use
one engine, so each reads what the other writes. Rows of known tables are checked before every write.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

import msgspec
from tinydb import TinyDB
from tinydb.queries import QueryLike
from tinydb.storages import Storage
from tinydb.table import Document
from tinydb.table import Table as TinyTable

from xpm_tui.domain.errors import BadInput, Busy, CommitInterrupted
from xpm_tui.domain.ports import Clock, Drop, Put, PutRaw, Snapshot, Write
from xpm_tui.domain.tables import ALL, TableSchema
from xpm_tui.files.machine import DISK, Disk, SystemClock
from xpm_tui.store.encoding import (
    ENCODER,
    EncodedWrite,
    check_encoded,
    decode,
    encode,
    refuse_changed_rows,
)
from xpm_tui.store.engine import Engine
from xpm_tui.store.snapshot import StoreSnapshot

if TYPE_CHECKING:
    from xpm_tui.store.postgres import PostgresEngine

T = TypeVar("T", bound=msgspec.Struct)
Fields = dict[str, Any]

StoreEngine: TypeAlias = "Engine | PostgresEngine"
"""What the tables work on: the files of this machine, or a database."""

_SCHEMAS = {table.name: table for table in ALL}


class SnapshotRows(Mapping[str, Fields]):
    """A table of a snapshot as TinyDB reads it: documents by id, decoded on access."""

    def __init__(self, view: StoreSnapshot, name: str) -> None:
        self.view = view
        self.name = name

    def __getitem__(self, id_: str) -> Fields:
        raw = self.view.raw_in(self.name, id_)
        if raw is None:
            raise KeyError(id_)
        return cast(Fields, msgspec.json.decode(raw))

    def __iter__(self) -> Iterator[str]:
        return iter(self.view.keys(self.name))

    def __len__(self) -> int:
        return self.view.count_in(self.name)


class EngineStorage(Storage):
    """A TinyDB storage on an engine."""

    engine: StoreEngine
    _read: StoreSnapshot | None = None

    def read(self) -> dict[str, Any] | None:
        """Return all tables, whose rows are decoded on access; None for an empty store."""
        view = self._read = self.engine.snapshot()
        return {name: SnapshotRows(view, name) for name in view.names()} or None

    def write(self, data: dict[str, Any]) -> None:
        """Commit, as one transaction, what ``data`` changes compared with the last read.

        Raises:
            Busy: Another process has changed one of the same rows since.
        """
        read = self._read or self.engine.view()
        changes = _differences(read, data)

        def unless_changed(view: StoreSnapshot) -> list[EncodedWrite]:
            for change in changes:
                if view.raw_in(change.table, change.id) != read.raw_in(change.table, change.id):
                    raise Busy(
                        f"Another process has just changed {change.id} in the table {change.table}.",
                        hint="Nothing was written. Read the data again, then retry.",
                    )
            return changes

        self.engine.transact(unless_changed)

    def close(self) -> None:
        """Close the engine."""
        self.engine.close()


class CommitLogStorage(EngineStorage):
    """A TinyDB storage in a folder of its own, with a commit log and one snapshot file for each table."""

    def __init__(
        self,
        folder: str | Path,
        *,
        read_only: bool = False,
        clock: Clock | None = None,
        disk: Disk = DISK,
    ) -> None:
        self.engine = Engine(Path(folder), read_only=read_only, clock=clock or SystemClock(), disk=disk)


def _differences(view: StoreSnapshot, data: Mapping[str, Any]) -> list[EncodedWrite]:
    changes: list[EncodedWrite] = []
    for name in view.names():
        rows = data.get(name, {})
        if not isinstance(rows, SnapshotRows):
            remaining = {str(id_) for id_ in rows}
            changes += [EncodedWrite(name, id_, None) for id_ in view.keys(name) if id_ not in remaining]
    for name, rows in data.items():
        if not isinstance(rows, SnapshotRows):
            changes += _changed_documents(view, name, rows)
    return changes


def _changed_documents(view: StoreSnapshot, name: str, rows: Mapping[Any, Any]) -> Iterator[EncodedWrite]:
    """Yield the documents that differ from those in the store, as changes."""
    for id_, fields in rows.items():
        change = _encode_document(name, str(id_), fields)
        old = view.raw_in(name, change.id)
        if old is None or (old != change.raw and msgspec.json.decode(old) != fields):
            yield change


def _encode_document(name: str, id_: str, fields: Mapping[str, Any]) -> EncodedWrite:
    """Return a document as a change.

    Raises:
        BadInput: It does not match its table.
    """
    known = _SCHEMAS.get(name)
    try:
        raw = ENCODER.encode(dict(fields))
        row = msgspec.json.decode(raw, type=known.row) if known is not None else None
    except (msgspec.MsgspecError, UnicodeError, TypeError) as error:
        raise BadInput(f"This document does not fit the table {name}: {error}") from error
    if known is None:
        if not name.isidentifier() or name != name.lower():
            raise BadInput(
                f"A table's name may contain only lower-case letters, digits and underscores, not {name!r}."
            )
        return EncodedWrite(name, id_, raw)
    change = encode(known, row)
    if change.id != id_:
        raise BadInput(f"This document of the table {name} has the id {change.id}, not {id_}.")
    return change


class RowTable(TinyTable):
    """A TinyDB table whose access by id takes constant time. Ids are texts."""

    document_id_class = str  # type: ignore[assignment]

    _storage: EngineStorage
    _next_id: Any
    _read_at = -1

    # Typed methods for the Store port. ``kind`` is the schema of the rows, ``at`` is the snapshot.

    def row(self, kind: TableSchema[T], id_: str, at: StoreSnapshot) -> T | None:
        """Return the row with this id, or None, in constant time."""
        raw = at.raw_in(self.name, id_)
        return None if raw is None else decode(kind, id_, raw)

    def raw(self, id_: str, at: StoreSnapshot) -> bytes | None:
        """Return the stored bytes of the row with this id."""
        return at.raw_in(self.name, id_)

    def find(self, kind: TableSchema[T], index: str, value: str, at: StoreSnapshot) -> list[T]:
        """Return rows by an index of ``kind``, in order of id."""
        return at.find(kind, index, value)

    def find_ids(self, kind: TableSchema[Any], index: str, value: str, at: StoreSnapshot) -> list[str]:
        """Return the ids of the rows that :meth:`find` returns, without decoding any."""
        return at.find_ids(kind, index, value)

    def typed_rows(self, kind: TableSchema[T], at: StoreSnapshot) -> Iterator[T]:
        """Yield all rows, decoded one at a time, in order of arrival."""
        return at.rows(kind)

    def ids(self, kind: TableSchema[Any], at: StoreSnapshot) -> Collection[str]:
        """Return all ids, without decoding rows."""
        return at.ids(kind)

    def row_count(self, at: StoreSnapshot) -> int:
        """Return the number of rows."""
        return at.count_in(self.name)

    def change(self, write: Put | Drop) -> EncodedWrite:
        """Return a write as checked bytes.

        Raises:
            BadInput: A value does not match its field.
        """
        if isinstance(write, Put):
            return encode(write.table, write.row)
        return EncodedWrite(self.name, write.id, None)

    # TinyDB's methods

    def get(  # type: ignore[override]
        self,
        cond: QueryLike | None = None,
        doc_id: str | None = None,
        doc_ids: list[str] | None = None,
    ) -> Document | list[Document] | None:
        """Return documents as TinyDB does; with ``doc_id`` and ``doc_ids``, no other row is read."""
        if doc_id is None and doc_ids is None:
            return super().get(cast(QueryLike, cond))
        rows = SnapshotRows(self._storage.engine.snapshot(), self.name)
        if doc_ids is not None:
            return [self._document(rows[id_], id_) for id_ in dict.fromkeys(doc_ids) if id_ in rows]
        assert doc_id is not None
        return self._document(rows[doc_id], doc_id) if doc_id in rows else None

    def search(self, cond: QueryLike) -> list[Document]:
        """Search as TinyDB does; the cache of queries is cleared when the store has changed."""
        position = self._storage.engine.snapshot().position
        if position != self._read_at:
            self.clear_cache()
            self._read_at = position
        return super().search(cond)

    def __len__(self) -> int:
        return self._storage.engine.snapshot().count_in(self.name)

    def _document(self, fields: Fields, id_: str) -> Document:
        return self.document_class(fields, cast(int, id_))

    def _get_next_id(self) -> str:
        """Return the next number for a table of another owner; the rows of our own tables have ids."""
        if self._next_id is None:
            ids = self._storage.engine.snapshot().keys(self.name)
            self._next_id = max((int(id_) for id_ in ids if id_.isdecimal()), default=0) + 1
        number, self._next_id = self._next_id, self._next_id + 1
        return str(number)

    def insert(self, document: Mapping[str, Any]) -> str:  # type: ignore[override]
        """Insert a document; in our own tables its id is the row's."""
        return super().insert(self._with_id(document))  # type: ignore[return-value]

    def insert_multiple(self, documents: Iterable[Mapping[str, Any]]) -> list[str]:  # type: ignore[override]
        """Insert documents, all or none."""
        return super().insert_multiple(  # type: ignore[return-value]
            [self._with_id(document) for document in documents]
        )

    def _with_id(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        known = _SCHEMAS.get(self.name)
        if known is None or isinstance(document, Document):
            return document
        try:
            row = msgspec.convert(dict(document), known.row)
        except msgspec.ValidationError as error:
            raise BadInput(f"This document does not fit the table {self.name}: {error}") from error
        return self._document(dict(document), known.key(row))

    def _update_table(self, updater: Callable[[dict[int, Mapping[str, Any]]], None]) -> None:
        """Let ``updater`` change a view that decodes and keeps only the rows that it accesses."""

        def changes(view: StoreSnapshot) -> list[EncodedWrite]:
            update = _TableUpdate(view, self.name)
            updater(cast("dict[int, Mapping[str, Any]]", update))
            return update.changes()

        try:
            self._storage.engine.transact(changes)
        finally:
            # Even after a failed commit, because TinyDB may have cached what was not written.
            self._next_id = None
            self.clear_cache()


class _TableUpdate(MutableMapping[str, Fields]):
    """A table during an update, with the rows that were read or changed."""

    def __init__(self, view: StoreSnapshot, name: str) -> None:
        self._rows = SnapshotRows(view, name)
        self._touched: dict[str, Fields | None] = {}

    def __getitem__(self, id_: str) -> Fields:
        if id_ not in self._touched:
            self._touched[id_] = self._rows[id_]
        fields = self._touched[id_]
        if fields is None:
            raise KeyError(id_)
        return fields

    def __setitem__(self, id_: str, fields: Fields) -> None:
        self._touched[id_] = fields

    def __delitem__(self, id_: str) -> None:
        if id_ not in self:
            raise KeyError(id_)
        self._touched[id_] = None

    def __contains__(self, id_: object) -> bool:
        if id_ in self._touched:
            return self._touched[id_] is not None
        return self._rows.view.raw_in(self._rows.name, cast(str, id_)) is not None

    def __iter__(self) -> Iterator[str]:
        yield from (id_ for id_ in self._rows if self._touched.get(id_, id_) is not None)
        yield from (id_ for id_, fields in self._touched.items() if fields is not None and self._is_new(id_))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _is_new(self, id_: str) -> bool:
        return self._rows.view.raw_in(self._rows.name, id_) is None

    def changes(self) -> list[EncodedWrite]:
        """Return what was changed, added and removed."""
        view, name = self._rows.view, self._rows.name
        gone = [id_ for id_, fields in self._touched.items() if fields is None and not self._is_new(id_)]
        present = {id_: fields for id_, fields in self._touched.items() if fields is not None}
        return [EncodedWrite(name, id_, None) for id_ in gone] + list(_changed_documents(view, name, present))


class PracticeDB(TinyDB):
    """TinyDB with the storage and tables of a practice."""

    table_class = RowTable
    default_storage_class = CommitLogStorage  # type: ignore[assignment]

    @property
    def engine(self) -> Any:
        """The engine of the storage, of its own type."""
        return self._core

    @property
    def _core(self) -> StoreEngine:
        return cast(EngineStorage, self.storage).engine

    def table_of(self, kind: TableSchema[Any]) -> RowTable:
        """Return the table for the rows of ``kind``."""
        found: RowTable | None = self._tables.get(kind.name)  # type: ignore[assignment]
        return self.table(kind.name) if found is None else found  # type: ignore[return-value]

    def snapshot(self) -> TableSnapshot:
        """Return the current state of all tables, including commits of other processes."""
        return TableSnapshot(self, self._core.snapshot())

    def commit(self, writes: Iterable[Write], *, since: Snapshot | None = None) -> int:
        """Write to any number of tables in one transaction; return the new position.

        ``since``: only if none of these rows has changed after that snapshot. Without writes there is no
        commit. Raises what :meth:`transact` raises, and ``StoreChanged``; nothing is written then.
        """
        changes = self._changes(writes)
        if not changes:
            return self._core.mark.position

        def make(now: StoreSnapshot) -> list[EncodedWrite]:
            if since is not None:
                refuse_changed_rows(writes, since, TableSnapshot(self, now))
            return changes

        try:
            return self._core.transact(make)
        except CommitInterrupted:
            return self._core.transact(make)  # ``make`` checks the present state again

    def transact(self, make: Callable[[TableSnapshot], Iterable[Write]]) -> int:
        """Commit the writes that ``make`` returns for the newest snapshot, with other writers locked out.

        Raises ``BadInput``, ``ReadOnly``, ``StoreUnreadable``, ``DiskError`` and ``Busy``.
        """
        return self._core.transact(lambda now: self._changes(make(TableSnapshot(self, now))))

    def _changes(self, writes: Iterable[Write]) -> list[EncodedWrite]:
        return [
            check_encoded(write.table, write.id, write.raw)
            if isinstance(write, PutRaw)
            else self.table_of(write.table).change(write)
            for write in writes
        ]


class TableSnapshot:
    """The Snapshot port: all tables of a database at one position. Any thread may read it."""

    __slots__ = ("_db", "view")

    def __init__(self, db: PracticeDB, view: StoreSnapshot) -> None:
        self._db = db
        self.view = view

    @property
    def position(self) -> int:
        """The number of its last commit."""
        return self.view.position

    def fingerprint(self, *tables: TableSchema[Any]) -> str:
        """Return a text that is equal only for the same rows of these tables in the same store."""
        return self.view.fingerprint(*tables)

    def get(self, table: TableSchema[T], id: str) -> T | None:  # noqa: A002
        """Return a row, or None, in constant time."""
        return self._db.table_of(table).row(table, id, self.view)

    def find(self, table: TableSchema[T], index: str, value: str) -> list[T]:
        """Return rows by an index of the table, in order of id."""
        return self._db.table_of(table).find(table, index, value, self.view)

    def find_ids(self, table: TableSchema[Any], index: str, value: str) -> list[str]:
        """Return the ids of the rows that :meth:`find` returns, without decoding any."""
        return self._db.table_of(table).find_ids(table, index, value, self.view)

    def rows(self, table: TableSchema[T]) -> Iterator[T]:
        """Yield all rows, decoded one at a time, in order of arrival."""
        return self._db.table_of(table).typed_rows(table, self.view)

    def ids(self, table: TableSchema[Any]) -> Collection[str]:
        """Return all ids of a table, without decoding rows."""
        return self._db.table_of(table).ids(table, self.view)

    def raw(self, table: TableSchema[Any], id: str) -> bytes | None:  # noqa: A002
        """Return the stored bytes of a row."""
        return self._db.table_of(table).raw(id, self.view)

    def count(self, table: TableSchema[Any]) -> int:
        """Return the number of rows."""
        return self._db.table_of(table).row_count(self.view)
