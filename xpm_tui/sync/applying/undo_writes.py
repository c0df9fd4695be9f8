"""Apply an undo on Ignition's side: restore values, contacts, links and picks in one commit."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from xpm_tui.domain.ignition import Client
from xpm_tui.domain.links import Base, Link, Provenance, ValueOrigin
from xpm_tui.domain.plan import Change, PlannedRecord
from xpm_tui.domain.ports import Drop, Put, Snapshot, Write
from xpm_tui.domain.runs import BeforeImage, Relinked, Run, Written
from xpm_tui.domain.tables import (
    BASE,
    BLOCKED_PAIRS,
    CLIENTS,
    FREEZES,
    IGNORED,
    LINKS,
    PROVENANCE,
    XPM_CLIENTS,
)
from xpm_tui.domain.xpm import XpmClient
from xpm_tui.sync.applying.local_writes import Moved, VerifiedRecord, write_local_changes
from xpm_tui.sync.applying.run_recorder import LocalCommit
from xpm_tui.sync.applying.run_results import (
    changed_writes,
    image_of,
    image_write,
    mark,
    undo_agreement,
    with_undone_changes,
)
from xpm_tui.sync.base import (
    base_key,
    block_pair,
    blocked_pair_id,
    mirror_values,
    normalise_base,
    present,
    provenance_writes,
    released,
)
from xpm_tui.sync.canonical import TeamLinks, Values, ignition_fingerprint, xpm_fingerprint
from xpm_tui.sync.planning.comparison import ClientPair


def undo_here(
    snapshot: Snapshot, record: PlannedRecord, team: TeamLinks, run: Run, now: datetime
) -> LocalCommit | Moved:
    """Return the writes of one client's undo on Ignition's side."""
    client = snapshot.get(CLIENTS, record.client)
    image = image_of(snapshot, run, record.client)
    if client is None or image is None or ignition_fingerprint(client, team) != record.ignition:
        return "ignition"
    ticked = [c for c in record.changes if c.ticked and mark(c.record, c.field) not in image.undone]
    whole = next((c for c in ticked if c.field == "client"), None)
    linked = next((c for c in ticked if c.field == "link"), None)
    there = snapshot.get(LINKS, client.id)
    expected = linked.old if linked else record.uuid
    if not ticked or (there.uuid if there else "") != (expected or ""):
        return "link"
    row = snapshot.get(XPM_CLIENTS, record.uuid)
    if row is not None and record.xpm and xpm_fingerprint(row) != record.xpm:
        return "xpm"
    link = there or Link(id=client.id, uuid="")
    base = snapshot.get(BASE, client.id) or Base(id=client.id)
    sides = ClientPair(client, row or XpmClient(uuid=record.uuid, name=client.name), link, base)
    ours = [c for c in ticked if c.side == "ignition" and c.field not in ("client", "link")]
    back = [c for c in ours if c.field == "contact" and c.new is not None]
    made = write_local_changes(sides, [c for c in ours if c not in back], team, _no_contact)
    made = msgspec.structs.replace(
        made,
        client=_with_contacts(made.client, image, back),
        written=made.written + tuple(map(_written, back)),
    )
    written = made.written + tuple(_written(change) for change in (linked, whole) if change is not None)
    writes: list[Write] = []
    if whole is not None:
        writes += [Drop(CLIENTS, client.id), Drop(LINKS, client.id), Drop(BASE, client.id)]
        writes += [Drop(PROVENANCE, client.id), with_undone_changes(image, ticked)]
    else:
        if made.client != client:
            writes.append(Put(CLIENTS, made.client))
        if linked is not None:
            after_undo = present(made.client, team)
            writes += _linked_back(
                link, str(linked.new or ""), snapshot, run, now, image.relinked, after_undo, undone=image.run
            )
            writes.append(with_undone_changes(image, [*ours, linked]))
        elif ours:
            after = mirror_values(sides.row, made.link)
            base, more = undo_agreement(snapshot, run, client.id, ours, base, after, now)
            writes += [*more, *(changed_writes(snapshot, made.link, base) if link.uuid else ())]
            writes += _known_again(snapshot, image, ours, made.client, team)
    if written:
        writes.append(image_write(snapshot, run.id, client.id, record.uuid, written))
    rest = tuple(change for change in ticked if change.side == "xpm")
    after_sides = msgspec.structs.replace(sides, client=made.client, link=made.link, base=base)
    return LocalCommit(tuple(writes), written, VerifiedRecord(after_sides, rest))


def _written(change: Change) -> Written:
    return Written(
        record=change.record,
        field=change.field,
        side=change.side,
        rule=change.rule,
        old=change.old,
        new=change.new,
    )


def _with_contacts(client: Client, image: BeforeImage, back: Iterable[Change]) -> Client:
    """Return the client with the contacts of its former link; only one contact is primary."""
    wanted = {change.record.partition("/")[2] for change in back}
    kept = image.relinked.contacts if image.relinked is not None else ()
    contacts = [*client.contacts]
    for each in kept:
        if each.id in wanted:
            second = each.primary and any(other.primary for other in contacts)
            contacts.append(msgspec.structs.replace(each, primary=False) if second else each)
    return msgspec.structs.replace(client, contacts=tuple(contacts)) if wanted else client


def _known_again(
    snapshot: Snapshot, image: BeforeImage, changes: Iterable[Change], client: Client, team: TeamLinks
) -> list[Write]:
    """Record values that are restored without their link as the former client's again."""
    if image.relinked is None or image.relinked.provenance is None:
        return []
    were, values = image.relinked.provenance.values, present(client, team)
    known = snapshot.get(PROVENANCE, client.id) or Provenance(id=client.id)
    keys: set[str] = set()
    for change in changes:
        contact = change.record.partition("/")[2]
        if change.field == "contact":
            keys |= {each for each in were if each.startswith(f"{contact}.")}
        else:
            keys.add(base_key(change.field, contact))
    back = {key: ValueOrigin(were[key].uuid, were[key].value, values[key]) for key in keys & were.keys()}
    return provenance_writes(snapshot, msgspec.structs.replace(known, values={**known.values, **back}))


