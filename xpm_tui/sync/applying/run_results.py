"""The results of a write to XPM: image, base, link and mirror, all in one commit. Pure.

XPM's answer is compared with the mirror, to find what has changed that was not sent. For an undone value, the
former base is restored and a freeze is added.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from xpm_tui.domain.links import Base, ContactLink, Freeze, Link, Pair, Value
from xpm_tui.domain.plan import Change
from xpm_tui.domain.ports import Put, Snapshot, Write
from xpm_tui.domain.runs import BeforeImage, Intent, Run, Written
from xpm_tui.domain.tables import BASE, CLIENTS, FREEZES, IMAGES, LINKS, PLANNED, PLANS, RUNS, XPM_CLIENTS
from xpm_tui.domain.xpm import XpmClient, XpmContact
from xpm_tui.sync.base import (
    PRIMARY,
    agreed_pair,
    base_key,
    base_pair,
    came_from_xpm,
    contact_key,
    forget,
    forget_fields,
    mirror_values,
    rebase,
    record_agreement,
    undone_key,
    with_origin,
)
from xpm_tui.sync.canonical import Values, contact_values, fill_unreadable, write_contact, xpm_values
from xpm_tui.sync.journal import ADD_CONTACT, UPDATE_CONTACT
from xpm_tui.sync.mirror import client_writes
from xpm_tui.sync.planning.contacts import contact_owners, synced_copies
from xpm_tui.sync.policy import CONTACT_FIELDS


def merge_client(old: XpmClient, reply: XpmClient) -> XpmClient:
    """Return the reply as a mirror row.

    What an answer to a write may leave out (groups, contacts, the number of the web address, the masked tax
    number) stays as it was.
    """
    reply = fill_unreadable(old, reply)
    return msgspec.structs.replace(
        reply,
        groups=reply.groups if reply.groups is not None else old.groups,
        contacts=reply.contacts or old.contacts,
        number=reply.number or old.number,
        web_url=reply.web_url or old.web_url,
        tax_number=reply.tax_number or old.tax_number,
        seen_at=old.seen_at,
    )


def merge_contact(old: XpmClient, reply: XpmContact) -> XpmClient:
    """Return the mirror row with one contact from the reply; a new primary replaces the old one."""
    others = [
        msgspec.structs.replace(each, primary=False) if reply.primary and each.primary else each
        for each in old.contacts
    ]
    if any(each.uuid == reply.uuid for each in others):
        contacts = [reply if each.uuid == reply.uuid else each for each in others]
    else:
        contacts = [*others, reply]
    return msgspec.structs.replace(old, contacts=tuple(contacts))


def edited_fields(old: XpmClient, new: XpmClient, sent: Collection[str]) -> list[str]:
    """Return the client's fields that changed although they were not sent."""
    return _edited(xpm_values(old), xpm_values(new), sent)


def edited_contact_fields(old: XpmContact | None, new: XpmContact, sent: Collection[str]) -> list[str]:
    """Return the contact's fields that changed although they were not sent."""
    return [] if old is None else _edited(contact_values(old), contact_values(new), sent)


def find_altered_fields(sent: Mapping[str, Value], row: XpmClient, contact: XpmContact | None) -> list[str]:
    """Return the fields that XPM stored differently from what was sent."""
    values: Values = contact_values(contact) if contact is not None else xpm_values(row)
    return [field for field, value in sent.items() if field in values and values[field] != value]


def _edited(old: Values, new: Values, sent: Iterable[str]) -> list[str]:
    ours = frozenset(sent)
    return [field for field, value in new.items() if field not in ours and old.get(field) != value]


UNDO = "undo"
"""The rule of a change that undoes what an earlier run wrote."""


def is_undo(changes: Iterable[Change]) -> bool:
    """Return whether these changes undo what an earlier run wrote."""
    return any(change.rule == UNDO for change in changes)


