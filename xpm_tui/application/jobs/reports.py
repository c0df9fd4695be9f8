"""Reports on jobs: the audit of those in XPM, and the forecast of those to come."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path

import msgspec

from xpm_tui.application.condition import refuse_damaged
from xpm_tui.application.csv_io.exports import refuse_taken
from xpm_tui.application.derived_data import cached_count
from xpm_tui.application.jobs.services import terms_of
from xpm_tui.application.practice import OpenPractice
from xpm_tui.deploy.audit_evidence import AuditedJobs, first_day, year_periods
from xpm_tui.deploy.job_audit import AuditFinding, AuditReport, audit
from xpm_tui.deploy.occurrences import MONTHS, JobForecast, forecast
from xpm_tui.domain.errors import AllowanceUsedUp, BadInput, LoginNeeded, RecordMissing, XeroError
from xpm_tui.domain.formatting import count
from xpm_tui.domain.ports import Priority, XpmJobsPort
from xpm_tui.domain.reason_labels import AUDIT_FINDINGS
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import JOBS
from xpm_tui.domain.xpm import XpmJob, quarantined_in
from xpm_tui.files import durable
from xpm_tui.ignition.parser import escape_cell

MAX_YEARS = 4
"""How many years of jobs are read; an older job is looked up through its client."""
CREATED_BEFORE = timedelta(days=60)
"""How long before its proposal begins a job may have been created."""
LOOKUPS = 100
"""The default number of calls that confirm that jobs are missing."""
MAX_MONTHS = 36
HEADINGS = (
    "Finding", "Proposal", "Proposal Number", "Proposal Name", "Client", "Client Name", "Occurrence",
    "Job Number", "Job Name", "Expected", "Found", "Problem", "What to do", "Web Address",
)  # fmt: skip


class AuditView(msgspec.Struct, frozen=True, kw_only=True):
    """The result of an audit: findings, their number by kind (``counts``), what was compared, and calls."""

    findings: tuple[AuditFinding, ...]
    counts: dict[str, int]
    proposals: int
    occurrences: int
    matched: int
    sound: int
    jobs: int
    calls: int
    unjudged: tuple[str, ...] = ()


async def audit_jobs(
    practice: OpenPractice, *, lookups: int = LOOKUPS, report: Callable[[str], None] = lambda _: None
) -> AuditView:
    """Compare every accepted proposal with the jobs in XPM.

    The current jobs are read in one call, and the others in one call for each year. Before a job counts as
    missing, it or the jobs of its client are read again, in at most ``lookups`` calls.

    Raises:
        ReadOnly: Read-only mode makes no call to Xero.
        XeroError: The jobs could not be read.
    """
    identity = practice.connected()
    practice.writable("The audit reads XPM's jobs, and read-only mode makes no call to Xero.")
    async with practice.wire() as wire:
        xpm: XpmJobsPort = wire.practice(identity.tenant, Priority.INTERACTIVE)
        return await _AuditRun(practice, xpm, lookups, report).run()


class _AuditRun:
    """One audit, from reading the jobs to the result."""

    def __init__(
        self, practice: OpenPractice, xpm: XpmJobsPort, lookups: int, report: Callable[[str], None]
    ) -> None:
        self._practice = practice
        self._xpm = xpm
        self._lookups = lookups
        self._report = report
        self._unread = 0

    async def run(self) -> AuditView:
        practice, began = self._practice, self._xpm.calls
        snapshot, day = practice.snapshot(), practice.current_day()
        staff = await self._staff()
        self._report("Reading XPM's current jobs.")
        current = await self._xpm.current_jobs()
        jobs = [*self._count_unread(current)]
        first = max(first_day(snapshot, day), day - timedelta(days=365 * MAX_YEARS)) - CREATED_BEFORE
        for since, until in year_periods(first, day + timedelta(days=1)):
            self._report(f"Reading the jobs created from {since} to {until}.")
            jobs = [*self._count_unread(await self._xpm.jobs_created(since, until, detailed=True)), *jobs]
        numbers = {job.number for job in current}
        found = self._audit(jobs, numbers, staff)
        more, left = await self._looked_up(found)
        if more:
            found = self._audit([*jobs, *more], numbers, staff)
        unjudged = list(found.unjudged)
        if left:
            unjudged.append(
                f"{count(left, 'missing job')} could not be looked up again: --lookups allows "
                f"{count(self._lookups, 'call')}."
            )
        if self._unread:
            unjudged.append(
                f"{count(self._unread, 'job')} of XPM cannot be read and may be among the missing ones."
            )
        return AuditView(
            findings=found.findings,
            counts=dict(Counter(each.finding for each in found.findings)),
            proposals=found.proposals,
            occurrences=found.occurrences,
            matched=found.matched,
            sound=found.sound,
            jobs=len({job.number for job in (*jobs, *more)}),
            calls=self._xpm.calls - began,
            unjudged=tuple(unjudged),
        )

    def _count_unread(self, rows: Sequence[XpmJob]) -> Sequence[XpmJob]:
        self._unread += sum(each.whole for each in quarantined_in(rows))
        return rows

    async def _staff(self) -> frozenset[str] | None:
        try:
            return frozenset(person.uuid for person in await self._xpm.staff())
        except (LoginNeeded, AllowanceUsedUp):
            raise
        except XeroError:
            return None

    def _audit(self, jobs: Sequence[XpmJob], numbers: set[str], staff: frozenset[str] | None) -> AuditReport:
        practice = self._practice
        return audit(
            practice.snapshot(),
            terms_of(practice),
            practice.current_day(),
            AuditedJobs(jobs, numbers),
            staff=staff,
            no_invoices=[
                name.strip() for name in practice.settings.text("jobs.states_without_invoices").split(",")
            ],
        )

    async def _looked_up(self, found: AuditReport) -> tuple[list[XpmJob], int]:
        """Read jobs again that seem to be missing; return those found, and how many were not looked up."""
        more: list[XpmJob] = []
        total = len(found.jobs_to_read) + len(found.clients_to_read)
        for place, number in enumerate(found.jobs_to_read[: self._lookups], 1):
            self._report(f"Looking for job {place} of {min(total, self._lookups)} that seems to be missing.")
            try:
                more.append(await self._xpm.job(number))
            except RecordMissing:
                continue
        room = max(0, self._lookups - len(found.jobs_to_read))
        for place, uuid in enumerate(found.clients_to_read[:room], 1 + len(found.jobs_to_read)):
            self._report(f"Looking for job {place} of {min(total, self._lookups)} that seems to be missing.")
            try:
                more += await self._xpm.client_jobs(uuid, detailed=True)
            except RecordMissing:
                continue
        return more, max(0, total - self._lookups)


def filter_findings(view: AuditView, *, only: str = "", text: str = "") -> list[AuditFinding]:
    """Return the findings of one kind, or with a text in names and numbers. Raises ``BadInput``."""
    if only and only not in AUDIT_FINDINGS:
        known = ", ".join(AUDIT_FINDINGS)
        raise BadInput(f"The audit has no finding '{visible(only, 40)}'.", hint=f"Choose one of: {known}.")
    wanted = text.casefold()
    return [
        each
        for each in view.findings
        if (not only or each.finding == only)
        and wanted in f"{each.name} {each.number} {each.client_name} {each.job} {each.proposal}".casefold()
    ]


def audit_csv(findings: Sequence[AuditFinding]) -> str:
    """Return the findings as CSV; cells that a spreadsheet would run as a formula begin with a ``'``."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(HEADINGS)
    for each in findings:
        row = (
            AUDIT_FINDINGS[each.finding].text, each.proposal, each.number, each.name, each.client,
            each.client_name, each.occurrence, each.job, each.job_name, each.expected, each.found,
            each.sentence, each.todo, each.url,
        )  # fmt: skip
        writer.writerow([escape_cell(cell, True) for cell in row])
    return file.getvalue()


