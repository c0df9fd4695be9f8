"""The transport: proxies, what was sent when a call fails, and where the bearer token goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.xero.fake import TENANT, FakeXero, open_fake, sign_in, xml
from tests.xero.replies import clients, uuid
from xpm_tui.domain.errors import BadInput, BadReply
from xpm_tui.xero.client.transport import Network, NoReply, TransportRequest
from xpm_tui.xero.config import WireConfig


@asynccontextmanager
async def server(answer: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A socket that says ``answer`` to anything and hangs up."""
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", heads


async def ask(origin: str, deadline: float = 30.0) -> bytes:
    """One GET over a real connection."""
    config = WireConfig(client_id="A", api_url=origin, identity_url=origin, login_url=origin)
    network = Network(config)
    try:
        async with network.open(TransportRequest("GET", f"{origin}/x", {}, deadline=deadline)) as incoming:
            return await incoming.body()
    finally:
        await network.aclose()


async def test_a_proxy_of_the_environment_is_not_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as (origin, _):
        assert await ask(origin) == b"ok"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(b"", "cut"), (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", "cut"), (b"nonsense\r\n\r\n", "cut")],
)
async def test_what_failed_after_the_request_was_sent_may_have_been_acted_upon(
    answer: bytes, kind: str
) -> None:
    async with server(answer) as (origin, _):
        with pytest.raises(NoReply) as caught:
            await ask(origin)
    assert (caught.value.kind, caught.value.sent) == (kind, True)


async def test_a_refused_connection_was_not_sent_and_a_deadline_was() -> None:
    async with server(b"") as (origin, _):
        pass
    with pytest.raises(NoReply) as caught:
        await ask(origin)
    assert (caught.value.kind, caught.value.sent) == ("connect", False)


async def test_the_bearer_token_goes_to_the_configured_host_only(tmp_path: Path) -> None:
    fake = FakeXero().then(
        httpx.Response(302, headers={"location": "https://evil.example/client.api/list"}), xml(clients())
    )
    async with open_fake(tmp_path, fake) as wire:
        await sign_in(wire)
        practice = wire.practice(TENANT)
        for hostile in (
            "../../connections",
            "//evil.example/x",
            "https://evil.example",
            uuid(1) + "/../x",
            "\n",
        ):
            with pytest.raises(BadInput):
                await practice.client(hostile)
        with pytest.raises(BadReply, match="not followed"):
            await practice.job("../../../connections?x=#y")
        assert practice.calls == 1
    assert {request.url.host for request in fake.asked} == {"api.xero.com"}
    assert fake.asked[0].url.raw_path.startswith(
        b"/practicemanager/3.1/job.api/get/..%2F..%2F..%2Fconnections%3F"
    )
