"""Durable writes: appends to a file, and atomic replacement of a file.

A kill or a full disk leaves the old bytes or the new ones, never a mix; an append that was cut is removed.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Self

from xpm_tui.files.machine import DISK, Disk, disk_error, to_disk_error, write_all
from xpm_tui.files.private import open_private

_BLOCK = 1 << 16


class AppendFile:
    """An append-only file (0600), created if missing."""

    def __init__(self, path: Path, *, disk: Disk = DISK) -> None:
        """Open ``path``.

        Raises:
            DiskError: The file cannot be opened.
        """
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
        """Return the current size in bytes."""
        return os.fstat(self._fd).st_size

    @property
    def fd(self) -> int:
        """The file descriptor, for ``os.pread`` and ``os.fstat``."""
        return self._fd

    def append(self, data: bytes | Iterable[bytes], *, durable: bool = True) -> int:
        """Append bytes, all or none, and fsync; return the new size.

        Callers in several processes must hold a lock of their own.

        Raises:
            DiskError: The bytes cannot be written. The file is cut back to its old size; if even that fails,
                the next reader finds the torn tail.
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
                raise to_disk_error(error, self.path) from error
            raise
        return self.size

    def cut(self, size: int) -> None:
        """Truncate the file to ``size`` bytes, durably.

        Raises:
            OSError: The file cannot be truncated.
        """
        self._disk.truncate(self._fd, size)
        self._disk.fsync(self._fd)

    def close(self) -> None:
        """Close the file; a second call has no effect."""
        if self._fd >= 0:
            self._disk.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


PREVIOUS = ".previous"
"""The suffix of the previous file."""


def previous_path(path: Path) -> Path:
    """Return the path under which ``replace_bytes(..., keep_previous=True)`` keeps the previous file."""
    return path.with_name(path.name + PREVIOUS)


def replace_bytes(
    path: Path, data: bytes | Iterable[bytes], *, keep_previous: bool = False, disk: Disk = DISK
) -> int:
    """Replace a file (0600) durably; return the number of bytes.

    It writes a temporary file in the same folder, fsyncs it, renames it over the old one, and fsyncs the
    folder. ``data`` may come in pieces. ``keep_previous`` keeps the old file under :func:`previous_path`.

    Raises:
        DiskError: The old file is unchanged, and the temporary one is removed.
    """
    with disk_error(path):
        temporary, size = _write_beside(path, data, disk)
        try:
            if keep_previous:
                _keep_previous(path, disk)
            disk.replace(temporary, path)
        except BaseException:
            _drop(temporary, disk)
            raise
        disk.sync_folder(path.parent)
    return size


def _write_beside(path: Path, data: bytes | Iterable[bytes], disk: Disk) -> tuple[Path, int]:
    temporary = _free_name(path)
    fd = open_private(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, disk=disk)
    size = 0
    try:
        try:
            for piece in [data] if isinstance(data, bytes) else data:
                write_all(disk, fd, piece)
                size += len(piece)
            disk.fsync(fd)
        finally:
            disk.close(fd)
    except BaseException:
        _drop(temporary, disk)
        raise
    return temporary, size


def _keep_previous(path: Path, disk: Disk) -> None:
    if not path.exists() or (previous_path(path).exists() and path.samefile(previous_path(path))):
        # Nothing to keep, or kept by an earlier attempt: renaming a second name of a file does nothing.
        return
    second = _free_name(previous_path(path))
    try:
        disk.link(path, second)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK):
            raise
        # A file system without hard links: copy.
        second, _ = _write_beside(previous_path(path), path.read_bytes(), disk)
    try:
        disk.replace(second, previous_path(path))
    except BaseException:
        _drop(second, disk)
        raise


def _free_name(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.urandom(6).hex()}.tmp")


def _drop(path: Path, disk: Disk) -> None:
    with suppress(OSError):
        disk.unlink(path)


def temporary_files(folder: Path) -> list[Path]:
    """Return temporary files that a killed process has left in ``folder``."""
    return sorted(p for p in folder.glob(".*.tmp") if p.is_file() and not p.is_symlink())
