"""Files that only grow, line by line: durable appends, and what to do with a torn last line."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Self

from xpm_tui.files.disk import DISK, Disk, disk_error, trouble, write_all
from xpm_tui.files.private import open_private

_BLOCK = 1 << 16


class AppendFile:
    """A file that is only ever appended to (0600, made where missing)."""

    def __init__(self, path: Path, *, disk: Disk = DISK) -> None:
        """Open ``path``. Raises ``DiskError``."""
        self.path = path
        self._disk = disk
        with disk_error(path, "opened"):
            known = path.exists()
            self._fd = open_private(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, disk=disk)
            try:
                if not known:
                    disk.sync_folder(path.parent)
            except BaseException:
                self.close()
                raise

    @property
    def size(self) -> int:
        """Bytes in the file now."""
        return os.fstat(self._fd).st_size

    @property
    def fd(self) -> int:
        """The descriptor, for ``os.pread`` and ``os.fstat``."""
        return self._fd

    def append(self, data: bytes | Iterable[bytes], *, durable: bool = True) -> int:
        """Add bytes at the end, all or none, and fsync; gives the new size.

        Callers in several processes must hold a lock of their own. Raises ``DiskError``; the file has been
        cut back to its old size then (where even that fails, the torn tail is found by the next reader).
        """
        before = self.size
        try:
            for piece in [data] if isinstance(data, bytes) else data:
                write_all(self._disk, self._fd, piece)
            if durable:
                self._disk.fsync(self._fd)
        except BaseException as error:
            with suppress(OSError):
                self.cut(before)
            if isinstance(error, OSError):
                raise trouble(error, self.path) from error
            raise
        return self.size

    def cut(self, size: int) -> None:
        """Cut the file to ``size`` bytes, durably. Raises ``OSError``."""
        self._disk.truncate(self._fd, size)
        self._disk.fsync(self._fd)

    def close(self) -> None:
        """Give the descriptor back; a second time is no error."""
        if self._fd >= 0:
            self._disk.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
