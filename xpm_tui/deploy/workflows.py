"""Workflows of proposals, the rows of their deployments, and an index of XPM's jobs. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import NamedTuple

import msgspec

from xpm_tui.deploy.job_spec import JobProblem, JobTerms, Per, required_templates, services_of
from xpm_tui.domain.ignition import (
    Audit,
    Client,
    Deployment,
    JobSpec,
    Proposal,
    Repeat,
    Workflow,
    deployment_id,
)
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.tables import CLIENTS, WORKFLOWS
from xpm_tui.domain.xpm import XpmJob


class JobClient(NamedTuple):
    """The client of a job, or the problem with it. ``is_entity``: not the proposal's own client."""

    client: Client | None
    problem: JobProblem | None = None
    is_entity: bool = False


class Group(NamedTuple):
    """The services of one workflow: those of a project, of an entity, or all (None and None)."""

    project: str | None = None
    entity: str | None = None


def make_workflows(
    snapshot: Snapshot,
    terms: JobTerms,
    proposal: Proposal,
    *,
    since: date,
    now: datetime,
    by: str,
    new_id: Callable[[], str],
    what: str,
    automatic: bool,
    repeat: Repeat | None = None,
    start: date | None = None,
    per: Per | None = None,
) -> list[Workflow]:
    """Return the workflows of a proposal; none if all its services need no job.

    ``since`` is the day of acceptance in the practice's time zone, ``what`` how it was accepted
    (``accepted``, ``taken``). A proposal that has workflows keeps them: those that were stopped resume, and a
    project or an entity that Ignition has added gets one of its own.
    """
    there = snapshot.find(WORKFLOWS, "proposal", proposal.id)
    line = Audit(at=now, by=by, what=what)
    made = [
        # A workflow that was rolled over never starts before its term, whose earlier periods have jobs.
        msgspec.structs.replace(
            workflow, stopped="", since=max(since, workflow.since), audit=(*workflow.audit, line)
        )
        for workflow in there
        if workflow.stopped
    ]
    begins = start or proposal.start or since
    sole = proposal.client if per == "proposal" and has_entities(proposal) else None
    groups = groups_of(proposal, per or terms.per) if not there else missing_groups(proposal, there)
    model = there[-1] if there else None
    for group in groups:
        fresh = Workflow(
            id="",
            proposal=proposal.id,
            name=name_of(proposal, group),
            project=group.project or "",
            split=group.project is not None,
            entity=group.entity,
            client=sole,
            start=begins,
            since=since,
            repeat=model.repeat if model else repeat,
            automatic="setting" if automatic and terms.automatic else "no",
            audit=(line,),
        )
        if required_templates(snapshot, services_of(proposal, fresh))[2]:
            made.append(msgspec.structs.replace(fresh, id=new_id()))
    return made


def groups_of(proposal: Proposal, per: Per) -> list[Group]:
    """Return the groups that each become a workflow, in order of their first service.

    Work for other clients is never put on a job of the proposal's own client, whatever ``per`` is; a workflow
    for all of it names its client (``Workflow.client``).
    """
    entities = has_entities(proposal)
    if per == "project":
        parts = dict.fromkeys((s.project, s.entity if entities else None) for s in proposal.services)
        return [Group(*part) for part in parts] if len(parts) > 1 else [Group(None, _first_entity(parts))]
    if entities:
        return [Group(None, entity) for entity in dict.fromkeys(s.entity for s in proposal.services)]
    return [Group()]


def missing_groups(proposal: Proposal, there: Iterable[Workflow]) -> list[Group]:
    """Return the groups without a workflow, if the proposal has a workflow per group."""
    known = [workflow for workflow in there if workflow.term_end is None]
    if not any(workflow.split or workflow.entity is not None for workflow in known):
        return []
    split = any(workflow.split for workflow in known)
    taken = {service for workflow in known for service in map(id, services_of(proposal, workflow))}
    fresh = [service for service in proposal.services if id(service) not in taken]
    ended = max((w.term_start for w in known if w.term_start is not None), default=None)
    fresh = [service for service in fresh if not (ended and service.end and service.end < ended)]
    rest = msgspec.structs.replace(proposal, services=tuple(fresh))
    if not fresh:
        return []
    if not split:
        return [Group(None, entity) for entity in dict.fromkeys(s.entity for s in fresh)]
    entities = has_entities(rest)
    return [
        Group(*part) for part in dict.fromkeys((s.project, s.entity if entities else None) for s in fresh)
    ]


def has_entities(proposal: Proposal) -> bool:
    """Return whether a project is for another client than the proposal's."""
    return any(service.entity for service in proposal.services)


def name_of(proposal: Proposal, group: Group) -> str:
    """Return the default name of a group's jobs: the proposal's name, then the project's."""
    return f"{proposal.name} - {group.project}" if group.project else proposal.name


