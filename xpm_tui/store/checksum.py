"""How bytes are told from damaged bytes: every line and block carries a checksum that goes on from the last.

CRC-32 (zlib) finds every single wrong bit and every burst up to 32 bits; going on from the one before it,
it also finds lines that were swapped, left out or put in by a foreign hand.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from xpm_tui.domain.errors import StoreUnreadable
from xpm_tui.store.encoding import ENCODER, EncodedWrite

PART = 256 * 1024
"""A transaction is one line; from this many bytes on it goes in several, and counts from the last one on."""

_WRITES = msgspec.json.Decoder(list[tuple[str, str, msgspec.Raw]])


class Line(NamedTuple):
    """A line of the commit log: writes as JSON, the commit's number, when (ms), whether the last part."""

    body: bytes
    position: int
    millis: int
    last: bool
    chain: int


def seal(body: bytes, chain: int = 0) -> bytes:
    """``body``, a tab, its checksum and a line end."""
    return b"%b\t%08x\n" % (body, zlib.crc32(body, chain))


def unseal(line: bytes, chain: int = 0) -> tuple[bytes, int] | None:
    """The body of a sealed line (without its line end) and its checksum; None where they do not fit."""
    body, tab, text = line.rpartition(b"\t")
    if not tab or len(text) != 8:
        return None
    found = zlib.crc32(body, chain)
    return (body, found) if text == b"%08x" % found else None


def pack(changes: Iterable[EncodedWrite], position: int, millis: int, chain: int) -> Iterator[bytes]:
    """The lines of one transaction: one, or several of about :data:`PART` bytes, sealed one after another.

    One line is made at a time, so that a large transaction is not held twice.
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
    """A line of the commit log without its line end; None where it is damaged or does not follow."""
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
    """The writes in a line. Raises ``StoreUnreadable`` (a sealed line that is no list of writes)."""
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


def seal_struct(value: Any) -> bytes:
    """A value as one sealed line of JSON."""
    return seal(ENCODER.encode(value))
