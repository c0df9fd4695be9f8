"""The dialogue of a command in the console: questions as dialogs, and sentences for the result.

A dialog for work that takes a while, and the screen for a window that is too small.

Neither is animated, so that waiting sends nothing to the terminal.

Accepts all unambiguous matches of team members and services; the command asks with their count.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from concurrent.futures import Future
from typing import Any, ClassVar, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from xpm_tui.application.jobs import templates
from xpm_tui.application.practice import OpenPractice
from xpm_tui.commands.effects import READING_CALL, AdmittedCall
from xpm_tui.commands.registry import by_name
from xpm_tui.domain import formatting
from xpm_tui.domain.ignition import Service
from xpm_tui.domain.safe_text import Shown, visible
from xpm_tui.domain.xpm import Template
from xpm_tui.tui.app_protocol import AppProtocol
from xpm_tui.tui.dialogs.dialog import ConfirmDialog, Dialog, InputDialog
from xpm_tui.tui.dialogs.form import build
from xpm_tui.tui.terminal.driver import SMALLEST_WINDOW, too_small
from xpm_tui.tui.theme import stylesheet_path
from xpm_tui.tui.widgets.cells import content
from xpm_tui.tui.widgets.text import StaticText

Answer = TypeVar("Answer")

LINES = 8
"""The most lines of a question in a narrow box."""
TITLE = 66
"""The most characters of a question that becomes the title of its box, to fit into 80 columns."""
NARROW_COLUMNS = 60
"""The most characters in a line of a question in a narrow box."""


def is_wide(lines: list[str]) -> bool:
    """Return whether a text needs a wide dialog."""
    return len(lines) > LINES or max(map(len, lines), default=0) > NARROW_COLUMNS


class ScreenDialogue:
    """A command's dialogue on the screen, used on the worker thread.

    Sentences before a question are shown above it; the others are collected in ``said`` for the result.
    ``box`` is shown from the user's consent until :meth:`end`.
    """

    interactive = True

    def __init__(
        self,
        app: AppProtocol,
        title: str = "",
        call: AdmittedCall = READING_CALL,
        *,
        box: Screen[None] | None = None,
    ) -> None:
        self.call = call
        self._app = app
        self._title = title
        self._box = box
        self._shown: Awaitable[None] | None = None
        self.said: list[str] = []

    def say(self, sentence: str) -> None:
        """Keep a sentence for the next question or the result."""
        self.said.append(sentence)

    def progress(self, sentence: str) -> None:
        """Show the progress on a screen that has a place for it."""
        show = getattr(self._app.screen, "show_progress", None)
        if show is not None:
            self._app.call_later(show, sentence)

    def emit(self, item: Mapping[str, Any], line: str = "") -> None:
        """Ignore items of a stream; they reach the screen as events."""

    async def confirm(self, question: str, *, default: bool = False, button: str = "") -> bool | None:
        """Ask a question, with the sentences since the last one as its text."""
        said, self.said = self.said, []
        title, lines = self._placed(question.strip(), said)
        box = ConfirmDialog(
            "\n".join(lines), title=title, yes=button or "Continue", no="Cancel", safe=default,
            wide=is_wide(lines),
        )  # fmt: skip
        return await self._show(box)

    def _placed(self, asked: str, sentences: list[str]) -> tuple[str, list[str]]:
        """Return the title and the lines of a question; a short one becomes the title."""
        if "\n" not in asked and len(asked) <= TITLE and asked.endswith("?"):
            return asked, "\n".join(sentences).splitlines()
        return self._title or "Continue?", "\n".join(
            [*sentences, *([""] if sentences else []), asked]
        ).splitlines()

    async def line(self, prompt: str) -> str | None:
        """Ask for a line of text; return None if the user cancels."""
        return await self._show(InputDialog("\n".join([*self._above(), prompt]), title=self._title))

    async def end(self) -> None:
        """Close the box, on the thread of the screen."""
        if self._box is not None and self._shown is not None:
            await self._shown
            await self._box.dismiss(None)

    def _above(self) -> list[str]:
        said, self.said = self.said, []
        return [*said, ""] if said else []

    async def _show(self, screen: Screen[Answer]) -> Answer | None:
        """Show a dialog on the thread of the screen, and wait here for its result."""
        answer: Future[Answer | None] = Future()

        def answered(value: Answer | None) -> None:
            if value is True and self._box is not None:
                self._shown = self._app.push_screen(self._box)
            if not answer.done():
                answer.set_result(value)

        self._app.call_later(self._app.push_screen, screen, answered)
        return await asyncio.wrap_future(answer)


R = TypeVar("R")

CANCEL_HINT = "esc cancels; nothing has been written"


class ProgressDialog(Dialog[None]):
    """A box with a sentence; escape cancels the worker that it watches, if any."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "give_up", show=False)]

    def __init__(self, title: str, sentence: str) -> None:
        super().__init__()
        self.title_text = visible(title)
        self._words = StaticText(content(visible(sentence)))
        self._worker: Any = None

    def box(self) -> ComposeResult:
        """Compose the sentence and the key."""
        yield self._words
        hint = "it cannot be cancelled" if self._worker is None else CANCEL_HINT
        yield Static(content(Shown(hint)), classes="hint")

    def update_progress(self, sentence: str) -> None:
        """Show the progress."""
        if self.is_mounted:
            self._words.update(content(visible(sentence)))

    def watch_over(self, worker: Any) -> None:
        """Set the worker that escape cancels."""
        self._worker = worker

    def action_give_up(self) -> None:
        """Cancel the work and close the dialog; work that cannot be cancelled stays visible."""
        if self._worker is not None:
            self._worker.cancel()
            self.dismiss(None)


