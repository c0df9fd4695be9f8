"""Times, counts, values and wrapped lines as users read them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from xpm_tui.domain import formatting
from xpm_tui.domain.safe_text import Shown, visible

NOW = datetime(2026, 5, 4, 9, 5, 7, tzinfo=UTC)
AUCKLAND = timezone(timedelta(hours=12))


def test_times_are_shown_in_the_zone_of_the_practice() -> None:
    assert formatting.when(NOW, UTC) == "4 May 2026, 09:05"
    assert formatting.when(NOW, AUCKLAND) == "4 May 2026, 21:05"
    assert formatting.when_short(NOW, UTC) == "4 May 09:05"
    assert formatting.clock(NOW, UTC) == "09:05:07"
    assert formatting.day(date(2026, 12, 31)) == "31 Dec 2026"


def test_without_a_time_the_text_is_empty_or_the_given_one() -> None:
    assert (formatting.when(None), formatting.when_short(None, none="never")) == ("", "never")
    assert formatting.day(None) == "–"
    assert formatting.clock(None) == " " * 8
    assert formatting.ago(None, NOW) == "never"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-5, "just now"), (59, "just now"), (60, "1 min ago"), (3_599, "59 min ago"), (3_600, "1 h ago"),
     (172_799, "47 h ago"), (172_800, "2 days ago"), (86_400 * 1_500, "1,500 days ago")],
)  # fmt: skip
def test_ago(seconds: int, shown: str) -> None:
    assert formatting.ago(NOW - timedelta(seconds=seconds), NOW) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 s"), (89, "89 s"), (180, "3 min"), (5_400, "1.5 h"), (5041 * 3600, "210 days"), (7_200, "2 h")],
)
def test_durations(seconds: float, shown: str) -> None:
    assert formatting.duration(seconds) == shown
    assert formatting.duration(seconds, about=True) == f"about {shown}"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(300, "5 minutes"), (3600, "1 hour"), (47.9 * 3600, "47 hours"), (48 * 3600, "2 days"),
     (5041 * 3600, "210 days")],
)  # fmt: skip
def test_time_spans_of_sentences(seconds: float, shown: str) -> None:
    assert formatting.time_span(seconds) == shown


@pytest.mark.parametrize(
    ("number", "noun", "shown"),
    [(0, "client", "0 clients"), (1, "client", "1 client"), (1_204, "client", "1,204 clients"),
     (3, "person/people", "3 people"), (2, "category", "2 categories"), (2, "match", "2 matches"),
     (2, "day", "2 days"), (2, "address", "2 addresses"), (1, "category", "1 category")],
)  # fmt: skip
def test_counts(number: int, noun: str, shown: str) -> None:
    assert formatting.count(number, noun) == shown


def test_none_at_the_start_of_a_sentence() -> None:
    assert formatting.count(0, "client", zero="No") == "No clients"
    assert formatting.count(1, "client", zero="No") == "1 client"


def test_verbs_agree() -> None:
    assert [formatting.plural(number, "waits/wait") for number in (0, 1, 2)] == ["wait", "waits", "wait"]


@pytest.mark.parametrize(
    ("of", "shown"),
    [(None, "–"), ("", "–"), ((), "–"), (True, "yes"), (False, "no"), (("a", "b"), "a, b"),
     ("1 Quay St\nAuckland", "1 Quay St ⏎ Auckland"), ("a\x1b[2Jb", "a␛[2Jb")],
)  # fmt: skip
def test_values(of: str | bool | tuple[str, ...] | None, shown: str) -> None:
    assert formatting.value(of) == shown


def test_the_text_of_an_empty_value_can_be_chosen() -> None:
    assert formatting.value(None, none="") == ""
    assert formatting.arrow(None, "new") == "– → new"


def test_scalars() -> None:
    shown = [formatting.scalar(each) for each in (True, 1_204, 0.5, 2.0, None, "x")]
    assert shown == ["yes", "1,204", "0.5", "2", "–", "x"]


def test_named_values_are_aligned_and_empty_ones_left_out() -> None:
    assert formatting.listing({"株": "1", "long": "2", "none": ""}) == ["株    1", "long  2"]


def test_sequences() -> None:
    found = [formatting.sequence("abcd"[:size]) for size in range(4)]
    assert found == ["", "a", "a and b", "a, b and c"]
    assert formatting.sequence("abcde", most=2) == "a, b and 3 more"
    assert formatting.sequence("ab", last="or") == "a or b"


@given(st.text(max_size=60), st.integers(min_value=-1, max_value=30))
def test_a_cut_text_fits_and_says_that_something_is_missing(text: str, width: int) -> None:
    shown = visible(text)
    short = formatting.cut(shown, width)
    assert formatting.cells(short) == cell_len(short) <= max(0, width)
    assert short == shown or width <= 0 or short.endswith("…")


@pytest.mark.parametrize(
    ("text", "width", "short"), [("株式会社", 5, "株式…"), ("plain", 5, "plain"), ("plain", 4, "pla…")]
)
def test_cuts(text: str, width: int, short: str) -> None:
    assert formatting.cut(Shown(text), width) == short


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
    assert formatting.hanging_indent(text, 76) == indent


@given(st.text(alphabet="ab 1.!:株é>", max_size=80), st.integers(min_value=4, max_value=40))
def test_no_row_is_too_wide_and_no_letter_is_lost(text: str, width: int) -> None:
    found = formatting.rows(text, width)
    indent = formatting.hanging_indent(text, width)
    for place, (start, end) in enumerate(found):
        assert cell_len(text[start:end]) <= width - (indent if place else 0)
    assert "".join(text[start:end] for start, end in found).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("width", range(36, 42))
def test_two_keys_stay_on_one_line(width: int) -> None:
    assert formatting.wrap("To link people one by one, use Team (g t).", width)[-1] == "(g t)."


def test_wrapped_lines_continue_under_their_text() -> None:
    assert formatting.wrap("1. Open the list of all staff", 16, indent="  ") == [
        "  1. Open the",
        "     list of all",
        "     staff",
    ]


def test_characters_that_no_font_has_are_made_visible() -> None:
    assert visible("a\ufffe\uffffb") == "a<U+FFFE><U+FFFF>b"


@pytest.mark.parametrize(
    ("one", "other"),
    [("Unit 12\n3 Hill", "Unit 12, 3 Hill"), ("Unit 12\n", "Unit 12"), ("a\n\nb", "a\nb"), ("A  b", "A b")],
)
def test_two_values_never_look_the_same(one: str, other: str) -> None:
    assert formatting.value(one) != formatting.value(other)


def test_two_long_values_are_cut_so_that_their_difference_is_shown() -> None:
    start = "Harbour View Residential Property Development Partnership No 2 of "
    assert formatting.both("a", "b", 60) == ("a", "b")
    assert formatting.both(f"{start}1", f"{start}2", 60) == ("…ership No 2 of 1", "…ership No 2 of 2")
    assert formatting.both("", "x" * 70, 60) == ("–", f"{'x' * 60}…")
    assert len({*formatting.both("x" * 900, "x" * 300, 60)}) == 2
