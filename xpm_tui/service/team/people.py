"""Who names whom: clients and jobs by the people on them, counted on both sides."""

from __future__ import annotations

from collections import Counter

import msgspec

from xpm_tui.model.ports import Snapshot
from xpm_tui.model.tables import CLIENTS, DEPLOYMENTS, JOBS, PROPOSALS, TEAM, WORKFLOWS, XPM_CLIENTS
from xpm_tui.model.workflows import Workflow
from xpm_tui.service.kept import kept
from xpm_tui.service.practice import OpenPractice


class People(msgspec.Struct, frozen=True, kw_only=True):
    """Counts by person. Of Ignition by team member: clients as ``partner``, as ``manager`` and as either
    (``ours``), ``jobs`` still to be made. Of XPM by staff UUID: ``clients``, and current jobs (``xpm_jobs``).
    """

    ours: dict[str, int]
    partner: dict[str, int]
    manager: dict[str, int]
    jobs: dict[str, int]
    clients: dict[str, int]
    xpm_jobs: dict[str, int]


def people(practice: OpenPractice) -> People:
    """The counts, worked out once for each state of the book. O(clients and jobs of both sides)."""
    return kept(practice, "people", count)


def count(snapshot: Snapshot) -> People:
    """Go through all clients and jobs."""
    ours: Counter[str] = Counter()
    partner: Counter[str] = Counter()
    manager: Counter[str] = Counter()
    theirs: Counter[str] = Counter()
    jobs: Counter[str] = Counter()
    for client in snapshot.rows(CLIENTS):
        partner[client.partner] += 1
        manager[client.manager] += 1
        ours.update({client.partner, client.manager})
    for row in snapshot.rows(XPM_CLIENTS):
        if not row.deleted and not row.archived:
            theirs.update({person.uuid for person in (row.partner, row.manager) if person})
    for job in snapshot.rows(JOBS):
        if not job.gone:
            named = (job.partner, job.manager, *job.assigned)
            jobs.update({person.uuid for person in named if person})
    return People(
        ours=_told(ours),
        partner=_told(partner),
        manager=_told(manager),
        jobs=_told(_to_come(snapshot)),
        clients=_told(theirs),
        xpm_jobs=_told(jobs),
    )


def in_use(snapshot: Snapshot) -> set[str]:
    """The team members whom anything of the book names."""
    found: set[str] = set()
    for client in snapshot.rows(CLIENTS):
        found |= {client.partner, client.manager}
    for proposal in snapshot.rows(PROPOSALS):
        found |= {proposal.partner, proposal.manager}
    for workflow in snapshot.rows(WORKFLOWS):
        found |= {workflow.partner or "", workflow.manager or "", *workflow.staff}
    return found


def _to_come(snapshot: Snapshot) -> Counter[str]:
    """Workflows that have a job left to make, by the people whom that job would name."""
    found: Counter[str] = Counter()
    for workflow in snapshot.rows(WORKFLOWS):
        made = any(
            row.state in ("deployed", "skipped")
            for row in snapshot.find(DEPLOYMENTS, "workflow", workflow.id)
        )
        if not workflow.stopped and (workflow.repeat is not None or not made):
            found.update(_of(snapshot, workflow))
    return found


def _of(snapshot: Snapshot, workflow: Workflow) -> set[str]:
    proposal = snapshot.get(PROPOSALS, workflow.proposal)
    client = snapshot.get(CLIENTS, proposal.client) if proposal and proposal.client else None
    named = set(workflow.staff)
    for role in ("partner", "manager"):
        typed = getattr(workflow, role)
        usual = (getattr(proposal, role) if proposal else "") or (getattr(client, role) if client else "")
        named.add(usual if typed is None else typed)
    return {member for member in named if snapshot.raw(TEAM, member) is not None}


def _told(counts: Counter[str]) -> dict[str, int]:
    return {id_: number for id_, number in counts.items() if id_}
