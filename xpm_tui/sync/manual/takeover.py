"""What happens to a client's values and contacts when it is linked to another XPM client. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

import msgspec

from xpm_tui.domain.field_types import is_blank
from xpm_tui.domain.fields import SYNCED_BY_NAME
from xpm_tui.domain.ignition import Client, Contact
from xpm_tui.domain.links import Base, ContactLink, Link, Pair, Provenance, Value, ValueOrigin
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.tables import FREEZES, LINKS
from xpm_tui.domain.xpm import XpmClient, XpmContact
from xpm_tui.sync.base import (
    PRIMARY,
    base_key,
    contact_key,
    contact_signature,
    known_provenance,
    mirror_values,
    present_values,
    primary_contact,
    record_agreement,
    returned_values,
    with_origin,
)
from xpm_tui.sync.canonical import (
    TeamLinks,
    contact_values,
    primary_of,
    write_client,
    write_contact,
    xpm_values,
)
from xpm_tui.sync.planning.contacts import match_contacts
from xpm_tui.sync.planning.links import lost_links
from xpm_tui.sync.policy import CLIENT_FIELDS, CONTACT_FIELDS, Policy

Outcome = Literal["replaced", "removed", "same", "kept"]
KeepReason = Literal["", "edited", "frozen", "required", "asked"]

WHY: Mapping[KeepReason, str] = {
    "edited": "edited since",
    "frozen": "frozen",
    "required": "cannot be blank",
    "asked": "you asked to keep it",
}
"""Why a value stays although it came from the former client."""


class FormerValue(msgspec.Struct, frozen=True, kw_only=True):
    """One value, or one whole contact, that came from another XPM client than the new one.

    ``uuid`` is the client that it came from. ``same``: the new client has this value, too, so it stays.
    """

    record: str
    field: str
    uuid: str
    old: Value
    new: Value
    outcome: Outcome
    why: KeepReason = ""


class TakenOverValues(msgspec.Struct, frozen=True, kw_only=True):
    """A client after it was linked to another XPM client.

    ``contacts`` are the links of the contacts that both XPM clients share, ``removed`` the contacts that are
    removed with the old link, and ``base`` is what is agreed with the new client from the start.
    """

    client: Client
    base: Base
    contacts: tuple[ContactLink, ...] = ()
    removed: tuple[Contact, ...] = ()
    former: tuple[FormerValue, ...] = ()
    provenance: Provenance


def take_over(
    snapshot: Snapshot,
    policy: Policy,
    client: Client,
    row: XpmClient,
    *,
    quiet: bool = False,
    keep: bool = False,
    same: bool = False,
) -> TakenOverValues:
    """Return what happens to a client's values and contacts when it is linked to ``row``. Pure.

    Unchanged values of another XPM client are replaced by the new client's values, or removed if it has none.
    Values that the user changed, froze, or asked to ``keep`` stay and are still known as the other client's.
    ``same``: the new client is the former one under another id (converted or merged), so all values stay and
    are now known as its own. ``quiet``: the link syncs no field, so nothing is replaced.
    """
    known = known_provenance(snapshot, client.id)
    if same:
        link = snapshot.get(LINKS, client.id)
        old = {each.uuid for each in ([link] if link is not None else lost_links(snapshot, client.id))}
        values = {
            key: ValueOrigin(row.uuid, each.value) if each.uuid in old else each
            for key, each in known.values.items()
        }
        there = {each.uuid for each in row.present_contacts}
        joined = tuple(each for each in (link.contacts if link else ()) if each.uuid in there)
        known = msgspec.structs.replace(known, values=values)
        return TakenOverValues(client=client, base=Base(id=client.id), contacts=joined, provenance=known)
    return _TakeoverPlanner(snapshot, policy, client, row, known, quiet=quiet, keep=keep).result()


class _TakeoverPlanner:
    """Plans what happens to the values of one client when its link changes."""

    def __init__(
        self,
        snapshot: Snapshot,
        policy: Policy,
        client: Client,
        row: XpmClient,
        known: Provenance,
        *,
        quiet: bool,
        keep: bool,
    ) -> None:
        self.team = TeamLinks.read(snapshot)
        self.client = client
        self.row = row
        self.keep = keep
        self.gone = dict(known.removed)
        self.known = {**returned_values(known, client, row.uuid), **known.values}
        self.now = present_values(client, self.team)
        self.entries = {
            key: each
            for key, each in self.known.items()
            if each.uuid != row.uuid
            and not is_blank(self.now.get(key))
            and (each.kept is None or self.now[key] == each.kept)
        }
        self.known = {
            key: each for key, each in self.known.items() if each.uuid == row.uuid or key in self.entries
        }
        frozen = snapshot.find(FREEZES, "client", client.id)
        self.frozen = frozenset(freeze.field for freeze in frozen if not freeze.undo)
        level = policy.level
        off = policy.off | (frozenset() if level == "everything" else frozenset(SYNCED_BY_NAME) - {"name"})
        whole = Policy(direction="from_xpm", off=off)
        synced = () if quiet or level == "nothing" else whole.fields(creation=True)
        self.synced_fields = {rule.name for rule in synced} - self.frozen
        self.theirs = row.present_contacts if "contact" in self.synced_fields else ()
        link = snapshot.get(LINKS, client.id)
        there = {each.uuid for each in self.theirs}
        self.joined = tuple(each for each in (link.contacts if link else ()) if each.uuid in there)
        self.former: list[FormerValue] = []
        self.removed: list[Contact] = []
        self.values: dict[str, Value] = {}
        self.of_contacts: dict[str, dict[str, Value]] = {}
        self.agreed: dict[str, Value] = {}

    def result(self) -> TakenOverValues:
        """Return the resulting client, with every value that came from elsewhere."""
        if self.entries:
            theirs = xpm_values(self.row)
            for rule in CLIENT_FIELDS:
                if rule.name in self.entries:
                    self._value(rule.name, "", theirs.get(rule.name))
            self._contacts()
        client = write_client(self.client, self.values, self.team)
        missing = {contact.id for contact in self.removed}
        contacts = tuple(
            write_contact(each, self.of_contacts[each.id]) if each.id in self.of_contacts else each
            for each in client.contacts
            if each.id not in missing
        )
        client = msgspec.structs.replace(client, contacts=contacts)
        if PRIMARY in self.entries:
            client = self._primary(client)
        link = Link(id=client.id, uuid=self.row.uuid, contacts=self.joined)
        mirror = mirror_values(self.row, link)
        base = Base(id=client.id)
        if self.agreed:
            # Values that the new client has, too, count as its own.
            pairs = {key: value for key, value in self.agreed.items() if mirror.get(key) == value}
            base = record_agreement(base, {key: Pair(v, v) for key, v in pairs.items()}, mirror)
            base = with_origin(base, pairs, came=True)
        return TakenOverValues(
            client=client,
            base=base,
            contacts=self.joined,
            removed=tuple(self.removed),
            former=tuple(self.former),
            provenance=Provenance(id=client.id, values=self.known, removed=self.gone),
        )

    def _value(self, field: str, contact: str, wanted: Value) -> None:
        """Decide what happens to one value that came from elsewhere."""
        key = base_key(field, contact)
        entry, now, rule = self.entries[key], self.now[key], SYNCED_BY_NAME[field]
        new = wanted if field in self.synced_fields else None
        if rule.kind == "person" and new and str(new) not in self.team.member:
            new = None
        new = _blank(now) if is_blank(new) else new
        why: KeepReason = ""
        if self.keep:
            why = "asked"
        elif not self.frozen.isdisjoint({"*", field, key}):
            why = "frozen"
        elif now != entry.value:
            why = "edited"
        elif is_blank(new) and rule.required:
            why = "required"
        record = f"{self.client.id}/{contact}" if contact else self.client.id
        if now == new:
            self._note(record, field, entry, now, new, "same")
            self._own(key, now)
        elif why:
            self._note(record, field, entry, now, now, "kept", why)
            self.known[key] = ValueOrigin(entry.uuid, entry.value, now)
        else:
            self._note(record, field, entry, now, new, "removed" if is_blank(new) else "replaced")
            self._own(key, new)
            target = self.of_contacts.setdefault(contact, {}) if contact else self.values
            target[field] = new

    def _contacts(self) -> None:
        match = match_contacts(self.client.contacts, self.theirs, self.joined)
        there = {ours.id: theirs for ours, theirs in match.pairs}
        self.joined = tuple(ContactLink(contact=ours.id, uuid=theirs.uuid) for ours, theirs in match.pairs)
        for contact in self.client.contacts:
            keys = {rule.name: contact_key(contact.id, rule.name) for rule in CONTACT_FIELDS}
            entries = {name: key for name, key in keys.items() if key in self.entries}
            if not entries:
                continue
            other = there.get(contact.id)
            if other is None and self._is_former(contact, entries):
                self._whole(contact, entries)
            else:
                self._fields(contact, entries, other)

    def _is_former(self, contact: Contact, entries: Collection[str]) -> bool:
        """Return whether the contact itself came from the former client, as opposed to a matched one."""
        return all(
            name in entries or not getattr(contact, SYNCED_BY_NAME[name].attribute) for name in _MATCHED
        )

    def _whole(self, contact: Contact, entries: Mapping[str, str]) -> None:
        """Remove a contact of the former client; one that the user edited stays as a whole."""
        values = contact_values(contact)
        first = self.entries[next(iter(entries.values()))]
        frozen = any(not self.frozen.isdisjoint({"*", "contact", key}) for key in entries.values())
        edited = any(
            not is_blank(value) and (name not in entries or value != self.entries[entries[name]].value)
            for name, value in values.items()
        )
        why: KeepReason = "asked" if self.keep else "frozen" if frozen else "edited" if edited else ""
        record, label = f"{self.client.id}/{contact.id}", contact.name or contact.email
        if why:
            self._note(record, "contact", first, label, label, "kept", why)
            for name, key in entries.items():
                entry = self.entries[key]
                self.known[key] = ValueOrigin(entry.uuid, entry.value, values[name])
            return
        self._note(record, "contact", first, label, None, "removed")
        self.removed.append(contact)
        self.gone[contact_signature(contact)] = first.uuid
        for key in entries.values():
            self.known.pop(key, None)

    def _fields(self, contact: Contact, entries: Collection[str], other: XpmContact | None) -> None:
        theirs = contact_values(other) if other is not None else {}
        for rule in CONTACT_FIELDS:
            if rule.name in entries:
                self._value(rule.name, contact.id, theirs.get(rule.name))

    def _primary(self, client: Client) -> Client:
        """Return the client with the primary contact of the new XPM client, if the former one had set it."""
        entry, now = self.entries[PRIMARY], primary_of(client)
        if not now:  # it was removed with its contact
            self.known.pop(PRIMARY, None)
            return client
        here = {each.uuid: each.contact for each in self.joined}
        first = here.get(primary_contact(self.theirs), "") if PRIMARY in self.synced_fields else ""
        why: KeepReason = (
            "asked" if self.keep else "frozen" if not self.frozen.isdisjoint({"*", PRIMARY}) else ""
        )
        if not why and now != entry.value:
            why = "edited"
        record = f"{client.id}/{now}"
        if first == now:
            self._note(record, PRIMARY, entry, now, first, "same")
            self.known.pop(PRIMARY, None)
            return client
        if why:
            self._note(record, PRIMARY, entry, now, now, "kept", why)
            self.known[PRIMARY] = ValueOrigin(entry.uuid, entry.value, now)
            return client
        self._note(record, PRIMARY, entry, now, first, "replaced" if first else "removed")
        self.known.pop(PRIMARY, None)
        contacts = tuple(msgspec.structs.replace(each, primary=each.id == first) for each in client.contacts)
        return msgspec.structs.replace(client, contacts=contacts)

    def _own(self, key: str, value: Value) -> None:
        self.known.pop(key, None)
        if not is_blank(value):
            self.agreed[key] = value

    def _note(
        self,
        record: str,
        field: str,
        entry: ValueOrigin,
        old: Value,
        new: Value,
        outcome: Outcome,
        why: KeepReason = "",
    ) -> None:
        self.former.append(
            FormerValue(
                record=record, field=field, uuid=entry.uuid, old=old, new=new, outcome=outcome, why=why
            )
        )


_MATCHED = ("contact_name", "contact_email")
"""The fields by which a contact here is matched with one of XPM's."""


def _blank(value: Value) -> Value:
    """Return the blank value of a field of this kind."""
    if isinstance(value, tuple):
        return ()
    return None if isinstance(value, bool) else ""
