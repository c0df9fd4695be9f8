"""Limits: sixty calls in a rolling minute, five at once, a daily allowance; each with its headers."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given, settings

from tests.sandbox.fixtures import SandboxFixture
from tests.support.profile import count
from xpm_tui.sandbox.clock import DAY, MINUTE
from xpm_tui.sandbox.switches import Limits, Switches, Window


async def calls(env: SandboxFixture, times: int) -> list[int]:
    statuses = []
    for _ in range(times):
        response = await env.call("GET", "staff.api/list")
        response.read()
        statuses.append(response.status)
    return statuses


async def test_sixty_calls_then_429_until_the_oldest_leaves() -> None:
    env = await SandboxFixture.ready()
    assert await calls(env, 20) == [200] * 20
    env.sandbox.clock.advance(30)
    assert await calls(env, 41) == [200] * 40 + [429]
    response = await env.call("GET", "staff.api/list")
    assert response.read() == b""
    assert response.header("X-Rate-Limit-Problem") == "minute"
    assert response.header("Retry-After") == "30"
    assert response.header("X-MinLimit-Remaining") == "0"
    env.sandbox.clock.advance(29)
    assert await calls(env, 1) == [429]
    env.sandbox.clock.advance(1)
    assert await calls(env, 21) == [200] * 20 + [429]


async def test_headers_count_down() -> None:
    env = await SandboxFixture.ready(day_limit=1000)
    response = await env.call("GET", "staff.api/list")
    names = ("X-MinLimit-Remaining", "X-DayLimit-Remaining", "X-AppMinLimit-Remaining")
    assert [response.header(name) for name in names] == ["59", "999", "9999"]
    env.sandbox.switches = env.sandbox.switches.changed({"limit_headers": "no"})
    response = await env.call("GET", "staff.api/list")
    assert [response.header(name) for name in names] == [None] * 3


async def test_five_at_once() -> None:
    env = await SandboxFixture.ready()
    open_ones = [await env.call("GET", "staff.api/list") for _ in range(5)]
    refused = await env.call("GET", "staff.api/list")
    assert (refused.status, refused.header("X-Rate-Limit-Problem")) == (429, "concurrent")
    assert refused.header("Retry-After") is None
    open_ones[0].body.close()
    open_ones[0].body.close()
    open_ones[1].read()
    again = [await env.call("GET", "staff.api/list") for _ in range(3)]
    assert [response.status for response in again] == [200, 200, 429]


async def test_the_day_ends_later_than_the_minute() -> None:
    env = await SandboxFixture.ready(day_limit=1000, access_token_life=2 * DAY)
    await env.control("POST", "limits", {"day": 999})
    env.sandbox.clock.advance(600)
    assert await calls(env, 2) == [200, 429]
    refused = await env.call("GET", "staff.api/list")
    assert refused.header("X-Rate-Limit-Problem") == "day"
    assert refused.header("Retry-After") == str(24 * 3600 - 600)
    env.sandbox.clock.advance(DAY - 600)
    assert await calls(env, 2) == [200, 200]


async def test_practices_and_other_calls_do_not_share_allowance() -> None:
    env = await SandboxFixture.ready(minute_limit=1)
    await env.control("POST", "connect", {"tenant": "Te Aroha Bookkeeping"})
    assert await calls(env, 2) == [200, 429]
    for _ in range(3):
        assert (await env.send("GET", "/connections")).status == 200
    env.tenant = list(env.sandbox.tenants)[1]
    assert await calls(env, 2) == [200, 429]
    env.sandbox.switches = env.sandbox.switches.changed({"minute_limit": 60, "app_minute_limit": 2})
    assert (await env.call("GET", "staff.api/list")).header("X-Rate-Limit-Problem") == "appminute"


async def test_refused_calls_count_only_by_switch() -> None:
    for switch, left in (("no", 200), ("yes", 429)):
        env = await SandboxFixture.ready(minute_limit=2, rejected_calls_count=switch)
        await calls(env, 2)
        env.sandbox.clock.advance(30)
        await calls(env, 2)
        env.sandbox.clock.advance(30)
        assert await calls(env, 1) == [left]


async def test_clearing() -> None:
    env = await SandboxFixture.ready(minute_limit=1)
    await calls(env, 1)
    assert await env.control("POST", "limits", {"clear": True}) == {"minute": 0, "day": 0, "in_flight": 0}
    assert await calls(env, 1) == [200]


@given(st.lists(st.floats(0, 20, allow_nan=False), max_size=200), st.integers(1, 12))
@settings(max_examples=count(60, 3000), deadline=None)
def test_no_minute_ever_holds_more_than_the_limit(steps: list[float], limit: int) -> None:
    limits, switches = Limits(), Switches(minute_limit=limit, concurrent_limit=10**6)
    now, admitted = 1000.0, []
    for step in steps:
        now += step
        if limits.admit("app", "tenant", now, switches) is None:
            admitted.append(now)
    for moment in admitted:
        assert sum(moment - MINUTE < other <= moment for other in admitted) <= limit


@given(st.lists(st.floats(0, 60, allow_nan=False), min_size=1, max_size=30), st.integers(1, 10))
@settings(max_examples=count(60, 3000))
def test_retry_after_is_enough(ages: list[float], limit: int) -> None:
    window = Window(MINUTE)
    for age in sorted(ages, reverse=True):
        window.add(1000 - age)
    wait = window.wait(1000, limit)
    assert window.used(1000 + wait) < limit
