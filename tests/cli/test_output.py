"""Output on stdout: JSON without escape sequences, and tables that fit the terminal."""

from __future__ import annotations

import json

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.profile import count
from xpm_tui.cli.json_answers import _escaped, dumps
from xpm_tui.cli.output import lines, outcome
from xpm_tui.commands.command import Result, TextColumn, TextTable
from xpm_tui.commands.tables import render
from xpm_tui.diagnostics.error_presenter import present
from xpm_tui.domain.errors import BadInput, CaseId, DecisionNeeded
from xpm_tui.domain.formatting import cells, cut
from xpm_tui.domain.safe_text import Shown

HOSTILE = (
    "ACME [/] Pty",
    "[@click=app.quit]Click[/]",
    "red \x1b[31mred",
    "bidi \u202eevil\u202c",
    "c1 \x9b31m",
    "del \x7f",
    "zero\u200bwidth",
    "two\nlines",
    "Tāmaki Rōpū",
    "株式会社さくら",
    "party 🌸",
    "lone \ud800 half",
)


@given(st.text())
def test_json_is_ascii_without_controls_and_true(text: str) -> None:
    line = dumps({"name": text})
    assert all(" " <= char <= "~" for char in line)
    assert json.loads(line) == {"name": text}


def test_hostile_names_come_through_json_whole() -> None:
    assert json.loads(dumps(HOSTILE)) == list(HOSTILE)


@given(st.lists(st.tuples(st.text(max_size=60), st.text(max_size=60), st.integers(0, 10**9)), max_size=8))
def test_a_table_fits_and_has_no_control(rows: list[tuple[str, str, int]]) -> None:
    table = TextTable(
        (TextColumn("ID", whole=True), TextColumn("NAME"), TextColumn("N", right=True)),
        [("c12", f"{a}{b}", str(n)) for a, b, n in rows],
        "Nothing here.",
    )
    shown = list(render(table, 80))
    assert len(shown) == max(1, len(rows) + bool(rows))
    for line in shown:
        assert cells(line) <= 80
        assert not any(ord(char) < 32 or 0x7F <= ord(char) <= 0x9F for char in line)


def test_whole_columns_are_never_cut() -> None:
    uuid = "0d6f9e0e-6c7b-4f3b-9b0a-3f1f0c1d2e3f"
    table = TextTable(
        (TextColumn("UUID", whole=True), TextColumn("NAME"), TextColumn("WHY")), [(uuid, "n" * 90, "w" * 90)]
    )
    head, row = render(table, 80)
    assert uuid in row
    assert cells(row) <= 80
    assert "…" in row
    assert head.startswith("UUID")


def test_wide_characters_count_twice() -> None:
    assert cells("株式") == 4
    assert cut(Shown("株式会社"), 5) == "株式…"
    assert cut(Shown("plain"), 5) == "plain"
    assert cells("Ta\u0304maki") == 6


def test_an_empty_table_says_so() -> None:
    assert list(render(TextTable((TextColumn("A"),), [], "No runs yet."), 80)) == ["No runs yet."]


def test_the_outcome_has_ok_items_and_error() -> None:
    assert outcome(Result(data={"count": 1}, items=[{"id": "c1"}])) == {
        "ok": True,
        "count": 1,
        "items": [{"id": "c1"}],
    }
    held = outcome(
        Result(data={"id": "r1", "error": "its own word"}, error=DecisionNeeded("Held.", hint="Look."))
    )
    assert (held["ok"], held["id"]) == (False, "r1")
    assert (held["error"]["code"], held["error"]["message"], held["error"]["hint"]) == (
        "held",
        "Held.",
        "Look.",
    )


def test_an_error_names_its_case() -> None:
    reported = present(BadInput("No.", case=CaseId.STATE_MISMATCH)).data()
    assert (reported["code"], reported["message"], reported["hint"]) == ("bad-input", "No.", "")
    assert reported["case"] == "state-mismatch"
    assert reported["case_title"]
    assert reported["steps"]
    assert "case" not in present(BadInput("No.")).data()
    assert "case" not in present(DecisionNeeded("Held.")).data(), (
        "only a held run or record names that problem"
    )


def test_lines_are_shown_through_the_door() -> None:
    for name in HOSTILE:
        for line in lines(Result(lines=[name])):
            assert not any(char in line for char in "\x1b\x9b\x7f\u202e\u200b")


def test_a_line_feed_in_a_name_starts_no_line() -> None:
    assert [*lines(Result(lines=["c1  Acme\nc2  Other"]))] == ["c1  Acme⏎c2  Other"]


@settings(max_examples=count(50, 500))
@given(st.text())
@example('Ōtaki \x7f\x1b[2J 🌸 \u2028 "quoted" \\u00e9')
def test_rows_are_ascii_and_say_the_same(text: str) -> None:
    row = _escaped(msgspec.json.encode({"name": text}))
    assert row.isascii()
    assert b"\x7f" not in row
    assert json.loads(row) == {"name": text}


def test_each_line_of_a_hint_is_indented() -> None:
    text = present(BadInput("It failed.", hint="First this.\nThen that.")).text()
    assert text.splitlines() == ["It failed.", "  First this.", "  Then that."]
