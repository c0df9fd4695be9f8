"""When the daily run is due: once a day, and only while somebody uses the tool."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.practice_identity import SignIn, list_state, put, read
from xpm_tui.domain.errors import AppError
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.runs import Run
from xpm_tui.domain.tables import RUNS

SIGN_IN_LASTS = timedelta(hours=24)
_NOTED_EVERY = timedelta(minutes=5)
_AHEAD = timedelta(hours=1)
"""How far ahead of the clock a time may lie; what lies further was noted while the clock was wrong."""

Why = Literal["due", "too-early", "done-today", "no-sign-in", "not-connected"]


@dataclass(frozen=True)
class DueState:
    """Whether a daily run is due now, and whether it has to compare everything.

    ``no-sign-in`` is the one reason that is logged as a skipped day; the others are the normal course.
    """

    why: Why
    full: bool = False

    @property
    def now(self) -> bool:
        """Whether the run is to be made."""
        return self.why == "due"


def due(practice: OpenPractice) -> DueState:
    """Look at clock, settings and history. No network, nothing written."""
    snapshot, now = practice.snapshot(), practice.clock.now()
    if practice.identity() is None:
        return DueState("not-connected")
    zone = time_zone(practice)
    local = now.astimezone(zone)
    hour, minute = map(int, practice.settings.text("schedule.at").split(":"))
    if local.time() < time(hour, minute):
        return DueState("too-early")
    last = last_daily(snapshot, now)
    if last is not None and last.started.astimezone(zone).date() >= local.date():
        return DueState("done-today")
    if practice.settings.yes("schedule.require_sign_in") and not _in_use(snapshot, now):
        return DueState("no-sign-in")
    return DueState("due", full=full_is_due(practice))


def full_is_due(practice: OpenPractice) -> bool:
    """Whether the last complete comparison is ``schedule.full_days`` old, or there was none."""
    full = list_state(practice.snapshot(), "clients").full
    days = timedelta(days=practice.settings.number("schedule.full_days"))
    return full is None or not -_AHEAD <= practice.clock.now() - full < days - timedelta(hours=1)


def signed_in(practice: OpenPractice) -> None:
    """Somebody is at work: a key in a console, or a verb typed on a terminal. Written every few minutes.

    A full disk, a busy or damaged book: then it is not noted, and what was typed is done all the same.
    """
    if practice.read_only:
        return
    now = practice.clock.now()
    before = read(practice.snapshot(), "sign-in", SignIn)
    if before is None or not timedelta(0) <= now - before.at < _NOTED_EVERY:
        with suppress(AppError):
            practice.book.commit([put("sign-in", SignIn(at=now, by=practice.person))])


def last_daily(snapshot: Snapshot, now: datetime | None = None) -> Run | None:
    """The newest daily run, skipped ones included; ``now``: but for one from a clock that ran ahead."""
    daily = (
        run
        for run in snapshot.rows(RUNS)
        if run.trigger == "daily" and not run.kind and (now is None or run.started <= now + _AHEAD)
    )
    return max(daily, key=lambda run: run.started, default=None)


def skipped_day(snapshot: Snapshot) -> Run | None:
    """The skipped daily run that nothing has made up for yet."""
    last = last_daily(snapshot)
    if last is None or last.outcome != "skipped":
        return None
    later = any(
        r.started >= last.started and r.plan and r.outcome in ("done", "partial") for r in snapshot.rows(RUNS)
    )
    return None if later else last


def time_zone(practice: OpenPractice) -> tzinfo:
    """The practice's time zone, or this machine's."""
    name = practice.settings.text("practice.timezone")
    if name:
        return ZoneInfo(name)
    return datetime.now().astimezone().tzinfo or UTC


def _in_use(snapshot: Snapshot, now: datetime) -> bool:
    seen = read(snapshot, "sign-in", SignIn)
    return seen is not None and -_AHEAD <= now - seen.at <= SIGN_IN_LASTS
