"""The dialogue of a command in the console, which asks its questions with dialogs.

Also the dialog that is shown during long work, the screen for a window that is too small, and the functions
that accept all matches of team members and of services.
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
from textual.worker import Worker

from xpm_tui.commands.effects import READING_CALL, AdmittedCall
from xpm_tui.commands.registry import by_name
from xpm_tui.domain import formatting
from xpm_tui.domain.safe_text import Shown, visible
from xpm_tui.tui.app_protocol import AppProtocol
from xpm_tui.tui.dialogs.dialog import ConfirmDialog, Dialog, InputDialog
from xpm_tui.tui.dialogs.form import build
from xpm_tui.tui.terminal.driver import SMALLEST_WINDOW, too_small
from xpm_tui.tui.theme import stylesheet_path
from xpm_tui.tui.widgets.cells import content
from xpm_tui.tui.widgets.text import StaticText

Answer = TypeVar("Answer")

NARROW_LINES = 8
"""The most lines of a question in a narrow dialog."""
NARROW_COLUMNS = 60
"""The most characters in a line of a question in a narrow dialog."""
TITLE_LENGTH = 66
"""The most characters of a question that becomes the title of its dialog, to fit into 80 columns."""


def is_wide(lines: list[str]) -> bool:
    """Return whether a text needs a wide dialog."""
    return len(lines) > NARROW_LINES or max(map(len, lines), default=0) > NARROW_COLUMNS


class ScreenDialogue:
    """The dialogue of a command with the user, to be used on the worker thread.

    The messages before a question are shown above it; the others remain in ``messages`` for the result.
    ``box`` is a screen that is shown from the user's consent until :meth:`end`.
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
        self.messages: list[str] = []

    def say(self, sentence: str) -> None:
        """Collect a message for the next question or for the result."""
        self.messages.append(sentence)

    def progress(self, sentence: str) -> None:
        """Show the progress, if the active screen has a place for it."""
        show = getattr(self._app.screen, "show_progress", None)
        if show is not None:
            self._app.call_later(show, sentence)

    def emit(self, item: Mapping[str, Any], line: str = "") -> None:
        """Ignore an item of a stream: the console shows the event that belongs to it."""

    async def confirm(self, question: str, *, default: bool = False, button: str = "") -> bool | None:
        """Ask a question, with the messages since the last one as its text."""
        title, lines = self._title_and_lines(question.strip(), self._take_messages())
        box = ConfirmDialog(
            "\n".join(lines), title=title, yes=button or "Continue", no="Cancel", safe=default,
            wide=is_wide(lines),
        )  # fmt: skip
        return await self._show(box)

    def _title_and_lines(self, question: str, messages: list[str]) -> tuple[str, list[str]]:
        """Return the title and the lines of a dialog; a short question becomes the title."""
        if "\n" not in question and len(question) <= TITLE_LENGTH and question.endswith("?"):
            return question, "\n".join(messages).split("\n") if messages else []
        blank = [""] if messages else []
        return self._title or "Continue?", "\n".join([*messages, *blank, question]).split("\n")

    async def line(self, prompt: str) -> str | None:
        """Ask for a line of text; return None if the user cancels."""
        messages = self._take_messages()
        blank = [""] if messages else []
        return await self._show(InputDialog("\n".join([*messages, *blank, prompt]), title=self._title))

    async def end(self) -> None:
        """Close ``box`` if it is shown."""
        if self._box is not None and self._shown is not None:
            await self._shown
            await self._box.dismiss(None)

    def _take_messages(self) -> list[str]:
        messages, self.messages = self.messages, []
        return messages

    async def _show(self, screen: Screen[Answer]) -> Answer | None:
        """Show a dialog on the thread of the screen, and wait here for its result."""
        answer: Future[Answer | None] = Future()

        def set_answer(value: Answer | None) -> None:
            if value is True and self._box is not None:
                self._shown = self._app.push_screen(self._box)
            if not answer.done():
                answer.set_result(value)

        self._app.call_later(self._app.push_screen, screen, set_answer)
        return await asyncio.wrap_future(answer)


R = TypeVar("R")

CANCEL_HINT = "esc cancels; nothing has been written"


class ProgressDialog(Dialog[None]):
    """A dialog that shows the progress of work. It is not animated: waiting sends no bytes.

    Escape cancels the work if its worker is known.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", show=False)]

    def __init__(self, title: str, sentence: str) -> None:
        super().__init__()
        self.title_text = visible(title)
        self._words = StaticText(content(visible(sentence)))
        self._worker: Worker[Any] | None = None

    def box(self) -> ComposeResult:
        """Compose the sentence and the key."""
        yield self._words
        hint = "it cannot be cancelled" if self._worker is None else CANCEL_HINT
        yield Static(content(Shown(hint)), classes="hint")

    def update_progress(self, sentence: str) -> None:
        """Show the progress."""
        if self.is_mounted:
            self._words.update(content(visible(sentence)))

    def set_worker(self, worker: Worker[Any]) -> None:
        """Set the worker that escape cancels."""
        self._worker = worker

    def action_cancel(self) -> None:
        """Cancel the work and close the dialog, unless the work cannot be cancelled."""
        if self._worker is not None:
            self._worker.cancel()
            self.dismiss(None)


async def wait_for_work(work: Awaitable[R], screen: ProgressDialog) -> R:
    """Wait for work and return its result; close the dialog in any case."""
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
    """A screen that covers all others until the window is large enough again."""

    CSS_PATH: ClassVar = stylesheet_path("too_small")
    AUTO_FOCUS = ""

    def compose(self) -> ComposeResult:
        """Compose the sentence."""
        yield Static(content(Shown(TOO_SMALL)))

    def on_resize(self, event: events.Resize) -> None:
        """Close if the window is large enough."""
        self._close_if_large(event.size)

    def on_screen_resume(self) -> None:
        """Close if the window has grown while another screen was over this one."""
        self._close_if_large(self.app.size)

    def _close_if_large(self, size: Size) -> None:
        if not too_small(*size) and self.is_active:
            self.dismiss(None)


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
