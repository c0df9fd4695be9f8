"""The contents of a terminal as rows of cells, and the bytes that turn one into another.

Rows that the terminal already shows some lines above or below are scrolled instead of sent again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, groupby
from typing import NamedTuple

from rich.cells import cell_len

from xpm_tui.tui.terminal.encoder import (
    PLAIN,
    CellRow,
    CellStyle,
    Chain,
    cost,
    draw_chains,
    is_simple,
    patch_chains,
    style_after,
)

_TOKENS = re.compile(
    r"(?P<text>[^\x00-\x1f\x7f]+)|\x1b\[(?P<style>[0-9;]*)m|\x1b\[(?P<position>[0-9;]*)H|(?P<line>\n)|(?P<start>\r)"
    r"|\x1b\]8;(?P<link>[^\x07\x1b]*)(?:\x07|\x1b\\)"
)


class ScreenBuffer:
    """Rows of cells and the position of the cursor. Cells that were never drawn are unknown."""

    def __init__(self) -> None:
        self.rows: list[CellRow] = []
        self.at = (0, 0)

    def draw(self, data: str) -> bool:
        """Draw what Textual writes for a frame: characters, styles, links (OSC 8) and cursor movements.

        Returns:
            False if there is anything else in it; what comes before that is drawn.
        """
        style, (row, column), end = PLAIN, self.at, 0
        for token in _TOKENS.finditer(data):
            if token.start() != end:
                return False
            kind, end = token.lastgroup, token.end()
            if kind == "text":
                column = self._write(row, column, token[0], style)
            elif kind == "style":
                style = style_after(style, token["style"])
            elif kind == "position":
                line, _, place = token["position"].partition(";")
                row, column = max(1, int(line or 1)) - 1, max(1, int(place or 1)) - 1
            elif kind == "line":
                row += 1
            elif kind == "start":
                column = 0
            else:
                style = style._replace(link="" if token["link"] == ";" else token["link"])
        self.at = (row, column)
        return end == len(data)

    def _write(self, number: int, column: int, text: str, style: CellStyle) -> int:
        row = self._row(number)
        for piece, plain in _pieces(text):
            if plain:
                row.put(column, piece, style)
                column += len(piece)
                continue
            head, drawn = column, style
            # a combining character belongs to the cell before it
            if not cell_len(piece[0]) and 0 < column <= len(row.texts):
                head -= 1
                while head and not row.texts[head]:
                    head -= 1
                piece, drawn = row.texts[head] + piece, row.styles[head] or style
            column = head + max(1, cell_len(piece))
            row.put(head, [piece, *[""] * (column - head - 1)], drawn)
        return column

    def _row(self, number: int) -> CellRow:
        while number >= len(self.rows):
            self.rows.append(CellRow())
        return self.rows[number]

    def clip(self, columns: int) -> None:
        """Remove the cells beyond the last column of the terminal.

        After a resize, Textual may still paint a line in the former width. A terminal would put every
        character beyond its edge into its last column.
        """
        for row in self.rows:
            if len(row.texts) > columns:
                head = columns
                while head and not row.texts[head] and row.styles[head] is not None:
                    head -= 1
                row.texts[head:columns] = " " * (columns - head)  # wide characters across the edge
                del row.texts[columns:], row.styles[columns:]

    def draw_over(self, shown: ScreenBuffer) -> str:
        """Return the bytes that make a terminal with the contents of ``shown`` show this buffer.

        ``shown`` then equals this buffer. The bytes start and end without a style.
        """
        if self.rows:
            shown._row(len(self.rows) - 1)
        move = best_move(self.rows, shown.rows) if any(row.texts for row in shown.rows) else None
        if move is not None:
            move.apply(shown.rows)
        chains: list[Chain] = []
        for number, (row, old) in enumerate(zip(self.rows, shown.rows, strict=False)):
            if row != old:
                chains += patch_chains(number, row, old)
                old.texts[:], old.styles[:] = row.texts, row.styles
        cursor_stays, shown.at = self.at == shown.at, self.at
        if cursor_stays and not chains and move is None:
            return ""
        return (move.sequence() if move else "") + draw_chains(chains, self.at)


@lru_cache(4096)
def _pieces(text: str) -> list[tuple[str, bool]]:
    """Split a text into parts whose characters each fill one cell, and other parts."""
    if text.isascii():
        return [(text, True)]
    return [("".join(part), plain) for plain, part in groupby(text, is_simple)]


STEPS = (1, -1, 2, -2, 3, -3, 4, -4)
"""The distances in lines that are tried: those by which lists with rows of up to four lines move."""
MATCHING_ROWS = 2
"""The smallest number of rows that must match after a scroll for it to be considered."""
SAVED_BYTES = 40
"""The smallest saving in bytes that is worth a scroll, which itself takes about half of that."""


class ScrollMove(NamedTuple):
    """Scrolls the lines between two rows up by some lines, or down if ``up`` is negative."""

    top: int
    bottom: int
    up: int

    def sequence(self) -> str:
        """Return the bytes of the scroll, which every terminal since the VT100 supports.

        They set the margins (DECSTBM), send a line feed at the lower one or a reverse index at the upper one,
        and reset the margins. Afterwards the cursor is in the top left corner.
        """
        end, step = (self.bottom, "\n") if self.up > 0 else (self.top, "\x1bM")
        return f"\x1b[{self.top + 1};{self.bottom + 1}r\x1b[{end + 1}H{step * abs(self.up)}\x1b[r"

    def apply(self, rows: list[CellRow]) -> None:
        """Apply the scroll to the rows of a buffer; the rows that enter are unknown."""
        new = [CellRow() for _ in range(abs(self.up))]
        inside = rows[self.top : self.bottom + 1]
        rows[self.top : self.bottom + 1] = inside[self.up :] + new if self.up > 0 else new + inside[: self.up]


def best_move(wanted: Sequence[CellRow], shown: Sequence[CellRow]) -> ScrollMove | None:
    """Return the scroll that saves the most bytes, or None if none is worthwhile."""
    if sum(row != old for row, old in zip(wanted, shown, strict=False)) <= MATCHING_ROWS:
        return None
    steps = [up for up in STEPS if _matching_rows(wanted, shown, up) >= MATCHING_ROWS]
    if not steps:
        return None
    before = [cost(row, old) for row, old in zip(wanted, shown, strict=False)]
    entering = [cost(row, CellRow()) - old for row, old in zip(wanted, before, strict=True)]
    saved, move = max(
        (_best_scroll_by(wanted, shown, before, entering, up) for up in steps), key=lambda found: found[0]
    )
    return move if saved >= SAVED_BYTES else None


def _pairs(wanted: Sequence[CellRow], up: int) -> range:
    """Return the rows into which other rows of the same screen move."""
    return range(max(0, -up), len(wanted) - max(0, up))


def _matching_rows(wanted: Sequence[CellRow], shown: Sequence[CellRow], up: int) -> int:
    return sum(
        wanted[place].texts == shown[place + up].texts != shown[place].texts for place in _pairs(wanted, up)
    )


def _best_scroll_by(
    wanted: Sequence[CellRow],
    shown: Sequence[CellRow],
    before: Sequence[int],
    entering: Sequence[int],
    up: int,
) -> tuple[int, ScrollMove]:
    """Return the bytes that the best scroll by ``up`` lines saves, and that scroll.

    ``before`` is what each row costs without a scroll, ``entering`` how much more it costs if a scroll makes
    it unknown.
    """
    places = _pairs(wanted, up)
    gains = [before[place] - cost(wanted[place], shown[place + up]) for place in places]
    sums = list(accumulate(gains, initial=0))
    best = (0, ScrollMove(0, 0, up))
    for first in range(len(gains)):
        for last in range(first, len(gains)):
            top, bottom = places[first] + min(0, up), places[last] + max(0, up)
            new = entering[bottom - up + 1 : bottom + 1] if up > 0 else entering[top : top - up]
            saved = sums[last + 1] - sums[first] - sum(new)
            if saved > best[0]:
                best = (saved, ScrollMove(top, bottom, up))
    return best
