"""Serves the sandbox on loopback, in a process of its own.

`xpm-tui sandbox` and `python -m xpm_tui.sandbox` both run it. The sandbox is an ASGI application; resets and
cut connections are produced below the HTTP server.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import struct
import sys
from collections.abc import Awaitable, Callable, Generator, MutableMapping, Sequence
from typing import Any
from urllib.parse import unquote

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from xpm_tui.sandbox.faults import Fault
from xpm_tui.sandbox.http import Ending, Host, HttpRequest, Response
from xpm_tui.sandbox.simulator import Sandbox, Urls
from xpm_tui.sandbox.switches import Switches

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

LONGEST_BODY = 32 * 1024 * 1024

ConnectionKey = tuple[tuple[str, int] | None, tuple[str, int | None] | None]
"""The addresses of both ends of a connection."""

_transports: dict[ConnectionKey, asyncio.Transport] = {}
"""Open connections by their addresses, with which an application reaches the socket of its server."""


class Protocol(H11Protocol):
    """HTTP/1.1 that registers its transport for the injection of faults."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Register the transport of a connection."""
        super().connection_made(transport)
        _transports[self.client, self.server] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Remove the transport of a connection."""
        _transports.pop((self.client, self.server), None)
        super().connection_lost(exc)


class Application:
    """An ASGI 3 application over a sandbox, for one of Xero's hosts or all three."""

    def __init__(self, sandbox: Sandbox, host: Host = "any") -> None:
        self._sandbox = sandbox
        self._host = host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request (ASGI)."""
        if scope["type"] != "http":
            return
        body = await _read_body(receive)
        if body is None:
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if body:  # RFC 9110, section 8.3: the type of a body that states none
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
            await _send_response(response, scope, receive, send)
        finally:
            response.body.close()


async def _read_body(receive: Receive) -> bytes | None:
    """Return the body, or None if the client disconnects early. What exceeds 32 MB is dropped."""
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


async def _send_response(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Send a response, or end the connection as it says."""
    connection: ConnectionKey = scope["client"], scope["server"]
    if response.delay:
        await asyncio.sleep(response.delay)
    if response.ending is Ending.RESET:
        _reset(_transports.get(connection))
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
        if connection not in _transports:
            return
    if response.ending is Ending.CUT:
        transport = _transports.get(connection)
        if transport is not None:
            transport.close()
        return
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _reset(transport: asyncio.Transport | None) -> None:
    """Close with a TCP reset: with a linger time of 0 the connection is dropped (socket(7))."""
    if transport is None:
        return
    raw = transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


LOOPBACK = "127.0.0.1"
PARENT_CHECK = 0.25
"""Seconds between two checks of the parent process."""


class _Server(uvicorn.Server):
    """A server that handles no signals, because several servers share a process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def bind(port: int) -> socket.socket:
    """Return a listening socket on loopback; port 0 selects any free port.

    Raises:
        OSError: The port is in use.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
    except OSError:
        listener.close()
        raise
    listener.listen(128)
    return listener


def run(sandbox: Sandbox, port: int, *, separate_hosts: bool = False, die_with_parent: bool = False) -> None:
    """Serve until SIGTERM or SIGINT. The first line on stdout is the greeting, a JSON object.

    With `separate_hosts`, login, identity and API listen on three ports (the last two on any free ones), so
    that a client that confuses the hosts fails.

    Raises:
        OSError: The port is in use.
    """
    roles: tuple[Host, ...] = ("login", "identity", "api") if separate_hosts else ("any",)
    listeners: list[socket.socket] = []
    try:
        for role in roles:
            listeners.append(bind(port if role == roles[0] else 0))
        origins = [f"http://{LOOPBACK}:{listener.getsockname()[1]}" for listener in listeners]
        sandbox.move_to(Urls(*(origins if separate_hosts else origins * 3)))
        asyncio.run(_serve(sandbox, list(zip(roles, listeners, strict=True)), die_with_parent))
    finally:
        for listener in listeners:
            listener.close()


async def _serve(sandbox: Sandbox, hosts: list[tuple[Host, socket.socket]], die_with_parent: bool) -> None:
    servers = [
        _Server(
            uvicorn.Config(
                Application(sandbox, role),
                http=Protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                server_header=False,
                date_header=False,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=1,
            )
        )
        for role, _ in hosts
    ]

    def stop() -> None:
        for server in servers:
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    watch = asyncio.create_task(_watch_parent(os.getppid(), stop)) if die_with_parent else None
    greet(sandbox)
    await asyncio.gather(
        *(server.serve([listener]) for server, (_, listener) in zip(servers, hosts, strict=True))
    )
    if watch is not None:
        watch.cancel()


def greet(sandbox: Sandbox) -> None:
    """Print the greeting. The listeners are open by now, so a reader of this line may connect at once."""
    sys.stdout.write(json.dumps(sandbox.greeting()) + "\n")
    sys.stdout.flush()


async def _watch_parent(parent: int, stop: Callable[[], None]) -> None:
    """Stop once the parent process has ended, which is polled.

    The kernel's signal for this (prctl) refers to the parent's thread, and would end the sandbox with the
    thread that started it.
    """
    while os.getppid() == parent:  # noqa: ASYNC110
        await asyncio.sleep(PARENT_CHECK)
    stop()


SUCCESS, INVALID_ARGUMENT, PORT_IN_USE = 0, 2, 5
"""Exit codes."""


def serve(
    *,
    port: int = 0,
    clients: int = 12,
    seed: int = 1,
    faults: Sequence[str] = (),
    switches: Sequence[str] = (),
    separate_hosts: bool = False,
    die_with_parent: bool = False,
    practices: int = 2,
) -> int:
    """Serve until a signal ends it, and return the exit code.

    It is 0 after SIGTERM or SIGINT, 2 for an invalid fault, switch or number (stderr says which), and 5 when
    the port is in use. `faults` are `KIND[,name=value…]`, `switches` are `name=value`; docs/sandbox.md lists
    both. With `die_with_parent` it also ends when the process that started it does.
    """
    try:
        if clients < 0 or not 0 <= port <= 65535:
            raise ValueError("--clients must be 0 or more, and --port from 0 to 65535.")
        if not 2 <= practices <= 1000:
            raise ValueError("--tenants must be from 2 to 1000.")
        parsed_faults = [Fault.parse(text) for text in faults]
        chosen = Switches().changed(dict(_pair(text) for text in switches))
    except ValueError as error:
        print(error, file=sys.stderr)
        return INVALID_ARGUMENT
    sandbox = Sandbox(seed, clients, switches=chosen, practices=practices)
    for fault in parsed_faults:
        sandbox.faults.add(fault)
    try:
        run(sandbox, port, separate_hosts=separate_hosts, die_with_parent=die_with_parent)
    except OSError as error:
        print(
            f"Port {port} cannot be used: {error.strerror}. Choose another one, or 0 for any free one.",
            file=sys.stderr,
        )
        return PORT_IN_USE
    return SUCCESS


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"A switch is name=value: {text!r} is not.")
    return name.strip(), value.strip()
