"""The console: first paint beside an empty Textual app, and what 50,000 clients do to it.

First paint is a whole process, headless, from start to the first ready screen. The rest is one console
over a book of 50,000 clients with links and mirror: a task beside it measures how long the screen's loop
stands still.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bench.book_rows import documents
from bench.table import show

RUNS = 7
SIZE = int(os.environ.get("XPM_TUI_BENCH_CLIENTS", "50000"))
EMPTY = """
from textual.app import App
class Empty(App):
    def on_ready(self): self.exit()
Empty().run(headless=True, size=(80, 24))
"""
OURS = """
import os, sys
from xpm_tui.service.home import find_home
from xpm_tui.service.practice import open_practice
from xpm_tui.tui.app import Console
from xpm_tui.tui.desk import Desk
class Timed(Console):
    def on_ready(self): self.exit()
desk = Desk(lambda: open_practice(find_home(sys.argv[1], {}), person="bench", environ={}))
desk.open()
Timed(desk, environ={"TERM": "xterm-256color"}, welcome=False).run(headless=True, size=(80, 24))
desk.close()
"""


def main() -> None:
    """First paint, then the figures of a large practice."""
    with tempfile.TemporaryDirectory() as place:
        empty, ours = _paints(Path(place))
    show(
        ("first paint", "median ms", "times an empty app"),
        [("an empty Textual app", empty * 1000, 1.0), ("the console", ours * 1000, ours / empty)],
    )
    print()
    with tempfile.TemporaryDirectory() as place:
        rows = asyncio.run(_large(Path(place)))
    show((f"with {SIZE:,} clients", "ms", "longest stall of the loop, ms"), rows)


def _paints(folder: Path) -> tuple[float, float]:
    times: dict[str, list[float]] = {EMPTY: [], OURS: []}
    for _ in range(RUNS):
        for code, taken in times.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", code, str(folder)], check=True, capture_output=True)
            taken.append(time.perf_counter() - began)
    return statistics.median(times[EMPTY]), statistics.median(times[OURS])


async def _large(folder: Path) -> list[tuple[Any, ...]]:
    from tests.tui.world import press, settle
    from xpm_tui.model.tables import XPM_CLIENTS
    from xpm_tui.service.home import find_home
    from xpm_tui.service.practice import open_practice
    from xpm_tui.sync.search import PickerIndex
    from xpm_tui.tui.app import Console
    from xpm_tui.tui.desk import Desk

    home = find_home(str(folder), {})
    with open_practice(home, person="bench", environ={}) as practice:
        for chunk in _chunks():
            practice.book.commit(chunk)
        began = time.perf_counter()
        index = PickerIndex.build(practice.snapshot().rows(XPM_CLIENTS))
        built = time.perf_counter() - began
    searches = sorted(_searches(index))
    rows: list[tuple[Any, ...]] = [
        ("picker: index made", built * 1000, "-"),
        ("picker: search, median", statistics.median(searches) * 1000, "-"),
        ("picker: search, p95", searches[int(len(searches) * 0.95)] * 1000, "-"),
    ]
    desk = Desk(lambda: open_practice(home, person="bench", environ={}))
    desk.open()
    app = Console(desk, environ={"TERM": "xterm-256color"}, welcome=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        for title, keys in (
            ("open Clients, until it is still", ("g", "c")),
            ("open the picker, until it is still", ("m",)),
            ("type eight letters there", tuple("f4 b o r d e r 1 2".split())),
        ):
            stalls: list[float] = []
            async with _watched(stalls):
                began = time.perf_counter()
                await press(pilot, *keys)
                rows.append((title, (time.perf_counter() - began) * 1000, max(stalls, default=0.0) * 1000))
    desk.close()
    return rows


def _chunks() -> Iterator[list[Any]]:
    import msgspec

    from xpm_tui.model.ports import Put
    from xpm_tui.model.tables import BASE, CLIENTS, LINKS, XPM_CLIENTS

    for table in (CLIENTS, XPM_CLIENTS, LINKS, BASE):
        for start in range(0, SIZE, 5000):
            count = min(5000, SIZE - start)
            yield [Put(table, msgspec.convert(row, table.row)) for row in documents(table.name, count, start)]


def _searches(index: Any) -> Iterator[float]:
    for typed in ("a", "sm", "smith", "limited", "alpha b", "acmholdg", "brown plumb", "smth plumbng", "123"):
        for end in range(1, len(typed) + 1):
            began = time.perf_counter()
            index.search(typed[:end])
            yield time.perf_counter() - began


@asynccontextmanager
async def _watched(stalls: list[float]) -> Any:
    async def watch() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.005)
            stalls.append(time.perf_counter() - began - 0.005)

    task = asyncio.create_task(watch())
    yield
    task.cancel()
