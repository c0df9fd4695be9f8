"""The calls to the operating system that change a disk, one method each, so that tests can make them fail.

The machine's own time, as the Clock port.
"""

from __future__ import annotations

import asyncio
import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from xpm_tui.domain.errors import DiskError

_HINTS = {
    errno.ENOSPC: "Free some space and try again.",
    errno.EDQUOT: "Your disk quota is used up: free some space and try again.",
    errno.EFBIG: "The file would exceed the size limit for this process (ulimit -f).",
    errno.EIO: "The disk reports a hardware error: make a backup elsewhere now, then have it checked.",
    errno.EROFS: "The disk is mounted read-only.",
    errno.EACCES: "Check the owner and the permissions of the file and its folder.",
    errno.ELOOP: "Symbolic links on the way lead back to themselves: correct them, or name another folder.",
    errno.ENOENT: "A folder on the way is missing, or a symbolic link leads to nothing: create it, or name "
    "another folder.",
    errno.ENOTDIR: "A part of the path is a file where a folder belongs: move it, or name another folder.",
    errno.EISDIR: "A folder has the name of this file: move it away.",
    errno.EPERM: "Check the owner and the permissions of the file and its folder.",
}


class Disk:
    """What is asked of the kernel. A subclass may count, record or fail any of it."""

    def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
        """``os.open``, never through a symbolic link in the last place, never inherited by a child."""
        return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, mode)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        """``os.write``: may take less than it was given."""
        return os.write(fd, data)

    def fsync(self, fd: int) -> None:
        """Make the file's bytes durable."""
        os.fsync(fd)

    def truncate(self, fd: int, size: int) -> None:
        """Cut the file to ``size`` bytes."""
        os.ftruncate(fd, size)

    def replace(self, old: Path, new: Path) -> None:
        """Rename over ``new``, atomically."""
        os.replace(old, new)

    def link(self, old: Path, new: Path) -> None:
        """Give a file a second name."""
        os.link(old, new)

    def unlink(self, path: Path) -> None:
        """Take a name away; none there is no error."""
        path.unlink(missing_ok=True)

    def sync_folder(self, folder: Path) -> None:
        """Make names in a folder durable."""
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def close(self, fd: int) -> None:
        """``os.close``."""
        os.close(fd)


DISK = Disk()
"""The real one."""


def write_all(disk: Disk, fd: int, data: bytes) -> None:
    """Write every byte, also where the kernel takes a part only. Raises ``OSError``."""
    view = memoryview(data)
    while view:
        taken = disk.write(fd, view)
        if taken <= 0:
            raise OSError(errno.EIO, "the disk accepted no data")
        view = view[taken:]


@contextmanager
def disk_error(path: Path, doing: str = "written") -> Iterator[None]:
    """Turn an ``OSError`` into ``DiskError`` that names the file: "<path> could not be <doing>: ..."."""
    try:
        yield
    except OSError as error:
        raise trouble(error, path, doing) from error


def trouble(error: OSError, path: Path, doing: str = "written") -> DiskError:
    """The sentence for a disk error."""
    words = (error.strerror or str(error)).lower()
    hint = _HINTS.get(error.errno or 0, "Check the disk, then try again.")
    return DiskError(f"{path} could not be {doing}: {words}.", hint=hint)


class SystemClock:
    """Time as this machine tells it."""

    def now(self) -> datetime:
        """Wall-clock time, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that only go forward."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait, cancellable; a negative time is no wait."""
        await asyncio.sleep(max(0.0, seconds))
