"""Check, repair, compact, back up, restore, delete and move a practice, even one that cannot be opened.

When a practice moves into a database or back, its login moves, too, encrypted again at the other place, and
so does the record of calls to Xero. The setting ``store.url`` is changed last.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import msgspec

from xpm_tui.application.home import STORE_FOLDER, Home, account_name, practices
from xpm_tui.application.practice import (
    find_practice,
    open_practice,
    practice_settings,
    refuse_missing_driver,
)
from xpm_tui.domain.errors import AppError, BadInput, NotFound
from xpm_tui.domain.pace import LIMITER_FILE
from xpm_tui.files.locks import Lock
from xpm_tui.files.machine import SystemClock
from xpm_tui.files.private import ensure_private
from xpm_tui.lazy import lazy_imports
from xpm_tui.settings.kinds import DATABASE
from xpm_tui.store import admin
from xpm_tui.store.admin import Report
from xpm_tui.store.backup import Backup
from xpm_tui.store.engine import MOVED
from xpm_tui.xero.auth.token_store import TokenStore
from xpm_tui.xero.rate_limiter import LimiterFile, LimiterState

with lazy_imports():
    from xpm_tui.store import database_store, postgres_admin
    from xpm_tui.xero import shared_access


Overrides = Mapping[str, str]
NO_OVERRIDES: Overrides = {}


class PurgedView(msgspec.Struct, frozen=True, kw_only=True):
    """The result of deleting a practice: what was deleted, and what was left."""

    name: str
    files: int
    bytes: int
    folders: tuple[str, ...]
    left: tuple[str, ...] = ()


def check(home: Home, practice: str, given: Overrides = NO_OVERRIDES) -> Report:
    """Read all data of a practice and report faults. Raises ``StoreUnreadable`` and ``NotFound``.

    ``given`` are settings for this call only, as in the functions below.
    """
    url, name = _database(home, practice, given)
    if url:
        return postgres_admin.check_practice(url, name, SystemClock())
    return admin.check(_store_folder(home, practice))


def repair(
    home: Home, practice: str, person: str, *, lossy: bool = False, given: Overrides = NO_OVERRIDES
) -> admin.Repaired:
    """Restore a damaged store to its last intact state; with ``lossy`` even if rows are lost."""
    if _database(home, practice, given)[0]:
        report = check(home, practice, given)
        if report.ok:
            return admin.Repaired(changed=False, lossless=True, position=report.position)
        raise BadInput(
            "Damaged data in PostgreSQL cannot be repaired by xpm-tui.",
            hint="Restore a backup: xpm-tui data restore FILE, or one of the database server.",
        )
    with _alone(home, practice, person, "repairing the data"):
        return admin.repair(_store_folder(home, practice), clock=SystemClock(), lossy=lossy)


def compact(home: Home, practice: str, given: Overrides = NO_OVERRIDES) -> admin.Compacted:
    """Merge the commit log into the snapshot files; in a database, delete what no reader needs any more."""
    url, name = _database(home, practice, given)
    if url:
        return postgres_admin.compact_practice(url, name, SystemClock())
    return admin.compact(_store_folder(home, practice), clock=SystemClock())


def backup(home: Home, practice: str, target: Path, given: Overrides = NO_OVERRIDES) -> Backup:
    """Write a backup and read it to check it. Files and databases have the same form of backup."""
    url, name = _database(home, practice, given)
    if url:
        return postgres_admin.back_up_practice(url, name, target.absolute(), SystemClock())
    return admin.backup(_store_folder(home, practice), target.absolute(), clock=SystemClock())


def restore(
    home: Home, practice: str, person: str, source: Path, given: Overrides = NO_OVERRIDES
) -> admin.Restored:
    """Restore a backup of files or of a database; the present data is backed up first."""
    url, name = _database(home, practice, given)
    if url:
        folder = home.practice(name)[1] / STORE_FOLDER
        return postgres_admin.restore_practice(
            url, name, source.absolute(), folder, clock=SystemClock(), person=person
        )
    with _alone(home, practice, person, "restoring a backup"):
        return admin.restore(_store_folder(home, practice), source.absolute(), clock=SystemClock())


async def purge(home: Home, practice: str, person: str, given: Overrides = NO_OVERRIDES) -> PurgedView:
    """Delete a practice from this machine: login, data, log and settings. Xero and Ignition keep their data.

    A practice in a database stays there, with its login, for the other machines.

    Raises ``NotFound``, ``Busy`` while a run is in progress, ``DiskError``.
    """
    name = _name(home, practice)
    url, _ = _database(home, name, given)
    left: tuple[str, ...] = (f"the practice {name} in the database",) if url else ()
    with _alone(home, name, person, "deleting the practice"):
        with suppress(AppError), open_practice(home, name, person=person, lenient=True) as opened:
            if not url:
                async with opened.wire() as wire:
                    await wire.tokens.forget()
        gone = admin.Purged(files=0, bytes=0)
        with suppress(AppError):
            gone = admin.purge(_store_folder(home, name), clock=SystemClock())
    folders = [folder for folder in home.practice(name) if folder.exists()]
    for folder in folders:
        shutil.rmtree(folder)
    return PurgedView(
        name=name,
        files=gone.files,
        bytes=gone.bytes,
        folders=tuple(str(folder) for folder in folders),
        left=(*gone.left, *left),
    )


def _name(home: Home, practice: str) -> str:
    name = find_practice(home, practice or None)
    if name not in practices(home):
        raise NotFound("There is no practice here.", hint="See where it is: xpm-tui locate")
    return name


def _database(home: Home, practice: str, given: Overrides) -> tuple[str, str]:
    """Return the address of the practice's database, empty if it has none, and the practice's name."""
    name = _name(home, practice)
    url = practice_settings(home, name, overrides=given).secret("store.url").reveal()
    if url:
        refuse_missing_driver()
    return url, name


def _store_folder(home: Home, practice: str) -> Path:
    return home.practice(_name(home, practice))[1] / STORE_FOLDER


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


FILES = "files"
"""The target of a move to files of this machine, instead of an address."""


class MovedData(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a move: how many ``rows`` were moved and compared, and where they are now."""

    practice: str
    to: str
    rows: int
    place: Literal["database", "files"]


