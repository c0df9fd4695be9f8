"""The data that the audit compares: the jobs that should be in XPM, and those found for them. Pure.

Jobs that were deployed from here are identified by their number, Ignition's jobs by reference or name. XPM's
API returns neither the template of a job nor the tasks of a template, so the tasks of templates are learned
from the jobs that should have them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

import msgspec

from xpm_tui.deploy.job_spec import JobTerms, make_spec, required_templates
from xpm_tui.deploy.occurrences import Occurrence, workflow_occurrences
from xpm_tui.deploy.workflows import JobIndex, job_client, reference_key
from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import Client, JobSpec, Proposal, Workflow
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.tables import CLIENTS, DEPLOYMENTS, LINKS, PROPOSALS, WORKFLOWS
from xpm_tui.domain.xpm import XpmJob
from xpm_tui.sync.base import live_link

EARLIEST_START = timedelta(days=31)
"""How long before the term of its proposal a job that is found by name may start."""
FEWEST_JOBS = 3
"""The least number of jobs from which the tasks of a template are learned."""
SHARE_OF_JOBS = 0.6
"""The share of those jobs that must have a task."""


class AuditedJobs(JobIndex):
    """The jobs of XPM in any state; ``open_numbers`` are those neither completed nor cancelled."""

    def __init__(self, jobs: Iterable[XpmJob], open_numbers: Collection[str]) -> None:
        super().__init__()
        self.open_numbers = frozenset(open_numbers)
        for job in jobs:
            known = self.by_number.get(job.number)
            if known is None or known.tasks is None:
                self.by_number[job.number] = job
        for job in self.by_number.values():
            self._index(job)

    def is_open(self, job: XpmJob) -> bool:
        """Return whether a job is neither completed nor cancelled."""
        return job.number in self.open_numbers

    def same_as(self, name: str, start: date | None, uuid: str) -> list[XpmJob]:
        """Return the jobs of a client with this name and start."""
        wanted = exact(name).casefold()
        return [
            job for job in self.of_client(uuid) if job.start == start and exact(job.name).casefold() == wanted
        ]


class ProposalNumbers:
    """The numbers of all proposals, which show that a job belongs to another proposal."""

    def __init__(self, snapshot: Snapshot) -> None:
        rows = (row.number for row in snapshot.rows(PROPOSALS))
        self._known = {reference_key(number) for number in rows if number.strip()}

    def is_of_another(self, job: XpmJob, proposal: Proposal) -> bool:
        """Return whether a job has the number of another proposal as its reference."""
        key = reference_key(job.order_number)
        return key in self._known and key != reference_key(proposal.number)


def jobs_of_ignition(
    proposal: Proposal, uuid: str, jobs: AuditedJobs, numbers: ProposalNumbers
) -> list[XpmJob]:
    """Return the jobs that Ignition created for a proposal.

    They are those with its number, and those of its client with its name that start within its term; if there
    are none, those with the reference of the client.
    """
    found = {job.number: job for job in jobs.with_reference(proposal.number)}
    for job in jobs_by_name(proposal, uuid, jobs, numbers):
        found.setdefault(job.number, job)
    if not found:
        own = (job for job in jobs.with_reference(proposal.reference) if _is_on(job, uuid))
        found = {job.number: job for job in own if is_in_term(job, proposal)}
    return [found[number] for number in sorted(found)]


def jobs_by_name(
    proposal: Proposal, uuid: str, jobs: AuditedJobs, numbers: ProposalNumbers
) -> Iterator[XpmJob]:
    """Yield a client's jobs with the name of a proposal that start in its term and are not another's."""
    name = exact(proposal.name).casefold()
    for job in jobs.of_client(uuid) if name else ():
        named = exact(job.name).casefold()
        if (
            (named == name or named.startswith((f"{name} ", f"{name}:")))
            and is_in_term(job, proposal)
            and not numbers.is_of_another(job, proposal)
        ):
            yield job


def is_in_term(job: XpmJob, proposal: Proposal) -> bool:
    """Return whether a job starts within the term of the proposal, or shortly before it."""
    begins = [day for day in (proposal.accepted, proposal.start) if day is not None]
    if job.start is None:
        return True
    if begins and job.start < min(begins) - min(EARLIEST_START, min(begins) - date.min):
        return False
    return proposal.end is None or job.start <= proposal.end


def _is_on(job: XpmJob, uuid: str) -> bool:
    return job.client is not None and (not uuid or job.client.uuid == uuid)


PENDING = ("coming", "skipped", "stopped")
"""The states of occurrences that do not need a job."""
REVOKED = ("revoked", "lost")


@dataclass(frozen=True)
class JobParty:
    """A client of a proposal or of one of its entities.

    Attributes:
        id: The client's id here; empty if it is not among the clients.
        uuid: Its UUID in XPM; empty if it is not linked.
        client: The client itself.
    """

    id: str
    uuid: str
    client: Client | None = field(compare=False)


class ExpectedJob(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal in Ignition, or one of our occurrences, that should have a job, with the jobs found for it.

    ``uuid`` is the client's in XPM; ``spec`` is what was sent, if it was deployed from here.
    """

    proposal: Proposal
    client: Client | None
    uuid: str
    jobs: tuple[XpmJob, ...]
    templates: tuple[str, ...] = ()
    occurrence: Occurrence | None = None
    spec: JobSpec | None = None


