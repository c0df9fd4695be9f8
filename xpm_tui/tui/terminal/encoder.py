"""Encodes the differences between rows of cells as the shortest sequence of bytes.

Rich ends every piece of text with a reset and starts the next one with all its colours, which would be half
of what is sent; here, a style is changed with the shortest sequence. A change of style costs more than a
cursor movement, so patches of one style are usually sent together, wherever they are on the screen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import zip_longest
from typing import NamedTuple
from unicodedata import category

from rich.cells import cell_len


class CellStyle(NamedTuple):
    """A style as parameters of SGR (ECMA-48 8.3.117): colours, everything else, and a link (OSC 8)."""

    foreground: str = ""
    background: str = ""
    extras: frozenset[str] = frozenset()
    link: str = ""


PLAIN = CellStyle()

_OFF = {"1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "6": "25", "7": "27", "8": "28", "9": "29"} | {
    "21": "24", "51": "54", "52": "54", "53": "55",
}  # fmt: skip
"""The parameters that switch the others off (ECMA-48 8.3.117)."""


@lru_cache(4096)
def style_after(style: CellStyle, codes: str) -> CellStyle:
    """Return the style after a sequence with these SGR parameters."""
    foreground, background, extras, link = style
    parts = iter((codes or "0").split(";"))
    for part in parts:
        code = int(part or 0)
        if code == 0:
            foreground, background, extras, _ = PLAIN
        elif code in (38, 48):
            kind = next(parts)
            colour = ";".join((part, kind, *(next(parts) for _ in range(1 if kind == "5" else 3))))
            foreground, background = (colour, background) if code == 38 else (foreground, colour)
        elif 30 <= code <= 39 or 90 <= code <= 97:
            foreground = "" if code == 39 else part
        elif 40 <= code <= 49 or 100 <= code <= 107:
            background = "" if code == 49 else part
        else:
            extras = extras | {part}
    return CellStyle(foreground, background, extras, link)


@lru_cache(4096)
def style_change(old: CellStyle, new: CellStyle) -> str:
    """Return the shortest sequence that changes one style into another, with or without a reset."""
    link = "" if old.link == new.link else f"\x1b]8;{new.link or ';'}\x1b\\"
    if old[:3] == new[:3]:
        return link
    sequences = [["0", *_codes(PLAIN, new)]]
    if old.extras <= _OFF.keys():
        sequences.append(_codes(old, new))
    codes = min((";".join(sequence) for sequence in sequences), key=len)
    return f"{link}\x1b[m" if codes == "0" else f"{link}\x1b[{codes}m"


def _codes(old: CellStyle, new: CellStyle) -> list[str]:
    """Return the SGR parameters that change one style into another without a reset."""
    off = {_OFF[extra] for extra in old.extras - new.extras}
    left = {extra for extra in old.extras if _OFF[extra] not in off}
    codes = [*sorted(off), *sorted(new.extras - left)]
    for colour, old_colour, default in (
        (new.foreground, old.foreground, "39"),
        (new.background, old.background, "49"),
    ):
        if colour != old_colour:
            codes.append(colour or default)
    return codes


def looks_same(text: str, style: CellStyle, other: CellStyle | None) -> bool:
    """Return whether a text looks the same in both styles; the colour of a blank is not visible."""
    if style == other or other is None:
        return style == other
    return text == " " and style[1:] == other[1:] and not style.extras


class CellRow:
    """A row of cells, with the text and the style of each.

    An unknown cell has no style. A cell that is covered by a wide character has a style and no text.
    """

    __slots__ = ("styles", "texts")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.styles: list[CellStyle | None] = []

    def __eq__(self, other: object) -> bool:
        """Compare texts and styles of all cells."""
        return isinstance(other, CellRow) and self.texts == other.texts and self.styles == other.styles

    __hash__ = None  # type: ignore[assignment]

    def put(self, column: int, texts: Sequence[str], style: CellStyle) -> None:
        """Replace the cells from ``column`` on."""
        missing = max(0, column - len(self.texts))
        self.texts += [""] * missing
        self.styles += [None] * missing
        self.texts[column : column + len(texts)] = texts
        self.styles[column : column + len(texts)] = [style] * len(texts)

    def has_uncertain_width(self) -> bool:
        """Return whether terminals may disagree about the position of its characters."""
        if max(map(len, self.texts), default=0) > 1:
            return True
        return "" in self.texts and any(
            not text and style is not None for text, style in zip(self.texts, self.styles, strict=True)
        )

    def has(self, column: int, text: str, style: CellStyle) -> bool:
        """Return whether a cell already shows this text in this style."""
        return (
            column < len(self.texts)
            and text == self.texts[column]
            and looks_same(text, style, self.styles[column])
        )


BRIDGED_CELLS = 4
"""Unchanged cells that are drawn again instead of moving the cursor over them, which costs as much."""
MOVE_BYTES, STYLE_BYTES = 7, 4
"""Estimated bytes of a cursor movement, and of a style divided by the patches that usually share it."""


class Patch(NamedTuple):
    """A text of one style to draw at a position.

    ``end`` is the column after it, or negative if terminals may disagree about that.
    """

    row: int
    column: int
    text: str
    style: CellStyle
    end: int

    @property
    def blank(self) -> bool:
        """Whether it consists of blanks without a visible style."""
        return self.text.isspace() and not self.style.extras


Chain = list[Patch]
"""Patches of one row that must be drawn in this order."""


def patch_chains(number: int, row: CellRow, old: CellRow) -> Iterator[Chain]:
    """Yield the chains that turn ``old``, the row of this number, into ``row``.

    Where the width of characters is uncertain, a single chain redraws all cells from the first difference.
    """
    if not (row.has_uncertain_width() or old.has_uncertain_width()):
        for patch in _certain_patches(number, row, old):
            yield [patch]
    elif chain := list(_uncertain_patches(number, row, old)):
        yield chain


def cost(row: CellRow, old: CellRow) -> int:
    """Return about how many bytes it takes to turn one row into another."""
    return sum(
        MOVE_BYTES + STYLE_BYTES + len(patch.text) for chain in patch_chains(0, row, old) for patch in chain
    )


def _certain_patches(number: int, row: CellRow, old: CellRow) -> Iterator[Patch]:
    start, end, style, blank = 0, 0, None, True
    for column, (text, new, old_text, old_style) in enumerate(
        zip_longest(row.texts, row.styles, old.texts[: len(row.texts)], old.styles[: len(row.texts)])
    ):
        if new is None or (text == old_text and (new is old_style or looks_same(text, new, old_style))):
            continue
        if style is not None:
            near = column == end or (column - end <= BRIDGED_CELLS and _stays(row, end, column, style))
            if near and (looks_same(text, new, style) or (blank and looks_same(" ", style, new))):
                end, style, blank = column + 1, new if blank else style, blank and text == " "
                continue
            yield Patch(number, start, "".join(row.texts[start:end]), style, end)
        start, end, style, blank = column, column + 1, new, text == " "
    if style is not None:
        yield Patch(number, start, "".join(row.texts[start:end]), style, end)


def _stays(row: CellRow, start: int, end: int, style: CellStyle) -> bool:
    """Return whether the cells between two differences can be drawn again in this style."""
    return all(
        new is not None and looks_same(text, new, style)
        for text, new in zip(row.texts[start:end], row.styles[start:end], strict=True)
    )


def _uncertain_patches(number: int, row: CellRow, old: CellRow) -> Iterator[Patch]:
    last: Patch | None = None
    differs = False
    for column, (text, style) in enumerate(zip(row.texts, row.styles, strict=True)):
        if style is None or (not differs and old.has(column, text, style)):
            continue
        differs = True
        if not text:
            continue
        end = column + 1 if is_simple(text) else -1
        if last is not None and last.end == column and looks_same(text, style, last.style):
            last = last._replace(text=last.text + text, end=end)
            continue
        if last is not None:
            yield last
        last = Patch(number, column, text, style, end)
    if last is not None:
        yield last


@lru_cache(4096)
def is_simple(text: str) -> bool:
    """Return whether a character fills exactly one cell on every terminal."""
    return len(text) == 1 and cell_len(text) == 1 and category(text)[0] not in "MC"


def draw_chains(chains: Sequence[Chain], cursor: tuple[int, int]) -> str:
    """Return the shortest bytes that draw all chains and put the cursor at ``cursor`` (row, column).

    They start and end without a style.
    """
    return min((_encode(order, cursor) for order in (chains, list(_ordered_by_style(chains)))), key=len)


def _ordered_by_style(chains: Sequence[Chain]) -> Iterator[Chain]:
    """Order the chains by style, each time with the style that costs least after the current one."""
    waiting: dict[CellStyle, list[Chain]] = {}
    for chain in chains:
        first = chain[0]
        key = first.style._replace(foreground="") if first.blank else first.style
        waiting.setdefault(key, []).append(chain)
    style = PLAIN
    while waiting:
        nearest = min(waiting, key=lambda key: len(style_change(style, _fitting(waiting[key][0][0], style))))
        for chain in waiting.pop(nearest):
            yield chain
            style = _fitting(chain[-1], style)


def _encode(chains: Sequence[Chain], cursor: tuple[int, int]) -> str:
    sent: list[str] = []
    style, row, column = PLAIN, -1, -1
    for chain in chains:
        for patch in chain:
            old, style = style, _fitting(patch, style)
            sent += (_move(row, column, patch.row, patch.column), style_change(old, style), patch.text)
            row, column = patch.row, patch.end
    return "".join((*sent, style_change(style, PLAIN), _move(row, column, *cursor)))


def _fitting(patch: Patch, style: CellStyle) -> CellStyle:
    """Return the style of a patch; blanks keep the current foreground, because theirs is not visible."""
    return (
        patch.style._replace(foreground=style.foreground) if patch.blank and not style.extras else patch.style
    )


def _move(row: int, column: int, to_row: int, to_column: int) -> str:
    """Return an absolute movement: terminals disagree about relative ones in the last column."""
    if row != to_row:
        return f"\x1b[{to_row + 1};{to_column + 1}H" if to_column else f"\x1b[{to_row + 1}H"
    return "" if column == to_column else f"\x1b[{to_column + 1}G"
