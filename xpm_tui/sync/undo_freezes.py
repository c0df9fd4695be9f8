"""Which fields an undo freezes, so that the next sync does not write them again. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from xpm_tui.domain.field_types import is_same
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.links import Link
from xpm_tui.domain.plan import FrozenCounts, Plan, PlannedRecord
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.runs import BeforeImage
from xpm_tui.domain.tables import CLIENTS, IMAGES, LINKS, XPM_CLIENTS
from xpm_tui.domain.xpm import XpmClient
from xpm_tui.sync.base import PRIMARY, base_key, contact_key, frozen_fields, mirror_values, undone_key
from xpm_tui.sync.canonical import TeamLinks, contact_values, ignition_values


def undo_freezes(
    snapshot: Snapshot,
    plan: Plan,
    records: Iterable[PlannedRecord],
    *,
    ended: bool = False,
    clients: Collection[str] | None = None,
) -> dict[str, tuple[str, ...]]:
    """Return the fields that an undo freezes, by client: those that it restores and those that it leaves.

    Everything that the undone run wrote stays as the undo leaves it, so that no later sync writes it again.
    Changes that are not ticked, clients that were linked elsewhere since, and fields that are already frozen
    are left out.

    Args:
        snapshot: The store, with the before-images of the undone run.
        plan: The head of the undo.
        records: Its records with their ticks.
        ended: Whether the undo was already applied. Before that, a client that it unlinks or removes is left
            out, because nothing of it remains to be frozen.
        clients: Only these clients; None for all clients of the undo.
    """
    planned = {record.client: record for record in records}
    team = TeamLinks.read(snapshot)
    found: dict[str, tuple[str, ...]] = {}
    images: Iterable[BeforeImage | None] = (
        snapshot.find(IMAGES, "run", plan.undo_of)
        if clients is None
        else [snapshot.get(IMAGES, f"{plan.undo_of}/{client}") for client in clients]
    )
    for image in images:
        if image is None or plan.only not in ("", image.client):
            continue
        record = planned.get(image.client)
        changes = record.changes if record is not None else ()
        if not ended and any(c.ticked and c.field in ("link", "client") for c in changes):
            continue
        # A removed contact needs no freeze; a change that is not ticked is not part of the undo.
        excluded = {undone_key(c.record, c.field) for c in changes if not c.ticked or c.field == "contact"}
        keys = dict.fromkeys(_undone_fields(snapshot, image, plan.fields, excluded, team))
        already_frozen = frozen_fields(snapshot, image.client)
        if left := tuple(key for key in keys if key not in already_frozen):
            found[image.client] = left
    return found


def _undone_fields(
    snapshot: Snapshot,
    image: BeforeImage,
    fields: Collection[str],
    excluded: Collection[str],
    team: TeamLinks,
) -> Iterable[str]:
    """Yield the fields that a run wrote to one client and that are not undone yet.

    For a client or a contact that the run added and that stays, they are the fields that differ between the
    two sides.
    """
    client, link = snapshot.get(CLIENTS, image.client), snapshot.get(LINKS, image.client)
    if client is None or link is None or link.uuid != image.uuid:
        return
    row = snapshot.get(XPM_CLIENTS, link.uuid)
    ids = {contact.id for contact in client.contacts}
    for written in image.written:
        name, contact = undone_key(written.record, written.field), written.contact
        key = base_key(written.field, contact)
        wanted = not fields or written.field in fields or key in fields
        if not wanted or written.field == "link" or name in image.undone or name in excluded:
            continue
        if written.field in ("client", "contact"):
            yield from _differing(client, row, link, team, contact) if row is not None else ()
        elif not contact or contact in ids or written.field == PRIMARY:
            yield key


def _differing(client: Client, row: XpmClient, link: Link, team: TeamLinks, contact: str) -> Iterable[str]:
    """Return the fields of a client, or of one contact, that both sides have and that differ."""
    theirs = mirror_values(row, link)
    ours = {} if contact else ignition_values(client, team)
    for each in client.contacts:
        if contact in ("", each.id):
            ours |= {contact_key(each.id, field): value for field, value in contact_values(each).items()}
    return [key for key, value in ours.items() if key in theirs and not is_same(value, theirs[key])]


def frozen_counts(frozen: Mapping[str, Iterable[str]]) -> tuple[FrozenCounts, ...]:
    """Return each frozen field with its clients and contacts."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for client, keys in frozen.items():
        for key in keys:
            contact, _, field = key.rpartition(".")
            found[field].append(f"{client}/{contact}" if contact else client)
    return tuple(
        FrozenCounts(field=field, number=len(ids), records=tuple(ids)) for field, ids in found.items()
    )
