"""Provenance: which values of a client came from which XPM client.

While a link exists, its base says what came from XPM. When the link is removed, that is stored in full, with
the UUID of the XPM client: it stays known after unlinking and ignoring, until the value is replaced, edited
or sent.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import Client, Contact
from xpm_tui.domain.links import Base, Link, Provenance, ValueOrigin
from xpm_tui.domain.ports import Drop, Put, Snapshot, Write
from xpm_tui.domain.tables import BASE, CLIENTS, LINKS, PROVENANCE, XPM_CLIENTS
from xpm_tui.sync.base import PRIMARY, came_from_xpm, contact_key, mirror_values, pair
from xpm_tui.sync.canonical import TeamLinks, Values, contact_values, ignition_values, is_blank, primary_of


def present(client: Client, team: TeamLinks) -> Values:
    """Return a client's values by base key, including those of its contacts."""
    values = ignition_values(client, team)
    for contact in client.contacts:
        values |= {contact_key(contact.id, name): value for name, value in contact_values(contact).items()}
    values[PRIMARY] = primary_of(client)
    return values


def released(snapshot: Snapshot, client: str) -> Provenance:
    """Return what is known of the origin of a client's values, including its present link."""
    known = snapshot.get(PROVENANCE, client) or Provenance(id=client)
    link, base = snapshot.get(LINKS, client), snapshot.get(BASE, client)
    row = snapshot.get(XPM_CLIENTS, link.uuid) if link is not None else None
    ours = snapshot.get(CLIENTS, client)
    if link is None or base is None or row is None or ours is None:
        return known
    now = present(ours, TeamLinks.read(snapshot)) if known.values else {}
    mirror = mirror_values(row, link)
    joined = {each.uuid: each.contact for each in link.contacts if each.uuid}
    values = dict(known.values)
    for key in base.agreed:
        agreed = pair(base, key, mirror) if came_from_xpm(base, key) else None
        if agreed is None or is_blank(agreed.ignition):
            continue
        value = agreed.ignition
        if key == PRIMARY:
            value = joined.get(str(value), str(value))
        other = known.values.get(key)
        if other is None or now.get(key) == value or now.get(key) != other.stayed:
            values[key] = ValueOrigin(link.uuid, value)
    return msgspec.structs.replace(known, values=values)


def foreign_values(snapshot: Snapshot, client: Client, uuid: str, team: TeamLinks) -> dict[str, ValueOrigin]:
    """Return the values that a client, linked to the XPM client ``uuid`` or to none, still has of another."""
    known = snapshot.get(PROVENANCE, client.id)
    return remaining_foreign_values(known, client, uuid, team) if known is not None else {}


def remaining_foreign_values(
    known: Provenance, client: Client, uuid: str, team: TeamLinks
) -> dict[str, ValueOrigin]:
    """Return the same from what is known of the client."""
    found = returned_values(known, client, uuid)
    found |= {key: each for key, each in known.values.items() if each.uuid != uuid}
    if not found:
        return {}
    values = present(client, team)
    return {
        key: each
        for key, each in found.items()
        if not is_blank(values.get(key))
        and (values[key] == each.stayed if uuid or each.kept is not None else True)
    }


def contact_signature(contact: Contact) -> str:
    """Return what identifies a removed contact when it comes back."""
    return contact.email.strip().casefold() or exact(contact.name).casefold()


def returned_values(known: Provenance, client: Client, uuid: str) -> dict[str, ValueOrigin]:
    """Return the values of contacts that were removed with a former link and are back.

    The link to ``uuid`` is not a former one.
    """
    found: dict[str, ValueOrigin] = {}
    for contact in client.contacts if known.removed else ():
        there = known.removed.get(contact_signature(contact), "")
        if there and there != uuid:
            for name, value in contact_values(contact).items():
                if not is_blank(value):
                    found[contact_key(contact.id, name)] = ValueOrigin(there, value)
    return found


def provenance_writes(snapshot: Snapshot, known: Provenance) -> list[Write]:
    """Return the write that stores what is known, if it has changed."""
    before = snapshot.get(PROVENANCE, known.id)
    if known.values or known.removed:
        return [Put(PROVENANCE, known)] if known != before else []
    return [Drop(PROVENANCE, known.id)] if before is not None else []


def forget_fields(snapshot: Snapshot, client: str, keys: Iterable[str]) -> list[Write]:
    """Return the write that forgets some fields, which were reviewed and sent and so are the client's own."""
    known = snapshot.get(PROVENANCE, client)
    gone = frozenset(keys)
    ours = snapshot.get(CLIENTS, client)
    if known is None or ours is None:
        return []
    left = {key: each for key, each in known.values.items() if key not in gone}
    signs = {
        contact_signature(each) for each in ours.contacts if contact_key(each.id, "contact_name") in gone
    }
    removed = {sign: each for sign, each in known.removed.items() if sign not in signs}
    return provenance_writes(snapshot, msgspec.structs.replace(known, values=left, removed=removed))


def expand_base(snapshot: Snapshot, link: Link, base: Base) -> Base:
    """Return the base with every pair in full, so that it does not depend on the mirror."""
    row = snapshot.get(XPM_CLIENTS, link.uuid)
    mirror = mirror_values(row, link) if row is not None else {}
    pairs = {key: found for key in base.agreed if (found := pair(base, key, mirror)) is not None}
    return msgspec.structs.replace(base, pairs=pairs)


def normalise_base(snapshot: Snapshot, link: Link, base: Base) -> Base:
    """Return a base that was stored in full in its normal form, relative to the present mirror."""
    row = snapshot.get(XPM_CLIENTS, link.uuid)
    mirror = mirror_values(row, link) if row is not None else {}
    pairs = {
        key: each
        for key, each in base.pairs.items()
        if key not in mirror or each.ignition != mirror[key] or each.xpm != mirror[key]
    }
    return msgspec.structs.replace(base, pairs=pairs)
