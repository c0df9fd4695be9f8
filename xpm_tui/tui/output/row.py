"""One line of a terminal, cell by cell."""

from __future__ import annotations

from collections.abc import Sequence

from xpm_tui.tui.output.looks import Look


def alike(text: str, look: Look, other: Look | None) -> bool:
    """Whether this text is the same to see in both looks: a blank shows no ink."""
    if look == other or other is None:
        return look == other
    return text == " " and look[1:] == other[1:] and not look.extras


class Row:
    """One line: what stands in each cell, and how. An unknown cell has no look; one that is covered by a wide
    letter has a look and no text."""

    __slots__ = ("looks", "texts")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.looks: list[Look | None] = []

    def __eq__(self, other: object) -> bool:
        """The same cells."""
        return isinstance(other, Row) and self.texts == other.texts and self.looks == other.looks

    __hash__ = None  # type: ignore[assignment]

    def put(self, column: int, texts: Sequence[str], look: Look) -> None:
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

    def has(self, column: int, text: str, look: Look) -> bool:
        """Whether a cell shows this already."""
        return (
            column < len(self.texts) and text == self.texts[column] and alike(text, look, self.looks[column])
        )
