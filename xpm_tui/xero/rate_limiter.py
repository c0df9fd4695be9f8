"""The rate limiter of a practice: a file with the calls of the last minute, shared by all processes.

It contains a sliding log of the last minute, the calls in flight and the count of the day. It is not synced
to disk: after a power loss, the minute that it describes has passed.

Xero allows 60 calls in any rolling minute, 5 at once, and 5,000 (or 1,000) a day, per app and practice
(developer.xero.com, limits). The limiter allows less, so that network delays cannot exceed the limits: 55 a
minute and 3 at once for a push, 59 and 4 for all processes. Users always get a slot.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import msgspec

from xpm_tui.domain.errors import AllowanceUsedUp, AppError, CallsWaiting, RunStopped
from xpm_tui.domain.formatting import clock, count, plural, when_utc
from xpm_tui.domain.pace import (
    ALL_FLIGHT,
    ALL_MINUTE,
    BACKGROUND_FLIGHT,
    BACKGROUND_MINUTE,
    Pace,
    until_free,
    waiting,
)
from xpm_tui.domain.ports import Allowance, Clock, Priority
from xpm_tui.files.durable import replace_bytes
from xpm_tui.files.locks import Lock
from xpm_tui.files.machine import Disk
from xpm_tui.files.private import ensure_private

MINUTE = 60.0
DAY = 86_400.0
BUCKET = 600.0
"""Seconds of one bucket of the day's log."""

LONGEST_WAIT = 300.0
"""The longest wait in seconds that Xero may ask for; a longer one is an error that says when it ends."""

STALE_SECONDS = 7_200.0
"""Seconds after which a call in flight is considered dead, because process ids are reused."""


class Ticket(msgspec.Struct, array_like=True):
    """A call: its id, its process, and when it last accessed the server (seconds since 1970).

    ``pid`` 0: no longer in flight. ``push``: made for a run, not for a user.
    """

    id: str
    pid: int
    at: float
    push: bool


class LimiterState(msgspec.Struct, omit_defaults=True):
    """The contents of the file. Times are seconds since 1970.

    Attributes:
        closed_until: The end of the wait in a 429 for the minute; ``day_until`` that for the day.
        day_left: The calls of the day that Xero reported as left at ``day_at``.
        day_most: The most that Xero has ever reported.
        since_day_at: The number of our calls since ``day_at``.
        buckets: Our own calls by time.
        doubt_until: Until then the calls of the last minute are unknown, unless Xero reports them.
        received: The bytes of Xero's replies by day (UTC).
    """

    tickets: list[Ticket] = []
    closed_until: float = 0.0
    day_until: float = 0.0
    day_left: int | None = None
    day_at: float = 0.0
    day_most: int = 0
    since_day_at: int = 0
    buckets: list[tuple[float, int]] = []
    doubt_until: float = 0.0
    received: dict[str, int] = {}


class _UnsyncedDisk(Disk):
    """A disk that does not sync; see the docstring of the module."""

    def fsync(self, fd: int) -> None: ...
    def sync_folder(self, folder: Path) -> None: ...


class LimiterFile:
    """The file and its lock; ``damage`` says what was wrong with the file when it was last read."""

    def __init__(self, path: Path, *, clock: Clock, person: str = "") -> None:
        self.path = path
        self.damage = ""
        self._clock = clock
        self._has_folder = False
        self.process = os.getpid()
        self._lock = Lock(
            path.with_name(path.name + ".lock"), clock=clock, person=person, what="makes a call"
        )

    @contextmanager
    def visit(self) -> Iterator[LimiterState]:
        """Yield the state under the lock, then write it. Raises ``Busy`` and ``DiskError``."""
        if not self._has_folder:
            ensure_private(self.path.parent)
            self._has_folder = True
        with self._lock.hold(timeout=10.0):
            state = self.read()
            try:
                yield state
            finally:
                replace_bytes(self.path, msgspec.json.encode(state), disk=_UnsyncedDisk())

    def read(self) -> LimiterState:
        """Return the current state, without expired calls and those of dead processes."""
        self.damage = ""
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            raw = None
        except OSError as error:
            self.damage = (error.strerror or "it cannot be read").lower()
            raw = b""
        return self._decoded(raw, _is_alive)

    def _decoded(self, raw: bytes | None, alive: Callable[[int], bool]) -> LimiterState:
        if raw is None:
            return LimiterState()
        now = self._clock.now().timestamp()
        try:
            state = msgspec.json.decode(raw, type=LimiterState)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self.damage = self.damage or "it is not what xpm-tui writes"
        else:
            if all(0 <= ticket.pid < 1 << 31 for ticket in state.tickets):
                return _drop_expired(state, now, alive)
            self.damage = "it names processes that cannot exist"
        # Unknown does not mean unused: all calls of the last minute but one may have been made.
        return LimiterState(doubt_until=now + MINUTE)

    def close(self) -> None:
        """Close the lock's file descriptor."""
        self._lock.close()