def _known_of(before: Provenance, now: Provenance, values: Values) -> Provenance:
    """Return the provenance of a client's values: from before a link, and added since.

    For each value it is what applies to the present one.
    """
    found: dict[str, ValueOrigin] = {}
    for key in {**before.values, **now.values}:
        both = [each for each in (before.values.get(key), now.values.get(key)) if each is not None]
        true = [each for each in both if values.get(key) in (each.value, each.stayed)]
        found[key] = (true or both)[0]
    return msgspec.structs.replace(now, values=found, removed={**before.removed, **now.removed})


def _linked_back(
    link: Link,
    before: str,
    snapshot: Snapshot,
    run: Run,
    now: datetime,
    relinked: Relinked | None,
    values: Values,
    *,
    undone: str,
) -> list[Write]:
    """Return the writes that remove a link or restore the previous one, with its base.

    The present pair is blocked until a user links the two again. If another client is linked to the former
    XPM client by now, the restored link is quiet. ``values`` are the client's future values by base key.
    """
    writes: list[Write] = [Drop(BASE, link.id)]
    known = released(snapshot, link.id)
    if relinked is not None and relinked.provenance is not None:
        known = _known_of(relinked.provenance, known, values)
    writes += provenance_writes(snapshot, known)
    if relinked is not None:
        writes += [Put(FREEZES, each) for each in relinked.freezes]
        writes += [Put(IGNORED, relinked.ignored)] if relinked.ignored is not None else []
    if link.uuid:
        writes.append(block_pair(link.id, link.uuid, run.by, now, undone=undone))
    if not before:
        return [Drop(LINKS, link.id), *writes]
    row = snapshot.get(XPM_CLIENTS, before)
    was = relinked.link if relinked is not None else None
    if was is not None and was.uuid != before:
        was = None
    if was is not None and relinked is not None and relinked.base is not None:
        writes.append(Put(BASE, normalise_base(snapshot, was, relinked.base)))
    back = Link(
        id=link.id,
        uuid=before,
        number=row.number if row is not None else "",
        origin="undo",
        contacts=was.contacts if was is not None else (),
        quiet=any(other.id != link.id for other in snapshot.find(LINKS, "uuid", before)),
        at=now,
        by=run.by,
        run=run.id,
    )
    return [Put(LINKS, back), Drop(BLOCKED_PAIRS, blocked_pair_id(link.id, before)), *writes]


def _no_contact() -> str:
    raise LookupError("an undo creates no contact")
