"""Folders and files of a single user account: 0700 and 0600, no symbolic link, no foreign owner.

Anyone who can write to a folder can replace what is in it, so the whole path from the root is checked, as
OpenSSH does (``StrictModes``, sshd_config(5)). The module also finds out whether a folder is on a network
file system, where locks and fsync depend on the server, and lists the entries for a path as it is typed.
"""

from __future__ import annotations

import errno
import os
import shlex
import stat
import unicodedata
from collections import deque
from pathlib import Path
from typing import NamedTuple

from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.safe_text import visible
from xpm_tui.files.machine import DISK, Disk, disk_error, to_disk_error
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    import grp
    import pwd


FOLDER_MODE = 0o700
FILE_MODE = 0o600

_MOST_LINKS = 40
"""The most symbolic links to follow on one path, as in the kernel (path_resolution(7))."""


def refuse_controls(path: str, what: str) -> None:
    """Check that a path would not break a line of a crontab, a unit file or a terminal.

    Raises:
        BadInput: The path has a control character or a line separator; ``what`` names its origin.
    """
    for character in path:
        if unicodedata.category(character) in ("Cc", "Zl", "Zp"):
            raise BadInput(
                f"{what} contains a control character (U+{ord(character):04X}): {visible(path, 200)}",
                hint="Use a path without line breaks and other control characters.",
            )


def ensure_private(folder: Path) -> Path:
    """Create ``folder`` and its missing parents with mode 0700, and return it.

    Raises:
        BadInput: It is a symbolic link, not a folder, or belongs to someone else, or others can write to it
            or to a folder above it.
        DiskError: It cannot be created.
    """
    with disk_error(folder, "created"):
        missing = []
        at = folder
        while not at.is_symlink() and not at.exists():
            missing.append(at)
            at = at.parent
        check_chain(at if missing else at.parent)
        for each in reversed(missing):
            each.mkdir(mode=FOLDER_MODE, exist_ok=True)
    check_private(folder)
    if stat.S_IMODE(folder.stat().st_mode) != FOLDER_MODE:
        with disk_error(folder, "closed to others"):
            folder.chmod(FOLDER_MODE)
    return folder


def check_private(folder: Path) -> None:
    """Check that others cannot access a folder.

    Raises:
        BadInput: They can; the hint says what to do.
    """
    try:
        found = folder.lstat()
    except OSError as error:
        raise to_disk_error(error, folder, "read") from error
    if stat.S_ISLNK(found.st_mode):
        raise BadInput(f"{folder} is a symbolic link.", hint="Use the folder that it points to instead.")
    if not stat.S_ISDIR(found.st_mode):
        raise BadInput(f"{folder} is not a folder.", hint="Move the file away, or name another folder.")
    if found.st_uid != os.geteuid():
        raise BadInput(
            f"{folder} belongs to another account (user id {found.st_uid}).",
            hint=f"Run: chown {os.geteuid()} {shlex.quote(str(folder))}, or use a folder of your own: a "
            "practice belongs to one account.",
        )
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise BadInput(
            f"{folder} can be written by other accounts.", hint=f"Run: chmod 700 {shlex.quote(str(folder))}"
        )
    check_chain(folder)


def check_chain(path: Path) -> None:
    """Check that no other user account could replace a file or folder.

    Every folder from the root to ``path``, every symbolic link on the way with where it leads, and ``path``
    itself must belong to this account or to root, and others must not be able to write to it. A sticky folder
    such as /tmp may be writable, because others cannot replace our files in it. The check ends at the first
    missing part. A group may write if it is the user's own group or group 0.

    Raises:
        BadInput: A part fails the check; the message names it, the hint says how to fix it.
    """
    left = deque(Path(os.path.abspath(path)).parts[1:])
    at, links = Path("/"), 0
    _check_part(at, os.lstat(at))
    while left:
        name = left.popleft()
        if name == "..":
            at = at.parent
            continue
        part = at / name
        try:
            found = part.lstat()
        except FileNotFoundError:
            return
        except OSError as error:
            raise to_disk_error(error, part, "read") from error
        _check_part(part, found)
        if not stat.S_ISLNK(found.st_mode):
            at = part
            continue
        links += 1
        if links > _MOST_LINKS:
            raise to_disk_error(OSError(errno.ELOOP, os.strerror(errno.ELOOP)), path, "read")
        target = Path(os.readlink(part))
        if target.is_absolute():
            at = Path("/")
        left.extendleft(reversed([word for word in target.parts if word != "/"]))


def _check_part(part: Path, found: os.stat_result) -> None:
    shown = shlex.quote(str(part))
    what = "symbolic link" if stat.S_ISLNK(found.st_mode) else ""
    if found.st_uid not in (0, os.geteuid()) and not _is_unmapped(found.st_uid):
        raise BadInput(
            f"{f'The {what} ' if what else ''}{part} belongs to another account "
            f"({_account(found.st_uid)}), which could replace the files in it.",
            hint=f"Run: chown {'-h ' if what else ''}{os.geteuid()} {shown}, or use a folder of your own.",
        )
    if what or (stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX):
        return
    if _others_write(found):
        below = ", and so can the files in it" if stat.S_ISDIR(found.st_mode) else ""
        who = "go" if found.st_mode & stat.S_IWOTH else "g"
        raise BadInput(
            f"{part} can be written by other accounts (mode {stat.S_IMODE(found.st_mode):04o}){below}.",
            hint=f"Run: chmod {who}-w {shown}",
        )


