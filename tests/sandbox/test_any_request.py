"""Every request gets a response: none raises."""

from __future__ import annotations

import json

import hypothesis.strategies as st
from hypothesis import given, settings

from tests.sandbox.fixtures import API, SandboxFixture
from tests.support.profile import count
from xpm_tui.sandbox.gateway import ROUTES
from xpm_tui.sandbox.http import HttpRequest

ELEMENTS = """
Client Name UUID ID Contacts Contact Job Task TaskUUID Budget EstimatedMinutes BalanceMonth
GSTPeriod IsPrimary add remove add-manager StartDate DueDate Description ClientUUID TemplateUUID
State Group Staff Tasks
""".split()
TEXT = st.text(max_size=12) | st.from_regex(r"[0-9]{1,12}") | st.just("9" * 5000) | st.just("NaN")
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(ELEMENTS).map(str.lower) | TEXT, inner, max_size=4)
    ),
    max_leaves=12,
)


@st.composite
def xml_bodies(draw: st.DrawFn) -> bytes:
    root = draw(st.sampled_from(("Client", "Contact", "Job", "Task", "Group", "Staff")))
    parts = draw(st.lists(st.tuples(st.sampled_from(ELEMENTS), TEXT), max_size=6))
    inner = "".join(f"<{name}>{text}</{name}>" for name, text in parts)
    return f"<{root}>{inner}</{root}>".encode("utf-8", "replace")


@given(
    st.sampled_from(("GET", "POST", "PUT", "DELETE", "PATCH")),
    st.sampled_from([API + route.path for route in ROUTES])
    | st.sampled_from(("/connections", "/connect/token", "/connect/revocation", "/identity/connect/consent"))
    | st.sampled_from(("faults", "switches", "clock", "colleague", "consent", "limits", "tokens")).map(
        "/_sandbox/{}".format
    )
    | st.text(max_size=20).map("/{}".format),
    TEXT,
    st.sampled_from(
        ("pageSize", "pageToken", "modifiedsince", "query", "from", "to", "due", "clientUuid", "after")
    ),
    TEXT,
    st.sampled_from(("application/xml", "application/json", "application/x-www-form-urlencoded", "")),
    xml_bodies() | st.binary(max_size=40) | JSON_VALUES.map(lambda value: json.dumps(value).encode()),
)
@settings(max_examples=count(50, 20_000), deadline=None)
async def test_no_request_raises(
    method: str, path: str, held: str, name: str, value: str, kind: str, body: bytes
) -> None:
    env = await fresh()
    headers = {
        "authorization": f"Bearer {env.token}",
        "xero-tenant-id": env.tenant,
        "accept": "application/json" if len(value) % 2 else "application/xml",
        "content-type": kind,
    }
    request = HttpRequest(method, path.replace("{}", held), f"{name}={value}", headers, body)
    response = await env.sandbox.handle(request)
    response.read()
    assert 200 <= response.status < 500


async def fresh() -> SandboxFixture:
    return await SandboxFixture.ready(12)
