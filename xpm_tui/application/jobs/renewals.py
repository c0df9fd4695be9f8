"""What Ignition has changed in proposals that were taken over, and the roll-over into the next term."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count as numbers
from typing import Any

import msgspec

from xpm_tui.application.jobs.proposals import find_proposal
from xpm_tui.application.jobs.views import PartChangeView, ProposalChangeView, RolledView, ServiceChangeView
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.lookup import name_of
from xpm_tui.application.presenters.views import RefView
from xpm_tui.deploy.calendar import dates_between, recurrence, recurrence_name
from xpm_tui.deploy.renewal import (
    Roll,
    ServiceDifference,
    differences,
    is_renewed,
    next_term,
    parts_that_differ,
    plan_rolls,
    workflows_of,
)
from xpm_tui.deploy.workflows import job_client
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.events import Event
from xpm_tui.domain.ignition import Proposal
from xpm_tui.domain.plan import Consequences, LocalCounts
from xpm_tui.domain.ports import Put, Snapshot, Write
from xpm_tui.domain.tables import CLIENTS, PROPOSALS, WORKFLOWS
from xpm_tui.store.snapshot import BlockIds

_LABELS = {
    "name": "name", "number": "number", "client": "client", "reference": "client reference",
    "start": "start", "end": "end", "partner": "partner", "manager": "manager",
}  # fmt: skip
_EDITS = {"job_name": "name", "state_code": "state"}


class RollOverView(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a roll-over, or its preview.

    Attributes:
        new: Number of new workflows.
        proposals: Number of proposals that the new workflows belong to.
        changes: What Ignition changed of these proposals.
        ended: Number of former workflows that end.
        edited: Number of those that have edits.
        keeps: Whether the edits are copied to the new workflows.
    """

    changes: tuple[ProposalChangeView, ...]
    proposals: int
    new: int
    ended: int
    edited: int
    keeps: bool
    consequences: Consequences


def list_changes(practice: OpenPractice, proposals: Sequence[str] = ()) -> list[ProposalChangeView]:
    """Return what Ignition has changed in proposals whose jobs are created from here, all or those named.

    Renewals come first, then the others in order of arrival.

    Raises:
        NotFound: There is no such proposal.
        BadInput: Several proposals have that name.
    """
    snapshot = practice.snapshot()
    rows = [find_proposal(snapshot, text) for text in proposals] or [
        row for row in snapshot.rows(PROPOSALS) if _is_changed(snapshot, row)
    ]
    found = [_change_view(practice, snapshot, row) for row in rows]
    return sorted(found, key=lambda view: not view.is_renewal)


def preview_roll_over(
    practice: OpenPractice, proposals: Sequence[str] = (), *, keep: bool = False
) -> RollOverView:
    """Return what rolling proposals over would create, without writing anything.

    If none is named, all that have a next term are rolled over.

    Raises:
        NotFound: There is no such proposal.
        BadInput: A proposal has no next term, or several have that name.
    """
    snapshot = practice.snapshot()
    return _view(practice, snapshot, _planned(practice, snapshot, _chosen(snapshot, proposals), keep), keep)


def roll_over(practice: OpenPractice, proposals: Sequence[str] = (), *, keep: bool) -> RollOverView:
    """Create the next term's workflows from this term's, in one commit. No job is created in XPM.

    Args:
        practice: The practice.
        proposals: Ids, numbers or names; all that have a next term, if none is named.
        keep: Whether edits of the former workflows are copied to the new ones.

    Raises:
        BadInput: One has no next term.
        NotFound: There is no such proposal.
        StoreChanged: The store was changed meanwhile; nothing was written.
    """
    practice.writable()
    snapshot, ids = practice.snapshot(), BlockIds(practice.ids)
    planned = _planned(practice, snapshot, _chosen(snapshot, proposals), keep, ids)
    view = _view(practice, snapshot, planned, keep)
    writes: list[Write] = []
    for proposal, found in planned:
        writes.append(Put(PROPOSALS, msgspec.structs.replace(proposal, before=None)))
        writes += [Put(WORKFLOWS, workflow) for workflow in workflows_of(found)]
        ending = {roll.before.id for roll in found if roll.before is not None}
        writes += [
            Put(WORKFLOWS, msgspec.structs.replace(workflow, stopped=""))
            for workflow in snapshot.find(WORKFLOWS, "proposal", proposal.id)
            if workflow.stopped and workflow.id not in ending
        ]
    if writes:
        practice.store.commit(writes, since=snapshot)
        for proposal, found in planned:
            new = sum(roll.after is not None for roll in found)
            practice.events.emit(Event(key="proposal.rolled", record=proposal.id, numbers={"workflows": new}))
    return view


def _is_changed(snapshot: Snapshot, row: Proposal) -> bool:
    """Return whether the user has to review what Ignition has changed in a proposal."""
    if not row.ours or row.state != "accepted":
        return False
    return row.before is not None or any(
        workflow.stopped for workflow in snapshot.find(WORKFLOWS, "proposal", row.id)
    )


