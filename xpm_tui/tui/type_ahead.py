"""``g`` and the letter after it.

Typing ahead: each key counts where the one before it has led.

Over a slow line many keys arrive at once. Stock Textual hands them all to what has the focus at that moment:
letters meant for a field that is about to open would be taken for acts of the screen below it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from time import monotonic

from textual import events
from textual.screen import Screen
from textual.widgets import Input
from textual.worker import Worker

from xpm_tui.tui.app_protocol import AREAS, AppProtocol
from xpm_tui.tui.screens.area import AreaScreen

KEY = "g"


class KeyChord:
    """Judges keys as they come in, before any widget: a fast typist's second key is not lost."""

    def __init__(self, app: AppProtocol) -> None:
        self._app = app
        self._waits = False

    def takes(self, key: str) -> bool:
        """Whether the key is the prefix, or the letter that ends it: then nobody else gets it."""
        screen = self._app.screen
        if self._waits:
            self._waits = False
            if isinstance(screen, AreaScreen):
                screen.show_letters(False)
            letter = next((area.name for area in AREAS if area.letter == key), None)
            if letter is not None:
                self._app.go(letter)
            return True
        if key != KEY or not isinstance(screen, AreaScreen) or isinstance(self._app.focused, Input):
            return False
        self._waits = True
        screen.show_letters(True)
        return True


READING = frozenset(
    "authorise beat clipboard consent detail doctor effect follow load place search signed-in watch"
    .split()
)  # fmt: skip
"""Groups of work that leads nowhere: it fills in what is shown already, or goes on for long."""

STILL = 3
"""Turns of the loop without a message after which a key has been taken in."""

TURNS = 60
"""Turns of the loop that are waited for at most."""

MOMENT = 0.005
"""Seconds between two looks at work, or at a screen that comes up."""

PATIENCE = 1.0
"""Seconds that work begun by a key may take to show where it leads; after that keys count where they are."""


class TypeAhead:
    """Keys and pastes that wait for the one before them; everything else passes."""

    def __init__(self, app: AppProtocol) -> None:
        self._app = app
        self._waiting: deque[events.Event] = deque()
        self._next: events.Event | None = None
        self._settling: asyncio.Task[None] | None = None
        self._leading: list[tuple[Worker[object], Screen[object]]] = []

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
        self._settling = asyncio.create_task(self._settle())

    def began(self, worker: Worker[object], group: str) -> None:
        """Work was begun, perhaps by that key. It counts until another screen comes up over it."""
        if group not in READING and not self.idle:
            self._leading.append((worker, self._app.screen))

    async def _settle(self) -> None:
        try:
            until = monotonic() + PATIENCE
            await self._taken_in()
            while self._leads() and monotonic() < until:
                await asyncio.sleep(MOMENT)
                await self._taken_in()
        finally:
            self._settling = None
            if self._waiting:
                self._next = self._waiting.popleft()
                self._app.post_message(self._next)

    def _leads(self) -> bool:
        """Whether something may still come of the key: a screen that is coming up, work that is not done."""
        here = self._app.screen
        return not here.is_mounted or any(
            screen is here and not worker.is_finished for worker, screen in self._leading
        )

    async def _taken_in(self) -> None:
        """Until nothing on the way from what has the focus up to the app waits to be looked at."""
        still = 0
        for _ in range(TURNS):
            await asyncio.sleep(0)
            node = self._app.focused or self._app.screen
            busy = any(each.message_queue_size for each in node.ancestors_with_self)
            still = 0 if busy else still + 1
            if still == STILL:
                return
