"""Connections to PostgreSQL: the address, the session, and the translation of the driver's errors.

This module knows nothing about the stored data. No error text contains a password.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString, cast
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import errors as sql
from psycopg import sql as composed
from psycopg.conninfo import conninfo_to_dict

from xpm_tui.domain.errors import (
    AppError,
    BadInput,
    Busy,
    DiskError,
    ReadOnly,
    StoreUnreachable,
    StoreUnreadable,
)
from xpm_tui.domain.safe_text import visible

Connection = psycopg.Connection[tuple[Any, ...]]

LOCK_SECONDS = 20
"""Seconds that a statement waits for another process before ``Busy``."""

IDLE_SECONDS = 2
"""Seconds after which PostgreSQL ends a session that stopped in the middle of a transaction."""

SCHEMA_LOCK = 0x78706D5F747569
"""Key of the advisory lock that is held while the tables are created."""

SESSIONS = 0x78706D01
"""First key of the advisory locks that show that a session is alive; the second is its number."""

_DEFAULTS = {
    "application_name": "xpm-tui",
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}

_SETUP = (
    "SELECT set_config('client_encoding', 'UTF8', false),"
    f" set_config('lock_timeout', '{LOCK_SECONDS}s', false),"
    f" set_config('idle_in_transaction_session_timeout', '{IDLE_SECONDS}s', false),"
    # The server, too, must notice that a machine is cut off: until then its locks are held.
    " set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '3', false),"
    " set_config('tcp_keepalives_count', '3', false), set_config('tcp_user_timeout', '10000', false),"
    " set_config('search_path', '', false)"
)
_END_OLD = (
    "SELECT pg_terminate_backend(pid) FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND classid = %s"
    " AND objid = %s AND objsubid = 2 AND pid <> pg_backend_pid()"
)
_DURABLE = (
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
)


class DatabaseAddress:
    """The address of a database. ``shown`` is the address for texts, without password and options.

    A server on another machine is reached with TLS (``sslmode=require``) unless the address says otherwise.

    Raises:
        BadInput: The address cannot be parsed.
    """

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            found = conninfo_to_dict(url)
        except (ValueError, psycopg.Error):
            found, parts = {}, urlsplit("")
        host = str(found.get("host") or found.get("hostaddr") or "")
        sound = "@" not in host and re.fullmatch(r"[0-9,]*", str(found.get("port") or ""))
        if not sound or parts.scheme not in ("postgresql", "postgres"):
            # The reason is not shown, because it may repeat a part of the password.
            raise BadInput(
                "store.url is not an address of a PostgreSQL database.",
                hint="It has the form postgresql://USER@HOST/DATABASE; special characters in a password are "
                "written as %XX.",
            )
        self.options: dict[str, Any] = {**_DEFAULTS, **found}
        self.password = str(found.get("password") or "")
        self.local = not host or host.startswith("/") or host in ("localhost", "127.0.0.1", "::1")
        if not self.local:
            self.options.setdefault("sslmode", "require")
        port = f":{found['port']}" if found.get("port") else ""
        user = f"{found['user']}@" if found.get("user") else ""
        self.server = visible(f"{host or 'this machine'}{port}", 120)
        place = f"{user}{'' if host.startswith('/') else host}{port}/{found.get('dbname') or ''}"
        self.shown = visible(f"postgresql://{place}", 240)

    def __repr__(self) -> str:
        return f"DatabaseAddress({self.shown!r})"

    def clean(self, text: str) -> str:
        """Return the first line of a driver's text, without the password in any of its forms."""
        line = text.strip().splitlines()[0] if text.strip() else "no reason was given"
        for secret in {self.password, unquote(self.password)} - {""}:
            line = line.replace(secret, "***")
        return visible(line, 240)


