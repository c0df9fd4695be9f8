"""Waiting for the browser to come back: a small listener on this machine and a pasted line, side by side."""

from __future__ import annotations

import asyncio
import errno
import html
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType

from xpm_tui.domain.errors import BadInput, CaseId, LoginNeeded, Trouble
from xpm_tui.domain.formatting import count
from xpm_tui.domain.ports import Clock
from xpm_tui.domain.secret import Secret
from xpm_tui.xero.auth.authorization import Authorization, read_redirect
from xpm_tui.xero.config import REDIRECT_PATH

Paste = Callable[[], Awaitable[str | None]]
Tell = Callable[[Trouble], None]

_REQUEST_SECONDS = 10.0
_LONGEST = 16_384
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>xpm-tui</title>
<style>body{{font:18px/1.5 sans-serif;max-width:34em;margin:4em auto;padding:0 1em}}</style>
</head><body><h1>{title}</h1><p>{text}</p></body></html>
"""


class Listener:
    """Listens on 127.0.0.1 and ::1 for one good answer to ``authorization``; an async context manager.

    Strays (a favicon, another path, another attempt's state) are answered and ignored. Raises ``BadInput``
    when the port is taken.
    """

    def __init__(self, authorization: Authorization, port: int, tell: Tell = lambda _: None) -> None:
        self._authorization = authorization
        self._port = port
        self._tell = tell
        self._servers: list[asyncio.Server] = []
        self._answer: asyncio.Future[Secret] = asyncio.get_running_loop().create_future()
        self._busy: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Listener:
        try:
            await self._listen()
        except BaseException:
            await self._close()  # also where the wait is given up while the port is being opened
            raise
        return self

    async def _listen(self) -> None:
        problem: OSError | None = None
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            try:
                opened = socket.create_server((host, self._port), family=family)
                # Known before it serves: a server that is not at hand yet could not be closed.
                server = await asyncio.start_server(
                    self._serve, sock=opened, limit=_LONGEST, start_serving=False
                )
                self._servers.append(server)
                await server.start_serving()
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    raise BadInput(
                        f"Port {self._port} of this machine is used by another program.",
                        hint="End that program (perhaps another sign-in), or paste the address by hand.",
                    ) from None
                problem = error
        if not self._servers:
            raise BadInput(
                f"This machine allows no listener on port {self._port}.",
                hint="Paste the address that the browser ends on.",
            ) from problem

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def answer(self) -> Secret:
        """The code of the first good answer; raises ``LoginNeeded`` when it was a Cancel."""
        return await asyncio.shield(self._answer)

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        if self._busy:
            await asyncio.wait(self._busy, timeout=2.0)
        for task in list(self._busy):
            task.cancel()
        if self._answer.done() and not self._answer.cancelled():
            self._answer.exception()
        else:
            self._answer.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._busy.add(task)
            task.add_done_callback(self._busy.discard)
        try:
            async with asyncio.timeout(_REQUEST_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._reply(head))
                await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            pass
        finally:
            writer.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(1.0):
                    await writer.wait_closed()

    def _reply(self, head: bytes) -> bytes:
        lines = head.decode("latin-1").split("\r\n")
        method, _, rest = lines[0].partition(" ")
        target = rest.rpartition(" ")[0]
        path, _, query = target.partition("?")
        hosts = [
            line.partition(":")[2].strip().lower() for line in lines[1:] if line.lower().startswith("host:")
        ]
        mine = {f"{host}:{self._port}" for host in ("localhost", "127.0.0.1", "[::1]")}
        if len(hosts) != 1 or hosts[0] not in mine:
            return _http("400 Bad Request", "Not for this program", "The request names another host.")
        if path != REDIRECT_PATH:
            return _http("404 Not Found", "Nothing here", "Only Xero's answer to a sign-in is taken here.")
        if method != "GET":
            return _http("405 Method Not Allowed", "Nothing here", "Only GET is taken here.")
        if self._answer.done():
            return _http(
                "200 OK", "Already done", "This sign-in was answered before. You can close this page."
            )
        return self._judge(query)

    def _judge(self, query: str) -> bytes:
        state = self._authorization.state.reveal()
        try:
            # An error counts only with our state: else any web page could cancel a sign-in.
            code = read_redirect(f"?{query}", self._authorization)
        except LoginNeeded as cancelled:
            if f"state={state}" not in query.split("&"):
                return self._stray()
            self._answer.set_exception(cancelled)
            return _http("200 OK", "Not connected", f"{cancelled.message} Go back to the terminal.")
        except BadInput as stray:
            self._tell(stray)
            return self._stray()
        self._answer.set_result(code)
        return _http(
            "200 OK", "Signed in", "Xero has answered. You can close this page and go back to the terminal."
        )

    def _stray(self) -> bytes:
        return _http(
            "400 Bad Request",
            "Another sign-in",
            "This answer belongs to another attempt to sign in. Go back to the terminal and use its address.",
        )


def _http(status: str, title: str, text: str) -> bytes:
    body = _PAGE.format(title=html.escape(title), text=html.escape(text)).encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        "Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n"
        "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


async def wait_for_code(
    authorization: Authorization,
    *,
    port: int,
    paste: Paste | None,
    tell: Tell,
    clock: Clock,
    limit: float = 300.0,
    wrong: Tell | None = None,
) -> Secret:
    """Wait for the listener and for pasted lines side by side; the first good answer wins.

    ``paste`` gives the next line, or None at the end of input. What the listener meets (a stray, a port that
    is taken) goes to ``tell``, what is wrong with a line to ``wrong`` (else to ``tell``), and the wait goes
    on. Raises ``LoginNeeded`` on Cancel and after ``limit`` seconds.
    """
    try:
        listener: Listener | None = await Listener(authorization, port, tell).__aenter__()
    except BadInput as taken:
        if paste is None:
            raise
        tell(taken)
        listener = None
    waits: set[asyncio.Task[Secret | None]] = set()
    try:
        if listener is not None:
            waits.add(asyncio.create_task(_first(listener)))
        if paste is not None:
            waits.add(asyncio.create_task(_pasted(authorization, paste, wrong or tell)))
        timer = asyncio.create_task(_nothing_after(clock, limit))
        waits.add(timer)
        while True:
            done, waits = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for task in sorted(done, key=lambda one: one is timer):
                code = task.result()
                if code is not None:
                    return code
                if task is timer or not waits - {timer}:
                    raise _nobody_came(limit if task is timer else 0.0)
    finally:
        for task in waits:
            task.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        if listener is not None:
            await listener.__aexit__(None, None, None)


async def _first(listener: Listener) -> Secret | None:
    return await listener.answer()


async def _pasted(authorization: Authorization, paste: Paste, tell_wrong: Tell) -> Secret | None:
    while (line := await paste()) is not None:
        if not line.strip():
            continue
        try:
            return read_redirect(line, authorization)
        except BadInput as wrong:
            tell_wrong(wrong)
    return None


async def _nothing_after(clock: Clock, limit: float) -> Secret | None:
    await clock.sleep(limit)
    return None


def _nobody_came(limit: float) -> LoginNeeded:
    within = f" within {count(round(limit / 60), 'minute')}" if limit >= 60 else ""
    return LoginNeeded(
        f"No answer came back from Xero{within}.",
        hint="What do you see in the browser? Pick it from the list: xpm-tui cases seen. A page that"
        " cannot be reached on localhost is as it should be: paste its address.",
        case=CaseId.NOTHING_OPENS,
    )
