"""A SOCKS5 proxy on this machine (RFC 1928, RFC 1929), and a server with its own certificate behind it."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "xero.example"
"""The server that only the proxy can reach: no name service knows it."""

_VERSION, _NO_LOGIN, _PASSWORD, _NONE_FITS = 5, 0, 2, 0xFF
_CONNECT, _NAME, _IPV4, _IPV6 = 1, 3, 1, 4
_GRANTED, _FAILED, _REFUSED, _NO_COMMAND = 0, 1, 5, 7


@dataclass
class SocksProxy:
    """A running proxy. ``asked`` is where it was asked to connect, with how its client logged in.

    ``login`` is the name and password that it demands. ``fault`` breaks it: ``hangs-up``, ``babbles`` or
    ``silent`` instead of a handshake, ``refuses`` to connect.
    """

    target: int
    login: str = ""
    fault: str = ""
    port: int = 0
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Return the address for ``ALL_PROXY``."""
        return f"socks5h://{f'{self.login}@' if self.login else ''}127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client to its end."""
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                if await self._granted(reader, writer):
                    onward = await asyncio.open_connection("127.0.0.1", self.target)
                    await join((reader, writer), onward)
        finally:
            writer.close()

    async def _granted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        version, count = await reader.readexactly(2)
        methods = await reader.readexactly(count)
        if self.fault == "hangs-up":
            return False
        if self.fault == "silent":
            await reader.read()
        if self.fault == "babbles" or version != _VERSION:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            return False
        method = _PASSWORD if self.login else _NO_LOGIN
        writer.write(bytes((_VERSION, method if method in methods else _NONE_FITS)))
        if method not in methods:
            return False
        reported = ""
        if method == _PASSWORD:
            await reader.readexactly(1)
            reported = ":".join(
                [(await reader.readexactly(*await reader.readexactly(1))).decode() for _ in "ab"]
            )
            writer.write(bytes((1, reported != self.login)))
            if reported != self.login:
                return False
        _, command, _, kind = await reader.readexactly(4)
        if kind == _NAME:
            host = (await reader.readexactly(*await reader.readexactly(1))).decode("ascii")
        else:
            host = str(ipaddress.ip_address(await reader.readexactly({_IPV4: 4, _IPV6: 16}[kind])))
        (port,) = struct.unpack("!H", await reader.readexactly(2))
        self.asked.append(f"{reported}@{host}:{port}" if reported else f"{host}:{port}")
        reply = _REFUSED if self.fault == "refuses" else _GRANTED if command == _CONNECT else _NO_COMMAND
        writer.write(bytes((_VERSION, reply, 0, _IPV4)) + bytes(6))
        await writer.drain()
        return reply == _GRANTED


Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def join(one: Stream, other: Stream) -> None:
    """Carry bytes between two connections until both sides have ended."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError):
                while data := await reader.read(65_536):
                    writer.write(data)
                    await writer.drain()
        finally:
            writer.close()

    await asyncio.gather(carry(one[0], other[1]), carry(other[0], one[1]))


@contextmanager
def socks_proxy(folder: Path, target: int, *, login: str = "", fault: str = "") -> Iterator[SocksProxy]:
    """Run a proxy to ``https://xero.example``, which passes everything on to a port of this machine.

    ``folder`` gets ``ca.pem`` for ``SSL_CERT_FILE``.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(folder))

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await join((reader, writer), await asyncio.open_connection("127.0.0.1", target))

    servers: list[asyncio.Server] = []

    async def begin() -> SocksProxy:
        servers.append(await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context))
        proxy = SocksProxy(_port(servers[0]), login, fault)
        servers.append(await asyncio.start_server(proxy.serve, "127.0.0.1", 0))
        proxy.port = _port(servers[1])
        return proxy

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="socks-proxy", daemon=True)
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(begin(), loop).result(10)
    finally:
        asyncio.run_coroutine_threadsafe(_end(servers), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _end(servers: list[asyncio.Server]) -> None:
    for server in servers:
        server.close()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0.05)  # connections that are closed end in the loop


def _port(server: asyncio.Server) -> int:
    opened: socket.socket = server.sockets[0]
    return int(opened.getsockname()[1])


def _certificate(folder: Path) -> Path:
    """Write a certificate that signs itself, and a file with it and its key; gives the latter."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "xpm-tui tests")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    (folder / "ca.pem").write_bytes(made)
    pair = folder / "server.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pair.write_bytes(made + secret)
    return pair
