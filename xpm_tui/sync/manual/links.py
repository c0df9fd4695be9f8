"""Linking by a person: what it would do, and the writes that do it. Every link made here can be undone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from xpm_tui.domain.errors import BadInput, NotFound
from xpm_tui.domain.identity import exact
from xpm_tui.domain.links import Base, ContactLink, Link, LinkOrigin
from xpm_tui.domain.plan import Change
from xpm_tui.domain.ports import Drop, Put, Snapshot, Write
from xpm_tui.domain.runs import Image, Run, Written
from xpm_tui.domain.tables import (
    APART,
    BASE,
    CLIENTS,
    FREEZES,
    IGNORED,
    IMAGES,
    JOBS,
    LINKS,
    RUNS,
    XPM_CLIENTS,
)
from xpm_tui.domain.xpm import XpmClient, XpmJob
from xpm_tui.sync.base import apart_id, kept_apart
from xpm_tui.sync.planning.comparison import Sides, compare
from xpm_tui.sync.planning.links import takes_over
from xpm_tui.sync.planning.planner import rules_for
from xpm_tui.sync.policy import Policy


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What linking two records would do.

    ``changes`` is what the next plan would carry, ``second`` the link of
    another client that stands there already: the new one would be quiet. ``jobs_staying`` are XPM jobs on
    the client that the link leaves. ``warnings`` are sentences.
    """

    changes: tuple[Change, ...] = ()
    warnings: tuple[str, ...] = ()
    second: Link | None = None
    prospect: bool = False
    archived: bool = False
    jobs_staying: tuple[XpmJob, ...] = ()


def effect(snapshot: Snapshot, policy: Policy, client_id: str, uuid: str) -> Effect:
    """What linking would do. Raises ``NotFound`` when one of the two is not there."""
    client = snapshot.get(CLIENTS, client_id)
    row = snapshot.get(XPM_CLIENTS, uuid)
    if client is None:
        raise NotFound(f"There is no client with the id {client_id}.")
    if row is None:
        raise NotFound("XPM has no client with this id.", hint="Read XPM's list again, then try once more.")
    before = snapshot.get(LINKS, client_id)
    second = _carrying(snapshot, client_id, uuid)
    changes: tuple[Change, ...] = ()
    if second is None and not row.deleted and not (row.archived and policy.direction == "to_xpm"):
        frozen = frozenset(f.field for f in snapshot.find(FREEZES, "client", client_id) if not f.undo)
        link = Link(id=client_id, uuid=uuid)
        sides = Sides(client, row, link, Base(id=client_id), frozen)
        changes = compare(rules_for(snapshot, policy), sides).changes
    return Effect(
        changes=changes,
        warnings=tuple(_warnings(snapshot, client_id, row, second is not None)),
        second=second,
        prospect=row.prospect,
        archived=row.archived,
        jobs_staying=_jobs_of(snapshot, before.uuid) if before is not None and before.uuid != uuid else (),
    )


