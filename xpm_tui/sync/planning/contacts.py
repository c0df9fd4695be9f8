"""Which contact stands for which, within one client (the client is matched by others).

By stored UUID, then by e-mail, then by name, the last two only where exactly one contact on each side has it.
What was once settled stays settled: a contact that was removed on one side, or that only one side has and was
seen by a sync, is marked in the link, kept where it is, and never made again on the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence

import msgspec

from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import Client, Contact
from xpm_tui.domain.links import ContactLink, Link
from xpm_tui.domain.xpm import XpmClient, XpmContact


class ContactMatch(msgspec.Struct, frozen=True):
    """``pairs`` stand for each other, ``fresh`` among them (ids of ours) since just now. ``ours`` and
    ``theirs`` are new: neither matched nor settled. ``links`` is what the link should say of contacts."""

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
            settled[here.id] = ContactLink(contact=here.id, uuid=link.uuid, removed="xpm")
        elif there is not None:
            blocked[there.uuid] = ContactLink(contact=link.contact, uuid=there.uuid, removed="ignition")
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


def removed_in_xpm(client: Client, link: Link, row: XpmClient) -> list[Contact]:
    """The contacts of a linked client whose counterpart was removed in XPM: they stay, and are not created
    there again."""
    if row.deleted or not link.contacts:
        return []
    there = {each.uuid for each in row.contacts if not each.deleted}
    gone = {each.contact for each in link.contacts if each.uuid and each.uuid not in there}
    return [each for each in client.contacts if each.id in gone] if gone else []


def ours_alone(contacts: Iterable[Contact]) -> tuple[ContactLink, ...]:
    """Settle that these are Ignition's own: kept there, not made in XPM."""
    return tuple(ContactLink(contact=contact.id, uuid="", removed="xpm") for contact in contacts)


def theirs_alone(contacts: Iterable[XpmContact]) -> tuple[ContactLink, ...]:
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
    """Add the pairs that one key joins: unique on both sides, both still free, and at least one of them not
    yet known to stand alone."""
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
