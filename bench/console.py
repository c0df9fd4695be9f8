"""The console: its first frame beside an empty Textual app's, 50,000 clients, bytes on the wire.

First frames are whole processes in a pseudo-terminal, from their start and from bytecode.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench import gestures
from bench.large import fill
from bench.process import compiled, spent
from bench.table import show

RUNS = 21
EMPTY = "from textual.app import App\nApp().run()"
STOCK_END, OUR_END = b"\x1b[24;1H", b"\x1b[24H"
"""Where the last line of a frame begins: then it is whole."""


def main() -> None:
    """First frames, then the figures of a large practice, then bytes."""
    with tempfile.TemporaryDirectory() as place:
        _first_frames(Path(place))
    print()
    with tempfile.TemporaryDirectory() as place:
        fill(Path(place))
        asyncio.run(gestures.measured(Path(place)))
    print()
    with tempfile.TemporaryDirectory() as place:
        _bytes(Path(place))


def _first_frames(folder: Path) -> None:
    from tests.support.pseudo_terminal import Terminal
    from tests.tui.fixtures import ConsoleFixture

    ConsoleFixture(folder)
    environment = compiled(folder / "bytecode")

    def started() -> Terminal:
        """Start the console as most users do: without any option."""
        return Terminal(["-m", "xpm_tui"], **environment, XPM_TUI_HOME=str(folder / "home"))

    marks: dict[str, Callable[[], tuple[Terminal, bytes]]] = {
        "an empty Textual app": lambda: (Terminal(["-c", EMPTY], **environment), STOCK_END),
        "the console: Overview's frame (goal: 1.25)": lambda: (started(), OUR_END),
        "the console: Overview filled (goal: 1.6)": lambda: (started(), b"clients to link"),
    }
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in marks}
    for turn in range(1 + RUNS):
        for name, mark in marks.items():
            before = spent()
            terminal, words = mark()
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


def _bytes(folder: Path) -> None:
    from tests.support.pseudo_terminal import console
    from tests.tui.fixtures import ConsoleFixture
    from xpm_tui.application.runs.xpm_refresh import refresh
    from xpm_tui.tui.app_protocol import AREAS

    async def filled() -> None:
        with ConsoleFixture(folder).open() as practice:
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
        ("\x1b[B", "cursor in the picker, and its effect", 1_000),
    ):  # fmt: skip
        rows.append((title, len(terminal.send(keys)), goal))
    terminal.close()
    show(("bytes at 80x24, 256 colours", "bytes", "goal: under"), rows)
