"""Every call of the client against the sandbox over real HTTP: both readings of the reference must agree."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.sandbox_process import SandboxProcess, sandbox_process
from tests.xero.fake import Sink
from xpm_tui.domain.errors import RecordMissing, Refused, ScopeMissing
from xpm_tui.domain.ports import Priority
from xpm_tui.domain.xpm import XpmContact
from xpm_tui.files.machine import SystemClock
from xpm_tui.settings.kinds import PRESETS
from xpm_tui.xero.auth.authorization import read_answer
from xpm_tui.xero.client.practice import XeroPractice
from xpm_tui.xero.config import SCOPES, WireConfig
from xpm_tui.xero.wiring import Wire, open_wire

GONE = "00000000-0000-4000-8000-00000000dead"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with sandbox_process("--clients", "12") as process:
        yield process


async def connect(sandbox: SandboxProcess, folder: Path, scopes: str) -> Wire:
    """Sign in through the sandbox's consent."""
    greeting = sandbox.greeting
    config = WireConfig(
        client_id=greeting["client_id"], login_url=greeting["login_url"], scopes=scopes,
        identity_url=greeting["identity_url"], api_url=greeting["api_url"],
        redirect_port=greeting["redirect_port"],
    )  # fmt: skip
    wire = open_wire(
        config, state_folder=folder / "state", config_folder=folder / "config", use_keyring=False,
        clock=SystemClock(), events=Sink(), environ={},
    )  # fmt: skip
    attempt = wire.login.begin()
    redirect = sandbox.consent(attempt.url, tenant=greeting["tenants"][0]["id"])
    await wire.login.redeem(attempt, read_answer(redirect, attempt)[1])
    return wire


@pytest.fixture
async def wire(sandbox: SandboxProcess, tmp_path: Path) -> AsyncIterator[Wire]:
    async with await connect(sandbox, tmp_path, f"{SCOPES} practicemanager") as wire:
        yield wire


@pytest.fixture
def practice(wire: Wire, sandbox: SandboxProcess) -> XeroPractice:
    return wire.practice(sandbox.greeting["tenants"][0]["id"], Priority.INTERACTIVE)


async def test_login_connections_and_person(wire: Wire, sandbox: SandboxProcess) -> None:
    assert sandbox.greeting["tenants"][0]["id"] in [t.tenant_id for t in await wire.connections.tenants()]
    saved = wire.tokens.saved()
    assert saved is not None
    assert saved.person
    before = saved.access
    assert await wire.tokens.access(before) != before
    assert (await wire.connections.tenants())[0].created is not None


async def test_reads(practice: XeroPractice, wire: Wire) -> None:
    async with practice.clients() as listing:
        listed = [client async for client in listing]
    assert len(listed) >= 12
    assert abs(listing.asked_at - datetime.now(UTC)) < timedelta(minutes=5)
    assert all(client.number for client in listed)
    assert all(client.groups is not None for client in listed)
    one = next(c for c in listed if not c.archived and not c.deleted)
    assert (await practice.client(one.uuid)).name == one.name
    assert one.uuid in [c.uuid for c in await practice.search(one.name[:6].upper())]
    async with practice.clients(modified_since=datetime.now(UTC) + timedelta(days=1)) as later:
        assert [c async for c in later] == []
    assert await practice.staff()
    assert await practice.templates()
    assert await practice.categories()
    assert any(client.groups for client in listed)
    for job in (await practice.current_jobs())[:1]:
        full = await practice.job(job.number)
        assert full.tasks is not None
        assert job.client is not None
        assert job.number in [j.number for j in await practice.client_jobs(job.client.uuid)]
    today = datetime.now(UTC).date()
    made = await practice.jobs_created(today - timedelta(days=364), today, detailed=True)
    assert all(each.tasks is not None for each in made)
    assert {j.number for j in made} & {j.number for j in await practice.current_jobs()}
    allowance = wire.limiter.allowance()
    assert allowance.day_left is not None
    assert allowance.day_limit in (1_000, 5_000)
    with pytest.raises(RecordMissing):
        await practice.client(GONE)
    with pytest.raises(RecordMissing):
        await practice.job("NOPE-1")


async def test_writes_to_clients_and_contacts(practice: XeroPractice) -> None:
    staff = await practice.staff()
    made = await practice.add_client(
        {"name": "Kōwhai & <Sons> 会計", "phone": "03 5550", "manager": staff[0].uuid, "postcode": "0800"},
        [XpmContact(uuid="", name="Jo Tāne", email="jo@k.example", primary=True)],
    )
    assert (made.name, made.phone, made.postcode) == ("Kōwhai & <Sons> 会計", "03 5550", "0800")
    assert made.manager is not None
    assert made.manager.uuid == staff[0].uuid
    assert [(c.name, c.primary) for c in made.contacts] == [("Jo Tāne", True)]
    changed = await practice.update_client(made.uuid, made.name, {"phone": "", "website": "k.example"})
    assert (changed.phone, changed.website, changed.postcode) == ("", "k.example", "0800")
    contact = await practice.add_contact(made.uuid, XpmContact(uuid="", name="Al", email="al@k.example"))
    assert contact.uuid
    again = await practice.update_contact(made.uuid, contact.uuid, {"email": "new@k.example"})
    assert (again.name, again.email) == ("Al", "new@k.example")
    with pytest.raises(RecordMissing):
        await practice.update_client(GONE, "x", {"phone": "1"})


async def test_writes_to_jobs(practice: XeroPractice) -> None:
    async with practice.clients() as listing:
        one = next(c for c in [c async for c in listing] if not c.archived and not c.deleted)
    staff, (template, *_) = await practice.staff(), await practice.templates()
    job = await practice.add_job(
        name="2026 Accounts",
        description="a\nb",
        client=one.uuid,
        start=date(2026, 7, 1),
        due=date(2026, 10, 31),
        budget="550.00",
        order_number="PO 7781",
    )
    assert (job.start, job.due, job.order_number, job.description) == (
        date(2026, 7, 1), date(2026, 10, 31), "PO 7781", "a\nb",
    )  # fmt: skip
    with_tasks = await practice.apply_template(job.number, template.uuid)
    assert with_tasks.tasks
    assigned = await practice.assign(
        job.number, add=[staff[0].uuid], manager=staff[0].uuid, partner=staff[1].uuid
    )
    assert [s.uuid for s in assigned.assigned] == [staff[0].uuid]
    assert assigned.manager is not None
    assert assigned.partner is not None
    freed = await practice.assign(job.number, remove=[staff[0].uuid], manager="")
    assert freed.manager is None
    assert freed.assigned == ()
    with pytest.raises(Refused, match="Invalid state code"):
        await practice.set_job_state(job.number, "NO-SUCH-CODE")
    with pytest.raises(RecordMissing):
        await practice.assign("NOPE-1", add=[staff[0].uuid])


@pytest.mark.soak
async def test_granular_scopes_alone_do_not_open_templates(sandbox: SandboxProcess, tmp_path: Path) -> None:
    # Scopes are additive in one user's consent, so this needs a process of its own.
    with sandbox_process("--clients", "12") as fresh:
        async with await connect(fresh, tmp_path, " ".join(PRESETS["granular"])) as wire:
            practice = wire.practice(fresh.greeting["tenants"][0]["id"], Priority.INTERACTIVE)
            with pytest.raises(ScopeMissing):
                await practice.templates()
            assert await practice.staff()
