"""Runs that nobody watches: when a scheduled one is due, and how the user is notified of the result.

A scheduled run is due daily or at an interval, and only while someone uses the tool. The user is notified by
the command of ``notify.command``, which runs without a shell; its failure never fails the work.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Literal

import msgspec

from xpm_tui.application.practice import OpenPractice, SignIn, list_state, put, read
from xpm_tui.application.runs.history import list_held_runs
from xpm_tui.domain.errors import AppError, CommitInterrupted, RunLockLost, StoreUnreachable
from xpm_tui.domain.events import Event
from xpm_tui.domain.formatting import ago, when_short
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.runs import Run
from xpm_tui.domain.tables import RUNS
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    import shlex
    import subprocess

SIGN_IN_LASTS = timedelta(hours=24)
"""How long scheduled runs are made after someone has used the tool."""

_RECORD_EVERY = timedelta(minutes=5)
_AHEAD = timedelta(hours=1)
"""How far ahead of the clock a time may be; a later one was recorded while the clock was wrong."""

_ENDED_BY_SYSTEM = {128 + signal.SIGTERM, 128 + signal.SIGHUP}
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
    """Return whether a scheduled run is due, from the clock, the settings and the history."""
    snapshot, now = practice.snapshot(), practice.clock.now()
    if practice.identity() is None:
        return DueState("not-connected")
    every = interval(practice)
    if every is not None:
        return _due_again(practice, snapshot, now, every)
    zone = practice.time_zone()
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
        local = practice.clock.now().astimezone(practice.time_zone())
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
    if before is None or not timedelta(0) <= now - before.at < _RECORD_EVERY:
        with suppress(AppError):
            practice.store.commit([put("sign-in", SignIn(at=now, by=practice.person))])


GRACE = timedelta(hours=2)
"""How late a scheduled sync may be before it counts as overdue."""


class ScheduledSyncs(msgspec.Struct, frozen=True, kw_only=True):
    """When the last scheduled sync started or was skipped, and when the next one is due, in UTC.

    The timer belongs to the system and is not asked: this is what it did. Both are None if it has not started
    a sync yet.
    """

    last: datetime | None = None
    next: datetime | None = None

    def is_overdue(self, now: datetime) -> bool:
        """Return whether the next one should have started by now."""
        return self.next is not None and now - self.next > GRACE

    def text(self, now: datetime, zone: tzinfo | None = None) -> str:
        """Return when the next one is due, or that none has come."""
        if self.next is None:
            return "none has run yet"
        if self.is_overdue(now):
            return f"overdue: the last one was {ago(self.last, now)}"
        return when_short(self.next, zone)


def scheduled_syncs(practice: OpenPractice) -> ScheduledSyncs:
    """Return what is known of the scheduled syncs of a practice."""
    last = last_daily(practice.snapshot(), practice.clock.now())
    if last is None:
        return ScheduledSyncs()
    every = interval(practice)
    if every is not None:
        return ScheduledSyncs(last=last.started, next=last.started + every)
    zone = practice.time_zone()
    day = last.started.astimezone(zone).date() + timedelta(days=1)
    due_at = datetime.combine(day, _daily_time(practice), zone).astimezone(UTC)
    return ScheduledSyncs(last=last.started, next=due_at)


def last_daily(snapshot: Snapshot, now: datetime | None = None) -> Run | None:
    """Return the newest scheduled run, even a skipped one; with ``now``, none from the future."""
    return max(_scheduled(snapshot, now), key=lambda run: run.started, default=None)


def _scheduled(snapshot: Snapshot, now: datetime | None) -> Iterator[Run]:
    return (
        run
        for run in snapshot.rows(RUNS)
        if run.trigger == "daily" and not run.kind and (now is None or run.started <= now + _AHEAD)
    )


def _made(practice: OpenPractice, snapshot: Snapshot, now: datetime) -> list[Run]:
    """Return the scheduled runs that were made, except those whose process or database was lost."""
    return [run for run in _scheduled(snapshot, now) if not _lost(practice, run)]


def _lost(practice: OpenPractice, run: Run) -> bool:
    if run.outcome == "running":
        return practice.lock_holder() is None  # without the lock, no process works on it, on any machine
    ended_with_its_process = run.outcome == "stopped" and run.exit_code in _ENDED_BY_SYSTEM
    return run.outcome == "interrupted" or ended_with_its_process or run.case in DATABASE_LOST


def skip_recorded(practice: OpenPractice) -> bool:
    """Return whether today is already recorded as skipped, because a day is recorded only once."""
    now, zone = practice.clock.now(), practice.time_zone()
    last = last_daily(practice.snapshot(), now)
    if last is None or last.outcome != "skipped":
        return False
    return last.started.astimezone(zone).date() >= now.astimezone(zone).date()


def skipped_day(snapshot: Snapshot) -> Run | None:
    """Return the newest scheduled run if it was skipped and no later run has made up for it."""
    last = last_daily(snapshot)
    if last is None or last.outcome != "skipped":
        return None
    later = any(
        r.started >= last.started and r.plan and r.outcome in ("done", "partial") for r in snapshot.rows(RUNS)
    )
    return None if later else last


def _daily_time(practice: OpenPractice) -> time:
    hour, minute = map(int, practice.settings.text("schedule.at").split(":"))
    return time(hour, minute)


def _in_use(snapshot: Snapshot, now: datetime) -> bool:
    seen = read(snapshot, "sign-in", SignIn)
    return seen is not None and -_AHEAD <= now - seen.at <= SIGN_IN_LASTS


Reason = Literal["held", "failed", "inbox", "login-needed", "stale", "test"]
REPEAT_AFTER = timedelta(hours=20)
"""The time after which a scheduled run that ends as the one before it is reported again."""

MAX_SECONDS = 30.0
"""How long the command may take."""


def notify(practice: OpenPractice, reason: Reason, sentence: str, *, run: str = "") -> bool:
    """Run the notification command, if there is one; return whether it succeeded.

    ``sentence`` is its standard input, without names of clients. Its environment has
    ``XPM_TUI_NOTIFY_REASON``, ``_SENTENCE``, ``_PRACTICE`` and ``_RUN``, and of this process only what
    contains no secret.
    """
    command = practice.settings.text("notify.command")
    if not command:
        return False
    data = {"reason": reason, "sentence": sentence, "practice": practice.title, "run": run}
    environ = {f"XPM_TUI_NOTIFY_{name.upper()}": text.replace("\0", "") for name, text in data.items()}
    status, error = _run(command, sentence, environ)
    if status == 0:
        practice.events.emit(Event(key="notify.sent", run=run, rule=reason))
        return True
    practice.events.emit(
        Event(key="notify.failed", level="warning", run=run, status=status, numbers={"reason": error})
    )
    return False


def is_repeated(runs: Iterable[Run], run: Run) -> bool:
    """Return whether a scheduled run ended as the one before it did, so that it is not reported again.

    Args:
        runs: All runs, the newest first.
        run: The run that has ended.
    """
    if run.trigger != "daily":
        return False
    scheduled = (r for r in runs if r.trigger == "daily" and r.kind == run.kind and r.outcome != "skipped")
    before = next((each for each in scheduled if each.id != run.id), None)
    if before is None or run.started - before.started >= REPEAT_AFTER:
        return False
    return _ending(before) == _ending(run)


def _ending(run: Run) -> tuple[object, ...]:
    return run.outcome, run.case, run.exit_code, frozenset(stop.rule for stop in run.stops)


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a command needs, without any that may hold a secret."""
    return {
        name: value
        for name, value in environ.items()
        if name in _PASSED or name.startswith("LC_") or (name.lower() in _PROXIES and "@" not in value)
    }


_PASSED = frozenset(
    "PATH HOME USER LOGNAME SHELL LANG LANGUAGE TZ TERM TMPDIR MAILTO EMAIL DISPLAY WAYLAND_DISPLAY"
    " XAUTHORITY DBUS_SESSION_BUS_ADDRESS XDG_RUNTIME_DIR XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME"
    " XDG_CACHE_HOME SSL_CERT_FILE SSL_CERT_DIR".split()
)
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def _run(command: str, sentence: str, environ: dict[str, str]) -> tuple[int, str]:
    try:
        ended = subprocess.run(
            shlex.split(command),
            input=sentence.encode() + b"\n",
            env={**without_secrets(os.environ), **environ},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=MAX_SECONDS,
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -1, "it took too long"
    except (OSError, ValueError) as error:
        return -1, str(error.__class__.__name__)
    return ended.returncode, ""
