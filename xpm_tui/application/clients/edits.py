"""Create, edit and delete clients and their contacts in the store.

A typed value follows the same rules as a cell of Ignition's file. Nothing is deleted in XPM or in Ignition,
and a record on which others depend is not deleted; the refusal names them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from xpm_tui.application import undo_history
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.lookup import (
    DifferencePresenter,
    find_client,
    find_member,
    only_hit,
    refuse_namesakes,
    show_client,
)
from xpm_tui.application.presenters.presenter import Presenter
from xpm_tui.application.presenters.views import ClientView, PersonView
from xpm_tui.application.runs.history import refuse_in_flight, skip_warning
from xpm_tui.domain.errors import BadInput, DecisionNeeded, NotFound
from xpm_tui.domain.events import Event
from xpm_tui.domain.fields import Field, Record, editable, label
from xpm_tui.domain.formatting import count
from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import Client, Contact
from xpm_tui.domain.ports import Put, Snapshot
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import (
    BLOCKED_PAIRS,
    CLIENTS,
    FREEZES,
    IGNORED,
    IMPORTED,
    LINKS,
    PROPOSALS,
    TEAM,
    TableSchema,
)
from xpm_tui.ignition.cell_readers import CellError, clean_cell
from xpm_tui.ignition.cells import TeamLookup, UnknownWord, canonical_cell, value_of
from xpm_tui.lazy import lazy_imports
from xpm_tui.sync.base import frozen_fields
from xpm_tui.sync.journal import unanswered
from xpm_tui.sync.planning.planner import plan_client

with lazy_imports():
    from xpm_tui.sync.matching import proposals

MAX_LENGTH = 2_000
"""The most characters of a value."""


def edit_client(
    practice: OpenPractice, client: str, values: Mapping[str, str]
) -> tuple[ClientView, list[str]]:
    """Change fields of a client, such as ``phone`` or ``groups``, or of a contact, such as ``k3.email``.

    Values are texts as in a file; an empty one clears the field. Returns the client, and sentences on what a
    sync will do about the changes. Raises ``BadInput`` naming the field, and ``Busy`` while a run is sending
    this client to XPM; then nothing is changed.
    """
    practice.writable()
    snapshot = practice.snapshot()
    before = find_client(snapshot, client)
    refuse_in_flight(practice, before.id)
    after = _edited(snapshot, before, values)
    if after != before:
        practice.store.commit([Put(CLIENTS, after)], since=snapshot)
        for name in values:
            practice.events.emit(Event(key="client.edited", record=before.id, field=name))
    unlinked = unlinked_people(practice, before.id)
    warnings = overwrite_warning(practice, before.id, [name for name in values if name not in unlinked])
    warnings += [f"{label(name)}: {unlinked[name]}" for name in values if name in unlinked]
    warnings += skip_warning(practice, before.id) if after != before else []
    return show_client(practice, before.id), warnings


def new_client(
    practice: OpenPractice,
    name: str,
    values: Mapping[str, str],
    *,
    different: Iterable[str] = (),
    anyway: bool = False,
) -> ClientView:
    """Create a client in the store; ``contact_name``, ``contact_email`` etc. create its first contact.

    ``different`` are clients, by id, Client ID or name, of which the user says that they are others;
    ``anyway`` says so of all.

    Raises:
        BadInput: A value cannot be used.
        DecisionNeeded: There is a client with the same or a similar name.
    """
    practice.writable()
    snapshot = practice.snapshot()
    wanted = exact(name)
    others = {find_client(snapshot, text).id for text in different}
    alike = [] if anyway else [each for each in _alike(snapshot, wanted) if each[0].id not in others]
    refuse_namesakes(alike, "client")
    people = {
        key.removeprefix("contact_"): text for key, text in values.items() if key.startswith("contact_")
    }
    own = {key: text for key, text in values.items() if not key.startswith("contact_")}
    blank = Client(id="", name=wanted, state="active", origin="new", created=practice.clock.now())
    client = _edited(snapshot, blank, {"name": name, **own})
    if any(people.values()):
        contact = edited_contact(snapshot, Contact(id="", primary=True), people, "contact_")
        contact = msgspec.structs.replace(contact, id=practice.ids.new("k")[0], primary=True)
        client = msgspec.structs.replace(client, contacts=(contact,))
    client = msgspec.structs.replace(client, id=practice.ids.new("c")[0])
    practice.store.commit([Put(CLIENTS, client)])
    practice.events.emit(Event(key="client.added", record=client.id))
    return show_client(practice, client.id)


def _alike(snapshot: Snapshot, name: str) -> list[tuple[Client, str]]:
    """Return the clients with the same or a similar name, best first, and how the names differ."""
    clients = list(snapshot.rows(CLIENTS)) if name else []
    found = proposals.similar_names(name, [each.name for each in clients])
    return [(clients[at], answer.reasons[0]) for at, answer in found]


def overwrite_warning(practice: OpenPractice, client: str, fields: Iterable[str]) -> list[str]:
    """Return a sentence on the edited fields that the next sync overwrites, because XPM is their master."""
    snapshot = practice.snapshot()
    policy = practice.policy()
    if policy.direction != "from_xpm" or snapshot.get(LINKS, client) is None:
        return []
    frozen = frozen_fields(snapshot, client)
    synced = {rule.name for rule in policy.fields()}
    lost = []
    for typed in fields:
        contact, point, name = typed.rpartition(".")
        field = f"contact_{name}" if point else name
        if field in synced and not {field, f"{contact}.{field}", "*"} & frozen:
            lost.append(field)
    if not lost:
        return []
    named = ", ".join(label(field) for field in dict.fromkeys(lost))
    return [f"XPM will overwrite this: {named}. Edit it there, or freeze it: xpm-tui clients freeze {client}"]


def unlinked_people(practice: OpenPractice, client: str) -> dict[str, str]:
    """Return by field why it is not synced where the person in it is not linked, and what to do."""
    snapshot, policy = practice.snapshot(), practice.policy()
    presenter = DifferencePresenter(snapshot, policy.direction)
    planned = plan_client(snapshot, policy, find_client(snapshot, client))
    views = (presenter.view(planned.uuid, each) for each in planned.differences)
    return {view.field: f"{view.reason} {view.hint}" for view in views if view.rule == "unlinked-person"}


def _edited(snapshot: Snapshot, client: Client, values: Mapping[str, str]) -> Client:
    changed: dict[str, Any] = {}
    contacts = {contact.id: contact for contact in client.contacts}
    for typed, text in values.items():
        owner, point, name = typed.rpartition(".")
        if point:
            if owner not in contacts:
                has = ", ".join(contacts) or "none"
                raise BadInput(f"The client has no contact '{visible(owner, 40)}'.", hint=f"It has: {has}.")
            contacts[owner] = edited_contact(snapshot, contacts[owner], {name: text}, f"{owner}.")
            if name == "primary" and contacts[owner].primary:
                contacts = {
                    id_: msgspec.structs.replace(each, primary=id_ == owner) for id_, each in contacts.items()
                }
        else:
            field = _known("client", typed, name)
            if field.kind == "id":
                changed[name] = _client_id(snapshot, client, clean_cell(text))
            else:
                changed[name] = _value(snapshot, typed, field, text)
    if "name" in changed and not changed["name"]:
        raise BadInput("A client must have a name.", field="name")
    return msgspec.structs.replace(client, **changed, contacts=tuple(contacts.values()))


def edited_contact(snapshot: Snapshot, contact: Contact, values: Mapping[str, str], prefix: str) -> Contact:
    """Return the contact with new values; ``prefix`` comes before the name of a field in messages.

    Raises ``BadInput`` naming the field, or the nearest one if it does not exist.
    """
    changed: dict[str, Any] = {}
    for name, text in values.items():
        field = _known("contact", prefix + name, name)
        changed[name] = _value(snapshot, prefix + name, field, text)
    return msgspec.structs.replace(contact, **changed)


def _value(snapshot: Snapshot, typed: str, field: Field, text: str) -> Any:
    """Return the value for a record, checked by the field's kind.

    Raises ``BadInput`` naming what was typed.
    """
    if len(text) > MAX_LENGTH:
        raise BadInput(f"{typed} is longer than {MAX_LENGTH} characters.")
    if "\0" in text:
        raise BadInput(f"{typed} contains a null character.")
    if not text.strip():
        return value_of(field, "")
    if field.kind == "person":
        return find_member(snapshot, text).id
    try:
        cell = canonical_cell(field.name, text.strip(), TeamLookup(snapshot.rows(TEAM)))
    except (CellError, UnknownWord) as wrong:
        raise BadInput(f"This value cannot be used for {typed}: {visible(str(wrong), 200)}.") from None
    return value_of(field, cell)


def _client_id(snapshot: Snapshot, client: Client, wanted: str) -> str:
    found = snapshot.find(CLIENTS, "client_id", wanted) if wanted else []
    others = [each for each in found if each.id != client.id]
    if others:
        raise BadInput(
            f"Client ID '{visible(wanted, 60)}' already belongs to {others[0].name} ({others[0].id})."
        )
    return wanted


def _known(record: Record, typed: str, name: str) -> Field:
    fields = {field.attribute: field for field in editable(record)}
    known_field(typed, name, tuple(fields))
    return fields[name]


def refuse_unusable_text(name: str, text: str, limit: int = MAX_LENGTH) -> None:
    """Raise ``BadInput`` for a typed text that is too long or contains a null character."""
    if "\0" in text or len(text) > limit:
        raise BadInput(f"{name} is too long, or contains a null character.")


def known_field(typed: str, name: str, names: Sequence[str]) -> None:
    """Raise ``BadInput`` that suggests a similar field, unless ``name`` is one of ``names``."""
    if name not in names:
        near = difflib.get_close_matches(name.casefold(), names, 1, 0.6)
        hint = f"Did you mean {near[0]}?" if near else f"The fields are: {', '.join(names)}."
        raise BadInput(f"There is no field '{visible(typed, 60)}'.", hint=hint)


def people_to_choose(practice: OpenPractice) -> list[PersonView]:
    """Return the active team members, who may be a client's partner or manager."""
    snapshot = practice.snapshot()
    people = Presenter(snapshot).people
    return [people[member.id] for member in snapshot.rows(TEAM) if member.active]