def _others_write(found: os.stat_result) -> bool:
    if found.st_mode & stat.S_IWOTH:
        return True
    return bool(found.st_mode & stat.S_IWGRP) and not _is_own_group(found.st_gid)


def _is_own_group(gid: int) -> bool:
    """Return whether only this account and root are in a group: the private group of the user, or group 0."""
    if gid == 0:
        return True
    try:
        user, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(gid)
    except KeyError:
        return False
    if group.gr_name != user.pw_name or not {*group.gr_mem} <= {user.pw_name}:
        return False
    return all(each.pw_gid != gid or each.pw_uid in (0, user.pw_uid) for each in pwd.getpwall())


def _is_unmapped(uid: int) -> bool:
    """Return whether the owner is outside this user namespace (user_namespaces(7))."""
    try:
        overflow = int(Path("/proc/sys/kernel/overflowuid").read_text())
        maps = [[*map(int, line.split())] for line in Path("/proc/self/uid_map").read_text().splitlines()]
    except (OSError, ValueError):
        return False
    return uid == overflow and not any(first <= uid < first + count for first, _, count in maps)


def _account(uid: int) -> str:
    try:
        return f"{pwd.getpwuid(uid).pw_name}, user id {uid}"
    except KeyError:
        return f"user id {uid}"


def open_private(path: Path, flags: int, *, disk: Disk = DISK) -> int:
    """Open a file with mode 0600, and return its descriptor.

    Raises:
        OSError: It cannot be opened (``ELOOP`` for a symbolic link).
        BadInput: It is not a regular file of this user account.
    """
    fd = disk.open(path, flags, FILE_MODE)
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
        disk.close(fd)
        raise BadInput(f"{path} is not a regular file of this account.", hint="Move it away and try again.")
    if found.st_mode & 0o077:
        os.fchmod(fd, FILE_MODE)
    return fd


NETWORK_TYPES = frozenset(
    "nfs nfs4 cifs smb smbfs smb3 afs ncpfs 9p ceph glusterfs lustre davfs fuse.sshfs fuse.rclone"
    " fuse.davfs2 fuse.glusterfs fuse.s3fs fuse.gcsfuse fuse.onedrive".split()
)


def network_file_system(folder: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """Return the type of the network file system of ``folder`` (``nfs4``, ``cifs``, ...), or an empty text.

    It reads the kernel's list of mounts (proc(5), mountinfo); without one, nothing is known.
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    real = os.path.realpath(folder)
    best, kind = "", ""
    for line in lines:
        head, _, tail = line.partition(" - ")
        fields, kinds = head.split(" "), tail.split(" ")
        if len(fields) < 5 or not kinds[0]:
            continue
        point = fields[4].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
        inside = point == "/" or real == point or real.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, kinds[0]
    return kind if kind in NETWORK_TYPES else ""


MOST = 2_000
"""The maximum number of entries that are listed of a folder."""


class FolderEntry(NamedTuple):
    """A file or folder: ``path`` is its real name, even if that cannot be shown."""

    path: Path
    folder: bool
    size: int = 0


class FolderListing(NamedTuple):
    """The folder of a typed path, the entries that begin with its last part, and what the path itself is."""

    folder: Path
    entries: tuple[FolderEntry, ...]
    path: Path
    is_file: bool
    is_folder: bool
    problem: str = ""


def list_folder(typed: str, suffix: str = "") -> FolderListing:
    """Return the entries that a partly typed path may mean; ``~`` is the home folder.

    Folders come before files. ``suffix`` (such as ``.csv``) restricts the files; hidden entries are included
    once a dot is typed. Errors are not raised: ``problem`` has the reason.
    """
    path = expand_path(typed)
    folder, begin = (path, "") if typed.endswith(os.sep) or not typed else (path.parent, path.name)
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
        with os.scandir(folder) as found:
            entries = [entry for each in found if (entry := _entry(each, begin, suffix)) is not None][:MOST]
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "no such folder"
        return FolderListing(folder, (), path, False, False, f"{folder}: {why}.")
    entries.sort(key=lambda entry: (not entry.folder, entry.path.name.casefold()))
    return FolderListing(folder, tuple(entries), path, is_file, is_folder)


def expand_path(typed: str) -> Path:
    """Return a typed path as an absolute one; ``~`` is the home folder, that of an unknown user stays."""
    try:
        return Path(typed or ".").expanduser().absolute()
    except (RuntimeError, OSError, ValueError):
        return Path(typed).absolute()


def _entry(each: os.DirEntry[str], begin: str, suffix: str) -> FolderEntry | None:
    if not each.name.casefold().startswith(begin.casefold()):
        return None
    if each.name.startswith(".") and not begin.startswith("."):
        return None
    try:
        if each.is_dir():
            return FolderEntry(Path(each.path), True)
        if suffix and not each.name.casefold().endswith(suffix):
            return None
        return FolderEntry(Path(each.path), False, each.stat().st_size)
    except OSError:
        return None
