"""Bytes from any terminal: none ends the console, and none blocks its input."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from textual import events
from textual.geometry import Offset
from textual.widgets import Input, OptionList

from tests.support.profile import count
from tests.support.pseudo_terminal import console as console_of
from tests.tui.fixtures import ConsoleFixture, press, settle, text_of
from xpm_tui.tui.app import Console
from xpm_tui.tui.terminal import input_decoder
from xpm_tui.tui.terminal.driver import ASCII_SIGNS, AsciiGlyphs
from xpm_tui.tui.terminal.input_decoder import InputDecoder
from xpm_tui.tui.widgets.inputs import ChoiceField
from xpm_tui.tui.widgets.rows import Rows


class Line:
    """A decoder with a clock that tests set."""

    def __init__(self) -> None:
        self.time = 0.0
        self.decoder = InputDecoder(now=lambda: self.time)
        self.got: list[str] = []

    def take(self, data: bytes) -> None:
        self.got += [said(each) for each in self.decoder.feed(data)]

    def wait(self, seconds: float) -> None:
        self.time += seconds
        self.got += [said(each) for each in self.decoder.tick()]


def said(event: object) -> str:
    """Return an event as one word."""
    if isinstance(event, events.Key):
        return event.character or event.key if event.is_printable else event.key
    if isinstance(event, events.Paste):
        return f"paste {event.text}"
    if isinstance(event, events.MouseEvent):
        return f"{type(event).__name__} {event.button} at {event.x:.0f},{event.y:.0f}"
    return type(event).__name__


SENT: dict[str, tuple[Sequence[bytes | float], list[str]]] = {
    "e acute of Latin-1": ([b"a\xe9", 2.0, b"b"], ["a", "\ufffd", "b"]),
    "Latin-1 in the middle": ([b"caf\xe9 x"], ["c", "a", "f", "\ufffd", " ", "x"]),
    "a letter in two pieces": ([b"\xc4", b"\x81"], ["ā"]),
    "a stray C1 byte": ([b"\x85\x9b1m"], ["\ufffd", "\ufffd", "1", "m"]),
    "X10 click right of column 95": ([b"\x1b[M \x85\x25"], ["MouseDown 1 at 100,4"]),
    "X10 release, in pieces": ([b"\x1b[M", b"#\xff", b"!g"], ["MouseUp 1 at 222,0", "g"]),
    "X10 without its numbers": ([b"\x1b[M ", 2.0, b"g"], ["g"]),
    "X10 out of range": ([b"\x1b[M\x01\x01\x01g"], ["g"]),
    "a paste": ([b"\x1b[200~a\x1bb\xc4", b"\x81\x1b[20", b"1~g"], ["paste a\x1bbā", "g"]),
    "a paste without an end": ([b"\x1b[200~abc", 4.9, 5.0, b"g"], ["paste abc", "g"]),
    "half an end": ([b"\x1b[200~abc\x1b[20", 5.0, b"g"], ["paste abc\x1b[20", "g"]),
    "a paste of nothing": ([b"\x1b[200~\x1b[201~g"], ["g"]),
    "the escape key": ([b"\x1b", 0.2, b"g"], ["escape", "g"]),
    "an arrow in pieces": ([b"\x1b", b"[", b"B"], ["down"]),
    "an arrow after escape": ([b"\x1b\x1b[B"], ["escape", "down"]),
    "a key of rxvt": ([b"\x1b[3$", 0.2, b"g"], ["shift+delete", "g"]),
    "a key of the Linux console": ([b"\x1b[[A"], ["f1"]),
    "a sequence that ends nowhere": ([b"\x1b[12", 2.0, b"g"], ["g"]),
    "a sequence nobody knows": ([b"\x1b[99zgc"], ["g", "c"]),
    "an endless sequence": ([b"\x1b[" + b"1;" * 400, b"Zg"], ["Z", "g"]),
    "a code beyond Unicode": ([b"\x1b[99999999999;1ug"], ["g"]),
    "two codes in one": ([b"\x1b[97:65;1ug"], ["g"]),
    "no room at all": ([b"\x1b[48;0;0;0;0tg"], ["g"]),
    "an answer in words": ([b"\x1b]11;rgb:0000/0000/0000\x1b\\g"], ["g"]),
    "an answer cut off": ([b"\x1bP1$r", 2.0, b"g"], ["g"]),
}  # fmt: skip
"""Bytes with pauses in seconds, and their meaning. After each of them, keys work."""


@pytest.mark.parametrize("name", SENT)
def test_what_a_terminal_sends(name: str) -> None:
    sent, wanted = SENT[name]
    line = Line()
    for each in sent:
        if isinstance(each, bytes):
            line.take(each)
        else:
            line.wait(each)
    assert line.got == wanted


def test_any_bytes_are_taken_and_keys_work_within_five_seconds() -> None:
    random_ = random.Random(7)
    pieces = [
        b"\x1b",
        b"[",
        b"M",
        b"200~",
        b"201~",
        b"<",
        b"0;1",
        b"u",
        b"\xe9",
        b"\x9b",
        b"O",
        b"]",
        b"P",
        b"$",
    ]
    for _ in range(count(300, 3_000, 30_000)):
        line = Line()
        for _ in range(random_.randrange(1, 12)):
            line.take(random_.choice([random_.choice(pieces), random_.randbytes(random_.randrange(1, 5))]))
            if random_.random() < 0.2:
                line.wait(random_.choice([0.05, 0.2, 2.0]))
        for _ in range(2):
            line.wait(input_decoder.PASTE_SECONDS)
        line.got.clear()
        line.take(b"g")
        line.wait(0.2)
        assert line.got == ["g"]


def test_after_an_internal_error_it_exits_70_and_names_the_file(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import textual.app\n"
        "def broken(self, *_):\n    secret = 'Kowhai Ltd'\n    raise ZeroDivisionError(secret)\n"
        "textual.app.App.on_paste = broken\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    terminal = console_of(home)
    try:
        terminal.shows("onnected")
        os.write(terminal.master, b"\x1b[200~x\x1b[201~")
        terminal.shows("internal error")
        assert terminal.end() == 70
        said_ = terminal.read(0.1).decode() + terminal.text
        where = next((home / "state").rglob("console-errors.log"))
        assert where.name in said_.replace("\n", "").replace("\r", "")
        assert "ZeroDivisionError" in where.read_text()
        assert "Kowhai" not in where.read_text() + said_
    finally:
        terminal.close()


@pytest.mark.soak
async def test_the_cursor_rests_on_what_has_the_focus(
    env: ConsoleFixture, console: Callable[..., Console]
) -> None:
    """The cursor for braille displays: on the row of a list, in a text field, on a button."""
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c")
        for key in ("j", "j"):
            await press(pilot, key)
            rows = app.focused
            assert isinstance(rows, Rows)
            place = app.cursor_position
            assert place.y == rows.content_region.y + rows.cursor, "the row under the cursor"
        await press(pilot, "slash", "=0000")
        field, place = app.focused, app.cursor_position
        assert field is not None
        assert place == field.content_region.offset + Offset(4, 0), "behind what was typed"
        assert text_of(app).splitlines()[place.y][: place.x].endswith("0000")
        await press(pilot, "escape", "n")
        await press(pilot, "shift+tab")
        assert app.focused is not None
        assert app.cursor_position == app.focused.content_region.offset

        def line() -> str:
            return text_of(app).splitlines()[app.cursor_position.y][app.cursor_position.x :].lstrip()

        await press(pilot, "escape", "f1")
        assert line().startswith("Ignition's clients"), "the first words of a dialog"
        await press(pilot, "escape", "colon", "=show the schedule", "enter")
        choice = app.screen.query(ChoiceField).first()
        choice.focus()
        await press(pilot, "space", "down", "down")
        chosen = app.focused
        assert isinstance(chosen, OptionList)
        assert chosen.highlighted is not None
        assert line().startswith(str(chosen.options[chosen.highlighted].prompt)), "the option of an open list"
        await press(pilot, "escape", "escape", "colon", "=plan", "down")
        assert isinstance(app.focused, Input)
        row = app.cursor_position.y
        await press(pilot, "down")
        assert app.cursor_position.y == row + 1, "the row that an arrow key has reached"
        await press(pilot, "=s")
        assert app.cursor_position.y == app.focused.content_region.y, "what is typed"


@pytest.mark.soak
def test_hostile_bytes_and_the_ascii_set_in_a_terminal(home: Path) -> None:
    """Latin-1 and X10's mouse reports end nothing; only ASCII is drawn, and the cursor is shown."""
    assert all(one.isascii() and len(one) == 1 for one in ASCII_SIGNS.values())
    assert "╭─╮│ ● Ngāti → €".translate(AsciiGlyphs()) == "+-+| * Ngāti > €"
    terminal = console_of(home, "--set", "glyphs=ascii", "--set", "cursor=shown")
    try:
        terminal.shows("onnected")
        os.write(terminal.master, b"\xe9\x1b[M \x85\x25\xff")
        terminal.type("gc")
        text = terminal.shows("Client 00005")
        assert text.isascii(), [each for each in text if not each.isascii()]
        assert not terminal.screen.cursor_hidden
    finally:
        terminal.close()
