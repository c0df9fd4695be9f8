"""Files that only grow, line by line: durable appends, and what to do with a torn last line."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

from xpm_tui.files.disk import DISK, Disk, spoken, trouble, write_all
from xpm_tui.files.private import open_private

_BLOCK = 1 << 16


class AppendFile:
    """A file that is only ever appended to (0600, made where missing)."""

    def __init__(self, path: Path, *, disk: Disk = DISK) -> None:
        """Open ``path``. Raises ``DiskTrouble``."""
        self.path = path
        self._disk = disk
        with spoken(path, "opened"):
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

        Callers in several processes must hold a lock of their own. Raises ``DiskTrouble``; the file has been
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


def read_lines(path: Path, offset: int = 0) -> Iterator[tuple[bytes, int]]:
    """Whole lines from ``offset`` on, each without its end and with the offset after it.

    A last line without a line end is torn, or being written right now: it is not given. No file: no lines.
    """
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        return
    except OSError as error:
        raise trouble(error, path, "read") from error
    with stream:
        stream.seek(offset)
        for line in stream:
            if not line.endswith(b"\n"):
                return
            offset += len(line)
            yield line[:-1], offset


def torn_tail(path: Path) -> int:
    """How many bytes follow the last line end: 0 for a whole file, and for none."""
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        return 0
    with stream:
        end = stream.seek(0, os.SEEK_END)
        at = end
        while at > 0:
            start = max(0, at - _BLOCK)
            stream.seek(start)
            found = stream.read(at - start).rfind(b"\n")
            if found >= 0:
                return end - (start + found + 1)
            at = start
        return end


def cut_torn_tail(path: Path, *, disk: Disk = DISK) -> int:
    """Cut a torn last line away, durably; gives the number of bytes cut. Callers hold the file's lock."""
    torn = torn_tail(path)
    if torn:
        with spoken(path), AppendFile(path, disk=disk) as file:
            file.cut(file.size - torn)
    return torn
