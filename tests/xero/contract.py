"""Every call of the client against every fault: what comes of it, as a table for the documents.

``python -m tests.xero.contract`` writes the table into ``docs/wire.md``.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx

from tests.support.moved_clock import MovedClock
from tests.xero import replies
from tests.xero.fake import TENANT, Answer, Body, FakeXero, Sink, gateway, open_fake, sign_in, xml
from tests.xero.replies import uuid
from xpm_tui.domain.errors import AppError
from xpm_tui.domain.ports import Priority
from xpm_tui.domain.xpm import XpmContact
from xpm_tui.xero.client.practice import XeroPractice

DOCUMENT = Path(__file__).parents[2] / "docs" / "wire.md"
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"

Call = Callable[[XeroPractice], Awaitable[Any]]
START, DUE = date(2026, 7, 1), date(2026, 10, 31)
CLIENT = replies.response(replies.client(1))
CONTACT = replies.response(replies.contact(5))
JOB = replies.response(replies.job())


@dataclass(frozen=True)
class Method:
    """A call of the client, its good reply, and a reply whose record lacks its id."""

    name: str
    call: Call
    good: bytes

    @property
    def broken(self) -> bytes:
        return self.good.replace(b"<UUID>", b"<Other>").replace(b"</UUID>", b"</Other>").replace(
            b"<ID>", b"<Other>"
        ).replace(b"</ID>", b"</Other>")  # fmt: skip


async def _stream(practice: XeroPractice) -> list[str]:
    async with practice.clients() as listing:
        return [client.uuid async for client in listing]


METHODS = (
    Method("clients", _stream, replies.clients(replies.client(1), replies.client(2))),
    Method("client", lambda p: p.client(uuid(1)), CLIENT),
    Method("search", lambda p: p.search("kowhai"), replies.clients(replies.client(1))),
    Method("staff", lambda p: p.staff(), replies.named("StaffList", "Staff", "Ana")),
    Method("templates", lambda p: p.templates(), replies.named("Templates", "Template", "Annual")),
    Method("categories", lambda p: p.categories(), replies.named("Categories", "Category", "Compliance")),
    Method("contact", lambda p: p.contact(uuid(1), uuid(5)), CONTACT),
    Method("current_jobs", lambda p: p.current_jobs(), replies.response(f"<Jobs>{replies.job()}</Jobs>")),
    Method(
        "client_jobs", lambda p: p.client_jobs(uuid(1)), replies.response(f"<Jobs>{replies.job()}</Jobs>")
    ),
    Method(
        "jobs_created",
        lambda p: p.jobs_created(START, DUE),
        replies.response(f"<Jobs>{replies.job()}</Jobs>"),
    ),
    Method("job", lambda p: p.job("J000412"), JOB),
    Method("add_client", lambda p: p.add_client({"name": "K"}, ()), CLIENT),
    Method("update_client", lambda p: p.update_client(uuid(1), "K", {"phone": "1"}), CLIENT),
    Method("add_contact", lambda p: p.add_contact(uuid(1), XpmContact(uuid="", name="Jo")), CONTACT),
    Method("update_contact", lambda p: p.update_contact(uuid(1), uuid(5), {"name": "Jo"}), CONTACT),
    Method(
        "add_job",
        lambda p: p.add_job(name="A", description="", client=uuid(1), start=START, due=DUE),
        JOB,
    ),
    Method("set_job_state", lambda p: p.set_job_state("J1", "DONE"), replies.response("")),
    Method("assign", lambda p: p.assign("J1", add=[uuid(2)]), JOB),
    Method("apply_template", lambda p: p.apply_template("J1", uuid(3)), JOB),
    Method(
        "add_staff", lambda p: p.add_staff(name="Ana"), replies.response(replies.person("Staff", 1, "Ana"))
    ),
)

Script = Callable[[Method], list[Answer]]


def _error(status: int, *, xrl: str = "", after: str = "") -> httpx.Response:
    headers = {"x-rate-limit-problem": xrl, "retry-after": after}
    return httpx.Response(status, headers={name: value for name, value in headers.items() if value})


def _page(status: int) -> httpx.Response:
    return httpx.Response(status, content=b"<!DOCTYPE html><html><body>Bad gateway</body></html>")


FAULTS: dict[str, Script] = {
    "good": lambda m: [xml(m.good)],
    "401 TokenExpired, then good": lambda m: [
        gateway(401, "Unauthorized", "TokenExpired: token expired at 05/04/2026 09:00:00"),
        xml(m.good),
    ],
    "401 AuthenticationUnsuccessful": lambda m: [gateway(401, "Unauthorized", "AuthenticationUnsuccessful")],
    "401 AuthorizationUnsuccessful": lambda m: [gateway(401, "Unauthorized", "AuthorizationUnsuccessful")],
    "403 Forbidden": lambda m: [gateway(403, "Forbidden", "AuthenticationUnsuccessful")],
    "400 with XPM's words": lambda m: [xml(replies.error("Name is required"), 400)],
    "404 empty": lambda m: [_error(404)],
    "404 with XPM's words": lambda m: [xml(replies.error("Not found"), 404)],
    "406 Not Acceptable": lambda m: [_error(406)],
    "409 Conflict": lambda m: [xml(replies.error("Conflict"), 409)],
    "415 Unsupported": lambda m: [httpx.Response(415, json={"status": "ERROR", "errorDescription": "media"})],
    "429 minute, Retry-After 22, then good": lambda m: [_error(429, xrl="minute", after="22"), xml(m.good)],
    "429 concurrent, then good": lambda m: [_error(429, xrl="Concurrent"), xml(m.good)],
    "429 app minute, then good": lambda m: [_error(429, xrl="appminute", after="5"), xml(m.good)],
    "429 minute, for ever": lambda m: [_error(429, xrl="minute", after="22")],
    "429 day": lambda m: [_error(429, xrl="Daily", after="66975")],
    "500 broken JSON": lambda m: [httpx.Response(500, content=b'{"Type":null,')],
    "500, a crash in XPM's words": lambda m: [xml(replies.error("Object reference not set"), 500)],
    "500, a refusal in XPM's words": lambda m: [xml(replies.error("Invalid state code"), 500)],
    "500 once, then good": lambda m: [_error(500), xml(m.good)],
    "502 web page": lambda m: [_page(502)],
    "503 ServiceNotAvailable": lambda m: [gateway(503, "Unavailable", "ServiceNotAvailable")],
    "302 redirect": lambda m: [httpx.Response(302, headers={"location": "https://evil.example/"})],
    "200 with ERROR": lambda m: [xml(replies.error("Something is wrong"))],
    "200 with ERROR, no such record": lambda m: [xml(replies.error("Invalid client identifier"))],
    "200 web page": lambda m: [_page(200)],
    "200 with a DOCTYPE": lambda m: [xml(b"<!DOCTYPE Response [<!ENTITY a 'b'>]>" + m.good)],
    "200 cut XML": lambda m: [xml(m.good[:-12])],
    "200 in Latin-1": lambda m: [xml(m.good.replace(b"OK", b"OK<!-- \xe9 -->"))],
    "200, charset says UTF-16": lambda m: [xml(m.good, content_type="text/xml; charset=utf-16")],
    "200, record without its id": lambda m: [xml(m.broken)],
    "200 empty body": lambda m: [xml(b"")],
    "no connection": lambda m: [httpx.ConnectError("refused")],
    "no connection once, then good": lambda m: [httpx.ConnectError("refused"), xml(m.good)],
    "certificate refused": lambda m: [httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]")],
    "connection reset": lambda m: [httpx.ReadError("reset")],
    "no answer in time": lambda m: [httpx.ReadTimeout("late")],
    "body cut on the way": lambda m: [
        httpx.Response(200, stream=Body(m.good[:30], httpx.RemoteProtocolError("cut")))
    ],
    "reset once, then good": lambda m: [httpx.ReadError("reset"), xml(m.good)],
}


@dataclass(frozen=True)
class Outcome:
    """What came of one call: an answer or an error, after how many calls and simulated seconds."""

    kind: str
    calls: int
    error: AppError | None
    waited: float

    @property
    def cell(self) -> str:
        """For the table."""
        calls = "" if self.calls == 1 else f" ({self.calls} calls)"
        return f"{self.kind}{calls}"


async def run(method: Method, faults: dict[str, Script], folder: Path) -> dict[str, Outcome]:
    """Make one call against each fault, with a fresh minute each."""
    out: dict[str, Outcome] = {}
    clock, fake = MovedClock(), FakeXero()
    async with open_fake(folder, fake, clock=clock, sink=Sink()) as wire:
        await sign_in(wire)
        for name, script in faults.items():
            (folder / "state" / "gate.json").unlink(missing_ok=True)
            fake.answers.clear()
            fake.asked.clear()
            fake.then(*script(method))
            practice = wire.practice(TENANT, Priority.BACKGROUND)
            since = clock.monotonic()
            error: AppError | None = None
            kind = "answer"
            try:
                await method.call(practice)
            except AppError as found:
                error, kind = found, type(found).__name__
            assert practice.calls == len(fake.asked)
            out[name] = Outcome(kind, practice.calls, error, clock.monotonic() - since)
    return out


def table(outcomes: dict[tuple[str, str], Outcome]) -> str:
    """The table: a row for each fault, a column for all methods with the same outcomes throughout."""
    columns: dict[tuple[str, ...], list[str]] = {}
    for method in METHODS:
        cells = tuple(outcomes[method.name, fault].cell for fault in FAULTS)
        columns.setdefault(cells, []).append(method.name)
    letters = [chr(ord("A") + n) for n in range(len(columns))]
    lines = ["| column | methods |", "| --- | --- |"]
    for letter, names in zip(letters, columns.values(), strict=True):
        lines.append(f"| {letter} | {', '.join(f'`{name}`' for name in names)} |")
    lines += ["", f"| what Xero does | {' | '.join(letters)} |", f"| --- |{' --- |' * len(letters)}"]
    for n, fault in enumerate(FAULTS):
        lines.append(f"| {fault} | {' | '.join(cells[n] for cells in columns)} |")
    return "\n".join(lines)


def in_document(text: str, made: str) -> str:
    """The document with the table in its place."""
    head, _, rest = text.partition(BEGIN)
    return f"{head}{BEGIN}\n{made}\n{END}{rest.partition(END)[2]}"


async def all_outcomes() -> dict[tuple[str, str], Outcome]:
    """Every method against every fault."""
    out = {}
    for method in METHODS:
        with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
            for fault, outcome in (await run(method, FAULTS, Path(folder))).items():
                out[method.name, fault] = outcome
    return out


if __name__ == "__main__":
    DOCUMENT.write_text(in_document(DOCUMENT.read_text(), table(asyncio.run(all_outcomes()))))
