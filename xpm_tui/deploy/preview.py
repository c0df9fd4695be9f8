"""The preview of an occurrence: the exact job, and its conflicts with open jobs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import msgspec

from xpm_tui.deploy.calendar import last_day, recurrence
from xpm_tui.deploy.job_spec import JobProblem, JobTerms, make_spec
from xpm_tui.deploy.workflows import JobIndex, job_client, same_job
from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import Client, Deployment, JobSpec, Proposal, Workflow, deployment_id
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.runs import Intent
from xpm_tui.domain.tables import DEPLOYMENTS, INTENTS, JOBS, PROPOSALS, WORKFLOWS
from xpm_tui.domain.xpm import XpmJob
from xpm_tui.sync.base import link_and_row
from xpm_tui.sync.journal import ADD_JOB
from xpm_tui.sync.manual.client_creation import Lookup, find_obstacle
from xpm_tui.sync.planning.links import state_of

FINISHING = frozenset({"template-gone", "person-missing", "ignition", "stopped"})
"""The problems that hold a job that is in XPM already and only has to be finished."""


PLANNED = "planned:"
"""The prefix of provisional job numbers: the id of an earlier occurrence of the batch follows."""


def _called(job: XpmJob) -> str:
    return job.number.removeprefix(PLANNED)


class OpenJobs(JobIndex):
    """The open jobs of XPM, and those of a batch that will be created before."""

    def __init__(self, jobs: Iterable[XpmJob]) -> None:
        super().__init__()
        self._proposals: dict[str, str] = {}
        for job in jobs:
            self.add(job)

    @classmethod
    def of(cls, snapshot: Snapshot) -> OpenJobs:
        """Return the open jobs in the mirror."""
        return cls(job for job in snapshot.rows(JOBS) if not job.gone)

    def add(self, job: XpmJob, *, proposal: str = "") -> None:
        """Add a job; ``proposal`` is the one it is created for, if the store does not know that yet."""
        if job.number in self.by_number:
            return
        if proposal:
            self._proposals[job.number] = proposal
        self.by_number[job.number] = job
        self._index(job)

    def proposal_of(self, job: XpmJob) -> str:
        """Return the proposal for which a job of this batch is created; otherwise empty."""
        return self._proposals.get(job.number, "")


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """An occurrence as it would be sent. ``client`` is ours, ``uuid`` XPM's (empty: it is created first)."""

    workflow: Workflow
    day: date
    proposal: Proposal | None
    client: Client | None
    uuid: str
    spec: JobSpec
    problems: tuple[JobProblem, ...]
    deployment: Deployment | None = None

    @property
    def id(self) -> str:
        """Return the id of the occurrence."""
        return deployment_id(self.workflow.id, self.day)

    @property
    def fresh(self) -> bool:
        """Return whether a job still has to be created, rather than finished."""
        return self.deployment is None or not self.deployment.number

    def holding_problem(self, *, anyway: bool = False) -> JobProblem | None:
        """Return the first problem that holds it; ``anyway``: the user confirmed those that ask."""
        if not self.fresh:
            return next((each for each in self.problems if each.code in FINISHING), None)
        holding = ("hold",) if anyway else ("hold", "ask")
        return next((problem for problem in self.problems if problem.weight in holding), None)


def preview(
    snapshot: Snapshot,
    terms: JobTerms,
    workflow: Workflow,
    day: date,
    jobs: OpenJobs,
    *,
    alike: Lookup | None = None,
    created: Mapping[str, str] | None = None,
) -> Preview:
    """Return the occurrence of that day according to store and mirror, without a call to XPM.

    ``created`` maps the ids of clients that are created before it to their ids in ``jobs``.
    """
    done = snapshot.get(DEPLOYMENTS, deployment_id(workflow.id, day))
    proposal = snapshot.get(PROPOSALS, workflow.proposal)
    if proposal is None:
        proposal = Proposal(id=workflow.proposal, name=workflow.name)
    party = job_client(snapshot, proposal, workflow)
    client = party.client
    found: list[JobProblem] = [party.problem] if party.problem else []
    if not terms.ours:
        found.append(JobProblem(code="ignition"))
    if workflow.stopped:
        found.append(JobProblem(code="stopped", about=workflow.stopped))
    uuid = (created or {}).get(client.id, "") if client is not None else ""
    uuid = uuid or _client(snapshot, client, alike, found, entity=party.is_entity)
    fresh = done is None or not done.number
    if fresh and done is not None:
        found += _elsewhere(snapshot, done, uuid, jobs)
    if fresh and workflow.follows:
        found += _of_former_term(snapshot, workflow, day)
    repeat = recurrence(workflow, proposal)
    if fresh and repeat is not None and repeat.end is not None and day > repeat.end:
        found.append(JobProblem(code="after-end", about=f"{day}, end {repeat.end}"))
    spec, more = make_spec(
        snapshot, terms, workflow, proposal, client, day, attempt=done.attempt if done else 1
    )
    if done is not None and done.spec is not None and done.number:
        spec = msgspec.structs.replace(spec, number=done.spec.number)
    else:
        spec, clashes = find_clashes(snapshot, workflow, spec, uuid, jobs)
        more += clashes
    return Preview(
        workflow=workflow,
        day=day,
        proposal=proposal,
        client=client,
        uuid=uuid,
        spec=spec,
        problems=(*found, *more),
        deployment=done,
    )


