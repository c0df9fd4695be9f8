"""How a letter looks on a terminal, and what makes the one look the other in the fewest bytes.

Rich ends every piece of text with a reset and begins the next with all its colours: over a slow line that is
half of what is sent.

One line of a terminal, cell by cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple


class CellStyle(NamedTuple):
    """Parameters of SGR (ECMA-48 8.3.117) for ink, paper and all else, and where a click leads (OSC 8)."""

    ink: str = ""
    paper: str = ""
    extras: frozenset[str] = frozenset()
    link: str = ""


PLAIN = CellStyle()

_OFF = {"1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "6": "25", "7": "27", "8": "28", "9": "29"} | {
    "21": "24", "51": "54", "52": "54", "53": "55",
}  # fmt: skip
"""What takes each of the others back (ECMA-48 8.3.117)."""


@lru_cache(4096)
def after(look: CellStyle, codes: str) -> CellStyle:
    """The look after a sequence with these codes."""
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
    """What makes the one look the other, in the fewest bytes: by taking back what is too much, or all."""
    link = "" if old.link == new.link else f"\x1b]8;{new.link or ';'}\x1b\\"
    if old[:3] == new[:3]:
        return link
    ways = [["0", *_codes(PLAIN, new)]]
    if old.extras <= _OFF.keys():
        ways.append(_codes(old, new))
    codes = min((";".join(way) for way in ways), key=len)
    return f"{link}\x1b[m" if codes == "0" else f"{link}\x1b[{codes}m"


def _codes(old: CellStyle, new: CellStyle) -> list[str]:
    """Parameters that make the one look the other."""
    off = {_OFF[extra] for extra in old.extras - new.extras}
    left = {extra for extra in old.extras if _OFF[extra] not in off}
    codes = [*sorted(off), *sorted(new.extras - left)]
    for colour, before, none in ((new.ink, old.ink, "39"), (new.paper, old.paper, "49")):
        if colour != before:
            codes.append(colour or none)
    return codes


def looks_same(text: str, look: CellStyle, other: CellStyle | None) -> bool:
    """Whether this text is the same to see in both looks: a blank shows no ink."""
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
        """The same cells."""
        return isinstance(other, CellRow) and self.texts == other.texts and self.looks == other.looks

    __hash__ = None  # type: ignore[assignment]

    def put(self, column: int, texts: Sequence[str], look: CellStyle) -> None:
        """Write over some cells."""
        missing = max(0, column - len(self.texts))
        self.texts += [""] * missing
        self.looks += [None] * missing
        self.texts[column : column + len(texts)] = texts
        self.looks[column : column + len(texts)] = [look] * len(texts)

    def odd(self) -> bool:
        """Whether terminals may differ in where its letters stand."""
        if max(map(len, self.texts), default=0) > 1:
            return True
        return "" in self.texts and any(
            not text and look is not None for text, look in zip(self.texts, self.looks, strict=True)
        )

    def has(self, column: int, text: str, look: CellStyle) -> bool:
        """Whether a cell shows this already."""
        return (
            column < len(self.texts)
            and text == self.texts[column]
            and looks_same(text, look, self.looks[column])
        )
