"""Proposals of Ignition with their jobs, some of them faulty, for trials of the audit.

Ignition's side comes as its CSV files, because it has no API. Each fault is listed with the proposal and the
job that show it. The other proposals are unusual but correct, so that a careless audit reports them.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random

from xpm_tui.sandbox.clock import DAY, day_of, shift_day
from xpm_tui.sandbox.job_writes import tasks_of
from xpm_tui.sandbox.ordinary_clients import pick
from xpm_tui.sandbox.records import ClientRecord, Job, SandboxPractice, TemplateRecord

FAULTS = (
    "missing", "wrong-client", "wrong-template", "no-reference", "duplicate-reference", "duplicate-job",
    "wrong-dates", "state", "person-left", "revoked",
)  # fmt: skip
SOUND = (
    "plain", "reference in other letters", "renamed", "recurring", "ended", "only sent", "starts later",
    "tasks changed", "left, completed", "revoked, cancelled", "reference of the client", "last year's, too",
)  # fmt: skip
CLIENT_HEADINGS = ("Client ID", "Contact ID", "Client Name", "Contact Name", "Contact Email")
SERVICE_HEADINGS = ("Service ID", "Service Name", "Price")
PROPOSAL_HEADINGS = (
    "Proposal Number", "Proposal Name", "Client ID", "Client Name", "Client Reference", "Proposal Status",
    "Accepted Date", "Start Date", "End Date", "Service Name", "Billing Type", "Price",
)  # fmt: skip


@dataclass
class AuditCases:
    """Ignition's files, and the faults that an audit has to find, each with its proposal and job."""

    clients: str = ""
    services: str = ""
    proposals: str = ""
    faults: list[dict[str, str]] = field(default_factory=list)


def add_audit_cases(
    practice: SandboxPractice, seed: int, now: float, *, proposals: int = 600, faults: int = 200
) -> AuditCases:
    """Add the jobs of ``proposals`` proposals, of which ``faults`` are faulty; return Ignition's files.

    Raises:
        ValueError: The practice has too few clients with distinct names, or a number is out of range.
    """
    clients = _distinct(practice)
    if not 0 <= faults <= proposals:
        raise ValueError("There must be at least as many proposals as faults, and neither may be below 0.")
    if proposals and len(clients) < 2:
        raise ValueError("An audit needs a practice of at least 24 clients.")
    work = _Seeding(practice, Random(f"{seed} audit"), now, clients)
    every = proposals / faults if faults else 0
    wanted = {int(place * every): FAULTS[place % len(FAULTS)] for place in range(faults)}
    for place in range(proposals):
        work.add(place, wanted.get(place, ""))
    return work.result()


def _distinct(practice: SandboxPractice) -> list[ClientRecord]:
    """Return active clients that cannot be mistaken for other clients of the practice."""
    keys = {row.uuid: _key(row.name) for row in practice.clients.values()}
    times = Counter(keys.values())
    return [
        row
        for row in practice.clients.values()
        if not (row.deleted or row.archived or row.prospect) and times[keys[row.uuid]] == 1
        and re.fullmatch(r"[A-Z][A-Za-z' ]+( \(Australia\))?[A-Za-z ]*", row.name)
    ]  # fmt: skip


def _key(name: str) -> str:
    """Return a name without parts that are often omitted or abbreviated."""
    words = re.findall(r"[a-z]+", name.casefold())
    return " ".join(sorted({*words} - {"pty", "ltd", "limited", "the", "trust", "family", "and", "group"}))


