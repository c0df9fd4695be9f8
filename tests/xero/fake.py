"""A scripted Xero for tests: answers with hand-made replies, and records the requests."""

from __future__ import annotations

import base64
import json
import random
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import parse_qs

import httpx

from tests.support.moved_clock import MovedClock
from xpm_tui.domain.events import Event
from xpm_tui.domain.ports import Clock
from xpm_tui.domain.secret import Secret
from xpm_tui.xero.config import WireConfig
from xpm_tui.xero.wiring import Wire, open_wire

TENANT = "9d2f4c31-0c8e-4b57-a1f6-3e7785b2d904"
CONNECTION = "5b0f1c9e-77aa-4f0c-9a53-0f4d7c1b2e10"
CORRELATION = "8b1f0000-0000-4000-8000-000000000001"

Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class Sink:
    """Keeps events."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def emit(self, event: Event) -> None:
        self.events.append(event)


class Body(httpx.AsyncByteStream):
    """A body in pieces, which may end in an error."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self.pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece


def jwt(**claims: object) -> str:
    """An unsigned token with claims."""
    inner = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{inner}.c2ln"


def xml(body: bytes, status: int = 200, **headers: str) -> httpx.Response:
    """A Practice Manager reply."""
    return httpx.Response(
        status,
        content=body,
        headers={
            "content-type": "text/xml; charset=utf-8",
            "xero-correlation-id": CORRELATION,
            "date": "Mon, 04 May 2026 09:00:07 GMT",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        },
    )


def gateway(status: int, title: str, detail: str) -> httpx.Response:
    """An error of the gateway, in JSON."""
    body = {"Type": None, "Title": title, "Status": status, "Detail": detail, "Instance": CORRELATION}
    return httpx.Response(status, json=body, headers={"xero-correlation-id": CORRELATION})


class FakeXero(httpx.AsyncBaseTransport):
    """Answers the API from a queue, the identity server and connections by themselves."""

    def __init__(self) -> None:
        self.answers: deque[Answer] = deque()
        self.asked: list[httpx.Request] = []
        self.token_calls: list[dict[str, list[str]]] = []
        self.refresh = 1
        self.connection_answers: deque[Answer] = deque()
        self.token_answers: deque[Answer] = deque()
        self.tenants: list[dict[str, object]] = [
            {
                "id": CONNECTION,
                "authEventId": CONNECTION,
                "tenantId": TENANT,
                "tenantType": "PRACTICEMANAGER",
                "tenantName": None,
                "createdDateUtc": "2026-03-02T22:14:07.1234560",
                "updatedDateUtc": "2026-03-02T22:14:07.1250480",
            }
        ]

    def then(self, *answers: Answer) -> FakeXero:
        """Queue answers of the API; the last one stays."""
        self.answers.extend(answers)
        return self

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        if request.url.path.startswith("/connect/"):
            return self._identity(request)
        self.asked.append(request)
        if request.url.path.startswith("/connections"):
            if self.connection_answers:
                return _give(self.connection_answers.popleft(), request)
            return (
                httpx.Response(204) if request.method == "DELETE" else httpx.Response(200, json=self.tenants)
            )
        answer = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        return _give(answer, request)

    def _identity(self, request: httpx.Request) -> httpx.Response:
        form = parse_qs(request.content.decode())
        self.token_calls.append(form)
        if self.token_answers:
            return _give(self.token_answers.popleft(), request)
        if request.url.path.endswith("/revocation"):
            return httpx.Response(200)
        self.refresh += 1
        return token_reply(self.refresh)


def token_reply(n: int, **more: object) -> httpx.Response:
    """A pair of tokens."""
    body = {
        "access_token": jwt(jti=n, scope=["a"], authentication_event_id=CONNECTION),
        "refresh_token": f"canary-refresh-{n}",
        "expires_in": 1800,
        "token_type": "Bearer",
        "scope": "offline_access practicemanager.client",
        "id_token": jwt(given_name="Ana", family_name="Silva", email="ana@kowhai.example"),
        **more,
    }
    return httpx.Response(200, json=body)


def _give(answer: Answer, request: httpx.Request) -> httpx.Response:
    if isinstance(answer, Exception):
        raise answer
    if isinstance(answer, httpx.Response):
        if isinstance(answer.stream, Body):
            return httpx.Response(answer.status_code, headers=answer.headers, stream=answer.stream)
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
    return answer(request)


CONFIG = WireConfig(client_id="A1B2C3")


def open_fake(
    folder: Path, fake: FakeXero, *, clock: Clock | None = None, sink: Sink | None = None,
    config: WireConfig = CONFIG,
) -> Wire:  # fmt: skip
    """A wire to the fake, its files under ``folder``."""
    return open_wire(
        config,
        state_folder=folder / "state",
        config_folder=folder / "config",
        use_keyring=False,
        clock=clock or MovedClock(),
        events=sink or Sink(),
        transport=fake,
        person="tester",
        environ={},
        jitter=random.Random(1),
    )


async def sign_in(wire: Wire) -> None:
    """Sign in at the fake."""
    begun = wire.login.begin()
    await wire.login.redeem(begun, Secret("canary-code"))
