"""An open practice: its folders, settings, store, log and clock, and what the store has on its connection.

Opening a practice makes no call to Xero.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

import msgspec

from xpm_tui.application.home import STORE_FOLDER, Home, practices, resolve
from xpm_tui.application.home import person as person_here
from xpm_tui.domain.errors import AppError, BadInput, CaseId, LoginNeeded, NotFound, ReadOnly
from xpm_tui.domain.events import Severity
from xpm_tui.domain.plan import Direction, Level
from xpm_tui.domain.ports import Clock, IdSource, Put, Snapshot, Write
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import META, Meta
from xpm_tui.files.locks import Lock, LockOwner, lock_owner
from xpm_tui.files.machine import SystemClock
from xpm_tui.files.private import ensure_private
from xpm_tui.lazy import lazy_imports
from xpm_tui.log.event_log import EventLog
from xpm_tui.settings.schema import BY_KEY
from xpm_tui.settings.store import Settings
from xpm_tui.store.snapshot import StoreIds
from xpm_tui.store.store import open_store
from xpm_tui.sync.policy import Clear, OnConflict, Policy

with lazy_imports():
    import importlib.util
    import zoneinfo

    from xpm_tui.application import xpm_access
    from xpm_tui.store import database_store

if TYPE_CHECKING:
    from xpm_tui.diagnostics.findings import ProbeResult
    from xpm_tui.domain.shared_state import RunLock, SharedState
    from xpm_tui.store.database_store import DatabaseStore
    from xpm_tui.store.postgres_connection import Sessions
    from xpm_tui.store.store import TableStore
    from xpm_tui.xero.wiring import Wire


T = TypeVar("T", bound=msgspec.Struct)

LISTS = ("clients", "staff", "templates", "categories", "jobs")
"""The mirrored lists of XPM, in the order in which they are read."""


class PracticeIdentity(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The XPM practice that this folder is connected to, as confirmed by a user.

    Attributes:
        tenant: Xero's id of the practice.
        connection: Xero's id of the connection.
        by: The user who connected it.
        login: The user at Xero who signed in, if the scopes reveal it.
        scopes: The scopes that Xero granted.
        api: The address of the API.
        ended: When it was disconnected. The identity stays, so that another practice is recognised later.
    """

    tenant: str
    title: str
    connection: str = ""
    since: datetime | None = None
    by: str = ""
    login: str = ""
    scopes: str = ""
    api: str = ""
    ended: datetime | None = None


