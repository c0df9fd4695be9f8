"""Wrapped lines are indented to the start of their text."""

from __future__ import annotations

from textual.content import Content

from xpm_tui.tui.widgets.cells import fixed, wrap
from xpm_tui.tui.widgets.text import wrapped_lines


def test_a_step_goes_on_under_its_text() -> None:
    text = "1. Practice settings > Staff > the person > Permissions > Advanced > Connect third-party add-ons"
    shown = wrapped_lines(Content(f"New screens:\n{text}"), 40).plain.splitlines()
    assert shown[0] == "New screens:"
    assert shown[1].startswith("1. Practice")
    assert len(shown) > 3
    assert all(line.startswith("   ") and line[3] != " " for line in shown[2:])


def test_looks_stay_with_their_words() -> None:
    found = wrap([fixed("! ", "bad"), fixed("one two "), fixed("three", "strong")], 10)
    assert [[(piece.text, piece.look) for piece in row] for row in found] == [
        [("! ", "bad"), ("one two", "")],
        [("  ", ""), ("three", "strong")],
    ]
