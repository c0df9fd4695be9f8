"""Executes one call to Practice Manager: login, rate limiter, retries and error handling.

A read is retried within limits (a number of attempts and a time, with full jitter). A write is sent again
only if Xero certainly did not act: no connection was made, or it answered 401 or 429. Any other write without
a clear answer is an ``OutcomeUnknown``.
"""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from xpm_tui.domain.errors import (
    AllowanceUsedUp,
    BadReply,
    CaseId,
    UnreadableRecord,
    XeroError,
    XeroUnreachable,
)
from xpm_tui.domain.events import Event, Scalar
from xpm_tui.domain.ports import Clock, EventSink, Priority
from xpm_tui.domain.secret import Secret
from xpm_tui.xero.auth.session import LoginSession
from xpm_tui.xero.client import error_mapping
from xpm_tui.xero.client.transport import IncomingReply, Network, NoReply, TooLarge, TransportRequest
from xpm_tui.xero.codec.xml_reader import REPLY_LIMIT
from xpm_tui.xero.config import API_PATH, WireConfig
from xpm_tui.xero.error_body import ErrorBody, RequestInfo, support_hint
from xpm_tui.xero.rate_limiter import RateLimiter, pause

R = TypeVar("R")
Parse = Callable[[bytes, RequestInfo], R]

_ERROR_LIMIT = 256 * 1024
_THROTTLED_TRIES = 8
_LONGEST_WAIT = 120.0
_CHARSET = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9._-]+)", re.IGNORECASE)


@dataclass(frozen=True)
class CallSpec:
    """A call to make.

    ``record``: its path names a record. ``long``: its reply may be slow and large.
    """

    method: str
    path: str
    query: Mapping[str, str] | None = None
    body: bytes | None = None
    record: bool = False
    long: bool = False

    @property
    def request(self) -> RequestInfo:
        """What errors and the log say about the call."""
        return RequestInfo(f"{self.method} {self.path}", write=self.method != "GET")


class _RetryBudget:
    """How often and how long a call may still be retried."""

    def __init__(self, config: WireConfig, clock: Clock, jitter: random.Random) -> None:
        self._retries = config.retries
        self._clock = clock
        self._jitter = jitter
        self._until = clock.monotonic() + config.retry_seconds
        self._step = 0.5
        self.throttled = _THROTTLED_TRIES
        self.renewed = False

    def next(self, error: XeroError, wait: float = 0.0) -> float:
        """Return the seconds before the next attempt, ``wait`` or a random time; or raise ``error``."""
        wait = wait or self._jitter.uniform(0.0, self._step)
        if self._retries <= 0 or self._clock.monotonic() + wait > self._until:
            raise error
        self._retries -= 1
        self._step = min(self._step * 2, 20.0)
        return wait

    def extend(self, seconds: float) -> None:
        """Add time: waits for the rate limiter or a renewal do not count."""
        self._until += seconds


