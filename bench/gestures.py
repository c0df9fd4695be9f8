"""Gestures over a store of 50,000 clients, links and mirror: how long each takes, how long the loop stalls.

One console while nothing else goes on, then one while a run that changes every client goes on in a process of
its own. A task beside the screen's own measures how long its loop stands still.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from bench.large import SIZE
from bench.table import show

TYPED = ("a", "sm", "smith", "limited", "alpha b", "acmholdg", "brown plumb", "smth plumbng", "123")
LOOK = 0.005
"""Seconds between two looks whether the loop moves."""
LETTERS = ("f4", "b", "o", "r", "d", "e", "r", "1", "2")

Figures = dict[str, tuple[float, float, float]]
"""By gesture: milliseconds until it is on the screen, the longest stall of the loop meanwhile, and how many
milliseconds of that stall the loop itself computed: the rest it waited for a processor or the interpreter.
"""


async def measured(home: Path) -> None:
    """Both consoles, in one table."""
    quiet = await _gestures(home)
    with _run_beside(home) as goes_on:
        busy = await _gestures(home)
        if not goes_on():
            print("The run ended before the gestures did: what is called busy here was so in part.")
    show(
        (f"with {SIZE:,} clients", "ms", "longest stall, ms (goal: 50)", "its own work",
         "during a run: ms", "stall, ms", "own work"),
        [(title, *quiet[title], *busy[title]) for title in quiet],
    )  # fmt: skip


async def _gestures(home: Path) -> Figures:
    from textual import events

    from tests.tui.fixtures import settle
    from xpm_tui.application.home import find_home
    from xpm_tui.application.practice import open_practice
    from xpm_tui.tui.app import Console
    from xpm_tui.tui.screens.clients import Clients
    from xpm_tui.tui.screens.picker import Picker
    from xpm_tui.tui.worker_thread import WorkerThread, tune_interpreter

    worker = WorkerThread(lambda: open_practice(find_home(str(home), {}), person="bench", environ={}))
    worker.open()
    tune_interpreter()
    app: Any = Console(worker, environ={"TERM": "xterm-256color"}, welcome=False)
    found: Figures = {}
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)

        async def gesture(title: str, keys: str, shown: Callable[[], object]) -> None:
            async with _watched() as stalls:
                began = time.perf_counter()
                for key in keys.split():  # as a terminal sends them: the pilot's own press waits for calm
                    app.post_message(events.Key(key, key if len(key) == 1 else None))
                while not shown():  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
                taken = time.perf_counter() - began
                await asyncio.sleep(0.3)
            found[title] = (taken * 1000, *max(stalls))

        def clients() -> Any:
            return app.area if isinstance(app.area, Clients) else None

        def hits() -> object:
            return app.screen._hits.items if isinstance(app.screen, Picker) else ()

        await gesture("nothing", "", lambda: True)
        await gesture(
            "Clients: first rows (goal: 300 ms)", "g c", lambda: clients() and clients().table.rows.items
        )
        await gesture("Clients: all rows", "", lambda: len(clients().table.rows.items) == SIZE)
        await gesture("the picker: first hits (goal: 250 ms, 500 ms during a run)", "m", hits)
        letters = []
        for key in LETTERS:
            before = hits()
            await gesture(key, key, lambda before=before: hits() is not before)  # type: ignore[misc]
            letters.append(found.pop(key))
        found["the picker: a letter, median of nine"] = (
            statistics.median(taken for taken, *_ in letters), *max((stall, own) for _, stall, own in letters)
        )  # fmt: skip
        await gesture("the picker: the whole index", "", lambda: app.picker_index)
        async with _watched() as stalls:
            searches = [await worker.read(_search, app.picker_index[1], text) for text in _prefixes()]
        taken, own = (sorted(each) for each in zip(*searches, strict=True))
        found["the picker: a search, median"] = (statistics.median(taken), *max(stalls))
        found["the picker: a search, p95 (goal: 40 ms)"] = (_p95(taken), *max(stalls))
        found["the picker: a search, p95 of its own work"] = (_p95(own), *max(stalls))
    worker.close()
    return found


def _prefixes() -> list[str]:
    return [typed[:end] for typed in TYPED for end in range(1, len(typed) + 1)]


def _p95(ordered: list[float]) -> float:
    return ordered[int(len(ordered) * 0.95)]


def _search(_: Any, index: Any, text: str) -> tuple[float, float]:
    """Milliseconds that a search takes on the thread where the picker searches; those that it computes."""
    began, worked = time.perf_counter(), time.thread_time()
    index.search(text)
    return (time.perf_counter() - began) * 1000, (time.thread_time() - worked) * 1000


@contextmanager
def _run_beside(home: Path) -> Iterator[Callable[[], bool]]:
    """A run that changes every client, in a process of its own; gives whether it still goes on."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.large", str(home)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield lambda: process.poll() is None
    finally:
        process.kill()
        process.wait()


@asynccontextmanager
async def _watched() -> AsyncIterator[list[tuple[float, float]]]:
    """Milliseconds that the loop stood still, each time, and of them what it computed."""
    stalls = [(0.0, 0.0)]

    async def watch() -> None:
        while True:
            began, worked = time.perf_counter(), time.thread_time()
            await asyncio.sleep(LOOK)
            stood, own = time.perf_counter() - began - LOOK, time.thread_time() - worked
            stalls.append((stood * 1000, own * 1000))

    task = asyncio.create_task(watch())
    yield stalls
    task.cancel()
