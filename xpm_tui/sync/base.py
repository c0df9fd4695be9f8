"""The base: read, store, update and forget what both sides last agreed on, and where a value came from.

A pair is stored only if one of its values differs from the mirror; otherwise both are the mirror's value.
Most clients therefore store no pair at all, and every change of a mirror row has to update the base in the
same commit.
``mirror`` is always the XPM side's canonical values by base key: ``phone``, ``k3.contact_email``.

While a link exists, its base says what came from XPM. When the link is removed, that is stored in full as
provenance, with the UUID of the XPM client: it stays known after unlinking and ignoring, until the value is
replaced, edited or sent. Blocked pairs are neither linked nor proposed until a user links them again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from xpm_tui.domain.field_types import is_blank
from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import Client, Contact
from xpm_tui.domain.links import Base, BlockedPair, Link, Pair, Provenance, Value, ValueOrigin
from xpm_tui.domain.plan import Direction
from xpm_tui.domain.ports import Drop, Put, Snapshot, Write
from xpm_tui.domain.tables import BASE, BLOCKED_PAIRS, CLIENTS, FREEZES, LINKS, PROVENANCE, XPM_CLIENTS
from xpm_tui.domain.xpm import XpmClient, XpmContact
from xpm_tui.sync.canonical import (
    UNLINKED,
    TeamLinks,
    Values,
    contact_values,
    ignition_values,
    primary_of,
    xpm_values,
)
from xpm_tui.sync.policy import ORDER

PRIMARY = "contact_primary"


def contact_key(contact: str, field: str) -> str:
    """Return the base key of a contact's field."""
    return f"{contact}.{field}"


def base_key(field: str, contact: str) -> str:
    """Return the base key of a change's field; ``contact`` is empty for the client's own."""
    return contact_key(contact, field) if contact and field != PRIMARY else field


def frozen_fields(snapshot: Snapshot, client: str) -> frozenset[str]:
    """Return the frozen fields of one client; ``*`` is all of them."""
    return frozenset(freeze.field for freeze in snapshot.find(FREEZES, "client", client))


def undone_key(record: str, field: str) -> str:
    """Return the key by which an image lists an undone change.

    Which contact is primary is a change of the client.
    """
    return f"{record.partition('/')[0] if field == PRIMARY else record} {field}"


def own_mirror_values(row: XpmClient) -> Values:
    """Return XPM's side by base key: the client's own fields, and which contact is primary."""
    values = xpm_values(row)
    values[PRIMARY] = primary_contact(row.present_contacts)
    return values


def mirror_values(row: XpmClient, link: Link) -> Values:
    """Return XPM's side by base key, with contacts under the ids of the linked contacts here."""
    values = own_mirror_values(row)
    if link.contacts:
        contacts = {contact.uuid: contact for contact in row.present_contacts}
        for joined in link.contacts:
            contact = contacts.get(joined.uuid)
            if contact is not None and joined.contact:
                for field, value in contact_values(contact).items():
                    values[contact_key(joined.contact, field)] = value
    return values


def primary_contact(contacts: Iterable[XpmContact]) -> str:
    """Return the UUID of XPM's primary contact, or empty. Of several, the last one wins, as in XPM."""
    return next((contact.uuid for contact in reversed([*contacts]) if contact.primary), "")


def base_pair(base: Base, key: str, mirror: Mapping[str, Value]) -> Pair | None:
    """Return the pair of one field, or None."""
    stored = base.pairs.get(key)
    if stored is not None:
        return stored
    if key in base.agreed and key in mirror:
        return Pair(mirror[key], mirror[key])
    return None


def agreed_pair(ignition: Value, xpm: Value, under: Direction) -> Pair:
    """Return the pair to store; two different values are accepted for this direction only."""
    return Pair(ignition, xpm, under if ignition != xpm else "")


def settled_direction(known: Pair) -> Direction:
    """Return the direction for which a pair of different values is accepted.

    Earlier versions did not record it. Then it follows from the values: a blank stays if its side is the
    master, and so does a person of the master who is not linked. Two texts differ only where XPM stored
    another value than the one that was sent.
    """
    if known.under:
        return known.under
    if is_blank(known.ignition):
        return "to_xpm"
    unlinked = isinstance(known.xpm, str) and known.xpm.startswith(UNLINKED)
    return "from_xpm" if is_blank(known.xpm) or unlinked else "to_xpm"


def record_agreement(base: Base, agreed: Mapping[str, Pair], mirror: Mapping[str, Value]) -> Base:
    """Return the base with new pairs; ``mirror`` is what the mirror row has once this is committed."""
    if not agreed:
        return base
    pairs = dict(base.pairs)
    own: list[str] = []
    from_xpm = base.picked or bool(base.exceptions)
    for key, new in agreed.items():
        if from_xpm and came_from_xpm(base, key):
            before = base_pair(base, key, mirror)
            if before is None or before.ignition != new.ignition:
                own.append(key)
        if key in mirror and new.ignition == mirror[key] and new.xpm == mirror[key]:
            pairs.pop(key, None)
        else:
            pairs[key] = new
    base = msgspec.structs.replace(base, agreed=_ordered({*base.agreed, *agreed}), pairs=pairs)
    return with_origin(base, own, came=False) if own else base


def came_from_xpm(base: Base, key: str) -> bool:
    """Return whether the agreed value of a field came from XPM, not from Ignition."""
    return base.picked != (key in base.exceptions)