def image_of(snapshot: Snapshot, run: Run, client: str) -> BeforeImage | None:
    """Return the before-image that an undo works from."""
    plan = snapshot.get(PLANS, run.plan)
    return snapshot.get(IMAGES, f"{plan.undo_of}/{client}") if plan is not None else None


def undo_agreement(
    snapshot: Snapshot,
    run: Run,
    client: str,
    changes: Sequence[Change],
    base: Base,
    mirror: Mapping[str, Value],
    now: datetime,
) -> tuple[Base, list[Write]]:
    """Restore the base from before the undone run, freeze the fields, and record it in the image.

    ``mirror`` is XPM's side by base key as it will be. Returns the new base and the other writes.
    """
    image = image_of(snapshot, run, client)
    if image is None:
        return base, []
    agreed = {undone_key(written.record, written.field): written for written in image.written}
    writes: list[Write] = []
    for change in changes:
        key = base_key(change.field, change.contact)
        before = agreed.get(undone_key(change.record, change.field))
        if before is None or before.pair is None:
            base = forget(base, [key])
        else:
            base = with_origin(record_agreement(base, {key: before.pair}, mirror), [key], came=before.came)
        freeze = undo_freeze(client, key, image.run, run.by, now)
        there = snapshot.get(FREEZES, freeze.id)
        # Linking again must not remove a freeze that a user made.
        if change.field != "contact" and (there is None or there.undo):
            writes.append(Put(FREEZES, freeze))
    return base, [*writes, with_undone_changes(image, changes)]


def undo_freeze(client: str, key: str, undone: str, by: str, now: datetime) -> Freeze:
    """Return the freeze that makes an undo permanent until a user removes it."""
    return Freeze(
        id=f"{client}/{key}",
        client=client,
        field=key,
        reason=f"undone by {by}, run {undone}",
        by=by,
        at=now,
        undo=True,
    )


def with_undone_changes(image: BeforeImage, changes: Iterable[Change]) -> Put:
    """Return the image with the changes that are undone now."""
    undone = dict.fromkeys((*image.undone, *(undone_key(change.record, change.field) for change in changes)))
    return Put(IMAGES, msgspec.structs.replace(image, undone=tuple(undone)))


def image_write(
    snapshot: Snapshot, run: str, client: str, uuid: str, written: Iterable[Written], *, created: bool = False
) -> Put:
    """Return the before-image of one client in one run, extended by what was just written."""
    id_ = f"{run}/{client}"
    image = snapshot.get(IMAGES, id_) or BeforeImage(id=id_, run=run, client=client, uuid=uuid)
    return Put(
        IMAGES,
        msgspec.structs.replace(
            image, uuid=uuid, written=(*image.written, *written), created=image.created or created
        ),
    )


def changed_writes(snapshot: Snapshot, link: Link, base: Base) -> list[Write]:
    """Return the writes of link and base, if they have changed."""
    writes: list[Write] = []
    if snapshot.get(LINKS, link.id) != link:
        writes.append(Put(LINKS, link))
    old = snapshot.get(BASE, base.id)
    if (old or Base(id=base.id)) != base:
        writes.append(Put(BASE, base))
    return writes


def joined_elsewhere(snapshot: Snapshot, record: str) -> frozenset[str]:
    """Return the XPM contacts that are linked to other contacts of the same client.

    Two contacts may have been sent with the same values, and the one that was created for one of them is
    never taken for the other's, too.
    """
    client, _, contact = record.partition("/")
    link = snapshot.get(LINKS, client)
    return frozenset(each.uuid for each in link.contacts if each.contact != contact) if link else frozenset()


def shared_rows(snapshot: Snapshot, intent: Intent, row: XpmClient) -> list[XpmClient]:
    """Return the mirror rows of other XPM clients that share an updated contact, with its new values."""
    there = row.contact(intent.found) if intent.kind == UPDATE_CONTACT else None
    if there is None:
        return []
    return [
        msgspec.structs.replace(
            other,
            contacts=tuple(
                msgspec.structs.replace(there, primary=each.primary, position=each.position)
                if each.uuid == there.uuid
                else each
                for each in other.contacts
            ),
        )
        for other in contact_owners(snapshot, there.uuid)
        if other.uuid != row.uuid
    ]


