"""The tables of a practice in PostgreSQL: their creation, the statements on rows, and checksums.

The layout is in :mod:`xpm_tui.store.manifest`. Lost connections are handled by the engine.
"""

from __future__ import annotations

import secrets
import socket
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from xpm_tui import __version__
from xpm_tui.domain.errors import StoreUnreadable
from xpm_tui.domain.formatting import count
from xpm_tui.domain.safe_text import visible
from xpm_tui.store.commit_log import Mark
from xpm_tui.store.encoding import EncodedWrite
from xpm_tui.store.manifest import LAYOUTS, newest
from xpm_tui.store.memory import LiveTable, Rows
from xpm_tui.store.postgres_connection import SCHEMA_LOCK, Connection, DatabaseAddress, Session, channel

TOMBSTONE_DAYS, COMMIT_DAYS = 2, 400
"""Days after which tombstones, and the record of who committed what, may be removed."""

BATCH = 5_000
"""The number of rows in one statement."""

Tables = Mapping[str, LiveTable]

_HEAD = (
    "p.position, p.seq, p.row_count, p.horizon, p.fence, p.format, p.state, p.moved_to, p.book,"
    " (extract(epoch FROM clock_timestamp()) * 1000)::bigint"
)
_READ_HEAD = f"SELECT {_HEAD} FROM xpm_tui.practices p WHERE p.id = %s"
_CHANGES = (
    f"SELECT {_HEAD}, r.tbl, r.id, r.position, r.seq, r.crc, r.body FROM xpm_tui.practices p"
    " LEFT JOIN xpm_tui.rows r ON r.practice = p.id AND r.position > %s WHERE p.id = %s"
)
_ALL_ROWS = (
    "SELECT tbl, id, position, seq, crc, body FROM xpm_tui.rows WHERE practice = %s AND body IS NOT NULL"
)
_WRITE = (
    "INSERT INTO xpm_tui.rows AS r (practice, tbl, id, position, seq, crc, body)"
    " SELECT %s, * FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bytea[])"
    " ON CONFLICT (practice, tbl, id) DO UPDATE SET position = excluded.position, crc = excluded.crc,"
    " body = excluded.body, seq = CASE WHEN excluded.seq = 0 THEN r.seq ELSE excluded.seq END"
)
_ADVANCE = "UPDATE xpm_tui.practices SET position = %s, seq = %s, row_count = %s WHERE id = %s"
_REPLACED = (
    "UPDATE xpm_tui.practices SET position = %s, seq = %s, row_count = %s, horizon = %s, format = %s"
    " WHERE id = %s"
)
_SIGN = (
    "INSERT INTO xpm_tui.commits (practice, token, position, person, machine, version)"
    " VALUES (%s, %s, %s, %s, %s, %s)"
)
_OLD_POSITION = (
    "SELECT coalesce(max(position), 0) FROM xpm_tui.commits"
    " WHERE practice = %s AND at < clock_timestamp() - make_interval(days => %s)"
)


class Head(NamedTuple):
    """The head of a practice in the database; ``millis`` is the server's time (ms since 1970)."""

    position: int
    seq: int
    row_count: int
    horizon: int
    fence: int
    format: int
    state: str
    moved_to: str
    store_id: str
    millis: int

    @property
    def mark(self) -> Mark:
        """The position as a mark in the history of the store."""
        return Mark(0, self.position, 0, self.millis)


class RowTransaction(NamedTuple):
    """A transaction that is ready to be sent; it may be sent again with the same token.

    Attributes:
        rows: The changed rows; a deleted one has no body.
        seqs: Their order of arrival, 0 if it is unchanged.
        seq: The last number in the order of arrival afterwards.
        total: The number of rows of the practice afterwards.
        base: The position before.
    """

    changes: list[EncodedWrite]
    rows: list[EncodedWrite]
    seqs: list[int]
    seq: int
    total: int
    base: int
    token: str


