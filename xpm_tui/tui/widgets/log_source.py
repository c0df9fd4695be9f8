"""Events made into lines of the log pane: sentences with names, ready to show. Used on the desk."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from xpm_tui.events.filters import EventFilter
from xpm_tui.events.reading import Tail
from xpm_tui.events.sentences import sentence
from xpm_tui.model.events import Event
from xpm_tui.model.tables import CLIENTS, WORKFLOWS, Table
from xpm_tui.model.text import visible
from xpm_tui.service.practice import OpenPractice
from xpm_tui.service.telling.names import names
from xpm_tui.tui.widgets.log_lines import LogLine

MOST = 5_000
"""Lines of a finished run that are read at once."""

_PLACES: tuple[Table[Any], ...] = (CLIENTS, WORKFLOWS)
"""What a line can lead to."""


def lines_of(practice: OpenPractice, events: Iterable[Event]) -> list[LogLine]:
    """Events with their sentences; a client of the book or a job can be jumped to."""
    named = names(practice)
    snapshot = practice.snapshot()
    found = []
    for event in events:
        client = event.record.partition("/")[0]
        found.append(
            LogLine(
                at=event.at,
                level=event.level,
                text=visible(sentence(event, named)),
                record=client if client and any(snapshot.get(table, client) for table in _PLACES) else "",
                id=event.id,
                run=event.run,
            )
        )
    return found


class Follower:
    """Follows the log: of one run, or of the practice. Made and polled on the desk."""

    def __init__(self, practice: OpenPractice, *, run: str = "", last: int = 200) -> None:
        self._run = run
        self._tail: Tail = practice.events.tail(last=0 if run else last)
        self._first: list[Event] = []
        if run:
            newest = practice.events.read(EventFilter(run=run))
            self._first = [event for event, _ in zip(newest, range(MOST), strict=False)][::-1]
        self._seen = {event.id for event in self._first}

    def poll(self, practice: OpenPractice) -> list[LogLine]:
        """What came since the last poll."""
        events, self._first = self._first, []
        for event in self._tail.poll():
            if self._run and event.run != self._run:
                continue
            if event.id not in self._seen:
                events.append(event)
        return lines_of(practice, events) if events else []
