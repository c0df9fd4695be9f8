"""Kernel locks with an owner: who holds a lock, since when, and for what.

A lock is ``flock`` on a file that is never removed. It ends with the process that holds it, however that
ends. The owner is written into the file for others to read.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cached_property
from pathlib import Path

import msgspec

from xpm_tui.domain.errors import Busy, CaseId, DiskError
from xpm_tui.domain.formatting import when_utc
from xpm_tui.domain.ports import Clock
from xpm_tui.domain.safe_text import visible
from xpm_tui.files.machine import to_disk_error
from xpm_tui.files.private import FILE_MODE, open_private
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    import socket

    import filelock

POLL = 0.004
"""Seconds between two attempts to acquire a lock."""

_LONGEST = 4096


class LockOwner(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The owner of a lock; ``what`` is the work for which it is held, such as ``sync``."""

    person: str
    host: str
    pid: int
    since: datetime
    what: str = ""

    def words(self) -> str:
        """Return a sentence such as ``ana on desk-3 (process 4711) since 22 Nov 2026, 15:40 UTC: sync``."""
        what = f": {visible(self.what, 80)}" if self.what else ""
        return (
            f"{visible(self.person, 60)} on {visible(self.host, 60)} (process {self.pid}) "
            f"since {when_utc(self.since)}{what}"
        )


class Lock:
    """A kernel lock that an object holds, not a thread: create one where it is needed, and never share it."""

    def __init__(self, path: Path, *, clock: Clock, person: str, what: str = "") -> None:
        self.path = path
        self._clock = clock
        self._person = person
        self._what = what
        self._fd = -1

    @cached_property
    def _lock(self) -> filelock.FileLock:
        return _kernel_lock(self.path)

    @property
    def held(self) -> bool:
        """Return whether this object holds the lock."""
        return "_lock" in self.__dict__ and bool(self._lock.is_locked)

    def acquire(self, timeout: float = 0.0, *, what: str | None = None) -> None:
        """Acquire the lock, waiting up to ``timeout`` seconds (0: one attempt, negative: no limit).

        Raises:
            Busy: Another process holds it; the message names the owner.
            DiskError: The lock file cannot be created, or its file system has no locks.
        """
        try:
            self._lock.acquire(timeout=timeout, poll_interval=POLL)
        except filelock.Timeout:
            owner = read_owner(self.path)
            who = f"It is in use by {owner.words()}." if owner else "Another process is using it."
            raise Busy(
                f"The practice is busy. {who}",
                hint="Wait until it ends, or see which process it is: xpm-tui status",
            ) from None
        except OSError as error:
            raise _not_locked(error, self.path) from error
        if self._lock.lock_counter == 1:
            with suppress(OSError):
                self._write_owner(self._what if what is None else what)

    def release(self) -> None:
        """Release the lock; does nothing if it is not held."""
        if not self.held:
            return
        if self._lock.lock_counter == 1 and self._fd >= 0:
            with suppress(OSError):
                os.ftruncate(self._fd, 0)
        self._lock.release()

    @contextmanager
    def hold(self, timeout: float = 0.0, *, what: str | None = None) -> Iterator[None]:
        """Hold the lock for a ``with`` block. Raises what :meth:`acquire` raises."""
        self.acquire(timeout, what=what)
        try:
            yield
        finally:
            self.release()

    def close(self) -> None:
        """Release the lock and close its file."""
        self.release()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _write_owner(self, what: str) -> None:
        if self._fd < 0:
            self._fd = open_private(self.path, os.O_RDWR)
        owner = LockOwner(
            person=self._person,
            host=socket.gethostname(),
            pid=os.getpid(),
            since=self._clock.now(),
            what=what,
        )
        text = msgspec.json.encode(owner)[:_LONGEST]
        os.pwrite(self._fd, text, 0)
        os.ftruncate(self._fd, len(text))


@contextmanager
def brief_lock(path: Path, timeout: float) -> Iterator[None]:
    """Hold a lock without an owner while one file is changed. Raises ``Busy`` and ``DiskError``."""
    lock = _kernel_lock(path)
    try:
        lock.acquire(timeout=timeout, poll_interval=POLL)
    except filelock.Timeout:
        raise Busy(
            f"Another process has been changing {path.parent} for {timeout:.0f} seconds.",
            hint="Wait until it ends, then try again.",
        ) from None
    except OSError as error:
        raise _not_locked(error, path) from error
    try:
        yield
    finally:
        lock.release()


def _kernel_lock(path: Path) -> filelock.FileLock:
    # No fallback to a marker file, which would stay behind when its process is killed.
    return filelock.FileLock(str(path), mode=FILE_MODE, thread_local=False, fallback_to_soft=False)


def _not_locked(error: OSError, path: Path) -> DiskError:
    """Return the error of a file system without locks, or of a lock file that cannot be created.

    The system names a file only in the second case.
    """
    if error.filename is None and error.errno not in _NOT_THE_LOCK:
        return _no_locks_error(path.parent, error)
    return to_disk_error(error, path, "locked")


_NOT_THE_LOCK = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE)


def _no_locks_error(folder: Path, error: OSError) -> DiskError:
    """Return the error for a folder on a file system that refuses every lock (flock(2))."""
    words = (error.strerror or str(error)).lower()
    return DiskError(
        f"The file system of {folder} does not support locks ({words}), so two processes could overwrite "
        "each other's work. Nothing was changed.",
        hint="Keep xpm-tui's files on a local disk: --home DIR, or the variable XPM_TUI_HOME.",
        case=CaseId.NO_LOCKS,
    )


def find_lock_error(folder: Path) -> DiskError | None:
    """Return an error if the file system of a folder has no locks, without writing anything.

    The result is None if it has locks, or if that cannot be found out.
    """
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return _no_locks_error(folder, error) if error.errno in _WITHOUT_LOCKS else None
    finally:
        os.close(fd)
    return None


_WITHOUT_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP)


def read_owner(path: Path) -> LockOwner | None:
    """Return the owner that was written last, or None; the lock may have been released since."""
    try:
        with path.open("rb") as stream:
            return msgspec.json.decode(stream.read(_LONGEST), type=LockOwner)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def lock_owner(path: Path) -> LockOwner | None:
    """Return who holds a lock now, or None; the lock is acquired for a moment to find out."""
    if not path.exists():
        return None
    try:
        # Opened for reading: the check changes nothing, and works on a read-only file system, too.
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