def prepare_transaction(tables: Tables, changes: list[EncodedWrite], base: int, seq: int) -> RowTransaction:
    """Translate changes of the state ``tables`` at position ``base`` into changed rows."""
    final: dict[tuple[str, str], bytes | None] = {}
    arrived: set[tuple[str, str]] = set()
    count = row_count(tables)
    for name, id_, raw in changes:
        key = (name, id_)
        live = tables.get(name)
        existed = live is not None and id_ in live.rows
        before = final[key] is not None if key in final else existed
        count += (raw is not None) - before
        if raw is None:
            final.pop(key, None)
            arrived.discard(key)
            if existed:
                final[key] = None
            continue
        if not before:
            final.pop(key, None)
            arrived.add(key)
        final[key] = raw
    seqs = []
    for key in final:
        seq += key in arrived
        seqs.append(seq if key in arrived else 0)
    rows = [EncodedWrite(*key, raw) for key, raw in final.items()]
    return RowTransaction(changes, rows, seqs, seq, count, base, secrets.token_hex(12))


def row_count(tables: Tables) -> int:
    """Return the number of rows in all tables."""
    return sum(len(live.rows) for live in tables.values())


def _read_head(connection: Connection, practice: int) -> Head | None:
    """Return the head of a practice; None if it does not exist."""
    row = connection.execute(_READ_HEAD, (practice,)).fetchone()
    return Head(*row) if row else None


def read_all(session: Session, practice: int) -> tuple[Head | None, dict[str, Rows]]:
    """Return the head and all rows in order of arrival, in one consistent view.

    Raises ``StoreUnreadable`` if a row, or the number of rows, is not as it was written.
    """
    found: dict[str, list[tuple[int, str, bytes]]] = {}
    with session.consistent_view() as connection:
        head = _read_head(connection, practice)
        with connection.cursor() as cursor:
            for tbl, id_, position, seq, crc, body in cursor.stream(
                _ALL_ROWS, (practice,), binary=True, size=500
            ):
                if _checksum(tbl, id_, position, body) != crc:
                    raise _damaged_row(tbl, id_)
                found.setdefault(tbl, []).append((seq, id_, body))
    tables = {name: {id_: body for _, id_, body in sorted(rows)} for name, rows in found.items()}
    total = sum(map(len, tables.values()))
    if head is not None and total != head.row_count:
        raise StoreUnreadable(
            f"The database returned {count(total, 'row')} of the practice, "
            f"but {head.row_count:,} were saved.",
            hint=_RESTORE,
        )
    return head, tables


def lock_head(session: Session, practice: int, position: int) -> list[tuple[Any, ...]]:
    """Begin a transaction, lock the head and query the changes after ``position``, in one round trip."""
    with session.errors(), session.connection.pipeline():
        session.connection.execute("BEGIN")
        session.connection.execute("SELECT 1 FROM xpm_tui.practices WHERE id = %s FOR UPDATE", (practice,))
        result = session.connection.execute(_CHANGES, (position, practice), binary=True)
    with session.errors():
        return result.fetchall()


def read_changes(session: Session, practice: int, position: int) -> list[tuple[Any, ...]]:
    """Return the head and each row that was written after ``position``, in one consistent view."""
    return session.query(_CHANGES, (position, practice), binary=True)


def split_changes(
    found: list[tuple[Any, ...]], tables: Tables, seq: int
) -> tuple[Head | None, list[EncodedWrite]]:
    """Return the head, and the rows after a position as changes of the state ``tables`` with that ``seq``.

    Raises ``StoreUnreadable`` if a row is not as it was written.
    """
    if not found:
        return None, []
    changes: list[EncodedWrite] = []
    width = len(Head._fields)
    rows = [row[width:] for row in found if row[width] is not None]
    for tbl, id_, position, number, crc, body in sorted(rows, key=lambda row: cast(int, row[3])):
        if _checksum(tbl, id_, position, body) != crc:
            raise _damaged_row(tbl, id_)
        live = tables.get(tbl)
        if body is not None and number > seq and live is not None and id_ in live.rows:
            changes.append(EncodedWrite(tbl, id_, None))  # it was removed and has returned as the last row
        changes.append(EncodedWrite(tbl, id_, body))
    return Head(*found[0][:width]), changes


