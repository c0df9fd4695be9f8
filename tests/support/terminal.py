"""A command on a terminal: what the user sees, and what is typed."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager


class Terminal:
    """A process on a pseudo-terminal; ``text`` is all that it has written so far."""

    def __init__(self, process: subprocess.Popen[bytes], fd: int) -> None:
        self.process = process
        self.text = ""
        self._fd = fd

    def until(self, wanted: str, seconds: float = 60) -> str:
        """Wait until it has written ``wanted``; gives all of it. Fails when it ends or takes too long."""
        end = time.monotonic() + seconds
        while wanted not in self.text:
            left = end - time.monotonic()
            assert left > 0, self.text
            assert self.read(left), self.text
        return self.text

    def type(self, line: str) -> None:
        """Type a line and press enter."""
        os.write(self._fd, line.encode() + b"\n")

    def press(self, keys: str) -> None:
        """Keys as a terminal sends them."""
        os.write(self._fd, keys.encode())

    def end(self, seconds: float = 60) -> int:
        """Read to the end; gives the exit code."""
        end = time.monotonic() + seconds
        while self.read(end - time.monotonic()):
            assert time.monotonic() < end, self.text
        return self.process.wait(seconds)

    def read(self, seconds: float) -> bool:
        """Read what comes within so many seconds; False where nothing came, or nothing more will."""
        if not select.select([self._fd], [], [], max(0.0, seconds))[0]:
            return False
        try:
            more = os.read(self._fd, 65_536)
        except OSError:  # EIO: the other side is closed
            return False
        self.text += more.decode("utf-8", "replace")
        return bool(more)


@contextmanager
def terminal(words: Sequence[str], environ: Mapping[str, str]) -> Iterator[Terminal]:
    """``xpm-tui WORDS`` on a terminal of 80 columns and 24 lines."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "xpm_tui", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**environ, "COLUMNS": "80", "LINES": "24"},
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
