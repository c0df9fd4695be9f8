"""Which practice of XPM the folder belongs to, and what is known of each list: small rows of the book."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

import msgspec

from xpm_tui.domain.ports import Drop, Put, Snapshot, Write
from xpm_tui.domain.tables import META, Meta

T = TypeVar("T", bound=msgspec.Struct)

LISTS = ("clients", "staff", "templates", "categories", "jobs")
"""The lists of XPM that are mirrored, in the order in which they are read."""


class PracticeIdentity(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The practice that this folder is connected to, as confirmed by a person.

    ``tenant`` and ``connection`` are Xero's ids, ``api`` the address it was reached at, ``by`` the person
    here, ``login`` the person at Xero where the scopes tell, ``scopes`` what Xero granted. ``ended`` is when
    it was disconnected: the practice stays known, so that another one is not taken for it later.
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
    """What is known of one list: ``at`` of the last good reading, ``full`` of the last complete one.

    ``count`` is the number of records of the last complete one, ``bookmark`` the server's time to ask on
    from, ``seconds`` what the last complete one took. ``note`` says why it could not be read lately.
    """

    at: datetime | None = None
    full: datetime | None = None
    count: int = 0
    bookmark: datetime | None = None
    seconds: float = 0.0
    note: str = ""
    scope: str = ""


class Fingerprint(msgspec.Struct, frozen=True):
    """Some client UUIDs of the practice: a list that has none of them is another practice's."""

    uuids: tuple[str, ...] = ()


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """When somebody last used the tool by hand."""

    at: datetime
    by: str = ""


class ConnectionDraft(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What the person told while connecting, so that it can be left and taken up again."""

    permission: str = ""
    skipped: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()


class SkippedStep(msgspec.Struct, frozen=True, kw_only=True):
    """A due run that did not take place, and why: ``no-sign-in`` or what stood in the way."""

    at: datetime
    reason: str


def read_identity(snapshot: Snapshot) -> PracticeIdentity | None:
    """The practice's identity, also after it was disconnected (``ended``); None before the first time."""
    return read(snapshot, "identity", PracticeIdentity)


def list_state(snapshot: Snapshot, name: str) -> ListState:
    """What is known of a list of ``LISTS``."""
    return read(snapshot, f"list:{name}", ListState) or ListState()


def read(snapshot: Snapshot, id_: str, kind: type[T]) -> T | None:
    """A small row as a value; None where it is missing or of a shape that this version cannot read."""
    row = snapshot.get(META, id_)
    if row is None:
        return None
    try:
        return msgspec.convert(row.value, kind)
    except msgspec.ValidationError:
        return None


def put(id_: str, value: msgspec.Struct) -> Write:
    """The write that keeps a small row."""
    return Put(META, Meta(id=id_, value=msgspec.to_builtins(value)))


def drop(id_: str) -> Write:
    """The write that removes a small row."""
    return Drop(META, id_)
