"""/_sandbox: what it shows and changes, and its errors."""

from __future__ import annotations

import json

import pytest
from lxml import etree

from tests.sandbox.fixtures import SandboxFixture, texts
from xpm_tui.sandbox.http import HttpRequest
from xpm_tui.sandbox.switches import Switches


async def test_about_shows_addresses_apps_people_and_cases() -> None:
    env = SandboxFixture.make()
    about = await env.control("GET", "")
    assert about["clients"] == 12
    assert {"login_url", "identity_url", "api_url", "client_id", "redirect_port", "tenants"} <= set(about)
    assert {"same name", "archived twin", "shared contact", "prospect made client"} <= set(about["cases"])
    assert len(about["apps"]) == 5
    assert "secret-not" not in json.dumps(about)


async def test_time_moves_forward_only() -> None:
    env = SandboxFixture.make()
    before = (await env.control("GET", "clock"))["now"]
    after = await env.control("POST", "clock", {"advance": 90})
    assert after["now"] == before + 90
    assert after["utc"] == "2026-09-14T09:31:30Z"
    assert (await env.control_call("POST", "clock", {"advance": -1})).status == 400


async def test_switches() -> None:
    env = SandboxFixture.make()
    shown = await env.control(
        "POST", "switches", {"minute_limit": 5, "null_tenant_names": True, "latency": 0.5}
    )
    assert (shown["minute_limit"], shown["null_tenant_names"], shown["latency"]) == (5, True, 0.5)
    assert await env.control("GET", "switches") == shown
    assert (await env.send("GET", "/connections")).delay == 0.5


@pytest.mark.parametrize(
    "values",
    [
        {"no_such": 1},
        {"user": "bob"},
        {"minute_limit": "many"},
        {"minute_limit": -1},
        {"latency": "inf"},
        {"pretty_xml": "maybe"},
    ],
)
def test_switches_that_cannot_be(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(values))):
        Switches().changed(values)


@pytest.mark.parametrize(
    ("method", "name", "values", "status"),
    [
        ("GET", "nothing", None, 404),
        ("PUT", "faults", None, 405),
        ("POST", "faults", {"kind": "flood"}, 400),
        ("POST", "switches", {"x": 1}, 400),
        ("POST", "consent", {}, 400),
        ("POST", "colleague", {"client": "x", "set": {}}, 400),
        ("POST", "tokens", {}, 400),
        ("POST", "connect", {"tenant": "x"}, 400),
        ("POST", "clock", {"advance": "soon"}, 400),
    ],
)
async def test_errors_are_sentences(
    method: str, name: str, values: dict[str, object] | None, status: int
) -> None:
    env = SandboxFixture.make()
    response = await env.control_call(method, name, values)
    assert response.status == status
    assert json.loads(response.read())["error"]


async def test_the_record_of_requests() -> None:
    env = await SandboxFixture.ready()
    await env.call("GET", "client.api/get/1?fields=name")
    await env.call("POST", "client.api/add", "<Client><Name>x</Name></Client>")
    shown = await env.control("GET", "requests")
    assert [row["endpoint"] for row in shown["requests"]] == [
        "connect/token",
        "client.api/get",
        "client.api/add",
    ]
    token, get, add = shown["requests"]
    assert (token["body"], token["query"]) == ("", "")
    assert get["query"] == "fields=name"
    assert add["body"] == "<Client><Name>x</Name></Client>"
    assert add["tenant"] == env.tenant
    only = await env.control("GET", f"requests?after={get['number']}&endpoint=client.api/add")
    assert only["requests"] == [add]
    await env.control("DELETE", "requests")
    await env.call("GET", "staff.api/list")
    (row,) = (await env.control("GET", "requests"))["requests"]
    assert row["number"] == add["number"] + 1


