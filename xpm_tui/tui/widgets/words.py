"""Spans as content for a stock widget: the same looks outside of rows, by theme variables."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from xpm_tui.tui.widgets.line import Line, Look

STYLES: dict[Look, str] = {
    "": "",
    "strong": "bold",
    "muted": "$muted",
    "good": "$success",
    "warn": "$warning",
    "bad": "bold $error",
    "match": "bold underline",
    "accent": "$accent",
    "head": "bold $primary",
}


def words(line: Line) -> Content:
    """One line."""
    return Content("").join(
        Content.styled(piece.text, STYLES[piece.look]) if piece.look else Content(piece.text)
        for piece in line
    )


def lines(many: Sequence[Line]) -> Content:
    """Several lines."""
    return Content("\n").join(words(line) for line in many)
