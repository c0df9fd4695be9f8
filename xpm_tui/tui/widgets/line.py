"""A line of cells: shown text with a look each, fitted to a width in terminal columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from xpm_tui.model.formatting import cells, cut, hanging_indent, rows
from xpm_tui.model.text import Shown, visible

Look = Literal["", "strong", "muted", "good", "warn", "bad", "match", "accent", "head"]
LOOKS: tuple[Look, ...] = ("strong", "muted", "good", "warn", "bad", "match", "accent", "head")


class Span(NamedTuple):
    """A piece of shown text and how it looks; meaning is always in the words too."""

    text: Shown
    look: Look = ""


Line = Sequence[Span]


def span(text: str, look: Look = "") -> Span:
    """Any text, made visible, as a span."""
    return Span(visible(text), look)


def ours(text: str, look: Look = "") -> Span:
    """A text of ours (never data) as a span, without a look at each letter."""
    return Span(Shown(text), look)


def width(line: Iterable[Span]) -> int:
    """Columns that a line takes."""
    return sum(cells(piece.text) for piece in line)


def fit(line: Line, columns: int, right: bool = False) -> list[Span]:
    """The line in exactly ``columns`` columns: cut with an ellipsis, or filled with blanks."""
    done: list[Span] = []
    left = columns
    for index, piece in enumerate(line):
        size = cells(piece.text)
        more = any(later.text for later in line[index + 1 :])
        if size > left or (size == left and more):
            shown = cut(piece.text, left) if size > left else cut(Shown(piece.text + " "), left)
            if shown:
                done.append(Span(shown, piece.look))
                left -= cells(shown)
            break
        done.append(piece)
        left -= size
    blank = Span(Shown(" " * max(0, left)))
    if not blank.text:
        return done
    return [blank, *done] if right else [*done, blank]


def wrap(line: Line, columns: int) -> list[list[Span]]:
    """The line in as many as it takes, broken at blanks, each at most ``columns`` wide; what goes on stands
    under the text, behind the mark or label of the first."""
    text = "".join(piece.text for piece in line)
    indent = Span(Shown(" " * hanging_indent(text, columns)))
    found = [_between(line, start, end) for start, end in rows(text, columns)]
    return [[indent, *row] if place and indent.text else row for place, row in enumerate(found)]


def _between(line: Line, start: int, end: int) -> list[Span]:
    """The pieces of a line from one letter to another."""
    found, at = [], 0
    for text, look in line:
        piece = text[max(0, start - at) : max(0, end - at)]
        if piece:
            found.append(Span(Shown(piece), look))
        at += len(text)
    return found


def marked(text: Shown, spans: Sequence[tuple[int, int]], look: Look = "") -> list[Span]:
    """The text with the given (start, end) stretches as matches: offsets, never markup."""
    pieces: list[Span] = []
    at = 0
    for start, end in sorted(spans):
        start, end = max(start, at), min(end, len(text))
        if start >= end:
            continue
        if start > at:
            pieces.append(Span(Shown(text[at:start]), look))
        pieces.append(Span(Shown(text[start:end]), "match"))
        at = end
    if at < len(text):
        pieces.append(Span(Shown(text[at:]), look))
    return pieces or [Span(text, look)]
