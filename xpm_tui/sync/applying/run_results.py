"""What XPM answered to a write, laid over what the mirror had: what changed that we did not send.

What is remembered of a value that was taken back: the pair of before, and a freeze so that it lasts.

What is remembered once something was written: image, base, link, mirror, all in one commit.
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
from xpm_tui.sync.applying.local_writes import base_key
from xpm_tui.sync.base import (
    PRIMARY,
    agreed_pair,
    came_from_xpm,
    contact_key,
    forget,
    mirror_values,
    pair,
    rebase,
    record_agreement,
    with_origin,
)
from xpm_tui.sync.base import mark as mark
from xpm_tui.sync.canonical import Values, contact_values, known, write_contact, xpm_values
from xpm_tui.sync.journal import ADD_CONTACT, UPDATE_CONTACT
from xpm_tui.sync.mirror import client_writes
from xpm_tui.sync.planning.contacts import copies, owners
from xpm_tui.sync.policy import CONTACT_FIELDS
from xpm_tui.sync.provenance import forget_fields


def merge_client(old: XpmClient, reply: XpmClient) -> XpmClient:
    """Return the reply as a mirror row.

    What an answer to a write may leave out (groups, contacts, the number of the web address, the masked tax
    number) stays as it was.
    """
    reply = known(old, reply)
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
    """The mirror row with one contact as the reply has it; a new primary takes the place of the old one."""
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
    """The client's fields that differ although we did not send them."""
    return _edited(xpm_values(old), xpm_values(new), sent)


def edited_contact_fields(old: XpmContact | None, new: XpmContact, sent: Collection[str]) -> list[str]:
    """The contact's fields that differ although we did not send them."""
    return [] if old is None else _edited(contact_values(old), contact_values(new), sent)


def altered(sent: Mapping[str, Value], row: XpmClient, contact: XpmContact | None) -> list[str]:
    """The fields that XPM kept otherwise than we sent them."""
    values: Values = contact_values(contact) if contact is not None else xpm_values(row)
    return [field for field, value in sent.items() if field in values and values[field] != value]


def contact_of(row: XpmClient, uuid: str) -> XpmContact | None:
    """One contact of a client."""
    return next((contact for contact in row.contacts if contact.uuid == uuid), None)


def _edited(old: Values, new: Values, sent: Iterable[str]) -> list[str]:
    ours = frozenset(sent)
    return [field for field, value in new.items() if field not in ours and old.get(field) != value]


UNDO = "undo"


def is_undo(changes: Iterable[Change]) -> bool:
    """Whether these changes take back what an earlier run wrote."""
    return any(change.rule == UNDO for change in changes)


def image_of(snapshot: Snapshot, run: Run, client: str) -> BeforeImage | None:
    """The before-image that an undoing run works from."""
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
    """Restore what was agreed before the undone run, freeze the fields, and note in its image what is undone.

    ``mirror`` is XPM's side by base key as it will be. Gives the new base and the writes besides it.
    """
    image = image_of(snapshot, run, client)
    if image is None:
        return base, []
    agreed = {mark(written.record, written.field): written for written in image.written}
    writes: list[Write] = []
    for change in changes:
        key = base_key(change.field, change.record.partition("/")[2])
        before = agreed.get(mark(change.record, change.field))
        if before is None or before.pair is None:
            base = forget(base, [key])
        else:
            base = with_origin(record_agreement(base, {key: before.pair}, mirror), [key], came=before.came)
        freeze = undo_freeze(client, key, image.run, run.by, now)
        there = snapshot.get(FREEZES, freeze.id)
        # A freeze that a person made is theirs: linking anew must not lift it.
        if change.field != "contact" and (there is None or there.undo):
            writes.append(Put(FREEZES, freeze))
    return base, [*writes, noted(image, changes)]


def undo_freeze(client: str, key: str, undone: str, by: str, now: datetime) -> Freeze:
    """The freeze that makes an undo last until a person lifts it."""
    return Freeze(
        id=f"{client}/{key}",
        client=client,
        field=key,
        reason=f"undone by {by}, run {undone}",
        by=by,
        at=now,
        undo=True,
    )


def noted(image: BeforeImage, changes: Iterable[Change]) -> Put:
    """The image with the changes that are undone now."""
    undone = dict.fromkeys((*image.undone, *(mark(change.record, change.field) for change in changes)))
    return Put(IMAGES, msgspec.structs.replace(image, undone=tuple(undone)))


def image_write(
    snapshot: Snapshot, run: str, client: str, uuid: str, written: Iterable[Written], *, created: bool = False
) -> Put:
    """The before-image of one client in one run, grown by what was just written."""
    id_ = f"{run}/{client}"
    image = snapshot.get(IMAGES, id_) or BeforeImage(id=id_, run=run, client=client, uuid=uuid)
    return Put(
        IMAGES,
        msgspec.structs.replace(
            image, uuid=uuid, written=(*image.written, *written), created=image.created or created
        ),
    )


def changed_writes(snapshot: Snapshot, link: Link, base: Base) -> list[Write]:
    """Link and base, where they say something new."""
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
    """The mirror rows of the other XPM clients of a contact that was updated, with what XPM has of it now."""
    there = contact_of(row, intent.found) if intent.kind == UPDATE_CONTACT else None
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
        for other in owners(snapshot, there.uuid)
        if other.uuid != row.uuid
    ]