def shared_contact_results(
    snapshot: Snapshot, run: Run, intent: Intent, changes: Sequence[Change], row: XpmClient, now: datetime
) -> WriteResult:
    """Return the effects of a change to a shared contact on other XPM clients and copies here."""
    rows = shared_rows(snapshot, intent, row)
    if not rows:
        return WriteResult((), ())
    writes: list[Write] = [*client_writes(snapshot, rows, now)]
    if is_undo(changes):
        return WriteResult(tuple(writes), ())
    bases = {w.row.id: w.row for w in writes if isinstance(w, Put) and w.table is BASE}
    writes = [write for write in writes if write.table is not BASE]
    fields = {change.field for change in changes if not change.follows}
    follow = {(change.record, change.field): change for change in changes if change.follows}
    written: list[Written] = []
    for copy in synced_copies(snapshot, intent.found):
        after = next((each for each in rows if each.uuid == copy.row.uuid), None)
        client = snapshot.get(CLIENTS, copy.client)
        if after is None or client is None:
            continue
        frozen = {freeze.field for freeze in snapshot.find(FREEZES, "client", copy.client)}
        ours = next(each for each in client.contacts if each.id == copy.contact)
        before, mirror = mirror_values(copy.row, copy.link), mirror_values(after, copy.link)
        old = snapshot.get(BASE, copy.client) or Base(id=copy.client)
        base = bases.pop(copy.client, old)
        values: dict[str, Value] = {}
        agreed: dict[str, Pair] = {}
        done: list[Written] = []
        for field in fields:
            key, present = contact_key(copy.contact, field), contact_values(ours).get(field)
            change = follow.get((copy.record, field))
            if change is not None and present == change.old and frozen.isdisjoint({"*", field, key}):
                values[field] = present = change.new
                done.append(written_value(change, base_pair(old, key, before), came=came_from_xpm(old, key)))
            if key in mirror and mirror[key] == present:
                agreed[key] = Pair(present, present)
        if values:
            contacts = tuple(
                write_contact(each, values) if each.id == ours.id else each for each in client.contacts
            )
            writes.append(Put(CLIENTS, msgspec.structs.replace(client, contacts=contacts)))
            writes.append(image_write(snapshot, run.id, copy.client, copy.row.uuid, done))
        base = record_agreement(base, agreed, mirror)
        if base != old:
            writes.append(Put(BASE, base))
        written += done
    return WriteResult((*writes, *(Put(BASE, base) for base in bases.values())), tuple(written))


class WriteResult(msgspec.Struct, frozen=True):
    """The results of a write that took effect: the writes of its commit, and the changes that were made."""

    writes: tuple[Write, ...]
    written: tuple[Written, ...]


