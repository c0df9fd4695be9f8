"""A practice in PostgreSQL: the Store port over the TinyDB tables, and what several machines share.

A lock is an advisory lock of the session and ends with it, however the session ends. The run lock also issues
a fencing number, which the engine checks in every commit of the run.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec

from xpm_tui.domain.errors import Busy, StoreUnreadable
from xpm_tui.domain.ports import Clock
from xpm_tui.domain.shared_state import RecordState
from xpm_tui.files.locks import LockOwner
from xpm_tui.store.postgres import PostgresEngine
from xpm_tui.store.postgres_connection import SESSIONS, DatabaseAddress, Session, Sessions, shared_session
from xpm_tui.store.store import TableStore
from xpm_tui.store.tables import EngineStorage, PracticeDB

RUN, LOGIN = 0x78706D02, 0x78706D03
"""The first keys of the advisory locks of a practice: for runs, and for renewing the login."""

POLL = 0.05
"""Seconds between two attempts to acquire a lock that another process holds."""

_HELD = (
    "EXISTS (SELECT 1 FROM pg_catalog.pg_locks l WHERE l.locktype = 'advisory' AND l.granted"
    " AND l.classid = %s AND l.objid = %s AND l.objsubid = 2"
    " AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))"
)
_OWNER = f"SELECT owner FROM xpm_tui.practices WHERE id = %s AND {_HELD}"
_FENCE = "UPDATE xpm_tui.practices SET fence = fence + 1, owner = %s WHERE id = %s RETURNING fence"
_RECORD = (
    "SELECT body, (SELECT coalesce(array_agg(l.objid::bigint), '{}') FROM pg_catalog.pg_locks l"
    " WHERE l.locktype = 'advisory' AND l.classid = %s AND l.objsubid = 2)"
    " FROM xpm_tui.shared WHERE practice = %s AND name = %s"
)


class DatabaseLock:
    """A lock of a practice on all machines, of the kind ``RUN`` or ``LOGIN``.

    While the run lock is held, every commit of its engine carries the fencing number. If the session is lost
    and opened again, the lock is acquired again, unless another process has held it meanwhile.
    """

    def __init__(self, engine: PostgresEngine, kind: int, *, person: str, what: str = "") -> None:
        self._engine = engine
        self._kind = kind
        self._person = person
        self._what = what
        self._times = 0
        engine.on_reopen.append(self._retake)

    @property
    def held(self) -> bool:
        """Whether this object holds it."""
        return self._times > 0

    def acquire(self, timeout: float = 0.0, *, what: str | None = None) -> None:
        """Acquire the lock, waiting up to ``timeout`` seconds (0: one attempt, negative: without limit).

        Raises ``Busy``, naming the holder, and ``StoreUnreadable``.
        """
        if self._times:
            self._times += 1
            return
        deadline = time.monotonic() + timeout
        while not self._try(self._what if what is None else what):
            if timeout >= 0 and deadline <= time.monotonic():
                owner = lock_owner(self._engine) if self._kind == RUN else None
                holder = f"It is in use by {owner.words()}." if owner else "Another process is using it."
                raise Busy(
                    f"The practice is busy. {holder}",
                    hint="Wait until it ends, or see which process it is: xpm-tui status",
                )
            time.sleep(POLL)
        self._times = 1

    def release(self) -> None:
        """Release the lock; does nothing if it is not held."""
        if not self._times:
            return
        self._times -= 1
        if self._times:
            return
        engine = self._engine
        with engine.mutex:
            engine.locks.discard(self._kind)
            if self._kind == RUN:
                engine.fence = None
            with suppress(StoreUnreadable):
                engine.session(0).query("SELECT pg_advisory_unlock(%s, %s)", (self._kind, engine.id))

    @contextmanager
    def hold(self, timeout: float = 0.0, *, what: str | None = None) -> Iterator[None]:
        """Hold the lock for a ``with`` block; raises what :meth:`acquire` raises."""
        self.acquire(timeout, what=what)
        try:
            yield
        finally:
            self.release()

    def close(self) -> None:
        """Release the lock completely."""
        self._times = min(self._times, 1)
        self.release()
        with suppress(ValueError):
            self._engine.on_reopen.remove(self._retake)

    def _try(self, what: str) -> bool:
        engine = self._engine
        with engine.mutex:
            # PostgreSQL would give the session its own lock a second time.
            if self._kind in engine.locks or not engine.ask(self._take):
                return False
            engine.locks.add(self._kind)
            if self._kind == RUN:
                try:
                    engine.fence = self._next_fence(engine.session(), what)
                except BaseException:
                    self._times = 1
                    self.release()
                    raise
            return True

    def _take(self, session: Session) -> bool:
        row = session.query_row("SELECT pg_try_advisory_lock(%s, %s)", (self._kind, self._engine.id))
        return bool(row and row[0])

    def _next_fence(self, session: Session, what: str) -> int:
        owner = LockOwner(
            person=self._person,
            host=socket.gethostname(),
            pid=os.getpid(),
            since=self._engine.clock.now(),
            what=what,
        )
        row = session.query_row(_FENCE, (msgspec.json.encode(owner).decode(), self._engine.id))
        assert row is not None
        return int(row[0])

    def _retake(self, session: Session) -> None:
        """Acquire the lock again in the session that replaces a lost one.

        If another process holds it or has held it, the fencing number has changed, so this run commits
        nothing more.
        """
        if self._times:
            self._take(session)


def lock_owner(engine: PostgresEngine) -> LockOwner | None:
    """Return the holder of the run lock; None if it is free or the database cannot be reached."""
    try:
        row = engine.ask(lambda session: session.query_row(_OWNER, (engine.id, RUN, engine.id)), 0)
        return msgspec.json.decode(str(row[0]), type=LockOwner) if row else None
    except (StoreUnreadable, msgspec.DecodeError):
        return None


class SharedRow:
    """The SharedRecord port over a row that one session at a time changes under a row lock."""

    def __init__(self, engine: PostgresEngine, name: str) -> None:
        self._engine = engine
        self._name = name

    @property
    def process(self) -> int:
        """The number that shows other processes that this one is alive."""
        return self._engine.number

    def read(self) -> RecordState:
        """Return the record. Raises ``StoreUnreadable``."""
        return self._engine.ask(self._read, 0)

    @contextmanager
    def change(self) -> Iterator[RecordState]:
        """Lock the record, and write the final ``data`` unless an error is raised.

        Raises ``StoreUnreadable``, ``Busy`` and ``DiskError``.
        """
        engine = self._engine
        with engine.mutex:
            session = engine.session()
            with session.transaction() as connection:
                connection.execute(
                    "INSERT INTO xpm_tui.shared (practice, name) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                    (engine.id, self._name),
                )
                state = self._read(session, " FOR UPDATE")
                before = state.data
                yield state
                if state.data != before:
                    connection.execute(
                        "UPDATE xpm_tui.shared SET body = %s WHERE practice = %s AND name = %s",
                        (state.data, engine.id, self._name),
                    )

    def _read(self, session: Session, suffix: str = "") -> RecordState:
        values = (SESSIONS, self._engine.id, self._name)
        row = session.query_row((_RECORD + suffix).encode(), values, binary=True)
        return RecordState(*row) if row else RecordState(None, [])


def database_clock(engine: PostgresEngine, clock: Clock) -> float:
    """Return the lead of the database's clock over this machine's, in seconds (± half a round trip)."""

    def ask(session: Session) -> float:
        if session.ahead is not None:
            return session.ahead
        before = clock.now().timestamp()
        row = session.query_row("SELECT extract(epoch FROM clock_timestamp())::float8", binary=True)
        after = clock.now().timestamp()
        session.ahead = float(row[0]) - (before + after) / 2 if row else 0.0
        return session.ahead

    return engine.ask(ask)


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
        """Wait; the wait can be cancelled."""
        await self._clock.sleep(seconds)


class DatabaseStore(TableStore):
    """The store of one practice in PostgreSQL.

    Unless ``read_only``, the practice is created if it is missing. ``poll`` is the interval in seconds at
    which changes are queried instead of waiting for notifications; with ``moving``, a practice that is being
    moved is opened too. ``sessions`` are those that practices which are only read share, one after the other;
    the caller closes them.

    Raises:
        BadInput: The address cannot be parsed.
        StoreUnreachable: The database cannot be reached.
        StoreUnreadable: The connection is refused, or the practice is missing or of a newer version.
    """

    def __init__(
        self,
        url: str,
        practice: str,
        *,
        read_only: bool = False,
        clock: Clock,
        person: str = "",
        poll: float | None = None,
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
            borrowed=None if sessions is None else shared_session(sessions, url),
        )
        self.engine: PostgresEngine = self.db.engine
        self._ahead: float | None = None

    @property
    def shown(self) -> str:
        """The address of the database, without its password."""
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
        """Return the lock that lets only one process on all machines renew the login."""
        return DatabaseLock(self.engine, LOGIN, person=person, what="renews the login")

    def clock(self, clock: Clock) -> Clock:
        """Return the clock of the database, whose lead is measured once."""
        if self._ahead is None:
            self._ahead = database_clock(self.engine, clock)
        return DatabaseClock(clock, self._ahead)

    @property
    def warnings(self) -> tuple[str, ...]:
        """A problem to report once: a pooler that filters notifications."""
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
