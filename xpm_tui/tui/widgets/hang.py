"""Where a line breaks, and how far in it goes on: under the text, not under its mark or label."""

from __future__ import annotations

import re

from rich.cells import cell_len, set_cell_size

_WORDS = re.compile(r"\s*\S+\s*|\s+")

_BEFORE = re.compile(
    r"\s*"
    r"(?:(?:\d{1,3}[.)]|[^\w\s\"'“‘(\[{<]{1,2})\s+(?=\S))?"  # 1. or a mark: ! → ■ •
    r"(?:(?:\w[\w-]*(?: [\w-]+){0,2}: +|\S+(?: \S+){0,3} {2,})(?=\S))?"  # a label, by colon or in a column
)

LABEL = 20
"""Columns of a label at most: what is longer is text of its own."""


def hang(text: str, columns: int) -> int:
    """Columns before a line's text: blanks, a mark or number, a label; none that take over two fifths."""
    found = _BEFORE.match(text)
    before = cell_len(found[0]) if found is not None else 0
    if before <= min(LABEL, columns * 2 // 5):
        return before
    blanks = cell_len(text) - cell_len(text.lstrip())
    return blanks if blanks <= columns * 2 // 5 else 0


def rows(text: str, columns: int) -> list[tuple[int, int]]:
    """Start and end in ``text`` of each row, broken at blanks; all but the first are narrower by ``hang``."""
    if columns <= 0:
        return []
    found: list[tuple[int, int]] = []
    inner = columns - hang(text, columns)
    room, start, used = columns, 0, 0
    for match in _WORDS.finditer(text):
        word, at = match[0], match.start()
        if used and used + cell_len(word.rstrip()) > room:
            found.append((start, start + len(text[start:at].rstrip())))
            start = at + len(word) - len(word.lstrip())
            word, room, used = text[start : match.end()], inner, 0
        while not used and cell_len(word.rstrip()) > room:
            part = set_cell_size(word, room).rstrip() or word[:1]
            found.append((start, start + len(part)))
            start, word, room = start + len(part), word[len(part) :], inner
        used += cell_len(word)
    found.append((start, start + len(text[start:].rstrip()) if used > room else len(text)))
    return found
