"""A console, or anything else, in a pseudo-terminal of 80 by 24 with 256 colours."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path

LIMIT = 30.0
"""Seconds after which a test gives up: nothing here is judged by time."""


class Terminal:
    """One process in a pty. ``read`` gives what was sent until it was quiet for a while."""

    def __init__(self, command: Sequence[str], **environment: str) -> None:
        self.began = time.monotonic()
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        environ = {k: v for k, v in os.environ.items() if k not in ("COLORTERM", "NO_COLOR")}
        environ |= {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"} | environment
        self.process = subprocess.Popen(
            [sys.executable, *command],
            stdin=slave, stdout=slave, stderr=slave, env=environ, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
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
            return os.read(self.master, 65_536)
        except OSError:
            return b""

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


def console(home: Path, *options: str, **environment: str) -> Terminal:
    """The console over a home, as a person starts it."""
    return Terminal(["-m", "xpm_tui", "--home", str(home), *options], **environment)