def _drop_expired(state: LimiterState, now: float, alive: Callable[[int], bool]) -> LimiterState:
    """Drop what no longer counts at ``now``; a time in the future counts as now."""
    remaining = []
    for ticket in state.tickets:
        ticket.at = min(ticket.at, now)
        if ticket.pid and (now - ticket.at > STALE_SECONDS or not alive(ticket.pid)):
            ticket.pid = 0
        if ticket.pid or now - ticket.at < MINUTE:
            remaining.append(ticket)
    state.tickets = remaining
    state.closed_until = min(state.closed_until, now + LONGEST_WAIT)
    state.doubt_until = min(state.doubt_until, now + MINUTE)
    state.day_until = min(state.day_until, now + DAY)
    state.day_at = min(state.day_at, now)
    state.received = dict(sorted(state.received.items())[-62:])  # about two months
    state.buckets = [(at, n) for at, n in state.buckets if now - at < 2 * DAY + BUCKET]
    if now - state.day_at > DAY:
        state.day_left = None
    return state


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError as error:
        return not isinstance(error, ProcessLookupError)
    return True


def _calls_left_today(state: LimiterState, now: float) -> int | None:
    """Return the calls left today: Xero's number minus ours since then, plus ours that are over a day old."""
    if state.day_left is None:
        return None
    freed = sum(n for at, n in state.buckets if at + BUCKET + DAY <= now and at + BUCKET + DAY > state.day_at)
    return max(0, state.day_left - state.since_day_at + freed)


def _time_of_calls(state: LimiterState, now: float, wanted: int) -> float:
    """Return when ``wanted`` calls of the day will be left, as far as our own calls show; else in an hour."""
    left = _calls_left_today(state, now) or 0
    for at, n in sorted(state.buckets):
        free = at + BUCKET + DAY
        if free <= now:
            continue
        left += n
        if left >= wanted:
            return free
    return now + 3600.0


def _count_call(state: LimiterState, now: float) -> None:
    """Add a call to the day's log."""
    start = now - now % BUCKET
    if state.buckets and state.buckets[-1][0] == start:
        state.buckets[-1] = (start, state.buckets[-1][1] + 1)
    else:
        state.buckets.append((start, 1))
    state.since_day_at += 1


def _day_resumes_at(state: LimiterState, now: float, reserve: int) -> float:
    """Return when calls of the day beyond ``reserve`` will be left again; 0 if some are left now."""
    if state.day_until > now:
        return state.day_until
    left = _calls_left_today(state, now)
    return 0.0 if left is None or left > reserve else _time_of_calls(state, now, reserve + 1)


async def pause(clock: Clock, seconds: float, stop: Callable[[], bool] | None) -> None:
    """Wait; raises ``RunStopped`` as soon as ``stop`` returns True."""
    if stop is None:
        return await clock.sleep(seconds)
    until = clock.monotonic() + seconds
    while (remaining := until - clock.monotonic()) > 0:
        if stop():
            raise RunStopped
        # A remainder below the resolution of a clock would never pass.
        await clock.sleep(max(SHORTEST, min(remaining, STOP_POLL)))
    return None


STOP_POLL = 0.25
"""Seconds between two checks of ``stop`` while a call waits."""
SHORTEST = 0.001
"""The shortest wait in seconds."""
_POLL = 0.05
"""Seconds between two attempts while too many calls are in flight."""
REPORTED_SECONDS = 5.0
"""Waits of at least this many seconds are reported."""


