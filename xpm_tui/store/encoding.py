"""Encodes rows and transactions as checked bytes: nothing that cannot be read back is written to the log.

Every line has a checksum that continues from the one before it. CRC-32 (zlib) detects every single wrong bit
and every burst of up to 32 bits; because the checksums are chained, lines that were swapped, left out or
inserted are detected, too.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

import msgspec

from xpm_tui.domain.errors import BadInput, StoreChanged, StoreUnreadable
from xpm_tui.domain.ports import Put, Snapshot, Write, changed_tables
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import TableSchema

T = TypeVar("T", bound=msgspec.Struct)

ENCODER = msgspec.json.Encoder()
_decoders: dict[TableSchema[Any], msgspec.json.Decoder[Any]] = {}


class EncodedWrite(NamedTuple):
    """A write: the row's bytes (JSON without line ends), or None if the row is removed."""

    table: str
    id: str
    raw: bytes | None


def decoder(table: TableSchema[T]) -> msgspec.json.Decoder[T]:
    """Return the table's decoder, which is cached."""
    found: msgspec.json.Decoder[T] | None = _decoders.get(table)
    if found is None:
        found = _decoders[table] = msgspec.json.Decoder(table.row)
    return found


def decode(table: TableSchema[T], id: str, raw: bytes) -> T:  # noqa: A002
    """Decode a row.

    Raises:
        StoreUnreadable: It is invalid; the message names table and id.
    """
    try:
        return decoder(table).decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StoreUnreadable(
            f"The row {visible(id, 60)} of the table {table.name} cannot be read: {visible(str(error), 200)}",
            hint="See what is wrong: xpm-tui data check",
        ) from error


def encode(table: TableSchema[Any], row: Any) -> EncodedWrite:
    """Encode a row.

    Raises:
        BadInput: A value does not match its field or JSON.
    """
    name = "?"
    try:
        name = table.key(row)
        raw = ENCODER.encode(row)
        decoder(table).decode(raw)
        ENCODER.encode(name)
    except (msgspec.MsgspecError, UnicodeError, TypeError, OverflowError) as error:
        reason = str(error)
        if isinstance(error, UnicodeError):
            reason = "it contains half a character (a lone surrogate)"
        raise _unsavable(table, name, reason) from error
    if not name:
        raise BadInput(f"A row of the table {table.name} has no id.", hint="Nothing was written.")
    return EncodedWrite(table.name, name, raw)


def check_encoded(table: TableSchema[Any], name: str, raw: bytes) -> EncodedWrite:
    """Return a row that is already encoded, after the same checks as :func:`encode`. Raises ``BadInput``."""
    try:
        row = decoder(table).decode(raw)
        found = table.key(row)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise _unsavable(table, name, str(error)) from error
    if not name or found != name:
        raise BadInput(f"A row of the table {table.name} has another id.", hint="Nothing was written.")
    return EncodedWrite(table.name, name, raw)


def _unsavable(table: TableSchema[Any], name: str, reason: str) -> BadInput:
    return BadInput(
        f"{visible(str(name), 60)} cannot be saved in the table {table.name}: {visible(reason, 200)}.",
        hint="Nothing was written. Correct the value and try again.",
    )


def refuse_changed_rows(writes: Iterable[Write], since: Snapshot, now: Snapshot) -> None:
    """Raise ``StoreChanged`` if a row to be written has changed between the two snapshots."""
    tables = changed_tables({write.table for write in writes}, since, now)
    for write in writes if tables else ():
        if write.table not in tables:
            continue
        name = write.table.key(write.row) if isinstance(write, Put) else write.id
        if since.raw(write.table, name) != now.raw(write.table, name):
            raise StoreChanged(
                f"Someone else has just changed {visible(name, 60)} ({write.table.name}).",
                hint="Nothing was written. Check it, then try again.",
            )


PART = 256 * 1024
"""Larger transactions are split into lines of about this many bytes, and count once the last is written."""

_WRITES = msgspec.json.Decoder(list[tuple[str, str, msgspec.Raw]])


class Line(NamedTuple):
    """A line of the commit log: writes as JSON, and the number and time (ms) of their commit."""

    body: bytes
    position: int
    millis: int
    last: bool
    chain: int


def seal(body: bytes, chain: int = 0) -> bytes:
    """Return ``body``, a tab, its checksum and a line end."""
    return b"%b\t%08x\n" % (body, zlib.crc32(body, chain))


def unseal(line: bytes, chain: int = 0) -> tuple[bytes, int] | None:
    """Return the body of a sealed line (without its line end) and its checksum; None if they do not match."""
    body, tab, text = line.rpartition(b"\t")
    if not tab or len(text) != 8:
        return None
    found = zlib.crc32(body, chain)
    return (body, found) if text == b"%08x" % found else None


def pack(changes: Iterable[EncodedWrite], position: int, millis: int, chain: int) -> Iterator[bytes]:
    """Yield the sealed lines of a transaction: one, or several of about :data:`PART` bytes.

    Lines are created one at a time, so that a large transaction is not in memory twice.
    """
    pieces: list[bytes] = []
    size = 0
    for change in changes:
        raw = b"null" if change.raw is None else change.raw
        piece = b'["%b",%b,%b]' % (change.table.encode(), ENCODER.encode(change.id), raw)
        if pieces and size + len(piece) > PART:
            line = _line(pieces, position, millis, b"+", chain)
            yield line
            chain = int(line[-9:-1], 16)
            pieces, size = [], 0
        pieces.append(piece)
        size += len(piece) + 1
    yield _line(pieces, position, millis, b".", chain)


def _line(pieces: list[bytes], position: int, millis: int, mark: bytes, chain: int) -> bytes:
    return seal(b"[%b]\t%d %d %b" % (b",".join(pieces), position, millis, mark), chain)


def unpack(line: bytes, chain: int) -> Line | None:
    """Parse a line of the commit log without its line end; None if it is damaged or does not follow."""
    opened = unseal(line, chain)
    if opened is None:
        return None
    body, _, tail = opened[0].rpartition(b"\t")
    try:
        position, millis, mark = tail.split(b" ")
        return Line(body, int(position), int(millis), mark == b".", opened[1])
    except ValueError:
        return None


def changes_of(body: bytes) -> list[EncodedWrite]:
    """Return the writes of a line.

    Raises:
        StoreUnreadable: The line is sealed correctly, but is not a list of writes.
    """
    try:
        rows = _WRITES.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StoreUnreadable(
            "A line of the commit log has a valid checksum, but cannot be read.",
            hint="It was written by another version. See: xpm-tui data check",
        ) from error
    out = []
    for table, name, raw in rows:
        data = bytes(raw)
        out.append(EncodedWrite(table, name, None if data == b"null" else data))
    return out


def seal_struct(value: msgspec.Struct) -> bytes:
    """Return a value as a sealed line of JSON."""
    return seal(ENCODER.encode(value))


def unseal_struct(line: bytes, kind: type[T]) -> T | None:
    """Return the value in a sealed line of JSON; None if the line is damaged."""
    opened = unseal(line[:-1]) if line.endswith(b"\n") else None
    try:
        return msgspec.json.decode(opened[0], type=kind) if opened is not None else None
    except msgspec.MsgspecError:
        return None
