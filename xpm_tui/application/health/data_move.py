"""Moving the data of a practice: from files of this machine into a database, and back.

What goes along with the rows: the login, encrypted again at the other place, and the record of calls to
Xero. The setting ``store.url`` of the practice is changed last.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from xpm_tui.application.home import STORE_FOLDER, Home, account_name
from xpm_tui.application.practice import find_practice, practice_settings, refuse_missing_driver
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.pace import LIMITER_FILE
from xpm_tui.files.locks import Lock
from xpm_tui.files.machine import SystemClock
from xpm_tui.files.private import ensure_private
from xpm_tui.lazy import lazy_imports
from xpm_tui.settings.kinds import DATABASE
from xpm_tui.store.engine import MOVED
from xpm_tui.xero.auth.token_store import TokenStore
from xpm_tui.xero.rate_limiter import LimiterFile, LimiterState

with lazy_imports():
    from xpm_tui.store import database_store, postgres_admin
    from xpm_tui.xero import shared_access

FILES = "files"
"""The word for files of this machine, in place of an address."""


class MovedData(msgspec.Struct, frozen=True, kw_only=True):
    """What was moved: ``rows`` that were compared one by one, and where they are now."""

    practice: str
    to: str
    rows: int
    place: Literal["database", "files"]


def move(home: Home, practice: str, to: str, person: str) -> MovedData:
    """Move the data of a practice to a database (an address) or to files of this machine (``files``).

    Run again after an interruption, it goes on. Raises ``BadInput``, ``Busy`` while a run goes on, and what
    opening and committing raise at both places.
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
            f"The data of {name} is in a database already.",
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
        raise BadInput(f"The data of {name} is in files of this machine already.")
    with (
        database_store.open_database(url, name, clock=clock, person=person, moving=True) as store,
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
    """Carry the calls of the last minute and of the day along; none of them is in flight any more."""
    for name in calls.__struct_fields__:
        setattr(there, name, getattr(calls, name))
    for ticket in there.tickets:
        ticket.pid = 0