def add_contact(
    practice: OpenPractice, client: str, values: Mapping[str, str], *, anyway: bool = False
) -> tuple[ClientView, list[str]]:
    """Add a contact to a client; the first one is primary.

    ``values`` are ``name``, ``email``, ``phone`` and so on. Returns the client, and sentences on what a sync
    will do about the contact. Raises ``BadInput`` naming the field, and if the client already has a contact
    with that e-mail or name, unless ``anyway``.
    """
    practice.writable()
    snapshot = practice.snapshot()
    before = find_client(snapshot, client)
    refuse_in_flight(practice, before.id)
    made = edited_contact(snapshot, Contact(id=""), {**_primary(before), **values}, "")
    if not made.name and not made.email:
        raise BadInput("A contact must have a name or an e-mail address.", hint="For example: name='Ann Lee'")
    twin = next((each for each in before.contacts if _same(each, made)), None)
    if twin is not None and not anyway:
        raise BadInput(
            f"The client already has this contact: {twin.id}.",
            hint=f"Edit that contact: xpm-tui contacts edit {before.id} {twin.id} ..., or add another "
            "one with --anyway.",
        )
    made = msgspec.structs.replace(made, id=practice.ids.new("k")[0])
    others = before.contacts
    if made.primary:
        others = tuple(msgspec.structs.replace(each, primary=False) for each in others)
    after = msgspec.structs.replace(before, contacts=(*others, made))
    practice.store.commit([Put(CLIENTS, after)], since=snapshot)
    practice.events.emit(Event(key="contact.added", record=f"{before.id}/{made.id}"))
    fields = [f"{made.id}.{name}" for name, text in values.items() if text.strip()]
    warnings = overwrite_warning(practice, before.id, fields) if made.primary and len(others) else []
    warnings += skip_warning(practice, before.id)
    return show_client(practice, before.id), warnings


