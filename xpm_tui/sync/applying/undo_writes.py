"""Carrying out an undo on Ignition's side: values, contacts, links and picks go back in one commit."""

from __future__ import annotations

from datetime import datetime

import msgspec

from xpm_tui.domain.links import Base, Link
from xpm_tui.domain.plan import Change, PlannedRecord
from xpm_tui.domain.ports import Drop, Put, Snapshot, Write
from xpm_tui.domain.runs import Run, Written
from xpm_tui.domain.tables import APART, BASE, CLIENTS, LINKS, XPM_CLIENTS
from xpm_tui.domain.xpm import XpmClient
from xpm_tui.sync.applying.local_commits import Booked
from xpm_tui.sync.applying.local_writes import write_book
from xpm_tui.sync.applying.preconditions import Moved, Standing
from xpm_tui.sync.applying.run_results import changed_writes, image_of, image_write, mark, noted, take_back
from xpm_tui.sync.base import apart_id, kept_apart, mirror_values
from xpm_tui.sync.canonical import Team, book_print, xpm_print
from xpm_tui.sync.planning.comparison import Sides


def undo_here(
    snapshot: Snapshot, record: PlannedRecord, team: Team, run: Run, now: datetime
) -> Booked | Moved:
    """The part of one client's undo that is on Ignition's side, as the writes of a commit."""
    client = snapshot.get(CLIENTS, record.client)
    image = image_of(snapshot, run, record.client)
    if client is None or image is None or book_print(client, team) != record.ignition:
        return "ignition"
    ticked = [c for c in record.changes if c.ticked and mark(c.record, c.field) not in image.undone]
    whole = next((c for c in ticked if c.field == "client"), None)
    linked = next((c for c in ticked if c.field == "link"), None)
    there = snapshot.get(LINKS, client.id)
    expected = linked.old if linked else record.uuid
    if not ticked or (there.uuid if there else "") != (expected or ""):
        return "link"
    row = snapshot.get(XPM_CLIENTS, record.uuid)
    if row is not None and record.xpm and xpm_print(row) != record.xpm:
        return "xpm"
    link = there or Link(id=client.id, uuid="")
    base = snapshot.get(BASE, client.id) or Base(id=client.id)
    sides = Sides(client, row or XpmClient(uuid=record.uuid, name=client.name), link, base)
    ours = [c for c in ticked if c.side == "ignition" and c.field not in ("client", "link")]
    made = write_book(sides, ours, team, _no_contact)
    written = made.written + tuple(_written(change) for change in (linked, whole) if change is not None)
    writes: list[Write] = []
    if whole is not None:
        writes += [Drop(CLIENTS, client.id), Drop(LINKS, client.id), Drop(BASE, client.id)]
        writes.append(noted(image, ticked))
    else:
        if made.client != client:
            writes.append(Put(CLIENTS, made.client))
        if linked is not None:
            writes += _linked_back(link, str(linked.new or ""), snapshot, run, now, image.run)
            writes.append(noted(image, [*ours, linked]))
        elif ours:
            after = mirror_values(sides.row, made.link)
            base, more = take_back(snapshot, run, client.id, ours, base, after, now)
            writes += [*more, *(changed_writes(snapshot, made.link, base) if link.uuid else ())]
    if written:
        writes.append(image_write(snapshot, run.id, client.id, record.uuid, written))
    rest = tuple(change for change in ticked if change.side == "xpm")
    after_sides = msgspec.structs.replace(sides, client=made.client, link=made.link, base=base)
    return Booked(tuple(writes), written, Standing(after_sides, rest))


def _written(change: Change) -> Written:
    return Written(
        record=change.record,
        field=change.field,
        side=change.side,
        rule=change.rule,
        old=change.old,
        new=change.new,
    )


def _linked_back(
    link: Link, before: str, snapshot: Snapshot, run: Run, now: datetime, undone: str
) -> list[Write]:
    """The link goes, or goes back to what it was; what it was until now is kept apart until a user links the
    two again. Where another client is linked by now it comes back quiet, as a second one does."""
    writes: list[Write] = [Drop(BASE, link.id)]
    if link.uuid:
        writes.append(kept_apart(link.id, link.uuid, run.by, now, undone=undone))
    if not before:
        return [Drop(LINKS, link.id), *writes]
    row = snapshot.get(XPM_CLIENTS, before)
    back = Link(
        id=link.id,
        uuid=before,
        number=row.number if row is not None else "",
        origin="undo",
        quiet=any(other.id != link.id for other in snapshot.find(LINKS, "uuid", before)),
        at=now,
        by=run.by,
        run=run.id,
    )
    return [Put(LINKS, back), Drop(APART, apart_id(link.id, before)), *writes]


def _no_contact() -> str:
    raise LookupError("an undo makes no contact")
