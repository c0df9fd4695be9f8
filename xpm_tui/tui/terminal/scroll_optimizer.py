"""Rows that stand on a terminal already, some lines above or below: it can move them by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from xpm_tui.tui.terminal.cell_style import CellRow
from xpm_tui.tui.terminal.encoder import cost

STEPS = (1, -1, 2, -2, 3, -3, 4, -4)
"""Lines up (or down) that are tried: what a list moves by, with rows of up to four lines."""
ALIKE = 2
"""Rows that must read the same after a move for it to be reckoned at all."""
WORTH = 40
"""Bytes that must be spared: a move costs about half as many."""


@dataclass(frozen=True)
class ScrollMove:
    """Everything between two rows goes up by some lines, or down where ``up`` is below zero."""

    top: int
    bottom: int
    up: int

    def sent(self) -> str:
        """The bytes of the move, which every terminal since the VT100 supports.

        They set the margins (DECSTBM), send a line feed at the lower or a reverse index at the upper one, and
        reset the margins. The cursor is at home then.
        """
        end, step = (self.bottom, "\n") if self.up > 0 else (self.top, "\x1bM")
        return f"\x1b[{self.top + 1};{self.bottom + 1}r\x1b[{end + 1}H{step * abs(self.up)}\x1b[r"

    def done(self, rows: list[CellRow]) -> None:
        """The rows that a terminal shows afterwards; what came in is unknown."""
        new = [CellRow() for _ in range(abs(self.up))]
        inside = rows[self.top : self.bottom + 1]
        rows[self.top : self.bottom + 1] = inside[self.up :] + new if self.up > 0 else new + inside[: self.up]


def best_move(wanted: Sequence[CellRow], shown: Sequence[CellRow]) -> ScrollMove | None:
    """The move that spares the most bytes, or None where none is worth it."""
    if sum(row != old for row, old in zip(wanted, shown, strict=False)) <= ALIKE:
        return None
    steps = [up for up in STEPS if _alike(wanted, shown, up) >= ALIKE]
    if not steps:
        return None
    before = [cost(row, old) for row, old in zip(wanted, shown, strict=False)]
    coming = [cost(row, CellRow()) - old for row, old in zip(wanted, before, strict=True)]
    spared, move = max((_move(wanted, shown, before, coming, up) for up in steps), key=lambda one: one[0])
    return move if spared >= WORTH else None


def _pairs(wanted: Sequence[CellRow], up: int) -> range:
    """Rows into which others of the same screen move."""
    return range(max(0, -up), len(wanted) - max(0, up))


def _alike(wanted: Sequence[CellRow], shown: Sequence[CellRow], up: int) -> int:
    return sum(
        wanted[place].texts == shown[place + up].texts != shown[place].texts for place in _pairs(wanted, up)
    )


def _move(
    wanted: Sequence[CellRow], shown: Sequence[CellRow], before: Sequence[int], coming: Sequence[int], up: int
) -> tuple[int, ScrollMove]:
    """Return the number of bytes that the best move by so many lines saves, and that move.

    ``before`` is what each row costs without a move, ``coming`` how much more it costs where a move brings in
    an unknown row.
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