class Session:
    """A session at the server.

    Attributes:
        number: Shows other processes that the session is alive; it stays when a lost session is opened again.
        notified: The highest position in a notification.
        listens: Whether notifications arrive at all.
        role: The role of the session, its person, and whether it only reads; None until they are known.
        ahead: The lead of the server's clock in seconds; None until it is known.
    """

    def __init__(self, address: DatabaseAddress, number: int = 0) -> None:
        self.address = address
        self.number = number or secrets.randbelow((1 << 31) - 1) + 1
        self.notified = 0
        self.listens = False
        self.role: tuple[str, str, bool] | None = None
        self.ahead: float | None = None
        try:
            self.connection: Connection = psycopg.connect(**address.options, autocommit=True)
        except psycopg.Error as error:
            raise _connection_error(address, error) from None
        try:
            with self.errors(), self.connection.pipeline():
                self.connection.execute(_SETUP)
                self.connection.execute(_DURABLE)
                if number:
                    # The server may not have noticed yet that the session before is gone.
                    self.connection.execute(_END_OLD, (SESSIONS, number))
                self.connection.execute("SELECT pg_advisory_lock_shared(%s, %s)", (SESSIONS, self.number))
        except BaseException:
            self.close()
            raise
        self.connection.add_notify_handler(self._notice)

    def _notice(self, note: psycopg.Notify) -> None:
        if note.payload.isdecimal():
            self.notified = max(self.notified, int(note.payload))
        elif note.payload == "hello":
            self.listens = True

    def listen(self, practice: int) -> None:
        """Ask for notifications, and find out whether they arrive: some poolers filter them."""
        name = channel(practice)
        with self.errors():
            self.connection.execute(composed.SQL("LISTEN {}").format(composed.Identifier(name)))
            self.connection.execute("SELECT pg_notify(%s, 'hello')", (name,))
            self.connection.execute("SELECT 1")
        self.receive_notifications()

    def receive_notifications(self) -> None:
        """Read the notifications that have arrived, without waiting. Raises ``StoreUnreachable``."""
        with self.errors():
            raw = self.connection.pgconn
            raw.consume_input()
            raw.consume_input()  # the server's last message may come before the end of the connection
            while (note := raw.notifies()) is not None:
                self._notice(psycopg.Notify(note.relname.decode(), note.extra.decode(), note.be_pid))

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Raise errors of the driver as errors of the store."""
        try:
            yield
        except psycopg.Error as error:
            raise _statement_error(self.address, error) from None

    def query(
        self, statement: LiteralString | bytes, values: Sequence[Any] = (), *, binary: bool = False
    ) -> list[tuple[Any, ...]]:
        """Return all rows of a statement, whose errors are those of the store."""
        with self.errors():
            return self.connection.execute(statement, values or None, binary=binary).fetchall()

    def query_row(
        self, statement: LiteralString | bytes, values: Sequence[Any] = (), *, binary: bool = False
    ) -> tuple[Any, ...] | None:
        """Return the first row of a statement, whose errors are those of the store; None if there is none."""
        with self.errors():
            return self.connection.execute(statement, values or None, binary=binary).fetchone()

    @property
    def alive(self) -> bool:
        """Whether the connection is open, as far as this side knows."""
        return not self.connection.closed

    @contextmanager
    def transaction(self, begin: LiteralString = "BEGIN") -> Iterator[Connection]:
        """Begin a transaction whose statements are sent one by one; an error rolls it back."""
        with self.errors():
            self.connection.execute(begin)
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException:
                self.rollback()
                raise

    @contextmanager
    def consistent_view(self) -> Iterator[Connection]:
        """Begin a transaction with a consistent view, or continue the open one, which has locked the head."""
        if self.connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
            with self.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as connection:
                yield connection
        else:
            with self.errors():
                yield self.connection

    def rollback(self) -> None:
        """Roll back a failed transaction; a lost connection has already ended it."""
        try:
            if self.alive and self.connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                self.connection.execute("ROLLBACK")
        except psycopg.Error:
            self.close()

    def close(self) -> None:
        """Close the connection; never raises."""
        try:
            self.connection.close()
        except psycopg.Error:
            return


Sessions = dict[str, Session | StoreUnreachable]
"""Sessions for reading many practices one after the other, by address, or the reason why there is none."""


def shared_session(sessions: Sessions, url: str) -> Session:
    """Return the session for an address, which is opened once.

    Raises:
        StoreUnreachable: The server cannot be reached now, or could not be reached before.
    """
    found = sessions.get(url)
    if isinstance(found, StoreUnreachable):
        raise found
    if found is None or not found.alive:
        try:
            found = sessions[url] = Session(DatabaseAddress(url))
        except StoreUnreachable as lost:
            sessions[url] = lost
            raise
    return found


def close_sessions(sessions: Sessions) -> None:
    """Close all sessions."""
    for session in sessions.values():
        if isinstance(session, Session):
            session.close()


def channel(practice: int) -> str:
    """Return the channel of the notifications about commits of a practice."""
    return f"xpm_tui_{practice}"


def _statement_error(address: DatabaseAddress, error: psycopg.Error) -> AppError:
    """Return the store error for an error of the driver on an open connection."""
    server, text = address.server, address.clean(str(error))
    for kinds, make in _STATEMENT_ERRORS:
        if isinstance(error, kinds):
            return cast(AppError, make(server, text))
    if error.sqlstate is None:
        return StoreUnreachable(
            f"The connection to the database at {server} was lost: {text}.",
            hint="xpm-tui connects again by itself.",
        )
    return StoreUnreadable(
        f"PostgreSQL at {server} refused a statement: {text}", hint="See the log of the PostgreSQL server."
    )


def _connection_error(address: DatabaseAddress, error: psycopg.Error) -> StoreUnreachable:
    """Return the store error for a failed connection attempt. The server's text may be in any language."""
    text = address.clean(str(error))
    connection = error.pgconn
    if connection is not None and connection.needs_password:
        return StoreUnreachable(
            f"PostgreSQL at {address.server} asks for a password, but none was given.",
            hint="Put it in ~/.pgpass or in store.url.",
        )
    reason = text.partition("FATAL:")[2].strip()
    if reason and not re.search("starting up|shutting down|recovery|too many|slots are reserved", reason):
        return StoreUnreachable(
            f"PostgreSQL at {address.server} refused the connection: {reason}.",
            hint="Check the user, password and database in store.url, and pg_hba.conf on the server.",
        )
    reason = reason or text.rpartition("failed: ")[2] or text
    return StoreUnreachable(
        f"The database at {address.server} cannot be reached: {reason[:1].lower()}{reason[1:].rstrip('.')}.",
        hint="Check the server and the network; xpm-tui connects again by itself.",
    )


