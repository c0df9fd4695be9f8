"""What a terminal shows, cell by cell: of a picture that is painted anew, only what differs is sent."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING

from rich.cells import cell_len

from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.terminal.cell_style import PLAIN, CellRow, CellStyle, after
from xpm_tui.tui.terminal.encoder import Chain, drawn, simple, strokes

with lazy_imports():
    from xpm_tui.tui.terminal import scroll_optimizer

if TYPE_CHECKING:
    from xpm_tui.tui.terminal.scroll_optimizer import ScrollMove

_TOKENS = re.compile(
    r"(?P<text>[^\x00-\x1f\x7f]+)|\x1b\[(?P<looks>[0-9;]*)m|\x1b\[(?P<moves>[0-9;]*)H|(?P<line>\n)|(?P<start>\r)"
    r"|\x1b\]8;(?P<link>[^\x07\x1b]*)(?:\x07|\x1b\\)"
)


class ScreenBuffer:
    """Rows of cells, and where the terminal's own cursor stands. What was never drawn is unknown."""

    def __init__(self) -> None:
        self.rows: list[CellRow] = []
        self.at = (0, 0)

    def draw(self, data: str) -> bool:
        """Draw what Textual writes for a frame: characters, styles, links (OSC 8) and moves to a cell.

        Returns:
            False where there is anything else; what was drawn before it stays.
        """
        look, (row, column), end = PLAIN, self.at, 0
        for token in _TOKENS.finditer(data):
            if token.start() != end:
                return False
            kind, end = token.lastgroup, token.end()
            if kind == "text":
                column = self._write(row, column, token[0], look)
            elif kind == "looks":
                look = after(look, token["looks"])
            elif kind == "moves":
                line, _, place = token["moves"].partition(";")
                row, column = max(1, int(line or 1)) - 1, max(1, int(place or 1)) - 1
            elif kind == "line":
                row += 1
            elif kind == "start":
                column = 0
            else:
                look = look._replace(link="" if token["link"] == ";" else token["link"])
        self.at = (row, column)
        return end == len(data)

    def _write(self, number: int, column: int, text: str, look: CellStyle) -> int:
        row = self._row(number)
        for piece, plain in _pieces(text):
            if plain:
                row.put(column, piece, look)
                column += len(piece)
                continue
            head, drawn = column, look
            if not cell_len(piece[0]) and 0 < column <= len(row.texts):  # it belongs to the letter before it
                head -= 1
                while head and not row.texts[head]:
                    head -= 1
                piece, drawn = row.texts[head] + piece, row.looks[head] or look
            column = head + max(1, cell_len(piece))
            row.put(head, [piece, *[""] * (column - head - 1)], drawn)
        return column

    def _row(self, number: int) -> CellRow:
        while number >= len(self.rows):
            self.rows.append(CellRow())
        return self.rows[number]

    def onto(self, shown: ScreenBuffer) -> str:
        """Return the few bytes that make a terminal that shows the other buffer show this one.

        The other buffer then equals this one. The bytes begin and end without a style.
        """
        if self.rows:
            shown._row(len(self.rows) - 1)
        move = _move(self.rows, shown.rows) if any(row.texts for row in shown.rows) else None
        if move is not None:
            move.done(shown.rows)
        chains: list[Chain] = []
        for number, (row, old) in enumerate(zip(self.rows, shown.rows, strict=False)):
            if row != old:
                chains += strokes(number, row, old)
                old.texts[:], old.looks[:] = row.texts, row.looks
        stays, shown.at = self.at == shown.at and not chains, self.at
        if stays and move is None:
            return ""
        return (move.sent() if move else "") + drawn(chains, self.at)


def _move(wanted: list[CellRow], shown: list[CellRow]) -> ScrollMove | None:
    """The one that spares the most; loaded when there is something to move."""
    return scroll_optimizer.best_move(wanted, shown)


@lru_cache(4096)
def _pieces(text: str) -> list[tuple[str, bool]]:
    """Stretches of text that fill a cell a letter, and of text that does not."""
    if text.isascii():
        return [(text, True)]
    return [("".join(part), plain) for plain, part in groupby(text, simple)]
