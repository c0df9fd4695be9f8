"""Opening a practice's book."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from xpm_tui.files.append import AppendFile, cut_torn_tail, read_lines
from xpm_tui.files.locks import Lock
from xpm_tui.files.private import ensure_private
from xpm_tui.model.errors import BookUnreadable, ReadOnly
from xpm_tui.model.ports import Clock, Drop, Put, Write
from xpm_tui.model.tables import Table

T = TypeVar("T", bound=msgspec.Struct)
Rows = dict[str, bytes]


class BookSnapshot:
    """The book at one position."""

    def __init__(self, position: int, tables: dict[str, Rows]) -> None:
        self._position = position
        self._tables = tables
        self._indexes: dict[tuple[str, str], dict[str, list[str]]] = {}

    @property
    def position(self) -> int:
        """Number of the last commit in it."""
        return self._position

    def get(self, table: Table[T], id: str) -> T | None:  # noqa: A002
        """The row, or None."""
        raw = self.raw(table, id)
        return None if raw is None else msgspec.json.decode(raw, type=table.row)

    def find(self, table: Table[T], index: str, value: str) -> list[T]:
        """Rows by an index, in order of id (short ids first)."""
        built = self._indexes.get((table.name, index))
        if built is None:
            built = self._indexes[table.name, index] = {}
            for row in self.rows(table):
                for each in dict.fromkeys(table.indexes[index](row)):
                    built.setdefault(each, []).append(table.key(row))
        found = (self.get(table, each) for each in sorted(built.get(value, []), key=lambda i: (len(i), i)))
        return [row for row in found if row is not None]

    def rows(self, table: Table[T]) -> Iterator[T]:
        """All rows, decoded one at a time."""
        return map(msgspec.json.Decoder(table.row).decode, self._tables.get(table.name, {}).values())

    def ids(self, table: Table[Any]) -> Collection[str]:
        """All ids of a table."""
        return self._tables.get(table.name, {}).keys()

    def raw(self, table: Table[Any], id: str) -> bytes | None:  # noqa: A002
        """The row's stored bytes."""
        return self._tables.get(table.name, {}).get(id)

    def count(self, table: Table[Any]) -> int:
        """How many rows."""
        return len(self._tables.get(table.name, {}))


class DiskBook:
    """The book of one practice, on disk."""

    def __init__(self, folder: Path, *, read_only: bool, clock: Clock) -> None:
        self._path = ensure_private(folder) / "log"
        self.read_only = read_only
        self._lock = Lock(folder / "book.lock", clock=clock, person="")
        self._position, self._offset = 0, 0
        self._tables: dict[str, Rows] = {}
        if not read_only:
            with self._lock.hold(10):
                cut_torn_tail(self._path)
        self._file = None if read_only else AppendFile(self._path)
        self._read()

    def snapshot(self) -> BookSnapshot:
        """What is there now."""
        self._read()
        return BookSnapshot(self._position, self._tables)

    def commit(self, writes: Sequence[Write]) -> int:
        """Make the writes durable, all or none."""
        return self.transact(lambda _: writes)

    def transact(self, make: Callable[[BookSnapshot], Sequence[Write]]) -> int:
        """Commit what ``make`` asks for when it is shown the newest snapshot, with nobody in between."""
        if self._file is None:
            raise ReadOnly("The book is open for reading only.")
        with self._lock.hold(10):
            writes = make(self.snapshot())
            if not writes:
                return self._position
            rows = [
                (w.table.name, w.table.key(w.row), msgspec.Raw(msgspec.json.encode(w.row)))
                if isinstance(w, Put)
                else (w.table.name, w.id, msgspec.Raw(b"null"))
                for w in writes
                if isinstance(w, (Put, Drop))
            ]
            body = msgspec.json.encode(rows)
            self._file.append(body + b"\t%08x\n" % zlib.crc32(body))
            self._read()
            return self._position

    def watch(self) -> int:
        """Position on disk."""
        self._read()
        return self._position

    def close(self) -> None:
        """Give the files back."""
        self._lock.close()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _read(self) -> None:
        for line, offset in read_lines(self._path, self._offset):
            body, _, sum_ = line.rpartition(b"\t")
            if b"%08x" % zlib.crc32(body) != sum_:
                raise BookUnreadable(f"{self._path} is damaged after byte {self._offset}.")
            tables = dict(self._tables)
            fresh: set[str] = set()
            for name, id_, raw in msgspec.json.decode(body, type=list[tuple[str, str, msgspec.Raw]]):
                if name not in fresh:
                    fresh.add(name)
                    tables[name] = dict(tables.get(name, {}))
                if bytes(raw) == b"null":
                    tables[name].pop(id_, None)
                else:
                    tables[name][id_] = bytes(raw)
            self._tables, self._offset, self._position = tables, offset, self._position + 1


def open_book(folder: Path, *, read_only: bool = False, clock: Clock) -> DiskBook:
    """Open (and where missing make) the book in ``folder``."""
    return DiskBook(folder, read_only=read_only, clock=clock)
