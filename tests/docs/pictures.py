"""The pictures of the tutorial and the README: ``python -m tests.docs.pictures [NAME...]``.

It runs ``xpm-tui demo`` in a pseudo-terminal, presses the keys of the tutorial, and draws what the terminal
shows as SVG: a picture for each step, and one that moves for the README. No picture loads anything. On a busy
machine, give it more time with ``QUIET=3``; ``SHOW=1`` prints each screen.
"""

from __future__ import annotations

import fcntl
import os
import struct
import sys
import tempfile
import termios
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import pyte
from wcwidth import wcwidth

from tests.support import pseudo_terminal
from tests.support.screen import Screen

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
WIDTH, HEIGHT = 9.0, 20.0
"""Of a cell, in pixels."""
BACK, INK = "#10141b", "#d6dbe1"
NAMED = {
    "black": "#10141b", "red": "#e06c75", "green": "#7fc48a", "brown": "#d8b074", "blue": "#7fa7d1",
    "magenta": "#c39ac9", "cyan": "#78b6bd", "white": "#d6dbe1",
}  # fmt: skip
FONT = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace"
LIMIT = float(os.environ.get("LIMIT", "300"))
"""Seconds that a step may take on a busy machine."""
SECONDS = 3.2
"""For which the moving picture shows each frame."""
QUIET = float(os.environ.get("QUIET", "0.8"))
"""Seconds after which a screen stays as it is: more on a busy machine."""
LINES: dict[str, tuple[str, bool]] = {
    "─": ("lr", False), "│": ("ud", False), "╭": ("rd", False), "╮": ("ld", False), "╰": ("ru", False),
    "╯": ("lu", False), "├": ("rud", False), "┤": ("lud", False), "┬": ("lrd", False), "┴": ("lru", False),
    "┌": ("rd", False), "┐": ("ld", False), "└": ("ru", False), "┘": ("lu", False), "┼": ("lrud", False),
    "━": ("lr", True), "┃": ("ud", True), "┏": ("rd", True), "┓": ("ld", True), "┗": ("ru", True),
    "┛": ("lu", True),
}  # fmt: skip
"""Characters that are drawn as lines: which halves of the cell they cross, and whether heavily."""
ENDS = {"l": (0.0, 0.5), "r": (1.0, 0.5), "u": (0.5, 0.0), "d": (0.5, 1.0)}


class Step(NamedTuple):
    """Keys to press, words that show that the console has arrived, and the name of the picture to take."""

    keys: str
    arrives: str
    name: str = ""
    caption: str = ""
    """What the moving picture says below this step; empty where it is left out."""


ENTER, DOWN, RIGHT, ESC, F3 = "\r", "\x1b[B", "\x1b[C", "\x1b", "\x1bOR"

TUTORIAL = (
    Step("", "It is ticked", "tutorial-1"),
    Step(ENTER, "Waiting for Xero"),
    Step(ENTER, "consent page", "tutorial-2", "1  Sign in: the browser may be on any machine"),
    Step(ENTER, "Which side is the master", "tutorial-3", "2  Choose a direction"),
    Step(ENTER, "Who is who"),
    Step(ENTER, "Link 3 people whose", "tutorial-4"),
    Step("l", "3 linked"),
    Step(F3, "job templates"),
    Step(F3, "See the first plan"),
    Step(ENTER, "exact name"),
    Step(DOWN + RIGHT, "exact name", "tutorial-5", "3  See every change and its rule"),
    Step("a", "Cancel", "apply", "4  The question repeats the figures of this very plan"),
    Step("a", "Done", "tutorial-6", "5  The run: each line as it happens"),
    Step(ESC, ""),
    Step("go", "Overview", "tutorial-7", "6  Overview: what is linked, and what needs you"),
    Step("gc", "Clients"),
    Step("/", ""),
    Step("john smith" + ENTER, "John Smith"),
    Step("m", "1407", "tutorial-8", "7  Two clients of one name, compared"),
    Step(ESC, "Clients"),
    Step("gs", "Sync"),
    Step("u", "undoes run", "tutorial-9", "8  Undo: what is restored, and what stays"),
)
"""The keys of docs/tutorial.md."""


