"""What a terminal shows, cell by cell: of a picture that is painted anew, only what differs is sent."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import groupby
from unicodedata import category

from rich.cells import cell_len

from xpm_tui.tui.output.looks import PLAIN, Look, after, change
from xpm_tui.tui.output.moves import best_move
from xpm_tui.tui.output.row import Row, alike

BRIDGE = 4
"""Cells that are sent again where the cursor would have to move over them: a move costs as much."""

_TOKENS = re.compile(
    r"(?P<text>[^\x00-\x1f\x7f]+)|\x1b\[(?P<looks>[0-9;]*)m|\x1b\[(?P<moves>[0-9;]*)H|(?P<line>\n)|(?P<start>\r)"
    r"|\x1b\]8;(?P<link>[^\x07\x1b]*)(?:\x07|\x1b\\)"
)


class Picture:
    """Rows of cells, and where the terminal's own cursor stands. What was never drawn is unknown."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.at = (0, 0)

    def draw(self, data: str) -> bool:
        """Draw what Textual writes for a frame: letters, looks, links (OSC 8) and moves to a cell. Gives
        False where there is anything else; what was drawn before it stays."""
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

    def _write(self, number: int, column: int, text: str, look: Look) -> int:
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

    def _row(self, number: int) -> Row:
        while number >= len(self.rows):
            self.rows.append(Row())
        return self.rows[number]

    def onto(self, shown: Picture) -> str:
        """What makes a terminal that shows the other picture show this one, in few bytes. The other is then
        the same as this one. It begins and ends without a look."""
        pen = _Pen()
        if self.rows:
            shown._row(len(self.rows) - 1)
        move = best_move(self.rows, shown.rows)
        if move is not None:
            pen.sent.append(move.sent())
            move.done(shown.rows)
        for number, (row, old) in enumerate(zip(self.rows, shown.rows, strict=False)):
            if row != old:
                _send(pen, number, row, old)
                old.texts[:], old.looks[:] = row.texts, row.looks
        pen.rest(self.at, shown.at)
        shown.at = self.at
        return "".join(pen.sent)


class _Pen:
    """Where the terminal writes next (the column is below zero where terminals may differ), and how."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.look = PLAIN
        self.at: tuple[int, int] | None = None

    def move(self, row: int, column: int) -> None:
        """By places alone, never by steps: in the last column terminals differ in what a step is."""
        if self.at is not None and self.at[0] == row:
            self.sent.append(f"\x1b[{column + 1}G")
        else:
            self.sent.append(f"\x1b[{row + 1};{column + 1}H" if column else f"\x1b[{row + 1}H")

    def write(self, text: str, look: Look) -> None:
        """A cell's text. A blank shows no ink, so it takes whatever there is, where that costs nothing."""
        if text == " " and not (look.extras or self.look.extras or (self.look.paper and not look.paper)):
            look = look._replace(ink=self.look.ink)
        if look != self.look:
            self.sent.append(change(self.look, look))
            self.look = look
        self.sent.append(text)

    def rest(self, at: tuple[int, int], before: tuple[int, int]) -> None:
        """Without a look, the cursor where it belongs."""
        if self.look != PLAIN:
            self.sent.append(change(self.look, PLAIN))
        if (self.sent or at != before) and self.at != at:
            self.at = None
            self.move(*at)


def _send(pen: _Pen, number: int, row: Row, old: Row) -> None:
    """The cells of a row that differ; from the first of them on all, where letters may stand elsewhere."""
    odd, differs = row.odd() or old.odd(), False
    for column, (text, look) in enumerate(zip(row.texts, row.looks, strict=True)):
        if look is None:
            continue
        if not (odd and differs) and old.has(column, text, look):
            continue
        differs = True
        if not text:
            continue
        if pen.at != (number, column) and not _bridged(pen, number, column, row):
            pen.move(number, column)
        pen.write(text, look)
        pen.at = (number, column + 1 if _simple(text) else -1)


def _bridged(pen: _Pen, number: int, column: int, row: Row) -> bool:
    """Write over the few cells in between, where they have the look that the pen has."""
    if pen.at is None or pen.at[0] != number or pen.at[1] < 0 or not 0 < column - pen.at[1] <= BRIDGE:
        return False
    between = slice(pen.at[1], column)
    texts = row.texts[between]
    if not all(
        _simple(text) and look is not None and alike(text, look, pen.look)
        for text, look in zip(texts, row.looks[between], strict=True)
    ):
        return False
    pen.sent += texts
    return True


@lru_cache(4096)
def _simple(text: str) -> bool:
    """Whether it is a letter that fills one cell on every terminal."""
    return len(text) == 1 and cell_len(text) == 1 and category(text)[0] not in "MC"


@lru_cache(4096)
def _pieces(text: str) -> list[tuple[str, bool]]:
    """Stretches of text that fill a cell a letter, and of text that does not."""
    if text.isascii():
        return [(text, True)]
    return [("".join(part), plain) for plain, part in groupby(text, _simple)]