def edit_contact(
    practice: OpenPractice, client: str, contact: str, values: Mapping[str, str]
) -> tuple[ClientView, list[str]]:
    """Change fields of a contact, found by our id, Contact ID, e-mail or exact name.

    Returns the client, and sentences on what a sync will do about the changes. Raises ``NotFound`` and
    ``BadInput``.
    """
    found = find_contact(find_client(practice.snapshot(), client), contact)
    named = {f"{found.id}.{name.removeprefix('contact_')}": text for name, text in values.items()}
    return edit_client(practice, client, named)


def find_contact(client: Client, text: str) -> Contact:
    """Return a contact by our id, Contact ID, e-mail or name. Raises ``NotFound`` and ``BadInput``."""
    typed = text.strip()
    rules = (
        lambda each: each.id == typed,
        lambda each: each.contact_id == typed,
        lambda each: each.email.casefold() == typed.casefold(),
        lambda each: exact(each.name) == exact(typed),
    )
    for rule in rules:
        hits = [each for each in client.contacts if typed and rule(each)]
        found = only_hit(hits, typed, "contacts", lambda each: each.id)
        if found is not None:
            return found
    has = ", ".join(f"{each.id} {visible(each.name or each.email, 40)}" for each in client.contacts)
    raise NotFound(f"The client has no contact '{visible(typed, 80)}'.", hint=f"It has: {has or 'none'}.")