def write_audit(
    practice: OpenPractice, path: Path, findings: Sequence[AuditFinding], *, replace: bool = False
) -> None:
    """Write the findings to a file (0600), marked as UTF-8 for spreadsheets.

    Raises ``BadInput`` if the file exists, unless ``replace``, ``DiskError`` and ``ReadOnly``.
    """
    refuse_damaged(practice)
    practice.writable()
    refuse_taken(path, replace=replace)
    durable.replace_bytes(path, audit_csv(findings).encode("utf-8-sig"))


def forecast_jobs(practice: OpenPractice, *, months: int = MONTHS) -> JobForecast:
    """Return what will be created in the coming months. Raises ``BadInput``."""
    if not 1 <= months <= MAX_MONTHS:
        raise BadInput(f"--months must be from 1 to {MAX_MONTHS}.", field="months")
    day, terms = practice.current_day(), terms_of(practice)
    return cached_count(
        practice,
        f"forecast {months}",
        lambda snapshot: forecast(snapshot, terms, day, months=months),
        (day, terms),
    )


def jobs_of_client(practice: OpenPractice, uuid: str) -> list[XpmJob]:
    """Return the current jobs of an XPM client in the mirror, the latest start first."""
    found = practice.snapshot().find(JOBS, "client", uuid) if uuid else []
    return sorted((job for job in found if not job.gone), key=lambda job: job.start or date.min, reverse=True)