class DemoTerminal(pseudo_terminal.Terminal):
    """``xpm-tui demo`` in a terminal of another size, with all colours."""

    def __init__(self, home: Path, columns: int, lines: int) -> None:
        size = {"COLUMNS": str(columns), "LINES": str(lines)}
        super().__init__(
            ["-m", "xpm_tui", "demo"], COLORTERM="truecolor", HOME=str(home), XPM_TUI_USER="ana", **size
        )
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._screen = Screen(columns, lines)

    def settled(self, words: str) -> pyte.Screen:
        """The screen once it shows these words and stays as it is."""
        end = time.monotonic() + LIMIT
        while words not in self.text:
            assert time.monotonic() < end, f"{words!r} never came:\n{self.text}"
            self._next(0.2)
        self.read(QUIET)
        return self.screen._screen


def runs(screen: pyte.Screen, row: int) -> Iterator[tuple[int, str, Any]]:
    """The pieces of a line that look the same: column, text, and the look of the first cell."""
    line, begin, text, look = screen.buffer[row], 0, "", None
    for column in range(screen.columns):
        cell = line[column]
        kind = (cell.data in LINES, len(cell.data))
        this = (cell.fg, cell.bg, cell.bold, cell.reverse, cell.underscore, kind)
        if this != look or wcwidth(cell.data[:1] or " ") != 1:
            if text:
                yield begin, text, line[begin]
            begin, text, look = column, "", this
        text += cell.data
    if text:
        yield begin, text, line[begin]


def colour(name: str, otherwise: str) -> str:
    """A colour of the terminal as SVG has it."""
    if name == "default":
        return otherwise
    return NAMED.get(name.removeprefix("bright"), f"#{name}" if len(name) == 6 else otherwise)


def drawn(screen: pyte.Screen) -> str:
    """What a terminal shows, as the inside of an SVG."""
    papers: list[str] = []
    texts: list[str] = []
    strokes: dict[tuple[str, bool], str] = defaultdict(str)
    for row in range(screen.lines):
        y = row * HEIGHT
        for column, text, cell in runs(screen, row):
            ink, paper = colour(cell.fg, INK), colour(cell.bg, BACK)
            ink, paper = (paper, ink) if cell.reverse else (ink, paper)
            x, wide = column * WIDTH, sum(max(1, wcwidth(each)) for each in text) * WIDTH
            if paper != BACK:
                papers.append(f'<path fill="{paper}" d="M{x:g} {y:g}h{wide:g}v{HEIGHT:g}h-{wide:g}z"/>')
            if text[0] in LINES:
                for place, each in enumerate(text):
                    halves, heavy = LINES[each]
                    strokes[ink, heavy] += _line(x + place * WIDTH, y, halves)
            elif text.strip():
                begin = len(text) - len(text.lstrip())
                x, text = x + begin * WIDTH, text.strip()
                wide = sum(max(1, wcwidth(each)) for each in text) * WIDTH
                bold = ' font-weight="700"' if cell.bold else ""
                under = ' text-decoration="underline"' if cell.underscore else ""
                spot = f'x="{x:g}" y="{y + HEIGHT * 0.75:g}" textLength="{wide:g}"'
                texts.append(f'<text {spot} fill="{ink}"{bold}{under}>{escape(text, quote=False)}</text>')
    lines = [
        f'<path fill="none" stroke="{ink}" stroke-width="{2.4 if heavy else 1.2}" d="{path}"/>'
        for (ink, heavy), path in strokes.items()
    ]
    return "\n".join([*papers, *lines, *texts])


def _line(x: float, y: float, halves: str) -> str:
    if halves == "lr":
        return f"M{x:g} {y + HEIGHT / 2:g}h{WIDTH:g}"
    if halves == "ud":
        return f"M{x + WIDTH / 2:g} {y:g}v{HEIGHT:g}"
    points = [(x + ENDS[half][0] * WIDTH, y + ENDS[half][1] * HEIGHT) for half in halves]
    middle = f"{x + WIDTH / 2:g} {y + HEIGHT / 2:g}"
    return "".join(f"M{a:g} {b:g}L{middle}" for a, b in points)


