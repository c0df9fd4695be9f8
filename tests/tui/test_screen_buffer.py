"""Sending only the differences shows the same as sending everything, with fewer bytes."""

from __future__ import annotations

from typing import Any

import pyte
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.color import ColorSystem
from rich.style import Style

from xpm_tui.tui.terminal.encoder import PLAIN, CellStyle, style_change
from xpm_tui.tui.terminal.screen_buffer import ScreenBuffer

COLUMNS, LINES = 12, 4
STYLES = [
    Style.parse(text)
    for text in (
        "", "bold", "bold red", "#8b95a1 on #15181c", "#d6dbe1 on #15181c", "underline", "reverse #39414b",
        "bold underline #d6dbe1 on #31465c", "default on default", "bright_red on blue", "on #15181c",
    )
]  # fmt: skip
ACCENT = "\N{COMBINING ACUTE ACCENT}"
SIMPLE = ["a", "bc", "   ", " ", "Ngā", "─│"]
TEXTS = [*SIMPLE, "株式", f"e{ACCENT}", ACCENT]
WIDTH = 6
"""Return the columns of a strip: Textual writes whole strips, never half of a wide character."""
Piece = tuple[str, Style]
Strip = tuple[int, int, list[Piece]]


def strips_of(texts: list[str]) -> st.SearchStrategy[Strip]:
    """Draw a line, a column in it, and pieces of text to write there."""
    return st.tuples(
        st.integers(0, LINES - 1),
        st.integers(0, COLUMNS // WIDTH - 1),
        st.lists(st.tuples(st.sampled_from(texts), st.sampled_from(STYLES)), min_size=1, max_size=4),
    )


FRAMES = st.lists(st.lists(strips_of(TEXTS), min_size=1, max_size=5), min_size=1, max_size=6)
SYSTEMS = st.sampled_from([ColorSystem.STANDARD, ColorSystem.EIGHT_BIT, ColorSystem.TRUECOLOR])
Frames = list[list[Strip]]


class Terminal:
    """A terminal emulator of another project, without line wrapping, as Textual requires."""

    def __init__(self, lines: int = LINES) -> None:
        self.lines = lines
        self.screen = pyte.Screen(COLUMNS, lines)
        self.screen.reset_mode(7, private=True)
        self.stream = pyte.Stream(self.screen)

    @property
    def shows(self) -> list[list[tuple[Any, ...]]]:
        """Return every cell with the visible parts of its style, and the position of the cursor."""
        cells = [[self._seen(self.screen.buffer[y][x]) for x in range(COLUMNS)] for y in range(self.lines)]
        return [*cells, [(self.screen.cursor.y, self.screen.cursor.x)]]

    @staticmethod
    def _seen(cell: Any) -> tuple[Any, ...]:
        ink = "" if cell.data == " " and not (cell.underscore or cell.reverse) else cell.fg
        return (cell.data, ink, cell.bg, cell.underscore, cell.reverse, bool(ink) and cell.bold)


def frame(strips: list[Strip], colours: ColorSystem) -> str:
    """Return what Textual writes for strips: a cursor movement, then pieces of text, each with its style."""
    written = []
    for row, place, pieces in strips:
        written.append(f"\x1b[{row + 1};{place * WIDTH + 1}H")
        room = WIDTH
        if pieces[0][0] == ACCENT:
            pieces = [("e", pieces[0][1]), *pieces]
        for text, style in (*pieces, (" " * WIDTH, pieces[-1][1])):
            taken, room = (text, room - cell_len(text)) if cell_len(text) <= room else (" " * room, 0)
            written.append(style.render(taken, color_system=colours))
    return "".join((*written, "\x1b[1;1H"))


def whole() -> str:
    """Return a first frame, in which every cell is written."""
    return "".join(f"\x1b[{row + 1};1H{' ' * COLUMNS}" for row in range(LINES))


@pytest.mark.soak
@given(FRAMES, SYSTEMS)
@example([[(0, 0, [("e", STYLES[5])])], [(0, 1, [(ACCENT, Style())])]], ColorSystem.STANDARD)
def test_what_differs_makes_the_same_picture(frames: Frames, colours: ColorSystem) -> None:
    all_of_it, differences = Terminal(), Terminal()
    wanted, shown = ScreenBuffer(), ScreenBuffer()
    for data in (whole(), *(frame(strips, colours) for strips in frames)):
        all_of_it.stream.feed(data)
        assert wanted.draw(data)
        differences.stream.feed(wanted.draw_over(shown))
        assert differences.shows == all_of_it.shows
        assert wanted.draw_over(shown) == "", "nothing is sent twice"


@pytest.mark.soak
@given(
    st.lists(strips_of(TEXTS), min_size=6, max_size=12),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3)), max_size=8),
    SYSTEMS,
)
def test_a_list_that_moves_makes_the_same_picture(
    strips: list[Strip], views: list[tuple[int, int]], colours: ColorSystem
) -> None:
    """Draw frames of a long list that scrolls, above or below lines that stay."""
    long = [frame([(0, 0, strip[2])], colours)[len("\x1b[1;1H") : -len("\x1b[1;1H")] for strip in strips]
    all_of_it, differences = Terminal(12), Terminal(12)
    wanted, shown = ScreenBuffer(), ScreenBuffer()
    for first, staying in views:
        rows = ["stay  "] * staying + [long[(first + n) % len(long)] for n in range(12 - staying)]
        data = "".join(f"\x1b[{n + 1};1H{row}" for n, row in enumerate(rows)) + "\x1b[1;1H"
        all_of_it.stream.feed(data)
        assert wanted.draw(data)
        differences.stream.feed(wanted.draw_over(shown))
        assert differences.shows == all_of_it.shows
        assert wanted.draw_over(shown) == "", "nothing is sent twice"


