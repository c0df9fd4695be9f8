"""A run in a few lines (scope, progress and outcome), and the live log of a run or of the practice.

``lines_of``, ``newest_lines`` and ``Follower`` are used on the worker thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from textual import on
from textual.content import Content
from textual.message import Message

from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.lookup import names
from xpm_tui.application.runs import history
from xpm_tui.application.runs.consequences import RunForecast, forecast
from xpm_tui.application.runs.history import FieldProgress, run_counts, values_of_events
from xpm_tui.diagnostics.error_presenter import problem_title
from xpm_tui.diagnostics.known_problems import find_problem
from xpm_tui.domain import formatting, labels, pace
from xpm_tui.domain.events import Event
from xpm_tui.domain.runs import UNKNOWN, Run
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import CLIENTS, WORKFLOWS, TableSchema
from xpm_tui.log.event_log import EventFilter, Tail
from xpm_tui.log.sentences import sentence
from xpm_tui.tui.widgets import cells
from xpm_tui.tui.widgets.cells import Line, Look, Span, content, fit, fixed, span, wrap
from xpm_tui.tui.widgets.frame import KeyExplainer, direction_spans
from xpm_tui.tui.widgets.log_pane import LogLine, LogPane

CUT_SHORT = "It ended early. What was applied stays; the next sync continues from there."

_CAN_CONTINUE = frozenset({"held", "interrupted", "stopped", "partial"})
"""Outcomes after which the run can continue."""

STOPPING = "Stopping: nothing more is sent. Waiting for the answer to the current call."
RECORDS_TIMED = 3
"""The number of records after which the time spent is used to estimate the rest."""
SOON = 60.0
"""Seconds left below which the estimated end is not shown."""
NO_FORECAST = RunForecast()

FRAME = 4
"""Width of a panel's border and padding, in columns."""

CONTINUE_COMMANDS = {"held": "runs.release", "interrupted": "runs.resume", "stopped": "runs.resume"}
"""The command that continues a run, by its outcome."""


def seconds_left(run: Run, now: datetime, forecast: RunForecast = NO_FORECAST) -> float:
    """Return about how many seconds a run still takes; 0 if that is not known.

    The estimate uses the calls for which the run has to wait, or the time spent on its records so far.
    """
    if run.outcome != "running" or forecast.stopping or run.total <= run.done:
        return 0.0
    seconds = forecast.seconds or 0.0
    if run.done >= RECORDS_TIMED and not seconds:
        spent = max(0.0, (now - run.started).total_seconds())
        seconds = spent / run.done * (run.total - run.done)
    return seconds


def forecast_lines(forecast: RunForecast, columns: int) -> list[Line]:
    """Return why a run is waiting, and until when."""
    if forecast.stopping:
        return [*wrap([fixed("■ ", "warn"), fixed(STOPPING)], columns)]
    found: list[Line] = []
    if forecast.waits:
        found += wrap([fixed("◷ ", "accent"), fixed(pace.waiting(forecast.waits))], columns)
    if forecast.beyond_today:
        until = (
            f" The run can continue at {formatting.when(forecast.day_until)}." if forecast.day_until else ""
        )
        text = f"Today's call allowance is {formatting.count(forecast.beyond_today, 'call')} short.{until}"
        found += wrap([fixed("▲ ", "warn"), fixed(text)], columns)
    return found


def _scope(run: Run) -> str:
    """Return the scope of a run: jobs, or the direction of a sync and what is synced."""
    if run.kind == "deploy":
        return "Jobs"
    sides = "XPM ▸ Ignition" if run.direction == "from_xpm" else "Ignition ▸ XPM"
    return f"{sides} · {labels.LEVELS[run.level].text}"


def run_scope(run: Run) -> Line:
    """Return the scope of a run: jobs, or the sides in the order of the sync and what is synced."""
    if run.kind == "deploy":
        return [fixed("Jobs", "strong")]
    return [*direction_spans(run.direction), fixed(f"  {labels.LEVELS[run.level].text}", "muted")]


