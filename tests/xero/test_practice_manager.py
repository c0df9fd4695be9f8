"""The Practice port over the wire: requests and their replies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest

from tests.xero import replies
from tests.xero.fake import TENANT, Body, FakeXero, Sink, gateway, open_fake, sign_in, xml
from tests.xero.replies import uuid
from xpm_tui.domain.errors import BadInput, BadReply, ScopeMissing, XeroUnreachable
from xpm_tui.domain.ports import Priority
from xpm_tui.domain.xpm import XpmContact
from xpm_tui.xero.client.practice import XeroPractice

BASE = "https://api.xero.com/practicemanager/3.1/"


@pytest.fixture
def fake() -> FakeXero:
    return FakeXero()


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
async def practice(tmp_path: Path, fake: FakeXero, sink: Sink) -> AsyncIterator[XeroPractice]:
    async with open_fake(tmp_path, fake, sink=sink) as wire:
        await sign_in(wire)
        yield wire.practice(TENANT, Priority.INTERACTIVE)


async def test_the_list_streams_and_reports_the_servers_time(fake: FakeXero, practice: XeroPractice) -> None:
    fake.then(xml(replies.clients(replies.client(1), replies.client(2))))
    async with practice.clients(modified_since=datetime(2026, 5, 1, 10, 0, tzinfo=UTC)) as listing:
        found = [client.uuid async for client in listing]
    assert found == [uuid(1), uuid(2)]
    assert listing.asked_at == datetime(2026, 5, 4, 9, 0, 7, tzinfo=UTC)
    (asked,) = fake.asked
    assert str(asked.url).startswith(BASE + "client.api/list?")
    assert dict(asked.url.params) == {"detailed": "true", "modifiedsince": "2026-05-01T10:00:00"}
    assert asked.headers["accept"] == "application/xml, text/xml"
    assert asked.headers["xero-tenant-id"] == TENANT
    assert asked.headers["authorization"].startswith("Bearer e30.")
    assert "content-type" not in asked.headers
    assert practice.calls == 1


async def read_all(practice: XeroPractice) -> list[str]:
    """The UUIDs of a whole list."""
    async with practice.clients() as listing:
        return [client.uuid async for client in listing]


async def test_a_list_that_is_cut_gives_no_complete_end(fake: FakeXero, practice: XeroPractice) -> None:
    body = replies.clients(replies.client(1), replies.client(2))
    fake.then(httpx.Response(200, stream=Body(body[:-40])))
    with pytest.raises(BadReply):
        await read_all(practice)
    fake.answers.clear()
    fake.then(httpx.Response(200, stream=Body(body[:-40], httpx.RemoteProtocolError("cut"))))
    with pytest.raises(XeroUnreachable):
        await read_all(practice)
    assert practice.calls == 2


async def test_one_event_a_call_without_query_or_secret(
    fake: FakeXero, practice: XeroPractice, sink: Sink
) -> None:
    fake.then(xml(replies.clients(), x_minlimit_remaining="57", x_daylimit_remaining="4900"))
    await practice.search("Kowhai secret name")
    (event,) = [e for e in sink.events if e.key == "call"]
    assert (event.call, event.status) == ("GET client.api/search", 200)
    assert event.numbers["minute_left"] == 57
    assert event.numbers["day_left"] == 4900
    assert event.numbers["bytes"] == len(replies.clients())
    assert "Kowhai" not in repr(sink.events)
    assert "e30" not in repr(sink.events)


async def test_writes_send_xml_with_the_requests_names(fake: FakeXero, practice: XeroPractice) -> None:
    fake.then(xml(replies.response(replies.client(1), "Update")))
    client = await practice.update_client(uuid(1).upper(), "Kōwhai", {"website": "k.example"})
    assert client.name == "Kowhai Plumbing Pty Ltd"
    (asked,) = fake.asked
    assert (asked.method, asked.url.path) == ("PUT", "/practicemanager/3.1/client.api/update")
    assert asked.headers["content-type"] == "application/xml"
    assert asked.content.decode() == (
        f"<Client><UUID>{uuid(1)}</UUID><Name>Kōwhai</Name><WebSite>k.example</WebSite></Client>"
    )


async def test_a_contact_update_without_name_reads_the_name_first(
    fake: FakeXero, practice: XeroPractice
) -> None:
    fake.then(xml(replies.response(replies.contact(5, "Jo Tane"))))
    contact = await practice.update_contact(uuid(1), uuid(5), {"email": "new@k.example"})
    assert contact.uuid == uuid(5)
    assert [(r.method, dict(r.url.params)) for r in fake.asked] == [
        ("GET", {"clientUuid": uuid(1)}),
        ("PUT", {"clientUuid": uuid(1)}),
    ]
    assert b"<Name>Jo Tane</Name>" in fake.asked[1].content


async def test_jobs(fake: FakeXero, practice: XeroPractice) -> None:
    fake.then(xml(replies.response(replies.job())))
    job = await practice.add_job(
        name="A",
        description="",
        client=uuid(1),
        start=date(2026, 7, 1),
        due=date(2026, 10, 31),
        budget="5.00",
    )
    assert job.number == "J000412"
    assert fake.asked[0].content.decode() == (
        f"<Job><Name>A</Name><Description/><ClientUUID>{uuid(1)}</ClientUUID><StartDate>20260701</StartDate>"
        "<DueDate>20261031</DueDate><Budget>5.00</Budget></Job>"
    )
    await practice.job("A/1 ?")
    assert fake.asked[1].url.raw_path == b"/practicemanager/3.1/job.api/get/A%2F1%20%3F"
    with pytest.raises(BadInput):
        await practice.job("..")
    fake.answers.clear()
    fake.then(xml(b'<Response api-method="State"><Status>OK</Status></Response>'))
    await practice.set_job_state("J000412", "COMPLETED")
    assert fake.asked[2].content == b"<Job><ID>J000412</ID><State>COMPLETED</State></Job>"


async def test_templates_without_the_scope(fake: FakeXero, practice: XeroPractice) -> None:
    fake.then(gateway(401, "Unauthorized", "AuthorizationUnsuccessful"))
    with pytest.raises(ScopeMissing):
        await practice.templates()
    assert practice.calls == 1


async def test_lists(fake: FakeXero, practice: XeroPractice) -> None:
    fake.then(
        xml(replies.named("StaffList", "Staff", "Ana", "Tom")),
        xml(replies.named("Templates", "Template", "Annual Accounts")),
        xml(replies.named("Categories", "Category")),
        xml(replies.response(f"<Jobs>{replies.job(detailed=False)}</Jobs>")),
        xml(replies.response(replies.contact(6, "New"))),
    )  # fmt: skip
    assert [s.name for s in await practice.staff()] == ["Ana", "Tom"]
    assert [t.name for t in await practice.templates()] == ["Annual Accounts"]
    assert await practice.categories() == []
    assert [j.number for j in await practice.current_jobs()] == ["J000412"]
    assert (await practice.add_contact(uuid(1), XpmContact(uuid="", name="New"))).uuid == uuid(6)
