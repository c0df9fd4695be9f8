"""A tiny XPM in memory: the Practice port with a colleague, refusals and lost answers on demand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any

import msgspec

from tests.support.moved_clock import MovedClock
from xpm_tui.domain.errors import AppError, OutcomeUnknown, RecordMissing, XeroError
from xpm_tui.domain.links import Value
from xpm_tui.domain.ports import Clock
from xpm_tui.domain.safe_text import refuse_unsendable_values
from xpm_tui.domain.xpm import (
    Category,
    Quarantined,
    RecordReference,
    Staff,
    Task,
    Template,
    XpmClient,
    XpmContact,
    XpmJob,
)


class FakeListing:
    """A list read from the rows of one moment. ``cut`` breaks it off after so many rows."""

    def __init__(self, rows: Sequence[XpmClient], asked_at: datetime, cut: int | None = None) -> None:
        self.asked_at = asked_at
        self.quarantined: tuple[Quarantined, ...] = ()
        self._rows = rows
        self._cut = cut

    async def __aiter__(self) -> AsyncIterator[XpmClient]:
        for place, row in enumerate(self._rows):
            if place == self._cut:
                raise XeroError("The list broke off.")
            yield row


class FakePractice:
    """Implements the Practice port.

    ``faults`` are raised one per write, in order (None: no fault). A fault of the kind ``OutcomeUnknown`` is
    raised after the write was made, unless it is in ``lost``: then the write was never made. ``problems`` are
    raised by a method, by its name, each time it is called. A value that the real port refuses before it
    sends anything (XML cannot carry it) is refused here, too, and does not count as sent. New records show
    in lists only ``lag`` seconds after they were made. ``sent`` keeps every write, ``reads`` the other calls.
    """

    def __init__(self, rows: Sequence[XpmClient] = (), clock: Clock | None = None, lag: float = 0) -> None:
        self.clock: Clock = clock or MovedClock()
        self.rows: dict[str, XpmClient] = {row.uuid: row for row in rows}
        self.changed: dict[str, datetime] = dict.fromkeys(self.rows, self.clock.now())
        self.shown: dict[str, datetime] = {}
        self.people: list[Staff] = []
        self.lag = lag
        self.faults: list[AppError | None] = []
        self.problems: dict[str, AppError] = {}
        self.jobs: dict[str, XpmJob] = {}
        self.lost: list[AppError] = []
        self.sent: list[tuple[str, str, dict[str, Any]]] = []
        self.reads: list[str] = []
        self.cut: int | None = None
        self._made = 0

    @property
    def calls(self) -> int:
        return len(self.sent) + len(self.reads)

    def edit(self, uuid: str, **values: Any) -> None:
        """A colleague changes a client in XPM."""
        self._store(msgspec.structs.replace(self.rows[uuid], **values))

    def edit_contact(self, client: str, contact: str, **values: Any) -> None:
        """A colleague changes a contact in XPM."""
        row = self.rows[client]
        contacts = tuple(
            msgspec.structs.replace(each, **values) if each.uuid == contact else each for each in row.contacts
        )
        self.edit(client, contacts=contacts)

    def add(self, row: XpmClient) -> None:
        """A colleague makes a client in XPM."""
        self._store(row)

    def remove(self, uuid: str) -> None:
        """A colleague makes a client vanish from every list."""
        del self.rows[uuid]

    @asynccontextmanager
    async def clients(self, *, modified_since: datetime | None = None) -> AsyncIterator[FakeListing]:
        self._read("clients", "clients" if modified_since is None else "clients since")
        now = self.clock.now()
        rows = [
            row
            for row in self.rows.values()
            if (modified_since is None or self.changed[row.uuid] >= modified_since) and self._shows(row.uuid)
        ]
        yield FakeListing(rows, now, self.cut)

    async def client(self, uuid: str) -> XpmClient:
        self._read("client")
        if uuid not in self.rows:
            raise RecordMissing("XPM has no such client.")
        return self.rows[uuid]

    async def search(self, query: str) -> list[XpmClient]:
        self._read("search")
        wanted = query.casefold()
        return [row for row in self.rows.values() if wanted in row.name.casefold() and self._shows(row.uuid)]

    async def staff(self) -> list[Staff]:
        self._read("staff")
        return [row for row in self.people if self._shows(row.uuid)]

    async def add_staff(self, *, name: str, email: str = "", phone: str = "", mobile: str = "") -> Staff:
        refuse_unsendable_values({"phone": phone, "mobile": mobile})
        fault = self._begin("add staff", "", {"name": name, "email": email})
        made = Staff(uuid=self._new_uuid(), name=name, email=email, phone=phone, mobile=mobile)
        if fault is None or fault not in self.lost:
            self.people.append(made)
            self.shown[made.uuid] = self.clock.now()
        if fault is not None:
            raise fault
        return made

    async def templates(self) -> list[Template]:
        self._read("templates")
        return []

    async def categories(self) -> list[Category]:
        self._read("categories")
        return []

    async def current_jobs(self) -> list[XpmJob]:
        self._read("current_jobs", "jobs")
        return [*self.jobs.values()]

    async def client_jobs(self, client: str, *, detailed: bool = False) -> list[XpmJob]:
        self._read("client_jobs")
        if client not in self.rows:
            raise RecordMissing("XPM has no such client.")
        return [job for job in self.jobs.values() if job.client is not None and job.client.uuid == client]

    async def jobs_created(self, first: date, last: date, *, detailed: bool = False) -> list[XpmJob]:
        self._read("jobs_created")
        return [*self.jobs.values()]

    async def add_client(self, values: Mapping[str, Value], contacts: Sequence[XpmContact]) -> XpmClient:
        for each in contacts:
            refuse_unsendable_values(msgspec.structs.asdict(each), "contact ")
        fault = self._begin("add client", "", {**values, "contacts": len(contacts)})
        uuid = self._new_uuid()
        made = tuple(msgspec.structs.replace(each, uuid=self._new_uuid()) for each in contacts)
        row = XpmClient(uuid=uuid, name="", number=str(9000 + self._made), contacts=made, groups=())
        self._create(uuid, msgspec.structs.replace(row, **self._columns(values)), fault)
        return self._answer(uuid, fault)

    async def update_client(self, uuid: str, name: str, values: Mapping[str, Value]) -> XpmClient:
        fault = self._begin("update client", uuid, {"name": name, **values})
        if fault is None or fault not in self.lost:
            self.edit(uuid, **self._columns({"name": name, **values}))
        return self._answer(uuid, fault)

    async def add_contact(self, client: str, contact: XpmContact) -> XpmContact:
        fault = self._begin("add contact", client, msgspec.to_builtins(contact))
        made = msgspec.structs.replace(contact, uuid=self._new_uuid())
        if fault is None or fault not in self.lost:
            others = self._demoted(client) if made.primary else self.rows[client].contacts
            self.edit(client, contacts=(*others, made))
        self._answer(client, fault)
        return made

    async def update_contact(self, client: str, uuid: str, values: Mapping[str, Value]) -> XpmContact:
        fault = self._begin("update contact", client, {"contact": uuid, **values})
        if fault is None or fault not in self.lost:
            if values.get("primary"):
                self.edit(client, contacts=self._demoted(client))
            for row in [*self.rows.values()]:
                if any(contact.uuid == uuid for contact in row.contacts):
                    self.edit_contact(row.uuid, uuid, **values)
        self._answer(client, fault)
        return next(contact for contact in self.rows[client].contacts if contact.uuid == uuid)

    async def job(self, number: str) -> XpmJob:
        self._read("job")
        if number not in self.jobs:
            raise RecordMissing("XPM has no such job.")
        return self.jobs[number]

    async def add_job(self, *, name: str, client: str, number: str = "", **values: Any) -> XpmJob:
        fault = self._begin("add job", client, {"name": name, **values})
        self._made += 1
        number = number or f"J{self._made:06d}"
        job = XpmJob(
            number=number,
            name=name,
            uuid=f"job-{number}",
            description=values.get("description", ""),
            start=values.get("start"),
            due=values.get("due"),
            client=RecordReference(uuid=client, name=self.rows[client].name),
            order_number=values.get("order_number", ""),
            tasks=(Task(uuid="task-1", name="Task"),) if values.get("template") else (),
            state="Planned",
        )
        return self._keep(job, fault)

    async def apply_template(self, number: str, template: str, *, append: bool = False) -> XpmJob:
        fault = self._begin("apply template", "", {"number": number, "template": template})
        job = self.jobs[number]
        tasks = (*(job.tasks or ()), Task(uuid=template, name="Task"))
        return self._keep(msgspec.structs.replace(job, tasks=tasks), fault)

    async def assign(
        self,
        number: str,
        *,
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
        manager: str | None = None,
        partner: str | None = None,
    ) -> XpmJob:
        values = {"number": number, "add": tuple(add), "manager": manager or "", "partner": partner or ""}
        fault = self._begin("assign", "", values)
        job = self.jobs[number]
        people = tuple(each for each in job.assigned if each.uuid not in remove)
        job = msgspec.structs.replace(
            job,
            assigned=(*people, *(RecordReference(uuid=uuid) for uuid in add)),
            manager=RecordReference(uuid=manager) if manager else job.manager,
            partner=RecordReference(uuid=partner) if partner else job.partner,
        )
        return self._keep(job, fault)

    async def set_job_state(self, number: str, code: str) -> None:
        fault = self._begin("set job state", "", {"number": number, "code": code})
        self._keep(msgspec.structs.replace(self.jobs[number], state=code), fault)

    def _keep(self, job: XpmJob, fault: AppError | None) -> XpmJob:
        if fault is None or fault not in self.lost:
            self.jobs[job.number] = job
        if fault is not None:
            raise fault
        return job

    def _read(self, method: str, noted: str = "") -> None:
        self.reads.append(noted or method)
        if method in self.problems:
            raise self.problems[method]

    def _begin(self, verb: str, uuid: str, values: dict[str, Any]) -> AppError | None:
        """Note the write; a fault other than a lost answer is raised before anything is done."""
        error = self.problems.get(verb.replace(" ", "_"))
        if error is not None:
            raise error
        refuse_unsendable_values(values)
        self.sent.append((verb, uuid, values))
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None and not isinstance(fault, OutcomeUnknown):
            raise fault
        if uuid and uuid not in self.rows:
            raise RecordMissing("XPM has no such client.")
        return fault

    def _create(self, uuid: str, row: XpmClient, fault: AppError | None) -> None:
        if fault is None or fault not in self.lost:
            self._store(row)
            self.shown[uuid] = self.clock.now()

    def _answer(self, uuid: str, fault: AppError | None) -> XpmClient:
        if fault is not None:
            raise fault
        return msgspec.structs.replace(self.rows[uuid], groups=None)

    def _columns(self, values: Mapping[str, Value]) -> dict[str, Any]:
        columns: dict[str, Any] = dict(values)
        for person in ("partner", "manager"):
            if person in columns:
                columns[person] = RecordReference(uuid=str(columns[person])) if columns[person] else None
        return columns

    def _demoted(self, client: str) -> tuple[XpmContact, ...]:
        return tuple(msgspec.structs.replace(each, primary=False) for each in self.rows[client].contacts)

    def _store(self, row: XpmClient) -> None:
        self.rows[row.uuid] = row
        self.changed[row.uuid] = self.clock.now()

    def _shows(self, uuid: str) -> bool:
        made = self.shown.get(uuid)
        return made is None or (self.clock.now() - made).total_seconds() >= self.lag

    def _new_uuid(self) -> str:
        self._made += 1
        return f"00000000-0000-4000-8000-{self._made:012d}"
