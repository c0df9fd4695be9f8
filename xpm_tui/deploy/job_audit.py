"""The audit: the job in XPM of each accepted proposal and occurrence, and what is wrong with it. Pure.

Jobs that were deployed from here are compared with what was sent. Ignition publishes neither the dates nor
the staff of its jobs, so only impossible values of these are findings. For completed and cancelled jobs, only
the client and whether invoices can attach are checked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date

import msgspec

from xpm_tui.deploy.audit_evidence import (
    AuditedJobs,
    ExpectedJob,
    ExpectedJobs,
    expected_jobs,
    learn_tasks,
)
from xpm_tui.deploy.job_spec import JobTerms
from xpm_tui.deploy.workflows import reference_key
from xpm_tui.domain.formatting import count, day, plural, sequence
from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import Proposal
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import TEMPLATES, XPM_CLIENTS
from xpm_tui.domain.xpm import XpmJob


class AuditFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A finding of the audit.

    Attributes:
        finding: The code of the finding.
        client: The client's id here, or empty.
        occurrence: The occurrence's id here, or empty.
        job: The job number in XPM.
        todo: What to do about it.
    """

    finding: str
    proposal: str
    number: str = ""
    name: str = ""
    client: str = ""
    client_name: str = ""
    occurrence: str = ""
    job: str = ""
    job_name: str = ""
    expected: str = ""
    found: str = ""
    sentence: str
    todo: str
    url: str = ""


class AuditReport(msgspec.Struct, frozen=True, kw_only=True):
    """The findings of an audit.

    Attributes:
        proposals: Number of accepted proposals that were checked.
        occurrences: Number of occurrences that were checked.
        matched: Number of XPM jobs that belong to them.
        sound: Number of jobs without a finding.
        unjudged: What was not compared.
        clients_to_read: Clients to read again before their jobs count as missing.
        jobs_to_read: Jobs to read again before they count as missing.
    """

    findings: tuple[AuditFinding, ...]
    proposals: int
    occurrences: int
    matched: int
    sound: int
    unjudged: tuple[str, ...] = ()
    clients_to_read: tuple[str, ...] = ()
    jobs_to_read: tuple[str, ...] = ()


def audit(
    snapshot: Snapshot,
    terms: JobTerms,
    today: date,
    jobs: AuditedJobs,
    *,
    staff: Collection[str] | None = None,
    no_invoices: Collection[str] = (),
) -> AuditReport:
    """Compare the accepted proposals with the jobs of XPM.

    Args:
        snapshot: The store and the mirror.
        terms: The practice's settings for jobs.
        today: The day in the practice's time zone.
        jobs: The jobs of XPM, completed and cancelled ones included, with their tasks.
        staff: UUIDs of XPM's current staff; None if they could not be read.
        no_invoices: Names of states that invoices do not attach to, besides completed and cancelled.
    """
    expected = expected_jobs(snapshot, terms, today, jobs)
    return _Audit(snapshot, terms, today, jobs, staff, no_invoices, expected).report()


