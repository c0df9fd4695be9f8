"""Waits for the redirect of a sign-in: at a local listener, and in lines that the user pastes."""

from __future__ import annotations

import asyncio
import errno
import html
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType

from xpm_tui.domain.errors import AppError, BadInput, CaseId, LoginNeeded
from xpm_tui.domain.formatting import count
from xpm_tui.domain.ports import Clock
from xpm_tui.domain.secret import Secret
from xpm_tui.xero.auth.authorization import Authorization, attempt_of, read_answer
from xpm_tui.xero.config import REDIRECT_PATH

PasteReader = Callable[[], Awaitable[str | None]]
ErrorHandler = Callable[[AppError], None]
CodeHandler = Callable[[Secret], Awaitable[None]]
"""A function that exchanges a code and saves the login, before anything is cleaned up."""

AnswerHandler = Callable[[Authorization], None]

_REQUEST_SECONDS = 10.0
_LISTEN_AGAIN_SECONDS = 2.0
"""Seconds between two attempts to open a port that another program uses."""
_LONGEST = 1024 * 1024
"""The maximum bytes of a request's head, which contains the cookies of all programs on localhost."""
_STYLE = """
:root{color-scheme:light dark;--ground:#fcfcfa;--surface:#f2f4f4;--line:#b9c3ca;--text:#1b2229;
--muted:#56626e;--focus:#0b5fae;--on-focus:#fcfcfa;--good:#22692c;--warn:#855000;--bad:#b02020}
@media(prefers-color-scheme:dark){:root{--ground:#0f1319;--surface:#151b23;--line:#34404f;--text:#dde4ec;
--muted:#8d9aab;--focus:#6db3f2;--on-focus:#0f1319;--good:#82cb8c;--warn:#efbe5f;--bad:#f5827d}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);
font:16px/1.6 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
body::before{content:"xpm-tui";display:block;padding:.5em 1.25em;background:var(--surface);
border-bottom:1px solid var(--line);font-weight:bold}
body.sandbox::before{content:"xpm-tui  SANDBOX"}
main{max-width:42em;margin:3em auto;padding:1.25em 1.75em;border:1px solid var(--line);border-radius:.75em;
background:var(--surface);overflow-wrap:anywhere}
h1{margin:0 0 .5em;font-size:1.3em}
h1.good::before{content:"\\2713  ";color:var(--good)}
h1.warn::before{content:"\\25B2  ";color:var(--warn)}
h1.bad::before{content:"\\2715  ";color:var(--bad)}
p{margin:.75em 0}
.next{font-weight:bold}
ul{margin:.75em 0;padding-left:1.5em;color:var(--muted)}
label{color:var(--muted)}
select,button{max-width:100%;font:inherit;padding:.4em .9em;border:1px solid var(--line);border-radius:.4em;
background:var(--ground);color:var(--text)}
button[value=allow]{background:var(--focus);border-color:var(--focus);color:var(--on-focus);font-weight:bold}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px}
@media(max-width:44em){main{margin:1em;padding:1em}}
"""
"""The console's style for a browser, light and dark, without external resources.

The sandbox has a copy, because it shares no code with this package; a test compares the two.
"""
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>xpm-tui: {title}</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><style>{style}</style></head>
<body><main><h1 class="{kind}">{title}</h1><p>{text}</p><p class="next">{next_step}</p></main></body></html>
"""
_BACK = "Go back to the terminal. You can close this page."


class Listener:
    """Listens on 127.0.0.1 and ::1 for a valid answer to ``authorization``; an async context manager.

    Other requests (a favicon, another path, the state of another attempt) are answered and ignored.
    ``on_answer`` is called as soon as a valid answer has come, before the browser gets its page.

    Raises:
        BadInput: The port is in use.
    """

    def __init__(
        self,
        authorization: Authorization,
        port: int,
        on_error: ErrorHandler = lambda _: None,
        on_answer: AnswerHandler = lambda _: None,
    ) -> None:
        self._authorization = authorization
        self._port = port
        self._on_error = on_error
        self._on_answer = on_answer
        self._servers: list[asyncio.Server] = []
        self._answer: asyncio.Future[Secret] = asyncio.get_running_loop().create_future()
        self._connections: set[asyncio.Task[None]] = set()
        self._answering: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Listener:
        try:
            await self._listen()
        except BaseException:
            await self._close()  # even if the wait is cancelled while the port is being opened
            raise
        return self

    async def _listen(self) -> None:
        problem: OSError | None = None
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            try:
                opened = socket.create_server((host, self._port), family=family)
                # Recorded before it serves: a server that is not known yet could not be closed.
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
        """Whether a valid answer has come."""
        return self._answer.done() and not self._answer.cancelled() and self._answer.exception() is None

    async def answer(self) -> Secret:
        """Return the code of the first valid answer.

        Raises:
            LoginNeeded: The answer was Cancel.
        """
        return await asyncio.shield(self._answer)

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        # Browsers open connections that they never use: only wait for those that are being answered.
        if self._answering:
            await asyncio.wait(self._answering, timeout=2.0)
        for task in list(self._connections):
            task.cancel()
        if self._answer.done() and not self._answer.cancelled():
            self._answer.exception()
        else:
            self._answer.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
            task.add_done_callback(self._answering.discard)
        # Only _close cancels it; asyncio would print a traceback for a connection that ends this way.
        with suppress(TimeoutError, asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            try:
                async with asyncio.timeout(_REQUEST_SECONDS):
                    reply = await self._read_and_answer(reader)
                    if task is not None:
                        self._answering.add(task)
                    writer.write(reply)
                    await writer.drain()
            finally:
                writer.close()
                async with asyncio.timeout(1.0):
                    await writer.wait_closed()

    async def _read_and_answer(self, reader: asyncio.StreamReader) -> bytes:
        """Read a request's head and return the page that answers it."""
        try:
            return self._reply(await reader.readuntil(b"\r\n\r\n"))
        except asyncio.LimitOverrunError:
            self._on_error(
                BadInput(
                    f"The browser sent over {_LONGEST // 1024:,} KB of headers, so its answer was not read.",
                    hint="Paste the address at which it ended up, or remove the cookies of localhost in "
                    "the browser.",
                )
            )
            return _http(
                "431 Request Header Fields Too Large",
                "Too many cookies",
                "This browser sent more cookies for localhost than can be read, so the answer was not "
                "accepted.",
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
        own_hosts = {f"{host}:{self._port}" for host in ("localhost", "127.0.0.1", "[::1]")}
        if len(hosts) != 1 or hosts[0] not in own_hosts:
            return _http(
                "400 Bad Request", "Not for this program", "The request names another host.", kind="bad"
            )
        if path != REDIRECT_PATH:
            return _http("404 Not Found", "Nothing here", "Only Xero's answer to a sign-in is accepted here.")
        if method != "GET":
            return _http("405 Method Not Allowed", "Nothing here", "Only GET is accepted here.")
        ours = attempt_of(query, self._authorization)
        if self._answer.done() or (ours is not None and ours.is_used):
            return _http(
                "200 OK",
                "Already used",
                "This sign-in has been answered before. An answer counts once, so nothing was changed.",
            )
        return self._page_for(query, is_ours=ours is not None)

    def _page_for(self, query: str, *, is_ours: bool) -> bytes:
        try:
            # An error counts only with our state; otherwise any web page could cancel a sign-in.
            attempt, code = read_answer(f"?{query}", self._authorization)
        except LoginNeeded as cancelled:
            if not is_ours:
                return self._other_page()
            self._answer.set_exception(cancelled)
            return _http(
                "200 OK",
                "Not connected",
                cancelled.message,
                "Go back to the terminal: it says why, and what to do next.",
                "bad",
            )
        except BadInput as stray:
            self._on_error(stray)
            return self._other_page()
        self._answer.set_result(code)
        self._on_answer(attempt)
        return _http(
            "200 OK",
            "Signed in",
            "Xero has answered, and xpm-tui is taking over the login.",
            "Go back to the terminal: it shows the next step. You can close this page.",
            "good",
        )

    def _other_page(self) -> bytes:
        return _http(
            "400 Bad Request",
            "Another sign-in",
            "This answer belongs to another attempt to sign in.",
            "Go back to the terminal. If it shows the address that you opened, paste the address of this "
            "page there; if not, open the address that it shows now.",
        )


def _http(status: str, title: str, text: str, next_step: str = _BACK, kind: str = "warn") -> bytes:
    """Return a page. ``kind`` is the outcome: good, warn or bad."""
    page = _PAGE.format(style=_STYLE, kind=kind, **{k: html.escape(v) for k, v in
                        (("title", title), ("text", text), ("next_step", next_step))})  # fmt: skip
    body = page.encode()
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
    paste: PasteReader | None,
    on_error: ErrorHandler,
    clock: Clock,
    limit: float = 300.0,
    on_wrong_line: ErrorHandler | None = None,
    on_code: CodeHandler | None = None,
    on_answer: AnswerHandler = lambda _: None,
) -> Secret:
    """Wait for the listener and for pasted lines at the same time; the first valid answer wins.

    Args:
        authorization: The attempt to sign in.
        port: The port of the listener.
        paste: Returns the next line, or None at the end of input.
        on_error: Called with errors of the listener, such as a port in use; the wait continues, and the port
            is tried again.
        clock: Measures the limit.
        limit: Seconds to wait.
        on_wrong_line: Called with what is wrong with a pasted line; by default ``on_error``.
        on_code: Called with the code; it completes before anything is cleaned up, even if this wait is
            cancelled.
        on_answer: Called with the attempt at the moment its valid answer has come.

    Raises:
        LoginNeeded: The user pressed Cancel, or the limit has passed.
        BadInput: There is no listener and no further line. Errors of ``on_code`` are raised, too.
    """
    no_listener: BadInput | None = None
    opened: list[Listener] = []

    async def listen() -> Secret | None:
        while not opened:
            try:
                opened.append(await Listener(authorization, port, on_error, on_answer).__aenter__())
            except BadInput:
                await asyncio.sleep(_LISTEN_AGAIN_SECONDS)
        return await opened[0].answer()

    try:
        opened.append(await Listener(authorization, port, on_error, on_answer).__aenter__())
    except BadInput as problem:
        if paste is None:
            raise
        on_error(problem)
        no_listener = problem
    listening = asyncio.create_task(listen())
    waits: set[asyncio.Task[Secret | None]] = {listening}
    try:
        if paste is not None:
            waits.add(
                asyncio.create_task(_pasted(authorization, paste, on_wrong_line or on_error, on_answer))
            )
        timer = asyncio.create_task(_none_after(clock, limit))
        waits.add(timer)
        try:
            aside = {timer, listening} if no_listener is not None else {timer}
            code = await _first_code(waits, aside, timer, limit, no_listener)
        except asyncio.CancelledError:
            # The answer may have come in the same iteration in which the wait was cancelled.
            if not opened or not opened[0].has_code:
                raise
            if on_code is not None:
                await _run_to_end(on_code(await opened[0].answer()))
            raise
        if on_code is not None:
            await _run_to_end(on_code(code))
        return code
    finally:
        for task in waits:
            task.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        for listener in opened:
            await listener.__aexit__(None, None, None)


