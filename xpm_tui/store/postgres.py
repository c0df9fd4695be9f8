"""The PostgreSQL engine: the rows of one practice in memory, and the database that they are read from.

It replaces the embedded engine below the TinyDB tables, with the same snapshots in memory. Readers catch up
by position when a notification arrives. A commit takes two round trips, each of them one pipeline: the first
locks the head of the practice and catches up, the second writes and commits.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from xpm_tui.domain.errors import CommitInterrupted, ReadOnly, RunLockLost, StoreUnreachable, StoreUnreadable
from xpm_tui.domain.formatting import when_utc
from xpm_tui.domain.ports import Clock
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import TableSchema
from xpm_tui.store import postgres_tables
from xpm_tui.store.commit_log import Mark
from xpm_tui.store.encoding import EncodedWrite
from xpm_tui.store.manifest import migrate, newest
from xpm_tui.store.memory import Index, LiveTable, MemoryState, Rows
from xpm_tui.store.postgres_connection import DatabaseAddress, Session
from xpm_tui.store.postgres_tables import Head, Registration, RowTransaction
from xpm_tui.store.snapshot import StoreSnapshot

T = TypeVar("T")

POLL_SECONDS = 0.25
"""Seconds between two queries for the position if notifications do not arrive."""

REFRESH_SECONDS = 15.0
"""Seconds after which the position is queried even without a notification."""

COMMIT_SECONDS = 10.0
"""Seconds that a commit waits for a database that cannot be reached."""

RECONNECT_SECONDS = 1.0
"""Seconds between two attempts to reach the database again."""


class PostgresEngine:
    """One open practice in PostgreSQL. Any thread may call it; the caller of :meth:`session` holds ``mutex``.

    ``poll`` is the interval in seconds at which the position is queried instead of waiting for notifications;
    with ``moving``, a practice that is being moved is opened too. ``borrowed`` is a session for reading that
    several engines use one after the other; it is not closed.

    Attributes:
        damage: Why nothing can be written at present: rows are not as they were written, or the database
            cannot be reached, which may end.
        fence: The number that every commit of a run carries; None outside a run.
        locks: The kinds of locks that it holds.
        on_reopen: Functions that are called with each session that replaces a lost one.
        head: The head of the practice as it was last read.
        role: The role of the session.
        number: The number of the session for other processes.
    """

    def __init__(
        self,
        address: DatabaseAddress,
        practice: str,
        *,
        read_only: bool,
        clock: Clock,
        person: str = "",
        poll: float | None = None,
        moving: bool = False,
        borrowed: Session | None = None,
    ) -> None:
        self.address = address
        self.practice = practice
        self.clock = clock
        self.person = person
        self.damage: StoreUnreadable | None = None
        self.fence: int | None = None
        self.mutex = threading.RLock()
        self.locks: set[int] = set()
        self.on_reopen: list[Callable[[Session], None]] = []
        self._read_only = read_only
        self._poll = poll
        self._moving = moving
        self._closed = False
        self._in_transaction = False
        self._queried_at = 0.0
        self._views: weakref.WeakSet[StoreSnapshot] = weakref.WeakSet()
        self._reconnector: threading.Thread | None = None
        self._ending = threading.Event()
        self._borrowed = borrowed
        session = borrowed or Session(address)
        self._session: Session | None = session
        self.number = session.number
        try:
            self.role: Registration = postgres_tables.register(session, practice, create=not read_only)
            self.id = self.role.practice
            self._listen(session)
            head = self._load(session)
            self._refuse_head(head)
            if head.format < newest():
                self._upgrade(head.format)
        except BaseException:
            if borrowed is None:
                session.close()
            raise

    # -- state -----------------------------------------------------------------------------------------

    @property
    def read_only(self) -> bool:
        """Whether nothing may be written: as requested, by the role's rights, or because of ``damage``."""
        return self._read_only or self.role.reads_only or self.damage is not None

    @property
    def mark(self) -> Mark:
        """The latest known commit."""
        return self.state.mark

    @property
    def listens(self) -> bool:
        """Whether the database sends notifications of commits; otherwise the position is polled."""
        if self._borrowed is not None:
            return True  # notifications are not requested, because the practice is closed again soon
        return self._session is not None and self._session.listens and self._poll is None

    def snapshot(self) -> StoreSnapshot:
        """Return the latest state, or the last known one while the database cannot be reached."""
        if self.mutex.acquire(timeout=0.01):
            try:
                if self._latest_position() > self.state.mark.position:
                    self._refresh()
            finally:
                self.mutex.release()
        return self.view()

    def view(self) -> StoreSnapshot:
        """Return the state in memory."""
        view = StoreSnapshot(self.state, self._build, self.head.store_id)
        self._views.add(view)
        return view

    def watch(self) -> int:
        """Return the latest known position, without a round trip if notifications arrive."""
        if self.mutex.acquire(timeout=0.01):
            try:
                return self._latest_position()
            finally:
                self.mutex.release()
        return self.state.mark.position

    def session(self, patience: float | None = None) -> Session:
        """Return the session, which is opened again if it was lost.

        Raises ``StoreUnreachable`` or ``StoreUnreadable`` after ``patience`` seconds (by default
        :data:`COMMIT_SECONDS`).
        """
        if self._session is None and patience == 0 and self.damage is not None:
            raise self.damage  # a thread is looking for the database already
        deadline = self.clock.monotonic() + (COMMIT_SECONDS if patience is None else patience)
        while True:
            if self._closed:
                raise ReadOnly("The data store is closed.")
            lost = self._session is None
            try:
                if self._session is None:
                    self._reopen()
                else:
                    self._session.receive_notifications()
                return cast(Session, self._session)
            except StoreUnreadable as error:
                self._drop_session(error)
                if lost:
                    if self.clock.monotonic() + RECONNECT_SECONDS > deadline:
                        raise
                    self._ending.wait(RECONNECT_SECONDS)

    def ask(self, question: Callable[[Session], T], patience: float | None = None) -> T:
        """Return the answer to a query that may be sent twice: it is repeated if the session was lost.

        Raises what :meth:`session` raises.
        """
        with self.mutex:
            try:
                return question(self.session(patience))
            except StoreUnreachable as error:
                self._drop_session(error)
                if patience == 0:
                    self._reopen()  # once: without a session, ``session(0)`` leaves that to the thread
                return question(self.session(patience))

    # -- writing ---------------------------------------------------------------------------------------

    def transact(self, make: Callable[[StoreSnapshot], Sequence[EncodedWrite]]) -> int:
        """Commit the writes that ``make`` returns for the latest state, while no other process can commit.

        Raises ``ReadOnly``, ``StoreUnreadable``, ``DiskError`` and ``Busy``. Nothing is written then, unless
        the message says that this is not known.
        """
        with self.locked() as session:
            changes = list(make(self.view()))
            base = self.state.mark.position
            if not changes:
                return base
            transaction = postgres_tables.prepare_transaction(self.state.tables, changes, base, self._seq)
            try:
                return self._send(session, transaction)
            except StoreUnreachable as error:
                self._drop_session(error)
                lost = error
        return self._resolve(transaction, lost)

    def write_all(self, tables: Mapping[str, Rows], *, position: int = 0) -> int:
        """Replace all rows by these, as one commit after ``position``; return the new position."""
        with self.locked() as session:
            new = max(self.state.mark.position, position) + 1
            postgres_tables.replace_rows(session, self.id, tables, new, self.person)
            self._load(session)
            return new

    def verify(self) -> None:
        """Read everything again from the database. Raises ``StoreUnreadable``."""
        self.ask(self._load)

    def prune(self) -> int:
        """Remove old tombstones and records of commits; return the number of removed rows."""
        with self.locked() as session:
            return postgres_tables.prune_rows(session, self.id)

    @contextmanager
    def locked(self) -> Iterator[Session]:
        """Lock the head of the practice in a transaction, with the latest state in memory.

        It is rolled back unless the caller commits it.
        """
        self._refuse_writing()
        with self.mutex:
            session = self._begin()
            try:
                yield session
            except StoreUnreachable as error:
                self._drop_session(error)
                raise
            finally:
                self._in_transaction = False
                session.rollback()

    def close(self) -> None:
        """Close the session; closing it twice is allowed."""
        self._closed = True
        self._ending.set()
        with self.mutex:
            session, self._session = self._session, None
            if session is not None and session is not self._borrowed:
                session.close()
        if self._reconnector is not None:
            self._reconnector.join()

    # -- catching up -----------------------------------------------------------------------------------

    def _listen(self, session: Session) -> None:
        if self._poll is None and self._borrowed is None:
            session.listen(self.id)

    def _load(self, session: Session) -> Head:
        head, tables = postgres_tables.read_all(session, self.id)
        head = postgres_tables.known_head(head, self.practice, self.address)
        self.state = MemoryState(tables, head.mark)
        self._take_head(head)
        return head

    def _upgrade(self, found: int) -> None:
        tables = migrate({name: dict(live.rows) for name, live in self.state.tables.items()}, found)
        if self.read_only:
            self.state = MemoryState(tables, self.state.mark)
        else:
            self.write_all(tables)

    def _take_head(self, head: Head) -> None:
        self.head = head
        self._seq = head.seq
        self._queried_at = self.clock.monotonic()

    def _latest_position(self) -> int:
        """Read notifications, or query the position without them; return the latest known position."""
        known = self.state.mark.position
        session = self._session
        if session is None or self._in_transaction:
            return known
        every = self._poll if self._poll is not None else REFRESH_SECONDS if session.listens else POLL_SECONDS
        if self.clock.monotonic() - self._queried_at >= every:
            self._refresh()
            return self.state.mark.position
        try:
            session.receive_notifications()
        except StoreUnreachable as error:
            self._drop_session(error)
        return max(known, session.notified)

    def _refresh(self) -> None:
        """Catch up; an error becomes ``damage``, and readers keep the last known state."""
        session = self._session
        if session is None or self._in_transaction:
            return
        try:
            self._catch_up(session, postgres_tables.read_changes(session, self.id, self.state.mark.position))
        except StoreUnreachable as error:
            self._drop_session(error)
        except StoreUnreadable as error:
            self.damage = error

    def _catch_up(self, session: Session, found: list[tuple[Any, ...]]) -> Head:
        """Apply the head and the changes that were read after the state's position."""
        known = self.state.mark.position
        found_head, changes = postgres_tables.split_changes(found, self.state.tables, self._seq)
        head = postgres_tables.known_head(found_head, self.practice, self.address)
        if head.position < known or (known < head.horizon and head.position != known):
            return self._load(session)  # the commits in between are no longer recorded
        if head.position > known:
            self.state.apply(changes, head.mark, watched=len(self._views) > 0)
            if postgres_tables.row_count(self.state.tables) != head.row_count:
                return self._load(session)
        self._take_head(head)
        return head

    def _build(self, live: LiveTable, table: TableSchema[Any], name: str) -> Index:
        with self.mutex:
            return live.indexes.get(name) or live.indexes.build(table, name, live.rows)

    # -- committing ------------------------------------------------------------------------------------

    def _begin(self) -> Session:
        """Lock the head and catch up. Nothing has been written yet, so a lost session is replaced once."""
        for may_retry in (True, False):
            session = self.session()
            try:
                found = postgres_tables.lock_head(session, self.id, self.state.mark.position)
                self._in_transaction = True
                self._refuse_head(self._catch_up(session, found))
                return session
            except StoreUnreachable as error:
                self._in_transaction = False
                self._drop_session(error)
                if not may_retry:
                    raise
            except BaseException:
                self._in_transaction = False
                session.rollback()
                raise
        raise AssertionError("unreachable")

    def _refuse_head(self, head: Head) -> None:
        if head.state and not self._moving:
            raise postgres_tables.moved_practice_error(head, self.practice, self.address)
        if self.fence is not None and head.fence != self.fence:
            raise RunLockLost(
                "This run has lost its lock: the connection to the database was interrupted, and another "
                "process has taken over.",
                hint="Nothing was written. See which process it is: xpm-tui status",
            )

    def _send(self, session: Session, transaction: RowTransaction) -> int:
        position = postgres_tables.send(session, self.id, transaction, self.person)
        mark = Mark(0, position, 0, round(self.clock.now().timestamp() * 1000))
        self.state.apply(transaction.changes, mark, watched=len(self._views) > 0)
        self._take_head(
            self.head._replace(position=position, seq=transaction.seq, row_count=transaction.total)
        )
        return position

    def _resolve(self, transaction: RowTransaction, lost: StoreUnreachable) -> int:
        """Find out by its token whether a transaction whose reply was lost took effect.

        The lock on the head waits for the transaction of the old session to end, so the answer is final.
        """
        try:
            with self.locked() as session:
                position = postgres_tables.committed_at(session, self.id, transaction.token)
                if position is not None:
                    return position
                if self.state.mark.position == transaction.base:
                    return self._send(session, transaction)
        except StoreUnreachable as error:
            raise StoreUnreachable(
                f"{lost.message} It is not known whether the last change was saved.",
                hint="Check whether it was saved once the database answers again.",
            ) from error
        raise CommitInterrupted(
            "The connection to the database was interrupted, and someone else changed the practice "
            "in the meantime.",
            hint="Nothing was written. Check it, then try again.",
        )

    def _refuse_writing(self) -> None:
        if self._closed:
            raise ReadOnly("The data store is closed.")
        if self._read_only:
            raise ReadOnly(
                "The data is open for reading only.", hint="Run it again without --read-only to write."
            )
        if self.role.reads_only:
            raise ReadOnly(
                f"The database role {visible(self.role.name, 60)} may read this practice, but not change it.",
                hint="Ask the owner of the database for another role.",
            )
        if self.damage is not None and not isinstance(self.damage, StoreUnreachable):
            raise self.damage

    # -- lost connections ------------------------------------------------------------------------------

    def _drop_session(self, error: StoreUnreadable) -> None:
        """Continue with the last known state, and try to reach the database in the background."""
        session, self._session = self._session, None
        if session is not None:
            session.close()
        if self.damage is None:
            self.damage = StoreUnreachable(
                f"{error.message} You see the data as of {when_utc(self.clock.now())}.", hint=error.hint
            )
        if not self._closed and (self._reconnector is None or not self._reconnector.is_alive()):
            self._reconnector = threading.Thread(target=self._reconnect, name="store-reconnect", daemon=True)
            self._reconnector.start()

    def _reconnect(self) -> None:
        while not self._ending.wait(RECONNECT_SECONDS):
            with self.mutex:
                if self._session is not None or self._closed:
                    return
                try:
                    self._reopen()
                    return
                except StoreUnreadable:
                    continue

    def _reopen(self) -> None:
        """Open the session again under its number, and catch up. The caller holds ``mutex``."""
        session = Session(self.address, self.number)
        try:
            self._listen(session)
            for call in self.on_reopen:
                call(session)
            self._catch_up(session, postgres_tables.read_changes(session, self.id, self.state.mark.position))
        except BaseException:
            session.close()
            raise
        self._session = session
        if isinstance(self.damage, StoreUnreachable):
            self.damage = None
