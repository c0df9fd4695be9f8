"""Prerequisites for opening a practice in a database: the tables, the practice and the role."""

from __future__ import annotations

import secrets
from typing import NamedTuple

from xpm_tui.domain.errors import StoreUnreadable
from xpm_tui.domain.safe_text import visible
from xpm_tui.store.manifest import LAYOUTS, newest
from xpm_tui.store.postgres_connection import SCHEMA_LOCK, DatabaseAddress, Session
from xpm_tui.store.postgres_rows import Head

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
        _lay_out(session, create)
        with session.errors():
            row = session.connection.execute(_RIGHTS).fetchone()
        assert row is not None
        session.role = (str(row[0]), str(row[2] or ""), not row[1])
    role, person, reads_only = session.role
    with session.errors():
        find = "SELECT id FROM xpm_tui.practices WHERE name = %s"
        found = session.connection.execute(find, (practice,)).fetchone()
        if found is None and create and not reads_only:
            session.connection.execute(
                "INSERT INTO xpm_tui.practices (name, book, format) VALUES (%s, %s, %s)"
                " ON CONFLICT DO NOTHING",
                (practice, secrets.token_hex(8), newest()),
            )
            found = session.connection.execute(find, (practice,)).fetchone()
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


def moved_practice(head: Head, practice: str, address: DatabaseAddress) -> StoreUnreadable:
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


def _lay_out(session: Session, create: bool) -> None:
    """Bring the tables to the latest layout, or refuse missing or newer ones."""
    version = _version(session)
    if version > len(LAYOUTS):
        raise StoreUnreadable(
            f"The tables in {session.address.shown} were made by a newer version of xpm-tui "
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
    with session.errors():
        there = session.connection.execute("SELECT to_regclass('xpm_tui.layout')").fetchone()
        if there is None or there[0] is None:
            return -1
        row = session.connection.execute("SELECT version FROM xpm_tui.layout").fetchone()
    return int(row[0]) if row else -1
