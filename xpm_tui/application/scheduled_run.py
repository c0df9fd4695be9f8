"""The scheduled run as a timer starts it, and how often that is: the minutes, and the calls to Xero.

:mod:`xpm_tui.application.timer` writes the system's timer from this.
"""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta
from math import ceil
from typing import Literal

import msgspec

from xpm_tui.application.csv_io.inbox import folder_of
from xpm_tui.application.csv_io.intake import empty_inbox
from xpm_tui.application.home import practices
from xpm_tui.application.jobs.deployment import deploy_due
from xpm_tui.application.practice import LISTS, OpenPractice, practice_settings, put, read
from xpm_tui.application.runs.runner import run
from xpm_tui.application.runs.unattended_runs import INTERVALS, DueState, due, interval, notify, skip_recorded
from xpm_tui.application.runs.xpm_refresh import SMALL_LISTS_REST
from xpm_tui.application.status.summary import allowance_at, summarize
from xpm_tui.domain.errors import AppError, Busy, LoginNeeded, XeroError
from xpm_tui.domain.events import Event, Report, ignore_progress
from xpm_tui.domain.formatting import count
from xpm_tui.domain.ports import Put
from xpm_tui.domain.runs import Run
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import RUNS

Every = Literal["15m", "30m", "1h", "daily"]
HOUR = 60
DAY = timedelta(days=1)

FREQUENCY_WORDS: dict[str, str] = {
    "15m": "Every 15 minutes",
    "30m": "Every 30 minutes",
    "1h": "Every hour",
    "daily": "Once a day",
}
"""The frequency in words, for the beginning of a sentence."""

PER_SYNC = len(LISTS)
"""Calls of a sync that finds no changes: one for each list of XPM."""


class CallEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """The calls to Xero in a day without changes: ``calls`` is the most that ``syncs`` syncs need.

    ``day_limit`` is what Xero allows in a day, None before a reply has shown it, and ``reserve`` what the
    runs leave of that.
    """

    syncs: int
    calls: int
    day_limit: int | None
    reserve: int

    def sentences(self) -> tuple[str, ...]:
        """Return what a user should know before the schedule is installed."""
        of_limit = (
            f"of {self.day_limit:,} that Xero allows"
            if self.day_limit
            else "of the 5,000 that Xero allows (1,000 in the Starter tier)"
        )
        return (
            f"Estimated calls to Xero: at most {self.calls:,} a day {of_limit}, for "
            f"{count(self.syncs, 'sync')}. Each client that is updated in XPM needs about one call more.",
            f"It leaves {count(self.reserve, 'call')} of the day for your own work (gate.day_reserve).",
        )


def estimate_calls(practice: OpenPractice, every: str) -> CallEstimate:
    """Return the calls that a schedule needs, from what is stored here."""
    between = INTERVALS.get(every, DAY)
    syncs = round(DAY / between)
    # The small lists are read less often, and with the complete comparison.
    small = min(syncs, round(DAY / (between * ceil(SMALL_LISTS_REST / between))) + 1)
    return CallEstimate(
        syncs=syncs,
        calls=syncs + small * (PER_SYNC - 1),
        day_limit=allowance_at(practice.state, practice.clock, practice.shared).day_limit,
        reserve=practice.settings.number("gate.day_reserve"),
    )


def period_minutes(every: str) -> int:
    """Return the minutes between two starts of the timer, which is an hour for a daily sync."""
    return round(INTERVALS.get(every, timedelta(hours=1)) / timedelta(minutes=1))


