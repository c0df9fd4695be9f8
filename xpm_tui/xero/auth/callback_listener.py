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
Take = Callable[[Secret], Awaitable[None]]
"""What is done with a code before anything is cleaned up: exchange it, and save the login."""

_REQUEST_SECONDS = 10.0
_LONGEST = 1024 * 1024
"""Bytes of a request's head: a browser sends every cookie that any program on localhost has set."""
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>xpm-tui</title>
<style>body{{font:18px/1.5 sans-serif;max-width:34em;margin:4em auto;padding:0 1em}}</style>
</head><body><h1>{title}</h1><p>{text}</p></body></html>
"""


class Listener:
    """Listens on 127.0.0.1 and ::1 for one good answer to ``authorization``; an async context manager.

    Strays (a favicon, another path, another attempt's state) are answered and ignored. Raises ``BadInput``
    when the port is taken. ``won`` is called as soon as a good answer has come, before the browser hears of
    it.
    """

    def __init__(
        self,
        authorization: Authorization,
        port: int,
        tell: Tell = lambda _: None,
        won: Callable[[], None] = lambda: None,
    ) -> None:
        self._authorization = authorization
        self._port = port
        self._tell = tell
        self._won = won
        self._servers: list[asyncio.Server] = []
        self._answer: asyncio.Future[Secret] = asyncio.get_running_loop().create_future()
        self._busy: set[asyncio.Task[None]] = set()
        self._answering: set[asyncio.Task[None]] = set()

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
                        f"Another program is using port {self._port} on this machine.",
                        hint="Close that program (perhaps another sign-in), or paste the address yourself.",
                    ) from None
                problem = error
        if not self._servers:
            raise BadInput(
                f"This machine does not allow listening on port {self._port}.",
                hint="Paste the address at which the browser ends up.",
            ) from problem

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    @property
    def has_code(self) -> bool:
        """Whether a good answer has come."""
        return self._answer.done() and not self._answer.cancelled() and self._answer.exception() is None

    async def answer(self) -> Secret:
        """The code of the first good answer; raises ``LoginNeeded`` when it was a Cancel."""
        return await asyncio.shield(self._answer)

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        # A browser opens connections that it never uses: only one that is being answered is waited for.
        if self._answering:
            await asyncio.wait(self._answering, timeout=2.0)
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
            task.add_done_callback(self._answering.discard)
        # Cancelled only by _close; asyncio would print a traceback of a connection that ends so.
        with suppress(TimeoutError, asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            try:
                async with asyncio.timeout(_REQUEST_SECONDS):
                    reply = await self._heard(reader)
                    if task is not None:
                        self._answering.add(task)
                    writer.write(reply)
                    await writer.drain()
            finally:
                writer.close()
                async with asyncio.timeout(1.0):
                    await writer.wait_closed()

    async def _heard(self, reader: asyncio.StreamReader) -> bytes:
        """Read a request's head and give the page that answers it."""
        try:
            return self._reply(await reader.readuntil(b"\r\n\r\n"))
        except asyncio.LimitOverrunError:
            self._tell(
                BadInput(
                    f"The browser sent over {_LONGEST // 1024:,} KB of headers, so its answer was not read.",
                    hint="Paste the address at which it ended up, or remove the cookies of localhost in "
                    "the browser.",
                )
            )
            return _http(
                "431 Request Header Fields Too Large",
                "Too many cookies",
                "Copy the address of this page, go back to the terminal and paste it there.",
            )

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
            return _http("404 Not Found", "Nothing here", "Only Xero's answer to a sign-in is accepted here.")
        if method != "GET":
            return _http("405 Method Not Allowed", "Nothing here", "Only GET is accepted here.")
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
        self._won()
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
    take: Take | None = None,
    won: Callable[[], None] = lambda: None,
) -> Secret:
    """Wait for the listener and for pasted lines side by side; the first good answer wins.

    ``paste`` gives the next line, or None at the end of input. What the listener meets (a stray, a port that
    is taken) goes to ``tell``, what is wrong with a line to ``wrong`` (else to ``tell``), and the wait goes
    on. ``won`` is called at the moment in which a good answer has come. ``take`` is given the code and runs
    to its end before anything is cleaned up, also where this wait is cancelled meanwhile. Raises
    ``LoginNeeded`` on Cancel and after ``limit`` seconds, and what ``take`` raises.
    """
    try:
        listener: Listener | None = await Listener(authorization, port, tell, won).__aenter__()
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
            waits.add(asyncio.create_task(_pasted(authorization, paste, wrong or tell, won)))
        timer = asyncio.create_task(_nothing_after(clock, limit))
        waits.add(timer)
        try:
            code = await _first_code(waits, timer, limit)
        except asyncio.CancelledError:
            # The answer may have come in the same turn in which the wait was given up.
            if listener is None or not listener.has_code:
                raise
            if take is not None:
                await _to_its_end(take(await listener.answer()))
            raise
        if take is not None:
            await _to_its_end(take(code))
        return code
    finally:
        for task in waits:
            task.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        if listener is not None:
            await listener.__aexit__(None, None, None)


async def _first_code(
    waits: set[asyncio.Task[Secret | None]], timer: asyncio.Task[Secret | None], limit: float
) -> Secret:
    """The first good answer. An error counts only where no good answer came at the same time."""
    left = waits
    while True:
        done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if not task.cancelled() and task.exception() is None and (code := task.result()) is not None:
                return code
        for task in done:
            task.result()
        if timer in done or not left - {timer}:
            raise _nobody_came(limit if timer in done else 0.0)


async def _to_its_end(work: Awaitable[None]) -> None:
    """Run ``work`` to its end; a cancellation that comes meanwhile takes effect after it."""
    task = asyncio.ensure_future(work)
    given_up: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as cancelled:
            given_up = cancelled
    task.result()
    if given_up is not None:
        raise given_up


async def _first(listener: Listener) -> Secret | None:
    return await listener.answer()


async def _pasted(
    authorization: Authorization, paste: Paste, tell_wrong: Tell, won: Callable[[], None]
) -> Secret | None:
    while (line := await paste()) is not None:
        if not line.strip():
            continue
        try:
            code = read_redirect(line, authorization)
        except BadInput as wrong:
            tell_wrong(wrong)
        else:
            won()
            return code
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