def frame_text(text: str) -> Content:
    """Return a text for the border of a panel, where brackets would be markup."""
    return content(visible(text))


def run_title(run: Run) -> str:
    """Return the title of a run's panel: its outcome and scope."""
    return f"Run {run.id}: {labels.RUN_OUTCOMES[run.outcome].marked}   {_scope(run)}"


def run_subtitle(run: Run) -> str:
    """Return when a run started, and by whom and where."""
    where = f" on {run.host}" if run.host else ""
    return f"started {formatting.when_short(run.started)} by {run.by}{where}"


def stop_lines(run: Run, columns: int) -> list[Line]:
    """Return what would remain to be done if a run in progress were stopped now."""
    rest = run.total - run.done
    if run.outcome != "running" or run.kind == "deploy" or rest <= 0:
        return []
    are = formatting.plural(rest, "is/are")
    text = (
        f"what is written stays, {formatting.count(rest, 'record')} {are} not changed, and you can resume it."
    )
    return [*wrap([fixed("If you stop now  ", "muted"), fixed(text)], columns)]


def run_lines(run: Run, now: datetime, columns: int, forecast: RunForecast = NO_FORECAST) -> list[Line]:
    """Return progress, waiting time, time left, counts and stops; each line at most ``columns`` wide."""
    found: list[Line] = []
    total = max(run.total, run.done)
    calls = formatting.count(run.calls, "call")
    if run.outcome == "running" and not total:
        found.append([fixed("◷ ", "accent"), fixed("Reading the lists"), fixed(f"   {calls}", "muted")])
    elif run.outcome == "running" or total:
        part = run.done / total if total else 0.0
        noun = "job" if run.kind == "deploy" else "record"
        numbers = f" {run.done:,} of {formatting.count(total, noun)}  {part:>4.0%}  "
        room = max(10, min(60, columns - len(numbers) - len(calls)))
        bar = fixed(formatting.gauge(part, room), cells.RUN_OUTCOMES.look(run.outcome))
        found.append([bar, fixed(numbers, "strong"), fixed(calls, "muted")])
    found += forecast_lines(forecast, columns)
    if (seconds := seconds_left(run, now, forecast)) >= 1:
        left = formatting.duration(seconds, about=True)
        words = f"{left[0].upper()}{left[1:]} left"
        if seconds >= SOON:
            words += f", ends at about {formatting.clock(now + timedelta(seconds=seconds))[:5]}"
        found.append([fixed(words, "strong"), fixed("   waits included" if forecast.waits else "", "muted")])
    if counts := " · ".join(run_counts(run)):
        found += wrap([span(counts, "muted")], columns)
    for stop in run.stops:
        found += wrap([fixed("▲ ", "warn"), span(stop.sentence or stop.rule)], columns)
    if run.error:
        found += wrap([fixed("✕ ", "bad"), span(run.error)], columns)
        known = find_problem(run.case)
        if known is not None:
            found += wrap(
                [fixed("  "), fixed(f"{problem_title(known)}. ", "accent"), fixed(known.steps[0])], columns
            )
    outcomes = labels.JOB_RUN_OUTCOMES if run.kind == "deploy" else labels.RUN_OUTCOMES
    note: list[Span] = []
    if run.error and run.kind != "deploy" and run.outcome in ("partial", "failed"):
        note = [fixed(CUT_SHORT)]
    elif run.outcome == "held" and any(stop.rule == UNKNOWN for stop in run.stops):
        note = [fixed("What it wrote stays. "), fixed("a", "accent"),
                fixed(" looks up the write without an answer, then continues.")]  # fmt: skip
    elif run.outcome == "held" and run.stops and run.kind != "deploy":
        note = [fixed("Nothing is written until then. "), fixed("a", "accent"),
                fixed(" releases it: it is planned again and continues if no count has grown.")]  # fmt: skip
    elif run.outcome in _CAN_CONTINUE and not run.stops:
        note = [fixed(outcomes[run.outcome].help)]
    return [*found, *wrap([fixed("→ ", "accent"), *note], columns)] if note else found


