"""The scheduled run, as a timer starts it: made, skipped with a reason, or not yet due."""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta

import msgspec

from xpm_tui.application.inbox.intake import empty_inbox, folder_of
from xpm_tui.application.jobs.deployment import deploy_due
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.practice_identity import put, read
from xpm_tui.application.progress import Report, silent
from xpm_tui.application.runs.due import DueState, due, interval, skip_recorded
from xpm_tui.application.runs.notifications import notify
from xpm_tui.application.runs.runner import run
from xpm_tui.application.schedule.frequency import PER_SYNC
from xpm_tui.application.status.summary import allowance_at, summarize
from xpm_tui.domain.errors import AppError, Busy, LoginNeeded, XeroError
from xpm_tui.domain.events import Event
from xpm_tui.domain.ports import Put
from xpm_tui.domain.runs import Run
from xpm_tui.domain.tables import RUNS

REMIND_AFTER = timedelta(hours=20)
"""How long the same message is not sent again."""

RENEW_DAYS = 7.0
"""A login that is not used is renewed so often: Xero ends it after 60 idle days."""

WORDS = {
    "too-early": "The daily sync is not due yet today.",
    "done-today": "Today's daily sync has already run.",
    "not-yet": "The next scheduled sync is not due yet.",
    "held": "A held sync waits for your decision: xpm-tui runs list. Until then, it is planned once a day.",
    "allowance": "Skipped: few calls of the day are left, and they are reserved for your own work.",
    "no-sign-in": "Skipped: nobody has used the tool during the past 24 hours.",
}


class _LoginReminder(msgspec.Struct, frozen=True):
    """When the user was last notified that a login is needed."""

    at: datetime


class _LastInboxProblem(msgspec.Struct, frozen=True):
    """What was told of an inbox that could not be emptied, so that it is told once and not every hour."""

    message: str


class _LastReminder(msgspec.Struct, frozen=True):
    """The last good run (id, or empty) of which it was told that nothing good came after it."""

    since: str


async def run_if_due(practice: OpenPractice, *, report: Report = silent) -> tuple[DueState, Run | None]:
    """Make the scheduled run if it is due; gives why, and the run (``skipped`` where nobody had signed in).

    The inbox is emptied first, whether or not the run is due: what has come in is part of what is synced.

    Occurrences that are due are deployed whether or not anybody had signed in; their run is given where it
    is the one to look at.

    Raises what :func:`xpm_tui.application.runs.runner.run` raises, and ``LoginNeeded`` before connecting.
    """
    practice.writable()
    await _empty_inbox(practice)
    found = due(practice)
    if found.why == "not-connected":
        _notify_daily(practice, "The scheduled sync cannot run: the practice is not connected.")
        practice.connected()
    made: Run | None = None
    if found.now and not _enough_calls(practice):
        found = DueState("allowance")
    try:
        if found.now:
            made = await run(practice, full=found.full, trigger="daily", report=report)
        elif found.why == "no-sign-in" and not skip_recorded(practice):
            made = _skipped(practice, found)
        if found.why not in ("too-early", "allowance"):
            deployed = await deploy_due(practice, report=report)
            if deployed is not None and (made is None or made.exit_code == 0):
                made = deployed
        if made is None or made.outcome == "skipped":
            await _keep_login(practice)
    finally:
        _tell_if_stale(practice)
    return found, made


def _enough_calls(practice: OpenPractice) -> bool:
    """Whether a sync at an interval would leave the calls that are kept in reserve."""
    if interval(practice) is None:
        return True  # the one run of the day says itself what it could not do
    left = allowance_at(practice.state, practice.clock).day_left
    return left is None or left >= practice.settings.number("gate.day_reserve") + PER_SYNC


async def _empty_inbox(practice: OpenPractice) -> None:
    """Import what has come in. An inbox that cannot be emptied is told of once; the sync goes on."""
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
        practice.book.commit([put("told-inbox", _LastInboxProblem(message))])
        if message:
            notify(practice, "inbox", "The inbox could not be emptied. See: xpm-tui inbox status")


def _skipped(practice: OpenPractice, found: DueState) -> Run:
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
    practice.book.commit([Put(RUNS, made)])
    practice.events.emit(
        Event(key="run.skipped", level="warning", run=run_id, rule=found.why, outcome="skipped")
    )
    return made


async def _keep_login(practice: OpenPractice) -> None:
    """Renew a login that was idle for a week; a network that is away is tried again tomorrow."""
    try:
        async with practice.wire() as wire:
            await wire.tokens.keep_alive(RENEW_DAYS)
    except LoginNeeded as lost:
        _notify_daily(practice, lost.message)
        raise
    except XeroError:
        pass


def _notify_daily(practice: OpenPractice, sentence: str) -> None:
    """Notify that a login is needed, once a day however often the timer starts."""
    now = practice.clock.now()
    before = read(practice.snapshot(), "told-login", _LoginReminder)
    if before is None or not timedelta(0) <= now - before.at < REMIND_AFTER:
        practice.book.commit([put("told-login", _LoginReminder(now))])
        notify(practice, "login-needed", sentence)


def _tell_if_stale(practice: OpenPractice) -> None:
    """Tell once that nothing has synced well for too long."""
    beat = summarize(practice)
    stale = next((problem for problem in beat.problems if problem.code == "stale"), None)
    since = beat.last_good.isoformat() if beat.last_good else ""
    before = read(practice.snapshot(), "told-stale", _LastReminder)
    if stale is not None and (before is None or before.since != since):
        practice.book.commit([put("told-stale", _LastReminder(since))])
        notify(practice, "stale", stale.sentence)