def move(home: Home, practice: str, to: str, person: str) -> MovedData:
    """Move the data of a practice to a database (an address) or to files of this machine (``files``).

    If it is interrupted, run it again to continue. Raises ``BadInput``, ``Busy`` during a run, and the errors
    of opening and committing at both places.
    """
    name = find_practice(home, practice or None)
    person = person or account_name()
    refuse_missing_driver()
    return _to_files(home, name, person) if to == FILES else _to_database(home, name, to, person)


def _to_database(home: Home, name: str, to: str, person: str) -> MovedData:
    try:
        url = DATABASE.parse(to)
    except ValueError as reason:
        raise BadInput(f"The data cannot be moved there: {reason}.", field="to") from None
    settings = practice_settings(home, name)
    config, data, state = home.practice(name)
    folder, clock = data / STORE_FOLDER, SystemClock()
    present = settings.secret("store.url")
    if present and not ((folder / MOVED).exists() or (present == url and (folder / "head").exists())):
        raise BadInput(
            f"The data of {name} is already in a database.",
            hint="Move it to files first: xpm-tui data move --to files",
        )
    lock = Lock(ensure_private(state) / "run.lock", clock=clock, person=person, what="moving the data")
    try:
        lock.acquire()
        with postgres_admin.move_in(folder, to, name, clock=clock, person=person) as store:
            saved = TokenStore(state, config_folder=config, use_keyring=home.default).read()
            if saved is not None:
                shared_access.SharedTokenStore(store, state, config_folder=config, person=person).write(saved)
            calls = LimiterFile(state / LIMITER_FILE, clock=clock).read()
            with shared_access.SharedLimiter(store, clock).visit() as there:
                _take_over(there, calls)
            view = store.engine.view()
            settings.set("store.url", to, practice=True)
            rows = sum(view.count_in(each) for each in view.names())
            return MovedData(practice=name, to=store.shown, rows=rows, place="database")
    finally:
        lock.close()


def _to_files(home: Home, name: str, person: str) -> MovedData:
    settings = practice_settings(home, name)
    config, data, state = home.practice(name)
    url, clock = settings.secret("store.url").reveal(), SystemClock()
    if not url:
        raise BadInput(f"The data of {name} is already in files on this machine.")
    with (
        database_store.DatabaseStore(url, name, clock=clock, person=person, moving=True) as store,
        store.run_lock(store.person or person, "moving the data").hold(),
    ):
        saved = shared_access.SharedTokenStore(store, state, config_folder=config, person=person).read()
        rows = postgres_admin.move_out(store, data / STORE_FOLDER, clock=clock)
        if saved is not None:
            TokenStore(state, config_folder=config, use_keyring=home.default).write(saved)
        file = LimiterFile(state / LIMITER_FILE, clock=clock)
        try:
            with file.visit() as here:
                _take_over(here, shared_access.SharedLimiter(store, clock).read())
        finally:
            file.close()
        settings.set("store.url", "", practice=True)
    return MovedData(practice=name, to=str(data / STORE_FOLDER), rows=rows, place="files")


def _take_over(there: LimiterState, calls: LimiterState) -> None:
    """Copy the record of calls; none of them is still in progress."""
    for name in calls.__struct_fields__:
        setattr(there, name, getattr(calls, name))
    for ticket in there.tickets:
        ticket.pid = 0
