"""What is remembered once something was written: image, base, link, mirror, all in one commit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from xpm_tui.model.links import Base, ContactLink, Link, Pair
from xpm_tui.model.plan import Change
from xpm_tui.model.ports import Put, Snapshot, Write
from xpm_tui.model.runs import Image, Intent, Run, Written
from xpm_tui.model.tables import BASE, IMAGES, LINKS, PLANNED, RUNS, XPM_CLIENTS
from xpm_tui.model.xpm import XpmClient
from xpm_tui.sync.applying.undone import image_of, is_undo, noted, take_back
from xpm_tui.sync.applying.writing import base_key
from xpm_tui.sync.base import PRIMARY, agree, carry, mirror_values, pair
from xpm_tui.sync.journal import ADD_CONTACT
from xpm_tui.sync.mirror import client_writes
from xpm_tui.sync.view import Values


def image_write(
    snapshot: Snapshot, run: str, client: str, uuid: str, written: Iterable[Written], *, created: bool = False
) -> Put:
    """The before-image of one client in one run, grown by what was just written."""
    id_ = f"{run}/{client}"
    image = snapshot.get(IMAGES, id_) or Image(id=id_, run=run, client=client, uuid=uuid)
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
    """Contacts of XPM that stand for other contacts of the same client: two may have been sent alike, and
    what was made for the one is never taken for the other's, too."""
    client, _, contact = record.partition("/")
    link = snapshot.get(LINKS, client)
    return frozenset(each.uuid for each in link.contacts if each.contact != contact) if link else frozenset()


class Landed(msgspec.Struct, frozen=True):
    """What follows from a write that took effect: the writes of its commit, and what they did."""

    writes: tuple[Write, ...]
    written: tuple[Written, ...]


def landed(
    snapshot: Snapshot, run: Run, intent: Intent, changes: Sequence[Change], row: XpmClient, now: datetime
) -> Landed:
    """All that follows from a write which took effect in XPM; ``row`` is the client as it is there now.

    The end of the intent itself is left to the caller, who puts it into the same commit.
    """
    client, _, contact = intent.record.partition("/")
    link = snapshot.get(LINKS, client)
    if link is None or link.uuid != row.uuid:
        # An undo takes the link first: what it then put back in XPM is counted and noted all the same.
        image = image_of(snapshot, run, client) if is_undo(changes) else None
        back = [*client_writes(snapshot, [row], now), *([noted(image, changes)] if image else [])]
        return Landed(tuple(back), tuple(map(_put_back, changes)) if image else ())
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
        )
        for change in changes
    )
    base = carry(base, before, after)
    writes: list[Write] = [
        write
        for write in client_writes(snapshot, [row], now)
        if not (write.table is BASE and isinstance(write, Put) and write.row.id == client)
    ]
    if is_undo(changes):
        base, undone = take_back(snapshot, run, client, changes, base, after, now)
        writes += undone
    else:
        base = agree(base, _sent(intent, changes, contact, after), after)
    writes += changed_writes(snapshot, link, base)
    writes.append(image_write(snapshot, run.id, client, row.uuid, written))
    return Landed(tuple(writes), written)


def _put_back(change: Change) -> Written:
    return Written(
        record=change.record,
        field=change.field,
        side=change.side,
        rule=change.rule,
        old=change.old,
        new=change.new,
    )


def landed_as_planned(snapshot: Snapshot, intent: Intent, row: XpmClient, now: datetime) -> Landed:
    """The same, found out later: with the changes as the run of that time had planned them."""
    run = snapshot.get(RUNS, intent.run) or Run(id=intent.run, started=now, by="")
    record = snapshot.get(PLANNED, f"{run.plan}/{intent.record.partition('/')[0]}")
    changes: list[Change] = []
    for change in record.changes if record is not None else ():
        if change.ticked and change.side == "xpm" and change.record == intent.record:
            changes.append(change)
    return landed(snapshot, run, intent, changes, row, now)


def _sent(intent: Intent, changes: Sequence[Change], contact: str, after: Values) -> dict[str, Pair]:
    """What both sides agree on now: what we sent, and what XPM kept of it."""
    sent = {change.field: change.new for change in changes if change.field != "contact"}
    if intent.kind == ADD_CONTACT:
        sent.update(intent.values)
        sent.pop(PRIMARY, None)
    pairs: dict[str, Pair] = {}
    for field, value in sent.items():
        key = base_key(field, contact)
        pairs[key] = Pair(value, after.get(key, value))
    return pairs
