"""Folders and files for one account only: 0700 and 0600, no symbolic link, no foreign owner."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from xpm_tui.domain.errors import BadInput
from xpm_tui.files.disk import DISK, Disk, spoken, trouble

FOLDER_MODE = 0o700
FILE_MODE = 0o600


def set_umask() -> None:
    """From now on nothing that this process makes is open to other accounts."""
    os.umask(0o077)


def ensure_private(folder: Path) -> Path:
    """Make ``folder`` (and what is missing above it) 0700, and give it back.

    Raises ``BadInput`` where it is a symbolic link, no folder, somebody else's, or open to writing by
    others; ``DiskTrouble`` where it cannot be made.
    """
    with spoken(folder, "made"):
        missing = []
        at = folder
        while not at.is_symlink() and not at.exists():
            missing.append(at)
            at = at.parent
        for each in reversed(missing):
            each.mkdir(mode=FOLDER_MODE, exist_ok=True)
    check_private(folder)
    if stat.S_IMODE(folder.stat().st_mode) != FOLDER_MODE:
        with spoken(folder, "closed to others"):
            folder.chmod(FOLDER_MODE)
    return folder


def check_private(folder: Path) -> None:
    """Refuse a folder that others may reach. Raises ``BadInput`` with the way out."""
    try:
        found = folder.lstat()
    except OSError as error:
        raise trouble(error, folder, "read") from error
    if stat.S_ISLNK(found.st_mode):
        raise BadInput(f"{folder} is a symbolic link.", hint="Name the folder that it points to instead.")
    if not stat.S_ISDIR(found.st_mode):
        raise BadInput(f"{folder} is not a folder.", hint="Move the file away, or name another folder.")
    if found.st_uid != os.geteuid():
        raise BadInput(
            f"{folder} belongs to another account (user id {found.st_uid}).",
            hint="Name a folder of your own: a practice belongs to one account.",
        )
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise BadInput(f"{folder} can be written by other accounts.", hint=f"Run: chmod 700 '{folder}'")


def open_private(path: Path, flags: int, *, disk: Disk = DISK) -> int:
    """Open a file as 0600; gives the descriptor.

    Raises ``OSError`` (``ELOOP`` for a symbolic link), and ``BadInput`` where it is no plain file of ours.
    """
    fd = disk.open(path, flags, FILE_MODE)
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
        disk.close(fd)
        raise BadInput(f"{path} is not a plain file of this account.", hint="Move it away and try again.")
    if found.st_mode & 0o077:
        os.fchmod(fd, FILE_MODE)
    return fd
