"""One of a few, told by a mark and not by colour: moving picks."""

from __future__ import annotations

from collections.abc import Sequence

from xpm_tui.tui.widgets.line import Line, ours, span
from xpm_tui.tui.widgets.rows import Rows


class OneOf(Rows):
    """A short list of (key, words); the row under the cursor is the choice, enter confirms it."""

    def __init__(self, options: Sequence[tuple[str, str]], chosen: str = "") -> None:
        super().__init__()
        self.options = tuple(options)
        self.choose(chosen)
        self.styles.height = len(self.options)

    @property
    def chosen(self) -> str:
        """The key of the choice."""
        return self.options[self.cursor][0] if self.options else ""

    def choose(self, key: str) -> None:
        """Put the choice on a key; the first where there is none of it."""
        keys = [each for each, _ in self.options]
        self.set_reactive(Rows.cursor, keys.index(key) if key in keys else 0)
        self.refresh()

    def count(self) -> int:
        """Options."""
        return len(self.options)

    def draw(self, row: int, line: int, columns: int) -> Line:
        """The mark, then the words."""
        here = row == self.cursor
        return [ours(" (•) " if here else " ( ) ", "accent" if here else "muted"), span(self.options[row][1])]
