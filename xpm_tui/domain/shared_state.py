"""The ports of what the machines of one practice share besides its data: locks, small records, one clock.

Where a practice lives on one machine, lock files and files of that machine take their place. What the
methods raise is named with each; ``StoreUnreadable`` includes a database that cannot be reached.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from xpm_tui.domain.ports import Clock


class RunLock(Protocol):
    """A lock that every process of a practice respects; it ends with the process that holds it."""

    @property
    def held(self) -> bool:
        """Whether this object holds it."""

    def acquire(self, timeout: float = 0.0, *, what: str | None = None) -> None:
        """Take the lock, waiting up to ``timeout`` seconds (0: one try, negative: for ever).

        Raises ``Busy`` naming the owner, ``DiskError`` and ``StoreUnreadable``.
        """

    def release(self) -> None:
        """Give the lock back; not holding it is no error."""

    def hold(self, timeout: float = 0.0, *, what: str | None = None) -> AbstractContextManager[None]:
        """Hold the lock for a ``with`` block; raises what :meth:`acquire` raises."""

    def close(self) -> None:
        """Give everything back."""


class RecordState:
    """A shared record while it is looked at: its bytes, and the numbers of the processes that are alive."""

    def __init__(self, data: bytes | None, alive: Sequence[int]) -> None:
        self.data = data
        self.alive = frozenset(alive)


class SharedRecord(Protocol):
    """A small record that the processes of all machines change in turn."""

    @property
    def process(self) -> int:
        """The number by which others know that this process is alive."""

    def read(self) -> RecordState:
        """The record as it is. Raises ``StoreUnreadable``."""

    def change(self) -> AbstractContextManager[RecordState]:
        """Hold the record and write what ``data`` is at the end; nothing where an error is raised.

        Raises ``StoreUnreadable``, ``DiskError`` and ``Busy``.
        """


class SharedState(Protocol):
    """What the machines of a practice share at the place where its data is."""

    def record(self, name: str) -> SharedRecord:
        """The record of this name."""

    def login_lock(self, person: str) -> RunLock:
        """The lock under which one process of all machines renews the login."""

    def clock(self, clock: Clock) -> Clock:
        """The time of the place itself: what several machines compare must come from one clock.

        Raises ``StoreUnreadable``.
        """