def find_clashes(
    snapshot: Snapshot, workflow: Workflow, spec: JobSpec, uuid: str, jobs: OpenJobs
) -> tuple[JobSpec, list[JobProblem]]:
    """Return the job without values that are left out, and its conflicts with open jobs."""
    found: list[JobProblem] = []
    if spec.number and spec.number in jobs.by_number:
        found.append(JobProblem(code="number-taken", about=spec.number))
    holders = jobs.with_reference(spec.reference) if spec.reference else []
    foreign = [
        job
        for job in holders
        if jobs.proposal_of(job) != workflow.proposal and not _same_proposal(snapshot, workflow, job)
    ]
    if foreign:
        found.append(JobProblem(code="reference-taken", about=f"{_called(foreign[0])} {foreign[0].name}"))
    elif holders:
        found.append(JobProblem(code="reference-ours", about=f"{spec.reference} ({_called(holders[0])})"))
        spec = msgspec.structs.replace(spec, reference="")
    same = [job for job in jobs.of_client(uuid) if exact(job.name) == exact(spec.name)] if uuid else []
    twin = next((job for job in same if job.start == spec.start), None)
    if twin is not None:
        found.append(JobProblem(code="same-job", about=f"{_called(twin)} {twin.name}"))
    elif same:
        found.append(JobProblem(code="same-name", about=f"{_called(same[0])}, from {same[0].start}"))
    return spec, found


def rediscovered_job(
    snapshot: Snapshot, row: Deployment | None, jobs: OpenJobs, attempts: Sequence[Intent]
) -> XpmJob | None:
    """Return the job of an earlier attempt that was reported as failed, if XPM shows it."""
    spec = row.spec if row is not None else None
    if row is None or spec is None or not attempts:
        return None
    there = [
        job
        for job in jobs.of_client(row.client)
        if all((job.uuid or job.number) not in intent.before for intent in attempts)
        and not snapshot.find(DEPLOYMENTS, "number", job.number)
        and same_job(spec, row.client, job)
    ]
    return there[0] if len(there) == 1 else None


def failed_attempts(snapshot: Snapshot, record: str, kind: str) -> list[Intent]:
    """Return earlier attempts of a step of an occurrence that were reported as failed."""
    failed = snapshot.find(INTENTS, "state", "failed")
    return [intent for intent in failed if intent.record == record and intent.kind == kind]


def _elsewhere(snapshot: Snapshot, row: Deployment, uuid: str, jobs: OpenJobs) -> list[JobProblem]:
    """Report the job of an earlier attempt that XPM shows on another client than the current one."""
    if not row.client or row.client == uuid:
        return []
    there = rediscovered_job(snapshot, row, jobs, failed_attempts(snapshot, row.id, ADD_JOB))
    if there is None:
        return []
    named = there.client.name if there.client is not None else ""
    return [JobProblem(code="other-client", about=f"{there.number} of {named or row.client}")]


def _of_former_term(snapshot: Snapshot, workflow: Workflow, day: date) -> list[JobProblem]:
    """Report a job that the workflow's former term has for the same period."""
    former = snapshot.get(WORKFLOWS, workflow.follows)
    for row in snapshot.find(DEPLOYMENTS, "workflow", former.id) if former is not None else ():
        if row.state == "skipped" or row.day < (workflow.term_start or day):
            continue
        repeat = former.repeat if former is not None else None
        if row.day == day or (
            former is not None and repeat and row.day <= day <= last_day(former.start, repeat, row.day)
        ):
            return [JobProblem(code="period-taken", about=row.number or row.id)]
    return []


def _client(
    snapshot: Snapshot, client: Client | None, alike: Lookup | None, found: list[JobProblem], *, entity: bool
) -> str:
    if client is None:
        return ""
    link, row = link_and_row(snapshot, client.id)
    state = state_of(snapshot, client, link, row)
    if state in ("gone", "converted", "merged", "archived", "ignored") or (
        state == "ambiguous" and link is not None
    ):
        found.append(JobProblem(code=f"client-{state}", about=client.name))
    elif link is None:
        block = find_obstacle(snapshot, client, alike)
        code = ("entity-unlinked" if entity else "client-new") if block is None else "client-waits"
        found.append(
            JobProblem(code=code, about=f"{client.name}: {block.sentence}" if block else client.name)
        )
    elif row is not None and row.prospect:
        found.append(JobProblem(code="entity-prospect" if entity else "prospect", about=client.name))
    return link.uuid if link is not None else ""


def _same_proposal(snapshot: Snapshot, workflow: Workflow, job: XpmJob) -> bool:
    """Return whether the job was deployed from here for the same proposal."""
    made = snapshot.find(DEPLOYMENTS, "number", job.number)
    own = {each.workflow for each in made}
    return any(
        (other := snapshot.get(WORKFLOWS, id_)) is not None and other.proposal == workflow.proposal
        for id_ in own
    )
