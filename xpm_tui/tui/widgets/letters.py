"""``g``, then a letter: the areas in one line over the foot of the screen."""

from __future__ import annotations

from textual.widgets import Static

from xpm_tui.tui.areas import AREAS
from xpm_tui.tui.widgets.line import Span, ours
from xpm_tui.tui.widgets.words import words


class Letters(Static):
    """Hidden until ``g`` is pressed."""

    def __init__(self) -> None:
        pieces: list[Span] = [ours(" Go to ", "muted")]
        for area in AREAS:
            pieces += [ours(f" {area.letter} ", "accent"), ours(area.title)]
        super().__init__(words(pieces))
        self.display = False
