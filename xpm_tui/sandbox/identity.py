"""identity.xero.com and /connections: tokens, revocation, user info, discovery and connected tenants.

Access and identity tokens are JSON Web Tokens (RFC 7519), signed with RS256 as Xero's are. The key is created
when it is first needed, and its public half is published for OpenID clients.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from urllib.parse import unquote_plus

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from xpm_tui.sandbox.clock import MINUTE, stamp7, uuid_from
from xpm_tui.sandbox.grants import (
    APPS,
    CODE_LIFE,
    USERS,
    AccessToken,
    App,
    Code,
    Connection,
    Grants,
    RefreshToken,
)
from xpm_tui.sandbox.http import HttpRequest, Response, respond, respond_json
from xpm_tui.sandbox.records import SandboxTenant
from xpm_tui.sandbox.switches import Switches

KEY_ID = "SANDBOX"
EXPONENT, BITS = 65_537, 2_048
"""Parameters of the signing key."""


@cache
def _signing_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=EXPONENT, key_size=BITS)


def public_key() -> dict[str, str]:
    """Return the public key as a JSON Web Key (RFC 7517)."""
    numbers = _signing_key().public_key().public_numbers()
    return {
        "kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID,
        "n": _encode(numbers.n.to_bytes(BITS // 8, "big")), "e": _encode(numbers.e.to_bytes(3, "big")),
    }  # fmt: skip


def jwt(claims: Mapping[str, object]) -> str:
    """Return a compact signed token."""
    signed = f"{_part({'alg': 'RS256', 'kid': KEY_ID, 'typ': 'JWT'})}.{_part(claims)}"
    signature = _signing_key().sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{_encode(signature)}"


def challenge_of(verifier: str) -> str:
    """Return the S256 code challenge of a verifier (RFC 7636, section 4.2)."""
    return _encode(hashlib.sha256(verifier.encode("ascii", "replace")).digest())


def _part(value: Mapping[str, object]) -> str:
    return _encode(json.dumps(value, separators=(",", ":")).encode())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


CONNECTIONS_PATH = "/connections"


def is_connections_path(path: str) -> bool:
    """Return whether a path is that of the connections or of one of them."""
    return path == CONNECTIONS_PATH or path.startswith(CONNECTIONS_PATH + "/")


def answer_connections(
    request: HttpRequest,
    token: AccessToken,
    grants: Grants,
    tenants: dict[str, SandboxTenant],
    switches: Switches,
) -> Response:
    """Answer GET /connections, filtered by `authEventId`, and DELETE /connections/{id}."""
    rows = grants.active_connections(token.app, token.user)
    if request.path == CONNECTIONS_PATH:
        if request.method != "GET":
            return respond(405, b"", None, ("Allow", "GET"))
        event = request.parameters.get("autheventid")
        shown = [row for row in rows if event is None or row.event == event.lower()]
        return respond_json(200, [_as_json(row, tenants[row.tenant], switches) for row in shown])
    wanted = request.path.removeprefix(CONNECTIONS_PATH + "/").lower()
    if request.method != "DELETE":
        return respond(405, b"", None, ("Allow", "DELETE"))
    if all(row.uuid != wanted for row in rows):
        return respond(404)
    grants.disconnect(wanted)
    return respond(204)


def _as_json(row: Connection, tenant: SandboxTenant, switches: Switches) -> dict[str, object]:
    nameless = switches.null_tenant_names and tenant.kind == "PRACTICEMANAGER"
    return {
        "id": row.uuid,
        "authEventId": row.event,
        "tenantId": tenant.uuid,
        "tenantType": tenant.kind,
        "tenantName": None if nameless else tenant.name,
        "createdDateUtc": stamp7(row.created),
        "updatedDateUtc": stamp7(row.updated),
    }


ISSUER = "https://identity.xero.com"
_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")
_Handler = Callable[[HttpRequest, Mapping[str, str], float, Switches], Response]
_NO_STORE = ("Cache-Control", "no-store, no-cache, max-age=0")


class TokenError(Exception):
    """An OAuth error response, by its code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class IdentityHost:
    """The identity host."""

    grants: Grants
    login_url: str
    identity_url: str

    def answer(self, request: HttpRequest, now: float, switches: Switches) -> Response:
        """Answer a request to the identity host."""
        path = request.path
        if path == "/connect/token":
            return self._posted(request, self._token, now, switches)
        if path == "/connect/revocation":
            return self._posted(request, self._revocation, now, switches)
        if path == "/connect/userinfo":
            return self._userinfo(request, now)
        if path == "/.well-known/openid-configuration":
            return respond_json(200, self._discovery())
        if path == "/.well-known/openid-configuration/jwks":
            return respond_json(200, {"keys": [public_key()]})
        return respond(404)

    def check(self, token: str | None, now: float) -> AccessToken | str:
        """Return the access token, or the detail of the gateway's 401."""
        found = self.grants.access.get(token or "")
        if found is None or found.revoked:
            return "AuthenticationUnsuccessful"
        return found

    def _posted(self, request: HttpRequest, handler: _Handler, now: float, switches: Switches) -> Response:
        if request.method != "POST":
            return respond(405, b"", None, ("Allow", "POST"))
        try:
            return handler(request, request.form, now, switches)
        except TokenError as error:
            return respond_json(400, {"error": error.code}, _NO_STORE)

    def _token(
        self, request: HttpRequest, form: Mapping[str, str], now: float, switches: Switches
    ) -> Response:
        kind = form.get("grant_type")
        if kind not in ("authorization_code", "refresh_token"):
            raise TokenError("unsupported_grant_type")
        app = _authenticated(request, form)
        if kind == "authorization_code":
            code = self._redeem(app, form, now)
            user, event, nonce = code.user, code.event, code.nonce
        else:
            user, event, nonce = *self._rotate(app, form, now), None
        return respond_json(200, self._tokens(app, user, event, nonce, now, switches), _NO_STORE)

    def _redeem(self, app: App, form: Mapping[str, str], now: float) -> Code:
        """Consume a code. It is invalid after the first attempt, successful or not."""
        code = self.grants.codes.pop(form.get("code", ""), None)
        if code is None or code.app != app.client_id or now - code.born > CODE_LIFE:
            raise TokenError("invalid_grant")
        if form.get("redirect_uri") != code.redirect:
            raise TokenError("invalid_grant")
        if code.challenge is not None:
            verifier = form.get("code_verifier", "")
            if not _VERIFIER.fullmatch(verifier) or not hmac.compare_digest(
                challenge_of(verifier), code.challenge
            ):
                raise TokenError("invalid_grant")
        return code

    def _rotate(self, app: App, form: Mapping[str, str], now: float) -> tuple[str, str]:
        """Mark a refresh token as used; it can be used again within the grace period."""
        text = form.get("refresh_token", "")
        token = self.grants.refresh.get(text)
        if token is None or token.app != app.client_id or not token.is_valid(now):
            raise TokenError("invalid_grant")
        if token.rotated is None:
            self.grants.refresh[text] = replace(token, rotated=now)
        return token.user, token.event

    def _tokens(
        self, app: App, user: str, event: str, nonce: str | None, now: float, switches: Switches
    ) -> dict[str, object]:
        grants = self.grants
        scopes = grants.scopes.get((app.client_id, user), frozenset())
        person, seed = USERS[user], grants.ids.seed
        subject = uuid_from(0, "user", list(USERS).index(user))
        life = switches.access_token_life
        common = {"nbf": int(now), "iss": ISSUER, "sub": subject.replace("-", ""), "auth_time": int(now)}
        personal = {"xero_userid": subject, "global_session_id": uuid_from(seed, "session", int(now))}
        claims = {
            **common,
            "exp": int(now + life),
            "aud": f"{ISSUER}/resources",
            "client_id": app.client_id,
            **personal,
            "jti": grants.ids.uuid("token").replace("-", "").upper(),
            "authentication_event_id": event,
            "scope": sorted(scopes),
            "amr": ["pwd"],
        }
        access = jwt(claims)
        grants.access[access] = AccessToken(app.client_id, user, scopes, now + life, event)
        reply: dict[str, object] = {}
        if "openid" in scopes:
            extra: dict[str, object] = {"exp": int(now + 5 * MINUTE), "aud": app.client_id, "iat": int(now)}
            first, _, last = person.name.partition(" ")
            if "email" in scopes:
                extra |= {"email": person.email}
            if "profile" in scopes:
                extra |= {"name": person.name, "given_name": first, "family_name": last}
            if nonce is not None:
                extra |= {"nonce": nonce}
            reply["id_token"] = jwt({**common, **personal, **extra})
        reply |= {"access_token": access, "expires_in": int(life), "token_type": "Bearer"}
        if "offline_access" in scopes:
            refresh = grants.ids.opaque("refresh token")
            grants.refresh[refresh] = RefreshToken(app.client_id, user, event, now)
            reply["refresh_token"] = refresh
        return {**reply, "scope": " ".join(sorted(scopes))}

    def _revocation(
        self, request: HttpRequest, form: Mapping[str, str], now: float, switches: Switches
    ) -> Response:
        """Revoke a token (RFC 7009: an unknown one is answered with 200, too)."""
        app = _authenticated(request, form)
        text = form.get("token", "")
        found = self.grants.refresh.get(text) or self.grants.access.get(text)
        if found is not None and found.app == app.client_id:
            self.grants.revoke(found.app, found.user)
        return respond(200)

    def _userinfo(self, request: HttpRequest, now: float) -> Response:
        token = self.check(request.bearer, now)
        if isinstance(token, str) or token.expires <= now or "openid" not in token.scopes:
            return respond(401, b"", None, ("WWW-Authenticate", "Bearer error=invalid_token"))
        person = USERS[token.user]
        first, _, last = person.name.partition(" ")
        subject = uuid_from(0, "user", list(USERS).index(token.user))
        value = {
            "sub": subject.replace("-", ""),
            "xero_userid": subject,
            "name": person.name,
            "given_name": first,
            "family_name": last,
            "email": person.email,
        }
        return respond_json(200, value)

    def _discovery(self) -> dict[str, object]:
        identity = self.identity_url
        return {
            "issuer": ISSUER,
            "jwks_uri": f"{identity}/.well-known/openid-configuration/jwks",
            "authorization_endpoint": f"{self.login_url}/identity/connect/authorize",
            "token_endpoint": f"{identity}/connect/token",
            "userinfo_endpoint": f"{identity}/connect/userinfo",
            "revocation_endpoint": f"{identity}/connect/revocation",
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        }


def _authenticated(request: HttpRequest, form: Mapping[str, str]) -> App:
    """Return the calling app: a web app by Basic header or secret, a PKCE app by its id alone."""
    header = request.headers.get("authorization", "")
    secret: str | None
    if header:
        client_id, secret = _basic(header)
    else:
        client_id, secret = form.get("client_id", ""), form.get("client_secret")
    app = APPS.get(client_id)
    if app is None:
        raise TokenError("invalid_client")
    if app.secret is None and secret is not None:
        raise TokenError("unauthorized_client")
    if app.secret is not None and not hmac.compare_digest((secret or "").encode(), app.secret.encode()):
        raise TokenError("invalid_client")
    return app


def _basic(header: str) -> tuple[str, str]:
    """Return id and secret of a Basic header (RFC 6749, section 2.3.1: both form-encoded)."""
    kind, _, text = header.partition(" ")
    try:
        if kind.lower() != "basic":
            raise TokenError("invalid_client")
        client_id, _, secret = base64.b64decode(text.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise TokenError("invalid_client") from error
    return unquote_plus(client_id), unquote_plus(secret)
