"""Injected faults: which calls they hit, and what then arrives."""

from __future__ import annotations

import json

import pytest
from lxml import etree

from tests.sandbox.fixtures import SandboxFixture, texts
from xpm_tui.sandbox.faults import ANSWERS, CORRUPTIONS, KINDS, LATE, ROWS, Fault
from xpm_tui.sandbox.http import Ending

NEW = "<Client><Name>Faulty Ltd</Name></Client>"


async def ready(**fault: object) -> SandboxFixture:
    env = await SandboxFixture.ready()
    await env.control("POST", "faults", fault)
    return env


def made(env: SandboxFixture) -> int:
    return sum(row.name == "Faulty Ltd" for row in env.sandbox.practice.clients.values())


STATUSES = {
    "401-expired": 401,
    "401-unsuccessful": 401,
    "401-scope": 401,
    "403": 403,
    "404": 404,
    "409": 409,
    "429-minute": 429,
    "429-day": 429,
    "429-concurrent": 429,
    "429-appminute": 429,
    "500": 500,
    "500-broken-json": 500,
    "502": 502,
    "503": 503,
    "invalid-grant": 400,
    "unauthorized-client": 400,
}


@pytest.mark.parametrize("kind", sorted(STATUSES))
@pytest.mark.parametrize("after", [False, True])
async def test_answers_before_and_after_the_effect(kind: str, after: bool) -> None:
    env = await ready(kind=kind, endpoint="client.api/add", after=after)
    response = await env.call("POST", "client.api/add", NEW)
    assert response.status == STATUSES[kind]
    assert response.ending is Ending.COMPLETE
    assert made(env) == after
    assert env.sandbox.limits.usage(*_key(env)).in_flight == 0


@pytest.mark.parametrize("kind", ["reset", "hang"])
@pytest.mark.parametrize("after", [False, True])
async def test_silence_before_and_after_the_effect(kind: str, after: bool) -> None:
    env = await ready(kind=kind, after=after, times=1)
    response = await env.call("POST", "client.api/add", NEW)
    assert response.ending is Ending(kind)
    assert made(env) == after
    (row,) = env.sandbox.log.rows(lambda row: row.endpoint == "client.api/add")
    assert (row.status, row.ending, row.fault) == (0, kind, kind)


def _key(env: SandboxFixture) -> tuple[str, str]:
    (connection,) = env.sandbox.grants.connections.values()
    return connection.app, connection.tenant


def test_every_kind_is_named_once() -> None:
    assert sorted(KINDS) == sorted({*ANSWERS, *CORRUPTIONS, *ROWS, LATE})
    assert {*STATUSES, "reset", "hang"} == set(ANSWERS)


async def test_429_names_limit_and_wait() -> None:
    env = await ready(kind="429-minute", seconds=17)
    response = await env.call("GET", "staff.api/list")
    assert (response.header("X-Rate-Limit-Problem"), response.header("Retry-After")) == ("minute", "17")
    await env.control("DELETE", "faults")
    await env.control("POST", "faults", {"kind": "429-concurrent"})
    assert (await env.call("GET", "staff.api/list")).header("Retry-After") is None


async def test_pages_of_error() -> None:
    env = await ready(kind="502")
    assert b"<html>" in (await env.call("GET", "staff.api/list")).read()
    env = await ready(kind="html")
    response = await env.call("GET", "staff.api/list")
    assert (response.status, response.header("Content-Type")) == (200, "text/html; charset=utf-8")


async def test_status_error_in_a_good_answer() -> None:
    env = await ready(kind="status-error")
    status, words = await env.error("GET", "staff.api/list")
    assert (status, words) == (200, "The request could not be completed")


@pytest.mark.parametrize("kind", ["broken-xml", "wrong-encoding", "deep-xml", "empty", "cut"])
async def test_bodies_that_no_strict_parser_takes(kind: str) -> None:
    env = await ready(kind=kind)
    response = await env.call("GET", "client.api/list?detailed=true")
    body = response.read()
    with pytest.raises((etree.XMLSyntaxError, UnicodeDecodeError)):
        etree.fromstring(body.decode("utf-8"))
    assert (response.ending is Ending.CUT) == (kind == "cut")
    if kind == "cut":
        assert len(body) < (response.length or 0)


async def test_a_long_body_is_cut_without_being_made_whole() -> None:
    env = await SandboxFixture.ready(250)
    whole = (await env.call("GET", "client.api/list?detailed=true")).read()
    await env.control("POST", "faults", {"kind": "cut"})
    response = await env.call("GET", "client.api/list?detailed=true")
    assert (response.ending, response.length) == (Ending.CUT, None)
    part = response.read()
    assert whole.startswith(part)
    assert 64_000 < len(part) < len(whole)