def shared_contact_results(
    snapshot: Snapshot, run: Run, intent: Intent, changes: Sequence[Change], row: XpmClient, now: datetime
) -> WriteResult:
    """What follows from a change to a shared contact for the other XPM clients and the copies of it here."""
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
    for copy in copies(snapshot, intent.found):
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
            key, now_ = contact_key(copy.contact, field), contact_values(ours).get(field)
            change = follow.get((copy.record, field))
            if change is not None and now_ == change.old and frozen.isdisjoint({"*", field, key}):
                values[field] = now_ = change.new
                done.append(
                    Written(
                        record=copy.record,
                        field=field,
                        side="ignition",
                        rule=change.rule,
                        old=change.old,
                        new=change.new,
                        pair=pair(old, key, before),
                        came=came_from_xpm(old, key),
                    )
                )
            if key in mirror and mirror[key] == now_:
                agreed[key] = Pair(now_, now_)
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
    """What follows from a write that took effect: the writes of its commit, and what they did."""

    writes: tuple[Write, ...]
    written: tuple[Written, ...]


def write_result(
    snapshot: Snapshot, run: Run, intent: Intent, changes: Sequence[Change], row: XpmClient, now: datetime
) -> WriteResult:
    """All that follows from a write which took effect in XPM; ``row`` is the client as it is there now.

    Other XPM clients that share a contact are brought up to date with it, and ``changes`` that follow are
    made to their copies here. The end of the intent itself is left to the caller, who puts it into the same
    commit.
    """
    client, _, contact = intent.record.partition("/")
    followers = [change for change in changes if change.follows]
    changes = [change for change in changes if not change.follows]
    link = snapshot.get(LINKS, client)
    if link is None or link.uuid != row.uuid:
        # An undo takes the link first: what it then put back in XPM is counted and noted all the same.
        image = image_of(snapshot, run, client) if is_undo(changes) else None
        back = [
            *client_writes(snapshot, [row, *shared_rows(snapshot, intent, row)], now),
            *([noted(image, changes)] if image else []),
        ]
        return WriteResult(tuple(back), tuple(map(_put_back, changes)) if image else ())
    base = snapshot.get(BASE, client) or Base(id=client)
    old = snapshot.get(XPM_CLIENTS, row.uuid) or row
    before = mirror_values(old, link)
    if intent.kind == ADD_CONTACT:
        others = tuple(joined for joined in link.contacts if joined.contact != contact)
        link = msgspec.structs.replace(
            link, contacts=(*others, ContactLink(contact=contact, uuid=intent.found))
        )
    after = mirror_values(row, link)
    written = tuple(
        Written(
            record=change.record,
            field=change.field,
            side="xpm",
            rule=change.rule,
            old=change.old,
            new=intent.found
            if change.field == PRIMARY and intent.kind == ADD_CONTACT
            else after.get(base_key(change.field, contact), change.new),
            pair=pair(base, base_key(change.field, contact), before),
            came=came_from_xpm(base, base_key(change.field, contact)),
        )
        for change in changes
    )
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
        base = record_agreement(base, _sent(intent, changes, contact, after), after)
        writes += forget_fields(snapshot, client, _keys(intent, changes, contact))
    writes += changed_writes(snapshot, link, base)
    writes.append(image_write(snapshot, run.id, client, row.uuid, written))
    more = shared_contact_results(snapshot, run, intent, [*changes, *followers], row, now)
    return WriteResult((*writes, *more.writes), (*written, *more.written))


def _keys(intent: Intent, changes: Sequence[Change], contact: str) -> list[str]:
    """The base keys of what was sent: all of a contact that was added."""
    if intent.kind == ADD_CONTACT:
        return [contact_key(contact, rule.name) for rule in CONTACT_FIELDS]
    return [base_key(change.field, contact) for change in changes]


def _put_back(change: Change) -> Written:
    return Written(
        record=change.record,
        field=change.field,
        side=change.side,
        rule=change.rule,
        old=change.old,
        new=change.new,
    )


def reviewed_write_result(snapshot: Snapshot, intent: Intent, row: XpmClient, now: datetime) -> WriteResult:
    """The same, found out later: with the changes as the run of that time had planned them."""
    run = snapshot.get(RUNS, intent.run) or Run(id=intent.run, started=now, by="")
    record = snapshot.get(PLANNED, f"{run.plan}/{intent.record.partition('/')[0]}")
    changes: list[Change] = []
    for change in record.changes if record is not None else ():
        mine = change.side == "xpm" and change.record == intent.record
        if change.ticked and (mine or change.follows == intent.record):
            changes.append(change)
    return write_result(snapshot, run, intent, changes, row, now)


def _sent(intent: Intent, changes: Sequence[Change], contact: str, after: Values) -> dict[str, Pair]:
    """What both sides agree on now: what we sent, and what XPM kept of it."""
    sent = {change.field: change.new for change in changes if change.field != "contact"}
    if intent.kind == ADD_CONTACT:
        sent.update(intent.values)
        sent.pop(PRIMARY, None)
    pairs: dict[str, Pair] = {}
    for field, value in sent.items():
        key = base_key(field, contact)
        pairs[key] = agreed_pair(value, after.get(key, value), "to_xpm")
    return pairs
