"""Which contact stands for which, within one client (the client is matched by others).

By stored UUID, then by e-mail, then by name, the last two only where exactly one contact on each side has it.
A contact that was removed on one side is marked in the link, kept where it is, and never created again on the
other. One that only the other side of a direction has is marked as well, and settled for that direction only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence

import msgspec

from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import Client, Contact
from xpm_tui.domain.links import ContactLink, Link
from xpm_tui.domain.plan import Side
from xpm_tui.domain.xpm import XpmClient, XpmContact


class ContactMatch(msgspec.Struct, frozen=True):
    """The contacts of both sides as matched.

    Attributes:
        pairs: Contacts that correspond to each other.
        fresh: Ids here of the contacts that were paired only now.
        ours: New contacts here, neither matched nor settled.
        theirs: New contacts in XPM, neither matched nor settled.
        links: The contact links that the link should have.
    """

    pairs: tuple[tuple[Contact, XpmContact], ...]
    fresh: frozenset[str]
    ours: tuple[Contact, ...]
    theirs: tuple[XpmContact, ...]
    links: tuple[ContactLink, ...]


def match_contacts(
    ours: Sequence[Contact], theirs: Sequence[XpmContact], links: Sequence[ContactLink]
) -> ContactMatch:
    """Match one client's contacts; ``theirs`` without deleted ones."""
    mine = {contact.id: contact for contact in ours}
    xpm = {contact.uuid: contact for contact in theirs}
    pairs: list[tuple[Contact, XpmContact]] = []
    settled: dict[str, ContactLink] = {}
    blocked: dict[str, ContactLink] = {}
    for link in links:
        here, there = mine.get(link.contact), xpm.get(link.uuid)
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
        fresh=frozenset(k.id for k, _ in pairs[known:]),
        ours=tuple(k for k in ours if k.id not in taken and k.id not in settled),
        theirs=tuple(x for x in theirs if x.uuid not in found and x.uuid not in blocked),
        links=tuple(joined),
    )


def valid_contact_links(
    links: Sequence[ContactLink], ours: Iterable[Contact], row: XpmClient, side: Side
) -> tuple[ContactLink, ...]:
    """Return what still holds of a link's contacts where ``side`` is written.

    A contact that was settled as the written side's own is the master's after a change of direction, so that
    it is new to the other side. What a user decided stays, and so does the contact that a client brought in
    from XPM got from its own name there.
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
    """Whether a contact says no more than the XPM client's own first and last name, and its e-mail."""
    name = exact(f"{row.first_name} {row.last_name}")
    return bool(name) and exact(contact.name) == name and contact.email in ("", row.email)


def removed_in_xpm(client: Client, link: Link, row: XpmClient) -> list[Contact]:
    """Return the contacts of a linked client whose counterpart was removed in XPM.

    They stay here, and are not created there again.
    """
    if row.deleted or not link.contacts:
        return []
    there = {each.uuid for each in row.contacts if not each.deleted}
    gone = {each.contact for each in link.contacts if each.uuid and each.uuid not in there}
    return [each for each in client.contacts if each.id in gone] if gone else []


def keep_in_ignition(contacts: Iterable[Contact]) -> tuple[ContactLink, ...]:
    """Settle that these are Ignition's own: kept there, not made in XPM."""
    return tuple(ContactLink(contact=contact.id, uuid="", removed="xpm") for contact in contacts)


def keep_in_xpm(contacts: Iterable[XpmContact]) -> tuple[ContactLink, ...]:
    """Settle that these are XPM's own: kept there, not made in Ignition."""
    return tuple(ContactLink(contact="", uuid=contact.uuid, removed="ignition") for contact in contacts)


def _match_by(
    key: Callable[[Contact | XpmContact], str],
    ours: Sequence[Contact],
    theirs: Sequence[XpmContact],
    pairs: list[tuple[Contact, XpmContact]],
    settled: Collection[str],
    blocked: Collection[str],
) -> None:
    """Add the pairs that one key joins.

    The key is unique on both sides, both contacts are still free, and at least one is not known to stand
    alone.
    """
    here, there = Counter(map(key, ours)), Counter(map(key, theirs))
    taken, found = {k.id for k, _ in pairs}, {x.uuid for _, x in pairs}
    free = {key(x): x for x in theirs if x.uuid not in found}
    for contact in ours:
        wanted = key(contact)
        if not wanted or contact.id in taken or wanted not in free:
            continue
        alone = contact.id in settled and free[wanted].uuid in blocked
        if here[wanted] == there[wanted] == 1 and not alone:
            pairs.append((contact, free[wanted]))


def _email(contact: Contact | XpmContact) -> str:
    return contact.email.strip().casefold()


def _name(contact: Contact | XpmContact) -> str:
    return exact(contact.name)
