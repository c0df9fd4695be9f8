"""Contacts of a client of the book: adding one, and editing one by whatever it is called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from xpm_tui.model.book import Client, Contact
from xpm_tui.model.errors import BadInput, NotFound
from xpm_tui.model.events import Event
from xpm_tui.model.names import exact
from xpm_tui.model.ports import Put
from xpm_tui.model.tables import CLIENTS
from xpm_tui.model.text import visible
from xpm_tui.service.clients.editing import edit_client, edited_contact, overwritten, view_of
from xpm_tui.service.telling.lookup import find_client
from xpm_tui.service.telling.views import ClientView

if TYPE_CHECKING:
    from xpm_tui.service.practice import OpenPractice


def add_contact(
    practice: OpenPractice, client: str, values: Mapping[str, str], *, anyway: bool = False
) -> tuple[ClientView, list[str]]:
    """Give a client one more contact; the first one is primary.

    ``values`` are ``name``, ``email``, ``phone`` and so on. Raises ``BadInput`` naming the field, and where
    the client has a contact of that e-mail or name and ``anyway`` is not given. Gives the client, and as
    sentences what sync will do about it.
    """
    practice.writable()
    snapshot = practice.snapshot()
    before = find_client(snapshot, client)
    made = edited_contact(snapshot, Contact(id=""), {**_primary(before), **values}, "")
    if not made.name and not made.email:
        raise BadInput("A contact needs a name or an e-mail address.", hint="For example: name='Ann Lee'")
    twin = next((each for each in before.contacts if _same(each, made)), None)
    if twin is not None and not anyway:
        raise BadInput(
            f"The client has this contact already: {twin.id}.",
            hint=f"Edit it: xpm-tui contacts edit {before.id} {twin.id} ..., or say --anyway.",
        )
    made = msgspec.structs.replace(made, id=practice.ids.new("k")[0])
    others = (
        tuple(
            msgspec.structs.replace(each, primary=False) if each.primary else each for each in before.contacts
        )
        if made.primary
        else before.contacts
    )
    after = msgspec.structs.replace(before, contacts=(*others, made))
    practice.book.commit([Put(CLIENTS, after)], since=snapshot)
    practice.events.emit(Event(key="contact.added", record=f"{before.id}/{made.id}"))
    fields = [f"{made.id}.{name}" for name, text in values.items() if text.strip()]
    warnings = overwritten(practice, before.id, fields) if made.primary and len(others) else []
    return view_of(practice, before.id), warnings


def edit_contact(
    practice: OpenPractice, client: str, contact: str, values: Mapping[str, str]
) -> tuple[ClientView, list[str]]:
    """Change fields of a contact, found by our id, Contact ID, e-mail or exact name.

    Gives the client and, as sentences, what sync will overwrite. Raises ``NotFound`` and ``BadInput``.
    """
    found = find_contact(find_client(practice.snapshot(), client), contact)
    named = {f"{found.id}.{name.removeprefix('contact_')}": text for name, text in values.items()}
    return edit_client(practice, client, named)


def find_contact(client: Client, text: str) -> Contact:
    """A contact of a client by our id, Contact ID, e-mail or name. Raises ``NotFound``, ``BadInput``."""
    typed = text.strip()
    rules = (
        lambda each: each.id == typed,
        lambda each: each.contact_id == typed,
        lambda each: each.email.casefold() == typed.casefold(),
        lambda each: exact(each.name) == exact(typed),
    )
    for rule in rules:
        hits = [each for each in client.contacts if typed and rule(each)]
        if len(hits) == 1:
            return hits[0]
        if hits:
            shown = ", ".join(each.id for each in hits)
            raise BadInput(f"'{visible(typed, 80)}' is several contacts.", hint=f"Say which: {shown}.")
    has = ", ".join(f"{each.id} {visible(each.name or each.email, 40)}" for each in client.contacts)
    raise NotFound(f"The client has no contact '{visible(typed, 80)}'.", hint=f"It has: {has or 'none'}.")


def _primary(client: Client) -> dict[str, str]:
    return {} if any(each.primary for each in client.contacts) else {"primary": "yes"}


def _same(one: Contact, other: Contact) -> bool:
    if one.email and other.email:
        return one.email.casefold() == other.email.casefold() and exact(one.name) == exact(other.name)
    return exact(one.name) == exact(other.name)
