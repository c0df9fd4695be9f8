"""How an act speaks on a screen: questions as dialogs, sentences above them or as a toast at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

from textual.screen import Screen

from xpm_tui.commands.effects import LOOK, AdmittedCall
from xpm_tui.tui.app_protocol import AppProtocol
from xpm_tui.tui.dialogs.dialog import ConfirmDialog, InputDialog

R = TypeVar("R")

LINES = 8
"""A question with more lines than this gets a wide box."""
TITLE = 66
"""Letters up to which a question is the title of its box, whole at 80 columns."""
ROOM = 60
"""Letters in a line of a question above which its box is a wide one."""


def is_wide(lines: list[str]) -> bool:
    """Return whether a text needs a wide dialog."""
    return len(lines) > LINES or max(map(len, lines), default=0) > ROOM


class ScreenDialogue:
    """Talk over the console, used on the desk's thread.

    What is said before a question stands above that question; the rest is in ``said`` for the outcome.
    ``box`` stands there from the user's yes until :meth:`end`.
    """

    interactive = True

    def __init__(
        self, app: AppProtocol, title: str = "", call: AdmittedCall = LOOK, *, box: Screen[None] | None = None
    ) -> None:
        self.call = call
        self._app = app
        self._title = title
        self._box = box
        self._shown: Awaitable[None] | None = None
        self.said: list[str] = []

    def say(self, sentence: str) -> None:
        """Kept for the question or the outcome that follows."""
        self.said.append(sentence)

    def progress(self, sentence: str) -> None:
        """Shown by a screen that has a place for it."""
        show = getattr(self._app.screen, "show_progress", None)
        if show is not None:
            self._app.call_later(show, sentence)

    def emit(self, item: Mapping[str, Any], line: str = "") -> None:
        """Items of a stream reach the screen as events, not this way."""

    async def confirm(self, question: str, *, default: bool = False, button: str = "") -> bool | None:
        """Ask with the question as the title, over what was said so far."""
        said, self.said = self.said, []
        title, lines = self._placed(question.strip(), said)
        box = ConfirmDialog(
            "\n".join(lines), title=title, yes=button or "Continue", no="Cancel", safe=default,
            wide=is_wide(lines),
        )  # fmt: skip
        return await self._show(box)

    def _placed(self, asked: str, said: list[str]) -> tuple[str, list[str]]:
        """Return the title and the lines of a question: a short one is the title itself."""
        if "\n" not in asked and len(asked) <= TITLE and asked.endswith("?"):
            return asked, "\n".join(said).splitlines()
        return self._title or "Continue?", "\n".join([*said, *([""] if said else []), asked]).splitlines()

    async def line(self, prompt: str) -> str | None:
        """One line; None when left."""
        return await self._show(InputDialog("\n".join([*self._above(), prompt]), title=self._title))

    async def end(self) -> None:
        """Take the box away, on the screen's thread."""
        if self._box is not None and self._shown is not None:
            await self._shown
            await self._box.dismiss(None)

    def _above(self) -> list[str]:
        said, self.said = self.said, []
        return [*said, ""] if said else []

    async def _show(self, screen: Screen[R]) -> R | None:
        """Have the screen's thread show a dialog, and wait here for its answer."""
        answer: Future[R | None] = Future()

        def answered(value: R | None) -> None:
            if value is True and self._box is not None:
                self._shown = self._app.push_screen(self._box)
            if not answer.done():
                answer.set_result(value)

        self._app.call_later(self._app.push_screen, screen, answered)
        return await asyncio.wrap_future(answer)