async def _first_code(
    waits: set[asyncio.Task[Secret | None]],
    aside: set[asyncio.Task[Secret | None]],
    timer: asyncio.Task[Secret | None],
    limit: float,
    no_listener: BadInput | None,
) -> Secret:
    """Return the first valid answer; errors count only if no valid answer came at the same time.

    The wait ends when only the tasks in ``aside`` are left. ``no_listener`` is why there was no listener at
    first; it is raised if the input ends as well.
    """
    pending = waits
    while True:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if not task.cancelled() and task.exception() is None and (code := task.result()) is not None:
                return code
        for task in done:
            task.result()
        if no_listener is not None and timer not in done and not pending - aside:
            raise no_listener
        if timer in done or not pending - aside:
            raise _timed_out(limit if timer in done else 0.0)


async def _run_to_end(work: Awaitable[None]) -> None:
    """Run ``work`` to its end; a cancellation takes effect afterwards."""
    task = asyncio.ensure_future(work)
    cancellation: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancellation = error
    task.result()
    if cancellation is not None:
        raise cancellation


async def _pasted(
    authorization: Authorization, paste: PasteReader, on_error: ErrorHandler, on_answer: AnswerHandler
) -> Secret | None:
    while (line := await paste()) is not None:
        if not line.strip():
            continue
        try:
            attempt, code = read_answer(line, authorization)
        except BadInput as error:
            on_error(error)
        else:
            on_answer(attempt)
            return code
    return None


async def _none_after(clock: Clock, limit: float) -> Secret | None:
    await clock.sleep(limit)
    return None


def _timed_out(limit: float) -> LoginNeeded:
    time = f" within {count(round(limit / 60), 'minute')}" if limit >= 60 else ""
    return LoginNeeded(
        f"No answer came back from Xero{time}.",
        hint="What do you see in the browser? Pick it from the list: xpm-tui cases seen. If it"
        " cannot reach the page on localhost, that is normal: paste the address.",
        case=CaseId.NOTHING_OPENS,
    )