class _Audit:
    """An audit in progress."""

    def __init__(
        self,
        snapshot: Snapshot,
        terms: JobTerms,
        today: date,
        jobs: AuditedJobs,
        staff: Collection[str] | None,
        no_invoices: Collection[str],
        expected: ExpectedJobs,
    ) -> None:
        self._snapshot = snapshot
        self._terms = terms
        self._today = today
        self._jobs = jobs
        self._staff = staff
        self._no_invoices = {exact(name).casefold() for name in no_invoices}
        self._numbers = expected.numbers
        self._ours = expected.ours
        self._expected = expected
        self._findings: list[AuditFinding] = []

    def report(self) -> AuditReport:
        """Check everything that was collected."""
        tasks = learn_tasks(
            (each.templates, job) for each in self._expected.rows for job in each.jobs if each.templates
        )
        by_proposal: defaultdict[str, list[ExpectedJob]] = defaultdict(list)
        unlearned = 0
        for each in self._expected.rows:
            by_proposal[each.proposal.id].append(each)
            if not each.jobs:
                self._missing(each)
                continue
            for job in each.jobs:
                self._on_client(each, job)
                if self._jobs.is_open(job):
                    self._people(each, job)
                    self._dates(each, job)
                    if each.templates:
                        other = tasks.another(each.templates, job)
                        unlearned += tuple(sorted(set(each.templates))) not in tasks.known
                        if other is not None:
                            self._template(each, job, other)
            self._unfinished(each)
        for group in by_proposal.values():
            self._check_group(group)
        for each in self._expected.revoked:
            self._revoked(each)
        matched = {job.number for each in self._expected.rows for job in each.jobs}
        with_findings = {each.job for each in self._findings}
        unjudged = []
        if unlearned:
            unjudged.append(
                f"The templates of {count(unlearned, 'job')} were not compared: it takes three jobs "
                "with the same templates to learn which tasks these add."
            )
        if self._staff is None:
            unjudged.append("People were not compared: XPM's staff could not be read.")
        return AuditReport(
            findings=tuple(sorted(self._findings, key=lambda each: (each.finding, each.proposal, each.job))),
            proposals=self._expected.proposals,
            occurrences=self._expected.occurrences,
            matched=len(matched),
            sound=len(matched - with_findings),
            unjudged=tuple(unjudged),
            clients_to_read=tuple(self._expected.clients_to_read),
            jobs_to_read=tuple(self._expected.jobs_to_read),
        )

    def _add(
        self,
        code: str,
        each: ExpectedJob,
        job: XpmJob | None,
        sentence: str,
        todo: str,
        *,
        expected: str = "",
        found: str = "",
    ) -> None:
        row, client = each.proposal, each.client
        self._findings.append(
            AuditFinding(
                finding=code,
                proposal=row.id,
                number=row.number,
                name=row.name,
                client=client.id if client else "",
                client_name=client.name if client else row.client_name,
                occurrence=each.occurrence.id if each.occurrence else "",
                job=job.number if job else "",
                job_name=job.name if job else "",
                expected=expected,
                found=found,
                sentence=sentence,
                todo=todo,
                url=job.web_url if job else "",
            )
        )

    def _missing(self, each: ExpectedJob) -> None:
        row, occurrence = each.proposal, each.occurrence
        called = row.number or row.id
        if occurrence is None:
            where = (
                f"{_shortened(each.client.name)} has no job with the expected name"
                if each.client
                else "the proposal's client is not known here"
            )
            if each.client and not each.uuid:
                where = f"{_shortened(each.client.name)} is not linked to XPM"
            self._add(
                "missing", each, None, f"XPM has no job with the reference {called}, and {where}.",
                "If Ignition is to create it, deploy it there. Otherwise take the proposal over: "
                f"xpm-tui proposals take-over {row.id}",
                expected=row.name,
            )  # fmt: skip
            return
        deployed = occurrence.deployment
        if deployed is not None and deployed.number:
            sentence = f"XPM no longer has job {deployed.number} of {day(occurrence.day)}."
            todo = f"Create it again: xpm-tui jobs redeploy {occurrence.id}"
        elif occurrence.state in ("held", "failed", "going"):
            why = deployed.why if deployed is not None else ""
            sentence = f"The job of {day(occurrence.day)} was not created. {visible(why, 160)}".strip()
            todo = f"Resolve this, then: xpm-tui jobs retry {occurrence.id}"
        else:
            sentence = f"The job of {day(occurrence.day)} has not been created."
            todo = f"Create it: xpm-tui jobs deploy {occurrence.id}. If it is not wanted, skip it."
        self._add("missing", each, None, sentence, todo, expected=day(occurrence.day))

    def _unfinished(self, each: ExpectedJob) -> None:
        occurrence = each.occurrence
        if occurrence is None or occurrence.state not in ("held", "failed", "going") or not each.spec:
            return
        why = occurrence.deployment.why if occurrence.deployment else ""
        job = each.jobs[0]
        sentence = f"Job {job.number} was created, but not finished. {visible(why, 160)}".strip()
        self._add("unfinished", each, job, sentence, f"Finish it: xpm-tui jobs retry {occurrence.id}")

    def _on_client(self, each: ExpectedJob, job: XpmJob) -> None:
        if not each.uuid or (job.client is not None and job.client.uuid == each.uuid):
            return
        wanted = self._snapshot.get(XPM_CLIENTS, each.uuid)
        name = f"{wanted.name} ({wanted.number})" if wanted else each.uuid
        there = job.client.name if job.client else "(none)"
        client = each.client.id if each.client else ""
        self._add(
            "wrong-client", each, job,
            f"Job {job.number} belongs to {_shortened(there)}, but the client is linked to "
            f"{_shortened(name)}.",
            f"Move the job in XPM, or if the link is wrong, correct it: xpm-tui clients link {client}",
            expected=name, found=there,
        )  # fmt: skip

    def _people(self, each: ExpectedJob, job: XpmJob) -> None:
        if self._staff is None:
            return
        people = (
            ("manager", job.manager),
            ("partner", job.partner),
            *(("staff", one) for one in job.assigned),
        )
        missing = [
            f"{one.name or one.uuid} ({role})"
            for role, one in people
            if one is not None and one.uuid not in self._staff
        ]
        if missing:
            verb = plural(len(missing), "is/are")
            self._add(
                "person-left", each, job,
                f"{_shortened(sequence(missing))} of job {job.number} {verb} no longer on XPM's staff.",
                "Assign the job to someone else in XPM.", found=", ".join(missing),
            )  # fmt: skip

    def _dates(self, each: ExpectedJob, job: XpmJob) -> None:
        spec, row = each.spec, each.proposal
        wrong, expected = "", ""
        if job.start and job.due and job.due < job.start:
            wrong = f"is due on {day(job.due)}, before it starts on {day(job.start)}"
        elif spec is not None:
            expected = f"{spec.start} to {spec.due}"
            parts = [
                f"{verb} {day(there)} instead of {day(sent)}"
                for verb, there, sent in (
                    ("starts on", job.start, spec.start),
                    ("is due on", job.due, spec.due),
                )
                if there != sent
            ]
            wrong = " and ".join(parts)
        elif job.start and row.end and job.start > row.end:
            wrong = f"starts on {day(job.start)}, after the proposal ended on {day(row.end)}"
        elif job.due and row.start and job.due < row.start:
            wrong = f"is due on {day(job.due)}, before the proposal began on {day(row.start)}"
        if wrong:
            expected = expected or f"{row.start or ''} to {row.end or ''}"
            self._add(
                "wrong-dates", each, job, f"Job {job.number} {wrong}.",
                "Correct the dates in XPM. If they are right, correct the proposal.",
                expected=expected, found=f"{job.start or ''} to {job.due or ''}",
            )  # fmt: skip

    def _template(self, each: ExpectedJob, job: XpmJob, other: tuple[str, ...]) -> None:
        wanted, there = self._templates(each.templates), self._templates(other)
        sentence = (
            f"Job {job.number} has the tasks of {_shortened(there)}, not those of {_shortened(wanted)}."
        )
        if not other:
            sentence = f"Job {job.number} has no tasks, but {_shortened(wanted)} adds some."
        self._add(
            "wrong-template", each, job, sentence,
            "Apply the right template in XPM and delete the other tasks. If the service has the wrong "
            "template, correct it: xpm-tui templates list",
            expected=wanted, found=there,
        )  # fmt: skip

    def _templates(self, uuids: Iterable[str]) -> str:
        rows = ((uuid, self._snapshot.get(TEMPLATES, uuid)) for uuid in uuids)
        return " + ".join(row.name if row is not None else uuid for uuid, row in rows)

    def _check_group(self, group: list[ExpectedJob]) -> None:
        """Check what needs all jobs of a proposal: references, duplicates, and whether invoices attach."""
        first, row = group[0], group[0].proposal
        found = {job.number: (each, job) for each in group for job in each.jobs}
        holders = [job for job in self._jobs.with_reference(row.number) if self._jobs.is_open(job)]
        doubled = self._duplicates(first, found, holders)
        if len(holders) > 1 and not {job.number for job in holders} <= doubled:
            numbers = sequence(job.number for job in holders)
            self._add(
                "duplicate-reference", first, holders[-1],
                f"The open jobs {numbers} all have the reference {row.number}, so invoices may attach to the "
                "wrong one.",
                "Keep the reference on one of them, and remove it from the others in XPM.",
                expected=row.number, found=numbers,
            )  # fmt: skip
        if self._terms.reference != "none":
            self._references(group, found, bool(holders))
            self._invoices(row, found)

    def _duplicates(
        self, first: ExpectedJob, found: dict[str, tuple[ExpectedJob, XpmJob]], holders: list[XpmJob]
    ) -> set[str]:
        """Report duplicate jobs; return the numbers of all of them."""
        doubled: set[str] = set()
        for number, (each, job) in found.items():
            if number in doubled or not self._jobs.is_open(job):
                continue
            uuid = job.client.uuid if job.client else ""
            same = [
                twin
                for twin in self._jobs.same_as(job.name, job.start, uuid)
                if self._jobs.is_open(twin)
                and not self._numbers.is_of_another(twin, each.proposal)
                and (twin.number in found or twin.number not in self._ours)
            ]
            if len(same) < 2:
                continue
            doubled |= {twin.number for twin in same}
            numbers = sequence(twin.number for twin in same)
            self._add(
                "duplicate-job", each, same[-1],
                f"The jobs {numbers} have the same client, name and start.",
                "Check which one is used, and cancel or delete the other in XPM.", found=numbers,
            )  # fmt: skip
        return doubled

    def _references(
        self, group: list[ExpectedJob], found: dict[str, tuple[ExpectedJob, XpmJob]], held: bool
    ) -> None:
        row = group[0].proposal
        wanted = {reference_key(each) for each in (row.number, row.reference) if each.strip()}
        jobs = [(each, job) for each, job in found.values() if self._jobs.is_open(job)]
        ours = [(each, job) for each, job in jobs if each.spec is not None]
        wrong = [
            (each, job, each.spec.reference)
            for each, job in ours
            if each.spec is not None
            and each.spec.reference
            and reference_key(each.spec.reference) != reference_key(job.order_number)
        ]
        referred = any(reference_key(job.order_number) in wanted for _, job in found.values())
        theirs = [(each, job) for each, job in jobs if each.spec is None]
        if theirs and wanted and not referred and not held:
            wrong.append((*theirs[0], row.number or row.reference))
        for each, job, reference in wrong:
            has = (
                f"has the reference {_shortened(job.order_number)}"
                if job.order_number.strip()
                else "has no reference"
            )
            self._add(
                "no-reference", each, job,
                f"Job {job.number} {has}, so invoices with {reference} do not find it.",
                f"Enter {reference} as its client order number in XPM.",
                expected=reference, found=job.order_number,
            )  # fmt: skip

    def _invoices(self, row: Proposal, found: dict[str, tuple[ExpectedJob, XpmJob]]) -> None:
        """Check whether one of the jobs can take the invoices of a proposal that continues."""
        if (row.end is not None and row.end < self._today) or not (row.number or row.reference) or not found:
            return
        if any(self._jobs.is_open(job) and self._accepts_invoices(job) for _, job in found.values()):
            return
        each, job = max(found.values(), key=lambda pair: (pair[1].due or date.min, pair[1].number))
        if not self._jobs.is_open(job) and job.due is not None and job.due < self._today:
            return
        recurs = len(found) > 1 or (each.occurrence is not None and each.occurrence.workflow.repeat)
        if recurs and job.completed is not None:
            return  # its period was completed early, and the next job takes the next invoices
        self._add(
            "state", each, job,
            f"Job {job.number} is {_shortened(job.state)}, but the proposal continues"
            f"{f' until {day(row.end)}' if row.end else ''}: no invoice attaches to the job.",
            "Set the job to a state of XPM's type Standard, or end the proposal in Ignition.",
            expected="a Standard state", found=job.state,
        )  # fmt: skip

    def _accepts_invoices(self, job: XpmJob) -> bool:
        return exact(job.state).casefold() not in self._no_invoices

    def _revoked(self, each: ExpectedJob) -> None:
        row, job = each.proposal, each.jobs[0]
        self._add(
            "revoked", each, job,
            f"Job {job.number} is open, and its proposal {row.number or row.id} is {row.state}.",
            "Complete or cancel the job in XPM.", expected="no open job", found=job.state,
        )  # fmt: skip


def _shortened(text: str) -> str:
    return str(visible(text, 120))
