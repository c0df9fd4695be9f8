"""The contract of the Practice port: the same questions to every implementation, and every error of it.

Implementations: the client of the wire against the sandbox as a process of its own, the same client against
the sandbox in this process, and the two fakes that other tests use.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from tests.application.fixtures import PracticeFixture
from tests.support.fake_practice import FakePractice
from tests.support.fake_xpm import FakeXpm
from tests.support.moved_clock import MovedClock
from tests.support.sandbox_process import SandboxProcess, sandbox_process
from tests.xero import replies
from tests.xero.fake import gateway, xml
from tests.xero.test_client_and_sandbox import connect
from xpm_tui.domain.errors import (
    AccessDenied,
    AllowanceUsedUp,
    AppError,
    BadInput,
    BadReply,
    Busy,
    DiskError,
    EditConflict,
    LoginNeeded,
    OutcomeUnknown,
    RecordMissing,
    Refused,
    ScopeMissing,
    UnreadableRecord,
    UnsendableValue,
    XeroUnreachable,
)
from xpm_tui.domain.ports import PORT_ERRORS, WRITES, Priority, XpmJobsPort, XpmPort
from xpm_tui.domain.xpm import Staff, XpmClient, XpmContact
from xpm_tui.xero.config import SCOPES

GONE = "00000000-0000-4000-8000-00000000dead"
METHODS = [name for name in PORT_ERRORS[XpmJobsPort] if name != "calls"]
FAKE_CLIENT = "00000000-0000-4000-8000-0000000000c1"


@dataclass
class Side:
    """One implementation: ``fail`` lets every call of a method end in an error (False: it cannot raise this
    one), ``jobs``: it has the calls for jobs."""

    practice: Any
    fail: Callable[[str, type[AppError]], bool]
    jobs: bool = True


def fake_client() -> XpmClient:
    """The client that both fakes begin with."""
    contacts = (XpmContact(uuid="x1", name="Jo"),)
    return XpmClient(uuid=FAKE_CLIENT, name="Kowhai", number="1", contacts=contacts)


# -- the implementations -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def process() -> Iterator[SandboxProcess]:
    with sandbox_process("--clients", "12") as process:
        yield process


@asynccontextmanager
async def over_sockets(folder: Path, process: SandboxProcess) -> AsyncIterator[Side]:
    """The client of the wire and the sandbox, each as users have it."""
    kinds = {
        LoginNeeded: "401-unsuccessful",
        ScopeMissing: "401-scope",
        AccessDenied: "403",
        EditConflict: "409",
    }
    async with await connect(process, folder, f"{SCOPES} practicemanager") as wire:

        def fail(method: str, error: type[AppError]) -> bool:
            process.control("DELETE", "faults")
            if error is OutcomeUnknown:
                process.control("POST", "faults", {"kind": "reset", "endpoint": "*.api/*"})
            elif error in kinds:
                process.control("POST", "faults", {"kind": kinds[error], "endpoint": "*.api/*"})
            return error is OutcomeUnknown or error in kinds

        try:
            yield Side(wire.practice(process.greeting["tenants"][0]["id"], Priority.INTERACTIVE), fail)
        finally:
            process.control("DELETE", "faults")


ANSWERS: Mapping[type[AppError], Any] = {
    LoginNeeded: gateway(401, "Unauthorized", "AuthenticationUnsuccessful"),
    ScopeMissing: gateway(401, "Unauthorized", "AuthorizationUnsuccessful"),
    AccessDenied: gateway(403, "Forbidden", "AuthenticationUnsuccessful"),
    Refused: xml(replies.error("Name is required"), 400),
    RecordMissing: xml(replies.error("Invalid client identifier")),
    EditConflict: xml(replies.error("Conflict"), 409),
    AllowanceUsedUp: httpx.Response(429, headers={"x-rate-limit-problem": "day", "retry-after": "66975"}),
    XeroUnreachable: httpx.ConnectError("refused"),
    BadReply: xml(b"<html>"),
    UnreadableRecord: xml(replies.response("<Client/><Job/>")),
    OutcomeUnknown: httpx.ReadError("reset"),
}


@asynccontextmanager
async def in_process(folder: Path, process: SandboxProcess) -> AsyncIterator[Side]:
    """The client of the wire over the sandbox in this process, whose answers can be exchanged."""
    env = PracticeFixture(folder, clients=12)
    await env.connect()
    carry = env.net.handle_async_request
    answer: list[Any] = []

    async def carried(request: httpx.Request) -> httpx.Response:
        # A write that needs a read before it fails at the write, but for a reply that cannot be read.
        hit = ".api/" in request.url.path and (request.method != "GET" or answer[1:] == [True])
        if not answer or not hit:
            return await carry(request)
        if isinstance(answer[0], Exception):
            raise answer[0]
        return httpx.Response(answer[0].status_code, headers=answer[0].headers, content=answer[0].content)

    env.net.handle_async_request = carried  # type: ignore[method-assign]
    try:
        async with env.practice.wire() as wire:
            practice: Any = wire.practice(env.tenant)
            caller = practice._caller
            access = caller._tokens.access

            async def no_file(*_: Any) -> Any:
                raise answer[0]

            def fail(method: str, error: type[AppError]) -> bool:
                caller._tokens.access = access
                answer.clear()
                gate = next(env.practice.state.rglob("gate.json"), None)
                if gate is not None:
                    gate.unlink()
                if error in (Busy, DiskError):
                    answer.append(error("The file of the login cannot be used."))
                    caller._tokens.access = no_file
                    return True
                if error not in ANSWERS or (issubclass(error, BadReply) and method in WRITES):
                    return False
                answer.extend([ANSWERS[error], method not in WRITES])
                return True

            yield Side(practice, fail)
    finally:
        env.close()


@asynccontextmanager
async def fake_practice(folder: Path, process: SandboxProcess) -> AsyncIterator[Side]:
    """The practice of the sync tests."""
    practice = FakePractice([fake_client()], MovedClock())
    practice.people = [Staff(uuid="s1", name="Ana"), Staff(uuid="s2", name="Tom")]

    def fail(method: str, error: type[AppError]) -> bool:
        practice.problems = {method: error("It failed.")}
        return True

    yield Side(practice, fail)


@asynccontextmanager
async def fake_xpm(folder: Path, process: SandboxProcess) -> AsyncIterator[Side]:
    """The practice of the service tests; it makes no jobs."""
    practice = FakeXpm(MovedClock(), [fake_client()])

    def fail(method: str, error: type[AppError]) -> bool:
        if not hasattr(practice, method):
            return False
        practice.problems = {"jobs" if method == "current_jobs" else method: error("It failed.")}
        return True

    yield Side(practice, fail, jobs=False)


Opened = Callable[[Path, SandboxProcess], AbstractAsyncContextManager[Side]]
SIDES: Mapping[str, Opened] = {
    "over sockets": over_sockets,
    "in process": in_process,
    "fake practice": fake_practice,
    "fake xpm": fake_xpm,
}


@pytest.fixture(params=SIDES)
async def side(
    request: pytest.FixtureRequest, tmp_path: Path, process: SandboxProcess
) -> AsyncIterator[Side]:
    async with SIDES[request.param](tmp_path, process) as here:
        yield here


# -- the contract ------------------------------------------------------------------------------------------


async def first_client(practice: XpmPort) -> XpmClient:
    async with practice.clients() as listing:
        rows = [row async for row in listing]
    return next(row for row in rows if row.contacts and not row.archived and not row.deleted)


async def test_what_is_read(side: Side) -> None:
    practice: XpmPort = side.practice
    calls = practice.calls
    one = await first_client(practice)
    assert practice.calls == calls + 1
    async with practice.clients(modified_since=datetime.now(UTC) + timedelta(days=9_000)) as listing:
        assert listing.asked_at.tzinfo is not None
        assert [row async for row in listing] == []
    assert (await practice.client(one.uuid)).name == one.name
    assert one.uuid in [row.uuid for row in await practice.search(one.name[:4].upper())]
    assert await practice.search("no such client anywhere") == []
    assert all(person.uuid for person in await practice.staff())
    for listed in (practice.templates, practice.categories, practice.current_jobs):
        assert isinstance(await listed(), list)
    with pytest.raises(RecordMissing):
        await practice.client(GONE)


async def test_clients_and_contacts_are_written(side: Side) -> None:
    practice: XpmPort = side.practice
    jo = XpmContact(uuid="", name="Jo Tane", email="jo@x.example")
    made = await practice.add_client({"name": "Kowhai Contract", "phone": "03 5550"}, [jo])
    assert (made.name, made.phone) == ("Kowhai Contract", "03 5550")
    assert made.uuid
    changed = await practice.update_client(made.uuid, made.name, {"phone": "", "website": "k.example"})
    assert (changed.phone, changed.website) == ("", "k.example")
    assert (await practice.client(made.uuid)).website == "k.example"
    al = await practice.add_contact(made.uuid, XpmContact(uuid="", name="Al", email="al@x.example"))
    assert al.uuid
    again = await practice.update_contact(made.uuid, al.uuid, {"name": "Al", "email": "new@x.example"})
    assert (again.uuid, again.name, again.email) == (al.uuid, "Al", "new@x.example")
    assert {each.name for each in (await practice.client(made.uuid)).contacts} == {"Jo Tane", "Al"}
    person = await practice.add_staff(name="Bo Li", email="bo@x.example")
    assert (person.name, person.email) == ("Bo Li", "bo@x.example")
    assert person.uuid


async def test_jobs_are_written(side: Side) -> None:
    if not side.jobs:
        return
    practice: XpmJobsPort = side.practice
    one = await first_client(practice)
    people = await practice.staff()
    job = await practice.add_job(
        name="2026 Accounts", description="", client=one.uuid, start=date(2026, 7, 1), due=date(2026, 10, 31),
        order_number="PO 1",
    )  # fmt: skip
    assert (job.name, job.start, job.order_number) == ("2026 Accounts", date(2026, 7, 1), "PO 1")
    assert job.client is not None
    assert job.client.uuid == one.uuid
    assert (await practice.job(job.number)).name == "2026 Accounts"
    templates = [each.uuid for each in await practice.templates()] or ["template-1"]
    assert (await practice.apply_template(job.number, templates[0])).number == job.number
    assigned = await practice.assign(job.number, add=[people[0].uuid], manager=people[0].uuid)
    assert [each.uuid for each in assigned.assigned] == [people[0].uuid]
    assert assigned.manager is not None
    with pytest.raises(RecordMissing):
        await practice.job("NOPE-1")


JO = XpmContact(uuid="", name="Jo")
BAD: Mapping[str, Callable[[Any, str], Any]] = {
    "add_client": lambda p, bad: p.add_client({"name": "K", "phone": bad}, ()),
    "add_client, contact": lambda p, bad: p.add_client({"name": "K"}, [replace(JO, mobile=bad)]),
    "update_client": lambda p, bad: p.update_client(FAKE_CLIENT, "K", {"city": bad}),
    "add_contact": lambda p, bad: p.add_contact(FAKE_CLIENT, XpmContact(uuid="", name="J", email=bad)),
    "update_contact": lambda p, bad: p.update_contact(FAKE_CLIENT, FAKE_CLIENT, {"name": "J", "email": bad}),
    "add_staff": lambda p, bad: p.add_staff(name="B", phone=bad),
    "add_job": lambda p, bad: p.add_job(
        name=bad, description="", client=FAKE_CLIENT, start=date(2026, 7, 1), due=date(2026, 7, 2)
    ),
    "set_job_state": lambda p, bad: p.set_job_state("J1", bad),
    "assign": lambda p, bad: p.assign("J1", add=[bad]),
}  # fmt: skip


@pytest.mark.parametrize("bad", ["1\x0b", "\ud800", "\ufffe"], ids=["000B", "D800", "FFFE"])
async def test_a_value_that_xml_cannot_carry_is_refused_before_anything_is_sent(side: Side, bad: str) -> None:
    for name, call in BAD.items():
        if not hasattr(side.practice, name.partition(",")[0]):
            continue
        calls = side.practice.calls
        with pytest.raises(UnsendableValue) as caught:
            await call(side.practice, bad)
        assert caught.value.field, name
        assert side.practice.calls == calls, name


def call_of(practice: Any, method: str) -> Any:
    """A call of a method with arguments that every implementation takes."""
    calls: Mapping[str, Callable[[], Any]] = {
        "clients": lambda: _read_all(practice),
        "client": lambda: practice.client(FAKE_CLIENT),
        "search": lambda: practice.search("K"),
        "staff": lambda: practice.staff(),
        "templates": lambda: practice.templates(),
        "categories": lambda: practice.categories(),
        "current_jobs": lambda: practice.current_jobs(),
        "client_jobs": lambda: practice.client_jobs(FAKE_CLIENT),
        "jobs_created": lambda: practice.jobs_created(date(2026, 7, 1), date(2026, 7, 2)),
        "job": lambda: practice.job("J1"),
        "add_client": lambda: practice.add_client({"name": "K"}, ()),
        "update_client": lambda: practice.update_client(FAKE_CLIENT, "K", {"phone": "1"}),
        "add_contact": lambda: practice.add_contact(FAKE_CLIENT, XpmContact(uuid="", name="Jo")),
        "update_contact": lambda: practice.update_contact(FAKE_CLIENT, FAKE_CLIENT, {"name": "Jo"}),
        "add_staff": lambda: practice.add_staff(name="Bo"),
        "add_job": lambda: practice.add_job(
            name="A", description="", client=FAKE_CLIENT, start=date(2026, 7, 1), due=date(2026, 7, 2)
        ),
        "apply_template": lambda: practice.apply_template("J1", FAKE_CLIENT),
        "assign": lambda: practice.assign("J1", add=[FAKE_CLIENT]),
        "set_job_state": lambda: practice.set_job_state("J1", "DONE"),
    }
    return calls[method]()


async def _read_all(practice: Any) -> None:
    async with practice.clients() as listing:
        async for _ in listing:
            pass


@pytest.mark.parametrize("name", ["in process", "fake practice", "fake xpm"])
async def test_every_error_of_every_method_can_be_raised(
    name: str, tmp_path: Path, process: SandboxProcess
) -> None:
    """What the port names, the simulated practice and the fakes can do; so no test is blind to an error."""
    missed = set()
    async with SIDES[name](tmp_path, process) as here:
        for method in METHODS:
            for error in PORT_ERRORS[XpmJobsPort][method]:
                if not here.fail(method, error):
                    missed.add((method, error))
                    continue
                with pytest.raises(error) as caught:
                    await call_of(here.practice, method)
                assert type(caught.value) is error, (method, error)
    if name == "fake xpm":
        no_jobs = {"job", "add_job", "apply_template", "assign", "set_job_state"}
        assert {method for method, _ in missed} <= no_jobs
    elif name == "fake practice":
        assert missed == set()
    else:
        # The first two come of what is given, not of what Xero says: see the test of values. The read before
        # a contact is changed is the only one that a write makes.
        assert {error for _, error in missed} <= {BadInput, UnsendableValue, BadReply, UnreadableRecord}
        assert not {("client", UnreadableRecord), ("job", UnreadableRecord)} & missed
        assert {method for method, error in missed if error is BadReply} == WRITES


async def test_errors_over_real_sockets(tmp_path: Path, process: SandboxProcess) -> None:
    async with over_sockets(tmp_path, process) as here:
        for error in (ScopeMissing, AccessDenied, EditConflict, OutcomeUnknown, LoginNeeded):
            assert here.fail("update_client", error)
            with pytest.raises(error):
                await call_of(here.practice, "update_client")
    with pytest.raises(BadInput):
        async with over_sockets(tmp_path / "again", process) as here:
            await here.practice.client("no uuid")


async def test_a_contact_whose_name_cannot_be_read_raises_bad_reply(
    tmp_path: Path, process: SandboxProcess
) -> None:
    async with in_process(tmp_path, process) as here:
        here.fail("client", BadReply)
        with pytest.raises(BadReply):
            await here.practice.update_contact(FAKE_CLIENT, FAKE_CLIENT, {"email": "x"})


def test_the_port_names_the_errors_of_each_of_its_methods() -> None:
    from xpm_tui.xero.client.practice import XeroPractice

    public = {name for port in (XpmPort, XpmJobsPort) for name in vars(port) if not name.startswith("_")}
    assert public == set(PORT_ERRORS[XpmJobsPort])
    for name in METHODS:
        assert inspect.signature(getattr(XeroPractice, name)).parameters.keys() == (
            inspect.signature(getattr(XpmJobsPort, name)).parameters.keys()
        ), name
        assert hasattr(FakePractice, name), name
