"""The console: its first frame beside an empty Textual app's, 50,000 clients, bytes on the wire.

First frames are whole processes in a pseudo-terminal, from their start. The large practice is one console
over a book of 50,000 clients with links and mirror, while nothing else goes on and then while a run over all
of them does, in a process of its own: a task beside it measures how long the screen's loop stands still.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from bench.large import SIZE, fill
from bench.process import compiled, spent
from bench.table import show

RUNS = 21
EMPTY = "from textual.app import App\nApp().run()"
LAST_LINE = b"\x1b[24;1H"
"""Where the last line of a frame begins: then it is whole."""
TYPED = ("a", "sm", "smith", "limited", "alpha b", "acmholdg", "brown plumb", "smth plumbng", "123")


def main() -> None:
    """First frames, then the figures of a large practice, then bytes."""
    with tempfile.TemporaryDirectory() as place:
        _first_frames(Path(place))
    print()
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        fill(home)
        _search(home)
        print()
        asyncio.run(_large(home))
    print()
    with tempfile.TemporaryDirectory() as place:
        _bytes(Path(place))


def _first_frames(folder: Path) -> None:
    from tests.support.pseudo_terminal import Terminal, console
    from tests.tui.world import World

    World(folder)
    home = folder / "home"
    environment = compiled(folder / "bytecode")
    marks: dict[str, Callable[[], tuple[Terminal, bytes]]] = {
        "an empty Textual app": lambda: (Terminal(["-c", EMPTY], **environment), LAST_LINE),
        "the console: Overview's frame (goal: 1.3)": lambda: (console(home, **environment), LAST_LINE),
        "the console: Overview filled": lambda: (console(home, **environment), b"need a link"),
    }
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in marks}
    for turn in range(1 + RUNS):
        for name, started in marks.items():
            before = spent()
            terminal, words = started()
            seconds = terminal.seconds_until(words)
            terminal.close()
            if turn:
                taken[name].append((seconds, spent() - before))
    empty = taken["an empty Textual app"]

    def times_empty(those: list[tuple[float, float]], which: int) -> float:
        return statistics.median(a[which] / b[which] for a, b in zip(those, empty, strict=True))

    show(
        (f"first paint, {RUNS} times in turn", "median ms", "times an empty app, paired", "its processor"),
        [
            (name, statistics.median(each[0] for each in those) * 1000,
             times_empty(those, 0), times_empty(those, 1))
            for name, those in taken.items()
        ],
    )  # fmt: skip


def _search(home: Path) -> None:
    from xpm_tui.model.tables import XPM_CLIENTS
    from xpm_tui.service.home import find_home
    from xpm_tui.service.practice import open_practice
    from xpm_tui.sync.matching.search import PickerIndex

    with open_practice(find_home(str(home), {}), person="bench", environ={}) as practice:
        began = time.perf_counter()
        index = PickerIndex.build(practice.snapshot().rows(XPM_CLIENTS))
        built = time.perf_counter() - began
    taken = sorted(_searches(index))
    show(
        (f"the picker's index, {SIZE:,} clients", "ms"),
        [
            ("made", built * 1000),
            ("a search, median", statistics.median(taken) * 1000),
            ("a search, p95 (goal: 40)", taken[int(len(taken) * 0.95)] * 1000),
        ],
    )


def _searches(index: Any) -> Iterator[float]:
    for typed in TYPED:
        for end in range(1, len(typed) + 1):
            began = time.perf_counter()
            index.search(typed[:end])
            yield time.perf_counter() - began


async def _large(home: Path) -> None:
    quiet = await _gestures(home)
    with _run_beside(home):
        busy = await _gestures(home)
    show(
        (f"with {SIZE:,} clients", "ms", "longest stall, ms (goal: 50)", "during a run: ms", "stall, ms"),
        [(title, *quiet[title], *busy[title]) for title in quiet],
    )


async def _gestures(home: Path) -> dict[str, tuple[float, float]]:
    """Milliseconds until each is on the screen, and the longest stall of the loop meanwhile."""
    from textual import events

    from tests.tui.world import settle
    from xpm_tui.service.home import find_home
    from xpm_tui.service.practice import open_practice
    from xpm_tui.tui.app import Console
    from xpm_tui.tui.desk import Desk, calm
    from xpm_tui.tui.screens.clients import Clients
    from xpm_tui.tui.screens.picker import Picker

    desk = Desk(lambda: open_practice(find_home(str(home), {}), person="bench", environ={}))
    desk.open()
    calm()
    app: Any = Console(desk, environ={"TERM": "xterm-256color"}, welcome=False)
    found: dict[str, tuple[float, float]] = {}
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)

        async def gesture(title: str, keys: str, shown: Callable[[], object]) -> None:
            stalls = [0.0]
            async with _watched(stalls):
                began = time.perf_counter()
                for key in keys.split():  # as a terminal sends them: the pilot's own press waits for calm
                    app.post_message(events.Key(key, key if len(key) == 1 else None))
                while not shown():  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
                taken = time.perf_counter() - began
                await asyncio.sleep(0.3)
            found[title] = (taken * 1000, max(stalls) * 1000)

        def clients() -> Any:
            return app.area if isinstance(app.area, Clients) else None

        def hits() -> object:
            return app.screen._hits.views if isinstance(app.screen, Picker) else ()

        await gesture("nothing", "", lambda: True)
        await gesture(
            "Clients: first rows (goal: 300 ms)", "g c", lambda: clients() and clients()._table.rows.items
        )
        await gesture("Clients: all rows", "", lambda: len(clients()._table.rows.items) == SIZE)
        await gesture("the picker: first hits", "m", hits)
        letters = []
        for key in ("f4", "b", "o", "r", "d", "e", "r", "1", "2"):
            before = hits()
            await gesture(key, key, lambda before=before: hits() is not before)  # type: ignore[misc]
            letters.append(found.pop(key))
    desk.close()
    median = statistics.median(taken for taken, _ in letters)
    return found | {"the picker: a letter, median of nine": (median, max(stall for _, stall in letters))}


@contextmanager
def _run_beside(home: Path) -> Iterator[None]:
    """A run that changes every client, in a process of its own, from its first step on."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.large", str(home)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _bytes(folder: Path) -> None:
    from tests.support.pseudo_terminal import console
    from tests.tui.world import World
    from xpm_tui.service.runs.refresh import refresh
    from xpm_tui.tui.areas import AREAS

    async def filled() -> None:
        with World(folder).open() as practice:
            await refresh(practice, full=True)

    asyncio.run(filled())
    terminal = console(folder / "home")
    rows: list[tuple[str, int, object]] = [("first frame and Overview", len(terminal.started()), "-")]
    rows.append(("idle, 5 s", len(terminal.read(5.0)), 0))
    for area in AREAS[1:]:
        sent = len(terminal.send(f"g{area.letter}"))
        rows.append((f"{area.title}, first visit", sent, 20_000))
    for keys, title, goal in (
        ("gc", "Clients again", 20_000), ("j", "cursor in Clients, and both sides after it", 1_000),
        (":", "palette", 40_000), ("l", "a letter in the palette", 4_000), ("\x1b", "palette closed", 20_000),
        ("m", "picker", 20_000), ("\x7f", "a letter in the picker", 4_000),
        ("\x1b[B", "cursor in the picker, and its effect", 2_000),
    ):  # fmt: skip
        rows.append((title, len(terminal.send(keys)), goal))
    terminal.close()
    show(("bytes at 80x24, 256 colours", "bytes", "goal: under"), rows)


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
