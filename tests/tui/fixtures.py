"""A practice with unusual records, and a console over it, without network and with a clock of its own."""

from __future__ import annotations

import asyncio
import concurrent.futures.thread
import selectors
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textual._context import visible_screen_stack
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widgets._footer import FooterKey

from tests.support.fake_xpm import FakeXpm, client, wired
from tests.support.moved_clock import MovedClock
from xpm_tui.application.home import add_practice, find_home
from xpm_tui.application.practice import OpenPractice, PracticeIdentity, open_practice, put
from xpm_tui.domain.ignition import Client, Contact
from xpm_tui.domain.ports import Put, Write
from xpm_tui.domain.tables import CLIENTS
from xpm_tui.domain.xpm import RecordReference, XpmClient, XpmContact
from xpm_tui.tui.app import Console
from xpm_tui.tui.dialogs.screen_dialogue import ProgressDialog
from xpm_tui.tui.screens.base import RecordListScreen
from xpm_tui.tui.widgets.frame import KeyFooter
from xpm_tui.tui.worker_thread import WorkerThread

HOSTILE = (
    "ACME [/] Pty",
    "[@click=app.quit]Click[/]",
    "Foo [/bold] Co",
    "Smith [Family] Trust",
    "ESC \x1b[31mred\x1b[0m \x07bell",
    "bidi \u202egnp.exe\u202c C1 \x9b2J",
    "Tāmaki Rōpū 株式会社さくら & Sons 🌸",
)
TERMINAL = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}


def xpm_rows(names: Sequence[str]) -> list[XpmClient]:
    """XPM clients: twelve ordinary ones, two of one name, hostile names, an archived one and a prospect."""
    rows = [
        client(n, code=f"CLI{n:03}", structure="Company", city="Hobart", contacts=(
            XpmContact(uuid=f"00000000-0000-0000-0001-{n:012}", name=f"Pat Doe {n}",
                       email=f"c{n}@example.com", phone=f"09 111 {n:04}", primary=True),
        ))
        for n in range(12)
    ]  # fmt: skip
    rows += [
        client(20, name="John Smith", city="Hobart", email="john1@smith.example", structure="Individual"),
        client(21, name="John Smith", city="Darwin", email="john2@smith.example", structure="Individual"),
        client(22, name="Old Mill Ltd", archived=True),
        client(23, name="Maybe Later Ltd", prospect=True, groups=(RecordReference("g1", "Farms [north]"),)),
    ]
    return rows + [client(30 + n, name=name) for n, name in enumerate(names)]


def book_rows(names: Sequence[str]) -> list[Client]:
    """The same clients in Ignition: some values are older, two have the same name, and one is not in XPM."""

    def one(number: int, name: str, **values: Any) -> Client:
        contact = Contact(
            id=f"k{number}", name=f"Pat Doe {number}", email=f"c{number}@example.com", primary=True
        )
        return Client(id=f"c{number}", name=name, client_id=f"CLI-{number:04}", contacts=(contact,), **values)

    rows = [one(n, f"Client {n:05}", phone="09 000 0000" if n < 4 else "") for n in range(12)]
    rows += [one(20, "John Smith"), one(21, "John Smith"), one(24, "Nobody's Client")]
    return rows + [one(30 + n, name) for n, name in enumerate(names)]


@dataclass
class ConsoleFixture:
    """A practice on disk, or in the database ``url`` under ``name``."""

    root: Path
    connected: bool = True
    books: bool = True
    settings: Mapping[str, str] = field(default_factory=dict)
    clock: MovedClock = field(default_factory=MovedClock)
    url: str = ""
    name: str = ""
    person: str = "mere"
    names: Sequence[str] = HOSTILE

    def __post_init__(self) -> None:
        self.xpm = FakeXpm(self.clock, xpm_rows(self.names))
        self.home = find_home(str(self.root / "home"), {})
        if self.name:
            add_practice(self.home, self.name)
        with self.open() as practice:
            writes: list[Write] = [Put(CLIENTS, row) for row in book_rows(self.names)] if self.books else []
            if self.connected:
                identity = PracticeIdentity(
                    tenant="t", title="Hill [&] Partners", since=self.clock.now(), by="mere", login="Ana Reid"
                )
                writes.append(put("identity", identity))
            if writes:
                practice.store.commit(writes)

    def open(self, *, read_only: bool = False) -> OpenPractice:
        """Open the practice with the simulated XPM."""
        practice = open_practice(
            self.home, person=self.person, environ={"XPM_TUI_STORE_URL": self.url} if self.url else {},
            clock=self.clock, overrides=dict(self.settings), read_only=read_only,
        )  # fmt: skip
        wired(practice, self.xpm)
        return practice

    def console(
        self, *, environ: Mapping[str, str] = TERMINAL, read_only: bool = False, welcome: bool = False
    ) -> Console:
        """Return a console over the practice; its worker thread is closed when the test ends."""
        worker = WorkerThread(lambda: self.open(read_only=read_only))
        worker.open()
        return Console(worker, environ=environ, welcome=welcome)