def expected_jobs(snapshot: Snapshot, terms: JobTerms, today: date, jobs: AuditedJobs) -> ExpectedJobs:
    """Collect what should be in XPM by today, and the open jobs of revoked proposals."""
    found = ExpectedJobs(snapshot, terms, today, jobs)
    # Revoked proposals come last, because a job that another proposal needs is not theirs.
    for proposal in sorted(snapshot.rows(PROPOSALS), key=lambda row: row.state in REVOKED):
        found.add(proposal)
    return found


def first_day(snapshot: Snapshot, today: date) -> date:
    """Return the first day on which jobs of accepted proposals may have been created."""
    days = [today]
    for row in snapshot.rows(PROPOSALS):
        if row.state == "accepted":
            days += [each for each in (row.accepted, row.start) if each is not None]
    return min(days)


class ExpectedJobs:
    """The jobs that should be in XPM: ``rows``, and the ``revoked`` ones that should not be open.

    ``clients_to_read`` and ``jobs_to_read`` are those for which no job was found.
    """

    def __init__(self, snapshot: Snapshot, terms: JobTerms, today: date, jobs: AuditedJobs) -> None:
        self._snapshot = snapshot
        self._terms = terms
        self._today = today
        self._jobs = jobs
        self.numbers = ProposalNumbers(snapshot)
        self.ours = {row.number for row in snapshot.rows(DEPLOYMENTS) if row.number}
        self.rows: list[ExpectedJob] = []
        self.revoked: list[ExpectedJob] = []
        self.proposals = self.occurrences = 0
        self.clients_to_read: dict[str, None] = {}
        self.jobs_to_read: dict[str, None] = {}

    def add(self, row: Proposal) -> None:
        """Add a proposal: the jobs that it needs, or those that it has if it was revoked."""
        workflows = self._snapshot.find(WORKFLOWS, "proposal", row.id)
        if row.state in REVOKED:
            self._revoked(row, workflows)
        elif row.state == "accepted" and row.ours:
            begun = len(self.rows)
            self.proposals += bool(workflows)
            parties = [self._party(job_client(self._snapshot, row, each).client) for each in workflows]
            several = len({*parties}) > 1
            for workflow, party in zip(workflows, parties, strict=True):
                for each in workflow_occurrences(self._snapshot, self._terms, workflow, self._today, 0):
                    self._occurrence(row, self._party_of(each, party), each, several=several)
            if row.origin == "import":
                self._add_earlier_jobs(row, [self._head(row), *parties], self.rows[begun:])
        elif row.state == "accepted":
            self._of_ignition(row)

    @cached_property
    def _claimed(self) -> frozenset[str]:
        """Return the jobs of active proposals; it is computed once all of these were added."""
        return frozenset(self.ours.union(job.number for each in self.rows for job in each.jobs))

    def _head(self, row: Proposal) -> JobParty:
        """Return the proposal's own client."""
        return self._party(self._snapshot.get(CLIENTS, row.client) if row.client else None)

    def _party(self, client: Client | None) -> JobParty:
        """Return a client with its UUID in XPM, which is empty if the link is broken."""
        if client is None:
            return JobParty("", "", None)
        link = live_link(self._snapshot, client.id)
        return JobParty(client.id, link.uuid if link is not None else "", client)

    def _party_of(self, each: Occurrence, party: JobParty) -> JobParty:
        """Return the client that the job of an occurrence belongs to.

        A former term, or a workflow that lost its services, does not follow what the proposal says now: its
        jobs stay with the client for which they were created.
        """
        sent = each.deployment.client if each.deployment is not None and each.deployment.number else ""
        if sent and (each.workflow.term_end is not None or not party.uuid):
            links = self._snapshot.find(LINKS, "uuid", sent)
            return self._party(self._snapshot.get(CLIENTS, links[0].id)) if links else party
        return party

    def _occurrence(self, row: Proposal, party: JobParty, each: Occurrence, *, several: bool) -> None:
        client, uuid = party.client, party.uuid
        deployed = each.deployment
        number = deployed.number if deployed is not None else ""
        if not number and each.state in PENDING:
            return
        self.occurrences += 1
        spec = deployed.spec if deployed is not None and number else None
        if spec is None:
            spec, _ = make_spec(self._snapshot, self._terms, each.workflow, row, client, each.day)
        if number:
            there = self._jobs.by_number.get(number)
            found = [there] if there is not None else []
            if there is None:
                self.jobs_to_read[number] = None
        else:
            found = self._jobs_made_elsewhere(row, uuid, each, spec, several=several)
            if not found and uuid:
                self.clients_to_read[uuid] = None
        self.rows.append(
            ExpectedJob(
                proposal=row, client=client, uuid=uuid, jobs=tuple(found), templates=spec.templates,
                occurrence=each, spec=spec if number else None,
            )
        )  # fmt: skip

    def _jobs_made_elsewhere(
        self, row: Proposal, uuid: str, each: Occurrence, spec: JobSpec, *, several: bool
    ) -> list[XpmJob]:
        """Find a job that was not deployed from here, by name and start or by reference.

        If a proposal has jobs for several clients, the job must be on the right one.
        """
        found = self._jobs.same_as(spec.name, each.day, uuid)
        if not found and each.workflow.repeat is None:
            first, last = each.workflow.term_start, each.workflow.term_end
            found = [
                job
                for job in self._jobs.with_reference(row.number)
                if (_is_on(job, uuid) or not several)
                and not (job.start and first and job.start < first)
                and not (job.start and last and job.start > last)
            ]
        return [job for job in found if job.number not in self.ours][:1]

    def _add_earlier_jobs(self, row: Proposal, parties: list[JobParty], since: list[ExpectedJob]) -> None:
        """Add the jobs that Ignition created for a proposal before it was taken over."""
        known = {job.number for each in since for job in each.jobs} | self.ours
        self.rows += self._created_by_ignition(row, parties, known)

    def _of_ignition(self, row: Proposal) -> None:
        begins = row.start or row.accepted
        _, _, wanted = required_templates(self._snapshot, row.services)
        if not wanted or (begins is not None and begins > self._today):
            return
        self.proposals += 1
        head = self._head(row)
        entities = dict.fromkeys(each.client for each in row.services if each.entity)
        others = [self._party(self._snapshot.get(CLIENTS, id_) if id_ else None) for id_ in entities]
        found = self._created_by_ignition(row, [head, *others], self.ours)
        if not found:
            self.clients_to_read |= {each.uuid: None for each in (head, *others) if each.uuid}
            found = [ExpectedJob(proposal=row, client=head.client, uuid=head.uuid, jobs=())]
        self.rows += found

    def _created_by_ignition(
        self, row: Proposal, parties: Sequence[JobParty], known: Collection[str]
    ) -> list[ExpectedJob]:
        """Return the jobs that Ignition created for a proposal, each with its client.

        A job on none of its clients is assigned to the first one, or to a client that is not known here.
        """
        by_uuid = {each.uuid: each for each in reversed(parties) if each.uuid}
        rest = next((each for each in parties[1:] if not each.uuid), parties[0])
        jobs: defaultdict[JobParty, dict[str, XpmJob]] = defaultdict(dict)
        for party in dict.fromkeys(parties):
            for job in jobs_of_ignition(row, party.uuid, self._jobs, self.numbers):
                if job.number not in known:
                    owner = by_uuid.get(job.client.uuid, rest) if job.client is not None else rest
                    jobs[owner][job.number] = job
        found = []
        for party, own in jobs.items():
            services = [
                each
                for each in row.services
                if len(by_uuid) < 2 or (each.client if each.entity else row.client) == party.id
            ]
            called, _, _ = required_templates(self._snapshot, tuple(services))
            found.append(
                ExpectedJob(
                    proposal=row, client=party.client, uuid=party.uuid,
                    jobs=tuple(own[number] for number in sorted(own)),
                    templates=tuple(called) if len(own) == 1 else (),
                )
            )  # fmt: skip
        return found

    def _revoked(self, row: Proposal, workflows: Sequence[Workflow]) -> None:
        parties = {
            each.number: self._party(job_client(self._snapshot, row, workflow).client)
            for workflow in workflows
            for each in self._snapshot.find(DEPLOYMENTS, "workflow", workflow.id)
            if each.number
        }
        head = self._head(row)
        for job in self._jobs.with_reference(row.number):
            parties.setdefault(job.number, head)
        if row.start is not None or row.accepted is not None:
            for job in jobs_by_name(row, head.uuid, self._jobs, self.numbers):
                if job.number not in self._claimed:
                    parties.setdefault(job.number, head)
        for number, party in parties.items():
            created = self._jobs.by_number.get(number)
            if created is not None and self._jobs.is_open(created):
                self.revoked.append(
                    ExpectedJob(proposal=row, client=party.client, uuid=party.uuid, jobs=(created,))
                )