class ListState(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The state of one list of XPM.

    Attributes:
        at: When it was last read.
        full: When it was last read completely.
        count: The number of records in the last complete list.
        bookmark: The server's time from which to ask for changes.
        seconds: How long the last complete list took.
        note: Why it could not be read. For clients, that Xero denies access to the practice.
        scope: The scope that is missing for it.
    """

    at: datetime | None = None
    full: datetime | None = None
    count: int = 0
    bookmark: datetime | None = None
    seconds: float = 0.0
    note: str = ""
    scope: str = ""


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """The last time that someone used the tool interactively."""

    at: datetime
    by: str = ""


class ConnectionDraft(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The user's answers while connecting, stored so that the user can continue later.

    ``titles`` are the names of all practices that this folder was connected to, by their ids.
    """

    titles: Mapping[str, str] = {}
    permission: str = ""
    skipped: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()


def read_identity(snapshot: Snapshot) -> PracticeIdentity | None:
    """Return the practice's identity, even if it is disconnected by now; None if it was never connected."""
    return read(snapshot, "identity", PracticeIdentity)


def list_state(snapshot: Snapshot, name: str) -> ListState:
    """Return the state of a list of ``LISTS``."""
    return read(snapshot, f"list:{name}", ListState) or ListState()


def read(snapshot: Snapshot, id_: str, kind: type[T]) -> T | None:
    """Return a small row as a value; None if it is missing or this version cannot read it."""
    row = snapshot.get(META, id_)
    if row is None:
        return None
    try:
        return msgspec.convert(row.value, kind)
    except msgspec.ValidationError:
        return None


def put(id_: str, value: msgspec.Struct) -> Write:
    """Return the write that stores a small row."""
    return Put(META, Meta(id=id_, value=msgspec.to_builtins(value)))


ADDRESSES = ("xero.login_url", "xero.identity_url", "xero.api_url")


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """A support bundle open as a practice: when it was written, and what cannot be computed again.

    ``results`` are the findings of the doctor, ``conditions`` those of the practice (state and message),
    ``inbox`` is the state of its inbox, whose folder is not in a bundle.
    """

    file: str
    made: datetime
    version: str
    masked: bool
    conditions: tuple[tuple[str, str], ...]
    results: tuple[ProbeResult, ...]
    inbox: dict[str, Any] = msgspec.field(default_factory=dict)


class OpenPractice:
    """An open practice, as created by :func:`open_practice`.

    ``name`` is its folder, ``title`` its name for users. ``transport`` replaces the network in tests.
    ``cache`` holds what was computed from the store, with the position at which it was computed.
    ``on_notice`` is called with problems on this machine that stop nothing. ``recording`` is the support
    bundle from which it was opened; None for a practice of this machine.
    """

    def __init__(
        self, home: Home, name: str, *, person: str, read_only: bool, settings: Settings, clock: Clock,
        environ: Mapping[str, str],
        transport: Any = None,
        sessions: Sessions | None = None,
    ) -> None:  # fmt: skip
        self.home = home
        self.name = name
        self.person = person
        self.read_only = read_only
        self._settings = settings
        self.clock = clock
        self.environ = environ
        self.transport = transport
        self.cache: dict[str, tuple[int, object]] = {}
        self.on_notice: Callable[[AppError], None] | None = None
        self.recording: Recording | None = None
        self._noticed: set[str] = set()
        self.config, self.data, self.state = home.practice(name)
        self.database: DatabaseStore | None = None
        self.store: TableStore = self._open_store(sessions)
        self.ids: IdSource = StoreIds(self.store)
        self.events = EventLog(
            self.state / "log", clock, self.person, level=cast("Severity", self.settings.text("log.level"))
        )
        self._snapshot: Snapshot | None = None

    def _open_store(self, sessions: Sessions | None) -> TableStore:
        url = self._settings.secret("store.url")
        if not url:
            return open_store(self.data / STORE_FOLDER, read_only=self.read_only, clock=self.clock)
        refuse_missing_driver()
        self.database = database_store.DatabaseStore(
            url.reveal(), self.name, read_only=self.read_only, clock=self.clock, person=self.person,
            sessions=sessions,
        )  # fmt: skip
        known = self.database.person
        if known and self.person not in ("", known, person_here(None, self.environ)):
            self.database.close()
            raise BadInput(
                f"The database knows who you are ({visible(known, 80)}), so --as is not allowed.",
                hint="Leave --as out, or connect with another database role.",
            )
        self.person = known or self.person
        self.database.sign(self.person)
        self.read_only = self.read_only or self.database.reads_only
        return self.database

    @property
    def shared(self) -> SharedState | None:
        """Return what the machines of the practice share besides its data; None if there is one machine."""
        return self.database

    @property
    def settings(self) -> Settings:
        """Return the settings in force, including changes by other processes."""
        self._settings.follow()
        return self._settings

    @property
    def title(self) -> str:
        """Return the practice's name for users: that at Xero, otherwise that of the folder."""
        identity = self.identity()
        return identity.title if identity and identity.title else self.name

    @property
    def sandbox(self) -> bool:
        """Return whether an address in the settings is not Xero's own."""
        return any(self.settings.get(key) != BY_KEY[key].default for key in ADDRESSES)

    @property
    def run_lock(self) -> Path:
        """Return the lock that a run holds."""
        return self.state / "run.lock"

    def snapshot(self) -> Snapshot:
        """Return the present state of the store; the same object until something is committed."""
        if self._snapshot is None or self.store.watch() != self._snapshot.position:
            self._snapshot = self.store.snapshot()
        return self._snapshot

    def positions(self) -> tuple[int, int, bool]:
        """Return a cheap mark of the state of store and settings, by which changes are noticed."""
        return self.store.watch(), self.settings.version, self.store.damage is not None

    def policy(self, settings: Settings | None = None) -> Policy:
        """Return the policy of the settings in force, or of the given ones."""
        found = settings or self.settings
        return Policy(
            direction=cast("Direction", found.text("sync.direction")),
            level=cast("Level", found.text("sync.level")),
            off=frozenset(found.names("sync.off")),
            on_conflict=cast("OnConflict", found.text("sync.on_conflict")),
            clear=cast("Clear", found.text("sync.clear")),
        )

    def time_zone(self) -> tzinfo:
        """Return the practice's time zone by its settings, otherwise that of this machine."""
        name = self.settings.text("practice.timezone")
        return zoneinfo.ZoneInfo(name) if name else datetime.now().astimezone().tzinfo or UTC

    def current_day(self) -> date:
        """Return the present day in the practice's time zone."""
        return self.clock.now().astimezone(self.time_zone()).date()

    def identity(self) -> PracticeIdentity | None:
        """Return the XPM practice that this one is connected to; None if it is not connected."""
        identity = read_identity(self.snapshot())
        return identity if identity and identity.ended is None else None

    def connected(self) -> PracticeIdentity:
        """Return the identity of the practice. Raises ``LoginNeeded`` if it is not connected."""
        identity = self.identity()
        if identity is None:
            raise LoginNeeded("This practice is not connected to Xero yet.", hint="Run: xpm-tui connect")
        api = self.settings.text("xero.api_url")
        if identity.api and identity.api != api:
            raise LoginNeeded(
                f"This practice was connected at {identity.api}, but xero.api_url is now {api}.",
                hint="Set the address back, or connect again: xpm-tui connect",
                case=CaseId.PRACTICE_CHANGED,
            )
        return identity

    def writable(
        self, why: str = "This command changes something, and read-only mode does not allow changes."
    ) -> None:
        """Raise ``ReadOnly`` if nothing may be written. Command effects refuse such calls before this."""
        if self.read_only and self.database is not None and self.database.reads_only:
            raise ReadOnly("Your database role may read this practice, not change it.")
        if self.read_only:
            raise ReadOnly(why, hint="Run it without --read-only.")

    def lock(self, what: str) -> RunLock:
        """Return the run lock, not yet acquired."""
        if self.database is not None:
            return self.database.run_lock(self.person, what)
        ensure_private(self.state)
        return Lock(self.run_lock, clock=self.clock, person=self.person, what=what)

    def lock_holder(self) -> LockOwner | None:
        """Return who holds the run lock."""
        if self.database is not None:
            return self.database.run_owner()
        return lock_owner(self.run_lock)

    def wire(self) -> AbstractAsyncContextManager[Wire]:
        """Return access to Xero, to be used in ``async with``. Its libraries are loaded only now."""
        return xpm_access.wire(self)

    def notice(self, error: AppError) -> None:
        """Report, once, a problem on this machine that stops nothing."""
        if self.on_notice is not None and error.message not in self._noticed:
            self._noticed.add(error.message)
            self.on_notice(error)

    def close(self) -> None:
        """Close the log and the store."""
        self.events.close()
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def refuse_missing_driver() -> None:
    """Raise ``BadInput`` where the driver for PostgreSQL is not installed."""
    if importlib.util.find_spec("psycopg") is None:
        raise BadInput(
            "The setting store.url names a PostgreSQL database, but its driver is not installed.",
            hint="Install it: pip install 'xpm-tui[postgres]'",
        )


def find_practice(home: Home, name: str | None) -> str:
    """Return the folder name of a practice by that name, or by its name in XPM.

    Raises ``NotFound``, and ``BadInput`` if several match, or none was chosen of several.
    """
    try:
        return resolve(home, name)
    except NotFound:
        wanted = (name or "").strip().casefold()
        found = [folder for folder in practices(home) if _xpm_name(home, folder).casefold() == wanted]
        if not found:
            raise
    if len(found) > 1:
        raise BadInput(
            f"Several practices have that name in XPM: {', '.join(found)}.",
            hint="Name one of these folders with --practice.",
        )
    return found[0]


def _xpm_name(home: Home, folder: str) -> str:
    """Return the name of a practice in XPM; empty if it was never connected or cannot be read."""
    try:
        with open_practice(home, folder, read_only=True, lenient=True) as practice:
            known = read_identity(practice.snapshot())
    except AppError:
        return ""
    return known.title if known else ""


def practice_settings(
    home: Home,
    name: str,
    *,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, str] | None = None,
    lenient: bool = True,
) -> Settings:
    """Return the settings of a practice, which need not be open.

    ``environ`` is that of this process by default. ``lenient`` skips invalid settings, which otherwise raise
    ``BadInput``.
    """
    file = home.practice(name)[0] / "settings.toml"
    found = os.environ if environ is None else environ
    return Settings.load(home.settings_file, file, found, overrides or {}, lenient=lenient)


def open_practice(
    home: Home,
    name: str | None = None,
    *,
    person: str = "",
    read_only: bool = False,
    overrides: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    transport: Any = None,
    lenient: bool = False,
    sessions: Sessions | None = None,
) -> OpenPractice:
    """Open a practice; the first one is created.

    Raises ``NotFound`` and ``BadInput`` (no such practice, none chosen, an invalid setting),
    ``StoreUnreadable`` and ``DiskError``. ``lenient`` skips invalid settings, so that they can be fixed.
    ``sessions`` are shared by practices in databases that are read one after the other.
    """
    environ = os.environ if environ is None else environ
    chosen = find_practice(home, name)
    if not read_only:
        ensure_private(home.practice(chosen)[1])
    settings = practice_settings(home, chosen, environ=environ, overrides=overrides, lenient=lenient)
    return OpenPractice(
        home,
        chosen,
        person=person or person_here(None, environ),
        read_only=read_only,
        settings=settings,
        clock=clock or SystemClock(),
        environ=environ,
        transport=transport,
        sessions=sessions,
    )
