"""XPM as a Python object: the Practice port without a wire, for tests of the layers above it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any

import msgspec

from xpm_tui.domain.errors import RecordMissing
from xpm_tui.domain.links import Value
from xpm_tui.domain.ports import Clock
from xpm_tui.domain.safe_text import refuse_unsendable_values
from xpm_tui.domain.xpm import (
    Category,
    Quarantined,
    RecordReference,
    Staff,
    Template,
    XpmClient,
    XpmContact,
    XpmJob,
)


class FakeXpm:
    """``rows`` is the truth, ``asked`` what was called, ``problems`` what a call raises instead, by name;
    ``before`` is awaited at every call."""

    def __init__(self, clock: Clock, rows: Sequence[XpmClient] = ()) -> None:
        self.rows = {row.uuid: row for row in rows}
        self.people: list[Staff] = [Staff(uuid="staff-1", name="Ana Reid")]
        self.jobs = [XpmJob(number="J1", name="Accounts 2026")]
        self.job_templates = [Template(uuid="template-1", name="Annual accounts")]
        self.job_categories = [Category(uuid="category-1", name="Compliance")]
        self.asked: list[str] = []
        self.since: list[datetime | None] = []
        self.moved: dict[str, datetime] = {}
        self.problems: dict[str, BaseException] = {}
        self.seconds = 0.0
        self.calls = 0
        self.before: Callable[[str], Awaitable[None]] | None = None
        self._clock = clock

    def edit(self, uuid: str, **values: Any) -> None:
        """A colleague changes a client."""
        self.rows[uuid] = msgspec.structs.replace(self.rows[uuid], **values)
        self.moved[uuid] = self._clock.now()

    async def _ask(self, name: str, *sent: Mapping[str, Any]) -> None:
        for values in sent:
            refuse_unsendable_values(values)
        self.calls += 1
        self.asked.append(name)
        if self.before is not None:
            await self.before(name)
        if name in self.problems:
            raise self.problems[name]

    @asynccontextmanager
    async def clients(self, *, modified_since: datetime | None = None) -> AsyncIterator[_Listing]:
        await self._ask("clients")
        self.since.append(modified_since)
        rows = [
            row
            for row in self.rows.values()
            if modified_since is None or self.moved.get(row.uuid, modified_since) > modified_since
        ]
        yield _Listing(self._clock.now(), rows)
        if self.seconds:
            await self._clock.sleep(self.seconds)

    async def client(self, uuid: str) -> XpmClient:
        await self._ask("client")
        if uuid not in self.rows:
            raise RecordMissing("XPM has no such client.")
        return self.rows[uuid]

    async def search(self, query: str) -> list[XpmClient]:
        await self._ask("search")
        return [row for row in self.rows.values() if query.lower() in row.name.lower()]

    async def staff(self) -> list[Staff]:
        await self._ask("staff")
        return list(self.people)

    async def add_staff(self, *, name: str, email: str = "", phone: str = "", mobile: str = "") -> Staff:
        await self._ask("add_staff", {"name": name, "email": email, "phone": phone, "mobile": mobile})
        made = Staff(uuid=f"staff-new-{len(self.people)}", name=name, email=email, phone=phone, mobile=mobile)
        self.people.append(made)
        return made

    async def templates(self) -> list[Template]:
        await self._ask("templates")
        return list(self.job_templates)

    async def categories(self) -> list[Category]:
        await self._ask("categories")
        return list(self.job_categories)

    async def current_jobs(self) -> list[XpmJob]:
        await self._ask("jobs")
        return list(self.jobs)

    async def client_jobs(self, client: str, *, detailed: bool = False) -> list[XpmJob]:
        await self._ask("client_jobs")
        if client not in self.rows:
            raise RecordMissing("XPM has no such client.")
        return [job for job in self.jobs if job.client is not None and job.client.uuid == client]

    async def jobs_created(self, first: date, last: date, *, detailed: bool = False) -> list[XpmJob]:
        await self._ask("jobs_created")
        return list(self.jobs)

    async def add_client(self, values: Mapping[str, Value], contacts: Sequence[XpmContact]) -> XpmClient:
        await self._ask("add_client", values, *map(msgspec.structs.asdict, contacts))
        row = _with(XpmClient(uuid=f"new-{len(self.rows)}", name=""), values)
        self.rows[row.uuid] = msgspec.structs.replace(row, contacts=tuple(contacts))
        return self.rows[row.uuid]

    async def update_client(self, uuid: str, name: str, values: Mapping[str, Value]) -> XpmClient:
        await self._ask("update_client", {"name": name, **values})
        self.rows[uuid] = _with(self.rows[uuid], values)
        self.moved[uuid] = self._clock.now()
        return self.rows[uuid]

    async def add_contact(self, client: str, contact: XpmContact) -> XpmContact:
        await self._ask("add_contact", msgspec.structs.asdict(contact))
        row = self.rows[client]
        new = msgspec.structs.replace(contact, uuid=f"{client}-k{len(row.contacts)}")
        self.rows[client] = msgspec.structs.replace(row, contacts=(*row.contacts, new))
        return new

    async def update_contact(self, client: str, uuid: str, values: Mapping[str, Value]) -> XpmContact:
        await self._ask("update_contact", values)
        row = self.rows[client]
        changed = {c.uuid: c for c in row.contacts}
        changed[uuid] = msgspec.structs.replace(changed[uuid], **values)
        self.rows[client] = msgspec.structs.replace(row, contacts=tuple(changed.values()))
        return changed[uuid]


class _Listing:
    quarantined: tuple[Quarantined, ...] = ()

    def __init__(self, asked_at: datetime, rows: list[XpmClient]) -> None:
        self.asked_at = asked_at
        self._rows = rows

    async def __aiter__(self) -> AsyncIterator[XpmClient]:
        for row in self._rows:
            yield row


class FakeWire:
    """What ``OpenPractice.wire`` gives, with one practice behind it."""

    def __init__(self, xpm: FakeXpm) -> None:
        self.xpm = xpm

    def practice(self, tenant: str, priority: object = None, stop: object = None) -> FakeXpm:
        return self.xpm


def wired(practice: Any, xpm: FakeXpm) -> None:
    """Let an open practice reach this XPM instead of the network."""

    @asynccontextmanager
    async def wire() -> AsyncIterator[FakeWire]:
        yield FakeWire(xpm)

    practice.wire = wire


def client(number: int, **values: Any) -> XpmClient:
    """A plausible XPM client."""
    row: dict[str, Any] = {
        "uuid": f"00000000-0000-0000-0000-{number:012}",
        "number": str(1000 + number),
        "name": f"Client {number:05}",
        "phone": f"09 555 {number:04}",
        "email": f"c{number}@example.com",
        "seen_at": None,
    }
    return XpmClient(**{**row, **values})


def _with(row: XpmClient, values: Mapping[str, Value]) -> XpmClient:
    known = {name: value for name, value in values.items() if name not in ("partner", "manager", "groups")}
    people = {
        name: RecordReference(uuid=str(value)) if value else None
        for name, value in values.items()
        if name in ("partner", "manager")
    }
    return msgspec.structs.replace(row, **known, **people)
