"""Ports of what the machines of one practice share besides its data: locks, small records, one clock.

A practice on one machine uses lock files and files of that machine instead. ``StoreUnreadable`` includes a
database that cannot be reached.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from xpm_tui.domain.ports import Clock


class RunLock(Protocol):
    """A lock of a practice across processes; it ends with the process that holds it."""

    @property
    def held(self) -> bool:
        """Whether this object holds it."""

    def acquire(self, timeout: float = 0.0, *, what: str | None = None) -> None:
        """Acquire the lock, waiting up to ``timeout`` seconds (0: one attempt, negative: without limit).

        Raises ``Busy``, naming the holder, ``DiskError`` and ``StoreUnreadable``.
        """

    def release(self) -> None:
        """Release the lock; does nothing if it is not held."""

    def hold(self, timeout: float = 0.0, *, what: str | None = None) -> AbstractContextManager[None]:
        """Hold the lock for a ``with`` block; raises what :meth:`acquire` raises."""

    def close(self) -> None:
        """Release the lock completely."""


class RecordState:
    """A shared record while it is locked: its bytes, and the numbers of the processes that are alive."""

    def __init__(self, data: bytes | None, alive: Sequence[int]) -> None:
        self.data = data
        self.alive = frozenset(alive)


class SharedRecord(Protocol):
    """A small record that the processes of all machines change one at a time."""

    @property
    def process(self) -> int:
        """The number that shows other processes that this one is alive."""

    def read(self) -> RecordState:
        """Return the record. Raises ``StoreUnreadable``."""

    def change(self) -> AbstractContextManager[RecordState]:
        """Lock the record, and write the final ``data`` unless an error is raised.

        Raises ``StoreUnreadable``, ``DiskError`` and ``Busy``.
        """


class SharedState(Protocol):
    """What the machines of a practice share, in the place of its data."""

    def record(self, name: str) -> SharedRecord:
        """Return the record with this name."""

    def login_lock(self, person: str) -> RunLock:
        """Return the lock that lets one process on all machines refresh the tokens."""

    def clock(self, clock: Clock) -> Clock:
        """Return the clock of that place: times that several machines compare must come from one.

        Raises ``StoreUnreadable``.
        """