async def calm(pilot: Pilot[Any]) -> None:
    """Wait until the screen is up to date."""
    for _ in range(4):
        await pilot.pause(0.005)


ROUND = 0.003
"""Seconds between two checks for work in progress."""
QUIET = 4
"""Rounds without any work after which a screen counts as settled."""
PATIENCE, LONG_PATIENCE = 20, 400
"""Rounds after which a dialog counts as settled while the worker thread waits for its answer; for a
progress dialog, the second number."""
MOST = 400
"""Rounds to wait for the footer; if it stays empty, the test fails."""
IDLE = (selectors.__file__, concurrent.futures.thread.__file__)
"""The source files in which an idle thread waits."""
LONGEST = 4_000
"""Rounds after which ``until`` gives up."""


async def settle(pilot: Pilot[Any]) -> None:
    """Wait until the worker thread is idle or waits for a dialog's answer, and no message is queued.

    Then draw the screen once. The pilot's own ``pause`` posts a message to every widget to learn that its
    queue is empty, which took half of a test's time.
    """
    app = pilot.app
    assert isinstance(app, Console)
    quiet = waiting = rounds = 0
    while quiet < QUIET and app.is_running and app.return_value is None:
        still = await _round(app)
        rounds += 1
        waiting = waiting + 1 if _awaits_answer(app) else 0
        busy = (
            not still or app.worker.busy or not app._type_ahead.idle or (rounds < MOST and not _footed(app))
        )
        patience = LONG_PATIENCE if isinstance(app.screen, ProgressDialog) else PATIENCE
        quiet = 0 if busy and waiting <= patience else quiet + 1
    if quiet == QUIET:
        visible_screen_stack.set(app._background_screens)
        app.screen._compositor.render_full_update()


async def _round(app: Console) -> bool:
    """Wait briefly, lay out the screen if no message is queued, and return whether nothing is left to do.

    An earlier layout would miss widgets that are still being mounted: they would not learn their size.
    """
    await asyncio.sleep(ROUND)
    if _has_messages(app):
        return False
    app.screen._on_timer_update()
    return not _has_messages(app)


def _has_messages(app: Console) -> bool:
    screen = app.screen
    nodes: list[Any] = [app, *screen.walk_children(with_self=True)]
    return bool(screen._callbacks) or any(
        node._message_queue.qsize() or node._next_callbacks or not node._is_mounted for node in nodes
    )


def _awaits_answer(app: Console) -> bool:
    """Return whether a dialog is open while the worker's threads are idle."""
    thread, glances = app.worker._thread, vars(app.worker).get("_reads")
    if not isinstance(app.screen, ModalScreen) or thread is None:
        return False
    frames = sys._current_frames()
    there = [frames.get(each.ident or 0) for each in (thread, *(glances._threads if glances else ()))]
    return all(frame is not None and frame.f_code.co_filename in IDLE for frame in there)


def _footed(app: Console) -> bool:
    """Return whether the footer is complete: it is composed after the screen, once a list has the focus."""
    if isinstance(app.screen, RecordListScreen) and app.screen.focused is None and app.screen.focus_chain:
        return False
    wanted = sum(active.binding.show for active in app.screen.active_bindings.values())
    return all(len(foot.query(FooterKey).exclude(".-more")) == wanted for foot in app.screen.query(KeyFooter))


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys one after the other, waiting after each; ``=text`` types a text at once."""
    for key in keys:
        await pilot.app._press_keys(key[1:] if key.startswith("=") else (key,))
        await settle(pilot)


async def until(pilot: Pilot[Any], words: str) -> None:
    """Wait until the screen shows these words, such as the question of a command that waits for an answer."""
    app = pilot.app
    assert isinstance(app, Console)
    for rounds in range(LONGEST):
        await _round(app)
        if rounds % 4 == 3 and (words in text_of(app) or words in prose_of(app)):
            return
    raise AssertionError(f"{words!r} never came:\n{text_of(app)}")


def text_of(app: Console) -> str:
    """Return the screen as a user reads it."""
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())


def prose_of(app: Console) -> str:
    """Return the screen as one line without the frames of its panels, however sentences are wrapped."""
    frames = dict.fromkeys(map(ord, "│┃─━╭╮╰╯┏┓┗┛"), " ")
    return " ".join(text_of(app).translate(frames).split())


def words_in(app: Console, selector: str) -> str:
    """Return the text of a widget as one line, however it is wrapped."""
    region = app.screen.query_one(selector).content_region
    rows = app.screen._compositor.render_strips()[region.y : region.bottom]
    return " ".join(" ".join(row.crop(region.x, region.right).text for row in rows).split())
