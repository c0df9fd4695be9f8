"""The one gate for calls to a practice: a sliding log of the last minute, shared by all processes.

Xero allows 60 calls in any rolling minute, 5 at once, and 5,000 (or 1,000) a day, per app and practice
(developer.xero.com, limits). We take less, so that delays on the way cannot squeeze calls over the limit: a
push 55 of a minute and 3 at once, all together 59 and 4. So a person always finds a slot.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from xpm_tui.model.errors import AllowanceUsedUp
from xpm_tui.model.formatting import count, plural, when_utc
from xpm_tui.model.pace import ALL_FLIGHT as ALL_FLIGHT
from xpm_tui.model.pace import ALL_MINUTE as ALL_MINUTE
from xpm_tui.model.pace import PUSH_FLIGHT as PUSH_FLIGHT
from xpm_tui.model.pace import PUSH_MINUTE as PUSH_MINUTE
from xpm_tui.model.pace import Pace, until_free
from xpm_tui.model.ports import Allowance, Clock, Priority
from xpm_tui.xero.gatefile import DAY, MINUTE, GateFile, State, Ticket, count_call, left_today, more_at

_POLL = 0.05


class FileGate:
    """Implements the Gate port over a file that all processes of the practice share.

    ``reserve``: calls of the day that a push leaves for people and for recovery.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        reserve: int = 100,
        person: str = "",
        jitter: random.Random | None = None,
    ) -> None:
        self._file = GateFile(path, clock=clock, person=person)
        self._clock = clock
        self._reserve = reserve
        self._jitter = jitter or random.Random()
        self._queues = {priority: asyncio.Lock() for priority in Priority}

    def enter(self, priority: Priority) -> AbstractAsyncContextManager[None]:
        """Wait for one's turn; raises ``AllowanceUsedUp`` instead of sleeping through a day limit."""
        return self._turn(priority)

    @asynccontextmanager
    async def _turn(self, priority: Priority) -> AsyncIterator[None]:
        # In one process those of a kind come in order; between kinds and processes the file decides.
        async with self._queues[priority]:
            while (wait := self._try(priority, ticket := secrets.token_hex(6))) > 0:
                await self._clock.sleep(wait)
        try:
            yield
        finally:
            self._leave(ticket)

    def _try(self, priority: Priority, ticket: str) -> float:
        """Take a slot and give 0, or give the seconds after which to try again."""
        with self._file.visit() as state:
            now = self._clock.now().timestamp()
            self._check_day(state, now, priority)
            wait = self._wait(state, now, priority)
            if wait <= 0:
                push = priority is Priority.PUSH
                state.tickets.append(Ticket(ticket, os.getpid(), now, push))
                count_call(state, now)
            return wait

    def _wait(self, state: State, now: float, priority: Priority) -> float:
        if state.closed_until > now:
            return state.closed_until - now
        push = priority is Priority.PUSH
        flying = [t for t in state.tickets if t.pid]
        pushing = sum(t.push for t in flying)
        if len(flying) >= ALL_FLIGHT or (push and pushing >= PUSH_FLIGHT):
            return _POLL
        limit = PUSH_MINUTE if push else ALL_MINUTE
        return until_free(_ends(state, now), limit, now)

    def _check_day(self, state: State, now: float, priority: Priority) -> None:
        if state.day_until > now:
            raise _used_up("The practice's calls of the day are used up.", state.day_until)
        left = left_today(state, now)
        if left is None:
            return
        keep = self._reserve if priority is Priority.PUSH else 0
        if left > keep:
            return
        until = more_at(state, now, keep + 1)
        if keep and left:
            raise _used_up(
                f"Only {count(left, 'call')} of the day {plural(left, 'is/are')} left, kept for people.",
                until,
            )
        raise _used_up("The practice's calls of the day are used up.", until)

    def _leave(self, ticket: str) -> None:
        with self._file.visit() as state:
            for each in state.tickets:
                if each.id == ticket:
                    each.pid = 0
                    each.at = self._clock.now().timestamp()

    def pace(self) -> Pace:
        """How fast a run may call from now on, as far as known; reads the file only."""
        now = self._clock.now().timestamp()
        state = self._file.read()
        left = left_today(state, now)
        until = state.day_until if state.day_until > now else 0.0
        if not until and left is not None and left <= self._reserve:
            until = more_at(state, now, self._reserve + 1)
        return Pace(
            frees=tuple(end - now for end in _ends(state, now)),
            closed=max(0.0, state.closed_until - now),
            day_left=0 if state.day_until > now else None if left is None else max(0, left - self._reserve),
            day_until=datetime.fromtimestamp(until, UTC) if until else None,
        )

    def allowance(self) -> Allowance:
        """What is left, as far as known; reads the file only."""
        now = self._clock.now().timestamp()
        state = self._file.read()
        left = left_today(state, now)
        until = state.day_until if state.day_until > now else 0.0
        if not until and left is not None and left <= 0:
            until = more_at(state, now, 1)
        shut = state.closed_until > now or bool(until)
        most = state.day_most
        return Allowance(
            minute_left=0 if shut else max(0, ALL_MINUTE - len(state.tickets)),
            day_left=0 if until else left,
            day_limit=None if not most else 5_000 if most >= 1_000 else 1_000,
            until=datetime.fromtimestamp(until, UTC) if until else None,
        )

    def learn(self, headers: Mapping[str, str]) -> None:
        """Take in what a reply says of the limits (``X-MinLimit-Remaining``, ``X-DayLimit-Remaining``).

        Calls of the same app from elsewhere show as a smaller remainder than ours: they are counted in.
        """
        minute = _number(headers, "x-minlimit-remaining")
        day = _number(headers, "x-daylimit-remaining")
        if minute is None and day is None:
            return
        with self._file.visit() as state:
            now = self._clock.now().timestamp()
            if minute is not None:
                foreign = 60 - minute - len(state.tickets)
                state.tickets += [
                    Ticket(secrets.token_hex(6), 0, now, False) for _ in range(min(foreign, 60))
                ]
            if day is not None:
                state.day_left, state.day_at, state.since_day_at = day, now, 0
                state.day_most = max(state.day_most, day)

    def shut_minute(self, seconds: float) -> None:
        """Xero said 429 for the minute: nobody calls for exactly so long."""
        with self._file.visit() as state:
            state.closed_until = max(state.closed_until, self._clock.now().timestamp() + seconds)

    def shut_day(self, seconds: float) -> AllowanceUsedUp:
        """Xero said 429 for the day: remember until when, and give the error that says so."""
        with self._file.visit() as state:
            # The day is a rolling one: whatever the reply says, it is over within 24 hours.
            state.day_until = self._clock.now().timestamp() + min(seconds, DAY)
            return _used_up("Xero takes no more calls of this practice today.", state.day_until)

    def close(self) -> None:
        """Give the file's lock back."""
        self._file.close()


def _ends(state: State, now: float) -> list[float]:
    """When each call leaves the minute. One in flight may still touch the server: its minute begins when it
    ends."""
    return sorted(now + MINUTE if t.pid else t.at + MINUTE for t in state.tickets)


def _number(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None


def _used_up(message: str, until: float) -> AllowanceUsedUp:
    when = datetime.fromtimestamp(until, UTC)
    return AllowanceUsedUp(
        message,
        until=when,
        hint=f"It can go on at {when_utc(when)}; what was begun is kept.",
    )
