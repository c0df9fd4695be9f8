"""Data computed over the whole store, saved beside it so that the next process need not compute it again.

Such a file is never the only place of anything: it names the state of the tables that it was computed from
(``Snapshot.fingerprint``) and the version of the program. One that is missing, damaged, of another state or
of another version counts for nothing, and the data is computed again. A practice that may only be read, or
whose store is damaged, saves nothing.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

import xpm_tui
from xpm_tui.application.practice import OpenPractice
from xpm_tui.domain.errors import AppError
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.tables import CLIENTS, XPM_CLIENTS
from xpm_tui.files.durable import replace_bytes

LEAST = 1_000
"""Clients of both sides together from which on it is worth a file."""

_FORMAT = 1
"""To be raised with every change of what is computed."""


class SavedData(NamedTuple):
    """What was saved, and the state of the tables that it was computed from."""

    of: str
    pieces: list[bytes]


class _Head(msgspec.Struct, frozen=True):
    """First line of the file; ``checksum`` is over ``of`` and all pieces."""

    made_by: str
    of: str
    sizes: tuple[int, ...]
    checksum: int


def is_worth_saving(snapshot: Snapshot) -> bool:
    """Whether the practice is so large that computing takes longer than reading a file."""
    return snapshot.count(CLIENTS) + snapshot.count(XPM_CLIENTS) >= LEAST


def read_saved(practice: OpenPractice, name: str) -> SavedData | None:
    """Return what was saved under a name, whatever state it is of; None where nothing sound was."""
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
    """Save computed data where that can be done; a disk that is full is no trouble here."""
    if practice.read_only or practice.book.damage is not None or not of:
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