def window(frames: Sequence[tuple[str, str]], columns: int, lines: int, alt: str) -> str:
    """A picture of one frame, or one that shows several in turn, each with its caption."""
    wide, top, foot = columns * WIDTH + 24, 40.0, 46.0 if len(frames) > 1 else 14.0
    high = lines * HEIGHT + top + foot
    moving = ""
    if len(frames) > 1:
        share, whole = 100 / len(frames), SECONDS * len(frames)
        moving = (
            f"@keyframes turn{{0%,{share - 0.01:.2f}%{{opacity:1}}{share:.2f}%,100%{{opacity:0}}}}"
            f".f{{opacity:0;animation:turn {whole:g}s step-end infinite}}"
        )
        moving += "".join(f".f{n}{{animation-delay:{n * SECONDS:g}s}}" for n in range(len(frames)))
        moving += "@media (prefers-reduced-motion:reduce){.f{animation:none}.f2{opacity:1}}"
    style = f"text{{font:14.6px {FONT};white-space:pre}}.c{{font:600 16px system-ui,sans-serif}}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:g} {high:g}" role="img">',
        f"<title>{escape(alt)}</title>",
        f"<style>{style}{moving}</style>",
        f'<rect width="{wide:g}" height="{high:g}" rx="10" fill="{BACK}" stroke="#3a4453"/>',
        *(f'<circle cx="{20 + 18 * n}" cy="20" r="6" fill="{each}"/>'
          for n, each in enumerate(("#ff5f57", "#febc2e", "#28c840"))),
        f'<text class="c" x="{wide / 2:g}" y="25" fill="#8a94a3" text-anchor="middle">xpm-tui</text>',
    ]  # fmt: skip
    for number, (frame, caption) in enumerate(frames):
        parts.append(f'<g class="f f{number}">' if len(frames) > 1 else "<g>")
        parts.append(f'<g transform="translate(12 {top:g})">{frame}</g>')
        if len(frames) > 1:
            middle = f'x="{wide / 2:g}" y="{high - 17:g}"'
            parts.append(f'<text class="c" {middle} fill="#d8b074" text-anchor="middle">')
            parts.append(f"{escape(caption)}</text>")
        parts.append("</g>")
    return "\n".join([*parts, "</svg>", ""])


def take(steps: Sequence[Step], columns: int, lines: int, *, show: bool) -> dict[str, tuple[str, str]]:
    """Walk through the demo; gives each named picture with its caption."""
    found: dict[str, tuple[str, str]] = {}
    with tempfile.TemporaryDirectory() as place:
        terminal = DemoTerminal(Path(place), columns, lines)
        try:
            for step in steps:
                for key in _keys(step.keys):
                    terminal.type(key)
                    terminal.read(0.25)
                screen = terminal.settled(step.arrives)
                if show:
                    print("=" * 20, step.name, repr(step.keys))
                    print(terminal.text, flush=True)
                if step.name:
                    found[step.name] = (drawn(screen), step.caption)
        finally:
            terminal.close()
    return found


def _keys(keys: str) -> list[str]:
    """The keys of a text one by one: an escape sequence is one key."""
    found: list[str] = []
    rest = keys
    while rest:
        size = next((len(each) for each in (DOWN, RIGHT, F3) if rest.startswith(each)), 1)
        found.append(rest[:size])
        rest = rest[size:]
    return found


ALT = "The console at work: signing in, a plan, the question, the run, Overview, namesakes, undo"


def main(names: Sequence[str]) -> int:
    """Take the pictures, all of them or those that are named."""
    columns, lines = 100, 30
    taken = take(TUTORIAL, columns, lines, show=bool(os.environ.get("SHOW")))
    pictures = {name: window([each], columns, lines, name) for name, each in taken.items() if name != "apply"}
    pictures["demo"] = window([each for each in taken.values() if each[1]], columns, lines, ALT)
    for name in names or pictures:
        (FOLDER / f"{name}.svg").write_text(pictures[name], encoding="utf-8")
        print(f"{name}.svg: {len(pictures[name].encode()) // 1024} KB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