def start_minutes(every: str, minute: int) -> tuple[int, ...]:
    """Return the minutes of the hour at which the timer starts; ``minute`` is one of them."""
    period = period_minutes(every)
    return tuple(sorted((minute + step * period) % HOUR for step in range(HOUR // period)))


def start_minute(practice: OpenPractice, every: str) -> int:
    """Return the minute of the hour for a practice: that of the setting, or the farthest from the others."""
    if practice.settings.origin("schedule.minute") != "default":
        return practice.settings.number("schedule.minute")
    others = _other_schedules(practice)

    def distance(minute: int) -> tuple[int, int]:
        near = [
            _minutes_apart(minute, other, min(period_minutes(every), period_minutes(their_every)))
            for other, their_every in others
        ]
        within_hour = [_minutes_apart(minute, other, HOUR) for other, _ in others]
        return min(near, default=0), min(within_hour, default=0)

    return max(range(HOUR), key=lambda minute: (*distance(minute), -minute))


def _minutes_apart(one: int, other: int, period: int) -> int:
    """Return the minutes between two starts that are repeated after ``period`` minutes."""
    gap = (one - other) % period
    return min(gap, period - gap)


def _other_schedules(practice: OpenPractice) -> list[tuple[int, str]]:
    """Return the minute and the frequency of each other schedule that is installed on this machine."""
    found = []
    for name in practices(practice.home):
        if name == practice.name:
            continue
        settings = practice_settings(practice.home, name, environ={})
        if settings.origin("schedule.minute") == "practice":
            found.append((settings.number("schedule.minute"), settings.text("schedule.every")))
    return found


def schedule_sentence(every: str, at: str, minute: int, *, exact: bool) -> str:
    """Return when a practice is synced, as the beginning of a sentence.

    ``exact`` says that the timer also starts at the time ``at``.
    """
    starts = ", ".join(f":{each:02}" for each in start_minutes(every, minute))
    if every == "daily":
        return (
            f"Every day at {at}, then every hour until it succeeds"
            if exact
            else (f"Every hour ({starts}), once a day from {at}")
        )
    return (
        f"{FREQUENCY_WORDS[every]} ({starts}), and a comparison of everything once a day from {visible(at)}"
    )


REMIND_AFTER = timedelta(hours=20)
"""The time after which the same reminder is sent again."""

RENEW_DAYS = 7.0
"""The days after which an unused login is renewed; Xero ends it after 60 days without use."""

WORDS = {
    "too-early": "The daily sync is not due yet today.",
    "running": "The scheduled sync is already running.",
    "done-today": "Today's daily sync has already run.",
    "not-yet": "The next scheduled sync is not due yet.",
    "held": "A held sync waits for your decision: xpm-tui runs list. Until then, it is planned once a day.",
    "allowance": "Skipped: few of today's calls are left, and they are reserved for your own work.",
    "no-sign-in": "Skipped: nobody has used xpm-tui in the past 24 hours.",
}


class _LoginReminder(msgspec.Struct, frozen=True):
    """The last time that the user was notified that a login is needed."""

    at: datetime


class _LastInboxProblem(msgspec.Struct, frozen=True):
    """The problem of the inbox that was reported last, so that it is not reported every hour."""

    message: str


class _LastReminder(msgspec.Struct, frozen=True):
    """The last successful sync after which a notification said that there was none for too long.

    ``since`` is the time of its end in ISO 8601, or empty.
    """

    since: str


async def run_if_due(
    practice: OpenPractice, *, report: Report = ignore_progress
) -> tuple[DueState, Run | None]:
    """Make the scheduled run if it is due; return whether it was, and the run, which may be a skipped one.

    The inbox is emptied first, even if the run is not due, because its files are part of what is synced. Jobs
    that are due are created even if nobody has signed in; their run is returned if it is the more important
    one. Raises what :func:`xpm_tui.application.runs.runner.run` raises, and ``LoginNeeded`` before
    connecting.
    """
    practice.writable()
    await _empty_inbox(practice)
    found = due(practice)
    if found.why == "not-connected":
        _remind_of_login(practice, "The scheduled sync cannot run: the practice is not connected.")
        practice.connected()
    made: Run | None = None
    if found.now and not _has_enough_calls(practice):
        found = DueState("allowance")
    try:
        if found.now:
            made = await run(practice, full=found.full, trigger="daily", report=report)
        elif found.why == "no-sign-in" and not skip_recorded(practice):
            made = _record_skipped(practice, found)
        if found.why not in ("too-early", "allowance"):
            deployed = await deploy_due(practice, report=report)
            if deployed is not None and (made is None or made.exit_code == 0):
                made = deployed
        if made is None or made.outcome == "skipped":
            await _keep_login(practice)
    finally:
        _notify_if_stale(practice)
    return found, made


def _has_enough_calls(practice: OpenPractice) -> bool:
    """Return whether a sync at an interval would leave the reserved calls."""
    if interval(practice) is None:
        return True  # the daily run reports what it could not do
    left = allowance_at(practice.state, practice.clock, practice.shared).day_left
    return left is None or left >= practice.settings.number("gate.day_reserve") + PER_SYNC


async def _empty_inbox(practice: OpenPractice) -> None:
    """Import from the inbox; a problem with it is reported once, and the sync goes on."""
    if folder_of(practice) is None:
        return
    message = ""
    try:
        stopped = (await empty_inbox(practice)).stopped
        if stopped is not None and not isinstance(stopped, Busy):
            message = stopped.message
    except Busy:
        return
    except AppError as error:
        message = error.message
    before = read(practice.snapshot(), "told-inbox", _LastInboxProblem)
    if message != (before.message if before else ""):
        practice.store.commit([put("told-inbox", _LastInboxProblem(message))])
        if message:
            notify(practice, "inbox", "The inbox could not be emptied. See: xpm-tui inbox status")


def _record_skipped(practice: OpenPractice, found: DueState) -> Run:
    """Store and return a run that was skipped."""
    (run_id,) = practice.ids.new("r")
    now = practice.clock.now()
    policy = practice.policy()
    made = Run(
        id=run_id,
        started=now,
        ended=now,
        by=practice.person,
        host=socket.gethostname(),
        pid=os.getpid(),
        trigger="daily",
        direction=policy.direction,
        level=policy.level,
        outcome="skipped",
        error=WORDS[found.why],
    )
    practice.store.commit([Put(RUNS, made)])
    practice.events.emit(
        Event(key="run.skipped", level="warning", run=run_id, rule=found.why, outcome="skipped")
    )
    return made


async def _keep_login(practice: OpenPractice) -> None:
    """Renew a login that was idle for a week; if Xero cannot be reached, the next run tries again."""
    try:
        async with practice.wire() as wire:
            await wire.tokens.keep_alive(RENEW_DAYS)
    except LoginNeeded as lost:
        _remind_of_login(practice, lost.message)
        raise
    except XeroError:
        pass


def _remind_of_login(practice: OpenPractice, sentence: str) -> None:
    """Notify the user that a login is needed, once a day at most."""
    now = practice.clock.now()
    before = read(practice.snapshot(), "told-login", _LoginReminder)
    if before is None or not timedelta(0) <= now - before.at < REMIND_AFTER:
        practice.store.commit([put("told-login", _LoginReminder(now))])
        notify(practice, "login-needed", sentence)


def _notify_if_stale(practice: OpenPractice) -> None:
    """Notify the user, once, that there was no successful sync for too long."""
    status = summarize(practice)
    stale = next((problem for problem in status.problems if problem.code == "stale"), None)
    since = status.last_good.isoformat() if status.last_good else ""
    before = read(practice.snapshot(), "told-stale", _LastReminder)
    if stale is not None and (before is None or before.since != since):
        practice.store.commit([put("told-stale", _LastReminder(since))])
        notify(practice, "stale", stale.sentence)
