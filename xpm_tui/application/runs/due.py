"""When the scheduled run is due: daily or at an interval, and only while someone uses the tool."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal

import msgspec

from xpm_tui.application.practice import OpenPractice, SignIn, list_state, put, read
from xpm_tui.application.runs.history import list_held_runs
from xpm_tui.domain.errors import AppError, CommitInterrupted, RunLockLost, StoreUnreachable
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.runs import Run
from xpm_tui.domain.tables import RUNS
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    import zoneinfo

SIGN_IN_LASTS = timedelta(hours=24)
_NOTED_EVERY = timedelta(minutes=5)
_AHEAD = timedelta(hours=1)
"""How far ahead of the clock a time may be; later times were recorded while the clock was wrong."""

_TOLD_TO_END = {128 + signal.SIGTERM, 128 + signal.SIGHUP}
"""Exit codes of a run whose process was ended by the system, a timer or a worker, not by its user."""

DATABASE_LOST = {StoreUnreachable.code, RunLockLost.code, CommitInterrupted.code}
"""Codes of errors that end a run because its database was lost: the sync is still due."""

INTERVALS = {"15m": timedelta(minutes=15), "30m": timedelta(minutes=30), "1h": timedelta(hours=1)}
"""Time between two scheduled syncs by the value of ``schedule.every``; ``daily`` has none."""

SkipReason = Literal[
    "due", "too-early", "running", "done-today", "not-yet", "held", "allowance", "no-sign-in", "not-connected"
]


class DueState(msgspec.Struct, frozen=True):
    """Whether a scheduled run is due now, and whether it has to compare everything.

    ``no-sign-in`` is the only reason that is logged as a skipped day; the others are normal.
    """

    why: SkipReason
    full: bool = False

    @property
    def now(self) -> bool:
        """Return whether the run is to be made now."""
        return self.why == "due"


def due(practice: OpenPractice) -> DueState:
    """Check clock, settings and history. No network, nothing written."""
    snapshot, now = practice.snapshot(), practice.clock.now()
    if practice.identity() is None:
        return DueState("not-connected")
    every = interval(practice)
    if every is not None:
        return _due_again(practice, snapshot, now, every)
    zone = time_zone(practice)
    local = now.astimezone(zone)
    if local.time() < _daily_time(practice):
        return DueState("too-early")
    last = max(_made(practice, snapshot, now), key=lambda run: run.started, default=None)
    if last is not None and last.outcome == "running":
        return DueState("running")
    if last is not None and last.started.astimezone(zone).date() >= local.date():
        return DueState("done-today")
    if practice.settings.yes("schedule.require_sign_in") and not _in_use(snapshot, now):
        return DueState("no-sign-in")
    return DueState("due", full=full_is_due(practice))


def _due_again(practice: OpenPractice, snapshot: Snapshot, now: datetime, every: timedelta) -> DueState:
    """Return whether a run at an interval is due; a held one is planned again only once a day."""
    made = [run for run in _made(practice, snapshot, now) if run.outcome != "skipped"]
    last = max(made, key=lambda run: run.started, default=None)
    if last is not None and last.outcome == "running":
        return DueState("running")
    # A timer may start slightly early, and the previous run slightly late.
    if last is not None and now - last.started < every * 2 / 3:
        return DueState("not-yet")
    if practice.settings.yes("schedule.require_sign_in") and not _in_use(snapshot, now):
        return DueState("no-sign-in")
    full = full_is_due(practice)
    if not full and any(run.trigger == "daily" and not run.kind for run in list_held_runs(snapshot)):
        return DueState("held")
    return DueState("due", full=full)


def interval(practice: OpenPractice) -> timedelta | None:
    """Return the time between two scheduled syncs; None for one that runs once a day."""
    return INTERVALS.get(practice.settings.text("schedule.every"))


def full_is_due(practice: OpenPractice) -> bool:
    """Return whether everything has to be compared again.

    That is so without a complete comparison, or if the last one is ``schedule.full_days`` old; with an
    interval, once a day from ``schedule.at``.
    """
    full = list_state(practice.snapshot(), "clients").full
    if interval(practice) is not None:
        local = practice.clock.now().astimezone(time_zone(practice))
        begins = datetime.combine(local.date(), _daily_time(practice), local.tzinfo)
        if begins > local:
            begins = datetime.combine(local.date() - timedelta(days=1), begins.time(), local.tzinfo)
        return full is None or not begins <= full <= local + _AHEAD
    days = timedelta(days=practice.settings.number("schedule.full_days"))
    return full is None or not -_AHEAD <= practice.clock.now() - full < days - timedelta(hours=1)


def record_sign_in(practice: OpenPractice) -> None:
    """Record that someone is using the tool: a key in a console, or a verb typed on a terminal.

    It is written every few minutes. With a full disk or a busy or damaged store it is not recorded, and the
    command runs anyway.
    """
    if practice.read_only:
        return
    now = practice.clock.now()
    before = read(practice.snapshot(), "sign-in", SignIn)
    if before is None or not timedelta(0) <= now - before.at < _NOTED_EVERY:
        with suppress(AppError):
            practice.store.commit([put("sign-in", SignIn(at=now, by=practice.person))])


def last_daily(snapshot: Snapshot, now: datetime | None = None) -> Run | None:
    """Return the newest daily run, including skipped ones; with ``now``, none from the future."""
    return max(_scheduled(snapshot, now), key=lambda run: run.started, default=None)


def _scheduled(snapshot: Snapshot, now: datetime | None) -> Iterator[Run]:
    return (
        run
        for run in snapshot.rows(RUNS)
        if run.trigger == "daily" and not run.kind and (now is None or run.started <= now + _AHEAD)
    )


def _made(practice: OpenPractice, snapshot: Snapshot, now: datetime) -> list[Run]:
    """Return the scheduled runs that were made, without those whose process or database was lost in them."""
    return [run for run in _scheduled(snapshot, now) if not _lost(practice, run)]


def _lost(practice: OpenPractice, run: Run) -> bool:
    if run.outcome == "running":
        return practice.lock_holder() is None  # without the lock, no process works on it, on any machine
    ended_with_its_process = run.outcome == "stopped" and run.exit_code in _TOLD_TO_END
    return run.outcome == "interrupted" or ended_with_its_process or run.case in DATABASE_LOST


def skip_recorded(practice: OpenPractice) -> bool:
    """Return whether a skipped run was recorded today: a day is recorded as skipped only once."""
    now, zone = practice.clock.now(), time_zone(practice)
    last = last_daily(practice.snapshot(), now)
    if last is None or last.outcome != "skipped":
        return False
    return last.started.astimezone(zone).date() >= now.astimezone(zone).date()


def skipped_day(snapshot: Snapshot) -> Run | None:
    """Return the skipped daily run, if no later run has made up for it."""
    last = last_daily(snapshot)
    if last is None or last.outcome != "skipped":
        return None
    later = any(
        r.started >= last.started and r.plan and r.outcome in ("done", "partial") for r in snapshot.rows(RUNS)
    )
    return None if later else last


def time_zone(practice: OpenPractice) -> tzinfo:
    """Return the practice's time zone, or this machine's."""
    name = practice.settings.text("practice.timezone")
    if name:
        return zoneinfo.ZoneInfo(name)
    return datetime.now().astimezone().tzinfo or UTC


def current_day(practice: OpenPractice) -> date:
    """Return the present day in the practice's time zone."""
    return practice.clock.now().astimezone(time_zone(practice)).date()


def _daily_time(practice: OpenPractice) -> time:
    hour, minute = map(int, practice.settings.text("schedule.at").split(":"))
    return time(hour, minute)


def _in_use(snapshot: Snapshot, now: datetime) -> bool:
    seen = read(snapshot, "sign-in", SignIn)
    return seen is not None and -_AHEAD <= now - seen.at <= SIGN_IN_LASTS
