"""A window too small to show anything whole says so, and comes back as it was when it has grown."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widgets import Static

from xpm_tui.model.text import Shown
from xpm_tui.tui.plain import content
from xpm_tui.tui.styles import style
from xpm_tui.tui.terminal import LEAST, too_small

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