def send(session: Session, practice: int, transaction: RowTransaction, person: str) -> int:
    """Write and commit in one round trip, with the head locked; return the new position."""
    position = transaction.base + 1
    with session.errors(), session.connection.pipeline():
        _write(session.connection, practice, transaction.rows, position, transaction.seqs)
        session.connection.execute(_ADVANCE, (position, transaction.seq, transaction.total, practice))
        _sign(session.connection, practice, transaction.token, position, person)
        session.connection.execute("COMMIT")
    return position


def committed_at(session: Session, practice: int, token: str) -> int | None:
    """Return the position of the commit with this token; None if it had no effect. The head is locked."""
    found = session.query_row(
        "SELECT position FROM xpm_tui.commits WHERE practice = %s AND token = %s", (practice, token)
    )
    return int(found[0]) if found else None


def replace_rows(
    session: Session, practice: int, tables: Mapping[str, Rows], position: int, person: str
) -> None:
    """Replace all rows by these and commit, with the head locked."""
    flat = [EncodedWrite(name, id_, raw) for name, rows in tables.items() for id_, raw in rows.items()]
    with session.errors(), session.connection.pipeline():
        session.connection.execute("DELETE FROM xpm_tui.rows WHERE practice = %s", (practice,))
        _write(session.connection, practice, flat, position, range(1, len(flat) + 1))
        total = len(flat)
        session.connection.execute(_REPLACED, (position, total, total, position, newest(), practice))
        _sign(session.connection, practice, secrets.token_hex(12), position, person)
        session.connection.execute("COMMIT")


def prune_rows(session: Session, practice: int) -> int:
    """Remove old tombstones and records of commits, and commit; return the number of removed rows."""
    old = session.query_row(_OLD_POSITION, (practice, TOMBSTONE_DAYS))
    horizon = int(old[0]) if old else 0
    with session.errors(), session.connection.pipeline():
        removed = session.connection.execute(
            "DELETE FROM xpm_tui.rows WHERE practice = %s AND body IS NULL AND position <= %s",
            (practice, horizon),
        )
        session.connection.execute(
            "UPDATE xpm_tui.practices SET horizon = greatest(horizon, %s) WHERE id = %s", (horizon, practice)
        )
        session.connection.execute(
            "DELETE FROM xpm_tui.commits"
            " WHERE practice = %s AND at < clock_timestamp() - make_interval(days => %s)",
            (practice, COMMIT_DAYS),
        )
        session.connection.execute("COMMIT")
    return removed.rowcount


def _checksum(tbl: str, id_: str, position: int, body: bytes | None) -> int:
    """Return the CRC-32 of table, id, position and body, so that swapped rows are noticed."""
    head = f"{tbl}\0{id_}\0{position}\0{'-' if body is None else '+'}".encode()
    return zlib.crc32(body or b"", zlib.crc32(head))


def _damaged_row(tbl: str, id_: str) -> StoreUnreadable:
    """Return the error for a row that is not as it was written."""
    return StoreUnreadable(
        f"The row {visible(id_, 60)} of {visible(tbl, 40)} is not what was written to the database.",
        hint=_RESTORE,
    )


_RESTORE = "Check it with: xpm-tui data check. Then restore a backup: xpm-tui data restore FILE."


def _write(
    connection: Connection, practice: int, rows: Sequence[EncodedWrite], position: int, seqs: Iterable[int]
) -> None:
    numbers = list(seqs)
    for start in range(0, len(rows), BATCH):
        part = rows[start : start + BATCH]
        connection.execute(
            _WRITE,
            (
                practice,
                [row.table for row in part],
                [row.id for row in part],
                [position] * len(part),
                numbers[start : start + BATCH],
                [_checksum(row.table, row.id, position, row.raw) for row in part],
                [row.raw for row in part],
            ),
        )


def _sign(connection: Connection, practice: int, token: str, position: int, person: str) -> None:
    """Record the commit and who made it, and notify all who listen."""
    signature = (practice, token, position, person, socket.gethostname(), f"xpm-tui {__version__}")
    connection.execute(_SIGN, signature)
    connection.execute("SELECT pg_notify(%s, %s)", (channel(practice), str(position)))


_RIGHTS = (
    "SELECT session_user::text,"
    " has_table_privilege('xpm_tui.rows', 'INSERT') AND has_table_privilege('xpm_tui.commits', 'INSERT'),"
    " (SELECT person FROM xpm_tui.people WHERE role = session_user)"
)