async def test_colleagues_edits() -> None:
    env = await SandboxFixture.ready()
    practice = env.sandbox.practice
    uuid, now = env.case("complete")[0], env.sandbox.clock.now()
    values = {"name": "Edited", "postal_city": "Perth", "street": "1 St", "archived": True, "manager": None}
    await env.control("POST", "colleague", {"client": uuid, "set": values})
    row = practice.clients[uuid]
    assert (row.name, row.postal.city, row.address.street, row.archived, row.manager) == (
        "Edited",
        "Perth",
        "1 St",
        True,
        None,
    )
    assert row.modified == now
    added = await env.control(
        "POST", "colleague", {"client": uuid, "add_contact": {"name": "Z", "email": "z@z.example"}}
    )
    assert practice.contacts[added["uuid"]].email == "z@z.example"
    await env.control("POST", "colleague", {"contact": added["uuid"], "set": {"phone": "9"}})
    assert practice.contacts[added["uuid"]].phone == "9"
    made = await env.control("POST", "colleague", {"add": "Brand New"})
    await env.control("POST", "colleague", {"remove": made["uuid"]})
    assert made["uuid"] not in practice.clients
    for wrong in ({"tax": "1"}, {"archived": "yes"}, {"manager": "nobody"}):
        assert (await env.control_call("POST", "colleague", {"client": uuid, "set": wrong})).status == 400


async def test_a_prospect_made_client_gets_a_new_number() -> None:
    env = await SandboxFixture.ready()
    practice = env.sandbox.practice
    (prospect,) = env.case("prospect")
    made = (await env.control("POST", "colleague", {"convert": prospect}))["uuid"]
    old, new = practice.clients[prospect], practice.clients[made]
    assert (old.name, old.deleted) == (new.name, True)
    assert (new.prospect, new.deleted) == (False, False)
    assert new.number != old.number
    assert (await env.control_call("POST", "colleague", {"convert": made})).status == 400


@pytest.mark.parametrize("leave", [False, True])
async def test_a_merged_client_leaves_what_it_had_on_the_survivor(leave: bool) -> None:
    env = await SandboxFixture.ready()
    practice = env.sandbox.practice
    job = next(job for job in practice.jobs.values() if practice.clients[job.client].contacts)
    lost = practice.clients[job.client]
    into = next(each for each in practice.clients.values() if each.uuid != lost.uuid and not each.deleted)
    asked = {"merge": lost.uuid, "into": into.uuid, "leave": leave}
    assert (await env.control("POST", "colleague", asked)) == {"uuid": into.uuid}
    survivor = practice.clients[into.uuid]
    assert practice.jobs[job.number].client == into.uuid
    contacts = {link.contact for link in (*lost.contacts, *into.contacts)}
    assert {link.contact for link in survivor.contacts} == contacts
    assert {*lost.groups, *into.groups} == {*survivor.groups}
    assert (survivor.name, survivor.phone) == (into.name, into.phone)
    listed = texts(await env.xml("GET", "client.api/list?detailed=true"), "Clients/Client/UUID")
    assert (lost.uuid in listed) == leave
    for wrong in (asked, {"merge": into.uuid, "into": into.uuid}, {"merge": into.uuid, "into": "x"}):
        assert (await env.control_call("POST", "colleague", wrong)).status == 400


async def test_a_colleague_works_while_a_run_continues() -> None:
    env = await SandboxFixture.ready(colleague_every=3)
    before = dict(env.sandbox.practice.clients)
    for _ in range(7):
        (await env.call("GET", "staff.api/list")).read()
    after = env.sandbox.practice.clients
    assert sum(before[uuid] != after[uuid] for uuid in before) == 2


async def test_tokens_expire_and_are_revoked_on_demand() -> None:
    env = await SandboxFixture.ready()
    assert await env.control("POST", "tokens", {"expire": True}) == {"expired": 1}
    response = await env.call("GET", "staff.api/list")
    assert "TokenExpired" in json.loads(response.read())["Detail"]
    assert (await env.refresh_call(env.refresh)).status == 200
    await env.control("POST", "tokens", {"revoke": True})
    assert (await env.refresh_call(env.refresh)).status == 400


async def test_disconnecting_one_tenant_by_control() -> None:
    env = await SandboxFixture.ready()
    await env.control("POST", "disconnect", {"tenant": env.tenant})
    assert (await env.call("GET", "staff.api/list")).status == 403
    assert (await env.refresh_call(env.refresh)).status == 200


