"""The screen that holds the steps, as they know it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from textual.screen import Screen

from xpm_tui.service.connect.connection import Connecting
from xpm_tui.service.connect.steps import Name
from xpm_tui.service.practice import OpenPractice
from xpm_tui.tui.quiet import Quiet

R = TypeVar("R")


class Holder(Quiet, Screen[str]):
    """Has the connection's state machine, which lives on the desk. Gives a plan's id, or None when left."""

    def __init__(self) -> None:
        super().__init__()
        self._connecting: Connecting | None = None

    async def ask(self, look: Callable[[Connecting], R]) -> R:
        """Call something on the state machine."""

        def call(practice: OpenPractice) -> R:
            return look(self._machine(practice))

        return await self.host.desk.ask(call)

    async def ask_async(self, look: Callable[[Connecting], Awaitable[R]]) -> R:
        """The same for what takes its time."""

        async def call(practice: OpenPractice) -> R:
            return await look(self._machine(practice))

        return await self.host.desk.run(call)

    def _machine(self, practice: OpenPractice) -> Connecting:
        if self._connecting is None:
            self._connecting = Connecting(practice)
        return self._connecting

    async def show(self, step: Name) -> None:
        """Look at a step as it is now."""
        raise NotImplementedError
