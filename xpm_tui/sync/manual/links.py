"""Links that a user makes: their effects, and the writes. Each of them can be undone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

import msgspec

from xpm_tui.domain import identity
from xpm_tui.domain.errors import BadInput, NotFound
from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.links import Link, LinkOrigin
from xpm_tui.domain.plan import Change
from xpm_tui.domain.ports import Drop, Put, Snapshot, Write
from xpm_tui.domain.runs import BeforeImage, Relinked, Run, Written
from xpm_tui.domain.tables import (
    BASE,
    BLOCKED_PAIRS,
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
from xpm_tui.sync.base import (
    PRIMARY,
    block_pair,
    blocked_pair_id,
    expand_base,
    known_provenance,
    link_and_row,
    provenance_writes,
    remaining_foreign_values,
)
from xpm_tui.sync.manual.takeover import FormerValue, TakenOverValues, take_over
from xpm_tui.sync.planning.comparison import ClientPair, compare_quickly
from xpm_tui.sync.planning.decisions import FORMER, Difference, DifferenceReason
from xpm_tui.sync.planning.links import state_of, successor, takes_over
from xpm_tui.sync.planning.planner import rules_for
from xpm_tui.sync.policy import Policy

DEFAULT_POLICY = Policy()
"""The policy of a practice without settings."""


class LinkEffect(msgspec.Struct, frozen=True, kw_only=True):
    """What linking two records would do.

    ``former`` is what came from another XPM client, and what happens to it. ``changes`` is what the next plan
    would write, ``differences`` is what would still differ. ``second`` is the existing link of another client
    to the same XPM client: the new one would be quiet. ``jobs_staying`` are XPM jobs of the former client.
    ``warnings`` are sentences.
    """

    former: tuple[FormerValue, ...] = ()
    changes: tuple[Change, ...] = ()
    differences: tuple[Difference, ...] = ()
    warnings: tuple[str, ...] = ()
    second: Link | None = None
    prospect: bool = False
    archived: bool = False
    jobs_staying: tuple[XpmJob, ...] = ()


def is_same_client(snapshot: Snapshot, client: Client, uuid: str) -> bool:
    """Return whether an XPM client is the former one under another id, so that its data stays.

    That applies to a converted prospect, and to the successor of a client that was merged or has disappeared.
    """
    link, row = link_and_row(snapshot, client.id)
    if link is not None and link.uuid == uuid:
        return False
    if takes_over(snapshot, client.id, uuid):
        return True
    if link is None or state_of(snapshot, client, link, row) != "converted":
        return False
    return successor(snapshot, client, link, row) == uuid


def link_effect(
    snapshot: Snapshot, policy: Policy, client_id: str, uuid: str, *, keep: bool = False
) -> LinkEffect:
    """Return what linking would do. Raises ``NotFound`` if one of the two does not exist."""
    client = snapshot.get(CLIENTS, client_id)
    row = snapshot.get(XPM_CLIENTS, uuid)
    if client is None:
        raise NotFound(f"There is no client with the id {client_id}.")
    if row is None:
        raise NotFound(
            "XPM has no client with this id.", hint="Read XPM's data again (make a plan), then try again."
        )
    before = snapshot.get(LINKS, client_id)
    second = _other_link(snapshot, client_id, uuid)
    same = is_same_client(snapshot, client, uuid)
    takeover = take_over(snapshot, policy, client, row, quiet=second is not None, keep=keep, same=same)
    frozen = frozenset(f.field for f in snapshot.find(FREEZES, "client", client_id) if not f.undo)
    new = Link(id=client_id, uuid=uuid, contacts=takeover.contacts)
    rules = rules_for(snapshot, policy)
    former = remaining_foreign_values(takeover.provenance, takeover.client, uuid, rules.team)
    sides = ClientPair(takeover.client, row, new, takeover.base, frozen, former)
    found = compare_quickly(rules, sides, _blocked(row, policy, second=second is not None))
    warnings = [*_warnings(snapshot, client, row, second is not None)]
    left = _second_there(snapshot, before) if before is not None and before.uuid != uuid else None
    if left is not None:
        other = snapshot.get(CLIENTS, left.id)
        name = other.name if other is not None else left.id
        warnings.append(
            f"{name} ({left.id}), the second client linked to the former one, will be synced from then on."
        )
    return LinkEffect(
        former=takeover.former,
        changes=found.changes,
        differences=found.differences,
        warnings=tuple(warnings),
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
    policy: Policy = DEFAULT_POLICY,
    origin: LinkOrigin = "picked",
    quiet: bool = False,
    keep: bool = False,
) -> list[Write]:
    """Return the writes that link a client, or link it to another one, as a run that can be undone.

    Values of the former client are removed, unless the user changed them or asks to ``keep`` them. The data
    of a lost XPM client stays if the new one is its successor. The base of the old link is dropped, freezes
    made by an undo are removed, and a blocked pair or an ignored client becomes normal again. ``quiet``: a
    second client linked to one XPM client, for which no field is synced. Raises ``NotFound`` and
    ``BadInput``.
    """
    row = snapshot.get(XPM_CLIENTS, uuid)
    client = snapshot.get(CLIENTS, client_id)
    if client is None:
        raise NotFound(f"There is no client with the id {client_id}.")
    if row is None or row.deleted:
        raise NotFound(
            "XPM has no client with this id.", hint="Read XPM's data again (make a plan), then try again."
        )
    before = snapshot.get(LINKS, client_id)
    if before is not None and before.uuid == uuid and before.quiet == quiet:
        raise BadInput("The two are already linked.")
    same = is_same_client(snapshot, client, uuid)
    takeover = take_over(snapshot, policy, client, row, quiet=quiet, keep=keep, same=same)
    new = Link(
        id=client_id,
        uuid=uuid,
        number=row.number,
        origin=origin,
        quiet=quiet,
        contacts=takeover.contacts,
        at=now,
        by=by,
        run=run,
    )
    lifted = tuple(f for f in snapshot.find(FREEZES, "client", client_id) if f.undo)
    written = Written(
        record=client_id,
        field="link",
        side="ignition",
        rule="link",
        old=before.uuid if before is not None else None,
        new=uuid,
    )
    base = snapshot.get(BASE, client_id)
    relinked = Relinked(
        contacts=takeover.removed,
        link=before,
        base=expand_base(snapshot, before, base) if before is not None and base is not None else None,
        provenance=known_provenance(snapshot, client_id),
        freezes=lifted,
        ignored=snapshot.get(IGNORED, client_id),
    )
    return [
        *([Put(CLIENTS, takeover.client)] if takeover.client != client else []),
        Put(LINKS, new),
        *(promote_next_client(snapshot, before) if before is not None else ()),
        Put(BASE, takeover.base) if takeover.base.agreed else Drop(BASE, client_id),
        *provenance_writes(snapshot, takeover.provenance),
        Drop(BLOCKED_PAIRS, blocked_pair_id(client_id, uuid)),
        Drop(IGNORED, client_id),
        *(Drop(FREEZES, each.id) for each in lifted),
        *immediate_run(run, now, by, client_id, uuid, written, *former_written(takeover), relinked=relinked),
    ]


def promote_next_client(snapshot: Snapshot, leaving: Link) -> list[Write]:
    """Return the write that makes the second client of an XPM client the synced one.

    It applies once the first client is linked elsewhere.
    """
    second = _second_there(snapshot, leaving)
    return [Put(LINKS, msgspec.structs.replace(second, quiet=False))] if second is not None else []


def _second_there(snapshot: Snapshot, leaving: Link) -> Link | None:
    others = [each for each in snapshot.find(LINKS, "uuid", leaving.uuid) if each.id != leaving.id]
    return others[0] if not leaving.quiet and len(others) == 1 and others[0].quiet else None


def former_written(takeover: TakenOverValues) -> list[Written]:
    """Return what a new link changes of the former client's values, in the form that undo needs."""
    joined = {each.contact: each.uuid for each in takeover.contacts}
    return [
        Written(
            record=takeover.client.id if each.field == PRIMARY else each.record,
            field=each.field,
            side="ignition",
            rule=FORMER,
            old=each.old,
            new=joined.get(str(each.new), each.new) if each.field == PRIMARY else each.new,
        )
        for each in takeover.former
        if each.outcome in ("replaced", "removed")
    ]


