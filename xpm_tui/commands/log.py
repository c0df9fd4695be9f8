"""The log: show events, filtered or live, as data or with one line per client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from xpm_tui.commands.command import Command, Dialogue, Result, option
from xpm_tui.commands.effects import Effect
from xpm_tui.commands.tables import to_plain
from xpm_tui.domain.errors import AppError, BadInput, CallsWaiting
from xpm_tui.domain.formatting import clock, count, duration, when_exact
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    import asyncio

    from xpm_tui.application.presenters import lookup
    from xpm_tui.application.runs import consequences, history
    from xpm_tui.log import event_log, sentences

if TYPE_CHECKING:
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.domain.events import Event, Progress, Report
    from xpm_tui.log.event_log import Tail
    from xpm_tui.log.sentences import Names, Values

_POLL = 0.2
"""Seconds between two reads of the log."""
_LAST = 1_000
"""The number of events that ``log`` shows if nothing else is asked for."""
_FORECAST = 2.0
"""Seconds for which a forecast of the time left is shown."""
STOPPING = "Stopping. Nothing more is sent. If a call is in progress, xpm-tui still waits for its answer."
_PER_FIELD = ("sync.change", "sync.link")
"""Events that occur once for each field; those of one client are combined into one line."""
_MOST_FIELDS = 3
"""The number of fields that such a line names."""


def event_data(event: Event, names: Names, values: Values | None = None) -> dict[str, Any]:
    """Return an event as JSON data: all its fields, and ``sentence``."""
    return {**to_plain(event), "sentence": sentences.sentence(event, names, values)}


def event_line(event: Event, names: Names, values: Values | None = None) -> str:
    """Return an event as a line of the log: time, level if it matters, run, sentence."""
    return _line(event, sentences.sentence(event, names, values))


def client_line(events: list[Event], names: Names, values: Values | None = None) -> str:
    """Return what was written to one client as a line: ``Kowhai Ltd: 5 changes (link, phone and 3 more)``."""
    if len(events) == 1:
        return event_line(events[0], names, values)
    client = _client(events[0])
    fields = list(dict.fromkeys(sentences.in_sentence(event.field) for event in events))
    text = ", ".join(fields[:_MOST_FIELDS])
    if len(fields) > _MOST_FIELDS:
        text += f" and {len(fields) - _MOST_FIELDS:,} more"
    return _line(events[-1], f"{names(client) or client}: {count(len(events), 'change')} ({text})")


@asynccontextmanager
async def following(
    practice: OpenPractice, dialogue: Dialogue, *, events: bool = True
) -> AsyncIterator[Report]:
    """Pass new events on to ``dialogue`` until the last one, and show the progress of the work.

    Yields the callback to which the work reports its progress. Without ``events`` only the progress is shown.
    """
    follower = _EventFollower(practice, dialogue) if events else None
    line = ProgressLine(practice, dialogue)
    task = asyncio.create_task(_refresh(practice, follower, line))
    before = practice.on_notice
    practice.on_notice = line.notice_callback(before)
    try:
        yield line.report
    finally:
        practice.on_notice = before
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if follower is not None:
            follower.poll()
            follower.flush()


async def _refresh(practice: OpenPractice, follower: _EventFollower | None, line: ProgressLine) -> None:
    """Read events and refresh the progress line repeatedly, until cancelled."""
    while True:
        if follower is not None and not follower.poll():
            follower.flush()
        line.show()
        await practice.clock.sleep(_POLL)


class ProgressLine:
    """A line with the progress of a run: what is done, what it waits for and until when, the time left."""

    def __init__(self, practice: OpenPractice, dialogue: Dialogue) -> None:
        self._practice = practice
        self._dialogue = dialogue
        self._now: Progress | None = None
        self._until: datetime | None = None
        self._left = ""
        self._left_at = float("-inf")
        self._stopping = False

    def report(self, progress: Progress) -> None:
        """Record the progress; a request to stop is acknowledged immediately."""
        if progress.phase == "stop":
            if not self._stopping:
                self._stopping = True
                self._dialogue.say(STOPPING)
            return
        self._now = progress

    def notice_callback(self, before: Callable[[AppError], None] | None) -> Callable[[AppError], None]:
        """Return a callback that records until when calls wait, and passes every notice on to ``before``."""

        def record_and_pass_on(error: AppError) -> None:
            if isinstance(error, CallsWaiting):
                self._until = error.until
            if before is not None:
                before(error)

        return record_and_pass_on

    def show(self) -> None:
        """Show the current line, once the work has begun to report."""
        if self._now is not None:
            self._dialogue.progress(self.text(self._now))

    def text(self, at: Progress) -> str:
        """Return the line as text."""
        noun = {"lists": "Reading clients from XPM", "plan": "Comparing both sides"}.get(at.phase, "Syncing")
        done = f"{at.done:,} of {at.total:,}" if at.total else f"{at.done:,}" if at.done else ""
        parts = [f"{noun}: {done}" if done else noun]
        until = self._until if self._until is not None and self._until > self._practice.clock.now() else None
        if at.calls and until is None:
            parts.append(count(at.calls, "call"))
        parts.append("stopping" if self._stopping else self._time_left(at))
        if until is not None:
            parts.append(f"waits for Xero's limit until {clock(until, self._practice.time_zone())}")
        return ", ".join(filter(None, parts))

    def _time_left(self, at: Progress) -> str:
        """Return how long the remaining calls are likely to take, from the state of the rate limiter."""
        if at.phase != "apply" or at.expected <= at.calls:
            return ""
        now = self._practice.clock.monotonic()
        if now - self._left_at >= _FORECAST:
            self._left_at = now
            seconds = consequences.pace(self._practice).likely_seconds(at.expected - at.calls)
            self._left = f"{duration(seconds)} left" if seconds >= 1 else ""
        return self._left


class _EventFollower:
    """Passes new events of the log on to a dialogue, those of one client with one line."""

    def __init__(self, practice: OpenPractice, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        self._tail: Tail = practice.events.tail()
        self._pending: list[Event] = []
        self._names: Names = lookup.names(practice)
        self._values: Values = history.values_of_events(practice)

    def poll(self) -> bool:
        """Read new events; return whether there were any."""
        found = self._tail.poll()
        for event in found:
            if self._pending and not _of_one_client(self._pending[-1], event):
                self.flush()
            self._pending.append(event)
        return bool(found)

    def flush(self) -> None:
        """Pass the pending events on: each as data, with one line for all of them."""
        for event in self._pending[:-1]:
            self._dialogue.emit(event_data(event, self._names, self._values))
        if self._pending:
            line = client_line(self._pending, self._names, self._values)
            self._dialogue.emit(event_data(self._pending[-1], self._names, self._values), line)
        self._pending = []


def _of_one_client(one: Event, other: Event) -> bool:
    return (
        one.key in _PER_FIELD
        and other.key in _PER_FIELD
        and (one.run, one.level, _client(one)) == (other.run, other.level, _client(other))
    )


def _client(event: Event) -> str:
    return event.record.partition("/")[0]


def _line(event: Event, phrase: str) -> str:
    level = event.level if event.level in ("warning", "error") else ""
    return " ".join(filter(None, (when_exact(event.at), event.run, level.upper(), phrase)))


class ReadLog(msgspec.Struct, frozen=True):
    """Parameters of ``log``."""

    follow: Annotated[bool, option("Continue as events arrive, until ctrl+c.")] = False
    run: Annotated[str, option("Only this run ('last': the newest).", "RUN", completes="run")] = ""
    level: Annotated[
        Literal["debug", "info", "warning", "error"], option("Only events of this level and above.")
    ] = "debug"
    record: Annotated[str, option("Only events about this client: its id, or its XPM UUID.", "ID")] = ""
    find: Annotated[str, option("Only lines with this text.", "TEXT")] = ""
    since: Annotated[str, option("Only since this time: 2h, 3d, or 2026-01-31.", "WHEN")] = ""
    last: Annotated[
        int, option("At most this many, the newest; 0 for all. A single run is always shown in full.", "N")
    ] = _LAST


async def read_log(practice: OpenPractice, params: ReadLog, dialogue: Dialogue) -> Result:
    """Stream events, oldest first."""
    run = history.find_run(practice, params.run).id if params.run else ""
    since = parse_time(params.since, practice.clock.now()) if params.since else None
    wanted = event_log.EventFilter(
        run=run, level=params.level, record=params.record, text=params.find, since=since
    )
    names, values = lookup.names(practice), history.values_of_events(practice)
    limit = None if run and params.last == _LAST else params.last or None
    tail = practice.events.tail()
    found = list(islice(practice.events.read(wanted, names), limit))
    for event in reversed(found):
        dialogue.emit(event_data(event, names, values), event_line(event, names, values))
    shown = {event.id for event in found[:100]}
    number = len(found)
    while params.follow:
        for event in tail.poll():
            if event.id not in shown and wanted.matches(event, names):
                dialogue.emit(event_data(event, names, values), event_line(event, names, values))
                number += 1
        await practice.clock.sleep(_POLL)
    return Result(data={"count": number}, lines=[] if number else ["No log entries."])


def parse_time(text: str, now: datetime) -> datetime:
    """Return the time of ``30m``, ``2h``, ``3d``, ``1w`` ago, or of a date or time in the machine's zone."""
    unit = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}.get(text[-1:].casefold())
    try:
        if unit and text[:-1].isdigit():
            return now - timedelta(**{unit: int(text[:-1])})
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        hint = "Use 30m, 2h, 3d, 1w, 2026-01-31 or 2026-01-31T14:00."
        raise BadInput(f"'{text}' is not a time.", hint=hint) from None


COMMANDS = (
    Command(
        name="log",
        title="Show the log",
        help="Show what happened, oldest first; with --follow, continue as events arrive. With --json, one"
        " event per line, and the outcome last.",
        params=ReadLog,
        run=read_log,
        effect=Effect.LOOKS,
        example="xpm-tui log --run last\nxpm-tui log --follow --level warning",
        streams=True,
    ),
)
