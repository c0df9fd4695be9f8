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
from xpm_tui.service.refresh import refresh

LIMIT = 30.0
"""Seconds after which a test gives up: nothing here is judged by time."""


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

    def send(self, keys: str) -> bytes:
        """Type, and give what came back."""
        os.write(self.master, keys.encode())
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
    """A connected practice with a filled mirror."""
    world = World(tmp_path)
    with world.open() as practice:
        await refresh(practice, full=True)
    return tmp_path / "home"


@pytest.fixture
def terminal(home: Path) -> Iterator[Terminal]:
    made = Terminal(home)
    yield made
    made.close()


def test_bytes_on_the_wire(terminal: Terminal) -> None:
    """At 80x24 with 256 colours. An area's first visit paints twice, empty and then with its rows: that is
    over the goal of 20 KB for a switch, and known; every later visit keeps it."""
    terminal.until(b"Runs")
    assert terminal.read(1.5) == b"", "an idle console sends nothing"
    first, later = ((area, 32_000) for area in "cest"), ((area, 20_000) for area in "cestc")
    for area, most in (*first, *later):
        switch = terminal.send(f"g{area}")
        assert 0 < len(switch) < most, f"area switch to {area}: {len(switch)}"
    cursor = terminal.send("j")
    assert 0 < len(cursor) < 4_000, f"cursor, and both sides of another client: {len(cursor)}"
    terminal.send("ge")
    cursor = terminal.send("j")
    assert 0 < len(cursor) < 1_200, f"cursor, and the meaning of another setting: {len(cursor)}"
    palette = terminal.send(":")
    assert 0 < len(palette) < 40_000, f"palette: {len(palette)}"
    terminal.send("\x1b")
    terminal.send("gc")
    picker = terminal.send("m")
    assert picker
    letter = terminal.send("x")
    assert 0 < len(letter) < 6_500, f"letter in the picker, with the hits it leaves: {len(letter)}"
    assert terminal.read(1.5) == b"", "a field that has the focus does not blink"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signals_end_it_cleanly(terminal: Terminal, number: signal.Signals, code: int) -> None:
    terminal.until(b"Runs")
    terminal.process.send_signal(number)
    rest = terminal.read()
    assert terminal.end() == code
    assert b"\x1b[?1049l" in rest, "the screen is given back"
    assert b"Traceback" not in rest


def test_a_closed_terminal_ends_it(terminal: Terminal) -> None:
    terminal.until(b"Runs")
    os.close(terminal.master)
    terminal.master = os.open(os.devnull, os.O_RDONLY)
    assert terminal.end() == 129


def test_stop_and_go_on(terminal: Terminal) -> None:
    terminal.until(b"Runs")
    terminal.process.send_signal(signal.SIGSTOP)
    os.write(terminal.master, b"gc")
    terminal.process.send_signal(signal.SIGCONT)
    assert b"CLIENT" in terminal.until(b"CLIENT")


def test_a_large_paste_and_a_storm_of_sizes(terminal: Terminal) -> None:
    terminal.until(b"Runs")
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
