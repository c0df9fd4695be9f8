"""A practice in PostgreSQL as a store: the Store port over the TinyDB tables of the embedded store."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from xpm_tui.domain.ports import Clock
from xpm_tui.files.locks import LockOwner
from xpm_tui.store.postgres import PostgresEngine
from xpm_tui.store.postgres_connection import DatabaseAddress, Sessions, shared_session
from xpm_tui.store.postgres_locks import LOGIN, RUN, DatabaseLock, SharedRow, database_clock, lock_owner
from xpm_tui.store.storage import EngineStorage
from xpm_tui.store.store import TableStore
from xpm_tui.store.tables import PracticeDB


class PostgresStorage(EngineStorage):
    """A TinyDB storage over one practice in a PostgreSQL database."""

    def __init__(self, url: str, practice: str, **options: Any) -> None:
        self.engine = PostgresEngine(DatabaseAddress(url), practice, **options)


class DatabaseClock:
    """The time of the database, which is the same for machines whose clocks differ."""

    def __init__(self, clock: Clock, ahead: float) -> None:
        self._clock = clock
        self._ahead = timedelta(seconds=ahead)

    def now(self) -> datetime:
        """Return the database's wall-clock time (UTC)."""
        return self._clock.now() + self._ahead

    def monotonic(self) -> float:
        """Return the monotonic time of this machine, in seconds."""
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait, cancellable."""
        await self._clock.sleep(seconds)


class DatabaseStore(TableStore):
    """The store of one practice in PostgreSQL."""

    def __init__(
        self,
        url: str,
        practice: str,
        *,
        read_only: bool,
        clock: Clock,
        person: str,
        poll: float | None,
        moving: bool = False,
        sessions: Sessions | None = None,
    ) -> None:
        self.db = PracticeDB(
            url,
            practice,
            storage=PostgresStorage,
            read_only=read_only,
            clock=clock,
            person=person,
            poll=poll,
            moving=moving,
            lent=None if sessions is None else shared_session(sessions, url),
        )
        self.engine: PostgresEngine = self.db.engine
        self._ahead: float | None = None

    @property
    def shown(self) -> str:
        """The address of the database for texts, without its password."""
        return self.engine.address.shown

    @property
    def person(self) -> str:
        """The person of the database role; empty if the database does not know one."""
        return self.engine.role.person

    @property
    def reads_only(self) -> bool:
        """Whether the database role has no right to change anything."""
        return self.engine.role.reads_only

    def sign(self, person: str) -> None:
        """Set the person of the following commits."""
        self.engine.person = person

    def run_lock(self, person: str, what: str) -> DatabaseLock:
        """Return the run lock, not yet acquired."""
        return DatabaseLock(self.engine, RUN, person=person, what=what)

    def run_owner(self) -> LockOwner | None:
        """Return the holder of the run lock."""
        return lock_owner(self.engine)

    # The SharedState port.

    def record(self, name: str) -> SharedRow:
        """Return the record with this name that all machines share."""
        return SharedRow(self.engine, name)

    def login_lock(self, person: str) -> DatabaseLock:
        """Return the lock that lets one process on all machines refresh the tokens."""
        return DatabaseLock(self.engine, LOGIN, person=person, what="renews the login")

    def clock(self, clock: Clock) -> Clock:
        """Return the database's clock, from the difference that is measured once."""
        if self._ahead is None:
            self._ahead = database_clock(self.engine, clock)
        return DatabaseClock(clock, self._ahead)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return a problem to report once: a pooler that filters notifications."""
        if self.damage is not None or self.engine.listens:
            return ()
        return (
            "The database sends no notifications, so it is asked for changes several times a second. "
            "Connect without a transaction pooler.",
        )

    def record_end(self) -> None:
        """Remove data that no reader needs any more, at the end of a run. Raises what a commit raises."""
        if not self.read_only:
            self.engine.prune()

    def compact(self) -> bool:
        """Remove data that no reader needs any more. Raises what a commit raises."""
        self.engine.prune()
        return True


def open_database(
    url: str,
    practice: str,
    *,
    read_only: bool = False,
    clock: Clock,
    person: str = "",
    poll: float | None = None,
    moving: bool = False,
    sessions: Sessions | None = None,
) -> DatabaseStore:
    """Open a practice in the database at ``url``; unless ``read_only``, create it if it is missing.

    ``poll`` is the interval in seconds at which changes are queried instead of waiting for notifications;
    with ``moving``, a practice that is being moved is opened too. ``sessions`` are those that practices which
    are only read share, one after the other; the caller closes them.

    Raises ``BadInput`` for an address that cannot be parsed, ``StoreUnreachable``, and ``StoreUnreadable`` if
    the connection is refused, or the practice is missing or of a newer version.
    """
    return DatabaseStore(
        url,
        practice,
        read_only=read_only,
        clock=clock,
        person=person,
        poll=poll,
        moving=moving,
        sessions=sessions,
    )
