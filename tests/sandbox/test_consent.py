"""The consent page, its errors, and connections."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.sandbox.fixtures import FULL_SCOPE, SandboxFixture
from xpm_tui.sandbox.grants import REDIRECTS, UNATTACHED_APP, WEB_APP
from xpm_tui.sandbox.http import Response

AUTHORIZE = "/identity/connect/authorize"


class Page(HTMLParser):
    """Forms, named fields in order, and the selected option."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[dict[str, str | None]] = []
        self.fields: list[tuple[str, str | None, str | None]] = []
        self.options: list[tuple[str | None, bool]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.forms.append(given)
        elif tag == "option":
            self.options.append((given.get("value"), "selected" in given))
        elif given.get("name") and tag in ("input", "select", "button"):
            self.fields.append((tag, given["name"], given.get("value")))


async def decide(env: SandboxFixture, page: Page, **form: str) -> Response:
    hidden = {name: value or "" for tag, name, value in page.fields if tag == "input" and name}
    headers = {"content-type": "application/x-www-form-urlencoded"}
    body = urlencode(hidden | form).encode()
    return await env.send("POST", page.forms[0]["action"] or "", body, headers, bare=True)


async def open_page(env: SandboxFixture, **changes: str | None) -> Response:
    return await env.send("GET", f"{AUTHORIZE}?{env.authorize_query(**changes)}", bare=True)  # type: ignore[arg-type]


async def test_one_form_practice_preselected_allow_then_deny() -> None:
    env = SandboxFixture.make()
    response = await open_page(env)
    page = Page(response.read().decode())
    assert response.status == 200
    assert len(page.forms) == 1
    assert page.forms[0]["method"] == "post"
    assert [field[:2] for field in page.fields if field[0] != "button"] == [
        ("input", "request"),
        ("select", "tenant"),
    ]
    assert [field[1:] for field in page.fields if field[0] == "button"] == [
        ("decision", "allow"),
        ("decision", "deny"),
    ]
    assert page.options == [
        (tenant, place == 0) for place, tenant in enumerate(list(env.sandbox.tenants)[:2])
    ]


async def test_allow_returns_code_and_state() -> None:
    env = SandboxFixture.make()
    page = Page((await open_page(env)).read().decode())
    response = await decide(env, page, decision="allow", tenant=page.options[0][0] or "")
    address = urlsplit(response.header("Location") or "")
    answer = parse_qs(address.query)
    assert response.status == 302
    assert f"{address.scheme}://{address.netloc}{address.path}" == REDIRECTS[0]
    assert answer["state"] == ["a state"]
    assert (await env.token_call(env.code_grant(answer["code"][0]))).status == 200


async def test_allow_without_a_choice_takes_the_preselected() -> None:
    env = SandboxFixture.make()
    page = Page((await open_page(env)).read().decode())
    await decide(env, page, decision="allow")
    (connection,) = env.sandbox.grants.connections.values()
    assert connection.tenant == next(iter(env.sandbox.tenants))


async def test_cancel() -> None:
    env = SandboxFixture.make()
    page = Page((await open_page(env)).read().decode())
    response = await decide(env, page, decision="deny")
    assert parse_qs(urlsplit(response.header("Location") or "").query) == {
        "error": ["access_denied"],
        "state": ["a state"],
    }


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"client_id": None}, "invalid_request"),
        ({"client_id": "F" * 32}, "Unknown client or client not enabled"),
        ({"redirect_uri": "http://127.0.0.1:8765/callback"}, "Invalid redirect_uri"),
        ({"redirect_uri": "http://localhost:8765/callback/"}, "Invalid redirect_uri"),
        ({"redirect_uri": "http://localhost:9999/callback"}, "Invalid redirect_uri"),
        ({"redirect_uri": None}, "Missing redirect_uri"),
        ({"response_type": "token"}, "invalid_request"),
        ({"scope": "practicemanager.everything"}, "invalid_scope"),
        ({"scope": ""}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
    ],
)
async def test_errors_are_pages_that_never_return(changes: dict[str, str | None], words: str) -> None:
    response = await open_page(SandboxFixture.make(), **changes)
    assert response.status == 400
    assert response.header("Location") is None
    assert (response.header("Content-Type") or "").startswith("text/html")
    assert words in response.read().decode()


async def test_scopes_that_are_not_attached_to_the_app() -> None:
    env = SandboxFixture.make()
    response = await env.send(
        "GET", f"{AUTHORIZE}?{env.authorize_query('practicemanager', UNATTACHED_APP)}", bare=True
    )
    assert "unauthorized_client : Invalid scope for client" in response.read().decode()


