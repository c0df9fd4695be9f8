r"""The canonical form: how a client looks on either side when the two are compared, hashed and written.

Text is NFC with ``\n`` line ends and trimmed, empty and absent are one, groups are sorted names. A person is
the UUID of the XPM staff record; one who is not linked keeps an id of its own side that equals nothing on the
other, so that linking the person later is seen as a change. A masked value has no canonical form: its field
is missing, so it is neither compared nor written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import msgspec

from xpm_tui.domain.errors import UnsendableValue
from xpm_tui.domain.field_types import clean as clean
from xpm_tui.domain.field_types import is_blank as is_blank
from xpm_tui.domain.field_types import is_same as is_same
from xpm_tui.domain.fields import CLIENT, CONTACT, TEXTS, Kind
from xpm_tui.domain.ignition import Client, Contact, TeamMember
from xpm_tui.domain.links import Value
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.quarantine import WHOLE
from xpm_tui.domain.secret import looks_masked
from xpm_tui.domain.tables import TEAM
from xpm_tui.domain.xpm import XpmClient, XpmContact
from xpm_tui.sync.policy import BY_NAME, CLIENT_FIELDS, CONTACT_FIELDS

Values = dict[str, Value]

UNLINKED = "?"
"""Marks the UUID of an XPM staff record that no team member stands for, where values are compared."""


def _of_kind(kind: Kind) -> tuple[str, ...]:
    return tuple(rule.name for rule in CLIENT_FIELDS if rule.kind == kind)


_TEXTS = tuple(rule.name for rule in CLIENT_FIELDS if rule.kind in TEXTS)
_FLAGS, _NAMES, _PEOPLE = _of_kind("flag"), _of_kind("names"), _of_kind("person")
_CONTACT_TEXTS = tuple(rule.name for rule in CONTACT_FIELDS)
_client_texts = attrgetter(*_TEXTS)
_contact_texts = attrgetter(*(rule.attribute for rule in CONTACT_FIELDS))


class TeamLinks(msgspec.Struct, frozen=True):
    """The links between team members and XPM staff, both ways."""

    staff: dict[str, str]
    member: dict[str, str]

    @staticmethod
    def of(members: Iterable[TeamMember]) -> TeamLinks:
        """Where several members stand for one staff record, an active and then the earlier one wins."""
        rows = sorted(members, key=lambda m: (not m.active, len(m.id), m.id))
        staff = {m.id: m.staff for m in rows if m.staff}
        member: dict[str, str] = {}
        for id_, uuid in staff.items():
            member.setdefault(uuid, id_)
        return TeamLinks(staff, member)

    def known(self, uuid: str) -> str:
        """XPM's person as it is compared: one whom no member stands for is marked."""
        return uuid if not uuid or uuid in self.member else UNLINKED + uuid

    @staticmethod
    def read(snapshot: Snapshot) -> TeamLinks:
        """The team of the book."""
        return TeamLinks.of(snapshot.rows(TEAM))


def staff_uuid(value: Value) -> Value:
    """A person's value without the mark of the unlinked: the UUID of the staff record."""
    return value[len(UNLINKED) :] if isinstance(value, str) and value.startswith(UNLINKED) else value


def ignition_values(client: Client, team: TeamLinks) -> Values:
    """A book client's own fields, without contacts."""
    values = _canonical(_TEXTS, _client_texts(client))
    for name in _FLAGS:
        values[name] = getattr(client, name)
    for name in _NAMES:
        values[name] = _sorted(getattr(client, name))
    for name in _PEOPLE:
        member = getattr(client, name)
        values[name] = team.staff.get(member, member)
    return values


def xpm_values(row: XpmClient) -> Values:
    """An XPM client's own fields, without contacts. Groups are missing where the reply did not tell them."""
    values = _canonical(_TEXTS, _client_texts(row))
    for name in _FLAGS:
        values[name] = getattr(row, name)
    for name in _NAMES:
        members = getattr(row, name)
        if members is not None:
            values[name] = _sorted([member.name for member in members])
    for name in _PEOPLE:
        person = getattr(row, name)
        values[name] = person.uuid if person is not None else ""
    return values


def unread_fields(row: XpmClient) -> frozenset[str]:
    """Return the fields that XPM sent and that cannot be read, by their names in the registry.

    ``*`` is the whole record.
    """
    if not row.unread:
        return frozenset()
    names: set[str] = set()
    for fault in row.unread:
        field = CLIENT.get(fault.attribute)
        names.add(field.name if field is not None else fault.attribute)
        if field is not None and field.kind == "contacts":
            names.update(each.name for each in CONTACT.values())
    return frozenset(names)


