"""Facts of one record: both sides beside each other, sentences that wrap; with the focus it scrolls."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from xpm_tui.tui.widgets.line import Line, Look, Span, fit, ours, span
from xpm_tui.tui.widgets.words import lines

LABEL = 12
GAP = 2


class Facts(VerticalScroll, can_focus=True):
    """The detail pane of an area: ``show`` gets what makes its lines for a width in columns."""

    def __init__(self) -> None:
        super().__init__()
        self._words = Static()
        self._make: Callable[[int], list[Line]] | None = None
        self._now = Content("")

    def compose(self) -> ComposeResult:
        """One text."""
        yield self._words

    def show(self, make: Callable[[int], list[Line]] | None) -> None:
        """Another record, or none."""
        self._make = make
        self.scroll_home(animate=False)
        self._draw()

    def on_resize(self, _: events.Resize) -> None:
        """Columns follow the width."""
        self._draw()

    def _draw(self) -> None:
        width = self.scrollable_content_region.width
        found = lines(self._make(width)) if self._make is not None and width > 0 else Content("")
        if found.plain != self._now.plain or found.spans != self._now.spans:
            self._now = found
            self._words.update(found)


def beside(label: str, here: Line, there: Line, columns: int) -> Line:
    """A label, then what each side has, in columns of the same width."""
    each = max(8, (columns - LABEL - GAP) // 2)
    return [*fit([ours(label, "muted")], LABEL), *fit(here, each), ours(" " * GAP), *fit(there, each)]


def sentence(mark: str, look: Look, text: str) -> list[Span]:
    """A sentence with its mark: it wraps where it does not fit."""
    return [ours(f"{mark} ", look), span(text)]