async def test_a_web_app_needs_no_challenge() -> None:
    env = SandboxFixture.make()
    response = await env.send("GET", f"{AUTHORIZE}?{env.authorize_query(app=WEB_APP)}", bare=True)
    assert response.status == 200


async def test_a_person_without_the_permission_is_offered_nothing() -> None:
    env = SandboxFixture.make(user="tom")
    text = (await open_page(env)).read().decode()
    page = Page(text)
    assert "You don't have access to connect any Xero Practice Manager accounts" in text
    assert page.options == []
    assert [value for tag, _, value in page.fields if tag == "button"] == ["deny"]
    assert (await decide(env, page, decision="allow")).status == 400


async def test_other_tenants_are_offered_on_demand() -> None:
    env = SandboxFixture.make(user="tom", offer_other_tenants=True)
    page = Page((await open_page(env)).read().decode())
    assert [value for value, _ in page.options] == list(env.sandbox.tenants)[2:]


async def test_text_in_the_page_is_escaped() -> None:
    env = SandboxFixture.make()
    response = await open_page(env, state='"><script>x</script>')
    assert b"<script>" not in response.read()


async def test_connections_list_filter_and_shape() -> None:
    env = await SandboxFixture.ready()
    await env.log_in(tenant="Te Aroha Bookkeeping")
    response = await env.send("GET", "/connections")
    rows = json.loads(response.read())
    assert [row["tenantName"] for row in rows] == ["Harbour & Hill Accountants", "Te Aroha Bookkeeping"]
    assert {row["tenantType"] for row in rows} == {"PRACTICEMANAGER"}
    assert len(rows[0]["createdDateUtc"].split(".")[1]) == 7
    assert response.header("X-AppMinLimit-Remaining") is not None
    assert response.header("X-MinLimit-Remaining") is None
    only = await env.send("GET", f"/connections?authEventId={rows[1]['authEventId']}")
    assert [row["id"] for row in json.loads(only.read())] == [rows[1]["id"]]


async def test_disconnect_and_reconnect() -> None:
    env = await SandboxFixture.ready()
    (row,) = json.loads((await env.send("GET", "/connections")).read())
    gone = await env.send("DELETE", f"/connections/{row['id']}")
    assert (gone.status, gone.read()) == (204, b"")
    assert (await env.send("DELETE", f"/connections/{row['id']}")).status == 404
    assert (await env.send("GET", "/connections")).read() == b"[]"
    refused = await env.call("GET", "staff.api/list")
    assert refused.status == 403
    assert json.loads(refused.read())["Title"] == "Forbidden"
    assert refused.header("X-MinLimit-Remaining") is None
    env.sandbox.clock.advance(3600)
    await env.log_in()
    (again,) = json.loads((await env.send("GET", "/connections")).read())
    assert again["id"] == row["id"]
    assert again["createdDateUtc"] == row["createdDateUtc"] < again["updatedDateUtc"]


async def test_null_names_and_other_types() -> None:
    env = await SandboxFixture.ready(null_tenant_names=True)
    for tenant in list(env.sandbox.tenants)[2:]:
        await env.control("POST", "connect", {"tenant": tenant})
    rows = json.loads((await env.send("GET", "/connections")).read())
    assert [(row["tenantType"], row["tenantName"] is None) for row in rows] == [
        ("PRACTICEMANAGER", True),
        ("ORGANISATION", False),
        ("PRACTICE", False),
    ]
    env.tenant = rows[1]["tenantId"]
    assert (await env.call("GET", "staff.api/list")).status == 403


async def test_permission_taken_away_later() -> None:
    env = await SandboxFixture.ready()
    await env.control("POST", "permission", {"allowed": False})
    assert (await env.call("GET", "staff.api/list")).status == 403
    await env.control("POST", "permission", {"allowed": True})
    assert (await env.call("GET", "staff.api/list")).status == 200


async def test_consent_by_control() -> None:
    env = SandboxFixture.make()
    url = f"{env.sandbox.urls.login}{AUTHORIZE}?{env.authorize_query(FULL_SCOPE)}"
    denied = await env.control("POST", "consent", {"authorize_url": url, "deny": True})
    assert "error=access_denied" in denied["redirect"]
    recorder = list(env.sandbox.tenants)[2]
    taken = await env.control("POST", "consent", {"authorize_url": url, "tenant": recorder, "user": "tom"})
    assert "code=" in taken["redirect"]
    nothing = await env.control_call("POST", "consent", {"authorize_url": url, "user": "tom"})
    assert nothing.status == 400
    unknown = await env.control_call("POST", "consent", {"authorize_url": url, "tenant": "Nobody"})
    assert unknown.status == 400
