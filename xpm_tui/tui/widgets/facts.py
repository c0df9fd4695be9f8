"""Facts of one record: both sides beside each other, sentences that wrap; with the focus it scrolls."""

from __future__ import annotations

from collections.abc import Callable

from textual import events

from xpm_tui.tui.widgets.line import Line, Look, Span, fit, ours, span, wrap
from xpm_tui.tui.widgets.lines import Lines

LABEL = 12
GAP = 2


class Facts(Lines):
    """The detail pane of an area: ``show`` gets what makes its lines for a width in columns."""

    def __init__(self) -> None:
        super().__init__()
        self._make: Callable[[int], list[Line]] | None = None
        self._lines: list[Line] = []

    def show(self, make: Callable[[int], list[Line]] | None) -> None:
        """Another record, or none."""
        self._make = make
        if self.scroll_offset.y:
            self.scroll_home(animate=False)
        self._draw()

    def length(self) -> int:
        """Lines, wrapped."""
        return len(self._lines)

    def made(self, place: int, columns: int) -> Line:
        """Wrapped already."""
        return self._lines[place]

    def on_resize(self, _: events.Resize) -> None:
        """Columns follow the width."""
        self._draw()

    def _draw(self) -> None:
        width = self.scrollable_content_region.width
        found = self._make(width) if self._make is not None and width > 0 else []
        self._lines = [row for line in found for row in wrap(line, width)]
        self.measure()
        self.repaint()


def beside(label: str, here: Line, there: Line, columns: int) -> Line:
    """A label, then what each side has, in columns of the same width."""
    each = max(8, (columns - LABEL - GAP) // 2)
    return [*fit([ours(label, "muted")], LABEL), *fit(here, each), ours(" " * GAP), *fit(there, each)]


def sentence(mark: str, look: Look, text: str) -> list[Span]:
    """A sentence with its mark: it wraps where it does not fit."""
    return [ours(f"{mark} ", look), span(text)]