class TemplateTasks(msgspec.Struct, frozen=True):
    """The tasks that each set of templates adds, as far as enough jobs show them."""

    known: dict[tuple[str, ...], frozenset[str]]

    def another(self, templates: tuple[str, ...], job: XpmJob) -> tuple[str, ...] | None:
        """Return the other templates whose tasks a job has.

        Tasks that a user removed or added in XPM are no evidence: the tasks of the other set must all be
        there, and there must be more of them than of those expected.

        Returns:
            The templates; ``()`` if the job has no tasks at all, None without evidence of other
            templates.
        """
        wanted = self.known.get(_key(templates))
        if not wanted or job.tasks is None:
            return None
        there = tasks_of(job)
        if wanted <= there:
            return None
        if not there:
            return ()
        fits = [(len(tasks), key) for key, tasks in self.known.items() if tasks and tasks <= there]
        size, key = max(fits, default=(0, ()))
        return key if size > len(wanted & there) else None


def learn_tasks(pairs: Iterable[tuple[tuple[str, ...], XpmJob]]) -> TemplateTasks:
    """Learn the tasks of templates from the jobs that should have them."""
    counts: defaultdict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    totals: Counter[tuple[str, ...]] = Counter()
    for templates, job in pairs:
        if templates and job.tasks is not None:
            totals[_key(templates)] += 1
            counts[_key(templates)].update(tasks_of(job))
    return TemplateTasks(
        {
            key: frozenset(task for task, times in counts[key].items() if times >= SHARE_OF_JOBS * total)
            for key, total in totals.items()
            if total >= FEWEST_JOBS
        }
    )


def tasks_of(job: XpmJob) -> frozenset[str]:
    """Return the practice's tasks on a job, both alone and with their estimated minutes.

    Two templates may add the same task with different estimates.
    """
    names = [(task.task_uuid or task.name.casefold(), task.minutes) for task in job.tasks or ()]
    return frozenset([name for name, _ in names] + [f"{name}/{minutes}" for name, minutes in names])


def year_periods(first: date, last: date) -> Iterator[tuple[date, date]]:
    """Yield periods of at most a year, as XPM accepts them."""
    while first <= last:
        until = min(last, first + timedelta(days=364))
        yield first, until
        first = until + timedelta(days=1)


def _key(templates: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(templates)))
