"""Cache counts over the whole store until its position changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from xpm_tui.application import derived_data
from xpm_tui.application.practice import OpenPractice
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.tables import TableSchema

T = TypeVar("T")

_REST = 20
"""Counting takes at most this fraction of the time (one part in so many)."""


@dataclass(frozen=True)
class SavedCount(Generic[T]):
    """How a count is saved: its type, and the tables that it is counted over."""

    type: type[T]
    tables: tuple[TableSchema[Any], ...]


@dataclass(frozen=True)
class _CachedCount(Generic[T]):
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
    """Return what ``count`` returns for the present store; after a slow count, a cached one for a while.

    ``basis`` is what else the count depends on (the day, settings); a different basis counts again. ``saved``
    says how a large practice saves it for the next process.
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
    practice.cache[name] = (snapshot.position, _CachedCount(found, basis, now + (now - began) * _REST))
    return found


def _from_file(
    practice: OpenPractice,
    name: str,
    snapshot: Snapshot,
    count: Callable[[Snapshot], T],
    basis: object,
    saved: SavedCount[T],
) -> T:
    """Return the saved count for the same tables and basis; otherwise count, and save it."""
    of = snapshot.fingerprint(*saved.tables) if derived_data.is_worth_saving(snapshot) else ""
    if not of:
        return count(snapshot)
    of = f"{of} {msgspec.json.encode(basis).decode()}"
    before = derived_data.read_saved(practice, name)
    if before is not None and before.of == of:
        try:
            return msgspec.json.decode(b"".join(before.pieces), type=saved.type)
        except msgspec.MsgspecError:
            pass
    found = count(snapshot)
    derived_data.save(practice, name, of, [msgspec.json.encode(found)])
    return found
