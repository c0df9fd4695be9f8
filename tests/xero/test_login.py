"""Signing in: the address, the redirect, listener and pasted text side by side, the token endpoint."""

from __future__ import annotations

import asyncio
import hashlib
import socket
from base64 import urlsafe_b64encode
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.support.virtual import VirtualClock, run_virtual
from tests.xero.fake import CONFIG, FakeXero, open_fake, sign_in, token_reply
from xpm_tui.domain.errors import (
    AppError,
    BadInput,
    BadReply,
    CaseId,
    LoginNeeded,
    XeroError,
    XeroUnreachable,
)
from xpm_tui.domain.secret import Secret
from xpm_tui.files.machine import SystemClock
from xpm_tui.xero.auth import callback_listener
from xpm_tui.xero.auth.authorization import Authorization, begin, read_answer
from xpm_tui.xero.auth.callback_listener import Listener, wait_for_code
from xpm_tui.xero.config import WireConfig


def redirect(attempt: Authorization, **fields: str) -> str:
    """The address that the browser ends on."""
    given = {"code": "the-code", "state": attempt.state.reveal(), "session_state": "x", **fields}
    return f"{attempt.redirect_uri}?" + "&".join(f"{k}={v}" for k, v in given.items() if v)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_authorize_address_has_pkce_and_a_fresh_state() -> None:
    attempt, other = begin(CONFIG), begin(CONFIG)
    parts = urlsplit(attempt.url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    challenge = urlsafe_b64encode(hashlib.sha256(attempt.verifier.reveal().encode()).digest()).rstrip(b"=")
    assert (
        f"{parts.scheme}://{parts.netloc}{parts.path}" == "https://login.xero.com/identity/connect/authorize"
    )
    assert query == {
        "response_type": "code",
        "client_id": "A1B2C3",
        "redirect_uri": "http://localhost:8765/callback",
        "scope": CONFIG.scopes,
        "state": attempt.state.reveal(),
        "code_challenge": challenge.decode(),
        "code_challenge_method": "S256",
    }
    assert attempt.state != other.state
    assert attempt.verifier != other.verifier
    assert attempt.state.reveal() not in repr(attempt)
    secret = begin(WireConfig(client_id="A", client_secret=Secret("s")))
    assert "code_challenge_method=S256" in secret.url, "a secret is no reason to do without"
    assert secret.verifier


def test_what_comes_back_is_taken_in_every_form() -> None:
    attempt = begin(CONFIG)
    whole = redirect(attempt)
    query = whole.partition("?")[2]
    broken = whole[:50] + "\n  " + whole[50:]
    for text in (
        whole,
        f"  {whole}\n",
        f"?{query}",
        query,
        f"/callback?{query}",
        broken,
        f"{whole}#x",
        f"<{whole}>",
        whole.removeprefix("http://"),
    ):
        assert read_answer(text, attempt)[1] == Secret("the-code")


def test_what_comes_back_is_judged_error_first_then_state_then_one_code() -> None:
    attempt = begin(CONFIG)
    for fields, case in (
        ({"error": "access_denied", "code": ""}, CaseId.CANCELLED),
        ({"error": "access_denied", "state": "other"}, CaseId.CANCELLED),
        ({"error": "invalid_scope"}, CaseId.SCOPE_NOT_ATTACHED),
        ({"error": "server_error", "error_description": "x"}, CaseId.OTHER_XERO_ERROR),
    ):
        with pytest.raises(LoginNeeded) as caught:
            read_answer(redirect(attempt, **fields), attempt)
        assert caught.value.case == case
    for text, says in (
        (redirect(attempt, state="other"), "another sign-in attempt"),
        (redirect(attempt, state=""), "another sign-in attempt"),
        (redirect(attempt) + "&state=x", "another sign-in attempt"),
        (redirect(attempt, code=""), "no code"),
        (redirect(attempt) + "&code=2", "no code"),
        ("", "Nothing was pasted"),
        ("x" * 9000, "too long"),
        (attempt.url, "not the address"),
        (redirect(attempt).replace("localhost", "evil.example"), "not the address"),
        ("hello", "another sign-in attempt"),
        ("http://[", "not the address"),
    ):
        with pytest.raises(BadInput) as wrong:
            read_answer(text, attempt)
        assert says in wrong.value.message
        assert attempt.state.reveal() not in f"{wrong.value.message} {wrong.value.hint}"


async def get(
    port: int, target: str, *, host: str = "localhost", address: str = "127.0.0.1", verb: str = "GET"
) -> str:
    """One request to the listener, as a browser would send it."""
    reader, writer = await asyncio.open_connection(address, port)
    writer.write(f"{verb} {target} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
    data = await reader.read()
    writer.close()
    return data.decode()


async def test_the_listener_takes_one_good_answer_and_ignores_strays() -> None:
    port, attempt, reported = free_port(), begin(CONFIG), list[AppError]()
    good = redirect(attempt).partition("8765")[2]
    async with Listener(attempt, port, reported.append) as listener:
        assert "404" in await get(port, "/favicon.ico")
        assert "400" in await get(port, good, host="evil.example")
        assert "405" in await get(port, good, verb="POST")
        assert "400" in await get(port, "/callback?error=access_denied&state=wrong")
        assert "400" in await get(port, "/callback?code=x&state=wrong")
        assert "Signed in" in await get(port, good)
        page = await get(port, "/callback?code=second&state=" + attempt.state.reveal())
        assert "Already used" in page
        assert "no-store" in page
        assert await listener.answer() == Secret("the-code")
    assert [t.case for t in reported] == [CaseId.STATE_MISMATCH]
    with pytest.raises(OSError, match=r".*"):
        await get(port, "/")


async def test_a_used_address_and_a_cancel_of_an_earlier_attempt() -> None:
    earlier, used = begin(CONFIG), begin(CONFIG)
    attempt = begin(CONFIG).after(used.after(earlier)).mark_used(used)
    with pytest.raises(BadInput, match="used already"):
        read_answer(redirect(used), attempt)
    assert read_answer(redirect(earlier), attempt)[1] == Secret("the-code"), "its page is still open"
    port, reported = free_port(), list[AppError]()
    async with Listener(attempt, port, reported.append) as listener:
        assert "Already used" in await get(port, redirect(used).partition("8765")[2])
        cancel = f"/callback?error=access_denied&state={earlier.state.reveal()}"
        assert "Not connected" in await get(port, cancel)
        with pytest.raises(LoginNeeded, match="Cancel"):
            await listener.answer()
    assert reported == []


async def test_the_listener_hears_both_families_and_a_cancel() -> None:
    port, attempt = free_port(), begin(CONFIG)
    state = attempt.state.reveal()
    async with Listener(attempt, port) as listener:
        try:
            page = await get(
                port, f"/callback?error=access_denied&state={state}", address="::1", host="[::1]"
            )
        except OSError:
            page = await get(port, f"/callback?error=access_denied&state={state}")
        assert "Not connected" in page
        with pytest.raises(LoginNeeded, match="Cancel"):
            await listener.answer()


@pytest.mark.parametrize("turns", range(6))
async def test_a_wait_that_is_given_up_while_it_begins_leaves_the_port_free(turns: int) -> None:
    attempt, port = begin(CONFIG), free_port()
    opening = asyncio.create_task(Listener(attempt, port).__aenter__())
    for _ in range(turns):
        await asyncio.sleep(0)
    if opening.done():
        return await opening.result().__aexit__(None, None, None)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    hosts = [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]
    for family, host in hosts[: 1 + socket.has_dualstack_ipv6()]:
        socket.create_server((host, port), family=family).close()


async def test_a_bad_paste_is_reported_and_asked_again_until_one_is_good() -> None:
    attempt, reported = begin(CONFIG), list[AppError]()
    lines = iter(["", "nonsense", redirect(attempt, state="other"), redirect(attempt)])

    async def paste() -> str | None:
        return next(lines, None)

    code = await wait_for_code(
        attempt, port=free_port(), paste=paste, on_error=reported.append, clock=SystemClock(), limit=30
    )
    assert code == Secret("the-code")
    assert len(reported) == 2


async def test_the_listener_wins_while_the_paste_waits() -> None:
    port, attempt, never = free_port(), begin(CONFIG), asyncio.Event()

    async def paste() -> str | None:
        await never.wait()
        return None

    async def browser() -> None:
        while True:
            try:
                await get(port, redirect(attempt).partition("8765")[2])
            except OSError:
                await asyncio.sleep(0)
                continue
            return

    waiting = wait_for_code(
        attempt, port=port, paste=paste, on_error=lambda _: None, clock=SystemClock(), limit=30
    )
    code, _ = await asyncio.gather(waiting, browser())
    assert code == Secret("the-code")


async def test_a_taken_port_is_reported_and_the_paste_continues() -> None:
    port, attempt, reported = free_port(), begin(CONFIG), list[AppError]()
    server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", port)

    async def paste() -> str | None:
        return redirect(attempt)

    async with server:
        code = await wait_for_code(
            attempt, port=port, paste=paste, on_error=reported.append, clock=SystemClock(), limit=30
        )
        assert code
        assert "is using port" in reported[0].message
        with pytest.raises(BadInput, match="Another program"):
            await wait_for_code(
                attempt, port=port, paste=None, on_error=reported.append, clock=SystemClock(), limit=30
            )


async def test_a_port_that_becomes_free_is_listened_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callback_listener, "_LISTEN_AGAIN_SECONDS", 0.01)
    port, attempt, reported, taken = free_port(), begin(CONFIG), list[AppError](), asyncio.Event()
    server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", port)

    def report(error: AppError) -> None:
        reported.append(error)
        taken.set()

    waiting = asyncio.create_task(
        wait_for_code(
            attempt, port=port, paste=asyncio.Event().wait, on_error=report,  # type: ignore[arg-type]
            clock=SystemClock(), limit=30,
        )
    )  # fmt: skip
    await taken.wait()
    server.close()
    await server.wait_closed()
    while not waiting.done():
        with suppress(OSError):
            await get(port, redirect(attempt).partition("8765")[2])
        await asyncio.sleep(0.01)
    assert await waiting == Secret("the-code")
    assert ["is using port" in error.message for error in reported] == [True], "said once"


def test_the_wait_has_a_limit_and_asks_what_the_browser_shows() -> None:
    async def paste() -> str | None:
        await asyncio.Event().wait()
        return None

    async def main() -> float:
        clock = VirtualClock()
        with pytest.raises(LoginNeeded, match="within 5 minutes") as caught:
            await wait_for_code(
                begin(CONFIG),
                port=free_port(),
                paste=paste,
                on_error=lambda _: None,
                clock=clock,
                limit=300.0,
            )
        assert "What do you see in the browser?" in caught.value.hint
        return clock.monotonic()

    assert run_virtual(main()) == pytest.approx(300.0)


async def test_the_code_is_exchanged_and_kept(tmp_path: Path) -> None:
    fake = FakeXero()
    async with open_fake(tmp_path, fake) as wire:
        assert wire.tokens.state() == "none"
        attempt = wire.login.begin()
        grant = await wire.login.redeem(attempt, Secret("canary-code"))
        assert (grant.person, grant.scopes) == ("Ana Silva", ("offline_access", "practicemanager.client"))
        assert wire.tokens.state() == "good"
        (tenant,) = await wire.connections.tenants()
        assert tenant.name is None
        assert tenant.created is not None
        assert tenant.created.isoformat() == "2026-03-02T22:14:07.123456+00:00"
    (form,) = fake.token_calls
    assert form == {
        "grant_type": ["authorization_code"],
        "redirect_uri": ["http://localhost:8765/callback"],
        "code": ["canary-code"],
        "code_verifier": [attempt.verifier.reveal()],
        "client_id": ["A1B2C3"],
    }
    assert "xero-tenant-id" not in fake.asked[0].headers
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert b"canary" not in file.read_bytes(), file
            assert file.stat().st_mode & 0o077 == 0, file


async def test_a_web_app_sends_its_secret_by_basic_and_no_client_id(tmp_path: Path) -> None:
    seen: list[httpx.Request] = []
    fake = FakeXero()

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return token_reply(1)

    fake.token_answers.append(answer)
    config = WireConfig(client_id="A1", client_secret=Secret("s3"))
    async with open_fake(tmp_path, fake, config=config) as wire:
        await sign_in(wire)
    assert seen[0].headers["authorization"] == "Basic QTE6czM="
    assert "client_id" not in fake.token_calls[0]


@pytest.mark.parametrize(
    ("answer", "kind", "case"),
    [
        (httpx.Response(400, json={"error": "invalid_grant"}), LoginNeeded, CaseId.NEEDS_RECONNECT),
        (httpx.Response(400, json={"error": "invalid_client"}), LoginNeeded, CaseId.UNKNOWN_APP),
        (httpx.Response(401, content=b""), LoginNeeded, CaseId.UNKNOWN_APP),
        (httpx.Response(400, json={"error": "unauthorized_client"}), LoginNeeded, CaseId.UNKNOWN_APP),
        (httpx.Response(400, json={"error": "invalid_scope"}), LoginNeeded, CaseId.SCOPE_NOT_ATTACHED),
        (
            httpx.Response(400, json={"error": "unsupported_grant_type"}),
            LoginNeeded,
            CaseId.OTHER_XERO_ERROR,
        ),
        (httpx.Response(503, content=b"<html>"), XeroUnreachable, CaseId.XERO_DOWN),
        (httpx.Response(404, content=b"<html>"), BadReply, CaseId.BAD_REPLY),
        (httpx.Response(200, content=b"<html>"), BadReply, CaseId.BAD_REPLY),
        (httpx.Response(200, json={"access_token": ""}), BadReply, CaseId.BAD_REPLY),
        (httpx.Response(302, headers={"location": "https://evil.example"}), BadReply, CaseId.BAD_REPLY),
        (httpx.ConnectError("x"), XeroUnreachable, CaseId.NO_NETWORK),
        (httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]"), XeroUnreachable, CaseId.TLS),
        (httpx.ReadTimeout("x"), XeroUnreachable, CaseId.XERO_DOWN),
        (httpx.ProxyError("x"), XeroUnreachable, CaseId.PROXY),
    ],
)
async def test_every_fault_of_the_token_call_has_a_sentence_and_a_case(
    tmp_path: Path, answer: httpx.Response | Exception, kind: type[XeroError], case: CaseId
) -> None:
    fake = FakeXero()
    fake.token_answers.append(answer)
    async with open_fake(tmp_path, fake) as wire:
        with pytest.raises(kind) as caught:
            await sign_in(wire)
    assert caught.value.case == case
    assert caught.value.message.endswith(".")
    assert caught.value.hint
    assert "canary" not in f"{caught.value!r} {caught.value.hint} {caught.value.words}"


@pytest.mark.parametrize(("status", "case"), [(429, CaseId.RATE_LIMITED), (503, CaseId.XERO_DOWN)])
async def test_connections_that_cannot_be_read_are_asked_for_again(
    tmp_path: Path, status: int, case: CaseId
) -> None:
    fake = FakeXero()
    async with open_fake(tmp_path, fake) as wire:
        await sign_in(wire)
        fake.connection_answers.append(httpx.Response(status))
        assert await wire.connections.tenants()
        fake.connection_answers.extend([httpx.Response(status)] * 9)
        with pytest.raises(XeroUnreachable) as caught:
            await wire.connections.tenants()
    assert (caught.value.case, caught.value.status) == (case, status)


async def test_no_practice_in_the_connections_is_case_t1(tmp_path: Path) -> None:
    fake = FakeXero()
    fake.tenants[0]["tenantType"] = "ORGANISATION"
    async with open_fake(tmp_path, fake) as wire:
        await sign_in(wire)
        with pytest.raises(XeroError) as caught:
            await wire.connections.tenants()
        assert caught.value.case is CaseId.NO_PERMISSION
        await wire.connections.disconnect("5b0f1c9e-77aa-4f0c-9a53-0f4d7c1b2e10")
        assert (fake.asked[-1].method, fake.asked[-1].url.path) == (
            "DELETE", "/connections/5b0f1c9e-77aa-4f0c-9a53-0f4d7c1b2e10",
        )  # fmt: skip
        await wire.login.revoke()
        assert fake.token_calls[-1] == {"token": ["canary-refresh-2"], "client_id": ["A1B2C3"]}
        assert wire.tokens.state() == "none"


@pytest.mark.parametrize("follows", ["cancelled", "in the same turn", "nothing"])
async def test_a_good_answer_is_taken_to_its_end_whatever_follows(follows: str) -> None:
    """Also beside a connection that a browser opened and never used, and with many cookies of localhost."""
    port, attempt, saved, complaints = free_port(), begin(CONFIG), list[Secret](), list[object]()
    loop, answered, going = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    loop.set_exception_handler(lambda _, context: complaints.append(context))

    async def on_code(code: Secret) -> None:
        await going.wait()
        saved.append(code)

    async def never() -> str | None:
        await asyncio.Event().wait()
        return None

    waiting = asyncio.create_task(
        wait_for_code(
            attempt, port=port, paste=never, on_error=complaints.append, clock=SystemClock(), limit=30,
            on_code=on_code, on_answer=lambda _: answered.set(),
        )
    )  # fmt: skip
    while True:
        try:
            _, silent = await asyncio.open_connection("127.0.0.1", port)
            break
        except OSError:
            await asyncio.sleep(0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    fields = "&".join(f"utm{number}=x" for number in range(90))
    target = f"{redirect(attempt).partition('8765')[2]}&{fields}"
    cookies = "".join(f"Cookie: {'c' * 4000}\r\n" for _ in range(50))
    writer.write(f"GET {target} HTTP/1.1\r\n{cookies}Host: localhost:{port}\r\n\r\n".encode())
    await answered.wait()
    if follows == "cancelled":
        await asyncio.sleep(0)
    if follows != "nothing":
        waiting.cancel()
    going.set()
    if follows == "nothing":
        assert await waiting == Secret("the-code")
    else:
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert saved == [Secret("the-code")]
    assert b"Signed in" in await reader.read()
    assert complaints == []
    for each in (silent, writer):
        each.close()


async def test_more_cookies_than_can_be_read_are_reported_in_browser_and_terminal() -> None:
    port, attempt, reported = free_port(), begin(CONFIG), list[AppError]()
    async with Listener(attempt, port, reported.append):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /callback?code=x HTTP/1.1\r\nCookie: " + b"c" * 1_100_000)
        assert b"Copy the address of this page" in await reader.read(4096)
        writer.close()
    assert "Paste the address" in reported[0].hint


def test_a_pasted_code_that_no_server_gave_is_refused() -> None:
    attempt = begin(CONFIG)
    for odd in ("the\udcffcode", "%00", "%E2%80%8B"):
        with pytest.raises(BadInput, match="an invalid code"):
            read_answer(redirect(attempt).replace("the-code", odd), attempt)