def _primary(client: Client) -> dict[str, str]:
    return {} if any(each.primary for each in client.contacts) else {"primary": "yes"}


def _same(one: Contact, other: Contact) -> bool:
    if one.email and other.email:
        return one.email.casefold() == other.email.casefold() and exact(one.name) == exact(other.name)
    return exact(one.name) == exact(other.name)


ChangedRows = list[tuple[TableSchema[Any], Any, Any]]
"""Rows as :func:`undo_history.remove` takes them: the table, the row, and what becomes of it."""


class Deleted(msgspec.Struct, frozen=True, kw_only=True):
    """A deleted record: ``c12``, or ``c12/k3`` for a contact. ``notes`` are remarks for the user."""

    id: str
    name: str
    notes: tuple[str, ...] = ()


def delete_client(practice: OpenPractice, client: str, *, dry_run: bool = False) -> Deleted:
    """Delete a client in the store, found by id, Client ID or name; ``dry_run`` only checks that.

    Raises ``NotFound``, ``BadInput``, and ``DecisionNeeded`` if something depends on the client.
    """
    snapshot = practice.snapshot()
    found = find_client(snapshot, client)
    named = f"{visible(found.name, 80)} ({found.id})"
    _refuse(f"{named} was not deleted", _why_client_stays(snapshot, found))
    notes = _deletion_notes(found.client_id)
    if not dry_run:
        rows: ChangedRows = [(CLIENTS, found, None)]
        own_row: tuple[TableSchema[Any], ...] = (IMPORTED, IGNORED)
        rows += [(kind, row, None) for kind in own_row if (row := snapshot.get(kind, found.id)) is not None]
        own_rows: tuple[TableSchema[Any], ...] = (FREEZES, BLOCKED_PAIRS)
        rows += [(kind, row, None) for kind in own_rows for row in snapshot.find(kind, "client", found.id)]
        undo_history.remove(practice, snapshot, CLIENTS, rows, f"the deletion of {found.name}")
        practice.events.emit(Event(key="client.deleted", record=found.id))
    return Deleted(id=found.id, name=found.name, notes=notes)


def delete_contact(practice: OpenPractice, client: str, contact: str, *, dry_run: bool = False) -> Deleted:
    """Delete a contact, found by id, Contact ID, e-mail or name. Raises as :func:`delete_client` does."""
    snapshot = practice.snapshot()
    owner = find_client(snapshot, client)
    found = find_contact(owner, contact)
    named = f"{visible(found.name or found.email or found.id, 80)} ({found.id}) of {visible(owner.name, 80)}"
    _refuse(f"{named} was not deleted", _why_contact_stays(snapshot, owner, found))
    notes = _deletion_notes(found.contact_id)
    if not dry_run:
        refuse_in_flight(practice, owner.id)
        others = tuple(each for each in owner.contacts if each.id != found.id)
        rows: ChangedRows = [(CLIENTS, owner, msgspec.structs.replace(owner, contacts=others))]
        known = snapshot.get(IMPORTED, owner.id)
        if known is not None and (found.id in known.contacts or found.id in known.out_contacts):
            without = msgspec.structs.replace(
                known,
                contacts={key: each for key, each in known.contacts.items() if key != found.id},
                out_contacts={key: each for key, each in known.out_contacts.items() if key != found.id},
            )
            rows.append((IMPORTED, known, without))
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


def _why_client_stays(snapshot: Snapshot, client: Client) -> str:
    link = snapshot.get(LINKS, client.id)
    if link is not None:
        number = link.number or link.uuid
        return f"it is linked to XPM client {number}. Unlink it first: xpm-tui clients unlink {client.id}"
    agreed = snapshot.find(PROPOSALS, "client", client.id)
    if agreed:
        named = ", ".join(each.number or each.id for each in agreed[:5])
        number = count(len(agreed), "proposal")
        return f"it has {number} ({visible(named, 200)}) with workflows and jobs"
    if any(intent.record == client.id for intent in unanswered(snapshot)):
        return "the outcome of a write to XPM for it is unknown. See: xpm-tui runs list"
    return ""


def _why_contact_stays(snapshot: Snapshot, client: Client, contact: Contact) -> str:
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


def _deletion_notes(ignition_id: str) -> tuple[str, ...]:
    if not ignition_id:
        return ()
    return (
        f"Ignition has it as {visible(ignition_id)}: delete it there too, or the next import of "
        "Ignition's file adds it again.",
    )


def _refuse(what: str, why: str) -> None:
    if why:
        raise DecisionNeeded(f"{what}: {why}.")
