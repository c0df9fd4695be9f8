"""The contents of a terminal as rows of cells, and the differences between two of them.

Finds rows that the terminal already shows some lines above or below, so that it can scroll them itself.
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
    strokes,
    style_after,
)

_TOKENS = re.compile(
    r"(?P<text>[^\x00-\x1f\x7f]+)|\x1b\[(?P<looks>[0-9;]*)m|\x1b\[(?P<moves>[0-9;]*)H|(?P<line>\n)|(?P<start>\r)"
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
            False at anything else; what was drawn before it stays.
        """
        look, (row, column), end = PLAIN, self.at, 0
        for token in _TOKENS.finditer(data):
            if token.start() != end:
                return False
            kind, end = token.lastgroup, token.end()
            if kind == "text":
                column = self._write(row, column, token[0], look)
            elif kind == "looks":
                look = style_after(look, token["looks"])
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
            # a combining character belongs to the cell before it
            if not cell_len(piece[0]) and 0 < column <= len(row.texts):
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

    def clip(self, columns: int) -> None:
        """Drop what is beyond the last column of the terminal.

        After a resize, Textual may still paint a line in the former width. A terminal would put every
        character beyond its edge into its last column.
        """
        for row in self.rows:
            if len(row.texts) > columns:
                head = columns
                while head and not row.texts[head] and row.looks[head] is not None:
                    head -= 1
                row.texts[head:columns] = " " * (columns - head)  # wide characters across the edge
                del row.texts[columns:], row.looks[columns:]

    def onto(self, shown: ScreenBuffer) -> str:
        """Return the bytes that make a terminal with the contents of ``shown`` show this buffer.

        ``shown`` then equals this buffer. The bytes start and end without a style.
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
        return (move.sent() if move else "") + draw_chains(chains, self.at)


def _move(wanted: list[CellRow], shown: list[CellRow]) -> ScrollMove | None:
    """Return the scroll that saves the most bytes. Its module is imported when it is first needed."""
    return best_move(wanted, shown)


@lru_cache(4096)
def _pieces(text: str) -> list[tuple[str, bool]]:
    """Split a text into parts whose characters each fill one cell, and other parts."""
    if text.isascii():
        return [(text, True)]
    return [("".join(part), plain) for plain, part in groupby(text, is_simple)]


STEPS = (1, -1, 2, -2, 3, -3, 4, -4)
"""The distances in lines that are tried: those by which lists with rows of up to four lines move."""
MATCHING_ROWS = 2
"""The least number of rows that must match after a scroll for it to be considered."""
SAVED_BYTES = 40
"""The least number of bytes to save; a scroll itself costs about half of that."""


class ScrollMove(NamedTuple):
    """Scrolls the lines between two rows up by some lines, or down if ``up`` is negative."""

    top: int
    bottom: int
    up: int

    def sent(self) -> str:
        """Return the bytes of the scroll, which every terminal since the VT100 supports.

        They set the margins (DECSTBM), send a line feed at the lower one or a reverse index at the upper one,
        and reset the margins. Afterwards the cursor is in the top left corner.
        """
        end, step = (self.bottom, "\n") if self.up > 0 else (self.top, "\x1bM")
        return f"\x1b[{self.top + 1};{self.bottom + 1}r\x1b[{end + 1}H{step * abs(self.up)}\x1b[r"

    def done(self, rows: list[CellRow]) -> None:
        """Apply the scroll to the rows of a buffer; the rows that come in are unknown."""
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
    coming = [cost(row, CellRow()) - old for row, old in zip(wanted, before, strict=True)]
    spared, move = max((_shift(wanted, shown, before, coming, up) for up in steps), key=lambda one: one[0])
    return move if spared >= SAVED_BYTES else None


def _pairs(wanted: Sequence[CellRow], up: int) -> range:
    """Return the rows into which other rows of the same screen move."""
    return range(max(0, -up), len(wanted) - max(0, up))


def _matching_rows(wanted: Sequence[CellRow], shown: Sequence[CellRow], up: int) -> int:
    return sum(
        wanted[place].texts == shown[place + up].texts != shown[place].texts for place in _pairs(wanted, up)
    )


def _shift(
    wanted: Sequence[CellRow], shown: Sequence[CellRow], before: Sequence[int], coming: Sequence[int], up: int
) -> tuple[int, ScrollMove]:
    """Return the bytes that the best scroll by ``up`` lines saves, and that scroll.

    ``before`` is what each row costs without a scroll, ``coming`` how much more it costs if a scroll makes it
    unknown.
    """
    places = _pairs(wanted, up)
    gains = [before[place] - cost(wanted[place], shown[place + up]) for place in places]
    sums = list(accumulate(gains, initial=0))
    best = (0, ScrollMove(0, 0, up))
    for first in range(len(gains)):
        for last in range(first, len(gains)):
            top, bottom = places[first] + min(0, up), places[last] + max(0, up)
            new = coming[bottom - up + 1 : bottom + 1] if up > 0 else coming[top : top - up]
            spared = sums[last + 1] - sums[first] - sum(new)
            if spared > best[0]:
                best = (spared, ScrollMove(top, bottom, up))
    return best
