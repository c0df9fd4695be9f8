"""The Textual app of the console: areas as modes, error handling, keys and shutdown.

The first frame is shown before the practice is opened, so modules that it does not need are loaded
afterwards.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

from rich.console import Console as RichConsole
from textual import events, on
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.filter import Monochrome, NoColor
from textual.notifications import SeverityLevel
from textual.screen import ModalScreen, Screen
from textual.worker import Worker

from xpm_tui.domain.errors import AppError
from xpm_tui.domain.safe_text import Shown, visible, visible_lines
from xpm_tui.files.private import ensure_private
from xpm_tui.lazy import lazy_imports
from xpm_tui.tui import terminal_app, theme
from xpm_tui.tui.app_protocol import AREAS, PracticeStatus
from xpm_tui.tui.command_runner import CommandRunner
from xpm_tui.tui.navigation import KeyChord, Navigation, TypeAhead
from xpm_tui.tui.screens.area import AreaScreen
from xpm_tui.tui.terminal_app import TerminalApp
from xpm_tui.tui.theme import CachedStylesheet, stylesheet_path
from xpm_tui.tui.widgets.frame import Header
from xpm_tui.tui.worker_thread import WorkerThread

with lazy_imports():
    from xpm_tui.application.runs import unattended_runs
    from xpm_tui.tui import app_protocol
    from xpm_tui.tui.dialogs import dialog
    from xpm_tui.tui.dialogs import help as dialogs_help
    from xpm_tui.tui.screens import area as areas
    from xpm_tui.tui.screens import command_log as screens_command_log

if TYPE_CHECKING:
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.commands.registry import LoggedCommand
    from xpm_tui.sync.matching.search_index import PickerIndex

STORE_CHECK_SECONDS = 1.0
"""Seconds between two checks whether another run, command or console has changed the store."""

STATUS_SECONDS = 30.0
"""Seconds between two refreshes of the status when nothing changes, so that "2 h ago" stays correct."""

STATUS_PAUSE_FACTOR = 10
"""Pause between two automatic counts of the status, as a multiple of the time that the last one took."""

COMMANDS_SECONDS = 0.25
"""Seconds after which commands are enabled even if the status, such as that of a large store, is still being
read."""

SIGN_IN = 3600.0
"""Seconds between two records that someone is using the console."""

ALWAYS = ("ctrl+q", "ctrl+c")
"""Keys that work before the practice is open; all others wait for it."""


def _area(name: str) -> Callable[[], Screen[Any]]:
    """Return a factory that imports an area's screen when it is first opened."""

    def make() -> Screen[Any]:
        return areas.create_area(name)

    return make


def _signed_in(practice: OpenPractice) -> None:
    unattended_runs.record_sign_in(practice)


def _read_practice_status(practice: OpenPractice) -> tuple[object, PracticeStatus]:
    return app_protocol.read_practice_status(practice)


def _connection_state(status: PracticeStatus) -> tuple[bool, bool, str]:
    return status.connected, status.login_needed, status.condition