_STATEMENT_ERRORS: tuple[tuple[Any, Any], ...] = (
    (
        (sql.DiskFull, sql.OutOfMemory, sql.IoError),
        lambda server, text: DiskError(
            f"PostgreSQL at {server} could not write: {text}. Nothing was saved.",
            hint="Free space on the disk of the database server, then try again.",
        ),
    ),
    (
        (sql.LockNotAvailable, sql.DeadlockDetected, sql.SerializationFailure, sql.QueryCanceled),
        lambda server, text: Busy(
            "Another process has been changing this practice for too long.",
            hint="Nothing was written. Wait until it ends, then try again.",
        ),
    ),
    (
        (sql.ReadOnlySqlTransaction,),
        lambda server, text: ReadOnly(
            f"PostgreSQL at {server} accepts no changes at the moment: it is a standby or set to read-only.",
            hint="Use the address of the primary server in store.url.",
        ),
    ),
    (
        (sql.InsufficientPrivilege,),
        lambda server, text: StoreUnreadable(
            f"Your database role lacks a permission at {server}: {text}.",
            hint="Ask the owner of the database: see docs/production.md, section Roles.",
        ),
    ),
    (
        (sql.TooManyConnections,),
        lambda server, text: StoreUnreachable(
            f"PostgreSQL at {server} accepts no more connections: {text}.",
            hint="Raise max_connections there, or run fewer processes.",
        ),
    ),
    (
        (
            sql.AdminShutdown, sql.CrashShutdown, sql.CannotConnectNow, sql.IdleInTransactionSessionTimeout,
            sql.ConnectionException, sql.DatabaseDropped,
        ),
        lambda server, text: StoreUnreachable(
            f"The database at {server} closed the connection: {text}.",
            hint="xpm-tui connects again by itself.",
        ),
    ),
    (
        (sql.DataError,),
        lambda server, text: BadInput(
            f"A value cannot be saved in PostgreSQL: {text}.",
            hint="Nothing was written. Correct the value and try again.",
        ),
    ),
)  # fmt: skip