class RateLimiter:
    """The ``CallLimiter`` port over a state that all processes of the practice share.

    ``reserve`` is the number of daily calls that a push leaves for users and recovery. ``notice`` is called
    for a damaged file and a long wait. ``received`` counts the bytes of replies; it is stored when a call
    ends.
    """

    def __init__(
        self,
        file: Path | LimiterFile,
        clock: Clock,
        *,
        reserve: int = 100,
        person: str = "",
        notice: Callable[[AppError], None] = lambda _: None,
    ) -> None:
        self._notice = notice
        self._file = LimiterFile(file, clock=clock, person=person) if isinstance(file, Path) else file
        self._clock = clock
        self._reserve = reserve
        self.received = 0
        self._queues = {priority: asyncio.Lock() for priority in Priority}

    @asynccontextmanager
    async def enter(self, priority: Priority, stop: Callable[[], bool] | None = None) -> AsyncIterator[None]:
        """Wait until the call may start.

        Raises:
            AllowanceUsedUp: The daily limit is used up; it does not wait for the next day.
            RunStopped: ``stop`` returned true.
        """
        # Within a process, calls of a priority are served in order; otherwise the file decides.
        async with self._queues[priority]:
            if stop is not None and stop():
                raise RunStopped
            while (wait := self._try(priority, ticket := os.urandom(6).hex())) > 0:
                if wait >= REPORTED_SECONDS:
                    self._notice(self._long_wait_notice(wait))
                await pause(self._clock, wait, stop)
        try:
            yield
        finally:
            self._leave(ticket)

    def _try(self, priority: Priority, ticket: str) -> float:
        """Take a slot and return 0, or return the seconds after which to try again."""
        with self._file.visit() as state:
            if self._file.damage:
                self._notice(_damaged(self._file.path, self._file.damage))
            now = self._clock.now().timestamp()
            self._check_day(state, now, priority)
            wait = self._wait(state, now, priority)
            if wait <= 0:
                push = priority is Priority.BACKGROUND
                state.tickets.append(Ticket(ticket, self._file.process, now, push))
                _count_call(state, now)
            return wait

    def _long_wait_notice(self, seconds: float) -> AppError:
        until = self._clock.now() + timedelta(seconds=seconds)
        notice = CallsWaiting(
            f"{waiting(seconds)} ({clock(until, UTC)} UTC).", hint="It continues by itself."
        )
        notice.until = until
        return notice

    def _wait(self, state: LimiterState, now: float, priority: Priority) -> float:
        if state.closed_until > now:
            return state.closed_until - now
        push = priority is Priority.BACKGROUND
        in_flight = [ticket for ticket in state.tickets if ticket.pid]
        if state.doubt_until > now and state.tickets:
            return _POLL if in_flight else state.doubt_until - now  # one call, whose reply shows what is left
        pushes = sum(ticket.push for ticket in in_flight)
        if len(in_flight) >= ALL_FLIGHT or (push and pushes >= BACKGROUND_FLIGHT):
            return _POLL
        limit = BACKGROUND_MINUTE if push else ALL_MINUTE
        return until_free(_release_times(state, now), limit, now)

    def _check_day(self, state: LimiterState, now: float, priority: Priority) -> None:
        reserve = self._reserve if priority is Priority.BACKGROUND else 0
        until = _day_resumes_at(state, now, reserve)
        if not until:
            return
        left = 0 if state.day_until > now else _calls_left_today(state, now)
        if reserve and left:
            raise _used_up(
                f"Only {count(left, 'call')} for the day {plural(left, 'is/are')} left, reserved for your "
                "own work.",
                until,
            )
        raise _used_up("The practice's calls for the day are used up.", until)

    def _leave(self, ticket: str) -> None:
        with self._file.visit() as state:
            today = self._clock.now().astimezone(UTC).date().isoformat()
            state.received[today] = state.received.get(today, 0) + self.received
            self.received = 0
            for call in state.tickets:
                if call.id == ticket:
                    call.pid = 0
                    call.at = self._clock.now().timestamp()

    def pace(self) -> Pace:
        """Return how fast a run may call from now on, as far as known; only reads the file."""
        now = self._clock.now().timestamp()
        state = self._file.read()
        left = _calls_left_today(state, now)
        until = _day_resumes_at(state, now, self._reserve)
        return Pace(
            expiries=tuple(end - now for end in _release_times(state, now)),
            closed=max(0.0, state.closed_until - now),
            day_left=0 if state.day_until > now else None if left is None else max(0, left - self._reserve),
            day_until=datetime.fromtimestamp(until, UTC) if until else None,
            spacing=_spacing(state),
        )

    def allowance(self) -> Allowance:
        """Return what is left, as far as known; only reads the file."""
        now = self._clock.now().timestamp()
        state = self._file.read()
        left = _calls_left_today(state, now)
        until = _day_resumes_at(state, now, 0)
        shut = state.closed_until > now or bool(until)
        today = datetime.fromtimestamp(now, UTC).date().isoformat()
        minute = max(0, ALL_MINUTE - len(state.tickets))
        return Allowance(
            minute_left=0 if shut else minute if state.doubt_until <= now else int(not state.tickets),
            day_left=0 if until else left,
            day_limit=None if not state.day_most else 5_000 if state.day_most >= 1_000 else 1_000,
            until=datetime.fromtimestamp(until, UTC) if until else None,
            received_today=state.received.get(today, 0),
            received_month=sum(size for day, size in state.received.items() if day[:7] == today[:7]),
        )

    def learn(self, headers: Mapping[str, str]) -> None:
        """Update the limits from the headers ``X-MinLimit-Remaining`` and ``X-DayLimit-Remaining``.

        If fewer calls remain than we have counted, the same app makes calls elsewhere: they are included.
        """
        minute = _number(headers, "x-minlimit-remaining")
        day = _number(headers, "x-daylimit-remaining")
        if minute is None and day is None:
            return
        with self._file.visit() as state:
            now = self._clock.now().timestamp()
            if minute is not None:
                state.doubt_until = 0.0
                foreign = 60 - minute - len(state.tickets)
                state.tickets += [Ticket(os.urandom(6).hex(), 0, now, False) for _ in range(min(foreign, 60))]
            if day is not None:
                state.day_left, state.day_at, state.since_day_at = day, now, 0
                state.day_most = max(state.day_most, day)

    def shut_minute(self, seconds: float) -> None:
        """Stop all calls for the seconds in a 429 for the minute."""
        with self._file.visit() as state:
            state.closed_until = max(state.closed_until, self._clock.now().timestamp() + seconds)

    def shut_day(self, seconds: float) -> AllowanceUsedUp:
        """Stop all calls until the time in a 429 for the day, and return the error that says so."""
        with self._file.visit() as state:
            # The day is a rolling one, so it is over within 24 hours whatever the reply says.
            state.day_until = self._clock.now().timestamp() + min(seconds, DAY)
            return _used_up("Xero accepts no more calls for this practice today.", state.day_until)

    def close(self) -> None:
        """Close the lock."""
        self._file.close()


def _release_times(state: LimiterState, now: float) -> list[float]:
    """Return when each call leaves the rolling minute, which for a call in flight begins when it ends."""
    return sorted(now + MINUTE if t.pid else t.at + MINUTE for t in state.tickets)


def _spacing(state: LimiterState) -> float:
    """Return the usual seconds between two calls of runs: the median, which ignores gaps from waiting."""
    times = sorted(ticket.at for ticket in state.tickets if ticket.push)
    gaps = sorted(later - earlier for earlier, later in pairwise(times))
    return gaps[len(gaps) // 2] if gaps else 0.0


def _number(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None


def _damaged(path: Path, why: str) -> AppError:
    return AppError(
        f"The record of the latest calls to Xero ({path}) cannot be used: {why}.",
        hint="A new record is started: one call is made, and Xero's reply shows how many are left.",
    )


def _used_up(message: str, until: float) -> AllowanceUsedUp:
    when = datetime.fromtimestamp(until, UTC)
    return AllowanceUsedUp(
        message,
        until=when,
        hint=f"It can continue at {when_utc(when)}; what was done so far is kept.",
    )
