"""In which order strokes are drawn: a look costs more than a move, so those of one look mostly follow each
other, wherever they stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from xpm_tui.tui.output.looks import PLAIN, Look, change
from xpm_tui.tui.output.strokes import Chain, Stroke


def drawn(chains: Sequence[Chain], rest: tuple[int, int]) -> str:
    """What draws all of them in the fewest bytes, and puts the cursor where it belongs (row, column).
    It begins and ends without a look."""
    return min((_in_order(way, rest) for way in (chains, list(_look_after_look(chains)))), key=len)


def _look_after_look(chains: Sequence[Chain]) -> Iterator[Chain]:
    """After each look the one that costs least."""
    waiting: dict[Look, list[Chain]] = {}
    for chain in chains:
        first = chain[0]
        waiting.setdefault(first.look._replace(ink="") if first.blank else first.look, []).append(chain)
    look = PLAIN
    while waiting:
        nearest = min(waiting, key=lambda other: len(change(look, _fitting(waiting[other][0][0], look))))
        for chain in waiting.pop(nearest):
            yield chain
            look = _fitting(chain[-1], look)


def _in_order(chains: Sequence[Chain], rest: tuple[int, int]) -> str:
    sent: list[str] = []
    look, row, column = PLAIN, -1, -1
    for chain in chains:
        for stroke in chain:
            old, look = look, _fitting(stroke, look)
            sent += (_move(row, column, stroke.row, stroke.column), change(old, look), stroke.text)
            row, column = stroke.row, stroke.end
    return "".join((*sent, change(look, PLAIN), _move(row, column, *rest)))


def _fitting(stroke: Stroke, look: Look) -> Look:
    """Its look; blanks show no ink, so they take what there is."""
    return stroke.look._replace(ink=look.ink) if stroke.blank and not look.extras else stroke.look


def _move(row: int, column: int, to_row: int, to_column: int) -> str:
    """By places alone, never by steps: in the last column terminals differ in what a step is."""
    if row != to_row:
        return f"\x1b[{to_row + 1};{to_column + 1}H" if to_column else f"\x1b[{to_row + 1}H"
    return "" if column == to_column else f"\x1b[{to_column + 1}G"
