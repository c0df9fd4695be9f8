"""Small rows of the store: the XPM practice of this folder, and what is known of each list."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

import msgspec

from xpm_tui.domain.ports import Drop, Put, Snapshot, Write
from xpm_tui.domain.tables import META, Meta

T = TypeVar("T", bound=msgspec.Struct)

LISTS = ("clients", "staff", "templates", "categories", "jobs")
"""The mirrored lists of XPM, in the order in which they are read."""


class PracticeIdentity(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The practice that this folder is connected to, as confirmed by a user.

    ``tenant`` and ``connection`` are Xero's ids, ``api`` is the address of the API, ``by`` the user here,
    ``login`` the user at Xero if the scopes reveal it, and ``scopes`` what Xero granted. ``ended`` is when it
    was disconnected: the identity is kept, so that another practice is recognised later.
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
    """The state of one list: ``at`` of the last successful reading, ``full`` of the last complete one.

    ``count`` is the number of records in the last complete list, ``bookmark`` the server's time from which to
    ask for changes, ``seconds`` how long the last complete one took. ``note`` says why it could not be read.
    """

    at: datetime | None = None
    full: datetime | None = None
    count: int = 0
    bookmark: datetime | None = None
    seconds: float = 0.0
    note: str = ""
    scope: str = ""


class Fingerprint(msgspec.Struct, frozen=True):
    """Some client UUIDs of the practice: a list without any of them belongs to another practice."""

    uuids: tuple[str, ...] = ()


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """When someone last used the tool interactively."""

    at: datetime
    by: str = ""


class ConnectionDraft(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The user's answers while connecting, so that it can be interrupted and continued."""

    permission: str = ""
    skipped: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()


class SkippedStep(msgspec.Struct, frozen=True, kw_only=True):
    """A due run that was skipped, and why: ``no-sign-in`` or another reason."""

    at: datetime
    reason: str


def read_identity(snapshot: Snapshot) -> PracticeIdentity | None:
    """Return the practice's identity, also after a disconnection (``ended``); None before the first."""
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


def drop(id_: str) -> Write:
    """Return the write that removes a small row."""
    return Drop(META, id_)
