"""The console: areas as modes, one handler for trouble, one way to do an act, a clean end."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, cast

import msgspec
from rich.console import Console as RichConsole
from textual import events, on
from textual.app import App
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.filter import Monochrome, NoColor
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.widgets import Input
from textual.worker import Worker

from xpm_tui.acts.act import Act, Result, Situation
from xpm_tui.acts.registry import by_name
from xpm_tui.acts.tables import tabled
from xpm_tui.model.errors import Trouble
from xpm_tui.model.text import Shown, visible, visible_lines
from xpm_tui.service import daily
from xpm_tui.tui import crash, keys, terminal, theme
from xpm_tui.tui.areas import AREAS
from xpm_tui.tui.desk import Desk
from xpm_tui.tui.flows import Flows
from xpm_tui.tui.plain import content
from xpm_tui.tui.pulse import read_pulse
from xpm_tui.tui.screens.area import AreaScreen
from xpm_tui.tui.screens.dialog import Confirm, Told
from xpm_tui.tui.screens.form import Form, asked, build
from xpm_tui.tui.screens.help import Help
from xpm_tui.tui.screens.palette import Entry, Palette
from xpm_tui.tui.screens.too_small import TooSmall, too_small
from xpm_tui.tui.screens.trouble import tell
from xpm_tui.tui.styles import style
from xpm_tui.tui.talk import ScreenTalk
from xpm_tui.tui.widgets.header import Header, Pulse

if TYPE_CHECKING:
    from xpm_tui.sync.search import PickerIndex

LOOK = 1.0
"""Seconds between two looks whether the book has moved: by a run, a verb or another console."""

BEAT = 30.0
"""Seconds between two heartbeats when nothing moves: "2 h ago" has to stay true."""

SWITCH = -1
"""What the app gives back when another practice was chosen: to be started again over that one."""

REST = 10
"""How many times as long as the last heartbeat took nothing is counted again unasked."""

SIGN_IN = 3600.0
"""Seconds between two notes that somebody sits here."""

TOAST_LINES = 4


def _area(name: str) -> Callable[[], Screen[Any]]:
    """Screens are imported when they are first opened."""

    def make() -> Screen[Any]:
        from xpm_tui.tui.screens import areas

        return areas.make(name)

    return make


class Console(Flows, App[int]):
    """The full-screen console over one practice."""

    CSS_PATH: ClassVar = style("console")
    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = None
    HORIZONTAL_BREAKPOINTS: list[tuple[int, str]] = [  # noqa: RUF012
        (0, "-tiny"), (60, "-narrow"), (100, "-wide"), (140, "-vast"),
    ]  # fmt: skip
    VERTICAL_BREAKPOINTS: list[tuple[int, str]] = [(0, "-short"), (18, "-low"), (36, "-tall")]  # noqa: RUF012
    MODES: ClassVar[dict[str, Any]] = {area.name: _area(area.name) for area in AREAS}
    DEFAULT_MODE = "overview"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "leave", "Leave", show=False, priority=True, tooltip="Leave the console"),
        Binding("ctrl+c", "interrupt", show=False, system=True),
        Binding("g", "go", "Go to", show=False),
        Binding("ctrl+p,colon", "palette", "Palette", show=False),
        Binding("f1,question_mark", "help", "Help", show=False),
    ]

    def __init__(
        self,
        desk: Desk,
        *,
        environ: Mapping[str, str] | None = None,
        guard_terminal: bool = False,
        welcome: bool = True,
    ) -> None:
        self.environ = dict(os.environ if environ is None else environ)
        super().__init__()
        self.desk = desk
        self.pulse = Pulse()
        self.position: object = None
        self.parting: Shown = Shown("")
        self.picker_index: tuple[tuple[object, int], PickerIndex] | None = None
        self._guard_terminal = guard_terminal
        self._welcome = welcome
        self._undo_signals: Callable[[], None] = lambda: None
        self._interrupted = False
        self._going = False
        self._pulsed = self._pulse_cost = 0.0
        self._key_noted: float | None = None
        self.animation_level = "none"
        for each in theme.ALL:
            self.register_theme(each)
        self._dress()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own variables, for themes that are not ours."""
        return theme.DEFAULTS

    def _dress(self) -> None:
        wanted = self.desk.practice.settings.text("theme")
        colours = RichConsole(force_terminal=True, _environ=self.environ).color_system
        if wanted in self.available_themes:
            self.theme = wanted
        else:
            self.theme = theme.choose(self.environ, colours, wanted)
        if self.no_color and self.current_theme.ansi:
            self._filters = [NoColor() if isinstance(f, Monochrome) else f for f in self._filters]

    # -- life -----------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """First the screen, then the data; from now on a hang-up ends the console cleanly."""
        if self._guard_terminal:
            self._undo_signals = terminal.on_hangup(self._hung_up)
            self.set_interval(terminal.WATCH, self._watch_terminal)
        self.set_interval(LOOK, self._watch_book)
        self.set_interval(BEAT, self._beat)
        self._beat()

    def on_resize(self, event: events.Resize) -> None:
        """A window in which nothing fits says so."""
        if too_small(event.size) and not any(isinstance(s, TooSmall) for s in self.screen_stack):
            self.push_screen(TooSmall())

    def on_unmount(self) -> None:
        """Give the signals back."""
        self._undo_signals()

    async def on_event(self, event: events.Event) -> None:
        """A key means that somebody is here: the daily run may go on for another day."""
        if isinstance(event, events.Key) and not event.is_forwarded and self._prefixed(event.key):
            return
        if isinstance(event, events.Key) and not self.desk.practice.read_only:
            now = self.desk.practice.clock.monotonic()
            if self._key_noted is None or now - self._key_noted > SIGN_IN:
                self._key_noted = now
                self.work(lambda: self.desk.ask(daily.signed_in), "signed-in")
        await super().on_event(event)

    def _hung_up(self, why: str) -> None:
        self.parting = Shown("")
        self.exit(129 if why == "hang-up" else 143)

    def _watch_terminal(self) -> None:
        if terminal.gone(terminal.stdin_fd()):
            self._hung_up("hang-up")

    def _watch_book(self) -> None:
        self.work(lambda: self._look_at_book(), "watch", exclusive=True)

    async def _look_at_book(self) -> None:
        if monotonic() - self._pulsed < REST * self._pulse_cost:
            return  # counting a large book takes long: whoever waits for an answer goes first
        position = await self.desk.ask(lambda practice: practice.book.watch())
        if position != self.position:
            await self.refresh_pulse()

    def _beat(self) -> None:
        self.work(lambda: self.refresh_pulse(), "beat", exclusive=True)

    async def refresh_pulse(self) -> None:
        began = monotonic()
        self.position, self.pulse = await self.desk.ask(read_pulse)
        self._pulsed = monotonic()
        self._pulse_cost = self._pulsed - began
        for screen in self.screen_stack:
            if isinstance(screen, AreaScreen):
                screen.tell(self.pulse)
                screen.refresh_data()
        if self._welcome and not self.pulse.connected and not self.desk.practice.read_only:
            self.connect()
        self._welcome = False

    # -- work -----------------------------------------------------------------------------------------------

    def work(
        self,
        job: Callable[[], Coroutine[Any, Any, Any]],
        group: str,
        *,
        exclusive: bool = False,
        node: DOMNode | None = None,
    ) -> Worker[Any]:
        """Run something beside the screen. What it raises is told by one handler, never a crash."""
        owner = node if node is not None else self

        async def guarded() -> Any:
            try:
                return await job()
            except Exception as error:
                # A worker's own news of its end does not bubble: what it raises would be lost without a word.
                self.trouble(error)
                return None

        return owner.run_worker(guarded, group=group, exclusive=exclusive, exit_on_error=False)

    def trouble(self, error: BaseException) -> None:
        """Tell what went wrong: sentence and hint, or where the private report of an error of ours is."""
        if isinstance(error, Trouble):
            tell(self, error)
            return
        path = crash.report(error, self.desk.practice.state, self.desk.practice.clock.now())
        where = f"What happened is written to {path}, without any value or name." if path else ""
        self.push_screen(
            Told("An error of ours", "Something went wrong inside xpm-tui. Nothing was half-written.",
                 hint=where, bad=True)
        )  # fmt: skip

    def toast(self, text: str, severity: SeverityLevel = "information", title: str = "") -> None:
        """A few words about something that is out of sight."""
        self.notify(
            visible_lines(text), title=visible(title), severity=severity, markup=False,
            timeout=8 if severity != "information" else 5,
        )  # fmt: skip

    def situation(self, area: str, **about: Any) -> Situation:
        """What the acts depend on, from the last heartbeat: cheap at any key press."""
        return Situation(
            area=area,
            practice=self.desk.practice,
            connected=self.pulse.connected,
            read_only=self.desk.practice.read_only,
            running=self.pulse.running,
            **about,
        )

    def perform(
        self,
        act: Act[Any],
        preset: Mapping[str, Any],
        *,
        title: str = "",
        start: Mapping[str, Any] | None = None,
        ask: bool = True,
        after: Callable[[], None] | None = None,
    ) -> None:
        """Do an act: ask for what ``preset`` does not settle, run it on the desk, say what came of it.

        ``start`` fills the form in without settling; ``ask`` of False shows no form. ``after`` is called when
        it is done, before what came of it is told.
        """
        self.work(lambda: self._perform(act, dict(preset), title, start, ask, after), f"act:{act.name}")

    async def _perform(
        self, act: Act[Any], preset: dict[str, Any], title: str, start: Mapping[str, Any] | None,
        ask: bool, after: Callable[[], None] | None,
    ) -> None:  # fmt: skip
        params = build(act, preset) if not (ask and asked(act, preset)) else None
        if params is None:
            params = await self._fill_in(act, preset, start)
            if params is None:
                return
        talk = ScreenTalk(self, title or act.title)
        result = await self.desk.run(act.run, params, talk)
        await self.refresh_pulse()
        if act.name.startswith("settings."):
            await self.desk.reopen()
        if act.name == "practices.switch" and result.trouble is None:
            self.exit(SWITCH)
            return
        if after is not None:
            after()
        self.tell_result(act, result, talk.said)

    async def _fill_in(
        self, act: Act[Any], preset: Mapping[str, Any], start: Mapping[str, Any] | None
    ) -> msgspec.Struct | None:
        return await self.push_screen_wait(Form(act, preset, start))

    def tell_result(self, act: Act[Any], result: Result, said: list[str]) -> None:
        """A short outcome as a toast, a long one to read."""
        told = [*said, *tabled(result, min(self.size.width, 100) - 8), *(str(line) for line in result.lines)]
        if result.trouble is not None:
            tell(self, result.trouble, title=act.title, text="\n".join(told), act=act.name)
        elif len(told) > TOAST_LINES:
            self.push_screen(Told(act.title, "\n".join(told), wide=True))
        elif told:
            self.toast("\n".join(told))

    # -- keys -----------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Over a dialog only leaving and help are the app's."""
        if action in ("go", "palette", "help") and not isinstance(self.screen, AreaScreen):
            return action == "help" and hasattr(self.screen, "help_page")
        return True

    @property
    def area(self) -> AreaScreen | None:
        """The area at the bottom of what is shown."""
        return next((s for s in self.screen_stack if isinstance(s, AreaScreen)), None)

    def go(self, area: str) -> None:
        """To an area; what is open over it stays open."""
        self.switch_mode(area)

    @on(Header.Go)
    def _tab_clicked(self, event: Header.Go) -> None:
        self.go(event.area)

    def _prefixed(self, key: str) -> bool:
        """``g`` and the letter after it. Judged as keys come in: a fast typist's second key is not lost."""
        screen = self.screen
        if self._going:
            self._going = False
            if isinstance(screen, AreaScreen):
                screen.show_letters(False)
            letter = next((area.name for area in AREAS if area.letter == key), None)
            if letter is not None:
                self.go(letter)
            return True
        if key != "g" or not isinstance(screen, AreaScreen) or isinstance(self.focused, Input):
            return False
        self._going = True
        screen.show_letters(True)
        return True

    def action_go(self) -> None:
        """From the palette or a script: the same as ``g``."""
        self._prefixed("g")

    def action_palette(self) -> None:
        """All acts of this area and of everywhere, and the areas themselves."""
        screen = self.screen
        if not isinstance(screen, AreaScreen):
            return
        found = keys.entries(screen.AREA, screen.situation())
        found += [Entry(f"go:{area.name}", f"Go to {area.title}", "", f"g {area.letter}") for area in AREAS]
        found.append(
            Entry("leave", "Leave the console", "A run that is going on goes on by itself.", "ctrl+q")
        )

        def chosen(name: str | None) -> None:
            if name is None:
                return
            if name == "leave":
                self.action_leave()
            elif name.startswith("go:"):
                self.go(name[3:])
            else:
                screen.action_act(by_name(name).name)

        self.push_screen(Palette(found), chosen)

    def action_help(self) -> None:
        """Help for what is in front."""
        page = getattr(self.screen, "help_page", None)
        if page is not None:
            self.push_screen(Help(page()))

    def action_interrupt(self) -> None:
        """ctrl+c twice leaves, for terminals that keep ctrl+q to themselves."""
        if self._interrupted:
            self.action_leave()
            return
        self._interrupted = True
        self.set_timer(5, self._forget_interrupt)
        self.toast("Once more leaves the console. A run goes on by itself.")

    def _forget_interrupt(self) -> None:
        self._interrupted = False

    def action_leave(self) -> None:
        """Leave; asks when a run is on, and says that it goes on."""
        if not self.pulse.running:
            self.exit(0)
            return
        run = visible(self.pulse.running)

        def answered(yes: bool | None) -> None:
            if yes:
                self.parting = Shown(f"Run {run} goes on by itself: xpm-tui runs show {run}")
                self.exit(0)

        if not any(isinstance(screen, Confirm) for screen in self.screen_stack):
            question = f"Run {run} is going on.\nIt does not need this console and goes on by itself. Leave?"
            self.push_screen(Confirm(question, title="Leave the console", yes="Leave", no="Stay"), answered)

    def copy_to_clipboard(self, text: str) -> None:
        """To the terminal's clipboard, said as what it is: sent, not known to have arrived."""
        self._clipboard = text
        if self._driver is not None:
            self._driver.write(terminal.copy_sequence(text, self.environ))
        self.work(lambda: self._say_copied(), "clipboard", exclusive=True)

    async def _say_copied(self) -> None:
        caveat = await self.desk.ask(lambda _: terminal.copy_caveat(self.environ))
        self.toast("Sent to your terminal's clipboard." + (f"\n{caveat}" if caveat else ""))

    def save_text(self, name: str, text: str) -> Path:
        """Write a private file into the practice's state folder; gives where it is."""
        path = self.desk.practice.state / name
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
        return path

    # -- the worst ------------------------------------------------------------------------------------------

    def _fatal_error(self) -> None:
        """Stock Textual prints every local value: keep the stack in a private file, print one sentence."""
        error = cast("BaseException", self._exception)
        practice = self.desk.practice
        path = crash.report(error, practice.state, practice.clock.now()) if error else None
        where = f" What happened is written to {path}." if path else ""
        self._exit_renderables.append(
            content(Shown(f"The console had to close after an error of ours.{where}")).plain
        )
        self._close_messages_no_wait()
