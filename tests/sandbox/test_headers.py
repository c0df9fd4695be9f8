"""Headers and formats of Xero's replies: dates by the moved clock, an expired token, a date of birth."""

from __future__ import annotations

import json
from email.utils import parsedate_to_datetime

import pytest

from tests.sandbox.fixtures import SandboxFixture
from xpm_tui.sandbox.clock import HOUR, utc


@pytest.mark.parametrize("hours", [0, 26])
async def test_date_follows_the_moved_clock_and_expires_equals_it(hours: int) -> None:
    env = await SandboxFixture.ready()
    env.sandbox.clock.advance(hours * HOUR)
    for path in ("staff.api/list", "nothing.api/here"):
        response = await env.call("GET", path)
        date = response.header("date") or ""
        assert response.header("expires") == date
        assert date.endswith(" GMT")
        assert parsedate_to_datetime(date) == utc(env.sandbox.clock.now())


async def test_only_an_expired_token_is_answered_without_a_content_type() -> None:
    env = await SandboxFixture.ready()
    env.sandbox.clock.advance(HOUR)
    expired = await env.call("GET", "staff.api/list")
    assert (expired.status, expired.header("content-type")) == (401, None)
    assert json.loads(expired.read())["Detail"].startswith("TokenExpired")
    env.token = "other"
    other = await env.call("GET", "staff.api/list")
    assert (other.status, other.header("content-type")) == (401, "application/json")


@pytest.mark.parametrize("sent", ["19790402", "1979-04-02", "1979-04-02T00:00:00"])
async def test_a_date_of_birth_comes_back_in_iso_form(sent: str) -> None:
    env = await SandboxFixture.ready()
    body = f"<Client><Name>Jo Li</Name><FirstName>Jo</FirstName><DateOfBirth>{sent}</DateOfBirth></Client>"
    assert b"<DateOfBirth>1979-04-02</DateOfBirth>" in (await env.call("POST", "client.api/add", body)).read()