class Caller:
    """Makes the calls of a practice with one priority. ``calls`` counts what was sent.

    Once ``stop`` returns True, no call is made: ``RunStopped`` is raised instead, even during a wait. A call
    that has been sent is completed first.
    """

    def __init__(
        self,
        *,
        network: Network,
        tokens: LoginSession,
        limiter: RateLimiter,
        config: WireConfig,
        tenant: str,
        priority: Priority,
        clock: Clock,
        events: EventSink,
        jitter: random.Random | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> None:
        self._stop = stop
        self._network = network
        self._tokens = tokens
        self._limiter = limiter
        self._tenant = tenant
        self._priority = priority
        self._events = events
        self._jitter = jitter or random.Random()
        self.config = config
        self.clock = clock
        self.calls = 0

    async def read(self, spec: CallSpec, parse: Parse[R]) -> R:
        """Make a read and parse its body; a cut or malformed reply is read again, within limits."""
        budget = _RetryBudget(self.config, self.clock, self._jitter)
        was_malformed = False
        while True:
            try:
                body, request = await self._whole_body(spec, budget)
                return parse(body, request)
            except NoReply as fault:
                wait = budget.next(error_mapping.no_reply_error(fault, spec.request))
            except _FinalError as fault:
                raise fault.error from None
            except UnreadableRecord:
                raise
            except BadReply as error:
                if was_malformed:
                    raise
                was_malformed = True
                wait = budget.next(error)
            await pause(self.clock, wait, self._stop)

    async def write(self, spec: CallSpec, parse: Parse[R]) -> R:
        """Make a write and parse its reply; if the reply cannot be parsed, the outcome is unknown."""
        budget = _RetryBudget(self.config, self.clock, self._jitter)
        try:
            body, request = await self._whole_body(spec, budget)
            return parse(body, request)
        except NoReply as fault:
            raise error_mapping.no_reply_error(fault, spec.request) from None
        except _FinalError as fault:
            raise fault.error from None
        except BadReply as error:
            found = replace(spec.request, status=error.status, correlation=error.correlation)
            raise error_mapping.unknown_outcome_error(found, error.message) from None

    async def _whole_body(self, spec: CallSpec, budget: _RetryBudget) -> tuple[bytes, RequestInfo]:
        async with self._opened(spec, budget) as (incoming, request):
            try:
                return await incoming.body(REPLY_LIMIT), request
            except TooLarge:
                raise bad_reply(request, "it is larger than any reply to this call can be") from None

    @asynccontextmanager
    async def stream(self, spec: CallSpec) -> AsyncIterator[tuple[IncomingReply, RequestInfo]]:
        """Make a read and yield its head; it is not retried once the body has begun."""
        budget = _RetryBudget(self.config, self.clock, self._jitter)
        try:
            async with self._opened(spec, budget) as opened:
                yield opened
        except _FinalError as fault:
            raise fault.error from None
        except NoReply as fault:
            raise error_mapping.no_reply_error(fault, spec.request) from None

    # -- attempts -------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _opened(
        self, spec: CallSpec, budget: _RetryBudget
    ) -> AsyncIterator[tuple[IncomingReply, RequestInfo]]:
        stale: Secret | None = None
        while True:
            async with AsyncExitStack() as stack:
                since = self.clock.monotonic()
                token = await self._tokens.access(stale)
                await self._await_allowance(stack, spec.request)
                began = self.clock.monotonic()
                budget.extend(began - since)
                self.calls += 1
                try:
                    incoming = await stack.enter_async_context(self._network.open(self._request(spec, token)))
                except NoReply as fault:
                    self._log_call(spec.request, began, 0, {})
                    wait = self._after_no_reply(spec, fault, budget)
                else:
                    request = spec.request.with_reply(incoming.status, incoming.headers)
                    self._limiter.learn(incoming.headers)
                    if 200 <= incoming.status < 300:
                        counter = _ByteCounter(incoming.chunks)
                        try:
                            _check_charset(incoming.headers, request)
                            yield replace(incoming, chunks=counter.chunks()), request
                        finally:
                            self._limiter.received += incoming.received()
                            self._log_call(request, began, counter.count, incoming.headers)
                        return
                    found, size = await _error_body(incoming)
                    self._limiter.received += incoming.received()
                    request = replace(request, correlation=request.correlation or found.correlation)
                    self._log_call(request, began, size, incoming.headers)
                    if incoming.status == 401:
                        stale = self._unauthorised(request, found, budget, token)
                        wait = 0.0
                    else:
                        wait = self._after_error(spec, request, found, incoming.headers, budget)
            await pause(self.clock, wait, self._stop)

    async def _await_allowance(self, stack: AsyncExitStack, request: RequestInfo) -> None:
        try:
            await stack.enter_async_context(self._limiter.enter(self._priority, self._stop))
        except AllowanceUsedUp as used_up:
            used_up.asked = request.call
            raise

    def _request(self, spec: CallSpec, token: Secret) -> TransportRequest:
        headers = {
            "Authorization": f"Bearer {token.reveal()}",
            "xero-tenant-id": self._tenant,
            "Accept": "application/xml, text/xml",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": self.config.user_agent,
        }
        if spec.body is not None:
            headers["Content-Type"] = "application/xml"
        times = self.config.timeouts
        return TransportRequest(
            spec.method,
            self.config.api_url + API_PATH + spec.path,
            headers,
            query=spec.query,
            body=spec.body,
            read_timeout=times.list_read if spec.long else times.read,
            deadline=times.list_deadline if spec.long else times.deadline,
        )

    def _after_no_reply(self, spec: CallSpec, fault: NoReply, budget: _RetryBudget) -> float:
        error = error_mapping.no_reply_error(fault, spec.request)
        if not isinstance(error, XeroUnreachable) or fault.kind in ("tls", "request"):
            raise _FinalError(error)
        return budget.next(error)

    def _unauthorised(
        self, request: RequestInfo, found: ErrorBody, budget: _RetryBudget, token: Secret
    ) -> Secret:
        if "authorizationunsuccessful" in found.detail.lower():
            saved = self._tokens.saved()
            raise error_mapping.scope_missing_error(
                request, found.words, saved.scopes if saved is not None else ()
            )
        if budget.renewed:
            raise error_mapping.login_lost_error(request)
        budget.renewed = True
        return token

    def _after_error(
        self,
        spec: CallSpec,
        request: RequestInfo,
        found: ErrorBody,
        headers: Mapping[str, str],
        budget: _RetryBudget,
    ) -> float:
        """Return the seconds to wait after a reply that is no success, or raise the error."""
        after = _retry_after(headers.get("retry-after", ""))
        if request.status == 429:
            return self._throttled(request, headers, after, budget)
        error = error_mapping.status_error(request, found, record=spec.record)
        if isinstance(error, XeroUnreachable) and (after or 0.0) <= _LONGEST_WAIT:
            return budget.next(error, after or 0.0)
        raise _FinalError(error)

    def _throttled(
        self, request: RequestInfo, headers: Mapping[str, str], after: float | None, budget: _RetryBudget
    ) -> float:
        problem = headers.get("x-rate-limit-problem", "").strip().lower()
        if problem.startswith("da") or (after is not None and after > _LONGEST_WAIT):
            used_up = self._limiter.shut_day(3600.0 if after is None else after)
            used_up.asked, used_up.correlation = request.call, request.correlation
            raise _FinalError(used_up)
        budget.throttled -= 1
        if budget.throttled <= 0:
            raise _FinalError(error_mapping.too_many_calls_error(request))
        if problem.startswith("con"):
            wait = (after or 1.0) + self._jitter.uniform(0.0, 1.0)
        else:
            wait = 60.0 if after is None else after
            self._limiter.shut_minute(wait)
        budget.extend(wait)
        return wait

    def _log_call(self, request: RequestInfo, began: float, size: int, headers: Mapping[str, str]) -> None:
        numbers: dict[str, Scalar] = {"ms": round((self.clock.monotonic() - began) * 1000), "bytes": size}
        for name, header in (("minute_left", "x-minlimit-remaining"), ("day_left", "x-daylimit-remaining")):
            text = headers.get(header, "")
            if text.isascii() and text.isdigit():
                numbers[name] = int(text[:9])
        # A 401 is an expired login, which is renewed silently, or a list that the login cannot read.
        good = 200 <= request.status < 300 or request.status == 401
        self._events.emit(
            Event(
                key="call",
                level="debug" if good else "warning",
                call=request.call,
                status=request.status,
                correlation=request.correlation,
                numbers=numbers,
            )
        )