async def wait_for_work(work: Awaitable[R], screen: ProgressDialog) -> R:
    """Wait for the work and close the dialog, also after an error."""
    try:
        return await work
    finally:
        await screen.dismiss(None)


TOO_SMALL = (
    "This window is too small.\n"
    f"{SMALLEST_WINDOW[0]} columns and {SMALLEST_WINDOW[1]} lines are needed.\n"
    "Make it larger: nothing is lost."
)


class TooSmall(ModalScreen[None]):
    """Covers all screens until the window is large enough again."""

    CSS_PATH: ClassVar = stylesheet_path("too_small")
    AUTO_FOCUS = ""

    def compose(self) -> ComposeResult:
        """Compose the sentence."""
        yield Static(content(Shown(TOO_SMALL)))

    def on_resize(self, event: events.Resize) -> None:
        """Close if the window is large enough."""
        self._leave(event.size)

    def on_screen_resume(self) -> None:
        """Close if the window has grown while another screen was over this one."""
        self._leave(self.app.size)

    def _leave(self, size: Size) -> None:
        if not too_small(*size) and self.is_active:
            self.dismiss(None)


def same_names(practice: OpenPractice) -> list[tuple[Service, Template]]:
    """Return the services with the single template of the same name."""
    return templates.same_names(practice.snapshot())


async def accept_emails(app: AppProtocol) -> bool:
    """Link all team members whose e-mail matches; return False if none was linked."""
    return await _accept(app, "team.accept", "person/people", "Press u in Team to undo this.")


async def accept_same_names(app: AppProtocol) -> bool:
    """Link all unlinked services to the template of the same name; return False if none was linked."""
    return await _accept(app, "templates.accept", "service", "Press u in Templates to undo this.")


async def _accept(app: AppProtocol, name: str, noun: str, undo: str) -> bool:
    command = by_name(name)
    result, _ = await app.run_command(command, build(command, {}), title="Accept all")
    await app.refresh_status()
    linked = int(result.data.get("count", 0))
    empty = result.table.empty if result.table is not None else ""
    message = (
        f"{formatting.count(linked, noun)} linked.\n{undo}" if linked else "\n".join(result.lines) or empty
    )
    app.toast(message)
    return linked > 0
