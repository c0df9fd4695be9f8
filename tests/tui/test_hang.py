"""Lines that go on stand under their text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.content import Content

from xpm_tui.tui.widgets.hang import hang, rows
from xpm_tui.tui.widgets.line import ours, wrap
from xpm_tui.tui.widgets.prose import laid


@pytest.mark.parametrize(
    ("text", "indent"),
    [
        ("1. Open Practice settings > Staff", 3),
        ("  12. Save", 6),
        ("! Ana Reid, who connected this practice, is gone.", 2),
        (" → Some jobs failed", 3),
        (" why          Both sides were edited", 14),
        ("mirror    250 clients · 2 h ago", 10),
        ("Do: connect again", 4),
        ("    Case T6: Xero no longer accepts the login", 13),
        ("Nothing waits for you, and nothing is to be done", 0),
        ("“name” is needed.", 0),
        ("(any) of these", 0),
        ("  only indented", 2),
        ("A very long label that is no label at all: text", 0),
        ("https://login.xero.com/identity/connect/authorize", 0),
    ],
)
def test_what_stands_before_the_text(text: str, indent: int) -> None:
    assert hang(text, 76) == indent


def test_a_step_goes_on_under_its_text() -> None:
    text = "1. Practice settings > Staff > the person > Permissions > Advanced > Connect third-party add-ons"
    shown = laid(Content(f"New screens:\n{text}"), 40).plain.splitlines()
    assert shown[0] == "New screens:"
    assert shown[1].startswith("1. Practice")
    assert len(shown) > 3
    assert all(line.startswith("   ") and line[3] != " " for line in shown[2:])


def test_looks_stay_with_their_words() -> None:
    found = wrap([ours("! ", "bad"), ours("one two "), ours("three", "strong")], 10)
    assert [[(piece.text, piece.look) for piece in row] for row in found] == [
        [("! ", "bad"), ("one two", "")],
        [("  ", ""), ("three", "strong")],
    ]


@given(st.text(alphabet="ab 1.!:株é>", max_size=80), st.integers(min_value=4, max_value=40))
def test_no_row_is_too_wide_and_no_letter_is_lost(text: str, columns: int) -> None:
    found = rows(text, columns)
    indent = hang(text, columns)
    for place, (start, end) in enumerate(found):
        assert cell_len(text[start:end]) <= columns - (indent if place else 0)
    assert "".join(text[start:end] for start, end in found).replace(" ", "") == text.replace(" ", "")
