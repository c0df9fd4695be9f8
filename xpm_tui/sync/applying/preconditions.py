"""Just before writing: does a planned record stand as the plan saw it? If not, it drops out."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from xpm_tui.domain.ignition import Client
from xpm_tui.domain.links import Base, Link
from xpm_tui.domain.plan import Change, PlannedRecord
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.runs import Run
from xpm_tui.domain.tables import BASE, CLIENTS, LINKS, XPM_CLIENTS
from xpm_tui.sync.applying.local_writes import base_key
from xpm_tui.sync.canonical import (
    TeamLinks,
    contact_values,
    ignition_fingerprint,
    unread_fields,
    xpm_fingerprint,
)
from xpm_tui.sync.consequences import is_wanted as is_wanted
from xpm_tui.sync.consequences import possible as possible
from xpm_tui.sync.planning.comparison import WHOLE, ClientPair
from xpm_tui.sync.planning.links import exact_match, frozen_fields, state_of
from xpm_tui.sync.policy import BY_NAME
from xpm_tui.sync.provenance import foreign_values

Moved = Literal["ignition", "xpm", "link", "frozen"]
"""What is no longer as planned: the client in Ignition, the one in XPM, the link, or a person froze it."""


class VerifiedRecord(msgspec.Struct, frozen=True):
    """A record that still stands: both sides as they are, its ticked changes, the link it makes (or None)."""

    sides: ClientPair
    changes: tuple[Change, ...]
    linking: Change | None = None


def verify_record(
    snapshot: Snapshot, record: PlannedRecord, team: TeamLinks, run: Run, now: datetime
) -> VerifiedRecord | Moved:
    """Check one planned record against the book and the mirror as they are now."""
    client = snapshot.get(CLIENTS, record.client)
    row = snapshot.get(XPM_CLIENTS, record.uuid)
    if client is None:
        return "ignition"
    if row is None:
        return "xpm"
    linking = next((change for change in record.changes if change.field == "link"), None)
    if linking is None:
        link = snapshot.get(LINKS, record.client)
    elif exact_match(snapshot, client) == record.uuid:
        link = Link(
            id=client.id, uuid=row.uuid, number=row.number, origin="name", at=now, by=run.by, run=run.id
        )
    else:
        link = None
    if link is None or link.uuid != record.uuid or link.quiet:
        return "link"
    if ignition_fingerprint(client, team) != record.ignition:
        return "ignition"
    if xpm_fingerprint(row) != record.xpm:
        return "xpm"
    if linking is None and state_of(snapshot, client, link, row) not in ("linked", "archived"):
        return "link"
    if any(_is_nobody(change, team) or _is_overtaken(change, client) for change in record.changes):
        return "ignition"
    frozen = frozen_fields(snapshot, client.id) | unread_fields(row)
    changes = possible(
        record.changes,
        tuple(
            change
            for change in record.changes
            if change.ticked and change.field != "link" and (change.follows or not _is_frozen(change, frozen))
        ),
    )
    if WHOLE in frozen or (linking is None and not changes):
        return "frozen"
    base = snapshot.get(BASE, client.id) or Base(id=client.id)
    former = foreign_values(snapshot, client, link.uuid, team)
    return VerifiedRecord(ClientPair(client, row, link, base, frozen, former), changes, linking)


def _is_nobody(change: Change, team: TeamLinks) -> bool:
    """A person of XPM whom a team member stood for when it was planned, and nobody does now."""
    rule = BY_NAME.get(change.field)
    person = rule is not None and rule.kind == "person" and change.ticked and change.side == "ignition"
    return person and bool(change.new) and change.new not in team.member


def _is_overtaken(change: Change, client: Client) -> bool:
    """A value of a shared contact that is no longer what this copy says: another copy's was sent first."""
    if not (change.shared and change.ticked and change.side == "xpm"):
        return False
    id_ = change.record.partition("/")[2]
    ours = next((each for each in client.contacts if each.id == id_), None)
    return ours is None or contact_values(ours).get(change.field) != change.new


def _is_frozen(change: Change, frozen: frozenset[str]) -> bool:
    contact = change.record.partition("/")[2]
    return change.field in frozen or base_key(change.field, contact) in frozen
