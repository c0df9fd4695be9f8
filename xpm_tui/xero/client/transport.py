"""The HTTP transport, and the only module that imports httpx.

Certificates are always verified, redirects are never followed, and proxies are taken from the environment
except for this machine itself. Nothing is retried here, and no header or address is put into an error.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

import httpx

from xpm_tui.domain import errors
from xpm_tui.domain.safe_text import visible
from xpm_tui.xero.client.environment import NetworkEnvironment, notices
from xpm_tui.xero.config import WireConfig, is_loopback

# They log whole addresses, and the query of a search contains the name of a client.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

FailureKind = Literal["connect", "name", "tls", "proxy", "timeout", "cut", "request"]


class NoReply(Exception):
    """No complete reply came.

    Attributes:
        sent: Whether the request may have reached Xero, which may then have acted on it.
        proxy: The name of the proxy in use.
        words: What the proxy did, as in "refused the connection: ...".
    """

    def __init__(self, kind: FailureKind, *, sent: bool, proxy: str = "", words: str = "") -> None:
        super().__init__(kind)
        self.kind = kind
        self.sent = sent
        self.proxy = proxy
        self.words = words


class TooLarge(Exception):
    """The body exceeds the caller's limit."""


@dataclass(frozen=True)
class TransportRequest:
    """A request: ``url`` without query, ``query`` not yet encoded, time limits in seconds."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str] | None = field(default=None, repr=False)
    body: bytes | None = field(default=None, repr=False)
    read_timeout: float = 60.0
    deadline: float = 180.0


@dataclass(frozen=True)
class IncomingReply:
    """A reply whose head has arrived; header names are lower case.

    ``issuer`` is the issuer of the server's certificate, empty without TLS; ``received`` returns the bytes of
    the body received so far.
    """

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]
    issuer: str = ""
    received: Callable[[], int] = lambda: 0

    async def body(self, limit: int = 64 * 1024 * 1024) -> bytes:
        """Return the whole body.

        Raises:
            TooLarge: It exceeds ``limit`` bytes.
            NoReply: It is incomplete.
        """
        out = bytearray()
        async for chunk in self.chunks:
            out += chunk
            if len(out) > limit:
                raise TooLarge
        return bytes(out)


class Network:
    """Connection pools, opened when they are first used. ``transport`` replaces the real network.

    The environment is read at the first request to a server other than this machine.
    """

    def __init__(
        self,
        config: WireConfig,
        transport: httpx.AsyncBaseTransport | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        origins = (config.login_url, config.identity_url, config.api_url)
        self._local = all(is_loopback(urlsplit(origin).hostname or "") for origin in origins)
        self._connect = config.timeouts.connect
        self._transport = transport
        self._environment = NetworkEnvironment(environ)
        self._clients: dict[tuple[str, str], httpx.AsyncClient] = {}

    def notices(self) -> list[errors.AppError]:
        """Return faults of the environment without an effect, because all servers are on this machine."""
        if self._transport is not None or not self._local:
            return []
        return notices(self._environment.faults())

    def _client(self, url: str) -> tuple[httpx.AsyncClient, str]:
        """Return the connection pool for an address, and the proxy in use.

        Raises:
            XeroUnreachable: A variable of the environment is invalid.
        """
        parts = urlsplit(url)
        route = None
        if self._transport is None and not is_loopback(parts.hostname or ""):
            # A proxy of the environment is never used for this machine.
            route = self._environment.proxy_for(parts.scheme, parts.hostname or "", parts.port or 443)
        key = (parts.scheme, route.url if route else "")
        if key not in self._clients:
            self._clients[key] = self._pool(*key)
        return self._clients[key], route.shown if route else ""

    def _pool(self, scheme: str, proxy: str) -> httpx.AsyncClient:
        limits = httpx.Limits(max_connections=8, max_keepalive_connections=4, keepalive_expiry=15.0)
        if self._transport is not None:
            return httpx.AsyncClient(
                transport=self._transport, follow_redirects=False, trust_env=False, limits=limits
            )
        if scheme == "https":
            trusted = self._environment.certificate_store()
        else:
            trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # it trusts no certificate, and is not used
        return httpx.AsyncClient(
            follow_redirects=False, trust_env=False, verify=trusted, proxy=proxy or None, limits=limits
        )

    @asynccontextmanager
    async def open(self, request: TransportRequest) -> AsyncIterator[IncomingReply]:
        """Send a request and yield the reply's head; its body is read inside the block.

        Raises:
            NoReply: No complete reply came; also raised while the body is read.
            XeroUnreachable: The environment names a proxy or certificates that cannot be used.
        """
        client, proxy = self._client(request.url)
        timeout = httpx.Timeout(
            connect=self._connect, read=request.read_timeout, write=60.0, pool=request.deadline
        )
        limit = asyncio.timeout(request.deadline)
        handshake = _Handshake(limit, self._connect)
        try:
            async with limit:
                built = client.build_request(
                    request.method,
                    request.url,
                    params=request.query or None,
                    content=request.body,
                    headers=request.headers,
                    timeout=timeout,
                    extensions={"trace": handshake.note} if proxy else None,
                )
                try:
                    response = await client.send(built, stream=True, follow_redirects=False)
                except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
                    raise _no_reply(error, proxy) from None
                except Exception as error:
                    # Errors of socksio and its caller about an invalid reply are not errors of httpx.
                    if not handshake.failed:
                        raise
                    words = f"does not speak SOCKS5, or closed the connection ({type(error).__name__})"
                    raise NoReply("proxy", sent=False, proxy=proxy, words=words) from None
                try:
                    yield IncomingReply(
                        response.status_code,
                        {name.lower(): value for name, value in response.headers.items()},
                        _chunks(response),
                        _issuer(response),
                        lambda: response.num_bytes_downloaded,
                    )
                finally:
                    await response.aclose()
        except TimeoutError:
            if handshake.pending:
                words = f"did not answer within {self._connect:.0f} seconds"
                raise NoReply("proxy", sent=False, proxy=proxy, words=words) from None
            raise NoReply("timeout", sent=True) from None

    async def aclose(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.aclose()


class _Handshake:
    """A time limit for the handshake with a SOCKS proxy, based on httpcore's "trace" events.

    httpcore would wait for the proxy's replies without a limit, so ``limit`` ends after ``seconds``
    meanwhile.
    """

    def __init__(self, limit: asyncio.Timeout, seconds: float) -> None:
        self.pending = self.failed = False
        self._limit = limit
        self._seconds = seconds
        self._before: float | None = None

    async def note(self, event: str, info: Mapping[str, object]) -> None:
        """Record an event of the connection."""
        _, is_handshake, phase = event.partition("setup_socks5_connection.")
        if not is_handshake:
            return
        self.failed = phase == "failed"
        if phase == "started":
            self.pending, self._before = True, self._limit.when()
            end = asyncio.get_running_loop().time() + self._seconds
            self._limit.reschedule(end if self._before is None else min(end, self._before))
        elif not self._limit.expired():
            self.pending = False
            self._limit.reschedule(self._before)


def _issuer(response: httpx.Response) -> str:
    stream = response.extensions.get("network_stream")
    channel = stream.get_extra_info("ssl_object") if stream is not None else None
    certificate = channel.getpeercert() if channel is not None else None
    named = dict(pair for part in (certificate or {}).get("issuer", ()) for pair in part)
    return str(named.get("organizationName") or named.get("commonName") or "")


async def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in response.aiter_bytes():
            yield chunk
    except (httpx.HTTPError, httpx.StreamError, OSError) as error:
        found = _no_reply(error)
        raise NoReply(found.kind if found.kind == "timeout" else "cut", sent=True) from None


def _no_reply(error: Exception, proxy: str = "") -> NoReply:
    if isinstance(error, httpx.ProxyError):
        message = visible(str(error), 80).rstrip(".")
        return NoReply("proxy", sent=False, proxy=proxy, words=f'refused the connection: "{message}"')
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return NoReply("proxy" if proxy else "timeout", sent=False, proxy=proxy)
    if isinstance(error, httpx.ConnectError):
        kind = _connect_kind(error)
        return NoReply("proxy" if proxy and kind != "tls" else kind, sent=False, proxy=proxy)
    if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError | httpx.InvalidURL):
        return NoReply("request", sent=False)
    if isinstance(error, httpx.TimeoutException):
        return NoReply("timeout", sent=True)
    return NoReply("cut", sent=True)


def _connect_kind(error: BaseException) -> FailureKind:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return "tls"
        text = str(cause).lower()
        if "certificate" in text or "ssl" in text:
            return "tls"
        if "name or service" in text or "getaddrinfo" in text or "name resolution" in text:
            return "name"
        cause = cause.__cause__ or cause.__context__
    return "connect"
