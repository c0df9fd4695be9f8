"""Tokens: exchange, rotation with its grace, revocation."""

from __future__ import annotations

import base64
import json

import pytest
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet

from tests.sandbox.fixtures import FULL_SCOPE, SandboxFixture
from xpm_tui.sandbox.clock import DAY, MINUTE
from xpm_tui.sandbox.grants import APPS, BROAD_APP, DEFAULT_APP, GRANULAR_APP, WEB_APP, App
from xpm_tui.sandbox.http import Response


def oauth_error(response: Response) -> tuple[int, str]:
    return response.status, json.loads(response.read())["error"]


@pytest.mark.parametrize("app", [DEFAULT_APP, WEB_APP], ids=["pkce", "secret"])
async def test_exchange_and_refresh(app: App) -> None:
    env = SandboxFixture.make()
    tokens = await env.log_in(app=app)
    assert tokens["expires_in"] == 1800
    assert tokens["token_type"] == "Bearer"
    assert set(tokens["scope"].split()) == set(FULL_SCOPE.split())
    again = json.loads((await env.refresh_call(env.refresh, app)).read())
    assert again["refresh_token"] != env.refresh
    assert again["access_token"] != env.token


async def test_access_token_is_a_jwt_with_the_claims_seen() -> None:
    env = await SandboxFixture.ready()
    head, body, signature = env.token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    assert json.loads(base64.urlsafe_b64decode(head + "=="))["typ"] == "JWT"
    assert signature
    assert claims["exp"] - claims["nbf"] == 1800
    assert claims["client_id"] == DEFAULT_APP.client_id
    assert isinstance(claims["scope"], list)
    assert {"xero_userid", "authentication_event_id", "jti", "global_session_id"} <= set(claims)


async def test_id_and_refresh_token_only_with_their_scopes() -> None:
    env = SandboxFixture.make()
    tokens = await env.log_in("practicemanager.read")
    assert "id_token" not in tokens
    assert "refresh_token" not in tokens
    tokens = await env.log_in("openid practicemanager.read")
    reply = await env.send("GET", "/.well-known/openid-configuration/jwks")
    keys = KeySet.import_key_set(json.loads(reply.read()))
    for name in ("id_token", "access_token"):
        token = jwt.decode(tokens[name], keys, algorithms=["RS256"])
        assert token.claims["iss"] == "https://identity.xero.com"
    signed, _, _ = tokens["id_token"].rpartition(".")
    _, _, other = tokens["access_token"].rpartition(".")
    with pytest.raises(BadSignatureError):
        jwt.decode(f"{signed}.{other}", keys, algorithms=["RS256"])


async def test_scopes_are_additive_until_revoked() -> None:
    env = SandboxFixture.make()
    await env.log_in("offline_access practicemanager")
    tokens = await env.log_in("offline_access practicemanager.read")
    assert set(tokens["scope"].split()) == {"offline_access", "practicemanager", "practicemanager.read"}
    await env.revoke(env.refresh)
    tokens = await env.log_in("offline_access practicemanager.read")
    assert set(tokens["scope"].split()) == {"offline_access", "practicemanager.read"}


async def test_a_code_dies_with_its_use() -> None:
    env = SandboxFixture.make()
    form = env.code_grant(await env.code())
    assert (await env.token_call(form)).status == 200
    assert oauth_error(await env.token_call(form)) == (400, "invalid_grant")


