"""What a terminal shows, from the bytes that it was sent."""

from __future__ import annotations

import pyte

KITTY_OFF = "\x1b[<u"
"""The one sequence of the console's that pyte would show as a letter."""


class Screen:
    """A terminal as another project made it. ``feed`` takes text as it comes."""

    def __init__(self, columns: int = 80, lines: int = 24) -> None:
        self._screen = pyte.Screen(columns, lines)
        self._screen.reset_mode(7, private=True)  # Textual wants lines that do not wrap
        self._stream = pyte.Stream(self._screen)

    @property
    def text(self) -> str:
        """The lines as a user reads them."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    @property
    def cells(self) -> list[tuple[str, str, str, bool]]:
        """Every cell with what can be seen of its look: letter, ink, paper, reverse."""
        cells = [row[column] for row in map(self._screen.buffer.__getitem__, range(self._screen.lines))
                 for column in range(self._screen.columns)]  # fmt: skip
        return [
            (cell.data, "" if cell.data == " " and not cell.reverse else cell.fg, cell.bg, cell.reverse)
            for cell in cells
        ]

    @property
    def cursor_hidden(self) -> bool:
        """Whether the cursor is not to be seen."""
        return bool(self._screen.cursor.hidden)

    def feed(self, text: str) -> None:
        """Take what was written."""
        self._stream.feed(text.replace(KITTY_OFF, ""))