async def test_reset_begins_again_from_the_seed() -> None:
    env = await SandboxFixture.ready()
    first = (await env.call("GET", "client.api/list?detailed=true")).read()
    await env.control("POST", "colleague", {"edits": 5})
    await env.control("POST", "faults", {"kind": "500"})
    await env.control("POST", "reset")
    await env.log_in()
    assert (await env.call("GET", "client.api/list?detailed=true")).read() == first


async def test_same_seed_same_bytes() -> None:
    async def everything(seed: int) -> list[bytes]:
        env = await SandboxFixture.ready(60, seed)
        paths = ("client.api/list?detailed=true", "job.api/current?detailed=true", "staff.api/list")
        made = await env.call("POST", "client.api/add", "<Client><Name>x</Name></Client>")
        return [made.read(), *[(await env.call("GET", path)).read() for path in paths]]

    assert await everything(7) == await everything(7)
    assert await everything(7) != await everything(8)


async def test_edits_show_in_lists() -> None:
    env = await SandboxFixture.ready()
    uuid = env.case("complete")[0]
    await env.control("POST", "colleague", {"client": uuid, "set": {"name": "zzz last"}})
    root = etree.fromstring((await env.call("GET", "client.api/list")).read())
    assert texts(root, "Clients/Client/UUID").index(uuid) > texts(root, "Clients/Client/Name").index(
        "Kowhai Holdings Ltd"
    )


async def test_colleagues_edit_lists_jobs_people_and_links() -> None:
    env = await SandboxFixture.ready()
    practice = env.sandbox.practice
    uuid = env.case("complete")[0]
    first, second = (link.contact for link in practice.clients[uuid].contacts)
    await env.control("POST", "colleague", {"client": uuid, "primary": second})
    assert [link.primary for link in practice.clients[uuid].contacts] == [False, True]
    await env.control("POST", "colleague", {"client": uuid, "remove_contact": first})
    assert [link.contact for link in practice.clients[uuid].contacts] == [second]
    assert first in practice.contacts
    await env.control("POST", "colleague", {"client": uuid, "set": {"groups": ["VIP"], "structure": "Trust"}})
    row = practice.clients[uuid]
    assert ([practice.group_name(group) for group in row.groups], row.tax and row.tax.structure) == (
        ["VIP"],
        "Trust",
    )
    template, person, number = (
        next(iter(practice.templates)),
        next(iter(practice.staff)),
        next(iter(practice.jobs)),
    )
    await env.control("POST", "colleague", {"delete": template})
    await env.control("POST", "colleague", {"delete": row.groups[0]})
    await env.control("POST", "colleague", {"staff": person, "set": {"left": True}})
    await env.control("POST", "colleague", {"job": number, "set": {"state": "On Hold"}})
    assert template not in practice.templates
    assert practice.clients[uuid].groups == ()
    assert practice.staff[person].left
    assert practice.jobs[number].state == "On Hold"
    await env.control("POST", "colleague", {"delete": number})
    for wrong in ({"delete": number}, {"job": number, "set": {}}, {"staff": person, "set": {"age": 3}}, {}):
        assert (await env.control_call("POST", "colleague", wrong)).status == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "127.0.0.1:8080"}, 200),
        ({"host": "localhost:8080", "origin": "http://localhost:8080"}, 200),
        ({"host": "[::1]:1", "content-type": "application/json; charset=utf-8"}, 200),
        ({"host": "evil.example"}, 403),
        ({"host": "127.0.0.1.evil.example:80"}, 403),
        ({"host": "localhost", "origin": "null"}, 403),
        ({"host": "localhost:8080", "origin": "http://localhost:3000"}, 403),
        ({"host": "localhost", "origin": "https://evil.example"}, 403),
        ({"host": "localhost", "content-type": "text/plain"}, 415),
        ({"host": "localhost", "content-type": "application/x-www-form-urlencoded"}, 415),
    ],
)
async def test_a_web_page_cannot_use_it(headers: dict[str, str], status: int) -> None:
    env = SandboxFixture.make()
    answer = await env.sandbox.handle(
        HttpRequest(
            "POST", "/_sandbox/clock", "", {"content-type": "application/json", **headers}, b'{"advance": 5}'
        )
    )
    assert answer.status == status
    assert (await env.control("GET", "clock"))["utc"][-3:-1] == ("05" if status == 200 else "00")