def unlink(snapshot: Snapshot, client_id: str, *, now: datetime, by: str, run: str) -> list[Write]:
    """Return the writes that remove a link with all that was agreed; the two are not proposed again.

    Raises:
        NotFound: The client is not linked.
    """
    before = snapshot.get(LINKS, client_id)
    if before is None:
        raise NotFound("This client is not linked.")
    written = Written(record=client_id, field="link", side="ignition", rule="unlink", old=before.uuid)
    base = snapshot.get(BASE, client_id)
    relinked = Relinked(
        link=before,
        base=expand_base(snapshot, before, base) if base is not None else None,
        provenance=known_provenance(snapshot, client_id),
    )
    return [
        Drop(LINKS, client_id),
        *promote_next_client(snapshot, before),
        Drop(BASE, client_id),
        *provenance_writes(snapshot, known_provenance(snapshot, client_id)),
        block_pair(client_id, before.uuid, by, now),
        *immediate_run(run, now, by, client_id, before.uuid, written, relinked=relinked),
    ]


def immediate_run(
    run: str,
    now: datetime,
    by: str,
    client: str,
    uuid: str,
    written: Written,
    *more: Written,
    created: bool = False,
    relinked: Relinked | None = None,
) -> list[Write]:
    """Return the run of an immediate action of a user, and its before-image."""
    image = BeforeImage(
        id=f"{run}/{client}",
        run=run,
        client=client,
        uuid=uuid,
        written=(written, *more),
        created=created,
        relinked=relinked,
    )
    done = Run(
        id=run,
        started=now,
        ended=now,
        by=by,
        outcome="done",
        total=1,
        done=1,
        counts={written.rule: 1, **({FORMER: len(more)} if more else {})},
        reviewed=True,
    )
    return [Put(RUNS, done), Put(IMAGES, image)]