def with_origin(base: Base, keys: Iterable[str], *, came: bool) -> Base:
    """Return the base with the origin of some values: XPM if ``came``, otherwise Ignition."""
    named, others = frozenset(keys), frozenset(base.exceptions)
    now = others - named if came == base.picked else others | named
    return base if now == others else msgspec.structs.replace(base, exceptions=_ordered(now))


def forget(base: Base, keys: Iterable[str]) -> Base:
    """Return the base without the pairs of some fields."""
    gone = frozenset(keys)
    if gone.isdisjoint(base.agreed):
        return base
    return msgspec.structs.replace(
        base,
        agreed=tuple(key for key in base.agreed if key not in gone),
        pairs={key: kept for key, kept in base.pairs.items() if key not in gone},
        exceptions=tuple(key for key in base.exceptions if key not in gone),
    )


def forget_contact(base: Base, contact: str) -> Base:
    """Return the base without the pairs of a contact, because it is linked to another one now."""
    return forget(base, [key for key in base.agreed if key.startswith(f"{contact}.")])


def rebase(base: Base, before: Mapping[str, Value], after: Mapping[str, Value]) -> Base:
    """Return the same pairs relative to the future mirror; ``base`` itself if nothing changes."""
    pairs: dict[str, Pair] = {}
    lost: list[str] = []
    for key in base.agreed:
        known = base_pair(base, key, before)
        if known is None:
            lost.append(key)
        elif key not in after or known.ignition != after[key] or known.xpm != after[key]:
            pairs[key] = known
    if not lost and pairs == base.pairs:
        return base
    return forget(msgspec.structs.replace(base, pairs=pairs), lost)


_RANKS = defaultdict(lambda: len(ORDER), ORDER)
"""The position of a field; a name that is not a field comes last."""


def _ordered(keys: Iterable[str]) -> tuple[str, ...]:
    """Return the client's own fields, then those of each contact, in the order of the registry."""
    own: list[str] = []
    of_contacts: dict[str, list[str]] = {}
    for key in keys:
        contact, dot, _ = key.rpartition(".")
        if dot:
            of_contacts.setdefault(contact, []).append(key)
        else:
            own.append(key)
    own.sort(key=_RANKS.__getitem__)
    for contact in sorted(of_contacts, key=lambda id_: (len(id_), id_)):
        start = len(contact) + 1
        own += sorted(of_contacts[contact], key=lambda key: _RANKS[key[start:]])
    return tuple(own)


def blocked_pair_id(client: str, uuid: str) -> str:
    """Return the id of the row of a blocked pair."""
    return f"{client}/{uuid}"


def link_and_row(snapshot: Snapshot, client: str) -> tuple[Link | None, XpmClient | None]:
    """Return the link of a client, and the mirror row of the linked XPM client; None for what is missing."""
    link = snapshot.get(LINKS, client)
    return link, snapshot.get(XPM_CLIENTS, link.uuid) if link is not None else None


def live_link(snapshot: Snapshot, client: str) -> Link | None:
    """Return the link of a client whose XPM client exists; otherwise None."""
    link, row = link_and_row(snapshot, client)
    return None if row is None or row.deleted else link


def block_pair(client: str, uuid: str, by: str, now: datetime, *, undone: str = "") -> Put:
    """Return the write that blocks a pair; ``undone`` is the run whose undo removed the link."""
    row = BlockedPair(
        id=blocked_pair_id(client, uuid), client=client, uuid=uuid, by=by, at=now, undone=undone
    )
    return Put(BLOCKED_PAIRS, row)


def block_as_different(client: str, uuid: str, *, by: str, now: datetime) -> Put:
    """Return the write that records the decision of a user that these two are different."""
    row = BlockedPair(
        id=blocked_pair_id(client, uuid), client=client, uuid=uuid, by=by, at=now, different=True
    )
    return Put(BLOCKED_PAIRS, row)


def present_values(client: Client, team: TeamLinks) -> Values:
    """Return a client's values by base key, including those of its contacts."""
    values = ignition_values(client, team)
    for contact in client.contacts:
        values |= {contact_key(contact.id, name): value for name, value in contact_values(contact).items()}
    values[PRIMARY] = primary_of(client)
    return values


def known_provenance(snapshot: Snapshot, client: str) -> Provenance:
    """Return the provenance of a client's values, including those that came over its present link."""
    known = snapshot.get(PROVENANCE, client) or Provenance(id=client)
    link, row = link_and_row(snapshot, client)
    base, ours = snapshot.get(BASE, client), snapshot.get(CLIENTS, client)
    if link is None or base is None or row is None or ours is None:
        return known
    now = present_values(ours, TeamLinks.read(snapshot)) if known.values else {}
    mirror = mirror_values(row, link)
    joined = {each.uuid: each.contact for each in link.contacts if each.uuid}
    values = dict(known.values)
    for key in base.agreed:
        agreed = base_pair(base, key, mirror) if came_from_xpm(base, key) else None
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
    """Do what :func:`foreign_values` does, for a caller that has the provenance."""
    found = returned_values(known, client, uuid)
    found |= {key: each for key, each in known.values.items() if each.uuid != uuid}
    if not found:
        return {}
    values = present_values(client, team)
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
    pairs = {key: found for key in base.agreed if (found := base_pair(base, key, mirror)) is not None}
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
