"""The live log: follows the events of a run or of the practice, and handles actions on its lines.

``lines_of``, ``newest_lines`` and ``Follower`` run on the worker thread.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from textual import on
from textual.message import Message

from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.lookup import names
from xpm_tui.application.runs import history
from xpm_tui.application.runs.consequences import RunForecast, forecast
from xpm_tui.application.runs.history import values_of_events
from xpm_tui.domain.events import Event
from xpm_tui.domain.runs import Run
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import CLIENTS, WORKFLOWS, TableSchema
from xpm_tui.log.event_log import EventFilter, Tail
from xpm_tui.log.sentences import sentence
from xpm_tui.tui.widgets.frame import KeyExplainer
from xpm_tui.tui.widgets.log_pane import LogLine, LogPane

MOST = 5_000
"""The most lines of a finished run that are read at once."""

_PLACES: tuple[TableSchema[Any], ...] = (CLIENTS, WORKFLOWS)
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
                record=client if client and any(snapshot.get(table, client) for table in _PLACES) else "",
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
    told = (event for event in newest if not (event.level == "info" and event.key.startswith(SINGLE)))
    return lines_of(practice, islice(told, most))


SINGLE = ("sync.link", "sync.change", "list.", "run.planned", "run.started")
"""Events of single steps of a run, by the beginning of their key."""
ACTIVITY_READ = 3_000
"""The most events that are read for the newest activity."""


class Follower:
    """Follows the log of one run, or of the practice. Created and polled on the worker thread."""

    def __init__(self, practice: OpenPractice, *, run: str = "", last: int = 200) -> None:
        self._run = run
        self._tail: Tail = practice.events.tail(last=0 if run else last)
        self._first: list[Event] = []
        if run:
            newest = practice.events.read(EventFilter(run=run))
            self._first = [event for event, _ in zip(newest, range(MOST), strict=False)][::-1]
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

    It posts ``Looked`` whenever the state of the run changes.
    """

    SAVES = frozenset({"export"})

    class Looked(Message):
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
        self._linger = IDLE_POLLS
        self._looking = False
        self._follower: Follower | None = None

    @property
    def _over(self) -> bool:
        """Whether no more lines can come: the run has ended, and its last lines have been read."""
        return self.run is not None and self.run.outcome != "running" and self._linger <= 0

    def on_mount(self) -> None:
        """Start to follow the log."""
        self.set_interval(POLL_SECONDS, self._tick)
        self._tick()

    def _tick(self) -> None:
        if self.screen.is_current and not self._looking and not self._over:
            self._looking = True
            self.host.work(lambda: self._poll(), "follow", node=self)

    async def _poll(self) -> None:
        # Never two polls at a time, and none may be cancelled: its lines would be lost.
        try:
            await self._follow()
        finally:
            self._looking = False

    async def _follow(self) -> None:
        def read(practice: OpenPractice) -> tuple[Run | None, RunForecast | None, list[LogLine]]:
            if self._follower is None:
                self._follower = Follower(practice, run=self._run_id)
            # The run is read first, so that what it wrote before it ended is certainly in the log.
            run = history.show(practice, self._run_id) if self._run_id else None
            coming = forecast(practice, run) if run is not None else None
            return run, coming, self._follower.poll(practice)

        run, coming, news = await self.host.worker.ask(read)
        if news:
            self.feed(news)
        if run is None or coming is None:
            return
        # Other threads of the run may still write its last lines after it is marked as done.
        self._linger = IDLE_POLLS if news or run.outcome == "running" else self._linger - 1
        # The estimate of an unchanged run differs at each poll, so only a countdown counts as news.
        state = (run, coming.waits, coming.stopping)
        if state != self._reported:
            self.run, self._reported = run, state
            self.post_message(self.Looked(run, coming))

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
