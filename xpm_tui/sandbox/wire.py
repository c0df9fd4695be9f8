"""The sandbox as an ASGI application, with a fault layer below the HTTP server for resets and cuts."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import unquote

from uvicorn.protocols.http.h11_impl import H11Protocol

from xpm_tui.sandbox.core.http import Ending, Host, HttpRequest, Response
from xpm_tui.sandbox.core.sandbox import Sandbox

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

LONGEST_BODY = 32 * 1024 * 1024

Place = tuple[tuple[str, int] | None, tuple[str, int | None] | None]
"""The two ends of a connection."""

_transports: dict[Place, asyncio.Transport] = {}
"""Open connections by their ends: how an application reaches the socket under its server."""


class Protocol(H11Protocol):
    """HTTP/1.1 that leaves the transport where the fault layer finds it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Register the transport of a connection."""
        super().connection_made(transport)
        _transports[self.client, self.server] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Remove the transport of a connection."""
        _transports.pop((self.client, self.server), None)
        super().connection_lost(exc)


class Application:
    """ASGI 3 over one sandbox, playing one host of Xero's or all three."""

    def __init__(self, sandbox: Sandbox, host: Host = "any") -> None:
        self._sandbox = sandbox
        self._host = host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request (ASGI)."""
        if scope["type"] != "http":
            return
        body = await _read(receive)
        if body is None:
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if body:  # RFC 9110, section 8.3: what a body without a type counts as
            headers.setdefault("content-type", "application/octet-stream")
        request = HttpRequest(
            scope["method"],
            unquote(scope["raw_path"].decode("latin-1")),
            scope["query_string"].decode("latin-1"),
            headers,
            body,
            self._host,
        )
        response = await self._sandbox.handle(request)
        try:
            await _carry(response, scope, receive, send)
        finally:
            response.body.close()


async def _read(receive: Receive) -> bytes | None:
    """The body, None if the caller left before it was whole. What exceeds 32 MB is read and dropped."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        size += len(message.get("body", b""))
        if size <= LONGEST_BODY:
            parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def _carry(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    place: Place = scope["client"], scope["server"]
    if response.delay:
        await asyncio.sleep(response.delay)
    if response.ending is Ending.RESET:
        _reset(_transports.get(place))
        return
    if response.ending is Ending.HANG:
        while (await receive())["type"] != "http.disconnect":
            pass
        return
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    if response.length is not None and response.status not in (204, 304):
        headers.append((b"content-length", str(response.length).encode("ascii")))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    for chunk in response.body:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await asyncio.sleep(response.pace)
        if place not in _transports:
            return
    if response.ending is Ending.CUT:
        transport = _transports.get(place)
        if transport is not None:
            transport.close()
        return
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _reset(transport: asyncio.Transport | None) -> None:
    """Close with a TCP reset: lingering for no time throws the connection away (socket(7))."""
    if transport is None:
        return
    raw = transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
