"""Match the contacts of one client, and merge the changes to contacts that several XPM clients share. Pure.

Contacts are matched by stored UUID, then by e-mail, then by name, the last two only if exactly one contact on
each side has it. A contact that was removed on one side is marked in the link, kept on the other, and never
created again. A contact that only one side has is marked as well, as accepted for that direction only.

A shared contact is one record in XPM, so there is one change to it, whichever copy was edited. This applies
only if XPM is written: From XPM, every copy is compared with the record separately.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

import msgspec

from xpm_tui.domain.fields import SYNCED_BY_NAME
from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import Client, Contact
from xpm_tui.domain.links import Base, ContactLink, Link, Value
from xpm_tui.domain.plan import Change, Side
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.tables import BASE, CLIENTS, LINKS, XPM_CLIENTS
from xpm_tui.domain.xpm import XpmClient, XpmContact
from xpm_tui.sync.base import base_pair, contact_key, mirror_values
from xpm_tui.sync.canonical import contact_values
from xpm_tui.sync.planning.decisions import FOLLOWS, SHARED_EDITS, Rules


class ContactMatch(msgspec.Struct, frozen=True):
    """The contacts of both sides as matched.

    Attributes:
        pairs: Contacts that correspond to each other.
        newly_paired: Ids here of the contacts that were paired only now.
        ours: New contacts here, neither matched nor settled.
        theirs: New contacts in XPM, neither matched nor settled.
        links: The contact links that the link should have.
    """

    pairs: tuple[tuple[Contact, XpmContact], ...]
    newly_paired: frozenset[str]
    ours: tuple[Contact, ...]
    theirs: tuple[XpmContact, ...]
    links: tuple[ContactLink, ...]


def match_contacts(
    ours: Sequence[Contact], theirs: Sequence[XpmContact], links: Sequence[ContactLink]
) -> ContactMatch:
    """Match one client's contacts; ``theirs`` has no deleted ones."""
    here_by_id = {contact.id: contact for contact in ours}
    xpm = {contact.uuid: contact for contact in theirs}
    pairs: list[tuple[Contact, XpmContact]] = []
    settled: dict[str, ContactLink] = {}
    blocked: dict[str, ContactLink] = {}
    for link in links:
        here, there = here_by_id.get(link.contact), xpm.get(link.uuid)
        if here is not None and there is not None:
            pairs.append((here, there))
        elif here is not None:
            settled[here.id] = msgspec.structs.replace(link, removed="xpm")
        elif there is not None:
            blocked[there.uuid] = msgspec.structs.replace(link, removed="ignition")
    known = len(pairs)
    if known < len(ours) and known < len(theirs):
        for key in (_email, _name):
            _match_by(key, ours, theirs, pairs, settled.keys(), blocked.keys())
    taken, found = {k.id for k, _ in pairs}, {x.uuid for _, x in pairs}
    joined = [ContactLink(contact=k.id, uuid=x.uuid) for k, x in pairs]
    joined += [link for id_, link in settled.items() if id_ not in taken]
    joined += [link for uuid, link in blocked.items() if uuid not in found]
    return ContactMatch(
        pairs=tuple(pairs),
        newly_paired=frozenset(k.id for k, _ in pairs[known:]),
        ours=tuple(k for k in ours if k.id not in taken and k.id not in settled),
        theirs=tuple(x for x in theirs if x.uuid not in found and x.uuid not in blocked),
        links=tuple(joined),
    )


def valid_contact_links(
    links: Sequence[ContactLink], ours: Iterable[Contact], row: XpmClient, side: Side
) -> tuple[ContactLink, ...]:
    """Return which of a link's contacts still apply when ``side`` is written.

    A contact that was accepted as the written side's own belongs to the master after a change of direction,
    so it is new to the other side. What a user decided stays, and so does the contact that a client brought
    in from XPM got from its own name.
    """
    if all(link.uuid and link.contact for link in links):
        return tuple(links)
    named = {each.id for each in ours if is_from_own_name(each, row)}
    return tuple(
        link
        for link in links
        if link.by_user
        or not (
            (side == "xpm" and not link.uuid and link.contact not in named)
            or (side == "ignition" and not link.contact)
        )
    )