@pytest.mark.soak
@given(FRAMES, SYSTEMS)
def test_a_terminal_that_missed_all_but_the_last_shows_it_whole(frames: Frames, colours: ColorSystem) -> None:
    all_of_it, late = Terminal(), Terminal()
    wanted = ScreenBuffer()
    for data in (whole(), *(frame(strips, colours) for strips in frames)):
        all_of_it.stream.feed(data)
        assert wanted.draw(data)
    late.stream.feed(wanted.draw_over(ScreenBuffer()))
    assert late.shows == all_of_it.shows


@given(st.lists(strips_of(SIMPLE), min_size=1, max_size=5))
def test_it_is_not_longer_than_what_rich_sends(strips: list[Strip]) -> None:
    data = frame(strips, ColorSystem.EIGHT_BIT)
    wanted = ScreenBuffer()
    assert wanted.draw(data)
    assert len(wanted.draw_over(ScreenBuffer())) <= len(data)


def drawn(*data: str) -> ScreenBuffer:
    """Return a buffer in which some frames were drawn."""
    made = ScreenBuffer()
    for each in data:
        assert made.draw(each)
    return made


def test_only_the_cell_that_differs_is_sent_and_the_cursor_goes_back() -> None:
    shown = drawn("\x1b[1;1Habcdef\x1b[1;1H")
    assert drawn("\x1b[1;1HabXdef\x1b[1;1H").draw_over(shown) == "\x1b[1;3HX\x1b[1G"


def test_few_cells_are_written_again_where_a_move_costs_as_much() -> None:
    shown = drawn("\x1b[1;1Habcdefghijkl\x1b[1;1H")
    assert drawn("\x1b[1;1HXbcYefghijkZ\x1b[1;1H").draw_over(shown) == "\x1b[1HXbcY\x1b[12GZ\x1b[1G"


def test_after_a_letter_that_terminals_may_differ_on_the_rest_of_the_line_is_sent_by_place() -> None:
    shown = drawn("\x1b[1;1Ha株bc\x1b[1;1H")
    assert drawn("\x1b[1;1Ha式bc\x1b[1;1H").draw_over(shown) == "\x1b[1;2H式\x1b[4Gbc\x1b[1G"
    assert drawn("\x1b[1;1Ha式bc\x1b[1;1H").draw_over(shown) == ""


