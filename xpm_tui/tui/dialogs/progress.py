"""Something that takes a while: what it is, how to leave it. Still, so that waiting costs no bytes.

A window too small to show anything whole says so, and comes back as it was when it has grown.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, ClassVar, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widgets import Static

from xpm_tui.domain.safe_text import Shown, visible
from xpm_tui.tui.dialogs.dialog import Dialog
from xpm_tui.tui.safe_text import content
from xpm_tui.tui.terminal.capabilities import LEAST, too_small
from xpm_tui.tui.theme import style
from xpm_tui.tui.widgets.text import StaticText

R = TypeVar("R")

GIVES_UP = "esc cancels; nothing has been written"


class ProgressDialog(Dialog[None]):
    """A box with a sentence; escape gives the work up, where a worker is watched over."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "give_up", show=False)]

    def __init__(self, title: str, sentence: str) -> None:
        super().__init__()
        self.title_text = visible(title)
        self._words = StaticText(content(visible(sentence)))
        self._worker: Any = None

    def box(self) -> ComposeResult:
        """The sentence and the way out."""
        yield self._words
        told = "it cannot be called back from here" if self._worker is None else GIVES_UP
        yield Static(content(Shown(told)), classes="hint")

    def tell(self, sentence: str) -> None:
        """How far it is."""
        if self.is_mounted:
            self._words.update(content(visible(sentence)))

    def watch_over(self, worker: Any) -> None:
        """The worker that escape cancels."""
        self._worker = worker

    def action_give_up(self) -> None:
        """Cancel and leave; what goes on by itself is not left out of sight."""
        if self._worker is not None:
            self._worker.cancel()
            self.dismiss(None)


async def done(work: Awaitable[R], screen: ProgressDialog) -> R:
    """Wait for the work, then take the box away, also when it failed."""
    try:
        return await work
    finally:
        await screen.dismiss(None)


WORDS = (
    "This window is too small.\n"
    f"{LEAST[0]} columns and {LEAST[1]} lines are needed.\n"
    "Make it larger: nothing is lost."
)


class TooSmall(ModalScreen[None]):
    """Stands over everything, and leaves by itself."""

    CSS_PATH: ClassVar = style("too_small")
    AUTO_FOCUS = ""

    def compose(self) -> ComposeResult:
        """The sentence."""
        yield Static(content(Shown(WORDS)))

    def on_resize(self, event: events.Resize) -> None:
        """Large enough again?"""
        self._leave(event.size)

    def on_screen_resume(self) -> None:
        """Something that stood over it has left."""
        self._leave(self.app.size)

    def _leave(self, size: Size) -> None:
        if not too_small(*size) and self.is_active:
            self.dismiss(None)
