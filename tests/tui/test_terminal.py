"""The console in a real pseudo-terminal: bytes, hang-up, signals, and no terminal at all."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.support.profile import count, in_soak, spread
from tests.support.pseudo_terminal import Terminal, console
from xpm_tui.application.home import find_home
from xpm_tui.application.practice import open_practice
from xpm_tui.domain.events import Event
from xpm_tui.tui.app_protocol import AREAS

IDLE = 5.0
"""Seconds in which an idle console must send nothing."""
CURSOR, LETTER, LOG, SWITCH, PALETTE = 1_100, 2_500, 1_500, 8_000, 8_000
"""The most bytes for one of these, with everything that follows from it. After a cursor movement, the list
may scroll by a row, and the pane below it shows another record."""

LETTERS = [area.letter for area in AREAS]
HAVE_ROWS = {"c", "t", "l", "e"}
"""Areas with a list."""


@pytest.mark.soak
@pytest.mark.parametrize("letter", spread(LETTERS, 1))
def test_bytes_of_an_area(terminal: Terminal, letter: str) -> None:
    """Count the bytes of the first visit, of a later one and of a cursor movement, with all that follows."""
    terminal.started()
    if letter == "o":
        terminal.send("gc")
    for visit in ("first", "second"):
        terminal.send("g")
        sent = terminal.send(letter)
        sent += terminal.read()
        assert 0 < len(sent) < SWITCH, f"{visit} visit by g {letter}: {len(sent)}"
        if visit == "first":
            terminal.send("gc" if letter == "o" else "go")
    moved = b""
    for key in ("j", "j", "k", "\x1b[B"):
        sent = terminal.send(key, answer=False)
        assert len(sent) < CURSOR, f"cursor after g {letter}, and what follows it: {len(sent)}"
        moved += sent
    assert moved or letter not in HAVE_ROWS, "there is something to move over"


@pytest.mark.parametrize("letter", spread(sorted(HAVE_ROWS), 1))
def test_bytes_of_a_list_that_moves_by_a_row(terminal: Terminal, letter: str) -> None:
    terminal.started()
    terminal.send(f"g{letter}")
    terminal.send("\x1b[6~")
    moves_by_a_row(terminal, "j", count(2, 5))
    terminal.send("\x1b[5~", answer=False)
    moves_by_a_row(terminal, "k", count(1, 2))


def moves_by_a_row(terminal: Terminal, key: str, times: int) -> None:
    """Press a key at which the list has to scroll."""
    for _ in range(times):
        before = terminal.text.splitlines()
        sent = terminal.send(key)
        assert len(sent) < CURSOR, f"moved by a row: {len(sent)}"
        same = [now == then for now, then in zip(terminal.text.splitlines(), before, strict=False)]
        assert same.count(False) > 5, terminal.text


@pytest.mark.soak
@pytest.mark.parametrize("letter", LETTERS[: count(1, len(LETTERS))])
def test_an_idle_area_sends_nothing(terminal: Terminal, letter: str) -> None:
    terminal.started()
    terminal.send(f"g{letter}", answer=letter != "o")
    terminal.read()
    assert terminal.read(IDLE) == b""


@pytest.mark.soak
def test_bytes_of_palette_picker_and_help(terminal: Terminal) -> None:
    terminal.started()
    terminal.send("gc")
    assert 0 < len(terminal.send(":")) < PALETTE
    for letter in "lin":
        assert 0 < len(terminal.send(letter)) < LETTER
    for key in ("\x1b", "?", "\x1b", "m"):
        assert 0 < len(terminal.send(key)) < SWITCH, repr(key)
    for letter in ("x", "y", "\x7f", "\x7f", "j", "o", "h", "n"):
        sent = terminal.send(letter)
        assert 0 < len(sent) < LETTER, f"letter {letter!r} in the picker: {len(sent)}"
    terminal.send("\x1b[14~")
    for _ in range(5):
        terminal.send("\x1b[5~", answer=False)  # to the first one: it starts at one that is not linked
    for _ in range(5):
        sent = terminal.send("\x1b[B")
        assert 0 < len(sent) < CURSOR, f"cursor in the picker, and its effect: {len(sent)}"
    terminal.send("\x1b[6~")
    moves_by_a_row(terminal, "\x1b[B", count(2, 8))
    assert terminal.read(IDLE) == b"", "a field that has the focus does not blink"


@pytest.mark.soak
def test_bytes_of_a_line_of_the_log(terminal: Terminal, home: Path) -> None:
    """A line that another process writes appears by itself."""
    terminal.started()
    terminal.send("gs")
    terminal.shows("newest")
    terminal.read()
    with open_practice(find_home(str(home), {}), person="dana", environ={}) as practice:
        for _ in range(3):
            practice.events.emit(Event(key="list.clients", numbers={"count": 7, "changed": 3}))
            sent = terminal.until(b"7 clients")
            assert len(sent) < LOG, f"a line of the log: {len(sent)}"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), in_soak(signal.SIGHUP, 129)])
def test_signals_end_it_cleanly(terminal: Terminal, number: signal.Signals, code: int) -> None:
    terminal.started()
    terminal.process.send_signal(number)
    rest = terminal.read()
    assert terminal.end() == code
    assert b"\x1b[?1049l" in rest, "the screen is given back"
    assert b"Traceback" not in rest


@pytest.mark.soak
def test_a_closed_terminal_ends_it(terminal: Terminal) -> None:
    terminal.started()
    os.close(terminal.master)
    terminal.master = os.open(os.devnull, os.O_RDONLY)
    assert terminal.end() == 129


WALK = (
    "gc", "\x1b[6~", *"jjkkkkkkk", "m", "x", "\x1b[14~", *["\x1b[B"] * 8, "?", "\x1b", "\x1b", "gt", "ge",
    *"jjjjjj", ":", "l", "\x1b", "gs", "go",
)  # fmt: skip


@pytest.mark.soak
def test_all_drawn_again_is_what_stands_there(terminal: Terminal) -> None:
    """Only the differences of a frame are sent, and nothing of earlier frames may be left over."""
    terminal.started()
    for keys in WALK:
        terminal.type(keys)
        terminal.read(0.15)
        if keys in ("?", "\x1b", "gs"):
            terminal.read(0.8)
            before = terminal.screen.cells
            sent = terminal.send("\x0c")
            assert len(sent) > 1_500, "all of it is sent"
            assert terminal.screen.cells == before, f"after {keys!r}"


@pytest.mark.soak
def test_stop_and_continue(terminal: Terminal) -> None:
    terminal.started()
    terminal.process.send_signal(signal.SIGSTOP)
    os.write(terminal.master, b"gc")
    terminal.process.send_signal(signal.SIGCONT)
    assert b"Ignition no." in terminal.until(b"Ignition no.")


@pytest.mark.soak
def test_it_ends_after_it_was_continued_without_a_stop(terminal: Terminal) -> None:
    """The kernel sends SIGCONT at a hang-up: the threads must not start a second time."""
    terminal.started()
    terminal.process.send_signal(signal.SIGCONT)
    terminal.type("gc")
    terminal.until(b"Ignition no.")
    terminal.process.send_signal(signal.SIGHUP)
    assert terminal.end() == 129


PASTED = b"\x1b[200~" + b"x" * 100_000 + b"\n" + b"\x1b[201~"
"""100 KB between the marks of a paste."""
SPIN = 3.0
"""Processor seconds that a console may use for a paste; one that never ends would use more."""


@pytest.mark.soak
@pytest.mark.parametrize("key", spread(["m", "n", "/"], 1))
def test_a_large_paste_into_a_field(terminal: Terminal, key: str) -> None:
    """A paste into the picker, a form and a filter is accepted, and keys work as before."""
    terminal.started()
    terminal.send("gc")
    terminal.send(key)
    before = terminal.used()
    terminal.paste(PASTED)
    terminal.shows("xxxxxxxxxxxx")
    terminal.read()
    terminal.send("\x1b")
    if key == "n":
        terminal.shows("Discard your changes?")
    terminal.send("y" if key == "n" else "\x1b", answer=False)
    assert "xxx" not in terminal.shows("Client 00005")
    terminal.type("\x11")
    code, used = terminal.ended()
    assert code == 0
    assert used - before < SPIN, "seconds of the processor"


AT_ONCE = (
    ("gcmSmi", r"Search by name.*\n│ Smi +│\n"),
    ("gc/00007", r"\n +00007\n(.*\n)+?│ Client 00007 "),
    ("gcnKauri Ltd\rQuay St\r", r" Kauri Ltd [^Q\n]*\n(.*\n)*?.* Quay St "),
    ("gtnJo\rjo@x.example\r", r" Jo [^@\n]*\n(.*\n)*?.* jo@x\.example"),
    (":duplic", r"│ duplic .*\n.*List duplicates"),
)
"""Keys, and the text that is shown if each of them acts on the screen to which the previous one has led."""


@pytest.mark.soak
def test_keys_that_come_at_once_do_what_they_do_one_by_one(terminal: Terminal) -> None:
    """A slow line delivers what was typed in one piece: letters meant for a field run no commands."""
    terminal.started()
    for keys, wanted in AT_ONCE:
        terminal.type(keys)
        terminal.matches(wanted)
        form = "enter: next" in terminal.text
        terminal.send("\x1b", answer=False)
        if form:  # it asks whether the typed text may be discarded
            terminal.shows("Discard your changes?")
        terminal.send("y" if form else "\x1b", answer=False)
        terminal.send("go", answer=False)


@pytest.mark.soak
def test_a_storm_of_sizes(terminal: Terminal) -> None:
    terminal.started()
    terminal.send("gcm")
    for columns in (200, 30, 80, 10, 120, 80):
        fcntl.ioctl(terminal.master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        terminal.process.send_signal(signal.SIGWINCH)
    terminal.read()
    assert terminal.process.poll() is None
    terminal.send("\x1b")
    terminal.type("\x11")
    terminal.read()
    assert terminal.end() == 0


def test_the_first_frame_is_the_overview_and_early_keys_are_kept(terminal: Terminal) -> None:
    """The first frame comes before the practice is open; keys typed until then take effect when it is."""
    os.write(terminal.master, b"gc")
    got = terminal.until(b"Ignition no.")
    assert got.index(b"opening") < got.index(b"Ignition no.")


@pytest.mark.parametrize(
    ("place", "text", "code", "words"),
    [
        ("config/settings.toml", 'sync.level = "bogus"\n', 2, b"it must be one of everything, name, nothing"),
        ("data/practices/practice/book/head", "garbage\n", 8, b"is damaged"),
    ],
)
def test_what_cannot_be_opened_gives_the_screen_back_and_says_why(
    home: Path, place: str, text: str, code: int, words: bytes
) -> None:
    (home / place).parent.mkdir(parents=True, exist_ok=True)
    (home / place).write_text(text)
    terminal = console(home)
    said = terminal.until(words)
    assert said.index(b"\x1b[?1049l") < said.index(words), "the sentence stands on the ordinary screen"
    assert terminal.end() == code
    terminal.close()


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_dumb_terminal_is_refused_with_a_sentence(
    home: Path, term: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    done = subprocess.run(
        [sys.executable, "-m", "xpm_tui", "--home", str(home)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr
    assert "--help" in done.stderr
