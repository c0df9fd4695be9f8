"""What a terminal shows, from the bytes that it was sent: as much of ECMA-48 as the console uses."""

from __future__ import annotations

import re
import unicodedata

_PIECES = re.compile(
    r"\x1b\[(?P<csi>[0-9;?<>=]*)(?P<end>[ -/]*[@-~])"
    r"|\x1b\].*?(?:\x07|\x1b\\)|\x1b[PX^_].*?\x1b\\|\x1b(?![\[\]PX^_])[ -/]*[0-~]"
    r"|(?P<text>[^\x1b])",
    re.DOTALL,
)


class Screen:
    """A grid of cells. ``feed`` takes text as it comes; a sequence that is cut in two waits for its rest."""

    def __init__(self, columns: int = 80, lines: int = 24) -> None:
        self.columns, self.lines = columns, lines
        self._rows = [[" "] * columns for _ in range(lines)]
        self._at = (0, 0)
        self._rest, self._last = "", " "

    @property
    def text(self) -> str:
        """The lines as a person reads them."""
        return "\n".join("".join(row).rstrip() for row in self._rows)

    def feed(self, text: str) -> None:
        """Take what was written."""
        text, end = self._rest + text, 0
        for match in _PIECES.finditer(text):
            if match.start() != end:
                break
            end = match.end()
            if match["text"]:
                self._put(match["text"])
            elif match["end"]:
                self._do(match["end"], match["csi"])
        self._rest = text[end:]

    def _put(self, char: str) -> None:
        row, column = self._at
        if char == "\r":
            self._at = (row, 0)
        elif char == "\n":
            self._at = (min(row + 1, self.lines - 1), column)
        elif char == "\b":
            self._at = (row, max(0, column - 1))
        elif char >= " " and row < self.lines and column < self.columns:
            wide = unicodedata.east_asian_width(char) in "WF"
            if unicodedata.combining(char):
                return
            self._rows[row][column] = self._last = char
            if wide and column + 1 < self.columns:
                self._rows[row][column + 1] = ""
            self._at = (row, column + 1 + wide)

    def _do(self, end: str, given: str) -> None:
        if given.startswith(("?", ">", "<", "=")):
            return
        numbers = [int(part or 0) for part in given.split(";")] if given else []
        first = numbers[0] if numbers else 0
        row, column = self._at
        if end in "Hf":
            self._at = (max(1, first) - 1, max(1, numbers[1] if len(numbers) > 1 else 1) - 1)
        elif end in "ABCD":
            by = max(1, first)
            down, right = {"A": (-by, 0), "B": (by, 0), "C": (0, by), "D": (0, -by)}[end]
            self._at = (min(max(0, row + down), self.lines - 1), min(max(0, column + right), self.columns))
        elif end == "b":
            for _ in range(max(1, first)):
                self._put(self._last)
        elif end == "G":
            self._at = (row, max(1, first) - 1)
        elif end == "d":
            self._at = (max(1, first) - 1, column)
        elif end == "J" and first in (2, 3):
            self._rows = [[" "] * self.columns for _ in range(self.lines)]
        elif end == "K" and row < self.lines:
            start, stop = {0: (column, self.columns), 1: (0, column + 1), 2: (0, self.columns)}[first]
            self._rows[row][start:stop] = [" "] * (stop - start)
        elif end == "X" and row < self.lines:
            stop = min(self.columns, column + max(1, first))
            self._rows[row][column:stop] = [" "] * (stop - column)
