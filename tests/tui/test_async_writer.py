"""The writer to the terminal: in order, never blocking, and exact about how much was sent."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from threading import Event
from typing import TextIO

import pytest

from xpm_tui.tui.terminal import driver
from xpm_tui.tui.terminal.driver import QUEUE_BYTES, AsyncWriter

LIMIT = 30.0
FILL = QUEUE_BYTES * 4
"""More bytes than a pipe and the queue can hold together."""


class End:
    """A pipe in place of a terminal, whose other end reads only on request."""

    def __init__(self) -> None:
        self.read_from, fd = os.pipe()
        fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, 4096)
        self.file: TextIO = os.fdopen(fd, "w", encoding="utf-8", errors="backslashreplace")
        self.caught_up = Event()
        self.outlet = AsyncWriter(self.file, self.caught_up.set)

    def read(self, size: int) -> bytes:
        """Read exactly this number of bytes."""
        got = b""
        while len(got) < size:
            got += os.read(self.read_from, size - len(got))
        return got

    def behind(self) -> bool:
        """Whether the queue is too long."""
        return self.outlet.behind

    def go(self) -> None:
        """Close the other end."""
        if self.read_from >= 0:
            os.close(self.read_from)
            self.read_from = -1


@pytest.fixture
def end(monkeypatch: pytest.MonkeyPatch) -> Iterator[End]:
    monkeypatch.setattr(driver, "FINISH_SECONDS", 0.2)
    made = End()
    yield made
    made.go()
    made.outlet.finish()
    made.file.close()


def test_it_sends_in_order_and_replaces_what_cannot_be_said(end: End) -> None:
    end.outlet.write("Ngā ")
    end.outlet.write("tāngata")
    end.outlet.write("\udcff")
    assert end.read(19) == "Ngā tāngata".encode() + rb"\udcff"


@pytest.mark.parametrize("blocking", [True, False])
def test_it_never_blocks_and_reports_once_that_it_has_caught_up(end: End, blocking: bool) -> None:
    os.set_blocking(end.file.fileno(), blocking)
    end.outlet.write("a" * 4096)
    assert not end.behind()
    for _ in range(FILL // 4096):
        end.outlet.write("b" * 4096)
    assert end.behind()
    assert not end.caught_up.is_set()
    assert end.read(4096 + FILL) == b"a" * 4096 + b"b" * FILL
    assert end.caught_up.wait(LIMIT)
    assert not end.behind()
    end.caught_up.clear()
    end.outlet.write("c")
    assert end.read(1) == b"c"
    end.outlet.finish()
    assert not end.caught_up.is_set()


def test_who_leaves_waits_for_what_is_taken_and_not_for_what_is_not(end: End) -> None:
    end.outlet.write("a" * FILL)
    end.outlet.finish()
    assert not end.behind()
    end.read(FILL)
    end.outlet.finish()
    assert not end.caught_up.is_set(), "who has left is told nothing"


def test_what_is_written_to_nobody_is_lost(end: End) -> None:
    end.outlet.write("a" * FILL)
    end.go()
    end.outlet.finish()
    end.outlet.write("b" * FILL)
    assert not end.behind()
    assert not end.caught_up.is_set()
