r"""The canonical form in which a client of either side is compared, hashed and written.

Text is NFC with ``\n`` line ends and trimmed; an empty and an absent text are the same; groups are sorted
names. A person is the UUID of the XPM staff record. A person who is not linked keeps an id of its own side
that equals nothing on the other side, so that linking the person later is seen as a change. A masked value
has no canonical form: its field is missing, so it is neither compared nor written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import msgspec

from xpm_tui.domain.errors import UnsendableValue
from xpm_tui.domain.field_types import clean, short_hash
from xpm_tui.domain.fields import CLIENT, CONTACT, SYNCED_BY_NAME, TEXTS, Kind
from xpm_tui.domain.ignition import Client, Contact, TeamMember
from xpm_tui.domain.links import Value
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.secret import looks_masked
from xpm_tui.domain.tables import TEAM
from xpm_tui.domain.xpm import WHOLE, XpmClient, XpmContact
from xpm_tui.sync.policy import CLIENT_FIELDS, CONTACT_FIELDS

Values = dict[str, Value]

UNLINKED = "?"
"""The mark of the UUID of an XPM staff record that no team member is linked to, in comparisons."""


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
        """Return the links of a team.

        If several members are linked to one staff record, an active one wins, and then the earlier one.
        """
        rows = sorted(members, key=lambda m: (not m.active, len(m.id), m.id))
        staff = {m.id: m.staff for m in rows if m.staff}
        member: dict[str, str] = {}
        for id_, uuid in staff.items():
            member.setdefault(uuid, id_)
        return TeamLinks(staff, member)

    def known(self, uuid: str) -> str:
        """Return XPM's person for a comparison; a person without a linked member is marked."""
        return uuid if not uuid or uuid in self.member else UNLINKED + uuid

    @staticmethod
    def read(snapshot: Snapshot) -> TeamLinks:
        """Return the links of the store's team."""
        return TeamLinks.of(snapshot.rows(TEAM))


def staff_uuid(value: Value) -> Value:
    """Return the UUID of the staff record in a person's value, without the mark."""
    return value[len(UNLINKED) :] if isinstance(value, str) and value.startswith(UNLINKED) else value


def ignition_values(client: Client, team: TeamLinks) -> Values:
    """Return a store client's own fields, without contacts."""
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
    """Return an XPM client's own fields, without contacts. Groups are missing if the reply had none."""
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
    """Refuse to write fields whose value in XPM is unreadable, or a record that was set aside.

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


def fill_unreadable(old: XpmClient, row: XpmClient) -> XpmClient:
    """Return the row with the previous values in place of unreadable ones."""
    remaining = {
        fault.attribute: getattr(old, fault.attribute) for fault in row.unread if fault.attribute != WHOLE
    }
    if "web_url" in remaining:
        remaining["number"] = old.number
    return msgspec.structs.replace(row, **remaining) if remaining else row


def contact_values(contact: Contact | XpmContact) -> Values:
    """Return a contact's fields on either side, by policy field."""
    return _canonical(_CONTACT_TEXTS, _contact_texts(contact))


def new_contact_values(contact: Contact, fields: Collection[str]) -> Values:
    """Return what is sent of a contact that is added to XPM, limited to ``fields``; blanks are left out."""
    return {name: value for name, value in contact_values(contact).items() if value and name in fields}


def same_texts(ours: Contact, theirs: XpmContact) -> bool:
    """Return whether two contacts have exactly the same texts, which is cheaper than canonical forms."""
    return bool(_contact_texts(ours) == _contact_texts(theirs))


def write_client(client: Client, values: Mapping[str, Value], team: TeamLinks) -> Client:
    """Return the store client with the given canonical values; contacts are unchanged."""
    changed: dict[str, Any] = {}
    for name, value in values.items():
        kind = SYNCED_BY_NAME[name].kind
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
    """Return the store contact with the given values, by policy field."""
    changed: dict[str, Any] = {
        SYNCED_BY_NAME[name].attribute: str(value or "") for name, value in values.items()
    }
    return msgspec.structs.replace(contact, **changed)


def primary_of(client: Client) -> str:
    """Return the id of the store client's primary contact: the first that is marked, or empty."""
    return next((contact.id for contact in client.contacts if contact.primary), "")


def ignition_fingerprint(client: Client, team: TeamLinks) -> str:
    """Return a fingerprint of everything in a store client that sync can read."""
    contacts = sorted((c.id, c.primary, sorted(contact_values(c).items())) for c in client.contacts)
    return short_hash((sorted(ignition_values(client, team).items()), contacts))


def xpm_fingerprint(row: XpmClient) -> str:
    """Return a fingerprint of everything in an XPM client that sync can read."""
    contacts = sorted((c.uuid, c.primary, sorted(contact_values(c).items())) for c in row.present_contacts)
    flags = (row.archived, row.prospect, row.deleted)
    return short_hash((sorted(xpm_values(row).items()), contacts, flags))


def _sorted(names: Sequence[str]) -> tuple[str, ...]:
    if not names:
        return ()
    return tuple(sorted({clean(name) for name in names} - {""}))


def _canonical(names: tuple[str, ...], texts: tuple[str, ...]) -> Values:
    """Return the canonical texts by name, with a fast path for the usual case of trimming."""
    joined = "".join(texts)
    if joined.isascii() and "**" not in joined and "\r" not in joined:
        return dict(zip(names, map(str.strip, texts), strict=True))
    return {
        name: clean(text)
        for name, text in zip(names, texts, strict=True)
        if "**" not in text or not looks_masked(text)
    }
