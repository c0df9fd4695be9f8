"""Who names whom: clients and jobs by the people on them, counted on both sides.

The person who connected: the connection lives and dies with their record in XPM.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal

import msgspec

from xpm_tui.application.cached_counts import cached_count
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.practice_identity import list_state, read_identity
from xpm_tui.deploy.workflows import job_client
from xpm_tui.domain.identity import name_key
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import CLIENTS, DEPLOYMENTS, JOBS, PROPOSALS, STAFF, TEAM, WORKFLOWS, XPM_CLIENTS
from xpm_tui.domain.workflows import Workflow


class PeopleCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Counts by person.

    Attributes:
        ours: Ignition clients by team member, as partner or manager.
        partner: Ignition clients by partner.
        manager: Ignition clients by manager.
        jobs: Jobs still to be created, by team member.
        clients: XPM clients by staff UUID.
        xpm_jobs: Current XPM jobs by staff UUID.
    """

    ours: dict[str, int]
    partner: dict[str, int]
    manager: dict[str, int]
    jobs: dict[str, int]
    clients: dict[str, int]
    xpm_jobs: dict[str, int]


def people(practice: OpenPractice) -> PeopleCounts:
    """The counts, worked out once for each state of the book. O(clients and jobs of both sides)."""
    return cached_count(practice, "people", count)


def count(snapshot: Snapshot) -> PeopleCounts:
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
    return PeopleCounts(
        ours=_told(ours),
        partner=_told(partner),
        manager=_told(manager),
        jobs=_told(_to_come(snapshot)),
        clients=_told(theirs),
        xpm_jobs=_told(jobs),
    )


def referenced_members(snapshot: Snapshot) -> set[str]:
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
    client = job_client(snapshot, proposal, workflow).client if proposal else None
    named = set(workflow.staff)
    for role in ("partner", "manager"):
        typed = getattr(workflow, role)
        usual = (getattr(proposal, role) if proposal else "") or (getattr(client, role) if client else "")
        named.add(usual if typed is None else typed)
    return {member for member in named if snapshot.raw(TEAM, member) is not None}


def _told(counts: Counter[str]) -> dict[str, int]:
    return {id_: number for id_, number in counts.items() if id_}


State = Literal["here", "gone", "unlinked"]


class Connector(msgspec.Struct, frozen=True, kw_only=True):
    """Who signed in, and what is the matter with them: ``sentence`` and ``hint`` are empty where nothing is.

    ``staff`` are the UUIDs of the staff records that may be this person.
    """

    login: str
    state: State
    staff: tuple[str, ...] = ()
    sentence: str = ""
    hint: str = ""


def find_connector(snapshot: Snapshot) -> Connector | None:
    """Find the person who connected in XPM's staff, by e-mail or else by name.

    Returns None where the login does not say who it was, or XPM's staff were never read.
    """
    identity = read_identity(snapshot)
    if identity is None or identity.ended is not None or not identity.login:
        return None
    if list_state(snapshot, "staff").full is None:
        return None
    login = identity.login.strip()
    shown = visible(login, 80)
    rows = list(snapshot.rows(STAFF))
    found = [row for row in rows if row.email and row.email.strip().casefold() == login.casefold()]
    found = found or [row for row in rows if name_key(login) and name_key(row.name) == name_key(login)]
    here = [row for row in found if not row.gone]
    uuids = tuple(row.uuid for row in here or found)
    if not here:
        what = "is no longer among" if found else "is not among"
        return Connector(
            login=login,
            state="gone",
            staff=uuids,
            sentence=f"{shown}, who connected this practice, {what} XPM's staff.",
            hint="If this person left or is disabled, the connection ends, too (known problem T6). "
            "Connect again as an administrator who stays: xpm-tui connect",
        )
    linked = {member.staff for member in snapshot.rows(TEAM)}
    if snapshot.count(TEAM) and not linked & set(uuids):
        return Connector(
            login=login,
            state="unlinked",
            staff=uuids,
            sentence=f"{shown}, who connected this practice, is not linked to a team member.",
            hint="Link them, or add them to the team: xpm-tui team list",
        )
    return Connector(login=login, state="here", staff=uuids)
