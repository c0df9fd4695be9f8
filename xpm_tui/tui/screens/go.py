"""``g``, then a letter: the areas in one line at the foot of the screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Static

from xpm_tui.tui.areas import Area
from xpm_tui.tui.styles import style
from xpm_tui.tui.widgets.line import ours
from xpm_tui.tui.widgets.words import words


class Go(ModalScreen[str]):
    """Waits for one letter. Gives the area's name, or None for any other key."""

    CSS_PATH: ClassVar = style("palette")
    AUTO_FOCUS = ""

    def __init__(self, areas: Sequence[Area]) -> None:
        super().__init__()
        self._areas = areas

    def compose(self) -> ComposeResult:
        """The letters and their areas."""
        pieces = [ours(" Go to  ", "muted")]
        for area in self._areas:
            pieces += [ours(f" {area.letter} ", "accent"), ours(f"{area.title}  ")]
        yield Static(words(pieces), classes="go")

    def on_key(self, event: events.Key) -> None:
        """One letter decides."""
        event.stop()
        event.prevent_default()
        self.dismiss(next((area.name for area in self._areas if area.letter == event.key), None))

    def on_click(self) -> None:
        """A click elsewhere means nothing."""
        self.dismiss(None)
