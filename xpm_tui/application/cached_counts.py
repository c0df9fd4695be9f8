"""What has to be counted over the whole book: kept until the book moves, and never counted all the time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from xpm_tui.application.practice import OpenPractice
from xpm_tui.domain.ports import Snapshot

T = TypeVar("T")

_REST = 20
"""Counting takes at most one part in so many of the time."""


@dataclass(frozen=True)
class _CachedCount(Generic[T]):
    """What was counted at one position; ``until`` then it does for later ones too: a run moves the book."""

    value: T
    basis: object
    until: float


def cached_count(
    practice: OpenPractice, name: str, count: Callable[[Snapshot], T], basis: object = None
) -> T:
    """What ``count`` gives for the book as it is; after a long counting, for a while as it was.

    ``basis`` is what else it depends on (the day, settings): another one counts anew.
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
