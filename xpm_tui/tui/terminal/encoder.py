"""Encodes the differing cells of rows as patches: text of one style, drawn from left to right.

Patches are ordered so that those with the same style mostly follow each other, because a style costs more
bytes than a move.

The style of cells, and the shortest sequence that changes one style into another.

Rich ends every piece of text with a reset and begins the next with all its colours, which on a slow line is
half of what is sent. The module also has a row of cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import zip_longest
from typing import NamedTuple
from unicodedata import category

from rich.cells import cell_len


class CellStyle(NamedTuple):
    """SGR parameters (ECMA-48 8.3.117) for foreground, background and attributes, and a link (OSC 8)."""

    ink: str = ""
    paper: str = ""
    extras: frozenset[str] = frozenset()
    link: str = ""


PLAIN = CellStyle()

_OFF = {"1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "6": "25", "7": "27", "8": "28", "9": "29"} | {
    "21": "24", "51": "54", "52": "54", "53": "55",
}  # fmt: skip
"""The parameters that end each of the others (ECMA-48 8.3.117)."""


@lru_cache(4096)
def after(look: CellStyle, codes: str) -> CellStyle:
    """Return the style after a sequence with these codes."""
    ink, paper, extras, link = look
    parts = iter((codes or "0").split(";"))
    for part in parts:
        code = int(part or 0)
        if code == 0:
            ink, paper, extras, _ = PLAIN
        elif code in (38, 48):
            kind = next(parts)
            colour = ";".join((part, kind, *(next(parts) for _ in range(1 if kind == "5" else 3))))
            ink, paper = (colour, paper) if code == 38 else (ink, colour)
        elif 30 <= code <= 39 or 90 <= code <= 97:
            ink = "" if code == 39 else part
        elif 40 <= code <= 49 or 100 <= code <= 107:
            paper = "" if code == 49 else part
        else:
            extras = extras | {part}
    return CellStyle(ink, paper, extras, link)


@lru_cache(4096)
def change(old: CellStyle, new: CellStyle) -> str:
    """Return the shortest sequence from one style to the other, by ending some attributes or all."""
    link = "" if old.link == new.link else f"\x1b]8;{new.link or ';'}\x1b\\"
    if old[:3] == new[:3]:
        return link
    ways = [["0", *_codes(PLAIN, new)]]
    if old.extras <= _OFF.keys():
        ways.append(_codes(old, new))
    codes = min((";".join(way) for way in ways), key=len)
    return f"{link}\x1b[m" if codes == "0" else f"{link}\x1b[{codes}m"


def _codes(old: CellStyle, new: CellStyle) -> list[str]:
    """Return the parameters that change one style into the other."""
    off = {_OFF[extra] for extra in old.extras - new.extras}
    left = {extra for extra in old.extras if _OFF[extra] not in off}
    codes = [*sorted(off), *sorted(new.extras - left)]
    for colour, before, none in ((new.ink, old.ink, "39"), (new.paper, old.paper, "49")):
        if colour != before:
            codes.append(colour or none)
    return codes


def looks_same(text: str, look: CellStyle, other: CellStyle | None) -> bool:
    """Return whether this text looks the same in both styles: a blank shows no foreground."""
    if look == other or other is None:
        return look == other
    return text == " " and look[1:] == other[1:] and not look.extras


class CellRow:
    """One row of cells, with the text and the style of each.

    An unknown cell has no style; one that is covered by a wide character has a style and no text.
    """

    __slots__ = ("looks", "texts")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.looks: list[CellStyle | None] = []

    def __eq__(self, other: object) -> bool:
        """Return whether the cells are the same."""
        return isinstance(other, CellRow) and self.texts == other.texts and self.looks == other.looks

    __hash__ = None  # type: ignore[assignment]

    def put(self, column: int, texts: Sequence[str], look: CellStyle) -> None:
        """Overwrite some cells."""
        missing = max(0, column - len(self.texts))
        self.texts += [""] * missing
        self.looks += [None] * missing
        self.texts[column : column + len(texts)] = texts
        self.looks[column : column + len(texts)] = [look] * len(texts)

    def odd(self) -> bool:
        """Return whether terminals may differ in the positions of its characters."""
        if max(map(len, self.texts), default=0) > 1:
            return True
        return "" in self.texts and any(
            not text and look is not None for text, look in zip(self.texts, self.looks, strict=True)
        )

    def has(self, column: int, text: str, look: CellStyle) -> bool:
        """Return whether a cell shows this already."""
        return (
            column < len(self.texts)
            and text == self.texts[column]
            and looks_same(text, look, self.looks[column])
        )


BRIDGE = 4
"""The most unchanged cells that are drawn again instead of a cursor move, which costs as much."""
MOVE, LOOK = 7, 4
"""Bytes of a move, and of a look for as many strokes as usually share one."""


class Patch(NamedTuple):
    """``end`` is the column after it, below zero if terminals may differ."""

    row: int
    column: int
    text: str
    look: CellStyle
    end: int

    @property
    def blank(self) -> bool:
        """Return whether it shows no foreground."""
        return self.text.isspace() and not self.look.extras


Chain = list[Patch]
"""Patches of one row that must be drawn in their order."""


def strokes(number: int, row: CellRow, old: CellRow) -> Iterator[Chain]:
    """Yield the chains that turn ``old``, the row of this number, into ``row``.

    Where characters may be in other places, it is one chain of all cells from the first difference on.
    """
    if not (row.odd() or old.odd()):
        for stroke in _plain(number, row, old):
            yield [stroke]
    elif chain := list(_odd(number, row, old)):
        yield chain


def cost(row: CellRow, old: CellRow) -> int:
    """Return about how many bytes are needed to change one row into another."""
    return sum(MOVE + LOOK + len(stroke.text) for chain in strokes(0, row, old) for stroke in chain)


def _plain(number: int, row: CellRow, old: CellRow) -> Iterator[Patch]:
    start, end, look, blank = 0, 0, None, True
    for column, (text, new, was, worn) in enumerate(
        zip_longest(row.texts, row.looks, old.texts[: len(row.texts)], old.looks[: len(row.texts)])
    ):
        if new is None or (text == was and (new is worn or looks_same(text, new, worn))):
            continue
        if look is not None:
            near = column == end or (column - end <= BRIDGE and _stays(row, end, column, look))
            if near and (looks_same(text, new, look) or (blank and looks_same(" ", look, new))):
                end, look, blank = column + 1, new if blank else look, blank and text == " "
                continue
            yield Patch(number, start, "".join(row.texts[start:end]), look, end)
        start, end, look, blank = column, column + 1, new, text == " "
    if look is not None:
        yield Patch(number, start, "".join(row.texts[start:end]), look, end)


def _stays(row: CellRow, start: int, end: int, look: CellStyle) -> bool:
    """Return whether the cells in between can be drawn again in this style."""
    return all(
        new is not None and looks_same(text, new, look)
        for text, new in zip(row.texts[start:end], row.looks[start:end], strict=True)
    )


def _odd(number: int, row: CellRow, old: CellRow) -> Iterator[Patch]:
    last: Patch | None = None
    differs = False
    for column, (text, look) in enumerate(zip(row.texts, row.looks, strict=True)):
        if look is None or (not differs and old.has(column, text, look)):
            continue
        differs = True
        if not text:
            continue
        end = column + 1 if simple(text) else -1
        if last is not None and last.end == column and looks_same(text, look, last.look):
            last = last._replace(text=last.text + text, end=end)
            continue
        if last is not None:
            yield last
        last = Patch(number, column, text, look, end)
    if last is not None:
        yield last


@lru_cache(4096)
def simple(text: str) -> bool:
    """Return whether it is a character that fills one cell on every terminal."""
    return len(text) == 1 and cell_len(text) == 1 and category(text)[0] not in "MC"


def drawn(chains: Sequence[Chain], rest: tuple[int, int]) -> str:
    """Return the bytes that draw all chains most cheaply and put the cursor at ``rest`` (row, column).

    They begin and end without a style.
    """
    return min((_in_order(way, rest) for way in (chains, list(_look_after_look(chains)))), key=len)


def _look_after_look(chains: Sequence[Chain]) -> Iterator[Chain]:
    """Order the chains so that each style is followed by the cheapest one."""
    waiting: dict[CellStyle, list[Chain]] = {}
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


def _fitting(stroke: Patch, look: CellStyle) -> CellStyle:
    """Return its style; blanks show no foreground, so they take the current one."""
    return stroke.look._replace(ink=look.ink) if stroke.blank and not look.extras else stroke.look


def _move(row: int, column: int, to_row: int, to_column: int) -> str:
    """Move by absolute positions, because terminals differ in relative moves from the last column."""
    if row != to_row:
        return f"\x1b[{to_row + 1};{to_column + 1}H" if to_column else f"\x1b[{to_row + 1}H"
    return "" if column == to_column else f"\x1b[{to_column + 1}G"