def link(
    snapshot: Snapshot,
    client_id: str,
    uuid: str,
    *,
    now: datetime,
    by: str,
    run: str,
    origin: LinkOrigin = "picked",
    quiet: bool = False,
) -> list[Write]:
    """The writes that link a client, or link it to another one: as a run of its own that can be undone.

    What was agreed with the old one is dropped, freezes made by an undo are lifted, and a person's "these two
    stay apart" or "ignore" is over. What took over a lost XPM client keeps the contacts that it
    has of that one. ``quiet``: a second client on one XPM client, which carries no field.
    Raises ``NotFound`` and ``BadInput``.
    """
    row = snapshot.get(XPM_CLIENTS, uuid)
    if snapshot.raw(CLIENTS, client_id) is None:
        raise NotFound(f"There is no client with the id {client_id}.")
    if row is None or row.deleted:
        raise NotFound("XPM has no client with this id.", hint="Read XPM's list again, then try once more.")
    before = snapshot.get(LINKS, client_id)
    if before is not None and before.uuid == uuid and before.quiet == quiet:
        raise BadInput("The two are linked already.")
    kept: tuple[ContactLink, ...] = ()
    if before is not None and takes_over(snapshot, client_id, uuid):
        there = {contact.uuid for contact in row.contacts if not contact.deleted}
        kept = tuple(each for each in before.contacts if each.uuid in there)
    new = Link(
        id=client_id,
        uuid=uuid,
        number=row.number,
        origin=origin,
        quiet=quiet,
        contacts=kept,
        at=now,
        by=by,
        run=run,
    )
    lifted = [Drop(FREEZES, f.id) for f in snapshot.find(FREEZES, "client", client_id) if f.undo]
    written = Written(
        record=client_id,
        field="link",
        side="ignition",
        rule="link",
        old=before.uuid if before is not None else None,
        new=uuid,
    )
    return [
        Put(LINKS, new),
        Drop(BASE, client_id),
        Drop(APART, apart_id(client_id, uuid)),
        Drop(IGNORED, client_id),
        *lifted,
        *by_hand(run, now, by, client_id, uuid, written),
    ]


def unlink(snapshot: Snapshot, client_id: str, *, now: datetime, by: str, run: str) -> list[Write]:
    """The writes that take a link away with all that was agreed; the two are not proposed to each other
    again. Raises ``NotFound`` when the client is not linked."""
    before = snapshot.get(LINKS, client_id)
    if before is None:
        raise NotFound("This client is not linked.")
    written = Written(record=client_id, field="link", side="ignition", rule="unlink", old=before.uuid)
    return [
        Drop(LINKS, client_id),
        Drop(BASE, client_id),
        kept_apart(client_id, before.uuid, by, now),
        *by_hand(run, now, by, client_id, before.uuid, written),
    ]


def by_hand(
    run: str, now: datetime, by: str, client: str, uuid: str, written: Written, *, created: bool = False
) -> list[Write]:
    """The run of something that a person did at once, and its before-image."""
    image = Image(
        id=f"{run}/{client}", run=run, client=client, uuid=uuid, written=(written,), created=created
    )
    done = Run(
        id=run,
        started=now,
        ended=now,
        by=by,
        outcome="done",
        total=1,
        done=1,
        counts={written.rule: 1},
        reviewed=True,
    )
    return [Put(RUNS, done), Put(IMAGES, image)]


def _carrying(snapshot: Snapshot, client_id: str, uuid: str) -> Link | None:
    """Another client's link to the same XPM client."""
    others = [other for other in snapshot.find(LINKS, "uuid", uuid) if other.id != client_id]
    return next((other for other in others if not other.quiet), others[0] if others else None)


def _warnings(snapshot: Snapshot, client_id: str, row: XpmClient, second: bool) -> Iterable[str]:
    if row.deleted:
        yield "It is deleted in XPM."
    if row.archived:
        yield "It is archived in XPM: its values still come over, nothing is written to it."
    if row.prospect:
        yield "It is a prospect in XPM. Made a client there, it gets a new id, and this link breaks."
    if second:
        yield "Another client is linked to it already. This link would carry no field."
    if snapshot.raw(APART, apart_id(client_id, row.uuid)) is not None:
        yield "The two were linked before and taken apart by a person."
    if takes_over(snapshot, client_id, row.uuid):
        yield "It took over the XPM client that is gone. Ignition's values stay until the next sync."
    twins = [other for other in snapshot.find(XPM_CLIENTS, "name", exact(row.name)) if other.uuid != row.uuid]
    if any(not twin.deleted for twin in twins):
        yield "XPM has another client of the same name: compare the numbers."


def _jobs_of(snapshot: Snapshot, uuid: str) -> tuple[XpmJob, ...]:
    return tuple(job for job in snapshot.rows(JOBS) if job.client is not None and job.client.uuid == uuid)
