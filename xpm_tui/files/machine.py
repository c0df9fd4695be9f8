"""This machine: its disk, with one method for each system call that changes it, and its clock.

Tests replace the disk by one that fails.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from xpm_tui.domain.errors import DiskError
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    import asyncio

_HINTS = {
    errno.ENOSPC: "Free some space and try again.",
    errno.EDQUOT: "Your disk quota is used up: free some space and try again.",
    errno.EFBIG: "The file would exceed the size limit for this process (ulimit -f).",
    errno.EIO: "The disk reports a hardware error: make a backup elsewhere now, then have it checked.",
    errno.EROFS: "The disk is mounted read-only.",
    errno.EACCES: "Check the owner and the permissions of the file and its folder.",
    errno.ELOOP: "Symbolic links in the path lead back to themselves: correct them, or name another folder.",
    errno.ENOENT: (
        "A folder in the path is missing, or a symbolic link leads to nothing: create it, or name another "
        "folder."
    ),
    errno.ENOTDIR: "A part of the path is a file where a folder belongs: move it, or name another folder.",
    errno.EISDIR: "A folder has the name of this file: move it away.",
    errno.EPERM: "Check the owner and the permissions of the file and its folder.",
}


class Disk:
    """System calls on files. A subclass may count, record or fail any of them."""

    def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
        """Call ``os.open``, never through a symbolic link as the last part, never inherited by children."""
        return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, mode)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        """Call ``os.write``, which may write only a part."""
        return os.write(fd, data)

    def fsync(self, fd: int) -> None:
        """Make the file's bytes durable."""
        os.fsync(fd)

    def truncate(self, fd: int, size: int) -> None:
        """Truncate the file to ``size`` bytes."""
        os.ftruncate(fd, size)

    def replace(self, old: Path, new: Path) -> None:
        """Rename ``old`` to ``new``, atomically; ``new`` may exist."""
        os.replace(old, new)

    def link(self, old: Path, new: Path) -> None:
        """Create a hard link."""
        os.link(old, new)

    def unlink(self, path: Path) -> None:
        """Remove a file; a missing one is no error."""
        path.unlink(missing_ok=True)

    def sync_folder(self, folder: Path) -> None:
        """Make the entries of a folder durable."""
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def close(self, fd: int) -> None:
        """Call ``os.close``."""
        os.close(fd)


DISK = Disk()
"""The real disk."""


def write_all(disk: Disk, fd: int, data: bytes) -> None:
    """Write all bytes, even if the kernel writes only a part at a time. Raises ``OSError``."""
    view = memoryview(data)
    while view:
        taken = disk.write(fd, view)
        if taken <= 0:
            raise OSError(errno.EIO, "the disk accepted no data")
        view = view[taken:]


@contextmanager
def disk_error(path: Path, doing: str = "written") -> Iterator[None]:
    """Convert an ``OSError`` to a ``DiskError`` that names the file: "<path> could not be <doing>: ..."."""
    try:
        yield
    except OSError as error:
        raise to_disk_error(error, path, doing) from error


def to_disk_error(error: OSError, path: Path, doing: str = "written") -> DiskError:
    """Return the error for a failed system call."""
    words = (error.strerror or str(error)).lower()
    hint = _HINTS.get(error.errno or 0, "Check the disk, then try again.")
    return DiskError(f"{path} could not be {doing}: {words}.", hint=hint)


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the current time in UTC, aware."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds of a clock that never goes back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait, cancellable; a negative time returns at once."""
        await asyncio.sleep(max(0.0, seconds))
