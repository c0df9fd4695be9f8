"""The one file that knows httpx: bytes out, bytes in, and what went wrong with the wire between.

Certificates are always verified, redirects never followed, proxies taken from the environment except for
this machine itself. Nothing here retries, and no header or address is ever put into an error.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

import httpx

from xpm_tui.xero.config import WireConfig, is_loopback

# They log whole addresses, and a search has a client's name in its query.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

Trouble = Literal["connect", "name", "tls", "proxy", "timeout", "cut", "request"]


class NoReply(Exception):
    """No whole reply came. ``sent``: the request may have reached Xero, so it may have been acted upon."""

    def __init__(self, kind: Trouble, *, sent: bool) -> None:
        super().__init__(kind)
        self.kind = kind
        self.sent = sent


class TooLarge(Exception):
    """The body is larger than the caller takes."""


@dataclass(frozen=True)
class Request:
    """One request: ``url`` without query, ``query`` encoded by the wire, seconds of silence and in all."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str] | None = field(default=None, repr=False)
    body: bytes | None = field(default=None, repr=False)
    read_timeout: float = 60.0
    deadline: float = 180.0


@dataclass(frozen=True)
class Incoming:
    """A reply whose head has come; names of headers are lower case.

    ``issuer`` is who signed the server's certificate, empty without TLS.
    """

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]
    issuer: str = ""

    async def body(self, limit: int = 64 * 1024 * 1024) -> bytes:
        """The whole body; raises ``TooLarge`` beyond ``limit`` bytes, ``NoReply`` when it is cut."""
        out = bytearray()
        async for chunk in self.chunks:
            out += chunk
            if len(out) > limit:
                raise TooLarge
        return bytes(out)


class Network:
    """A pool of connections. ``transport`` takes the place of the real wire in tests."""

    def __init__(self, config: WireConfig, transport: httpx.AsyncBaseTransport | None = None) -> None:
        hosts = {urlsplit(url).hostname or "" for url in (config.identity_url, config.api_url)}
        self._connect = config.timeouts.connect
        self._client = httpx.AsyncClient(
            transport=transport,
            follow_redirects=False,
            trust_env=transport is None,
            # A proxy of the environment is for the world, never for this machine.
            mounts={
                f"all://[{host}]" if ":" in host else f"all://{host}": None
                for host in hosts
                if is_loopback(host)
            },
            limits=httpx.Limits(max_connections=8, max_keepalive_connections=4, keepalive_expiry=15.0),
        )

    @asynccontextmanager
    async def open(self, request: Request) -> AsyncIterator[Incoming]:
        """Send a request and give the reply's head; its body is read inside the block.

        Raises ``NoReply``, from here and from reading the body.
        """
        timeout = httpx.Timeout(
            connect=self._connect, read=request.read_timeout, write=60.0, pool=request.deadline
        )
        try:
            async with asyncio.timeout(request.deadline):
                built = self._client.build_request(
                    request.method,
                    request.url,
                    params=request.query or None,
                    content=request.body,
                    headers=request.headers,
                    timeout=timeout,
                )
                try:
                    response = await self._client.send(built, stream=True, follow_redirects=False)
                except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
                    raise _no_reply(error) from None
                try:
                    yield Incoming(
                        response.status_code,
                        {name.lower(): value for name, value in response.headers.items()},
                        _chunks(response),
                        _issuer(response),
                    )
                finally:
                    await response.aclose()
        except TimeoutError:
            raise NoReply("timeout", sent=True) from None

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()


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


def _no_reply(error: Exception) -> NoReply:
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return NoReply("timeout", sent=False)
    if isinstance(error, httpx.ProxyError):
        return NoReply("proxy", sent=False)
    if isinstance(error, httpx.ConnectError):
        return NoReply(_connect_kind(error), sent=False)
    if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError | httpx.InvalidURL):
        return NoReply("request", sent=False)
    if isinstance(error, httpx.TimeoutException):
        return NoReply("timeout", sent=True)
    return NoReply("cut", sent=True)


def _connect_kind(error: BaseException) -> Trouble:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError):
            return "tls"
        text = str(seen).lower()
        if "certificate" in text or "ssl" in text:
            return "tls"
        if "name or service" in text or "getaddrinfo" in text or "name resolution" in text:
            return "name"
        seen = seen.__cause__ or seen.__context__
    return "connect"
