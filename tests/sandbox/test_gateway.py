"""Checks before any endpoint: tokens, tenants, scopes, limits, paths, content negotiation."""

from __future__ import annotations

import json

import pytest

from tests.sandbox.fixtures import API, SandboxFixture
from xpm_tui.sandbox.grants import BROAD_APP, GRANULAR_APP
from xpm_tui.sandbox.http import HttpRequest

GRANULAR_READ = "practicemanager.client.read practicemanager.job.read practicemanager.staff.read"


async def detail(env: SandboxFixture, method: str, path: str, body: str = "") -> tuple[int, str]:
    response = await env.call(method, path, body)
    text = response.read()
    return response.status, json.loads(text)["Detail"] if response.status in (401, 403, 404) else ""


async def test_the_order_of_the_checks() -> None:
    env = await SandboxFixture.ready(minute_limit=1)
    token, tenant = env.token, env.tenant
    env.token = "foreign"
    assert await detail(env, "GET", "nowhere.api/list") == (401, "AuthenticationUnsuccessful")
    env.token, env.tenant = token, "no tenant"
    assert await detail(env, "GET", "nowhere.api/list") == (403, "AuthenticationUnsuccessful")
    env.tenant = tenant
    assert await detail(env, "GET", "nowhere.api/list") == (404, "The resource was not found")
    assert (await env.call("GET", "nowhere.api/list")).status == 429


async def test_gateway_errors_are_json_with_the_correlation_id() -> None:
    env = await SandboxFixture.ready()
    response = await env.sandbox.handle(HttpRequest("GET", f"{API}client.api/list"))
    error = json.loads(response.read())
    assert list(error) == ["Type", "Title", "Status", "Detail", "Instance", "Extensions"]
    assert error["Instance"] == response.header("xero-correlation-id")


@pytest.mark.parametrize(
    ("scope", "opens", "shuts"),
    [
        ("practicemanager", "GET template.api/list,POST client.api/add,PUT job.api/state", ""),
        ("practicemanager.read", "GET template.api/list,GET client.api/list", "POST client.api/add"),
        (
            GRANULAR_READ,
            "GET client.api/list,GET clientgroup.api/list,GET job.api/current,GET jobstate.api/list,"
            "GET staff.api/list",
            "GET template.api/list,GET category.api/list,GET task.api/list,POST client.api/add,"
            "POST staff.api/add",
        ),
        (
            "practicemanager.client",
            "GET client.api/list,POST client.api/add",
            "GET job.api/current,GET staff.api/list",
        ),
        ("practicemanager.time", "", "GET client.api/list"),
    ],
)
async def test_which_scope_opens_what(scope: str, opens: str, shuts: str) -> None:
    env = await SandboxFixture.ready(scope=scope)
    for path in filter(None, opens.split(",")):
        assert (await env.call(*path.split())).status in (200, 400), path
    for path in filter(None, shuts.split(",")):
        assert await detail(env, *path.split()) == (401, "AuthorizationUnsuccessful"), path


async def test_granular_scopes_open_lists_by_switch() -> None:
    env = SandboxFixture.make(granular_scopes_open_lists=True)
    await env.log_in(GRANULAR_READ, GRANULAR_APP)
    assert (await env.call("GET", "template.api/list")).status == 200


async def test_apps_have_their_own_connections() -> None:
    env = await SandboxFixture.ready()
    env.tenant = ""
    await env.log_in("practicemanager", BROAD_APP)
    assert len(json.loads((await env.send("GET", "/connections")).read())) == 1
    assert len(env.sandbox.grants.connections) == 2


async def test_a_wrong_verb() -> None:
    env = await SandboxFixture.ready()
    response = await env.call("POST", "client.api/list")
    assert (response.status, response.header("Allow")) == (405, "GET")
    response = await env.call("POST", "client.api/contact/1")
    assert response.header("Allow") == "DELETE, GET, PUT"


@pytest.mark.parametrize(
    "path", ["customfield.api/definition", "cost.api/list", "invoice.api/current", "x", ""]
)
async def test_what_is_left_out_is_an_unknown_path(path: str) -> None:
    env = await SandboxFixture.ready()
    assert (await env.call("GET", path)).status == 404


async def test_version_three_zero_is_not_there() -> None:
    env = await SandboxFixture.ready()
    assert (await env.send("GET", "/practicemanager/3.0/client.api/list")).status == 404


