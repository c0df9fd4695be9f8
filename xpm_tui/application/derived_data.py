"""Cache data that is computed over the whole store, in memory and in files for the next process.

A file names the state of the tables that it was computed from (``Snapshot.fingerprint``)
and the version of the program. If it is missing, damaged, or of another state or version, the data is
computed again. A read-only practice, or one whose store is damaged, saves nothing.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

import xpm_tui
from xpm_tui.application.practice import OpenPractice
from xpm_tui.domain.errors import AppError
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.tables import CLIENTS, XPM_CLIENTS, TableSchema
from xpm_tui.files.durable import replace_bytes

SAVED_FROM = 1_000
"""From how many clients, counted on both sides, the search index is saved, and the counts by long verbs."""

_FORMAT = 3
"""Raise it with every change of the computed data."""


class SavedData(NamedTuple):
    """Data from a file, and the state of the tables from which it was computed (``of``)."""

    of: str
    pieces: list[bytes]


class _Head(msgspec.Struct, frozen=True):
    """The first line of a file; ``checksum`` covers ``of`` and all pieces."""

    made_by: str
    of: str
    sizes: tuple[int, ...]
    checksum: int


def is_worth_saving(snapshot: Snapshot) -> bool:
    """Return whether the practice is so large that reading a file is faster than computing."""
    return snapshot.count(CLIENTS) + snapshot.count(XPM_CLIENTS) >= SAVED_FROM


def read_saved(practice: OpenPractice, name: str) -> SavedData | None:
    """Return what was saved under a name, of any state of the tables; None without a valid file."""
    try:
        line, found, body = _path(practice, name).read_bytes().partition(b"\n")
        head = msgspec.json.decode(line, type=_Head)
    except (OSError, msgspec.MsgspecError):
        return None
    if not found or head.made_by != _made_by() or head.checksum != _checksum(head.of, [body]):
        return None
    pieces, at = [], 0
    for size in head.sizes:
        pieces.append(body[at : at + size])
        at += size
    return SavedData(head.of, pieces)


def save(practice: OpenPractice, name: str, of: str, pieces: Sequence[bytes]) -> None:
    """Save computed data; if that is not possible, as with a full disk, it is not an error."""
    if practice.read_only or practice.store.damage is not None or not of:
        return
    head = _Head(_made_by(), of, tuple(map(len, pieces)), _checksum(of, pieces))
    with suppress(AppError):
        replace_bytes(_path(practice, name), (msgspec.json.encode(head) + b"\n", *pieces))


def _made_by() -> str:
    return f"{xpm_tui.__version__} {_FORMAT}"


def _checksum(of: str, pieces: Sequence[bytes]) -> int:
    found = zlib.crc32(of.encode())
    for piece in pieces:
        found = zlib.crc32(piece, found)
    return found


def _path(practice: OpenPractice, name: str) -> Path:
    return practice.data / f"{name}.cache"


T = TypeVar("T")

_PAUSE_FACTOR = 20
"""After a count, the pause until the next one is this many times as long as the count took."""


class SavedCount(msgspec.Struct, Generic[T], frozen=True):
    """How a count is saved: its type, and the tables that it is counted over."""

    type: type[T]
    tables: tuple[TableSchema[Any], ...]


class _CachedCount(msgspec.Struct, Generic[T], frozen=True):
    """A count at one position of the store; until the time ``until`` it is also used for later positions."""

    value: T
    basis: object
    until: float


def cached_count(
    practice: OpenPractice,
    name: str,
    count: Callable[[Snapshot], T],
    basis: object = None,
    saved: SavedCount[T] | None = None,
) -> T:
    """Return what ``count`` returns for the store; for a while after a slow count, return that one again.

    ``basis`` is what else the count depends on (the day, settings); a different basis counts again. ``saved``
    says how it is saved for the next process.
    """
    snapshot = practice.snapshot()
    position, before = practice.cache.get(name, (-1, None))
    began = practice.clock.monotonic()
    same = isinstance(before, _CachedCount) and before.basis == basis
    if isinstance(before, _CachedCount) and same and (position == snapshot.position or began < before.until):
        value: T = before.value
        return value
    found = count(snapshot) if saved is None else _from_file(practice, name, snapshot, count, basis, saved)
    now = practice.clock.monotonic()
    practice.cache[name] = (
        snapshot.position,
        _CachedCount(found, basis, now + (now - began) * _PAUSE_FACTOR),
    )
    return found


def _from_file(
    practice: OpenPractice,
    name: str,
    snapshot: Snapshot,
    count: Callable[[Snapshot], T],
    basis: object,
    saved: SavedCount[T],
) -> T:
    """Return the saved count for the same tables and basis; otherwise count, and save it.

    This pays off in a small practice, too: reading the file is faster than loading the modules that count.
    """
    of = snapshot.fingerprint(*saved.tables)
    if not of:
        return count(snapshot)
    of = f"{of} {msgspec.json.encode(basis).decode()}"
    before = read_saved(practice, name)
    if before is not None and before.of == of:
        try:
            return msgspec.json.decode(b"".join(before.pieces), type=saved.type)
        except msgspec.MsgspecError:
            pass
    found = count(snapshot)
    save(practice, name, of, [msgspec.json.encode(found)])
    return found
