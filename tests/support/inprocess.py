"""The sandbox without sockets, as an httpx transport: same bytes, simulated time, faults enacted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx

from tests.support.moved_clock import MovedClock
from xpm_tui.domain.ports import Clock
from xpm_tui.sandbox.clock import SandboxClock as SandboxClock
from xpm_tui.sandbox.http import Ending, HttpRequest, Response
from xpm_tui.sandbox.simulator import Sandbox, Urls

ORIGIN = "http://127.0.0.1:8799"


def make_sandbox(clock: Clock, *, clients: int = 12, seed: int = 1) -> Sandbox:
    """A sandbox that lives by ``clock`` and calls itself ``ORIGIN``."""
    time = SandboxClock(lambda: clock.now().timestamp())
    return Sandbox(seed=seed, clients=clients, clock=time, urls=Urls(ORIGIN, ORIGIN, ORIGIN))


def addresses(sandbox: Sandbox) -> dict[str, str]:
    """Settings that lead to it."""
    greeting = sandbox.greeting()
    return {
        "xero.login_url": str(greeting["login_url"]),
        "xero.identity_url": str(greeting["identity_url"]),
        "xero.api_url": str(greeting["api_url"]),
        "xero.client_id": str(greeting["client_id"]),
    }


class InProcess(httpx.AsyncBaseTransport):
    """Carries requests to a :class:`Sandbox` and its responses back, in simulated time.

    ``sent`` counts requests by ``METHOD endpoint``.
    """

    def __init__(self, sandbox: Sandbox, clock: Clock | None = None) -> None:
        self.sandbox = sandbox
        self.clock = clock or MovedClock()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        response = await self.sandbox.handle(
            HttpRequest(
                method=request.method,
                path=httpx.URL(request.url).path,
                query=request.url.query.decode("ascii"),
                headers={name.lower(): value for name, value in request.headers.items()},
                body=body,
            )
        )
        if response.delay:
            await self.clock.sleep(response.delay)
        if response.ending in (Ending.RESET, Ending.HANG):
            response.body.close()
            if response.ending is Ending.RESET:
                raise httpx.ReadError("connection reset by the sandbox", request=request)
            raise httpx.ReadTimeout("the sandbox never answers", request=request)
        headers = [*response.headers]
        if response.length is not None:
            headers.append(("Content-Length", str(response.length)))
        return httpx.Response(
            response.status, headers=headers, stream=_Stream(response, self.clock), request=request
        )

    def asked(self, endpoint: str) -> int:
        """How many requests came in for an endpoint, such as ``client.api/list``."""
        return len(self.sandbox.log.rows(lambda row: row.endpoint == endpoint))


class _Stream(httpx.AsyncByteStream):
    def __init__(self, response: Response, clock: Clock) -> None:
        self._response = response
        self._clock = clock

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._response.body:
            yield chunk
            if self._response.pace:
                await self._clock.sleep(self._response.pace)
        if self._response.ending is Ending.CUT:
            raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")

    async def aclose(self) -> None:
        self._response.body.close()


def consent(sandbox: Sandbox, authorize_url: str, **choice: Any) -> str:
    """Allow access (or ``deny=True``) without a browser; gives the redirect address."""
    import asyncio
    import json

    body = json.dumps({"authorize_url": authorize_url, **choice}).encode()
    request = HttpRequest(
        "POST", "/_sandbox/consent", headers={"content-type": "application/json"}, body=body
    )

    async def ask() -> Response:
        return await sandbox.handle(request)

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        response = asyncio.run(ask())
    else:
        step = ask()
        try:
            step.send(None)
        except StopIteration as ended:
            response = ended.value
        else:  # pragma: no cover - the sandbox answers without waiting
            raise AssertionError("the sandbox waited")
    answer = json.loads(response.read())
    return str(answer["redirect"])
