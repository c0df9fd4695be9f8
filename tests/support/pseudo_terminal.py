"""A console, or any other program, in a pseudo-terminal of 80 by 24 with 256 colours."""

from __future__ import annotations

import codecs
import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path

from tests.support.screen import Screen

LIMIT = 30.0
"""Seconds after which a test gives up: nothing here is judged by time."""


class Terminal:
    """One process in a pty. ``read`` gives what was sent until it was quiet, ``text`` what it shows."""

    def __init__(self, command: Sequence[str], typed: int | None = None, /, **environment: str) -> None:
        """``typed`` is a terminal that it reads from instead; the one that it belongs to stays this one."""
        self.began = time.monotonic()
        self._screen, self._unseen = Screen(), b""
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self.master, slave = pty.openpty()
        self.name = os.ttyname(slave)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        environ = {k: v for k, v in os.environ.items() if k not in ("COLORTERM", "NO_COLOR")}
        environ |= {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"} | environment
        self.process = subprocess.Popen(
            [sys.executable, *command],
            stdin=slave if typed is None else typed, stdout=slave, stderr=slave, env=environ,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(1, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(slave)

    def read(self, quiet: float = 0.4) -> bytes:
        """Bytes until nothing came for ``quiet`` seconds."""
        got = b""
        while more := self._next(quiet):
            got += more
        return got

    def until(self, words: bytes) -> bytes:
        """Bytes until these words were sent, and it is quiet."""
        got, end = b"", time.monotonic() + LIMIT
        while words not in got:
            assert time.monotonic() < end, f"{words!r} never came: {got[-2000:]!r}"
            got += self.read(0.2)
        return got + self.read()

    @property
    def text(self) -> str:
        """The screen as far as it was read."""
        return self.screen.text

    @property
    def screen(self) -> Screen:
        """The same with its looks."""
        self._screen.feed(self._decode(self._unseen))
        self._unseen = b""
        return self._screen

    def shows(self, words: str) -> str:
        """Wait until these words stand on the screen; gives all of it."""
        end = time.monotonic() + LIMIT
        while words not in self.text:
            assert time.monotonic() < end, f"{words!r} never came:\n{self.text}"
            self._next(0.2)
        return self.text

    def matches(self, pattern: str) -> str:
        """The same for a regular expression, over the whole screen."""
        end = time.monotonic() + LIMIT
        while re.search(pattern, self.text) is None:
            assert time.monotonic() < end, f"{pattern!r} never came:\n{self.text}"
            self._next(0.2)
        return self.text

    def seconds_until(self, words: bytes) -> float:
        """Seconds from the start of the process to these words."""
        got = b""
        while words not in got:
            assert time.monotonic() < self.began + LIMIT, f"{words!r} never came: {got[-2000:]!r}"
            got += self._next(LIMIT)
        return time.monotonic() - self.began

    def _next(self, seconds: float) -> bytes:
        if not select.select([self.master], [], [], seconds)[0]:
            return b""
        try:
            got = os.read(self.master, 65_536)
        except OSError:
            return b""
        self._unseen += got
        return got

    def started(self) -> bytes:
        """Bytes until the Overview is filled."""
        return self.until(b"onnected")

    def send(self, keys: str, *, answer: bool = True) -> bytes:
        """Type, and give what came back; without ``answer`` there may be none."""
        os.write(self.master, keys.encode())
        if answer:
            select.select([self.master], [], [], LIMIT)
        return self.read()

    def type(self, keys: str) -> None:
        """Type, and look at nothing yet."""
        os.write(self.master, keys.encode())

    def paste(self, text: bytes) -> None:
        """A pty takes no more than it has room for: read what comes between."""
        while text:
            readable, writable, _ = select.select([self.master], [self.master], [], LIMIT)
            assert readable or writable, "it takes nothing more"
            if readable:
                self._next(0)
            if writable:
                text = text[os.write(self.master, text[:1024]) :]

    def takes(self, more: bool) -> None:
        """Whether it takes what is sent: not after Ctrl-S, nor over a line that hangs."""
        slave = os.open(self.name, os.O_RDWR | os.O_NOCTTY)
        try:
            termios.tcflow(slave, termios.TCOON if more else termios.TCOOFF)
        finally:
            os.close(slave)

    def rests(self) -> None:
        """Wait until the process has nothing to do: what was typed is done."""
        end, used = time.monotonic() + LIMIT, -1.0
        while (now := self.used()) != used:
            assert time.monotonic() < end, "it does not come to rest"
            used = now
            self._next(0.1)

    def used(self) -> float:
        """Seconds of the processor that the process has used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ended(self) -> tuple[int, float]:
        """Wait for the process: its exit code, and the seconds of the processor that it used."""
        handle = os.pidfd_open(self.process.pid)
        try:
            assert select.select([handle], [], [], LIMIT)[0], "it goes on"
        finally:
            os.close(handle)
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        return self.process.returncode, usage.ru_utime + usage.ru_stime

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


def console(home: Path, *options: str, **environment: str) -> Terminal:
    """The console over a home, as a user starts it."""
    return Terminal(["-m", "xpm_tui", "--home", str(home), *options], **environment)


def fed_by(home: Path) -> tuple[Terminal, int]:
    """A console that reads from another terminal than the one it belongs to, and that one's other side."""
    master, slave = pty.openpty()
    try:
        return Terminal(["-m", "xpm_tui", "--home", str(home)], slave), master
    finally:
        os.close(slave)
