"""Work on a practice from outside, also if its store cannot be opened: check, repair, restore, purge."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from xpm_tui.application.home import Home, practices
from xpm_tui.application.practice import find_practice, open_practice
from xpm_tui.domain.errors import AppError, NotFound
from xpm_tui.files.locks import Lock
from xpm_tui.files.machine import SystemClock
from xpm_tui.files.private import ensure_private
from xpm_tui.store import admin
from xpm_tui.store.admin import Report
from xpm_tui.store.backup import Backup


class PurgedView(msgspec.Struct, frozen=True, kw_only=True):
    """What was deleted of a practice: ``files`` of the store, ``bytes``, and the removed folders."""

    name: str
    files: int
    bytes: int
    folders: tuple[str, ...]
    left: tuple[str, ...] = ()


def check(home: Home, practice: str) -> Report:
    """Read a practice's whole store. Raises ``StoreUnreadable`` and ``NotFound``."""
    return admin.check(_book(home, practice))


def repair(home: Home, practice: str, person: str, *, lossy: bool = False) -> admin.Repaired:
    """Restore a damaged store to its last intact state; with ``lossy`` even if rows are lost."""
    with _alone(home, practice, person, "repairing the data"):
        return admin.repair(_book(home, practice), clock=SystemClock(), lossy=lossy)


def compact(home: Home, practice: str) -> admin.Compacted:
    """Merge the commit log into the tables' files."""
    return admin.compact(_book(home, practice), clock=SystemClock())


def backup(home: Home, practice: str, target: Path) -> Backup:
    """Write a backup and verify it."""
    return admin.backup(_book(home, practice), target.absolute(), clock=SystemClock())


def restore(home: Home, practice: str, person: str, source: Path) -> admin.Restored:
    """Replace the store with a backup; the present one is backed up first."""
    with _alone(home, practice, person, "restoring a backup"):
        return admin.restore(_book(home, practice), source.absolute(), clock=SystemClock())


async def purge(home: Home, practice: str, person: str) -> PurgedView:
    """Delete a practice's login, store, log and settings from this machine. Xero and Ignition are unaffected.

    Raises ``NotFound``, ``Busy`` while a run is in progress, ``DiskError``.
    """
    name = _name(home, practice)
    with _alone(home, name, person, "deleting the practice"):
        with suppress(AppError), open_practice(home, name, person=person, lenient=True) as opened:
            async with opened.wire() as wire:
                await wire.tokens.forget()
        gone = admin.Purged(files=0, bytes=0)
        with suppress(AppError):
            gone = admin.purge(_book(home, name), clock=SystemClock())
    folders = [folder for folder in home.practice(name) if folder.exists()]
    for folder in folders:
        shutil.rmtree(folder)
    return PurgedView(
        name=name,
        files=gone.files,
        bytes=gone.bytes,
        folders=tuple(str(folder) for folder in folders),
        left=gone.left,
    )


def _name(home: Home, practice: str) -> str:
    name = find_practice(home, practice or None)
    if name not in practices(home):
        raise NotFound("There is no practice here.", hint="See where it is: xpm-tui locate")
    return name


def _book(home: Home, practice: str) -> Path:
    return home.practice(_name(home, practice))[1] / "book"


@contextmanager
def _alone(home: Home, practice: str, person: str, what: str) -> Iterator[None]:
    """Hold the run lock of a practice without opening its store."""
    state = ensure_private(home.practice(_name(home, practice))[2])
    lock = Lock(state / "run.lock", clock=SystemClock(), person=person, what=what)
    lock.acquire()
    try:
        yield
    finally:
        lock.release()