def test_a_link_is_opened_once_and_closed() -> None:
    link = Style(link="https://example.com")
    data = link.render("ab", color_system=ColorSystem.EIGHT_BIT)
    sent = drawn(f"\x1b[1;1H{data}c").draw_over(ScreenBuffer())
    opened, text, rest = sent.partition("ab")
    assert (opened.count("\x1b]8;"), opened.endswith(";https://example.com\x1b\\"), text) == (1, True, "ab")
    assert rest == "\x1b]8;;\x1b\\c"


def test_a_look_is_sent_as_what_differs() -> None:
    bold = CellStyle(foreground="31", background="44", extras=frozenset({"1"}))
    assert style_change(PLAIN, bold) == "\x1b[1;31;44m"
    assert style_change(bold, bold._replace(foreground="32")) == "\x1b[32m"
    assert style_change(bold, bold._replace(extras=frozenset())) == "\x1b[22m"
    assert style_change(bold, bold._replace(foreground="")) == "\x1b[39m"
    assert style_change(bold, bold._replace(extras=frozenset({"2"}))) == "\x1b[22;2m"
    assert style_change(bold, bold._replace(extras=frozenset({"1", "4"}))) == "\x1b[4m"
    assert style_change(CellStyle(extras=frozenset({"99", "1"})), bold) == "\x1b[0;1;31;44m"
    assert style_change(bold, PLAIN) == "\x1b[m"


def test_a_look_is_sent_once_for_all_that_it_is_of() -> None:
    name, value = "\x1b[0;38;5;246m", "\x1b[0;38;5;188m"
    data = "".join(f"\x1b[{row};1H{name}name {value}value {row}" for row in (1, 2, 3))
    sent = drawn(f"{data}\x1b[m\x1b[1;1H").draw_over(ScreenBuffer())
    assert sent == (
        "\x1b[1H\x1b[38;5;246mname \x1b[2Hname \x1b[3Hname "
        "\x1b[1;6H\x1b[38;5;188mvalue 1\x1b[2;6Hvalue 2\x1b[3;6Hvalue 3\x1b[m\x1b[1H"
    )


@pytest.mark.parametrize("data", ["\x1b[2J", "a\tb", "\x1b[?25l", "\x1b]52;c;YQ==\a", "a\x1b[3Cb"])
def test_what_does_not_draw_is_said_not_to(data: str) -> None:
    assert not ScreenBuffer().draw(data)


def test_a_list_that_moves_by_a_row_costs_a_row() -> None:
    rows = [f"row {n:02} {chr(ord('a') + n) * 50}" for n in range(14)]

    def view(first: int) -> str:
        lines = ["head", *rows[first : first + 10], "foot"]
        return "".join(f"\x1b[{n + 1};1H{line:60}" for n, line in enumerate(lines)) + "\x1b[1;1H"

    shown = drawn(view(0))
    assert drawn(view(1)).draw_over(shown) == f"\x1b[2;11r\x1b[11H\n\x1b[r\x1b[11H{rows[10]:60}\x1b[1H"
    assert drawn(view(0)).draw_over(shown) == f"\x1b[2;11r\x1b[2H\x1bM\x1b[r\x1b[2H{rows[0]:60}\x1b[1H"
    assert drawn(view(4)).draw_over(shown).count("\n") == 4


def test_nothing_beyond_the_edge_is_sent_after_a_resize() -> None:
    wanted, shown = ScreenBuffer(), ScreenBuffer()
    wanted.draw("\x1b[1;1Hname   \x1b[31mg\x1b[m\x1b[2;1H株株株")
    wanted.clip(5)
    sent = wanted.draw_over(shown)
    assert "g" not in sent
    assert [len(row.texts) for row in wanted.rows] == [5, 5]
    assert wanted.rows[1].texts == [" "] * 5
