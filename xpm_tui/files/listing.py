"""What lies in a folder, for a person who types a path: folders first, then files, by name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

MOST = 2_000
"""Entries of one folder that are told."""


@dataclass(frozen=True)
class Entry:
    """A file or folder: ``path`` is its true name, also where that cannot be shown."""

    path: Path
    folder: bool
    size: int = 0


@dataclass(frozen=True)
class Listing:
    """The folder of a typed path, what lies in it that begins so, and what the path itself is."""

    folder: Path
    entries: tuple[Entry, ...]
    path: Path
    is_file: bool
    is_folder: bool
    problem: str = ""


def listing(typed: str, suffix: str = "") -> Listing:
    """Look at a path as far as it is typed; ``~`` is the home folder. Raises nothing: ``problem`` says why.

    ``suffix`` (``.csv``) narrows the files; those that begin with a dot show once a dot is typed.
    """
    path = _expanded(typed)
    folder, begin = (path, "") if typed.endswith(os.sep) or not typed else (path.parent, path.name)
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
        with os.scandir(folder) as found:
            entries = [entry for each in found if (entry := _entry(each, begin, suffix)) is not None][:MOST]
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "no such folder"
        return Listing(folder, (), path, False, False, f"{folder}: {why}.")
    entries.sort(key=lambda entry: (not entry.folder, entry.path.name.casefold()))
    return Listing(folder, tuple(entries), path, is_file, is_folder)


def _expanded(typed: str) -> Path:
    try:
        return Path(typed or ".").expanduser().absolute()
    except (RuntimeError, OSError, ValueError):
        return Path(typed).absolute()


def _entry(each: os.DirEntry[str], begin: str, suffix: str) -> Entry | None:
    if not each.name.casefold().startswith(begin.casefold()):
        return None
    if each.name.startswith(".") and not begin.startswith("."):
        return None
    try:
        if each.is_dir():
            return Entry(Path(each.path), True)
        if suffix and not each.name.casefold().endswith(suffix):
            return None
        return Entry(Path(each.path), False, each.stat().st_size)
    except OSError:
        return None
