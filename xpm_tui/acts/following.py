"""The log as it comes: every event as data, for a person one line per client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from xpm_tui.acts.act import Talk
from xpm_tui.acts.words import plain
from xpm_tui.model.formatting import count, when_exact

if TYPE_CHECKING:
    from xpm_tui.events.reading import Tail
    from xpm_tui.events.sentences import Names
    from xpm_tui.model.events import Event
    from xpm_tui.service.practice import OpenPractice

_POLL = 0.2
"""Seconds between two looks at the log."""
_GROUPED = ("sync.change", "sync.link")
"""Events that come once for each field: those of one client make one line."""
_NAMED = 3
"""How many fields such a line names."""


def event_data(event: Event, names: Names) -> dict[str, Any]:
    """An event as JSON: all its fields, and ``sentence``."""
    from xpm_tui.events.sentences import sentence

    return {**plain(event), "sentence": sentence(event, names)}


def event_line(event: Event, names: Names) -> str:
    """An event as a line of the log: time, level where it matters, run, sentence."""
    from xpm_tui.events.sentences import sentence

    return _line(event, sentence(event, names))


def client_line(events: list[Event], names: Names) -> str:
    """What was written to one client as one line, ``Kowhai Ltd: 5 changes (link, phone, fax and 2 more)``."""
    if len(events) == 1:
        return event_line(events[0], names)
    client = _client(events[0])
    fields = list(dict.fromkeys(_said(event.field) for event in events))
    told = ", ".join(fields[:_NAMED])
    if len(fields) > _NAMED:
        told += f" and {len(fields) - _NAMED:,} more"
    return _line(events[-1], f"{names(client) or client}: {count(len(events), 'change')} ({told})")


@asynccontextmanager
async def following(practice: OpenPractice, talk: Talk) -> AsyncIterator[None]:
    """Pass the events that come meanwhile on to ``talk``, to the last one."""
    followed = _Followed(practice, talk)
    task = asyncio.create_task(followed.go_on())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        followed.look()
        followed.pass_on()


class _Followed:
    """The tail of the log on its way to ``talk``; ``_held`` are events of one client that make one line."""

    def __init__(self, practice: OpenPractice, talk: Talk) -> None:
        from xpm_tui.service.telling.names import names

        self._practice = practice
        self._talk = talk
        self._tail: Tail = practice.events.tail()
        self._held: list[Event] = []
        self._names: Names = names(practice)

    async def go_on(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            if not self.look():
                self.pass_on()
            await self._practice.clock.sleep(_POLL)

    def look(self) -> bool:
        """Take in what came; whether anything did."""
        found = self._tail.poll()
        for event in found:
            if self._held and not _together(self._held[-1], event):
                self.pass_on()
            self._held.append(event)
        return bool(found)

    def pass_on(self) -> None:
        """Give on what is held: each event as data, the line with the last of them."""
        for event in self._held[:-1]:
            self._talk.emit(event_data(event, self._names))
        if self._held:
            line = client_line(self._held, self._names)
            self._talk.emit(event_data(self._held[-1], self._names), line)
        self._held = []


def _together(one: Event, other: Event) -> bool:
    return (
        one.key in _GROUPED
        and other.key in _GROUPED
        and (one.run, one.level, _client(one)) == (other.run, other.level, _client(other))
    )


def _client(event: Event) -> str:
    return event.record.partition("/")[0]


def _said(field: str) -> str:
    """A field within a sentence: ``Contact name`` as ``contact name``, ``GST number`` as it is."""
    from xpm_tui.sync.policy import label

    told = label(field)
    return told if told[1:2].isupper() else told[:1].lower() + told[1:]


def _line(event: Event, told: str) -> str:
    level = event.level if event.level in ("warning", "error") else ""
    return " ".join(filter(None, (when_exact(event.at), event.run, level.upper(), told)))
