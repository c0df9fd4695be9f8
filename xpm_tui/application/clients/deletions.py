"""Delete clients and contacts that were created by mistake, and restore the last deleted one.

Nothing is deleted in XPM or in Ignition. A record that others depend on is not deleted: the refusal names
them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from xpm_tui.application import undo_history
from xpm_tui.application.clients.edits import find_contact
from xpm_tui.application.presenters.lookup import find_client
from xpm_tui.application.runs.history import refuse_in_flight
from xpm_tui.domain.errors import DecisionNeeded
from xpm_tui.domain.events import Event
from xpm_tui.domain.formatting import count
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import (
    BLOCKED_PAIRS,
    CLIENTS,
    FREEZES,
    IGNORED,
    IMPORTED,
    LINKS,
    PROPOSALS,
    TableSchema,
)
from xpm_tui.sync.journal import unanswered

if TYPE_CHECKING:
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.domain.ignition import Client, Contact
    from xpm_tui.domain.ports import Snapshot

Rows = list[tuple[TableSchema[Any], Any, Any]]


class Deleted(msgspec.Struct, frozen=True, kw_only=True):
    """A deleted record: ``c12``, or ``c12/k3`` for a contact. ``notes`` are remarks for the user."""

    id: str
    name: str
    notes: tuple[str, ...] = ()


def delete_client(practice: OpenPractice, client: str, *, dry_run: bool = False) -> Deleted:
    """Delete a client in the store, found by id, Client ID or name.

    Raises ``NotFound``, ``BadInput``, and ``DecisionNeeded`` if something depends on it.
    """
    snapshot = practice.snapshot()
    found = find_client(snapshot, client)
    named = f"{visible(found.name, 80)} ({found.id})"
    _refuse(f"{named} was not deleted", _why_client(snapshot, found))
    notes: tuple[str, ...] = ()
    if found.client_id:
        notes = (
            f"Ignition has it as {visible(found.client_id, 60)}: delete it there too, or the next import of "
            "Ignition's file adds it again.",
        )
    if not dry_run:
        rows: Rows = [(CLIENTS, found, None)]
        alone: tuple[TableSchema[Any], ...] = (IMPORTED, IGNORED)
        rows += [(kind, row, None) for kind in alone if (row := snapshot.get(kind, found.id)) is not None]
        several: tuple[TableSchema[Any], ...] = (FREEZES, BLOCKED_PAIRS)
        rows += [(kind, row, None) for kind in several for row in snapshot.find(kind, "client", found.id)]
        undo_history.remove(practice, snapshot, CLIENTS, rows, f"the deletion of {found.name}")
        practice.events.emit(Event(key="client.deleted", record=found.id))
    return Deleted(id=found.id, name=found.name, notes=notes)


def delete_contact(practice: OpenPractice, client: str, contact: str, *, dry_run: bool = False) -> Deleted:
    """Delete a contact, found by id, Contact ID, e-mail or name. Raises as :func:`delete_client` does."""
    snapshot = practice.snapshot()
    owner = find_client(snapshot, client)
    found = find_contact(owner, contact)
    named = f"{visible(found.name or found.email or found.id, 80)} ({found.id}) of {visible(owner.name, 80)}"
    _refuse(f"{named} was not deleted", _why_contact(snapshot, owner, found))
    notes: tuple[str, ...] = ()
    if found.contact_id:
        notes = (
            f"Ignition has it as {visible(found.contact_id, 60)}: delete it there too, or the next import of "
            "Ignition's file adds it again.",
        )
    if not dry_run:
        refuse_in_flight(practice, owner.id)
        others = tuple(each for each in owner.contacts if each.id != found.id)
        rows: Rows = [(CLIENTS, owner, msgspec.structs.replace(owner, contacts=others))]
        known = snapshot.get(IMPORTED, owner.id)
        if known is not None and (found.id in known.contacts or found.id in known.out_contacts):
            left = msgspec.structs.replace(
                known,
                contacts={key: each for key, each in known.contacts.items() if key != found.id},
                out_contacts={key: each for key, each in known.out_contacts.items() if key != found.id},
            )
            rows.append((IMPORTED, known, left))
        frozen = snapshot.find(FREEZES, "client", owner.id)
        rows += [(FREEZES, row, None) for row in frozen if row.field.startswith(f"{found.id}.")]
        undo_history.remove(practice, snapshot, CLIENTS, rows, f"the deletion of {found.name or found.email}")
        practice.events.emit(Event(key="contact.deleted", record=f"{owner.id}/{found.id}"))
    return Deleted(id=f"{owner.id}/{found.id}", name=found.name or found.email, notes=notes)


def restore(practice: OpenPractice) -> undo_history.UndoResult:
    """Restore the client or contact that was deleted last. Raises ``BadInput`` if there is none."""
    undone = undo_history.undo(practice, CLIENTS, lambda snapshot: ())
    practice.events.emit(Event(key="clients.restored", numbers={"records": len(undone.back)}))
    return undone


def _why_client(snapshot: Snapshot, client: Client) -> str:
    link = snapshot.get(LINKS, client.id)
    if link is not None:
        there = link.number or link.uuid
        return f"it is linked to XPM client {there}. Unlink it first: xpm-tui clients unlink {client.id}"
    proposals = snapshot.find(PROPOSALS, "client", client.id)
    if proposals:
        named = ", ".join(each.number or each.id for each in proposals[:5])
        number = count(len(proposals), "proposal")
        return f"it has {number} ({visible(named, 200)}) with workflows and jobs"
    if any(intent.record == client.id for intent in unanswered(snapshot)):
        return "the outcome of a write to XPM for it is unknown. See: xpm-tui runs list"
    return ""


def _why_contact(snapshot: Snapshot, client: Client, contact: Contact) -> str:
    link = snapshot.get(LINKS, client.id)
    theirs = next((each for each in link.contacts if each.contact == contact.id), None) if link else None
    if theirs is not None and not theirs.removed:
        return (
            "it is linked to a contact in XPM, and a sync would bring it back. Delete it in XPM, or unlink "
            f"the client first: xpm-tui clients unlink {client.id}"
        )
    if contact.primary and len(client.contacts) > 1:
        other = next(each.id for each in client.contacts if each.id != contact.id)
        return (
            "it is the primary contact. Choose another one first: "
            f"xpm-tui contacts edit {client.id} {other} primary=yes"
        )
    return ""


def _refuse(what: str, why: str) -> None:
    if why:
        raise DecisionNeeded(f"{what}: {why}.")
