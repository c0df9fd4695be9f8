"""Kernel locks with a name on them: who holds it, since when, and what for.

The lock is ``flock`` on a file that stays; it ends with the process that holds it, however that dies. The
holder's name is written into the file for others to read.
"""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from xpm_tui.domain.errors import Busy
from xpm_tui.domain.formatting import when_utc
from xpm_tui.domain.ports import Clock
from xpm_tui.domain.safe_text import visible
from xpm_tui.files.disk import trouble
from xpm_tui.files.private import FILE_MODE, open_private

POLL = 0.004
"""Seconds between two tries for a lock that somebody else holds."""

_LONGEST = 4096


class Owner(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Who holds a lock; ``what`` finishes the sentence "... is busy: <person> <what>"."""

    person: str
    host: str
    pid: int
    since: datetime
    what: str = ""

    def words(self) -> str:
        """For example ``ana on desk-3 (process 4711) since 22 Nov 2026, 15:40 UTC: sync``."""
        what = f": {visible(self.what, 80)}" if self.what else ""
        return (
            f"{visible(self.person, 60)} on {visible(self.host, 60)} (process {self.pid}) "
            f"since {when_utc(self.since)}{what}"
        )


class Lock:
    """One kernel lock. Held by an object, not a thread: make one where the work is done, share none."""

    def __init__(self, path: Path, *, clock: Clock, person: str, what: str = "") -> None:
        self.path = path
        self._clock = clock
        self._person = person
        self._what = what
        self._lock = FileLock(str(path), mode=FILE_MODE, thread_local=False)
        self._fd = -1

    @property
    def held(self) -> bool:
        """Whether this object holds it."""
        return bool(self._lock.is_locked)

    def acquire(self, timeout: float = 0.0, *, what: str | None = None) -> None:
        """Take the lock, waiting up to ``timeout`` seconds (0: one try, negative: for ever).

        Raises ``Busy`` naming the owner, ``DiskTrouble`` where the lock file cannot be made.
        """
        try:
            self._lock.acquire(timeout=timeout, poll_interval=POLL)
        except Timeout:
            owner = read_owner(self.path)
            who = f"It is held by {owner.words()}." if owner else "Another process holds it."
            raise Busy(
                f"The practice is busy. {who}", hint="Wait until it ends, or look with: xpm-tui status"
            ) from None
        except OSError as error:
            raise trouble(error, self.path, "locked") from error
        if self._lock.lock_counter == 1:
            with suppress(OSError):
                self._sign(self._what if what is None else what)

    def release(self) -> None:
        """Give the lock back; not holding it is no error."""
        if self._lock.lock_counter == 1 and self._fd >= 0:
            with suppress(OSError):
                os.ftruncate(self._fd, 0)
        self._lock.release()

    @contextmanager
    def hold(self, timeout: float = 0.0, *, what: str | None = None) -> Iterator[None]:
        """Hold the lock for a ``with`` block; raises what :meth:`acquire` raises."""
        self.acquire(timeout, what=what)
        try:
            yield
        finally:
            self.release()

    def close(self) -> None:
        """Give everything back."""
        self.release()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _sign(self, what: str) -> None:
        if self._fd < 0:
            self._fd = open_private(self.path, os.O_RDWR)
        owner = Owner(
            person=self._person,
            host=socket.gethostname(),
            pid=os.getpid(),
            since=self._clock.now(),
            what=what,
        )
        text = msgspec.json.encode(owner)[:_LONGEST]
        os.pwrite(self._fd, text, 0)
        os.ftruncate(self._fd, len(text))


def read_owner(path: Path) -> Owner | None:
    """Who signed the lock last, or None. Says nothing about whether the lock is still held."""
    try:
        with path.open("rb") as stream:
            return msgspec.json.decode(stream.read(_LONGEST), type=Owner)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def holder(path: Path) -> Owner | None:
    """Who holds the lock right now, or None; takes it for an instant to find out."""
    if not path.exists():
        return None
    try:
        # Open for reading: a probe changes nothing, and works on a read-only file system too.
        probe = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(probe, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return read_owner(path)
    except OSError:
        return None
    finally:
        os.close(probe)
    return None