class Console(Navigation, CommandRunner, TerminalApp):
    """The full-screen console for one practice.

    If the worker thread has not been started, the practice is opened after the first frame.
    """

    CSS_PATH: ClassVar = stylesheet_path("console")
    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = None
    HORIZONTAL_BREAKPOINTS: list[tuple[int, str]] = [  # noqa: RUF012
        (0, "-tiny"), (60, "-narrow"), (110, "-wide"), (150, "-vast"),
    ]  # fmt: skip
    VERTICAL_BREAKPOINTS: list[tuple[int, str]] = [(0, "-short"), (18, "-low"), (34, "-tall")]  # noqa: RUF012
    MODES: ClassVar[dict[str, Any]] = {area.name: _area(area.name) for area in AREAS}
    DEFAULT_MODE = "overview"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "leave", "Leave", show=False, priority=True, tooltip="Leave the console"),
        Binding("ctrl+c", "interrupt", show=False, system=True),
        Binding("g", "go", "Go to", show=False),
        Binding("ctrl+p,colon", "palette", "Palette", show=False),
        Binding("f1,question_mark", "help", "Help", show=False),
        Binding("at", "command_log", "Command log", show=False, tooltip="Show the command log"),
        Binding("f8", "save_screen", "Screenshot", show=False, priority=True, tooltip="Save the screen"),
        Binding("ctrl+l", "redraw", "Redraw", show=False, priority=True, tooltip="Redraw the whole screen"),
    ]

    def __init__(
        self,
        worker: WorkerThread,
        *,
        environ: Mapping[str, str] | None = None,
        guard_terminal: bool = False,
        welcome: bool = True,
        crash_folder: Path | None = None,
    ) -> None:
        """Create the app.

        Args:
            worker: The thread on which the practice is read and written.
            environ: The environment variables; None for those of this process.
            guard_terminal: Whether to end cleanly on SIGHUP and SIGTERM.
            welcome: Whether to open the wizard if the practice is not connected.
            crash_folder: The folder for the report of an internal error before the practice is open.
        """
        self.environ = dict(os.environ if environ is None else environ)
        self._styled: tuple[dict[str, str], frozenset[str]] | None = None
        super().__init__()
        self.worker = worker
        self.ready = False
        """Whether the practice is open and its commands are available."""
        self._loaded_ahead = False
        self.failed: Exception | None = None
        """The error that kept the practice from being opened."""
        self.practice_status = PracticeStatus(known=False)
        self.position: object = None
        self.parting: Shown = Shown("")
        self.picker_index: tuple[object, PickerIndex] | None = None
        self.folder = ""
        self.command_log: list[LoggedCommand] = []
        self.global_words: tuple[str, ...] | None = None
        self.crash_folder = crash_folder
        self._guard_terminal = guard_terminal
        self._welcome = welcome
        self._undo_signals: Callable[[], None] = lambda: None
        self._key_chord = KeyChord(self)
        self._type_ahead = TypeAhead(self)
        self._early_events: list[events.Event] = []
        self._status_shown = self._status_cost = 0.0
        self._key_noted: float | None = None
        self.animation_level = "none"
        for each in theme.ALL:
            self.register_theme(each)
        self._apply_theme()
        self.stylesheet = CachedStylesheet(self.theme_variables)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return values of our CSS variables for themes that are not ours."""
        return theme.DEFAULTS

    def _apply_theme(self) -> None:
        wanted = self.worker.practice.settings.text("theme") if self.worker.is_open else ""
        colours = RichConsole(force_terminal=True, _environ=self.environ).color_system
        if wanted in self.available_themes:
            self.theme = wanted
        else:
            self.theme = theme.choose(self.environ, colours, wanted)
        self.configure_terminal()
        if self.no_color and self.current_theme.ansi:
            self._filters = [NoColor() if isinstance(f, Monochrome) else f for f in self._filters]

    def _invalidate_css(self) -> None:
        """Invalidate the styles only if the theme has changed.

        Stock Textual treats every lookup of the theme as a change of it, and applies all styles again.
        """
        wanted = (self.get_css_variables(), self.classes)
        if wanted != self._styled:
            self._styled = wanted
            super()._invalidate_css()

    def refresh_css(self, animate: bool = True) -> None:
        """Apply all styles again if a visible screen was styled before the last change."""
        if any(screen._css_update_count != self._css_update_count for screen in self.screen_stack):
            super().refresh_css(animate)

    def _load_screen_css(self, screen: Screen[Any]) -> None:
        """Load the stylesheets of a screen that have not been loaded.

        Stock Textual then styles all open screens again. That is not needed: each stylesheet is about one
        screen.
        """
        shared = [stylesheet_path("controls")] if getattr(screen, "HAS_CONTROLS", True) else []
        new = [path for path in (*shared, *screen.css_path) if not self.stylesheet.has_source(str(path))]
        if new:
            self.stylesheet.read_all(new)
            self.stylesheet.reparse()

    # -- startup and status ---------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Install the signal handlers, and start if the practice is already open."""
        self.guard_terminal()
        if self.worker.is_open:
            self._enable_commands()
            self._start_up()

    def on_ready(self, event: events.Ready) -> None:
        """Open the practice once the first frame is shown."""
        self._ready_at = event.time
        if not self.worker.is_open:
            self.run_worker(self._open(), group="open", exit_on_error=False)

    async def _open(self) -> None:
        try:
            await self.worker.opened()
        except Exception as error:
            self.failed = error
            self.exit()
            return
        self._apply_theme()
        self._start_up()
        # Loading them takes as long as reading the status, which users wait for.
        self.set_timer(COMMANDS_SECONDS, self._enable_commands)

    def _start_up(self) -> None:
        """Start the timers, and read the status."""
        self.set_interval(STORE_CHECK_SECONDS, self._watch_store)
        self.set_interval(STATUS_SECONDS, self.request_status)
        self.request_status()

    def _enable_commands(self) -> None:
        """Enable the commands of the open screens, and pass on the keys typed so far."""
        if self.ready:
            return
        self.ready = True
        for screen in self.screen_stack:
            if isinstance(screen, AreaScreen):
                screen.collect_commands()
                screen.show_verb()
        early, self._early_events = self._early_events, []
        for event in early:
            self.post_message(event)

    def data_shown(self) -> None:
        """Once the first data is drawn, enable the commands, and load other screens in the background."""
        if self._loaded_ahead:
            return
        self._loaded_ahead = True

        def continue_loading() -> None:
            self._enable_commands()
            self.work(lambda: self.worker.read(lambda _: areas.load_ahead()), "load-ahead")

        self.call_after_refresh(continue_loading)

    async def on_event(self, event: events.Event) -> None:
        """Route keys through type-ahead and key chords, and record that the console is in use."""
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            key = event.key if isinstance(event, events.Key) else ""
            if not self.ready and key not in ALWAYS:
                self._early_events.append(event)
                return
            if key not in ALWAYS and self._type_ahead.holds(event):
                return
            if self._key_chord.takes(key):
                self._type_ahead.handed_on()
                return
            self._note_key()
            self._type_ahead.handed_on()
        await super().on_event(event)

    def _note_key(self) -> None:
        if not self.ready or self.worker.practice.read_only:
            return
        now = self.worker.practice.clock.monotonic()
        if self._key_noted is None or now - self._key_noted > SIGN_IN:
            self._key_noted = now
            self.work(lambda: self.worker.ask(_signed_in), "signed-in")

    def _watch_store(self) -> None:
        self.work(lambda: self._check_store(), "watch", exclusive=True)

    async def _check_store(self) -> None:
        if monotonic() - self._status_shown < STATUS_PAUSE_FACTOR * self._status_cost:
            return  # counting a large store takes long, and requests of the user go first
        position = await self.worker.ask(lambda practice: practice.positions())
        if position != self.position:
            await self.refresh_status()

    async def refresh_status(self) -> None:
        """Read the status of the practice again, and update all area screens."""
        began, before = monotonic(), self.practice_status
        self.position, self.practice_status = await self.worker.ask(_read_practice_status)
        self._status_shown = monotonic()
        self._status_cost = self._status_shown - began
        # A login and damage to files do not change the position of the store.
        changed = before.known and _connection_state(before) != _connection_state(self.practice_status)
        for screen in self.screen_stack:
            if isinstance(screen, AreaScreen):
                if before.known:
                    screen.show_status(self.practice_status)
                screen.refresh_data(force=changed)  # the first status is drawn together with the data
        if self._welcome and not self.practice_status.connected and not self.worker.practice.read_only:
            self.connect()
        self._welcome = False

    # -- background work ------------------------------------------------------------------------------------

    def work(
        self,
        job: Callable[[], Coroutine[Any, Any, Any]],
        group: str,
        *,
        exclusive: bool = False,
        node: DOMNode | None = None,
    ) -> Worker[Any]:
        """Run a coroutine in the background; any exception goes to :meth:`report_error`.

        Args:
            job: Creates the coroutine.
            group: Name of the group of Textual workers.
            exclusive: Whether to cancel other workers of the group.
            node: The widget whose removal cancels the work; the app if None.
        """
        owner = node if node is not None else self

        async def guarded() -> Any:
            try:
                return await job()
            except Exception as error:
                # Textual's message about a failed worker does not bubble, so the exception would be lost
                # silently.
                self.report_error(error)
                return None

        worker = owner.run_worker(guarded, group=group, exclusive=exclusive, exit_on_error=False)
        self._type_ahead.began(worker, group)
        return worker

    def report_error(self, error: BaseException) -> None:
        """Show an error: its message and hint, or for an internal error the path of the report."""
        if isinstance(error, AppError):
            dialogs_help.show_error(self, error)
            return

        path = terminal_app.report(error, self.worker.practice.state, self.worker.practice.clock.now())
        where = f"The details, without any value or name, are in {path}." if path else ""
        self.push_screen(
            dialog.MessageDialog("Internal error",
                "Something went wrong inside xpm-tui. Your data is consistent.",
                 hint=where, bad=True)
        )  # fmt: skip

    def toast(self, text: str, severity: SeverityLevel = "information", title: str = "") -> None:
        """Show a short notification."""
        self.notify(
            visible_lines(text), title=visible(title), severity=severity, markup=False,
            timeout=8 if severity != "information" else 5,
        )  # fmt: skip

    # -- keys -----------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Allow area keys only on area screens; over a dialog only leaving and help work."""
        if action in ("go", "palette", "help") and not isinstance(self.screen, AreaScreen):
            return action == "help" and hasattr(self.screen, "help_page")
        return True

    @property
    def area(self) -> AreaScreen | None:
        """The area screen at the bottom of the screen stack."""
        return next((s for s in self.screen_stack if isinstance(s, AreaScreen)), None)

    def go(self, area: str) -> None:
        """Switch to an area; screens that are open over it stay open."""
        self.switch_mode(area)

    @on(Header.Go)
    def _tab_clicked(self, event: Header.Go) -> None:
        self.go(event.area)

    def action_go(self) -> None:
        """Start the key chord ``g``, from the palette or a script."""
        self._key_chord.takes("g")

    def action_palette(self) -> None:
        """Show the palette: the commands of this area, global commands and the areas."""
        if isinstance(self.screen, AreaScreen):
            self.show_palette(self.screen)

    def action_command_log(self) -> None:
        """Show the command log of this session."""
        if self.ready and not isinstance(self.screen, ModalScreen | screens_command_log.CommandLog):
            self.show_command_log()

    def action_help(self) -> None:
        """Show the help of the active screen."""
        page = getattr(self.screen, "help_page", None)
        if page is not None:
            self.push_screen(dialogs_help.HelpDialog(page()))

    def save_text(self, name: str, text: str) -> Path:
        """Write a private text file into the state folder of the practice.

        Returns:
            The path of the file.

        Raises:
            ReadOnly: The console is in read-only mode.
        """
        self.worker.practice.writable()
        ensure_private(self.worker.practice.state)
        path = self.worker.practice.state / name
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
        return path
