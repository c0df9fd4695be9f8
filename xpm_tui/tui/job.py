"""A piece of work beside the screen: what it raises is told, and one that never began leaves no complaint."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any


class Job:
    """Runs a coroutine once. ``tell`` gets what it raises, except being cancelled.

    A worker's own news of its end does not bubble: without this an error would be lost without a word.
    """

    def __init__(self, work: Coroutine[Any, Any, Any], tell: Callable[[BaseException], None]) -> None:
        self._work = work
        self._tell = tell

    async def run(self) -> Any:
        """Do it."""
        try:
            return await self._work
        except Exception as error:
            self._tell(error)
            return None

    def __del__(self) -> None:
        # A worker that another one replaced before its first step never awaits its coroutine.
        self._work.close()
