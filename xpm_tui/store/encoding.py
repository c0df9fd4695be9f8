"""Writes as checked bytes: nothing reaches the log that could not be read back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeVar, cast

import msgspec

from xpm_tui.domain.errors import BadInput, StoreChanged, StoreUnreadable
from xpm_tui.domain.ports import Put, Snapshot, Write
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import TableSchema

T = TypeVar("T", bound=msgspec.Struct)

ENCODER = msgspec.json.Encoder()
_decoders: dict[int, tuple[TableSchema[Any], msgspec.json.Decoder[Any]]] = {}


class EncodedWrite(NamedTuple):
    """One write: the row's bytes (JSON, no line end in them), or None where the row goes away."""

    table: str
    id: str
    raw: bytes | None


def decoder(table: TableSchema[T]) -> msgspec.json.Decoder[T]:
    """The table's decoder, made once."""
    known = _decoders.get(id(table))
    if known is None:
        known = _decoders[id(table)] = (table, msgspec.json.Decoder(table.row))
    return cast("msgspec.json.Decoder[T]", known[1])


def decode(table: TableSchema[T], id: str, raw: bytes) -> T:  # noqa: A002
    """A row from its bytes. Raises ``StoreUnreadable`` naming table and id."""
    try:
        return decoder(table).decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StoreUnreadable(
            f"The row {visible(id, 60)} of the table {table.name} cannot be read: {visible(str(error), 200)}",
            hint="See what is wrong with: xpm-tui data check",
        ) from error


def encode(table: TableSchema[Any], row: Any) -> EncodedWrite:
    """A row as checked bytes. Raises ``BadInput`` where a value does not fit its field or JSON."""
    name = "?"
    try:
        name = table.key(row)
        raw = ENCODER.encode(row)
        decoder(table).decode(raw)
        ENCODER.encode(name)
    except (msgspec.MsgspecError, UnicodeError, TypeError, OverflowError) as error:
        half = isinstance(error, UnicodeError)
        what = "it contains half a character (a lone surrogate)" if half else str(error)
        raise BadInput(
            f"{visible(str(name), 60)} cannot be saved in the table {table.name}: {visible(what, 200)}.",
            hint="Nothing was written. Correct the value and try again.",
        ) from error
    if not name:
        raise BadInput(f"A row of the table {table.name} has no id.", hint="Nothing was written.")
    return EncodedWrite(table.name, name, raw)


def encoded(table: TableSchema[Any], name: str, raw: bytes) -> EncodedWrite:
    """A row that is encoded already, checked as any other. Raises ``BadInput``."""
    try:
        row = decoder(table).decode(raw)
        found = table.key(row)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise BadInput(
            f"{visible(name, 60)} cannot be saved in the table {table.name}: {visible(str(error), 200)}.",
            hint="Nothing was written. Correct the value and try again.",
        ) from error
    if not name or found != name:
        raise BadInput(f"A row of the table {table.name} has another id.", hint="Nothing was written.")
    return EncodedWrite(table.name, name, raw)


def refuse_changed_rows(writes: Iterable[Write], since: Snapshot, now: Snapshot) -> None:
    """Raise ``StoreChanged`` where a row that is to be written has changed between the two snapshots."""
    if since.position == now.position:
        return
    for write in writes:
        name = write.table.key(write.row) if isinstance(write, Put) else write.id
        if since.raw(write.table, name) != now.raw(write.table, name):
            raise StoreChanged(
                f"Someone else has just changed {visible(name, 60)} ({write.table.name}).",
                hint="Nothing was written. Check it, then try again.",
            )
