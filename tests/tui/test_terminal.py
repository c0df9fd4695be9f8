"""The console in a real pseudo-terminal: bytes, hang-up, signals, a terminal that is none."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tui.world import World
from xpm_tui.model.book import Service, TeamMember
from xpm_tui.model.events import Event
from xpm_tui.model.ports import Put
from xpm_tui.model.tables import SERVICES, TEAM
from xpm_tui.model.xpm import Staff, Template
from xpm_tui.service import plans, runner
from xpm_tui.service.home import find_home
from xpm_tui.service.practice import open_practice
from xpm_tui.service.refresh import refresh
from xpm_tui.tui.areas import AREAS

LIMIT = 30.0
"""Seconds after which a test gives up: nothing here is judged by time."""


IDLE = 5.0
"""Seconds in which an idle console must send nothing."""
CURSOR, LETTER, LOG, SWITCH, PALETTE = 1_000, 4_000, 3_000, 20_000, 40_000
"""Bytes that one of these may cost."""


class Terminal:
    """A console in a pty of 80 by 24. ``read`` gives what was sent until it was quiet for a while."""

    def __init__(self, home: Path, *options: str) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        environ = {k: v for k, v in os.environ.items() if k not in ("COLORTERM", "NO_COLOR")}
        environ |= {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "xpm_tui", "--home", str(home), *options],
            stdin=slave, stdout=slave, stderr=slave, env=environ, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(slave)

    def read(self, quiet: float = 0.4) -> bytes:
        """Bytes until nothing came for ``quiet`` seconds."""
        got = b""
        while select.select([self.master], [], [], quiet)[0]:
            try:
                got += os.read(self.master, 65_536)
            except OSError:
                break
        return got

    def until(self, words: bytes) -> bytes:
        """Bytes until these words were sent, and it is quiet."""
        got, end = b"", time.monotonic() + LIMIT
        while words not in got:
            assert time.monotonic() < end, f"{words!r} never came: {got[-2000:]!r}"
            got += self.read(0.2)
        return got + self.read()

    def started(self) -> bytes:
        """Bytes until the Overview is filled."""
        return self.until(b"connected")

    def send(self, keys: str, *, answer: bool = True) -> bytes:
        """Type, and give what came back; without ``answer`` there may be none."""
        os.write(self.master, keys.encode())
        if answer:
            select.select([self.master], [], [], LIMIT)
        return self.read()

    def end(self) -> int:
        """Wait for the process."""
        return self.process.wait(LIMIT)

    def close(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        with contextlib.suppress(OSError):
            os.close(self.master)


@pytest.fixture
async def home(tmp_path: Path) -> Path:
    """A connected practice with a filled mirror and a run behind it: most clients are linked."""
    world = World(tmp_path)
    world.xpm.people += [Staff(uuid=f"staff-{n}", name=f"Person {n}") for n in range(2, 9)]
    world.xpm.job_templates += [Template(uuid=f"template-{n}", name=f"Work {n}") for n in range(2, 9)]
    with world.open() as practice:
        practice.book.commit([Put(SERVICES, Service(id=f"s{n}", name=f"Service {n}")) for n in range(8)])
        practice.book.commit([Put(TEAM, TeamMember(id=f"t{n}", name=f"Person {n}")) for n in range(8)])
        await refresh(practice, full=True)
        plan = await plans.make(practice)
        await runner.run(practice, plan_id=plan.id)
    return tmp_path / "home"


@pytest.fixture
def terminal(home: Path) -> Iterator[Terminal]:
    made = Terminal(home)
    yield made
    made.close()


def test_bytes_of_the_areas(terminal: Terminal) -> None:
    """Every area on its first visit and later, a cursor in each, and nothing while nobody types."""
    terminal.started()
    assert terminal.read(IDLE) == b"", "an idle console sends nothing"
    letters = [area.letter for area in AREAS if area.name != "overview"] + ["o"]
    for visit in ("first", "second"):
        for letter in letters:
            terminal.send("g")
            sent = terminal.send(letter)
            sent += terminal.read()
            assert 0 < len(sent) < SWITCH, f"{visit} visit by g {letter}: {len(sent)}"
    moved = set()
    for letter in letters:
        terminal.send(f"g{letter}")
        for key in ("j", "j", "k", "\x1b[B"):
            sent = terminal.send(key, answer=False)
            assert len(sent) < CURSOR, f"cursor after g {letter}, and what follows it: {len(sent)}"
            moved |= {letter} if sent else set()
    assert moved >= {"c", "t", "l", "e"}, "there is something to move over"
    assert terminal.read(IDLE) == b""


def test_bytes_of_palette_picker_and_help(terminal: Terminal) -> None:
    terminal.started()
    terminal.send("gc")
    assert 0 < len(terminal.send(":")) < PALETTE
    for letter in "lin":
        assert 0 < len(terminal.send(letter)) < LETTER
    for key in ("\x1b", "?", "\x1b", "m"):
        assert 0 < len(terminal.send(key)) < SWITCH, repr(key)
    for letter in ("x", "\x7f", "\x7f", "\x7f", "j", "o", "h", "n"):
        sent = terminal.send(letter)
        assert 0 < len(sent) < LETTER, f"letter {letter!r} in the picker: {len(sent)}"
    terminal.send("\x1b[14~")
    for _ in range(3):
        sent = terminal.send("\x1b[B")
        assert 0 < len(sent) < 2 * CURSOR, f"cursor in the picker, and its effect: {len(sent)}"
    assert terminal.read(IDLE) == b"", "a field that has the focus does not blink"


def test_bytes_of_a_line_of_the_log(terminal: Terminal, home: Path) -> None:
    """A line that another process writes comes up by itself."""
    terminal.started()
    terminal.send("gs")
    with open_practice(find_home(str(home), {}), person="dana", environ={}) as practice:
        for _ in range(3):
            practice.events.emit(Event(key="list.clients", numbers={"count": 7, "changed": 3}))
            sent = terminal.until(b"7 clients")
            assert len(sent) < LOG, f"a line of the log: {len(sent)}"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signals_end_it_cleanly(terminal: Terminal, number: signal.Signals, code: int) -> None:
    terminal.started()
    terminal.process.send_signal(number)
    rest = terminal.read()
    assert terminal.end() == code
    assert b"\x1b[?1049l" in rest, "the screen is given back"
    assert b"Traceback" not in rest


def test_a_closed_terminal_ends_it(terminal: Terminal) -> None:
    terminal.started()
    os.close(terminal.master)
    terminal.master = os.open(os.devnull, os.O_RDONLY)
    assert terminal.end() == 129


def test_stop_and_go_on(terminal: Terminal) -> None:
    terminal.started()
    terminal.process.send_signal(signal.SIGSTOP)
    os.write(terminal.master, b"gc")
    terminal.process.send_signal(signal.SIGCONT)
    assert b"CLIENT" in terminal.until(b"CLIENT")


def test_a_large_paste_and_a_storm_of_sizes(terminal: Terminal) -> None:
    terminal.started()
    terminal.send("gcm")
    os.write(terminal.master, b"\x1b[200~" + b"x" * 10_000 + b"\n" + b"\x1b[201~")
    terminal.read()
    for columns in (200, 30, 80, 10, 120, 80):
        fcntl.ioctl(terminal.master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        terminal.process.send_signal(signal.SIGWINCH)
    terminal.read()
    assert terminal.process.poll() is None
    terminal.send("\x1b")
    os.write(terminal.master, b"\x11")
    terminal.read()
    assert terminal.end() == 0


def test_the_first_frame_is_the_overview_and_early_keys_are_kept(terminal: Terminal) -> None:
    """The frame comes before the practice is open; what is typed meanwhile counts when it is."""
    os.write(terminal.master, b"gc")
    got = terminal.until(b"CLIENT")
    assert got.index(b"opening") < got.index(b"CLIENT")


@pytest.mark.parametrize(
    ("place", "text", "code", "words"),
    [
        ("config/settings.toml", 'sync.level = "bogus"\n', 2, b"it is one of everything, name, nothing"),
        ("data/practices/practice/book/head", "garbage\n", 8, b"is damaged"),
    ],
)
def test_what_cannot_be_opened_gives_the_screen_back_and_says_why(
    home: Path, place: str, text: str, code: int, words: bytes
) -> None:
    (home / place).parent.mkdir(parents=True, exist_ok=True)
    (home / place).write_text(text)
    terminal = Terminal(home)
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
