"""Which file system a folder lies on: over a network, locks and fsync are only the server's promise.

What lies in a folder, for a person who types a path: folders first, then files, by name.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

NETWORK = frozenset(
    "nfs nfs4 cifs smb smbfs smb3 afs ncpfs 9p ceph glusterfs lustre davfs fuse.sshfs fuse.rclone"
    " fuse.davfs2 fuse.glusterfs fuse.s3fs fuse.gcsfuse fuse.onedrive".split()
)


def network_file_system(folder: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """The kind of network file system that ``folder`` lies on (``nfs4``, ``cifs``, ...), or the empty text.

    Reads the kernel's list of mounts (proc(5), mountinfo); where there is none, nothing is known.
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
    return kind if kind in NETWORK else ""


MOST = 2_000
"""Entries of one folder that are told."""


@dataclass(frozen=True)
class FolderEntry:
    """A file or folder: ``path`` is its true name, also where that cannot be shown."""

    path: Path
    folder: bool
    size: int = 0


@dataclass(frozen=True)
class FolderListing:
    """The folder of a typed path, what lies in it that begins so, and what the path itself is."""

    folder: Path
    entries: tuple[FolderEntry, ...]
    path: Path
    is_file: bool
    is_folder: bool
    problem: str = ""


def listing(typed: str, suffix: str = "") -> FolderListing:
    """Look at a path as far as it is typed; ``~`` is the home folder. Raises nothing: ``problem`` says why.

    ``suffix`` (``.csv``) narrows the files; those that begin with a dot show once a dot is typed.
    """
    path = expanded(typed)
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


def expanded(typed: str) -> Path:
    """A typed path in full, ``~`` included; one of an account that does not exist is taken as it stands."""
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
