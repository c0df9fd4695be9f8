"""Replacing a file whole: a kill or a full disk leaves the old bytes or the new ones, never a mix."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from xpm_tui.files.disk import DISK, Disk, disk_error, write_all
from xpm_tui.files.private import open_private

PREVIOUS = ".previous"
"""What is added to the name of the file before."""


def previous(path: Path) -> Path:
    """Where ``replace_bytes(..., keep_previous=True)`` keeps what was there before."""
    return path.with_name(path.name + PREVIOUS)


def replace_bytes(
    path: Path, data: bytes | Iterable[bytes], *, keep_previous: bool = False, disk: Disk = DISK
) -> int:
    """Replace a file (0600) durably; gives the number of bytes.

    Temporary file in the same folder, all bytes, fsync, rename over the old one, fsync of the folder.
    ``data`` may come in pieces. ``keep_previous`` keeps the old file under :func:`previous`. Raises
    ``DiskError``; the old file is whole then, and the temporary one gone.
    """
    with disk_error(path):
        temporary, size = _write_beside(path, data, disk)
        try:
            if keep_previous:
                _keep(path, disk)
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


def _keep(path: Path, disk: Disk) -> None:
    if not path.exists() or (previous(path).exists() and path.samefile(previous(path))):
        return  # None to keep, or kept by an earlier try; renaming a second name of it would do nothing.
    second = _free_name(previous(path))
    try:
        disk.link(path, second)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK):
            raise
        # A file system without hard links: copy.
        second, _ = _write_beside(previous(path), path.read_bytes(), disk)
    try:
        disk.replace(second, previous(path))
    except BaseException:
        _drop(second, disk)
        raise


def _free_name(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.urandom(6).hex()}.tmp")


def _drop(path: Path, disk: Disk) -> None:
    with suppress(OSError):
        disk.unlink(path)


def leftovers(folder: Path) -> list[Path]:
    """Temporary files that a killed process left in ``folder``."""
    return sorted(p for p in folder.glob(".*.tmp") if p.is_file() and not p.is_symlink())
