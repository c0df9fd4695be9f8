"""TinyDB's table seam: a table whose work by id does not grow with the table, and a database of such."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any, cast

import msgspec
from tinydb import TinyDB
from tinydb.queries import QueryLike
from tinydb.table import Document
from tinydb.table import Table as TinyTable

from xpm_tui.book.changes import Change
from xpm_tui.book.engine import Engine
from xpm_tui.book.storage import KNOWN, CommitLogStorage, Fields, Rows, puts
from xpm_tui.book.view import BookSnapshot
from xpm_tui.model.errors import BadInput


class RowTable(TinyTable):
    """A TinyDB table whose work by id does not grow with the table. Ids are texts."""

    document_id_class = str  # type: ignore[assignment]

    _storage: CommitLogStorage
    _next_id: Any
    _read_at = -1

    def get(  # type: ignore[override]
        self,
        cond: QueryLike | None = None,
        doc_id: str | None = None,
        doc_ids: list[str] | None = None,
    ) -> Document | list[Document] | None:
        """As TinyDB's; by ``doc_id`` and ``doc_ids`` without reading any other row."""
        if doc_id is None and doc_ids is None:
            return super().get(cast(QueryLike, cond))
        rows = Rows(self._storage.engine.snapshot(), self.name)
        if doc_ids is not None:
            return [self._document(rows[id_], id_) for id_ in dict.fromkeys(doc_ids) if id_ in rows]
        assert doc_id is not None
        return self._document(rows[doc_id], doc_id) if doc_id in rows else None

    def search(self, cond: QueryLike) -> list[Document]:
        """As TinyDB's; the cache of queries is dropped when the book has moved."""
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
        """The next number; rows of our own tables bring their id along."""
        if self._next_id is None:
            ids = self._storage.engine.snapshot().keys(self.name)
            self._next_id = max((int(id_) for id_ in ids if id_.isdecimal()), default=0) + 1
        number, self._next_id = self._next_id, self._next_id + 1
        return str(number)

    def insert(self, document: Mapping[str, Any]) -> str:  # type: ignore[override]
        """Insert a document; in a table of ours its id is the row's own."""
        return super().insert(self._with_id(document))  # type: ignore[return-value]

    def insert_multiple(self, documents: Iterable[Mapping[str, Any]]) -> list[str]:  # type: ignore[override]
        """Insert documents, all or none."""
        return super().insert_multiple(  # type: ignore[return-value]
            [self._with_id(each) for each in documents]
        )

    def _with_id(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        known = KNOWN.get(self.name)
        if known is None or isinstance(document, Document):
            return document
        try:
            row = msgspec.convert(dict(document), known.row)
        except msgspec.ValidationError as error:
            raise BadInput(f"This document does not fit the table {self.name}: {error}") from error
        return self._document(dict(document), known.key(row))

    def _update_table(self, updater: Callable[[dict[int, Mapping[str, Any]]], None]) -> None:
        """Let ``updater`` work on a view that decodes and remembers only the rows that it touches."""

        def changes(view: BookSnapshot) -> list[Change]:
            work = _Work(view, self.name)
            updater(cast("dict[int, Mapping[str, Any]]", work))
            return work.changes()

        try:
            self._storage.engine.transact(changes)
        finally:
            # Also after a failed commit: what TinyDB remembers may be of what was never written.
            self._next_id = None
            self.clear_cache()


class _Work(MutableMapping[str, Fields]):
    """One table during one update."""

    def __init__(self, view: BookSnapshot, name: str) -> None:
        self._rows = Rows(view, name)
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
        yield from (id_ for id_, fields in self._touched.items() if fields is not None and self._new(id_))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _new(self, id_: str) -> bool:
        return self._rows.view.raw_in(self._rows.name, id_) is None

    def changes(self) -> list[Change]:
        """What was changed, added and taken away."""
        view, name = self._rows.view, self._rows.name
        gone = [id_ for id_, fields in self._touched.items() if fields is None and not self._new(id_)]
        kept = {id_: fields for id_, fields in self._touched.items() if fields is not None}
        return [Change(name, id_, None) for id_ in gone] + list(puts(view, name, kept))


class PracticeDB(TinyDB):
    """TinyDB with our storage and our tables."""

    table_class = RowTable
    default_storage_class = CommitLogStorage  # type: ignore[assignment]

    @property
    def engine(self) -> Engine:
        """The open book underneath."""
        return cast(CommitLogStorage, self.storage).engine
