"""The snapshot files of a generation, which is written beside the old one and activated by its manifest.

A snapshot file has all rows of a table as JSON lines in sealed blocks, so that damage costs one block.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO

import msgspec

from xpm_tui.domain.errors import StoreUnreadable
from xpm_tui.domain.ports import Clock
from xpm_tui.files.durable import replace_bytes, temporary_files
from xpm_tui.files.locks import Lock
from xpm_tui.files.machine import DISK, Disk, disk_error
from xpm_tui.lazy import pattern
from xpm_tui.store.commit_log import LOG_END, Mark, first_line, write_log_end
from xpm_tui.store.encoding import ENCODER
from xpm_tui.store.manifest import (
    HEAD,
    Manifest,
    StoreDamaged,
    TableFile,
    newest,
    previous_manifest,
    read_manifest,
    write_manifest,
)
from xpm_tui.store.memory import LazyRows
from xpm_tui.store.snapshot import StoreSnapshot

BLOCK = 128 * 1024
"""The approximate bytes of rows in a block."""

_LONGEST = 4096
_KEYS = msgspec.json.Decoder(list[str])


def write_table(path: Path, rows: Iterable[tuple[str, bytes]], *, title: str, disk: Disk = DISK) -> TableFile:
    """Write a snapshot file durably; ``title`` is its first line, for human readers. Raises ``DiskError``."""
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


_READ_ERRORS = (ValueError, OSError, msgspec.MsgspecError, UnicodeDecodeError)
"""The errors of reading bytes that are not a snapshot file."""

_Blocks = list[tuple[bytes, int]]
"""Blocks, each with the number of its rows."""


def read_table(path: Path, known: TableFile) -> LazyRows:
    """Return all rows of a snapshot file by id, in order of arrival, after verifying every byte.

    Raises:
        StoreDamaged: A byte is not as it was written.
    """
    with _opened(path) as stream, _damage(path):
        if known.crc is None:
            rows: dict[str, bytes] = {}
            found = (_read_blocks(stream, rows), len(rows))
            lazy_rows = LazyRows(rows)
        else:
            blocks, crc = _read_whole(stream)
            found = (known.chain if crc == known.crc else -1, sum(number for _, number in blocks))
            lazy_rows = LazyRows(split=partial(_split, path, blocks), size=known.rows)
    if found != (known.chain, known.rows):
        raise _foreign(path)
    return lazy_rows


def salvage_table(path: Path) -> dict[str, bytes]:
    """Return the rows of all intact blocks of a snapshot file.

    Raises:
        StoreDamaged: The file is missing or cannot be opened.
    """
    rows: dict[str, bytes] = {}
    with _opened(path) as stream, suppress(*_READ_ERRORS):
        _read_blocks(stream, rows, skip_damaged=True)
    return rows


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise StoreDamaged(path, "is missing.", missing=True) from None
    except OSError as error:
        raise StoreDamaged(path, f"cannot be read: {(error.strerror or str(error)).lower()}.") from error


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    try:
        yield
    except _READ_ERRORS as error:
        raise StoreDamaged(path, "is damaged, or was changed by another program.") from error


def _foreign(path: Path) -> StoreDamaged:
    return StoreDamaged(path, "does not belong to this state of the store.")


def _split(path: Path, blocks: _Blocks) -> dict[str, bytes]:
    """Return the rows of verified blocks, each of which is freed as soon as it is split."""
    rows: dict[str, bytes] = {}
    total = sum(number for _, number in blocks)
    blocks.reverse()
    with _damage(path):
        while blocks:
            _take_block(*blocks.pop(), rows)
    if len(rows) != total:
        raise _foreign(path)
    return rows


def _read_whole(stream: IO[bytes]) -> tuple[_Blocks, int]:
    """Return all blocks, and the checksum of the whole file, which verifies them, in one pass.

    Raises:
        ValueError: It is not even laid out as a snapshot file.
    """
    blocks: _Blocks = []
    size = os.fstat(stream.fileno()).st_size
    crc = zlib.crc32(stream.readline(_LONGEST))
    while line := stream.readline(_LONGEST):
        crc = zlib.crc32(line, crc)
        kind, *numbers = line.split()
        if kind == b"B" and len(numbers) == 3:
            payload = stream.read(min(max(0, int(numbers[1])), size))
            crc = zlib.crc32(payload, crc)
            blocks.append((payload, int(numbers[0])))
        elif kind == b"E" and not stream.read(1):
            return blocks, crc
        else:
            raise ValueError("no block where one should start")
    raise ValueError("no end")


def _read_blocks(stream: IO[bytes], rows: dict[str, bytes], *, skip_damaged: bool = False) -> int:
    """Add the rows of all blocks to ``rows``, and return the last checksum."""
    size = os.fstat(stream.fileno()).st_size
    chain, count = zlib.crc32(stream.readline(_LONGEST)), 0
    while line := stream.readline(_LONGEST):
        kind, *numbers = line.split()
        if kind == b"B" and len(numbers) == 3:
            number, length, claimed = int(numbers[0]), int(numbers[1]), int(numbers[2], 16)
            payload = stream.read(min(max(0, length), size))
            if zlib.crc32(payload, chain) == claimed and line == _begin(number, len(payload), claimed):
                count += _take_block(payload, number, rows)
            elif not skip_damaged:
                raise ValueError("a block is damaged")
            chain = claimed
        elif kind == b"E" and line == b"E %d %08x\n" % (count, chain) and not stream.read(1):
            return chain
        elif not skip_damaged:
            raise ValueError("no block where one should start")
    if not skip_damaged:
        raise ValueError("no end")
    return chain


def _begin(rows: int, length: int, chain: int) -> bytes:
    return b"B %d %d %08x\n" % (rows, length, chain)


def _take_block(payload: bytes, number: int, rows: dict[str, bytes]) -> int:
    head, *lines = payload.split(b"\n")
    lines.pop()
    keys = _KEYS.decode(head)
    if len(keys) != number:
        raise ValueError("rows do not match their ids")
    rows.update(zip(keys, lines, strict=True))
    return number


STORE_LOCK = "book.lock"
COMPACTION_LOCK = "compact.lock"
PATIENCE = 20.0
"""Seconds to wait for another process that holds the store."""

_OWN_FILE = pattern(r"^(?:[a-z_][a-z0-9_]*\.(\d+)\.rows|log\.(\d+))$")
_PIECE = 1 << 20


@contextmanager
def both_locks(folder: Path, clock: Clock, what: str) -> Iterator[None]:
    """Hold both locks, against commits and compactions of all processes. Raises ``Busy``."""
    compaction_lock = Lock(folder / COMPACTION_LOCK, clock=clock, person="", what=what)
    store_lock = Lock(folder / STORE_LOCK, clock=clock, person="", what=what)
    try:
        with compaction_lock.hold(PATIENCE), store_lock.hold(PATIENCE):
            yield
    finally:
        compaction_lock.close()
        store_lock.close()


def install(
    folder: Path,
    view: StoreSnapshot,
    *,
    store_id: str,
    position: int,
    chain: int,
    clock: Clock,
    disk: Disk = DISK,
) -> Manifest:
    """Install the rows of a view as the newest generation with an empty log. The caller holds both locks."""
    generation = 1 + max((number for number, _ in generation_files(folder)), default=0)
    head = Manifest(
        format=newest(),
        store_id=store_id,
        generation=generation,
        position=position,
        chain=chain,
        made=clock.now(),
        tables=write_tables(folder, view, generation, store_id, disk),
    )
    size = replace_bytes(folder / head.log, first_line(head), disk=disk)
    # The record of the previous log does not apply to this state, which may be older.
    with suppress(FileNotFoundError), disk_error(folder / LOG_END, "removed"):
        disk.unlink(folder / LOG_END)
        disk.sync_folder(folder)
    write_manifest(folder, head, disk=disk)
    write_log_end(folder, head, Mark(size, position, chain), disk=disk)
    return head


def generation_files(folder: Path) -> list[tuple[int, Path]]:
    """Return the snapshot files and logs in a folder, each with its generation."""
    found = []
    for path in folder.iterdir():
        match = _OWN_FILE.match(path.name)
        if match:
            found.append((int(match[1] or match[2]), path))
    return sorted(found)


def write_tables(
    folder: Path, view: StoreSnapshot, generation: int, store_id: str, disk: Disk
) -> dict[str, TableFile]:
    """Write snapshot files of all tables that have rows."""
    title = f"xpm-tui data {store_id} generation {generation} position {view.position}"
    return {
        name: write_table(
            folder / f"{name}.{generation}.rows", view.items(name), title=f"{title} table {name}", disk=disk
        )
        for name in view.names()
    }


def install_log(folder: Path, head: Manifest, old: Manifest, mark: Mark, end: int, disk: Disk) -> int:
    """Install the new generation's log with the old one's contents from ``mark`` to ``end``.

    Returns the length of the new log.
    """
    path = folder / old.log

    def pieces() -> Iterator[bytes]:
        yield first_line(head)
        with disk_error(path, "read"):
            yield from read_range(path, mark.offset, end)

    size = replace_bytes(folder / head.log, pieces(), disk=disk)
    write_manifest(folder, head, disk=disk)
    return size


def read_range(path: Path, start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes of a file from ``start`` to ``end`` in pieces."""
    with path.open("rb") as stream:
        stream.seek(start)
        while start < end and (piece := stream.read(min(end - start, _PIECE))):
            start += len(piece)
            yield piece


def verify_snapshot_files(folder: Path, head: Manifest) -> None:
    """Check that the snapshot files are unchanged before they are replaced.

    A file of the right size is read only if it was changed after its manifest.

    Raises:
        StoreDamaged: A file is damaged.
    """
    made = os.stat(folder / HEAD).st_mtime_ns
    for known in head.tables.values():
        path = folder / known.file
        try:
            found = os.stat(path)
        except FileNotFoundError:
            found = None
        if found is None or found.st_size != known.bytes or found.st_mtime_ns > made:
            read_table(path, known)


def remove_unneeded_files(folder: Path, head: Manifest, disk: Disk) -> None:
    """Remove files that neither this generation nor the previous one needs, and temporary files."""
    keep = {head.log, *(known.file for known in head.tables.values())}
    with suppress(StoreUnreadable):
        before = read_manifest(previous_manifest(folder))
        if before is not None:
            keep |= {before.log, *(known.file for known in before.tables.values())}
    with suppress(OSError):
        for _, path in generation_files(folder):
            if path.name not in keep:
                disk.unlink(path)
        for path in temporary_files(folder):
            disk.unlink(path)