FIELD_LABEL = 18
"""Width of the name of a field, in columns."""
FIELDS = 50
"""Width of the panel that shows the fields, in columns."""


def field_lines(fields: Sequence[FieldProgress], columns: int, height: int) -> list[Line]:
    """Return the progress of a run by field: a gauge and its numbers; fields without room are counted."""
    shown = fields if len(fields) <= height else fields[: height - 1]
    numbers = [f"{each.done:,} of {each.total:,}" for each in shown]
    room = max(map(len, numbers), default=0)
    line = max(4, columns - FIELD_LABEL - room - 4)
    found: list[Line] = []
    for each, number in zip(shown, numbers, strict=True):
        whole = each.done >= each.total
        gauge = formatting.gauge(each.done / each.total if each.total else 0.0, line)
        look: Look = "good" if whole else "accent"
        sign = " ✓" if whole else "  "
        name = fit([span(each.label, "muted")], FIELD_LABEL)
        found.append([*name, fixed(f" {gauge}", look), fixed(f" {number:>{room}}"), fixed(sign, "good")])
    if len(shown) < len(fields):
        rest = fields[len(shown) :]
        done, total = sum(each.done for each in rest), sum(each.total for each in rest)
        more = f"and {formatting.count(len(rest), 'more field')}: {done:,} of {total:,}"
        found.append([fixed(more, "muted")])
    return found


MOST = 5_000
"""The most lines of a finished run that are read at once."""
LAST = 200
"""The number of earlier lines with which the log of a practice begins."""

_RECORDS: tuple[TableSchema[Any], ...] = (CLIENTS, WORKFLOWS)
"""The kinds of records to which a line can lead."""


def lines_of(practice: OpenPractice, events: Iterable[Event]) -> list[LogLine]:
    """Return events as lines with their sentences, and the client or job to which each can lead."""
    named, values = names(practice), values_of_events(practice)
    snapshot = practice.snapshot()
    found = []
    for event in events:
        client = event.record.partition("/")[0]
        found.append(
            LogLine(
                at=event.at,
                level=event.level,
                text=visible(sentence(event, named, values)),
                record=client if client and any(snapshot.get(table, client) for table in _RECORDS) else "",
                id=event.id,
                run=event.run,
            )
        )
    return found


def newest_lines(practice: OpenPractice, most: int) -> list[LogLine]:
    """Return the newest lines of the practice's log, newest first: what people and runs did.

    Single values and lists are left out, because the line of their run counts them.
    """
    newest = islice(practice.events.read(EventFilter(level="info")), ACTIVITY_READ)
    shown = (event for event in newest if not (event.level == "info" and event.key.startswith(SINGLE_STEPS)))
    return lines_of(practice, islice(shown, most))


SINGLE_STEPS = ("sync.link", "sync.change", "list.", "run.planned", "run.started")
"""Events of single steps of a run, by the beginning of their key."""
ACTIVITY_READ = 3_000
"""The most events that are read for the newest activity."""


class Follower:
    """Follows the log of one run, or of the practice. Created and polled on the worker thread."""

    def __init__(self, practice: OpenPractice, *, run: str = "") -> None:
        self._run = run
        self._tail: Tail = practice.events.tail(last=0 if run else LAST)
        self._first: list[Event] = []
        if run:
            newest = practice.events.read(EventFilter(run=run))
            self._first = list(islice(newest, MOST))[::-1]
        self._seen = {event.id for event in self._first}

    def poll(self, practice: OpenPractice) -> list[LogLine]:
        """Return the lines that were added since the last poll."""
        events, self._first = self._first, []
        for event in self._tail.poll():
            if self._run and event.run != self._run:
                continue
            if event.id not in self._seen:
                events.append(event)
        return lines_of(practice, events) if events else []


