"""A user of the sandbox: logs in, calls, reads answers."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from lxml import etree

from xpm_tui.sandbox.clock import SandboxClock
from xpm_tui.sandbox.grants import BROAD_SCOPES, DEFAULT_APP, REDIRECTS, App
from xpm_tui.sandbox.http import Host, HttpRequest, Response
from xpm_tui.sandbox.simulator import Sandbox
from xpm_tui.sandbox.switches import Switches

VERIFIER = "v" * 43
API = "/practicemanager/3.1/"
FULL_SCOPE = f"offline_access openid profile email {BROAD_SCOPES[0]}"


def challenge(verifier: str = VERIFIER) -> str:
    return base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass
class SandboxFixture:
    """`sandbox` under a clock that stands still; `token` and `tenant` go with every call once logged in."""

    sandbox: Sandbox
    token: str = ""
    refresh: str = ""
    tenant: str = ""
    accept: str = "application/xml"
    extra: dict[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls, clients: int = 12, seed: int = 1, **switches: object) -> SandboxFixture:
        chosen = Switches().changed(switches)
        return cls(Sandbox(seed, clients, SandboxClock.manual(), chosen))

    @classmethod
    async def ready(
        cls, clients: int = 12, seed: int = 1, scope: str = FULL_SCOPE, **switches: object
    ) -> SandboxFixture:
        """Logged in and connected to the first practice."""
        env = cls.make(clients, seed, **switches)
        await env.log_in(scope)
        return env

    def authorize_query(self, scope: str = FULL_SCOPE, app: App = DEFAULT_APP, **changes: str | None) -> str:
        values: dict[str, str | None] = {
            "response_type": "code",
            "client_id": app.client_id,
            "redirect_uri": REDIRECTS[0],
            "scope": scope,
            "state": "a state",
            "code_challenge": None if app.secret else challenge(),
            "code_challenge_method": None if app.secret else "S256",
        }
        return urlencode({name: value for name, value in (values | changes).items() if value is not None})

    async def log_in(
        self, scope: str = FULL_SCOPE, app: App = DEFAULT_APP, **consent: object
    ) -> dict[str, Any]:
        """Consent and token exchange; keeps the tokens and the first practice."""
        code = await self.code(scope, app, **consent)
        reply = await self.token_call(self.code_grant(code, app), app)
        assert reply.status == 200
        tokens: dict[str, Any] = json.loads(reply.read())
        self.token, self.refresh = tokens["access_token"], tokens.get("refresh_token", "")
        self.tenant = self.tenant or next(iter(self.sandbox.tenants))
        return tokens

    async def code(self, scope: str = FULL_SCOPE, app: App = DEFAULT_APP, **consent: object) -> str:
        url = f"{self.sandbox.urls.login}/identity/connect/authorize?{self.authorize_query(scope, app)}"
        answer = await self.control("POST", "consent", {"authorize_url": url, **consent})
        return parse_qs(urlsplit(str(answer["redirect"])).query)["code"][0]

    def code_grant(self, code: str, app: App = DEFAULT_APP) -> dict[str, str]:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECTS[0]}
        return form if app.secret else {**form, "client_id": app.client_id, "code_verifier": VERIFIER}

    async def token_call(
        self, form: Mapping[str, str], app: App = DEFAULT_APP, path: str = "/connect/token"
    ) -> Response:
        headers = {"content-type": "application/x-www-form-urlencoded"}
        if app.secret:
            raw = f"{app.client_id}:{app.secret}".encode()
            headers["authorization"] = f"Basic {base64.b64encode(raw).decode()}"
        return await self.send("POST", path, body=urlencode(form).encode(), headers=headers, bare=True)

    async def refresh_call(self, token: str, app: App = DEFAULT_APP) -> Response:
        form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": app.client_id}
        return await self.token_call(form, app)

    async def revoke(self, token: str, app: App = DEFAULT_APP) -> Response:
        form = {"token": token, "client_id": app.client_id}
        return await self.token_call(form, app, "/connect/revocation")

    async def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        bare: bool = False,
        host: Host = "any",
    ) -> Response:
        """One request; `bare` leaves out token, tenant and Accept."""
        path, _, query = path.partition("?")
        given: dict[str, str] = {} if bare else {"accept": self.accept, **self.extra}
        if self.token and not bare:
            given["authorization"] = f"Bearer {self.token}"
        if self.tenant and not bare:
            given["xero-tenant-id"] = self.tenant
        if body:
            given.setdefault("content-type", "application/xml")
        return await self.sandbox.handle(
            HttpRequest(method, path, query, given | dict(headers or {}), body, host)
        )

    async def call(self, method: str, path: str, body: str = "") -> Response:
        """A Practice Manager call."""
        return await self.send(method, API + path, body.encode())

    async def xml(self, method: str, path: str, body: str = "") -> etree._Element:
        """The reply's root after a good call."""
        response = await self.call(method, path, body)
        text = response.read()
        assert response.status == 200, text
        root = etree.fromstring(text)
        assert root.findtext("Status") == "OK", text
        return root

    async def error(self, method: str, path: str, body: str = "") -> tuple[int, str]:
        """HTTP status and ErrorDescription of a call that fails."""
        response = await self.call(method, path, body)
        root = etree.fromstring(response.read())
        assert root.findtext("Status") == "ERROR"
        return response.status, root.findtext("ErrorDescription") or ""

    async def control(self, method: str, name: str, values: Mapping[str, object] | None = None) -> Any:
        """A /_sandbox call that must go well."""
        response = await self.control_call(method, name, values)
        value = json.loads(response.read())
        assert response.status == 200, value
        return value

    async def control_call(
        self, method: str, name: str, values: Mapping[str, object] | None = None
    ) -> Response:
        body = json.dumps(values).encode() if values is not None else b""
        path, _, query = f"/_sandbox/{name}".rstrip("/").partition("?")
        return await self.sandbox.handle(HttpRequest(method, path, query, {}, body))

    def case(self, name: str) -> list[str]:
        """UUIDs of a hard case."""
        return self.sandbox.practice.cases[name]


def texts(root: etree._Element, path: str) -> list[str]:
    return [found.text or "" for found in root.iterfind(path)]


def tags(element: etree._Element) -> list[str]:
    return [str(child.tag) for child in element]