@pytest.mark.parametrize(("age", "status"), [(5 * MINUTE, 200), (5 * MINUTE + 1, 400)])
async def test_a_code_lives_five_minutes(age: float, status: int) -> None:
    env = SandboxFixture.make()
    form = env.code_grant(await env.code())
    env.sandbox.clock.advance(age)
    assert (await env.token_call(form)).status == status


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"code_verifier": "short"}, "invalid_grant"),
        ({"redirect_uri": "http://localhost:8766/callback"}, "invalid_grant"),
        ({"code": "unknown"}, "invalid_grant"),
        ({"client_id": GRANULAR_APP.client_id}, "invalid_grant"),
        ({"client_id": "0" * 32}, "invalid_client"),
        ({"client_secret": "one too many"}, "unauthorized_client"),
        ({"client_id": WEB_APP.client_id}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
async def test_what_a_token_call_refuses(change: dict[str, str], error: str) -> None:
    env = SandboxFixture.make()
    form = env.code_grant(await env.code()) | change
    assert oauth_error(await env.token_call(form)) == (400, error)


async def test_a_json_body_is_not_understood() -> None:
    env = SandboxFixture.make()
    body = json.dumps(env.code_grant(await env.code())).encode()
    reply = await env.send("POST", "/connect/token", body, {"content-type": "application/json"}, bare=True)
    assert oauth_error(reply) == (400, "unsupported_grant_type")


async def test_wrong_secret() -> None:
    env = SandboxFixture.make()
    wrong = App(WEB_APP.client_id, "", WEB_APP.scopes, secret="guess")
    form = env.code_grant(await env.code(app=WEB_APP), WEB_APP)
    assert oauth_error(await env.token_call(form, wrong)) == (400, "invalid_client")


@pytest.mark.parametrize(("age", "status"), [(30 * MINUTE, 200), (30 * MINUTE + 1, 400)])
async def test_a_rotated_refresh_token_has_thirty_minutes_of_grace(age: float, status: int) -> None:
    env = await SandboxFixture.ready()
    first = json.loads((await env.refresh_call(env.refresh)).read())["refresh_token"]
    env.sandbox.clock.advance(age)
    assert (await env.refresh_call(env.refresh)).status == status
    assert (await env.refresh_call(first)).status == 200


@pytest.mark.parametrize(("age", "status"), [(60 * DAY, 200), (60 * DAY + 1, 400)])
async def test_a_refresh_token_dies_after_sixty_idle_days(age: float, status: int) -> None:
    env = await SandboxFixture.ready()
    env.sandbox.clock.advance(age)
    assert (await env.refresh_call(env.refresh)).status == status


async def test_the_access_token_expires_after_thirty_minutes() -> None:
    env = await SandboxFixture.ready()
    env.sandbox.clock.advance(30 * MINUTE - 1)
    assert (await env.call("GET", "staff.api/list")).status == 200
    env.sandbox.clock.advance(1)
    response = await env.call("GET", "staff.api/list")
    error = json.loads(response.read())
    assert response.status == 401
    assert error["Detail"] == "TokenExpired: token expired at 09/14/2026 10:00:00"
    assert response.header("www-authenticate") == "Bearer error=invalid_token"


async def test_revocation_cuts_all_connections_and_tokens() -> None:
    env = await SandboxFixture.ready()
    reply = await env.revoke(env.refresh)
    assert (reply.status, reply.read()) == (200, b"")
    assert (await env.send("GET", "/connections")).status == 401
    assert oauth_error(await env.refresh_call(env.refresh)) == (400, "invalid_grant")
    assert (await env.revoke(env.refresh)).status == 200
    assert (await env.revoke("never was")).status == 200


async def test_user_info_and_discovery() -> None:
    env = await SandboxFixture.ready()
    user = json.loads((await env.send("GET", "/connect/userinfo")).read())
    assert user["name"] == "Ana Silva"
    found = json.loads((await env.send("GET", "/.well-known/openid-configuration")).read())
    assert found["issuer"] == "https://identity.xero.com"
    assert found["token_endpoint"] == f"{env.sandbox.urls.identity}/connect/token"
    assert (await env.send("GET", "/connect/token")).status == 405


async def test_each_host_answers_only_its_own_paths() -> None:
    env = await SandboxFixture.ready()
    assert (await env.send("POST", "/connect/token", host="login")).status == 404
    assert (await env.send("GET", "/connections", host="identity")).status == 404
    assert (await env.send("GET", "/connections", host="api")).status == 200


def test_client_ids_look_like_xeros() -> None:
    assert all(len(key) == 32 and key == key.upper() and int(key, 16) for key in APPS)


async def test_no_secret_in_the_record_or_in_a_repr() -> None:
    env = await SandboxFixture.ready()
    await env.refresh_call(env.refresh)
    shown = repr(env.sandbox.log.rows()) + repr(env.sandbox.grants) + repr(WEB_APP)
    for secret in (env.token, env.refresh, "v" * 43, WEB_APP.secret or ""):
        assert secret not in shown


async def test_same_seed_and_clock_same_tokens() -> None:
    one, two, other = (
        await SandboxFixture.ready(),
        await SandboxFixture.ready(),
        await SandboxFixture.ready(seed=2),
    )
    assert (one.token, one.refresh) == (two.token, two.refresh)
    assert one.token != other.token


async def test_broad_only_app_may_not_ask_for_granular() -> None:
    env = SandboxFixture.make()
    assert await env.code("practicemanager", app=BROAD_APP)
    url = f"{env.sandbox.urls.login}/x?{env.authorize_query('practicemanager.client', BROAD_APP)}"
    assert (await env.control_call("POST", "consent", {"authorize_url": url})).status == 400
