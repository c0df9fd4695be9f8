"""From ids to names, for sentences: the log keeps ids only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xpm_tui.model.names import name_key
from xpm_tui.model.ports import Snapshot
from xpm_tui.model.tables import (
    CATEGORIES,
    CLIENTS,
    PROPOSALS,
    SERVICES,
    STAFF,
    TEAM,
    TEMPLATES,
    WORKFLOWS,
    XPM_CLIENTS,
    Table,
)
from xpm_tui.service.practice import OpenPractice

_NAMED: tuple[Table[Any], ...] = (
    TEAM, SERVICES, WORKFLOWS, PROPOSALS, XPM_CLIENTS, STAFF, TEMPLATES, CATEGORIES,
)  # fmt: skip


def names(practice: OpenPractice) -> Callable[[str], str]:
    """Names as they are now, told apart; always up to date, the empty text for what is not known."""
    return lambda id_: told_apart(practice.snapshot(), id_)


def masked(id_: str) -> str:
    """In place of a name, for a log that leaves the house: the kind of record and its id."""
    client, _, contact = id_.partition("/")
    if contact:
        return f"contact {contact} of client {client}"
    return f"{_KINDS.get(id_[:1], 'record')} {id_}" if id_[1:].isdigit() else f"XPM record {id_[:8]}"


_KINDS = {
    "c": "client", "t": "person", "s": "service", "r": "run", "p": "plan", "o": "proposal", "w": "workflow",
}  # fmt: skip


def told_apart(snapshot: Snapshot, id_: str) -> str:
    """The same as ``name_of``, with what tells two of one name apart: a client of XPM has its number, one of
    Ignition's that shares its name the id that it has here."""
    name = name_of(snapshot, id_)
    client_id = id_.partition("/")[0]
    client = snapshot.get(CLIENTS, client_id)
    if client is not None:
        shared = len(snapshot.find(CLIENTS, "name_key", name_key(client.name))) > 1
        return f"{name} {client_id}" if shared else name
    row = snapshot.get(XPM_CLIENTS, id_)
    return f"{name} #{row.number}" if row is not None and row.number else name


def name_of(snapshot: Snapshot, id_: str) -> str:
    """The name behind an id of ours or a UUID of XPM; a contact with its client. Empty: not known."""
    client_id, _, contact_id = id_.partition("/")
    client = snapshot.get(CLIENTS, client_id)
    if client is not None:
        contact = next((c for c in client.contacts if c.id == contact_id), None)
        return f"{contact.name} ({client.name})" if contact else client.name
    for table in _NAMED:
        row = snapshot.get(table, id_)
        if row is not None:
            return str(row.name)
    return ""