def is_from_own_name(contact: Contact, row: XpmClient) -> bool:
    """Return whether a contact has only the XPM client's own first and last name, and its e-mail."""
    name = exact(f"{row.first_name} {row.last_name}")
    return bool(name) and exact(contact.name) == name and contact.email in ("", row.email)


def removed_in_xpm(client: Client, link: Link, row: XpmClient) -> list[Contact]:
    """Return the contacts of a linked client whose counterpart was removed in XPM.

    They stay here, and are not created there again.
    """
    if row.deleted or not link.contacts:
        return []
    there = {each.uuid for each in row.present_contacts}
    missing = {each.contact for each in link.contacts if each.uuid and each.uuid not in there}
    return [each for each in client.contacts if each.id in missing] if missing else []


def keep_in_ignition(contacts: Iterable[Contact]) -> tuple[ContactLink, ...]:
    """Mark these contacts as Ignition's own: not created in XPM."""
    return tuple(ContactLink(contact=contact.id, uuid="", removed="xpm") for contact in contacts)


def keep_in_xpm(contacts: Iterable[XpmContact]) -> tuple[ContactLink, ...]:
    """Mark these contacts as XPM's own: not created in Ignition."""
    return tuple(ContactLink(contact="", uuid=contact.uuid, removed="ignition") for contact in contacts)


def _match_by(
    key: Callable[[Contact | XpmContact], str],
    ours: Sequence[Contact],
    theirs: Sequence[XpmContact],
    pairs: list[tuple[Contact, XpmContact]],
    settled: Collection[str],
    blocked: Collection[str],
) -> None:
    """Add the pairs that one key matches.

    It matches two contacts if it is unique on both sides, neither contact is matched yet, and not both are
    marked as one side's own.
    """
    here, there = Counter(map(key, ours)), Counter(map(key, theirs))
    taken, found = {k.id for k, _ in pairs}, {x.uuid for _, x in pairs}
    free = {key(x): x for x in theirs if x.uuid not in found}
    for contact in ours:
        wanted = key(contact)
        if not wanted or contact.id in taken or wanted not in free:
            continue
        both_marked = contact.id in settled and free[wanted].uuid in blocked
        if here[wanted] == there[wanted] == 1 and not both_marked:
            pairs.append((contact, free[wanted]))


def _email(contact: Contact | XpmContact) -> str:
    return contact.email.strip().casefold()


def _name(contact: Contact | XpmContact) -> str:
    return exact(contact.name)


Frozen = Callable[[str], frozenset[str]]
Changes = tuple[Change, ...]


class ContactCopy(msgspec.Struct, frozen=True):
    """One copy of a shared contact here: the client that has it, and the XPM client that it is linked to."""

    client: str
    contact: str
    link: Link
    row: XpmClient

    @property
    def record(self) -> str:
        """Return the record that a change to this copy names."""
        return f"{self.client}/{self.contact}"


def contact_owners(snapshot: Snapshot, contact: str) -> list[XpmClient]:
    """Return the XPM clients that a contact belongs to."""
    return [row for row in snapshot.find(XPM_CLIENTS, "contact_uuid", contact) if not row.deleted]


def synced_copies(snapshot: Snapshot, contact: str) -> Iterator[ContactCopy]:
    """Yield the copies of an XPM contact here whose links are synced."""
    for row in contact_owners(snapshot, contact):
        for link in snapshot.find(LINKS, "uuid", row.uuid):
            client = None if link.quiet else snapshot.get(CLIENTS, link.id)
            if client is None:
                continue
            match = match_contacts(client.contacts, row.present_contacts, link.contacts)
            for ours, theirs in match.pairs:
                if theirs.uuid == contact:
                    yield ContactCopy(client.id, ours.id, link, row)