async def test_an_endless_list() -> None:
    env = await ready(kind="endless")
    response = await env.call("GET", "client.api/list")
    parser = etree.XMLPullParser(events=("end",), tag="Client")
    for _ in range(20):
        parser.feed(next(response.body))
    response.body.close()
    assert sum(1 for _ in parser.read_events()) == 19_000
    assert env.sandbox.limits.usage(*_key(env)).in_flight == 0


async def test_a_doctype_with_entities() -> None:
    env = await ready(kind="doctype")
    body = (await env.call("GET", "staff.api/list")).read()
    assert body.startswith(b"<!DOCTYPE")
    assert b"&b;" in body


async def test_a_slow_body_is_whole_and_counts_until_read() -> None:
    env = await ready(kind="slow", seconds=2)
    response = await env.call("GET", "client.api/list")
    assert response.pace == 2
    chunks = list(response.body)
    assert max(map(len, chunks)) <= 1024
    assert len(texts(etree.fromstring(b"".join(chunks)), "Clients/Client/UUID")) == 12
    assert env.sandbox.limits.usage(*_key(env)).in_flight == 0


async def test_faulty_lists() -> None:
    env = await ready(kind="duplicate-uuids", times=1)
    uuids = texts(await env.xml("GET", "client.api/list"), "Clients/Client/UUID")
    assert (len(uuids), len(set(uuids))) == (12, 11)
    for kind, left in (("half-list", 6), ("empty-list", 0)):
        env = await ready(kind=kind, endpoint="client.api/list")
        assert len(texts(await env.xml("GET", "client.api/list"), "Clients/Client/UUID")) == left


async def test_faulty_next_addresses() -> None:
    env = await ready(kind="next-loops")
    root = await env.xml("GET", "client.api/paged-list?pageSize=5")
    assert root.findtext("Pagination/Links/Next") == root.findtext("Pagination/Links/First")
    env = await ready(kind="next-leaves")
    root = await env.xml("GET", "client.api/paged-list?pageSize=5")
    assert (root.findtext("Pagination/Links/Next") or "").startswith("https://elsewhere.example/")


async def test_a_record_that_appears_late() -> None:
    env = await ready(kind="late", endpoint="client.api/add", seconds=240)
    await env.xml("POST", "client.api/add", NEW)
    path = "client.api/search?query=faulty"
    assert texts(await env.xml("GET", path), "Clients/Client/UUID") == []
    env.sandbox.clock.advance(240)
    assert len(texts(await env.xml("GET", path), "Clients/Client/UUID")) == 1


async def statuses(env: SandboxFixture, times: int, path: str = "staff.api/list") -> list[int]:
    return [(await env.call("GET", path)).status for _ in range(times)]


@pytest.mark.parametrize(
    ("fault", "hit"),
    [
        ({"nth": 2}, [2]),
        ({"every": 2}, [2, 4]),
        ({"times": 2}, [1, 2]),
        ({"every": 2, "times": 1}, [2]),
        ({}, [1, 2, 3, 4, 5]),
        ({"endpoint": "staff.api/*"}, [1, 2, 3, 4, 5]),
        ({"endpoint": "get staff.api/list"}, [1, 2, 3, 4, 5]),
        ({"endpoint": "PUT staff.api/*"}, []),
        ({"endpoint": "client.api/*"}, []),
    ],
)
async def test_which_calls_are_hit(fault: dict[str, object], hit: list[int]) -> None:
    env = await ready(kind="503", **fault)
    seen = []
    for number in range(1, 6):
        response = await env.call("GET", "staff.api/list")
        response.body.close()
        if response.status == 503:
            seen.append(number)
    assert seen == hit


async def test_identity_can_fail_too() -> None:
    env = await ready(kind="invalid-grant", endpoint="connect/token", times=1)
    first = await env.refresh_call(env.refresh)
    assert (first.status, json.loads(first.read())) == (400, {"error": "invalid_grant"})
    assert (await env.refresh_call(env.refresh)).status == 200
    await env.control(
        "POST", "faults", {"kind": "reset", "endpoint": "connect/token", "after": "yes", "times": 1}
    )
    assert (await env.refresh_call(env.refresh)).ending is Ending.RESET
    assert env.sandbox.grants.refresh[env.refresh].rotated is not None


def test_a_fault_on_a_command_line() -> None:
    text = "429-minute,endpoint=PUT client.api/*,nth=3,seconds=1.5,after=yes"
    fault = Fault("429-minute", "PUT client.api/*", nth=3, seconds=1.5, after=True)
    assert Fault.parse(text) == fault
    assert Fault.parse("429") == Fault("429-minute")
    for wrong, words in (
        ("flood", "no fault"),
        ("500,often=yes", "often"),
        ("500,nth", "name=value"),
        ("500,nth=x", "numbers"),
    ):
        with pytest.raises(ValueError, match=words):
            Fault.parse(wrong)
