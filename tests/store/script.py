"""A fixed sequence of commits, and what the store must contain after each: the reference for fault tests."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable
from pathlib import Path

from xpm_tui.domain.ignition import Client
from xpm_tui.domain.links import Link
from xpm_tui.domain.ports import Drop, Put, Snapshot, Write
from xpm_tui.domain.tables import ALL, CLIENTS, LINKS
from xpm_tui.files.machine import DISK, Disk, SystemClock
from xpm_tui.store.store import DiskStore, open_store

ExpectedState = dict[tuple[str, str], bytes]


def writes(step: int) -> list[Write]:
    """Commit number ``step`` (from 1): several tables, new rows, changed ones, rows that go away."""
    name = f"Client {step} Tāne & Söhne [/]"
    out: list[Write] = [
        Put(CLIENTS, Client(id=f"c{step}", name=name, extra={"Fee": "x" * (step * 37 % 400)})),
        Put(LINKS, Link(id=f"c{step}", uuid=f"u{step % 5}", number=str(step))),
    ]
    if step > 1:
        out.append(Put(CLIENTS, Client(id=f"c{step - 1}", name=name + " renamed")))
    if step % 3 == 0:
        out += [Drop(CLIENTS, f"c{step - 2}"), Drop(LINKS, f"c{step - 2}")]
    return out


def holds(snapshot: Snapshot) -> ExpectedState:
    """Everything in a snapshot, as bytes."""
    found: ExpectedState = {}
    for table in ALL:
        for each in snapshot.ids(table):
            raw = snapshot.raw(table, each)
            assert raw is not None
            assert table.key(snapshot.get(table, each)) == each
            found[table.name, each] = raw
    return found


def expected_states(tmp: Path, steps: int) -> list[ExpectedState]:
    """What the store holds after 0, 1, ... ``steps`` commits."""
    book = opened(tmp / "truth")
    found = [holds(book.snapshot())]
    for step in range(1, steps + 1):
        book.commit(writes(step))
        found.append(holds(book.snapshot()))
    book.close()
    return found


def opened(folder: Path, *, read_only: bool = False, disk: Disk = DISK) -> DiskStore:
    """The store in ``folder``."""
    return open_store(folder, read_only=read_only, clock=SystemClock(), disk=disk)


def play(
    folder: Path, disk: Disk, steps: range, folds: frozenset[int], reported: Callable[[int], None]
) -> None:
    """Open, commit each step, tell each acknowledged one, fold the log in after some, close."""
    book = opened(folder, disk=disk)
    for step in steps:
        book.commit(writes(step))
        reported(step)
        if step in folds:
            book.compact()
    book.close()


def _tell(pipe: int, step: int) -> None:
    os.write(pipe, b"%d\n" % step)


class Child:
    """A forked process that writes to the store and reports every acknowledged commit to its parent."""

    def __init__(self, work: Callable[[Callable[[int], None]], None]) -> None:
        self._read, write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                os.close(self._read)
                work(lambda step: _tell(write, step))
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        os.close(write)
        self._rest = b""
        self.last = 0

    def hear(self) -> int | None:
        """The next acknowledged step; None when the child is gone."""
        while b"\n" not in self._rest:
            piece = os.read(self._read, 4096)
            if not piece:
                return None
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\n")
        self.last = int(line)
        return self.last

    def kill(self) -> None:
        """SIGKILL."""
        os.kill(self.pid, signal.SIGKILL)

    def end(self) -> int:
        """Hear the rest, wait for the end, give the exit code (negative: the signal)."""
        while self.hear() is not None:
            pass
        os.close(self._read)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
