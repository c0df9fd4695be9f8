"""A storage for TinyDB on top of the commit log.

``TinyDB(folder, storage=CommitLogStorage)`` behaves like any TinyDB, but a kill, a full disk or a second
process cannot destroy it. Rows of known tables are checked before every write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

import msgspec
from tinydb.storages import Storage

from xpm_tui.domain.errors import BadInput, Busy, StoreUnreadable
from xpm_tui.domain.ports import Clock
from xpm_tui.domain.tables import ALL
from xpm_tui.files.machine import DISK, Disk, SystemClock
from xpm_tui.store.commit_log import Mark
from xpm_tui.store.encoding import ENCODER, EncodedWrite, encode
from xpm_tui.store.engine import Engine
from xpm_tui.store.snapshot import StoreSnapshot

KNOWN = {table.name: table for table in ALL}
Fields = dict[str, Any]


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


class StoreEngine(Protocol):
    """What the tables stand on: the files of this machine, or a database.

    ``damage`` says why nothing can be written although it was wished for.
    """

    damage: StoreUnreadable | None

    @property
    def read_only(self) -> bool:
        """Whether nothing may be written."""

    @property
    def mark(self) -> Mark:
        """The newest known commit."""

    def snapshot(self) -> StoreSnapshot:
        """Return the current state, other processes' commits included."""

    def view(self) -> StoreSnapshot:
        """Return the state in memory."""

    def watch(self) -> int:
        """Return the newest position, read cheaply."""

    def transact(self, make: Callable[[StoreSnapshot], Sequence[EncodedWrite]]) -> int:
        """Commit the writes that ``make`` returns for the newest state; no other commit comes between."""

    def close(self) -> None:
        """Release all files and connections."""


class EngineStorage(Storage):
    """A TinyDB storage over an engine."""

    engine: StoreEngine
    _read: StoreSnapshot | None = None

    def read(self) -> dict[str, Any] | None:
        """Return all tables, none of their rows decoded yet; None for an empty store."""
        view = self._read = self.engine.snapshot()
        return {name: SnapshotRows(view, name) for name in view.names()} or None

    def write(self, data: dict[str, Any]) -> None:
        """Commit what ``data`` changes against the last reading, as one transaction.

        Raises ``Busy`` if another process has changed one of the same rows since.
        """
        read = self._read or self.engine.view()
        changes = _differences(read, data)

        def unmoved(view: StoreSnapshot) -> list[EncodedWrite]:
            for change in changes:
                if view.raw_in(change.table, change.id) != read.raw_in(change.table, change.id):
                    raise Busy(
                        f"Another process has just changed {change.id} in the table {change.table}.",
                        hint="Nothing was written. Read the data again, then retry.",
                    )
            return changes

        self.engine.transact(unmoved)

    def close(self) -> None:
        """Give the files back."""
        self.engine.close()


class CommitLogStorage(EngineStorage):
    """A TinyDB storage in a folder of its own: a commit log and one snapshot file per table."""

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
        kept = data.get(name, {})
        if not isinstance(kept, SnapshotRows):
            here = {str(id_) for id_ in kept}
            changes += [EncodedWrite(name, id_, None) for id_ in view.keys(name) if id_ not in here]
    for name, rows in data.items():
        if not isinstance(rows, SnapshotRows):
            changes += changed_documents(view, name, rows)
    return changes


def changed_documents(view: StoreSnapshot, name: str, rows: Mapping[Any, Any]) -> Iterator[EncodedWrite]:
    """Yield the documents that differ from the store, as changes."""
    for id_, fields in rows.items():
        change = encode_document(name, str(id_), fields)
        old = view.raw_in(name, change.id)
        if old is None or (old != change.raw and msgspec.json.decode(old) != fields):
            yield change


def encode_document(name: str, id_: str, fields: Mapping[str, Any]) -> EncodedWrite:
    """Return a document as a change.

    Raises:
        BadInput: It does not match its table.
    """
    known = KNOWN.get(name)
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
