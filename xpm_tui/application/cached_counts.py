"""Cache counts over the whole store until its position changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from xpm_tui.application.practice import OpenPractice
from xpm_tui.domain.ports import Snapshot

T = TypeVar("T")

_REST = 20
"""Counting takes at most this fraction of the time (one part in so many)."""


@dataclass(frozen=True)
class _CachedCount(Generic[T]):
    """A count at one position of the store; until the time ``until`` it is also used for later positions."""

    value: T
    basis: object
    until: float


def cached_count(
    practice: OpenPractice, name: str, count: Callable[[Snapshot], T], basis: object = None
) -> T:
    """Return what ``count`` gives for the present store; after a slow count, a cached one for a while.

    ``basis`` is what else it depends on (the day, settings): a different basis counts again.
    """
    snapshot = practice.snapshot()
    position, before = practice.kept.get(name, (-1, None))
    began = practice.clock.monotonic()
    same = isinstance(before, _CachedCount) and before.basis == basis
    if isinstance(before, _CachedCount) and same and (position == snapshot.position or began < before.until):
        value: T = before.value
        return value
    found = count(snapshot)
    now = practice.clock.monotonic()
    practice.kept[name] = (snapshot.position, _CachedCount(found, basis, now + (now - began) * _REST))
    return found