POLL_SECONDS = 0.25
"""Seconds between two polls while the log is visible."""

IDLE_POLLS = 12
"""Polls without news after which the log of a finished run counts as complete."""

LOG_KEYS = (
    ("/", "show only lines with this text"),
    ("l", "minimum level shown"),
    ("end", "follow the newest line"),
    ("space", "pause the log"),
    ("enter", "jump to the client of the line, or to its run"),
    ("y", "copy the line"),
    ("w", "save the lines shown to a private file"),
)


class LiveLog(KeyExplainer, LogPane):
    """The log of one run, live or finished, also of another process; without ``run``, of the whole practice.

    It posts ``StateChanged`` whenever the state of the run changes.
    """

    SAVES = frozenset({"export"})

    class StateChanged(Message):
        """Posted when the run or its forecast has changed since the last poll."""

        def __init__(self, run: Run, forecast: RunForecast) -> None:
            super().__init__()
            self.run = run
            self.forecast = forecast

    def __init__(self, *, run: str = "", empty: str) -> None:
        super().__init__(empty=empty)
        self._run_id = run
        self.run: Run | None = None
        self._reported: object = None
        self._idle_polls_left = IDLE_POLLS
        self._polling = False
        self._follower: Follower | None = None

    @property
    def _is_complete(self) -> bool:
        """Whether no more lines can come: the run has ended, and its last lines have been read."""
        return self.run is not None and self.run.outcome != "running" and self._idle_polls_left <= 0

    def on_mount(self) -> None:
        """Start to follow the log."""
        self.set_interval(POLL_SECONDS, self._tick)
        self._tick()

    def _tick(self) -> None:
        if self.screen.is_current and not self._polling and not self._is_complete:
            self._polling = True
            self.host.work(lambda: self._poll(), "follow", node=self)

    async def _poll(self) -> None:
        # Never two polls at a time, and none may be cancelled: its lines would be lost.
        try:
            await self._follow()
        finally:
            self._polling = False

    async def _follow(self) -> None:
        def read(practice: OpenPractice) -> tuple[Run | None, RunForecast | None, list[LogLine]]:
            if self._follower is None:
                self._follower = Follower(practice, run=self._run_id)
            # The run is read first, so that what it wrote before it ended is certainly in the log.
            run = history.find_run(practice, self._run_id) if self._run_id else None
            coming = forecast(practice, run) if run is not None else None
            return run, coming, self._follower.poll(practice)

        run, coming, news = await self.host.worker.ask(read)
        if news:
            self.feed(news)
        if run is None or coming is None:
            return
        # Other threads of the run may still write its last lines after it is marked as done.
        self._idle_polls_left = IDLE_POLLS if news or run.outcome == "running" else self._idle_polls_left - 1
        # The estimate of an unchanged run differs at each poll, so only a countdown counts as news.
        state = (run, coming.waits, coming.stopping)
        if state != self._reported:
            self.run, self._reported = run, state
            self.post_message(self.StateChanged(run, coming))

    @on(LogPane.Jump)
    def _jump(self, event: LogPane.Jump) -> None:
        event.stop()
        if event.line.record:
            self.host.show_client(event.line.record)
        elif event.line.run and event.line.run != self._run_id:
            self.host.show_run(event.line.run)

    @on(LogPane.Copy)
    def _copy(self, event: LogPane.Copy) -> None:
        event.stop()
        self.app.copy_to_clipboard(event.line.text)

    @on(LogPane.Export)
    def _export(self, event: LogPane.Export) -> None:
        event.stop()
        self.host.work(lambda: self._save(event.text), "export", node=self)

    async def _save(self, text: str) -> None:
        path = self.host.save_text(f"log-{self._run_id or 'practice'}.txt", text)
        self.host.toast(f"The lines were saved to {path}")