def join_run(run: Run, writes: Iterable[Write]) -> list[Write]:
    """Return the writes of a decision that is a part of ``run``: one entry of the history for all of them."""
    found: list[Write] = []
    for write in writes:
        row = write.row if isinstance(write, Put) else None
        if isinstance(row, Run):
            counts = dict(Counter(run.counts) + Counter(row.counts))
            done = run.done + row.done
            row = msgspec.structs.replace(
                run, ended=row.ended, total=run.total + row.total, done=done, counts=counts
            )
            write = Put(RUNS, row)
        found.append(write)
    return found


def _other_link(snapshot: Snapshot, client_id: str, uuid: str) -> Link | None:
    """Return another client's link to the same XPM client."""
    others = [other for other in snapshot.find(LINKS, "uuid", uuid) if other.id != client_id]
    return next((other for other in others if not other.quiet), others[0] if others else None)


def _blocked(row: XpmClient, policy: Policy, *, second: bool) -> DifferenceReason | None:
    """Return why nothing would be synced over a new link, if nothing would."""
    if row.deleted:
        return "link"
    if second:
        return "second-link"
    return "archived" if row.archived and policy.direction == "to_xpm" else None


def _names_differ(client: Client, row: XpmClient) -> str:
    """Return a sentence on how different the names are; empty if they are the same."""
    found = identity.compare(client.name, row.name, row.code)
    if found.answer == "same" or client.name == row.name:
        return ""
    names = f"{client.name} in Ignition, {row.name} in XPM"
    if found.answer == "near":
        return f"The names are alike but not the same: {names}{_reasons_in_brackets(found.reasons)}."
    return f"The names differ: {names}."


def _reasons_in_brackets(reasons: Iterable[str]) -> str:
    text = "; ".join(reasons)
    return f" ({text})" if text else ""


def _warnings(snapshot: Snapshot, client: Client, row: XpmClient, second: bool) -> Iterable[str]:
    client_id = client.id
    if names := _names_differ(client, row):
        yield names
    if row.deleted:
        yield "It is deleted in XPM."
    if row.archived:
        yield "It is archived in XPM: its values are still read, but nothing is written to it."
    if row.prospect:
        yield "It is a prospect in XPM. If it becomes a client there, it gets a new id, and this link breaks."
    if second:
        yield "Another client is already linked to it. Nothing would be synced over this link."
    if snapshot.raw(BLOCKED_PAIRS, blocked_pair_id(client_id, row.uuid)) is not None:
        yield "The two were linked before, and someone unlinked them."
    if takes_over(snapshot, client_id, row.uuid):
        yield (
            "It is the successor of the XPM client that is gone. Ignition's values stay until the next sync."
        )
    twins = [other for other in snapshot.find(XPM_CLIENTS, "name", exact(row.name)) if other.uuid != row.uuid]
    if any(not twin.deleted for twin in twins):
        yield "XPM has another client with the same name: compare the numbers."


def _jobs_of(snapshot: Snapshot, uuid: str) -> tuple[XpmJob, ...]:
    return tuple(job for job in snapshot.rows(JOBS) if job.client is not None and job.client.uuid == uuid)