def refuse_unread(row: XpmClient | None, fields: Iterable[str]) -> None:
    """Refuse to write fields whose value in XPM nobody can read, or a record that was set aside as a whole.

    Raises:
        UnsendableValue: One of them is; the message says what is wrong with it.
    """
    touched = unread_fields(row) & {WHOLE, *fields} if row is not None else ()
    if row is not None and touched:
        fault = row.unread[0]
        raise UnsendableValue(
            f"XPM's record of it cannot be read: {fault.sentence}.",
            hint=fault.remedy,
            field="" if WHOLE in touched else min(touched),
        )


def known(old: XpmClient, row: XpmClient) -> XpmClient:
    """The row with the values that were known before in place of those that nobody can read."""
    kept = {
        fault.attribute: getattr(old, fault.attribute) for fault in row.unread if fault.attribute != WHOLE
    }
    if "web_url" in kept:
        kept["number"] = old.number
    return msgspec.structs.replace(row, **kept) if kept else row


def contact_values(contact: Contact | XpmContact) -> Values:
    """A contact's fields on either side, by the names of the policy."""
    return _canonical(_CONTACT_TEXTS, _contact_texts(contact))


def same_texts(ours: Contact, theirs: XpmContact) -> bool:
    """Whether two contacts read the same to the letter: cheaper than their canonical forms."""
    return bool(_contact_texts(ours) == _contact_texts(theirs))


def write_client(client: Client, values: Mapping[str, Value], team: TeamLinks) -> Client:
    """The book client with the given canonical values in it; contacts are not touched."""
    changed: dict[str, Any] = {}
    for name, value in values.items():
        kind = BY_NAME[name].kind
        if kind == "person":
            changed[name] = team.member.get(str(value or ""), str(value or ""))
        elif kind == "names":
            changed[name] = value if isinstance(value, tuple) else ()
        elif kind == "flag":
            changed[name] = value if isinstance(value, bool) else None
        else:
            changed[name] = str(value or "")
    return msgspec.structs.replace(client, **changed)


def write_contact(contact: Contact, values: Mapping[str, Value]) -> Contact:
    """The book contact with the given values, named as in the policy."""
    changed: dict[str, Any] = {BY_NAME[name].attribute: str(value or "") for name, value in values.items()}
    return msgspec.structs.replace(contact, **changed)


def xpm_contacts(row: XpmClient) -> tuple[XpmContact, ...]:
    """The contacts that count: a deleted one does not."""
    return tuple(contact for contact in row.contacts if not contact.deleted)


def primary_of(client: Client) -> str:
    """Id of the book client's primary contact: the first that claims it, or empty."""
    return next((contact.id for contact in client.contacts if contact.primary), "")


def ignition_fingerprint(client: Client, team: TeamLinks) -> str:
    """Fingerprint of everything of a book client that sync could ever read."""
    contacts = sorted((c.id, c.primary, sorted(contact_values(c).items())) for c in client.contacts)
    return _print((sorted(ignition_values(client, team).items()), contacts))


def xpm_fingerprint(row: XpmClient) -> str:
    """Fingerprint of everything of an XPM client that sync could ever read."""
    contacts = sorted((c.uuid, c.primary, sorted(contact_values(c).items())) for c in xpm_contacts(row))
    flags = (row.archived, row.prospect, row.deleted)
    return _print((sorted(xpm_values(row).items()), contacts, flags))


def _sorted(names: Sequence[str]) -> tuple[str, ...]:
    if not names:
        return ()
    return tuple(sorted({clean(name) for name in names} - {""}))


def _print(said: object) -> str:
    return hashlib.blake2b(msgspec.json.encode(said), digest_size=8).hexdigest()


def _canonical(names: tuple[str, ...], texts: tuple[str, ...]) -> Values:
    """The canonical texts by name; one look at all of them tells the usual case, where trimming is enough."""
    joined = "".join(texts)
    if joined.isascii() and "**" not in joined and "\r" not in joined:
        return dict(zip(names, map(str.strip, texts), strict=True))
    return {
        name: clean(text)
        for name, text in zip(names, texts, strict=True)
        if "**" not in text or not looks_masked(text)
    }