def write_result(
    snapshot: Snapshot, run: Run, intent: Intent, changes: Sequence[Change], row: XpmClient, now: datetime
) -> WriteResult:
    """Return all results of a write that took effect in XPM; ``row`` is the present client there.

    Other XPM clients that share a contact are updated as well, and ``changes`` that follow are made to their
    copies here. The caller adds the end of the intent itself to the same commit.
    """
    client, _, contact = intent.record.partition("/")
    followers = [change for change in changes if change.follows]
    changes = [change for change in changes if not change.follows]
    link = snapshot.get(LINKS, client)
    if link is None or link.uuid != row.uuid:
        # An undo removes the link first: what it restores in XPM is counted and recorded nevertheless.
        image = image_of(snapshot, run, client) if is_undo(changes) else None
        back = client_writes(snapshot, [row, *shared_rows(snapshot, intent, row)], now)
        if image is None:
            return WriteResult(tuple(back), ())
        restored = tuple(map(written_value, changes))
        recorded = image_write(snapshot, run.id, client, row.uuid, restored)
        return WriteResult((*back, with_undone_changes(image, changes), recorded), restored)
    base = snapshot.get(BASE, client) or Base(id=client)
    old = snapshot.get(XPM_CLIENTS, row.uuid) or row
    before = mirror_values(old, link)
    if intent.kind == ADD_CONTACT:
        others = tuple(joined for joined in link.contacts if joined.contact != contact)
        link = msgspec.structs.replace(
            link, contacts=(*others, ContactLink(contact=contact, uuid=intent.found))
        )
    after = mirror_values(row, link)
    written: list[Written] = []
    for change in changes:
        key = base_key(change.field, contact)
        is_new_primary = change.field == PRIMARY and intent.kind == ADD_CONTACT
        new = intent.found if is_new_primary else after.get(key, change.new)
        value = written_value(change, base_pair(base, key, before), came=came_from_xpm(base, key))
        written.append(msgspec.structs.replace(value, new=new))
    base = rebase(base, before, after)
    writes: list[Write] = [
        write
        for write in client_writes(snapshot, [row], now)
        if not (write.table is BASE and isinstance(write, Put) and write.row.id == client)
    ]
    if is_undo(changes):
        base, undone = undo_agreement(snapshot, run, client, changes, base, after, now)
        writes += undone
    else:
        base = record_agreement(base, _agreed_pairs(intent, changes, contact, after), after)
        writes += forget_fields(snapshot, client, _sent_keys(intent, changes, contact))
    writes += changed_writes(snapshot, link, base)
    writes.append(image_write(snapshot, run.id, client, row.uuid, written))
    more = shared_contact_results(snapshot, run, intent, [*changes, *followers], row, now)
    return WriteResult((*writes, *more.writes), (*written, *more.written))


def _sent_keys(intent: Intent, changes: Sequence[Change], contact: str) -> list[str]:
    """Return the base keys of what was sent; for an added contact, all of its fields."""
    if intent.kind == ADD_CONTACT:
        return [contact_key(contact, rule.name) for rule in CONTACT_FIELDS]
    return [base_key(change.field, contact) for change in changes]


def written_value(change: Change, pair: Pair | None = None, *, came: bool = False) -> Written:
    """Return the record of a change for the before-image; ``pair`` and ``came`` are of the base before it."""
    return Written(
        record=change.record,
        field=change.field,
        side=change.side,
        rule=change.rule,
        old=change.old,
        new=change.new,
        pair=pair,
        came=came,
    )


def planned_write_result(snapshot: Snapshot, intent: Intent, row: XpmClient, now: datetime) -> WriteResult:
    """Return the results of a write whose outcome was found later, with the changes that its run planned."""
    run = snapshot.get(RUNS, intent.run) or Run(id=intent.run, started=now, by="")
    record = snapshot.get(PLANNED, f"{run.plan}/{intent.record.partition('/')[0]}")
    changes: list[Change] = []
    for change in record.changes if record is not None else ():
        mine = change.side == "xpm" and change.record == intent.record
        if change.ticked and (mine or change.follows == intent.record):
            changes.append(change)
    return write_result(snapshot, run, intent, changes, row, now)


def _agreed_pairs(intent: Intent, changes: Sequence[Change], contact: str, after: Values) -> dict[str, Pair]:
    """Return what both sides agree on now: what was sent, and what XPM stored."""
    sent = {change.field: change.new for change in changes if change.field != "contact"}
    if intent.kind == ADD_CONTACT:
        sent.update(intent.values)
        sent.pop(PRIMARY, None)
    pairs: dict[str, Pair] = {}
    for field, value in sent.items():
        key = base_key(field, contact)
        pairs[key] = agreed_pair(value, after.get(key, value), "to_xpm")
    return pairs