class Registration(NamedTuple):
    """A practice in the database, and the role of the session that opened it.

    ``person`` is the person of the role, empty if the database does not know one. ``reads_only`` is whether
    the role lacks the right to change anything.
    """

    practice: int
    name: str
    person: str
    reads_only: bool


def register(session: Session, practice: str, *, create: bool) -> Registration:
    """Find a practice by name; with ``create``, also create it and the tables if they are missing.

    Raises ``StoreUnreadable`` if something is missing and may not be created, or the tables are newer.
    """
    if session.role is None:
        _migrate_layout(session, create)
        row = session.query_row(_RIGHTS)
        assert row is not None
        session.role = (str(row[0]), str(row[2] or ""), not row[1])
    role, person, reads_only = session.role
    find = "SELECT id FROM xpm_tui.practices WHERE name = %s"
    found = session.query_row(find, (practice,))
    if found is None and create and not reads_only:
        with session.errors():
            session.connection.execute(
                "INSERT INTO xpm_tui.practices (name, book, format) VALUES (%s, %s, %s)"
                " ON CONFLICT DO NOTHING",
                (practice, secrets.token_hex(8), newest()),
            )
        found = session.query_row(find, (practice,))
    if found is None:
        raise StoreUnreadable(
            f"There is no practice {visible(practice, 60)} in the database {session.address.shown}.",
            hint="Check --practice and store.url.",
        )
    return Registration(int(found[0]), role, person, reads_only)


def known_head(head: Head | None, practice: str, address: DatabaseAddress) -> Head:
    """Return the head of a practice. Raises ``StoreUnreadable`` if it is missing or of a newer format."""
    if head is None:
        raise StoreUnreadable(
            f"The practice {visible(practice, 60)} was deleted from the database.",
            hint="See which practices there are: xpm-tui practices list",
        )
    if head.format > newest():
        raise StoreUnreadable(
            f"The practice {visible(practice, 60)} at {address.server} was written by a newer version of "
            f"xpm-tui (format {head.format}, this one knows {newest()}).",
            hint="Update xpm-tui. Nothing was changed.",
        )
    return head


def moved_practice_error(head: Head, practice: str, address: DatabaseAddress) -> StoreUnreadable:
    """Return the error for a practice that is incomplete, or no longer in this database."""
    name = visible(practice, 60)
    if head.state == "loading":
        return StoreUnreadable(
            f"The practice {name} is being moved to {address.shown} and is not complete yet.",
            hint="If the move was interrupted, run it again: xpm-tui data move --to URL",
        )
    return StoreUnreadable(
        f"The practice {name} was moved from {address.shown} to {visible(head.moved_to, 160)}.",
        hint="Nothing was written. If that move was interrupted, run it again: xpm-tui data move --to files. "
        "Otherwise change store.url where it still names this database.",
    )


def _migrate_layout(session: Session, create: bool) -> None:
    """Bring the tables to the latest layout, or refuse missing or newer ones."""
    version = _version(session)
    if version > len(LAYOUTS):
        raise StoreUnreadable(
            f"The tables in {session.address.shown} were created by a newer version of xpm-tui "
            f"(layout {version}, this one knows {len(LAYOUTS)}).",
            hint="Update xpm-tui. Nothing was changed.",
        )
    if version == len(LAYOUTS):
        return
    if not create and version < 0:
        raise StoreUnreadable(
            f"The database {session.address.shown} holds no data of xpm-tui.", hint="Check store.url."
        )
    with session.transaction() as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (SCHEMA_LOCK,))
        version = max(0, _version(session))
        for number, layout in enumerate(LAYOUTS[version:], version + 1):
            if number == 1:
                connection.execute("CREATE SCHEMA IF NOT EXISTS xpm_tui")
            connection.execute(layout.encode())
            connection.execute("UPDATE xpm_tui.layout SET version = %s", (number,))


def _version(session: Session) -> int:
    """Return the layout of the tables; -1 if there are none."""
    found = session.query_row("SELECT to_regclass('xpm_tui.layout')")
    if found is None or found[0] is None:
        return -1
    row = session.query_row("SELECT version FROM xpm_tui.layout")
    return int(row[0]) if row else -1
