"""Typing ahead: each key counts where the one before it has led.

Over a slow line many keys arrive at once. Stock Textual hands them all to what has the focus at that moment:
letters meant for a field that is about to open would be taken for acts of the screen below it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from time import monotonic

from textual import events
from textual.screen import Screen
from textual.worker import Worker, WorkerFailed

from xpm_tui.tui.host import Host

READING = frozenset(
    "authorise beat clipboard consent detail doctor effect follow load look place search signed-in watch"
    .split()
)  # fmt: skip
"""Groups of work that leads nowhere: it fills in what is shown already, or goes on for long."""

STILL = 3
"""Turns of the loop without a message after which a key has been taken in."""

TURNS = 60
"""Turns of the loop that are waited for at most."""

PATIENCE = 1.0
"""Seconds that work begun by a key may take to show where it leads; after that keys count where they are."""


class Ahead:
    """Keys and pastes that wait for the one before them; everything else passes."""

    def __init__(self, app: Host) -> None:
        self._app = app
        self._waiting: deque[events.Event] = deque()
        self._next: events.Event | None = None
        self._settling: asyncio.Task[None] | None = None
        self._leading: list[Worker[object]] = []

    @property
    def idle(self) -> bool:
        """Whether nothing waits, and the last key has been taken in."""
        return self._settling is None and self._next is None and not self._waiting

    def holds(self, event: events.Event) -> bool:
        """Whether this one has to wait; it comes again by itself."""
        if event is self._next:
            self._next = None
            return False
        if self.idle:
            return False
        self._waiting.append(event)
        return True

    def handed_on(self) -> None:
        """A key is being handed on: what comes after it waits until it has been taken in."""
        self._leading.clear()
        self._settling = asyncio.create_task(self._settle(self._app.screen))

    def began(self, worker: Worker[object], group: str) -> None:
        """Work was begun, perhaps by that key."""
        if group not in READING:
            self._leading.append(worker)

    async def _settle(self, screen: Screen[object]) -> None:
        try:
            await self._taken_in()
            until = monotonic() + PATIENCE
            while self._leading and self._app.screen is screen and monotonic() < until:
                await self._moment(self._leading[0])
                self._leading = [worker for worker in self._leading if not worker.is_finished]
            if self._app.screen is not screen:
                await self._taken_in()
        finally:
            self._settling = None
            if self._waiting:
                self._next = self._waiting.popleft()
                self._app.post_message(self._next)

    async def _taken_in(self) -> None:
        """Until nothing on the way from what has the focus up to the screen waits to be looked at."""
        still = 0
        for _ in range(TURNS):
            await asyncio.sleep(0)
            node = self._app.focused or self._app.screen
            busy = any(each.message_queue_size for each in node.ancestors_with_self if each is not self._app)
            still = 0 if busy else still + 1
            if still == STILL:
                return

    async def _moment(self, worker: Worker[object]) -> None:
        """A moment, or less where the work ends in it."""
        with suppress(WorkerFailed, asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.shield(worker.wait()), 0.01)
