"""A practice in PostgreSQL as a store: the Store port over the same TinyDB tables as the embedded one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from xpm_tui.domain.ports import Clock
from xpm_tui.files.locks import LockOwner
from xpm_tui.store.postgres import PostgresEngine
from xpm_tui.store.postgres_connection import DatabaseAddress
from xpm_tui.store.postgres_locks import LOGIN, RUN, DatabaseLock, SharedRow, database_clock, lock_owner
from xpm_tui.store.storage import EngineStorage
from xpm_tui.store.store import TableStore
from xpm_tui.store.tables import PracticeDB


class PostgresStorage(EngineStorage):
    """A TinyDB storage over one practice in a PostgreSQL database."""

    def __init__(self, url: str, practice: str, **options: Any) -> None:
        self.engine = PostgresEngine(DatabaseAddress(url), practice, **options)


class DatabaseClock:
    """The time of the database, which machines with different clocks agree on."""

    def __init__(self, clock: Clock, ahead: float) -> None:
        self._clock = clock
        self._ahead = timedelta(seconds=ahead)

    def now(self) -> datetime:
        """The database's wall-clock time (UTC)."""
        return self._clock.now() + self._ahead

    def monotonic(self) -> float:
        """Seconds that only go forward, of this machine."""
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
        )
        self.engine: PostgresEngine = self.db.engine
        self._ahead: float | None = None

    @property
    def shown(self) -> str:
        """The address of the database for texts, without its password."""
        return self.engine.address.shown

    @property
    def person(self) -> str:
        """Whom the database knows the user to be; empty where the role stands for nobody in particular."""
        return self.engine.role.person

    @property
    def reads_only(self) -> bool:
        """Whether the database role has no right to change anything."""
        return self.engine.role.reads_only

    def sign(self, person: str) -> None:
        """Name who makes the commits from now on."""
        self.engine.person = person

    def run_lock(self, person: str, what: str) -> DatabaseLock:
        """The run lock, not yet taken."""
        return DatabaseLock(self.engine, RUN, person=person, what=what)

    def run_owner(self) -> LockOwner | None:
        """Who has the run lock right now."""
        return lock_owner(self.engine)

    # The SharedState port.

    def record(self, name: str) -> SharedRow:
        """The record of this name that all machines share."""
        return SharedRow(self.engine, name)

    def login_lock(self, person: str) -> DatabaseLock:
        """The lock under which one process of all machines renews the login."""
        return DatabaseLock(self.engine, LOGIN, person=person, what="renews the login")

    def clock(self, clock: Clock) -> Clock:
        """The database's time, by the difference that was measured when it was first asked for."""
        if self._ahead is None:
            self._ahead = database_clock(self.engine, clock)
        return DatabaseClock(clock, self._ahead)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What its owner should hear once: a pooler that filters notifications."""
        if self.damage is not None or self.engine.listens:
            return ()
        return (
            "The database sends no notifications, so it is asked for changes several times a second. "
            "Connect without a transaction pooler.",
        )

    def record_end(self) -> None:
        """Remove what no reader needs any more: at the end of a run. Raises what a commit raises."""
        if not self.read_only:
            self.engine.prune()

    def compact(self) -> bool:
        """Remove what no reader needs any more. Raises what a commit raises."""
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
) -> DatabaseStore:
    """Open (and, unless ``read_only``, where missing make) a practice in the database at ``url``.

    ``poll`` asks for changes at most so often, in seconds, instead of waiting for notifications; ``moving``
    opens also what is being moved. Raises
    ``BadInput`` for an address that cannot be read, ``StoreUnreachable``, and ``StoreUnreadable`` where the
    connection is refused, the practice is not there or is of a newer version.
    """
    return DatabaseStore(
        url, practice, read_only=read_only, clock=clock, person=person, poll=poll, moving=moving
    )