def job_client(snapshot: Snapshot, proposal: Proposal, workflow: Workflow) -> JobClient:
    """Return the client of a workflow's jobs: the chosen one, that of its services, or the proposal's.

    If the services are for another client, the proposal's is never used instead.
    """
    head = snapshot.get(CLIENTS, proposal.client) if proposal.client else None
    if workflow.client is not None:
        chosen = snapshot.get(CLIENTS, workflow.client)
        problem = None if chosen else JobProblem(code="no-client", about=workflow.client or "(none)")
        return JobClient(chosen, problem, workflow.client != proposal.client)
    services = services_of(proposal, workflow)
    if workflow.entity and not services:
        return JobClient(None, JobProblem(code="entity-gone", about=workflow.entity), is_entity=True)
    entities = dict.fromkeys(service.entity for service in services)
    if len(entities) > 1:
        names = {s.entity: s.client_name or s.client_id for s in services if s.entity}
        own = [proposal.client_name or "(the proposal's)"] if "" in entities else []
        return JobClient(head, JobProblem(code="entities", about=", ".join([*own, *names.values()])))
    if not entities or "" in entities:
        about = proposal.client_name or proposal.client_id or "(none)"
        return JobClient(head, None if head else JobProblem(code="no-client", about=about))
    found = list(dict.fromkeys(service.client for service in services))
    client = snapshot.get(CLIENTS, found[0]) if len(found) == 1 and found[0] else None
    about = services[0].client_name or services[0].client_id
    problem = None if client else JobProblem(code="no-client", about=about)
    return JobClient(client, problem, client is None or client.id != proposal.client)


def _first_entity(parts: Iterable[tuple[str, str | None]]) -> str | None:
    """Return the entity of the only project; None if there is none."""
    return next((entity for _, entity in parts), None)


def start_deployment(row: Deployment | None, workflow: Workflow, day: date, run: str) -> Deployment:
    """Return the row of an occurrence that is started, for the first time or again."""
    if row is None:
        id_ = deployment_id(workflow.id, day)
        return Deployment(id=id_, workflow=workflow.id, day=day, state="going", run=run)
    return msgspec.structs.replace(row, state="going", cause="", why="", run=run)


def with_note(row: Deployment, now: datetime, by: str, what: str, about: str = "") -> Deployment:
    """Return the row with another line of its history."""
    return msgspec.structs.replace(row, audit=(*row.audit, Audit(at=now, by=by, what=what, about=about)))


def with_job(row: Deployment, job: XpmJob, spec: JobSpec) -> Deployment:
    """Return the row once the job exists, with the tasks of its first template."""
    return msgspec.structs.replace(
        row,
        number=job.number,
        uuid=job.uuid,
        url=job.web_url,
        spec=spec,
        first_state=job.state,
        applied=spec.templates[:1],
        tasks=len(job.tasks or ()),
        step="template",
    )


def with_template(row: Deployment, template: str, job: XpmJob) -> Deployment:
    """Return the row once another template was applied."""
    return msgspec.structs.replace(row, applied=(*row.applied, template), tasks=len(job.tasks or ()))


def halt_deployment(row: Deployment, state: str, cause: str, why: str) -> Deployment:
    """Return the row of an occurrence whose deployment stops: held, failed, or still ``going``."""
    return msgspec.structs.replace(row, state=state, cause=cause, why=why)


def reference_key(reference: str) -> str:
    """Return a reference for comparison: invoices match it without regard to case and outer blanks."""
    return reference.strip().casefold()


class JobIndex:
    """Jobs of XPM, indexed by number, client and reference."""

    def __init__(self) -> None:
        self.by_number: dict[str, XpmJob] = {}
        self._by_client: defaultdict[str, list[XpmJob]] = defaultdict(list)
        self._by_reference: defaultdict[str, list[XpmJob]] = defaultdict(list)

    def _index(self, job: XpmJob) -> None:
        if job.client is not None:
            self._by_client[job.client.uuid].append(job)
        if reference := reference_key(job.order_number):
            self._by_reference[reference].append(job)

    def of_client(self, uuid: str) -> list[XpmJob]:
        """Return the jobs of an XPM client."""
        return self._by_client.get(uuid, []) if uuid else []

    def with_reference(self, reference: str) -> list[XpmJob]:
        """Return the jobs with this client order number."""
        return self._by_reference.get(reference_key(reference), [])


def same_job(spec: JobSpec, client: str, job: XpmJob) -> bool:
    """Return whether a job is the one that was sent.

    Budget and description are not compared, because XPM may change them slightly.
    """
    return (
        " ".join(job.name.split()) == " ".join(spec.name.split())
        and job.start == spec.start
        and job.due == spec.due
        and job.order_number.strip() == spec.reference.strip()
        and (job.client is None or job.client.uuid == client)
    )
