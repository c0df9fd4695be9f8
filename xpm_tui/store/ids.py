"""New ids: counted per prefix in the store itself, so that no two processes use the same."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from xpm_tui.domain.ports import IdSource, Put, Snapshot, Write
from xpm_tui.domain.tables import META, Meta


class Transacting(Protocol):
    """A store that can read and write in one transaction."""

    def transact(self, make: Callable[[Snapshot], Sequence[Write]]) -> int:
        """Commit what ``make`` returns for the latest snapshot."""


class StoreIds:
    """The Ids port for a store."""

    def __init__(self, book: Transacting) -> None:
        self._store = book

    def new(self, prefix: str, count: int = 1) -> list[str]:
        """Return ``count`` new ids (``c12``), durable before they are returned, in a single commit."""
        if count < 1:
            return []
        name = f"ids/{prefix}"
        last = 0

        def advance(snapshot: Snapshot) -> Sequence[Write]:
            nonlocal last
            row = snapshot.get(META, name)
            last = (int(row.value) if row else 0) + count
            return [Put(META, Meta(id=name, value=last))]

        self._store.transact(advance)
        return [f"{prefix}{number}" for number in range(last - count + 1, last + 1)]


class SnapshotIds:
    """The Ids port for one transaction: ids that follow those of a snapshot and are committed with it.

    Nothing is taken until :meth:`writes` are committed. A commit that names the snapshot fails if someone
    else has taken ids since.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._last: dict[str, int] = {}

    def new(self, prefix: str, count: int = 1) -> list[str]:
        """Return ``count`` ids that are unused in the snapshot."""
        last = self._last.get(prefix)
        if last is None:
            row = self._snapshot.get(META, f"ids/{prefix}")
            last = int(row.value) if row else 0
        self._last[prefix] = last + count
        if count == 1:
            return [f"{prefix}{last + 1}"]
        return [f"{prefix}{number}" for number in range(last + 1, last + count + 1)]

    def writes(self) -> list[Write]:
        """Return what has to be committed together with the records that have the ids."""
        return [Put(META, Meta(id=f"ids/{prefix}", value=last)) for prefix, last in self._last.items()]


class BlockIds:
    """The Ids port for many small requests: takes ids in growing blocks, so that few requests cost a commit.

    The rest of the last block is never used. ``most`` limits a block; blocks start with one id and double, so
    at most as many ids are lost as were used.
    """

    def __init__(self, ids: IdSource, most: int = 512) -> None:
        self._ids = ids
        self._most = most
        self._free: dict[str, deque[str]] = {}
        self._next: dict[str, int] = {}

    def new(self, prefix: str, count: int = 1) -> list[str]:
        """Return ``count`` new ids, durable before they are returned."""
        free = self._free.setdefault(prefix, deque())
        if len(free) < count:
            block = self._next.get(prefix, 1)
            self._next[prefix] = min(2 * block, self._most)
            free.extend(self._ids.new(prefix, max(block, count - len(free))))
        return [free.popleft() for _ in range(count)]