def copy_value(snapshot: Snapshot, copy: ContactCopy, field: str) -> Value:
    """Return the present value of a copy."""
    client = snapshot.get(CLIENTS, copy.client)
    ours = client.contact(copy.contact) if client is not None else None
    return contact_values(ours).get(field) if ours is not None else None


def merge_shared_changes(
    snapshot: Snapshot, rules: Rules, frozen: Frozen, planned: Mapping[str, Changes]
) -> dict[str, Changes]:
    """Return the planned changes, by client, with one change to XPM for each field of a shared contact.

    The change names the other XPM clients, and the changes to the other copies here follow it. If copies were
    edited to different values, all of them are held: the user ticks one.
    """
    groups: dict[tuple[str, str], list[Change]] = defaultdict(list)
    for changes in planned.values():
        for change in changes:
            if change.shared:
                groups[change.shared, change.field].append(change)
    replacements: dict[tuple[str, str], Changes] = {}
    for (contact, field), group in groups.items():
        work = _SharedField(snapshot, rules, frozen, contact, field, group)
        for change in group:
            replacements[change.record, field] = work.replacement(change)
    if not replacements:
        return dict(planned)
    return {
        client: tuple(
            new
            for change in changes
            for new in (replacements[change.record, change.field] if change.shared else (change,))
        )
        for client, changes in planned.items()
    }


class _SharedField:
    """One field of one shared contact, with the planned value of every copy."""

    def __init__(
        self,
        snapshot: Snapshot,
        rules: Rules,
        frozen: Frozen,
        contact: str,
        field: str,
        group: Iterable[Change],
    ) -> None:
        self._snapshot = snapshot
        self._rules = rules
        self._field = field
        self._contact = contact
        self._group = {change.record: change for change in group}
        self._rows = [row.uuid for row in contact_owners(snapshot, contact)]
        self._copies = {
            copy.record: copy
            for copy in synced_copies(snapshot, contact)
            if frozen(copy.client).isdisjoint({"*", field, contact_key(copy.contact, field)})
        }
        edited = {record: change.new for record, change in self._group.items() if change.rule != "drift"}
        for record, copy in self._copies.items():
            if record not in self._group and self._is_edited(copy):
                edited[record] = copy_value(snapshot, copy, field)
        self._wanted = edited or {record: change.new for record, change in self._group.items()}
        self._conflict = len(set(self._wanted.values())) > 1
        self._main = next((record for record in self._group if record in self._wanted), "")

    def replacement(self, change: Change) -> Changes:
        """Return what is planned in place of one copy's change."""
        if change.record not in self._wanted:
            return ()
        if not self._conflict and change.record != self._main:
            return ()
        if self._conflict:
            change = msgspec.structs.replace(change, ticked=False, held=SHARED_EDITS, mark="conflict")
        here = self._copies.get(change.record)
        own = here.row.uuid if here is not None else ""
        change = msgspec.structs.replace(change, also=tuple(uuid for uuid in self._rows if uuid != own))
        return (change, *self._followers(change))

    def _followers(self, change: Change) -> Iterator[Change]:
        for record, copy in self._copies.items():
            old = copy_value(self._snapshot, copy, self._field)
            if record == change.record or old == change.new:
                continue
            yield Change(
                record=record,
                field=self._field,
                side="ignition",
                rule=FOLLOWS,
                old=old,
                new=change.new,
                ticked=change.ticked,
                held=change.held,
                shared=self._contact,
                follows=change.record,
            )

    def _is_edited(self, copy: ContactCopy) -> bool:
        """Return whether a copy that is not part of the plan was edited here since it last agreed."""
        base = self._snapshot.get(BASE, copy.client) or Base(id=copy.client)
        mirror = mirror_values(copy.row, copy.link)
        key = contact_key(copy.contact, self._field)
        there = next(each for each in copy.row.contacts if each.uuid == self._contact)
        theirs = contact_values(there).get(self._field)
        ours = copy_value(self._snapshot, copy, self._field)
        verdict = self._rules.verdict(SYNCED_BY_NAME[self._field], ours, theirs, base_pair(base, key, mirror))
        return verdict not in ("same", "agree", "drift")
