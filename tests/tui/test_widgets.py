"""Widgets by themselves: lines, tables, the buffer of the log, the rows of a plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult

from tests.support.profile import count
from tests.tui.fixtures import ConsoleFixture, calm
from xpm_tui.application.clients.links import preview_link
from xpm_tui.application.presenters.views import ChangeView, ClientView, ProposalView, RefView, XpmClientView
from xpm_tui.application.runs.consequences import RunForecast
from xpm_tui.application.runs.xpm_refresh import refresh
from xpm_tui.domain import formatting
from xpm_tui.domain.events import Severity
from xpm_tui.domain.formatting import cut
from xpm_tui.domain.runs import Run
from xpm_tui.domain.safe_text import Shown, visible
from xpm_tui.tui.app_protocol import AppProtocol
from xpm_tui.tui.dialogs.screen_dialogue import ScreenDialogue
from xpm_tui.tui.plan_rows import PlanOutline
from xpm_tui.tui.screens.picker import start_row
from xpm_tui.tui.widgets.cells import (
    ARROW,
    Span,
    becomes,
    content,
    cut_apart,
    distinguish,
    fit,
    fit_names,
    fixed,
    marked,
    named,
    show,
    span,
    width,
)
from xpm_tui.tui.widgets.effect_rows import effect_rows
from xpm_tui.tui.widgets.log_pane import FOLLOWING, LogBuffer, LogLine, LogPane, short_line
from xpm_tui.tui.widgets.plan_tree import PlanTree, kind_of
from xpm_tui.tui.widgets.rows import Rows
from xpm_tui.tui.widgets.run_log import run_lines, stop_lines
from xpm_tui.tui.widgets.search_hits import LinkProposalRows, SearchHits, best_first
from xpm_tui.tui.widgets.table import Table, TableColumn, TableRows, widths
from xpm_tui.tui.widgets.text import TextLabel

TEXT = st.text(max_size=60)


@given(TEXT, st.integers(0, 40))
def test_a_cut_text_is_never_too_wide(text: str, columns: int) -> None:
    assert cell_len(cut(visible(text), columns)) <= columns


@given(st.lists(TEXT, max_size=5), st.integers(1, 60), st.booleans())
def test_a_fitted_line_has_exactly_its_width(texts: list[str], columns: int, right: bool) -> None:
    line = fit([Span(visible(text)) for text in texts], columns, right)
    assert width(line) == columns


@given(TEXT, st.lists(st.tuples(st.integers(0, 70), st.integers(0, 70)), max_size=5))
def test_marking_loses_no_letter(text: str, spans: list[tuple[int, int]]) -> None:
    shown = visible(text)
    assert "".join(piece.text for piece in marked(shown, spans)) == shown


@given(TEXT)
def test_content_says_the_text_and_nothing_else(text: str) -> None:
    assert content(visible(text)).plain == visible(text)
    assert show(text).spans == []


@given(st.integers(1, 200))
def test_columns_fit_and_the_first_one_stays(room: int) -> None:
    columns = (
        TableColumn("A", 20, grow=2),
        TableColumn("B", 10, drop=1),
        TableColumn("C", 8, drop=2),
        TableColumn("D", 6),
    )
    sizes = widths(columns, room)
    kept = [size for size in sizes if size]
    assert sum(kept) + 2 * (len(kept) - 1) <= room
    assert sizes[0] > 0


def line(number: int, level: Severity = "info", text: str = "") -> LogLine:
    return LogLine(
        datetime(2026, 5, 4, 9, 0, tzinfo=UTC), level, Shown(text or f"line {number}"), id=str(number)
    )


@pytest.mark.parametrize("number", ["1", "14070107", "CLI-000000000123"])
@pytest.mark.parametrize("columns", [58, 78, 118])
def test_an_id_is_never_cut(number: str, columns: int) -> None:
    heads = (TableColumn("Client", 24, grow=1), TableColumn("XPM no.", 8, whole=True))
    rows = TableRows[str](heads, lambda name: [[Span(visible(name))], [Span(visible(number))]])
    rows.items = ["Grace Mitchell Adelaide Irrigation Trust No 2 " * 3]
    line = rows.draw(0, 0, columns)
    assert width(line) <= columns
    assert "".join(piece.text for piece in line).rstrip().endswith(f" {number}")
    hits = SearchHits()
    hits.items = [
        XpmClientView(
            id="u", uuid="u", name="A" * 90, number=number, archived=False, prospect=False, deleted=False
        )
    ]
    assert f" {number}" in "".join(piece.text for piece in hits.draw(0, 0, columns))


@pytest.mark.parametrize("columns", [67, 80, 90])
def test_a_log_line_cuts_the_name_and_drops_the_reason_before_it_cuts_a_value(columns: int) -> None:
    text = "Henare Removals Holdings Pty Ltd: postal city updated in Ignition: – → Wellington (it was empty)"
    shown = short_line(Shown(text), columns)
    assert shown.startswith("Henare Remov")
    assert shown.endswith("– → Wellington")
    assert cell_len(shown) <= columns
    assert short_line(Shown(text), 120) == text
    assert short_line(Shown(text.replace("→", "and")), 20) == text.replace("→", "and"), "no values"


def test_the_ring_keeps_the_newest_and_counts_the_rest() -> None:
    ring = LogBuffer(100)
    ring.add(line(n) for n in range(350))
    assert ring.held <= 100
    assert ring.held + ring.dropped == 350
    assert ring.shown[-1].id == "349"


@given(st.lists(st.tuples(st.sampled_from(["debug", "info", "warning", "error"]), TEXT), max_size=80))
def test_a_filter_shows_just_what_it_lets_through(entries: list[tuple[Severity, str]]) -> None:
    ring = LogBuffer(40)
    for number, (level, text) in enumerate(entries):
        ring.add([line(number, level, visible(text) or "x")])
    kept = ring.held
    ring.filter("warning", "a")
    assert all(found.level in ("warning", "error") and "a" in found.text.casefold() for found in ring.shown)
    ring.filter("debug", "")
    assert len(ring) == kept


PIECE = st.text("ab x", max_size=24)


@settings(max_examples=count(25, 400, 2000))
@given(PIECE, PIECE, PIECE, PIECE, st.integers(20, 70))
def test_two_values_never_look_the_same(start: str, one: str, other: str, end: str, room: int) -> None:
    old, new = visible(f"{start}{one}{end}").strip() or "–", visible(f"{start}{other}{end}").strip() or "–"
    reported = becomes(Shown(old), Shown(new), room)
    before, _, after = "".join(piece.text for piece in reported).partition(ARROW)
    assert (before == after) is (old == new)
    assert width(reported) <= room


@settings(max_examples=count(25, 400, 2000))
@given(PIECE, st.lists(PIECE, min_size=2, max_size=4, unique=True), PIECE, st.integers(12, 40))
@example("a" * 18, ["aa", "aa a"], "  aaa", 24)
def test_different_texts_are_never_cut_to_the_same(start: str, parts: list[str], end: str, room: int) -> None:
    whole = [Shown(f"{start}{part}{end}") for part in parts]
    shown = [cut_apart(text, whole, room) for text in whole[:2]]
    assert all(cell_len(text) <= room for text in shown)
    if whole[0].split() != whole[1].split() and len(whole) == 2:
        assert shown[0].split() != shown[1].split()


LONG = "The Trustee for the Grace Mitchell Adelaide Holdings Family Trust No "
STREET = "Level 12, Tower Two, 345 Saint Georges Terrace, Building "


def plan(names: Sequence[str], values: Sequence[str]) -> Rows:
    tree = PlanOutline()
    tree.set_changes(
        [
            msgspec.structs.replace(
                change("c1", "address", "fill"), name=name, old_shown=None, new_shown=value
            )
            for name, value in zip(names, values, strict=True)
        ]
    )  # fmt: skip
    tree.toggle(tree.groups[0].key)
    return PlanTree(tree)


def hits(*names: str) -> Rows:
    found = SearchHits()
    found.items = [
        XpmClientView(
            id=name, uuid=name, number="14070001", name=name, archived=False, prospect=False, deleted=False
        )
        for name in names
    ]
    return found


def link_proposals(*names: str) -> Rows:
    found = LinkProposalRows()
    found.items = [
        ProposalView(uuid=name, number="1", name=name, score=80, sure=False, level="likely", reasons=())
        for name in names
    ]
    return found


def test_a_line_is_shortened_in_its_longest_name_and_keeps_its_id() -> None:
    def shown(columns: int) -> str:
        return "".join(
            piece.text for piece in fit_names([fixed("Harbour View Partners"), fixed("  c12")], columns)
        )

    assert shown(26) == "Harbour View Partners  c12"
    assert shown(20) == "Harbou…Partners  c12"
    assert all(cell_len(shown(columns)) <= columns for columns in range(1, 30))


@pytest.mark.parametrize(
    ("made", "first"),
    [(lambda: plan([LONG + "1", LONG + "2"], ["A", "A"]), 1),
     (lambda: plan(["Hill", "Hill"], [STREET + "A", STREET + "B"]), 1),
     (lambda: hits(LONG + "1", LONG + "2"), 0), (lambda: link_proposals(LONG + "1", LONG + "2"), 0)],
    ids=["plan-names", "plan-values", "picker", "review"],
)  # fmt: skip
def test_no_two_rows_at_80_columns_show_different_texts_as_the_same(
    made: Callable[[], Rows], first: int
) -> None:
    """Everything else in the two rows, such as their ids, is the same."""
    rows = made()
    one, other = ("".join(piece.text for piece in rows.draw(row, 0, 76)) for row in (first, first + 1))
    assert one != other
    assert cell_len(one) == cell_len(other) <= 76


def test_the_common_start_is_left_out_and_the_difference_marked() -> None:
    name = "Grace Mitchell Adelaide Bookkeeping Pty Ltd"
    reported = becomes(Shown(name), Shown(f"{name} (renamed)"), 39)
    assert "".join(piece.text for piece in reported) == "…Pty Ltd → …Pty Ltd (renamed)"
    assert [piece.text for piece in reported if piece.look == "match"] == [" (renamed)"]
    assert "".join(piece.text for piece in named(Shown(name), Shown("c1047"), 20)) == "Grace Mitche…  c1047"


class PaneApp(App[None]):
    """An app with nothing but a log pane."""

    CSS = "LogPane .whole { height: 2; }"

    def __init__(self) -> None:
        super().__init__()
        self.pane = LogPane(most=1000)

    def compose(self) -> ComposeResult:
        yield self.pane


def under_cursor(pane: LogPane) -> str:
    """Return the id of the line under the cursor; empty if there is none."""
    return pane.line.id if pane.line else ""


def following(pane: LogPane) -> bool:
    """Return whether the newest line is followed."""
    return pane.following


def shown_whole(pane: LogPane) -> bool:
    """Return whether the line under the cursor is shown again below the list."""
    return pane.query_one(".whole", TextLabel)._text.plain != FOLLOWING


async def test_the_tail_is_a_state() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 20)) as pilot:
        app.pane.rows.focus()
        await calm(pilot)
        app.pane.feed(line(n) for n in range(50))
        app.pane.flush()
        await calm(pilot)
        assert under_cursor(app.pane) == "49"
        await pilot.press("up", "up")
        await calm(pilot)
        assert app.pane.buffer.shown
        assert not following(app.pane)
        app.pane.feed(line(n) for n in range(50, 60))
        app.pane.flush()
        await calm(pilot)
        assert under_cursor(app.pane) == "47", "new lines do not move somebody who reads"
        assert "10 new" in str(app.pane.rows.border_subtitle)
        await pilot.press("end")
        await calm(pilot)
        assert following(app.pane)
        assert under_cursor(app.pane) == "59"
        assert "new:" not in str(app.pane.rows.border_subtitle)


async def test_pause_holds_and_level_filters() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 20)) as pilot:
        app.pane.rows.focus()
        await calm(pilot)
        app.pane.feed([line(1), line(2, "warning"), line(3, "debug")])
        app.pane.flush()
        await pilot.press("space")
        await calm(pilot)
        app.pane.feed([line(4)])
        app.pane.flush()
        assert len(app.pane.buffer) == 2, "debug is below the level, the fourth waits"
        await pilot.press("space")
        await calm(pilot)
        assert len(app.pane.buffer) == 3
        await pilot.press("l")
        await calm(pilot)
        assert [entry.id for entry in app.pane.buffer.shown] == ["2"]


async def test_a_line_that_is_cut_is_reported_whole_under_the_log() -> None:
    app = PaneApp()
    async with app.run_test(size=(60, 20)) as pilot:
        long = "XPM answered that the name is taken already, so client c12 was left as it was before"
        app.pane.feed([line(1), line(2, "warning", long), line(3)])
        await calm(pilot)
        app.pane.rows.focus()
        await calm(pilot)
        assert not shown_whole(app.pane), "the newest line is followed"
        await pilot.press("up")
        await calm(pilot)
        assert shown_whole(app.pane)
        shown = "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())
        assert "! XPM answered that the name is taken already, so client" in shown
        assert "client c12\n  was left as it was before" in shown, "it goes on under its text"
        await pilot.press("up")
        await calm(pilot)
        assert shown_whole(app.pane), "a short one, too: its place is always the same"


class TableApp(App[None]):
    """An app with a table of many items; ``drawn`` counts the rows that were drawn."""

    def __init__(self, many: int) -> None:
        super().__init__()
        self.many = many
        self.drawn = 0
        self.table: Table[int] = Table(
            (TableColumn("N", 8), TableColumn("NAME", 20, grow=1)), self._cells, str
        )

    def _cells(self, item: int) -> list[list[Span]]:
        self.drawn += 1
        return [[fixed(str(item))], [fixed(f"Name {item}")]]

    def compose(self) -> ComposeResult:
        yield self.table


async def test_only_rows_in_sight_are_made() -> None:
    app = TableApp(count(900, 50_000))
    async with app.run_test(size=(80, 24)) as pilot:
        app.table.show(range(app.many))
        await calm(pilot)
        first = app.drawn
        assert first <= 24 * 4, "a few paints of one screen, however many items there are"
        app.table.rows.focus()
        await calm(pilot)
        await pilot.press("end")
        await calm(pilot)
        assert app.table.item == app.many - 1
        assert app.drawn <= first + 24 * 4


async def test_a_list_is_sorted_by_key_and_by_click_and_the_cursor_stays_on_its_item() -> None:
    app = TableApp(12)
    async with app.run_test(size=(80, 24)) as pilot:
        table = app.table
        table.show(range(12))
        table.rows.cursor = 3
        for by, first in ((1, 0), (1, 11), (-1, 0), (-1, 0)):
            table.sort_next(by)
            assert table.rows.items[0] == first
            assert table.item == 3
        for sign, first in (("↑", 0), ("↓", 11), ("", 0)):
            await pilot.click(table, offset=(14, 0))
            assert table._heads._text.plain.split("NAME")[1].strip() == sign, "the second column"
            assert table.rows.items[0] == first
        table.sort_next(-1)
        table.extend([40])
        assert table.rows.items[0] == 40, "what comes later is sorted in"


@pytest.mark.parametrize("room", [4, 8, 12, 16, 30])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Grace Mitchell Adelaide Holdings", "Grace Mitchell Adelaide Holdings (renamed)"),
        ("12 Elizabeth Street, Hobart", "12 Elizabeth Street, Hobbart"),
        ("a", "b"),
        ("", "x"),
    ],
)
def test_two_values_are_never_the_same_text(one: str, other: str, room: int) -> None:
    left, right = (distinguish(visible(a), visible(b), room) for a, b in ((one, other), (other, one)))
    assert [piece.text for piece in fit(left, room)] != [piece.text for piece in fit(right, room)]
    assert width(fit(left, room)) == width(fit(right, room)) == room


def change(record: str, field: str, rule: str, ticked: bool = True) -> ChangeView:
    return ChangeView(
        record=record, name=f"Name of {record}", field=field, side="ignition", old="a", new="b", rule=rule,
        mark="first" if rule == "first" else "", old_shown="a", new_shown="b", conflict=False, ticked=ticked,
    )  # fmt: skip


def test_groups_count_and_open() -> None:
    tree = PlanOutline()
    tree.set_changes(
        [
            change("c1", "phone", "fill"), change("c2", "phone", "fill", ticked=False),
            change("c1", "phone", "first"), change("c1", "link", "exact-name"),
            change("c2/k1", "contact_email", "fill"),
        ]
    )  # fmt: skip
    assert [group.key for group in tree.groups] == [
        "exact-name:link", "first:phone", "fill:phone", "fill:contact_email",
    ]  # fmt: skip
    phone = tree.groups[2]
    assert (phone.tick, phone.records, len(phone.changes)) == ("some", 2, 2)
    assert len(tree.rows) == 4
    tree.toggle("fill:phone")
    assert len(tree.rows) == 6
    tree.group_by("client")
    assert [group.record for group in tree.groups] == ["c1", "c2"]
    assert {change.record for change in tree.groups[1].changes} == {"c2", "c2/k1"}
    tree.ids = {"c2": "CLI-2", "c2/k1": "CLI-2 Jo Tane"}
    assert [tree.id_of("c2/k1"), tree.contact_of("c2/k1"), tree.contact_of("c2")] == [
        "CLI-2 Jo Tane", "Jo Tane", "",
    ]  # fmt: skip


def drawn(lines: Sequence[Sequence[Span]]) -> str:
    return "\n".join("".join(piece.text for piece in line) for line in lines)


def test_the_head_of_a_group_speaks_for_all_its_changes() -> None:
    added = [
        msgspec.structs.replace(change(f"c{n}/k{n}", "contact", "contact"), side="xpm", old_shown=None)
        for n in (1, 2)
    ]
    kept = change("c3/k3", "contact", "contact")
    outline = PlanOutline()
    tree = PlanTree(outline)
    for changes, words in (
        (added, "It cannot be undone."),
        ([*added, kept], "2 of 3 cannot be undone."),
        ([kept], "It can be undone."),
    ):
        outline.set_changes(changes)
        assert drawn(tree.whole(76)).endswith(words)
    first = msgspec.structs.replace(added[0], ticked=False)
    outline.set_changes([first, added[1]])
    assert "Not ticked" not in drawn(tree.whole(76)), "space would untick the other one"


@pytest.mark.parametrize("blank", [None, "", ()])
def test_a_change_of_a_blank_value_fills_it_in(blank: Any) -> None:
    view = msgspec.structs.replace(change("c1", "phone", "fill"), old=blank, old_shown=blank)
    assert drawn([kind_of(view)]) == "fills in"
    assert drawn([kind_of(change("c1", "phone", "update"))]) == "updates"


def test_a_plan_by_client_keeps_the_ids_and_says_the_name_and_the_contact_in_full() -> None:
    long = "Very Long Name and Partners and Partners and Partners and Partners and Partners and Partners"
    changes = [
        msgspec.structs.replace(change(f"c{n}/k{n}", "contact_phone", "update"), name=long, contact="Ann Lee")
        for n in (1, 2)
    ]
    outline = PlanOutline()
    outline.set_changes(changes)
    outline.group_by("client")
    tree = PlanTree(outline)
    heads = [drawn([tree.draw(place, 0, 60)]) for place in range(2)]
    assert ["  c1 " in heads[0], "  c2 " in heads[1]] == [True, True]
    assert "  c1" in drawn([tree.title(50)])
    assert long in " ".join(drawn(tree.whole(60)).split())
    outline.toggle(outline.groups[0].key)
    tree.cursor = 1
    assert "Contact          Ann Lee" in drawn(tree.whole(60))


def test_only_a_line_feed_starts_a_line_of_a_question() -> None:
    dialogue = ScreenDialogue(cast("AppProtocol", None))
    names = [f"Control Next{mark}line" for mark in "\x85\u2028\u2029\x0b\x0c\x1c"]
    assert dialogue._title_and_lines("Link 6 clients?", names) == ("Link 6 clients?", names)


def test_the_cursor_of_the_picker_never_starts_on_what_is_linked() -> None:
    def hit(n: int, *linked: str) -> XpmClientView:
        refs = tuple(RefView(id=each, name="John Smith") for each in linked)
        return XpmClientView(
            id=f"u{n}", uuid=f"u{n}", number=f"{n}", name="John Smith", archived=False, prospect=False,
            deleted=False, linked=refs,
        )  # fmt: skip

    views = [hit(1, "c4"), hit(2, "c5"), hit(3), hit(4)]
    assert start_row(views, None) == 2
    assert start_row(views, hit(9)) == 2, "what is gone from the hits says nothing"
    assert start_row(views, hit(4)) == 3
    assert start_row(views[:2], None) == 0


def test_of_namesakes_the_one_that_agrees_comes_first() -> None:
    def hit(n: int, why: str, name: str = "John Smith", **values: Any) -> XpmClientView:
        return XpmClientView(
            id=f"u{n}", uuid=f"u{n}", number=f"{n}", name=name, archived=False, prospect=False, deleted=False,
            linked=(), why=why, **values,
        )  # fmt: skip

    nothing: Any = dict.fromkeys(field.name for field in msgspec.structs.fields(ClientView) if field.required)
    known = {"name": "John Smith", "city": "Darwin", "contacts": (), "groups": ()}
    ours = ClientView(**nothing | known)
    same, longer = "exactly this name", "the name starts with this"
    hits = [hit(1, same, "john smith"), hit(2, same), hit(3, same, city="DARWIN"),
            hit(4, longer, "John Smithers"), hit(5, longer, "John Smithson", city="Darwin")]  # fmt: skip
    assert [view.number for view in best_first(hits, ours)] == ["3", "2", "1", "5", "4"]
    assert start_row(best_first(hits, ours), None) == 0


@pytest.mark.parametrize(
    ("seconds", "says"),
    [(140.0, "About 2 min left, ends at about 10:05"), (40.0, "About 40 s left"), (None, "")],
)
def test_a_run_says_how_long_it_takes_and_when_it_ends(seconds: float | None, says: str) -> None:
    now = datetime(2026, 5, 4, 10, 2, 40).astimezone()
    run = Run(id="r1", started=now, by="mere", total=9, done=1)
    found = [
        "".join(piece.text for piece in line)
        for line in run_lines(run, now, 60, RunForecast(seconds=seconds))
    ]
    assert [text.rstrip() for text in found if "left" in text] == [says][: bool(says)]


@pytest.mark.parametrize(
    ("outcome", "done", "says"),
    [("running", 7, "2 records are not changed"), ("running", 8, "1 record is not changed"), ("done", 9, "")],
)
def test_a_run_in_progress_says_what_a_stop_leaves(outcome: str, done: int, says: str) -> None:
    started = datetime(2026, 5, 4, 10, 2, tzinfo=UTC)
    run = Run(id="r1", started=started, by="mere", total=9, done=done, outcome=outcome)  # type: ignore[arg-type]
    shown = " ".join("".join(piece.text for line in stop_lines(run, 60) for piece in line).split())
    assert bool(shown) == bool(says)
    assert says in shown


def test_names_that_would_be_cut_to_the_same_text_are_distinguished() -> None:
    start = "Grace Mitchell Adelaide Holdings and Partners "
    table: Table[str] = Table(
        (TableColumn("Name", 20, grow=1), TableColumn("Id", 4)),
        lambda item: [[span(item)], [span("c1")]],
        lambda item: item,
    )
    table.rows.items = [
        start + "Trust A",
        start + "Trust B",
        "Hill",
        "Grace Mitchell of Adelaide and Partners",
    ]
    drawn = ["".join(piece.text for piece in table.rows.draw(row, 0, 32)) for row in range(4)]
    assert drawn[3].startswith(" Grace Mitchell of"), "no other looks like it: it is cut as usual"
    assert "Trust A" in drawn[0]
    assert "Trust B" in drawn[1]
    assert len({cell_len(line) for line in drawn}) == 1


async def test_an_effect_of_a_link_is_never_cut_off(env: ConsoleFixture) -> None:
    """What does not fit is counted; a warning that takes two rows does not push the count out of view."""
    with env.open() as practice:
        await refresh(practice, full=True)
        effect = preview_link(practice, "CLI-0003", "1004")
    replaced = sum(bool(change.old) for change in effect.changes)
    assert 0 < replaced < len(effect.changes)
    assert all(change.old for change in effect.changes[:replaced]), "what is replaced comes first"
    summary = f"{len(effect.changes)} changes in Ignition, and replace {formatting.count(replaced, 'value')}"
    for most in range(3, 12):
        found = ["".join(piece.text for piece in row) for row in effect_rows(effect, 76, most)]
        assert len(found) <= most
        assert any(summary in row for row in found), found
        shown = sum(" → " in row and not row.startswith(" →") for row in found)
        counted = [int(row.split()[1]) for row in found if row.strip().endswith("more")]
        assert shown + sum(counted) in (0, len(effect.changes)), found