@pytest.mark.parametrize(
    ("accept", "status", "kind"),
    [
        ("application/xml", 200, "text/xml; charset=utf-8"),
        ("text/xml;q=0.9, application/json", 200, "text/xml; charset=utf-8"),
        ("application/json", 200, "application/json; charset=utf-8"),
        ("*/*", 406, None),
        ("text/html", 406, None),
        ("", 406, None),
    ],
)
async def test_strict_accept(accept: str, status: int, kind: str | None) -> None:
    env = await SandboxFixture.ready()
    env.accept = accept
    response = await env.call("GET", "staff.api/list")
    assert (response.status, response.header("Content-Type")) == (status, kind)


@pytest.mark.parametrize(
    ("kind", "strict", "loose"),
    [("application/xml", 200, 200), ("text/xml", 415, 200), ("application/x-www-form-urlencoded", 415, 200)],
)
async def test_body_types(kind: str, strict: int, loose: int) -> None:
    env = await SandboxFixture.ready()
    env.extra = {"content-type": f"{kind}; charset=utf-8"}
    body = "<Client><Name>x</Name></Client>"
    response = await env.call("POST", "client.api/add", body)
    assert response.status == strict
    if strict == 415:
        assert b"application/json, application/xml" in response.read()
    env.sandbox.switches = env.sandbox.switches.changed({"content_negotiation": "off"})
    assert (await env.call("POST", "client.api/add", body)).status == loose


async def test_negotiation_by_feature_header() -> None:
    env = await SandboxFixture.ready(content_negotiation="feature")
    env.accept = "application/json"
    assert (await env.call("GET", "staff.api/list")).header("Content-Type") == "text/xml; charset=utf-8"
    env.extra = {"xero-features": "practice-strict-content-type"}
    response = await env.call("GET", "staff.api/list")
    assert response.header("Content-Type") == "application/json; charset=utf-8"


async def test_json_is_flat_and_typed() -> None:
    env = await SandboxFixture.ready()
    env.accept = "application/json"
    value = json.loads((await env.call("GET", f"client.api/get/{env.case('complete')[0]}")).read())
    client = value["client"]
    assert value["status"] == "OK"
    assert client["isArchived"] == "No"
    assert client["type"] == {
        "name": "20th of Month",
        "costMarkup": 30.0,
        "paymentTerm": "DayOfMonth",
        "paymentDay": 20,
    }
    assert client["gstPeriod"] == "2 Monthly"
    assert client["autoBasOptInCriteria"]["opt-out"] == "No"
    assert [contact["name"] for contact in client["contacts"]] == ["Jo Tane", "Pat O'Neill"]
    value = json.loads((await env.call("GET", "client.api/search?query=nobody")).read())
    assert value == {"status": "OK", "clients": []}
    value = json.loads((await env.call("GET", "client.api/paged-list?pageSize=1")).read())
    assert set(value["pagination"]["links"]) == {"first", "next"}
    value = json.loads((await env.call("GET", "job.api/list")).read())
    assert value["status"] == "ERROR"


async def test_json_bodies_are_read() -> None:
    env = await SandboxFixture.ready()
    env.accept, env.extra = "application/json", {"content-type": "application/json"}
    person = next(iter(env.sandbox.practice.staff))
    client = {
        "name": "J & Co",
        "accountManagerUuid": person,
        "gstRegistered": "Yes",
        "contacts": [{"name": "A", "isPrimary": "Yes"}],
    }
    made = json.loads((await env.call("POST", "client.api/add", json.dumps(client))).read())["client"]
    assert (made["name"], made["accountManager"]["uuid"], made["gstRegistered"]) == ("J & Co", person, "Yes")
    assert made["contacts"][0]["isPrimary"] == "Yes"
    number = next(iter(env.sandbox.practice.jobs))
    assign = {"id": number, "add": [{"uuid": person}], "add-manager": {"uuid": person}, "remove-partner": {}}
    job = json.loads((await env.call("PUT", "job.api/assign", json.dumps(assign))).read())["job"]
    assert job["manager"]["uuid"] == person
    assert "partner" not in job
    assert (await env.call("POST", "client.api/add", "[]")).status == 400
    assert (await env.call("POST", "client.api/add", '{"name": "\\u0007"}')).status == 400


@pytest.mark.parametrize(
    ("mode", "identifier", "parameter"), [("mixed", 200, 400), ("200", 200, 200), ("400", 400, 400)]
)
async def test_http_status_of_application_errors(mode: str, identifier: int, parameter: int) -> None:
    env = await SandboxFixture.ready(error_status=mode)
    assert (await env.error("POST", "job.api/delete", "<Job><ID>J9</ID></Job>"))[0] == identifier
    assert (await env.error("GET", "job.api/list"))[0] == parameter
