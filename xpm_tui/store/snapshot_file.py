"""A snapshot file: all rows of one table as JSON lines, in sealed blocks, so that damage loses one block."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import msgspec

from xpm_tui.files.atomic import replace_bytes
from xpm_tui.files.disk import DISK, Disk
from xpm_tui.store.encoding import ENCODER
from xpm_tui.store.manifest import StoreDamaged, TableFile

BLOCK = 128 * 1024
"""Bytes of rows in a block, about."""

_LONGEST = 4096
_KEYS = msgspec.json.Decoder(list[str])


class Salvage:
    """What could not be read of a damaged file."""

    def __init__(self) -> None:
        self.rows = 0
        self.bytes = 0


def write_table(path: Path, rows: Iterable[tuple[str, bytes]], *, title: str, disk: Disk = DISK) -> TableFile:
    """Write a snapshot file durably; ``title`` is its first line, for people. Raises ``DiskError``."""
    count, chain, crc = 0, 0, 0

    def pieces() -> Iterator[bytes]:
        nonlocal crc
        for piece in blocks():
            crc = zlib.crc32(piece, crc)
            yield piece

    def blocks() -> Iterator[bytes]:
        nonlocal count, chain
        first = f"# {title}\n".encode()
        chain = zlib.crc32(first)
        yield first
        for keys, lines in _batches(rows):
            payload = b"%b\n%b\n" % (ENCODER.encode(keys), b"\n".join(lines))
            chain = zlib.crc32(payload, chain)
            count += len(keys)
            yield _begin(len(keys), len(payload), chain)
            yield payload
        yield b"E %d %08x\n" % (count, chain)

    size = replace_bytes(path, pieces(), disk=disk)
    return TableFile(path.name, count, size, chain, crc)


def _batches(rows: Iterable[tuple[str, bytes]]) -> Iterator[tuple[list[str], list[bytes]]]:
    keys: list[str] = []
    lines: list[bytes] = []
    size = 0
    for key, raw in rows:
        keys.append(key)
        lines.append(raw)
        size += len(raw)
        if size >= BLOCK:
            yield keys, lines
            keys, lines, size = [], [], 0
    if keys:
        yield keys, lines


def read_table(path: Path, known: TableFile, salvage: Salvage | None = None) -> dict[str, bytes]:
    """All rows of a snapshot file by id, in order of arrival.

    Raises :class:`StoreDamaged` at the first byte that is not as it was written; with ``salvage``, gives
    the rows
    of all whole blocks and counts the others.
    """
    rows: dict[str, bytes] = {}
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        raise StoreDamaged(path, "is missing.", missing=True) from None
    except OSError as error:
        raise StoreDamaged(path, f"cannot be read: {(error.strerror or str(error)).lower()}.") from error
    with stream:
        try:
            if salvage is None and known.crc is not None:
                whole = _read_whole(stream, rows) == known.crc
                chain = known.chain if whole else -1
            else:
                chain = _read_blocks(stream, rows, salvage)
        except (ValueError, OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            if salvage is None:
                raise StoreDamaged(path, "is damaged, or was changed by another program.") from error
            chain = -1
    if salvage is not None:
        salvage.rows += max(0, known.rows - len(rows))
    elif (len(rows), chain) != (known.rows, known.chain):
        raise StoreDamaged(path, "does not belong to this state of the store.")
    return rows


def _read_whole(stream: IO[bytes], rows: dict[str, bytes]) -> int:
    """Take all rows and return the checksum of the whole file, in one pass; it proves the rows.

    Raises ``ValueError`` where it is not even laid out as a snapshot file.
    """
    size = os.fstat(stream.fileno()).st_size
    crc = zlib.crc32(stream.readline(_LONGEST))
    while line := stream.readline(_LONGEST):
        crc = zlib.crc32(line, crc)
        kind, *numbers = line.split()
        if kind == b"B" and len(numbers) == 3:
            payload = stream.read(min(max(0, int(numbers[1])), size))
            crc = zlib.crc32(payload, crc)
            _take(payload, int(numbers[0]), rows)
        elif kind == b"E" and not stream.read(1):
            return crc
        else:
            raise ValueError("no block where one should start")
    raise ValueError("no end")


def _read_blocks(stream: IO[bytes], rows: dict[str, bytes], salvage: Salvage | None) -> int:
    size = os.fstat(stream.fileno()).st_size
    chain, count = zlib.crc32(stream.readline(_LONGEST)), 0
    while line := stream.readline(_LONGEST):
        kind, *numbers = line.split()
        if kind == b"B" and len(numbers) == 3:
            number, length, claimed = int(numbers[0]), int(numbers[1]), int(numbers[2], 16)
            payload = stream.read(min(max(0, length), size))
            if zlib.crc32(payload, chain) == claimed and line == _begin(number, len(payload), claimed):
                count += _take(payload, number, rows)
            elif salvage is None:
                raise ValueError("a block is damaged")
            else:
                salvage.bytes += len(payload)
            chain = claimed
        elif kind == b"E" and line == b"E %d %08x\n" % (count, chain) and not stream.read(1):
            return chain
        elif salvage is None:
            raise ValueError("no block where one should start")
    if salvage is None:
        raise ValueError("no end")
    return chain


def _begin(rows: int, length: int, chain: int) -> bytes:
    return b"B %d %d %08x\n" % (rows, length, chain)


def _take(payload: bytes, number: int, rows: dict[str, bytes]) -> int:
    head, *lines = payload.split(b"\n")
    lines.pop()
    keys = _KEYS.decode(head)
    if len(keys) != number:
        raise ValueError("rows do not match their ids")
    rows.update(zip(keys, lines, strict=True))
    return number