class _FinalError(Exception):
    """Wraps an error after which no retry follows, so that the handlers of other errors do not catch it."""

    def __init__(self, error: XeroError) -> None:
        super().__init__()
        self.error = error


class _ByteCounter:
    """Passes chunks on and counts their bytes."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self.count = 0

    async def chunks(self) -> AsyncIterator[bytes]:
        async for chunk in self._chunks:
            self.count += len(chunk)
            yield chunk


async def _error_body(incoming: IncomingReply) -> tuple[ErrorBody, int]:
    try:
        body = await incoming.body(_ERROR_LIMIT)
    except (NoReply, TooLarge):
        return ErrorBody(), 0
    return error_mapping.read_error_body(body), len(body)


def _check_charset(headers: Mapping[str, str], request: RequestInfo) -> None:
    found = _CHARSET.search(headers.get("content-type", ""))
    if found is not None and found.group(1).lower() not in ("utf-8", "utf8", "us-ascii"):
        raise bad_reply(request, f"its encoding is {found.group(1)[:30]}, not UTF-8")


def bad_reply(request: RequestInfo, problem: str) -> BadReply:
    """Return the error for a reply that is not parsed at all."""
    return BadReply(
        f"Xero's reply cannot be read: {problem}.",
        hint=f"Try again. {support_hint(request.correlation)}",
        case=CaseId.BAD_REPLY,
        **request.error_arguments(repeatable=not request.write),
    )


def _retry_after(text: str) -> float | None:
    text = text.strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) < 9 else None