class _Seeding:
    """The state while files and jobs are generated."""

    def __init__(
        self, practice: SandboxPractice, rng: Random, now: float, clients: Sequence[ClientRecord]
    ) -> None:
        self._practice = practice
        self._rng = rng
        self._now = now
        self._today = date.fromisoformat(day_of(now))
        self._clients = clients
        self._templates = [row for row in practice.templates.values() if row.tasks]
        self._people = [uuid for uuid, person in practice.staff.items() if not person.left]
        self._left = next(uuid for uuid, person in practice.staff.items() if person.left)
        self._rows: list[tuple[object, ...]] = []
        self._used: dict[str, ClientRecord] = {}
        self.cases = AuditCases()

    def add(self, place: int, fault: str) -> None:
        """Add a proposal with its jobs, or without any."""
        client = self._clients[place % len(self._clients)]
        template = self._templates[place % len(self._templates)]
        number, sound = f"PROP-{3000 + place}", "" if fault else SOUND[place % len(SOUND)]
        days = {"ended": -500, "left, completed": -600, "starts later": 30}.get(sound, 0)
        start = self._today + timedelta(days=days or -5 - self._rng.randrange(250))
        end = start + timedelta(days=364)
        name = f"{template.name} {start.year} {place}"
        state = {"only sent": "sent", "revoked, cancelled": "revoked"}.get(
            sound, "revoked" if fault == "revoked" else "accepted"
        )
        self._used[client.uuid] = client
        self._proposal(number, name, client, state, start, end, template)
        job = self._job(name, client, template, start, end, number)
        if fault:
            made = _FAULTY[fault](self, place, job, template)
            for added in made:
                self._practice.jobs[added.number] = added
            shown = made[-1].number if made else ""
            self.cases.faults.append({"finding": fault, "proposal": number, "job": shown})
            return
        for added in self._sound(sound, job, client, template, number, start):
            self._practice.jobs[added.number] = added

    def _proposal(
        self,
        number: str,
        name: str,
        client: ClientRecord,
        state: str,
        start: date,
        end: date,
        template: TemplateRecord,
    ) -> None:
        accepted = (start - timedelta(days=3)).isoformat() if state != "sent" else ""
        self._rows.append(
            (number, name, _id(client), client.name, _reference(client), state, accepted, start.isoformat(),
             end.isoformat(), template.name, "recurring", "1200.00")
        )  # fmt: skip

    def _job(
        self,
        name: str,
        client: ClientRecord,
        template: TemplateRecord,
        start: date,
        due: date,
        reference: str,
    ) -> Job:
        first, last = start.isoformat(), due.isoformat()
        created = self._now - (self._today - start).days * DAY - DAY
        return Job(
            self._practice.take_job_number(),
            self._practice.ids.uuid("job"),
            name,
            template.name,
            client.uuid,
            pick(self._rng, ("Planned", "In Progress", "On Hold")),
            first,
            last,
            min(created, self._now),
            order_number=reference,
            manager=pick(self._rng, self._people),
            assigned=(pick(self._rng, self._people),),
            tasks=tasks_of(self._practice, template, first, last),
        )

    def _sound(
        self, kind: str, job: Job, client: ClientRecord, template: TemplateRecord, number: str, start: date
    ) -> Iterable[Job]:
        if kind in ("only sent", "starts later"):
            return ()
        if kind == "reference in other letters":
            return (replace(job, order_number=f" {number.lower()} "),)
        if kind == "renamed":
            return (replace(job, name=f"(renamed) {client.name}"),)
        if kind == "recurring":
            return self._months(job, template, client, number, start)
        if kind == "ended":
            return (replace(job, state="Completed", completed=job.due, manager=self._left),)
        if kind == "left, completed":
            return (replace(job, state="Completed", completed=job.due, assigned=(self._left,)),)
        if kind == "revoked, cancelled":
            return (replace(job, state="Cancelled"),)
        if kind == "tasks changed":
            extra = tasks_of(self._practice, self._templates[-1], job.start, job.due)
            return (replace(job, tasks=(*job.tasks[:-1], *extra) if len(job.tasks) > 2 else job.tasks),)
        if kind == "reference of the client":
            return (replace(job, order_number=_reference(client)),)
        if kind == "last year's, too":
            return (job, self._last_year(job, client, template, start))
        return (job,)

    def _months(
        self, job: Job, template: TemplateRecord, client: ClientRecord, number: str, start: date
    ) -> Iterable[Job]:
        """Yield a job per month; past ones are completed, and all have the reference."""
        for month in range(12):
            first = start + timedelta(days=30 * month)
            if first > self._today:
                return
            last = first + timedelta(days=29)
            other_job = self._job(f"{job.name} {first:%B %Y}", client, template, first, last, number)
            past = last < self._today
            yield replace(other_job, state="Completed", completed=last.isoformat()) if past else other_job

    def _last_year(self, job: Job, client: ClientRecord, template: TemplateRecord, start: date) -> Job:
        """Return the job of the previous term, with a proposal of its own and the same name."""
        before, number = start - timedelta(days=365), f"{job.order_number}-A"
        until = start - timedelta(days=1)
        self._proposal(number, job.name, client, "accepted", before, until, template)
        other_job = self._job(job.name, client, template, before, until, number)
        return replace(other_job, state="Completed", completed=until.isoformat())

    # -- faults ----------------------------------------------------------------------------------------------

    def missing(self, place: int, job: Job, template: TemplateRecord) -> list[Job]:
        return []

    def wrong_client(self, place: int, job: Job, template: TemplateRecord) -> list[Job]:
        other = self._clients[(place + 1) % len(self._clients)]
        return [replace(job, client=other.uuid)]

    def wrong_template(self, place: int, job: Job, template: TemplateRecord) -> list[Job]:
        others = [row for row in self._templates if row is not template]
        other = pick(self._rng, [*others, None])
        return [replace(job, tasks=tasks_of(self._practice, other, job.start, job.due) if other else ())]

    def no_reference(self, place: int, job: Job, template: TemplateRecord) -> list[Job]:
        return [replace(job, order_number="" if place % 2 else "PO 7781")]

    def duplicate_reference(self, place: int, job: Job, template: TemplateRecord) -> list[Job]:
        second = replace(job, number=self._practice.take_job_number(), name="Advice by phone")
        return [job, replace(second, uuid=self._practice.ids.uuid("job"))]

    def duplicate_job(self, place: int, job: Job, template: TemplateRecord) -> list[Job]:
        number, reference = self._practice.take_job_number(), "" if place % 2 else job.order_number
        twin = replace(job, number=number, order_number=reference)
        return [job, replace(twin, uuid=self._practice.ids.uuid("job"))]

    def wrong_dates(self, place: int, job: Job, template: TemplateRecord) -> list[Job]:
        if place % 2:
            return [replace(job, due=shift_day(job.start, -10))]
        late = shift_day(job.due, 60)
        return [replace(job, start=late, due=shift_day(late, 300))]

    def state(self, place: int, job: Job, template: TemplateRecord) -> list[Job]:
        if place % 2:
            return [replace(job, state="Cancelled")]
        return [replace(job, state="Completed", completed=day_of(self._now))]

    def person_left(self, place: int, job: Job, template: TemplateRecord) -> list[Job]:
        if place % 2:
            return [replace(job, manager=self._left)]
        return [replace(job, assigned=(*job.assigned, self._left))]

    def revoked(self, place: int, job: Job, template: TemplateRecord) -> list[Job]:
        # Every other one has no reference, so only its name identifies it.
        named = len(self.cases.faults) // len(FAULTS) % 2
        return [replace(job, order_number="")] if named else [job]

    def result(self) -> AuditCases:
        """Return the files as text."""
        clients = (
            (_id(row), f"CON-{row.number}", row.name, "Jo Tane", f"jo{row.number}@audit.example")
            for row in self._used.values()
        )
        services = ((f"SVC-{n}", row.name, "1200") for n, row in enumerate(self._templates, 901))
        self.cases.clients = _text(CLIENT_HEADINGS, clients)
        self.cases.services = _text(SERVICE_HEADINGS, services)
        self.cases.proposals = _text(PROPOSAL_HEADINGS, self._rows)
        return self.cases


_FAULTY: dict[str, Callable[[_Seeding, int, Job, TemplateRecord], list[Job]]] = {
    name: getattr(_Seeding, name.replace("-", "_")) for name in FAULTS
}


def _id(client: ClientRecord) -> str:
    return f"IGN-{client.number}"


def _reference(client: ClientRecord) -> str:
    return f"CLI-{client.number}"


def _text(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(headings)
    writer.writerows(rows)
    return out.getvalue()