def _chosen(snapshot: Snapshot, proposals: Sequence[str]) -> list[Proposal]:
    if not proposals:
        return [row for row in snapshot.rows(PROPOSALS) if is_renewed(row)]
    found = {row.id: row for row in (find_proposal(snapshot, text) for text in proposals)}
    for row in found.values():
        if not is_renewed(row):
            raise BadInput(
                f"{row.id} has no next term to roll over into.",
                hint=f"See what Ignition has changed: xpm-tui proposals changes {row.id}"
                if _is_changed(snapshot, row)
                else "Import Ignition's file with the next term first: xpm-tui import proposals FILE",
            )
    return list(found.values())


def _planned(
    practice: OpenPractice,
    snapshot: Snapshot,
    chosen: Iterable[Proposal],
    keep: bool,
    ids: BlockIds | None = None,
) -> list[tuple[Proposal, list[Roll]]]:
    """Return each proposal with its workflows; without ``ids``, the new ones are numbered from ``+w1``."""
    counted, day, now = numbers(1), practice.current_day(), practice.clock.now()

    def new_id() -> str:
        return ids.new("w")[0] if ids is not None else f"+w{next(counted)}"

    return [
        (
            row,
            plan_rolls(snapshot, row, keep=keep, today=day, now=now, by=practice.person, new_id=new_id),
        )
        for row in chosen
    ]


def _view(
    practice: OpenPractice,
    snapshot: Snapshot,
    planned: Sequence[tuple[Proposal, list[Roll]]],
    keeps: bool,
) -> RollOverView:
    every = [roll for _, found in planned for roll in found]
    new = sum(roll.after is not None for roll in every)
    return RollOverView(
        changes=tuple(_change_view(practice, snapshot, row, found) for row, found in planned),
        proposals=len(planned),
        new=new,
        ended=sum(roll.before is not None for roll in every),
        edited=sum(bool(roll.edits) for roll in every),
        keeps=keeps,
        consequences=Consequences(of="roll-over", here=LocalCounts(changes=new, added=new)),
    )


def _change_view(
    practice: OpenPractice, snapshot: Snapshot, row: Proposal, found: list[Roll] | None = None
) -> ProposalChangeView:
    term = next_term(row) if is_renewed(row) else None
    if found is None:
        found = _planned(practice, snapshot, [row], False)[0][1] if term else []
    client = snapshot.get(CLIENTS, row.client) if row.client else None

    def shown(field: str, value: Any) -> str:
        if field in ("client", "partner", "manager") and value:
            return name_of(snapshot, value) or str(value)
        return str(value or "")

    return ProposalChangeView(
        id=row.id,
        number=row.number,
        name=row.name,
        client=RefView(id=client.id, name=client.name) if client else None,
        services=tuple(_service_view(snapshot, each) for each in differences(row)),
        parts=tuple(
            PartChangeView(field=field, label=_LABELS[field], old=shown(field, old), new=shown(field, new))
            for field, old, new in parts_that_differ(row)
        ),
        stopped=tuple(
            workflow.id for workflow in snapshot.find(WORKFLOWS, "proposal", row.id) if workflow.stopped
        ),
        term=term.start if term else None,
        term_end=term.end if term else None,
        workflows=tuple(_rolled_view(practice, snapshot, row, roll) for roll in found),
    )


def _service_view(snapshot: Snapshot, each: ServiceDifference) -> ServiceChangeView:
    old, new = each.old, each.new
    one = new or old
    assert one is not None
    entity = snapshot.get(CLIENTS, one.client) if one.client else None
    return ServiceChangeView(
        change=each.kind,
        name=one.name,
        project=one.project,
        client=entity.name if entity else one.client_name or one.client_id,
        old_price=old.price if old else "",
        price=new.price if new else "",
        old_quantity=old.quantity if old else "",
        quantity=new.quantity if new else "",
        old_billing=old.billing if old else "",
        billing=new.billing if new else "",
        old_start=old.start if old else None,
        start=new.start if new else None,
        old_end=old.end if old else None,
        end=new.end if new else None,
    )


def _rolled_view(practice: OpenPractice, snapshot: Snapshot, proposal: Proposal, roll: Roll) -> RolledView:
    workflow = roll.after or roll.before
    assert workflow is not None
    client = job_client(snapshot, proposal, workflow).client
    first = None
    if roll.after is not None:
        repeat = recurrence(workflow, proposal)
        last = repeat.end if repeat is not None and repeat.end else workflow.since.replace(year=9999, day=1)
        days = dates_between(workflow.start, repeat, workflow.since, last) if repeat is not None else iter(())
        first = workflow.start if repeat is None else next(days, None)
    edits = tuple(_EDITS.get(name, name) for name in roll.edits)
    return RolledView(
        workflow=roll.after.id if roll.after else "",
        follows=roll.before.id if roll.before else "",
        name=workflow.name,
        client=RefView(id=client.id, name=client.name) if client else None,
        repeats=recurrence_name(workflow.repeat),
        first=first,
        ends=roll.before.term_end if roll.before else None,
        edits=edits,
    )
