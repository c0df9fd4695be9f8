"""The base class of the areas, with header, footer, commands and refreshing.

The module of an area is imported when its screen is created for the first time.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from xpm_tui.lazy import lazy_imports, load
from xpm_tui.tui.app_protocol import AREAS, PracticeStatus
from xpm_tui.tui.base_screen import BaseScreen
from xpm_tui.tui.widgets.frame import Header, KeyFooter, KeyRow

with lazy_imports():
    from xpm_tui.commands import registry
    from xpm_tui.tui import keymap
    from xpm_tui.tui.screens import clients, jobs, overview, settings, sync, team, templates

if TYPE_CHECKING:
    from xpm_tui.commands.command import Command, Situation
    from xpm_tui.tui.dialogs.help import HelpPage


class AreaScreen(BaseScreen, Screen[None]):
    """A screen with header, body and footer.

    A subclass composes ``body`` and reads its data in ``load``. ``ABOUT`` and ``MORE_KEYS`` are its help.
    ``TAB`` is the area that the header marks; by default, it is this one.
    """

    AREA: ClassVar[str] = ""
    TAB: ClassVar[str] = ""
    ABOUT: ClassVar[str] = ""
    MORE_KEYS: ClassVar[tuple[tuple[str, str], ...]] = ()
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "up", "Back", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        # Widgets are composed with the current styles: without this, Textual would style them a second time.
        self._css_update_count = self.app._css_update_count
        self.set_classes(self.size_classes())
        self._commands: dict[str, Command[Any]] = {}
        self._read_position: object = None
        """The position of the store when the data was last read."""

    def body(self) -> ComposeResult:
        """Compose the part between header and footer."""
        raise NotImplementedError

    async def load(self) -> None:
        """Read and show the data; called when the area is shown and whenever the store has changed."""

    def compose(self) -> ComposeResult:
        """Compose header, body and footer."""
        yield Header(AREAS, self.TAB or self.AREA)
        yield from self.body()
        yield KeyFooter(more=True)
        yield KeyRow()

    def on_mount(self) -> None:
        """Collect the commands, if the practice is open, and show the status."""
        if self.host.ready:
            self.collect_commands()

    def collect_commands(self) -> None:
        """Enable the keys of this area's commands and show them in the footer."""
        for binding in keymap.area_bindings(self.AREA):
            self._bindings.key_to_bindings.setdefault(binding.key, []).append(binding)
        self._commands = {command.name: command for command in registry.for_area(self.AREA)}
        self.refresh_bindings()

    def show_area_keys(self, on: bool) -> None:
        """Show or hide the keys of the areas above the footer, after ``g`` was pressed."""
        if self.is_mounted:
            self.query_one(KeyRow).display = on

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Show the latest status, and read the data again if the store has changed."""
        self.show_status(self.host.practice_status)
        self.refresh_data()

    def show_status(self, practice_status: PracticeStatus) -> None:
        """Show a new status, unless a dialog is open: that would repaint the whole screen."""
        if self.is_mounted and self.is_active:
            self.query_one(Header).show_status(practice_status)

    def refresh_data(self, *, force: bool = False) -> None:
        """Read the data again if the store has changed since it was last read."""
        position = self.host.position
        if not (force or self.is_active):
            return  # a dialog is open: the data is read when it is closed
        if force or position != self._read_position:
            self._read_position = position
            self.host.work(lambda: self._refresh(), "area", exclusive=True, node=self)

    async def _refresh(self) -> None:
        await self.load()
        self.show_status(self.host.practice_status)
        self.refresh_bindings()
        self.host.data_shown()

    def situation(self) -> Situation:
        """Return what the availability of this area's commands depends on."""
        return self.host.situation(self.AREA)

    def preset(self, command: str) -> dict[str, Any]:
        """Return the parameters that this screen sets for a command, such as the selected record."""
        return {}

    def action_run_command(self, name: str) -> None:
        """Run a command of this area: with its ``do_`` method or its own screen, otherwise with a form."""
        command = registry.by_name(name)
        reason = command.unavailable(self.situation())
        if reason:
            self.host.toast(reason, "warning")
            return
        run = getattr(self, "do_" + name.replace(".", "_"), None) or self.host.screen_opener(name)
        if run is not None:
            run()
        else:
            self.host.perform(command, self.preset(name), title=command.title)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable unavailable commands, which dims them in the footer; their keys explain why."""
        if action == "run_command" and parameters and self.is_mounted:
            command = self._commands.get(str(parameters[0]))
            return None if command is not None and command.unavailable(self.situation()) else True
        return True

    def on_key(self, event: Any) -> None:
        """Explain why the command of a disabled key is unavailable."""
        for binding in self._bindings.key_to_bindings.get(event.key, ()):
            if binding.id in self._commands:
                reason = self._commands[binding.id].unavailable(self.situation())
                if reason:
                    event.stop()
                    event.prevent_default()
                    self.host.toast(reason, "warning")

    def action_up(self) -> None:
        """Do nothing: an area is the top level for escape."""

    def help_page(self) -> HelpPage:
        """Return the help page of this area."""
        title = next(area.title for area in AREAS if area.name == self.AREA)
        return keymap.make_help_page(title, self.ABOUT, self.AREA, self.MORE_KEYS)


LOADED_AHEAD = (
    "clients",
    "picker",
    "review",
    "jobs",
    "team",
    "templates",
    "sync",
    "plan_review",
    "settings",
)
"""Modules of screens to import in advance, in the order in which they are likely to be needed."""


def load_ahead() -> None:
    """Import these screens and all commands, so that their first use does not have to wait."""
    registry.all_commands()
    for name in LOADED_AHEAD:
        load(import_module(f"xpm_tui.tui.screens.{name}"))


AREA_SCREENS: dict[str, Callable[[], AreaScreen]] = {
    "overview": lambda: overview.Overview(),
    "clients": lambda: clients.Clients(),
    "team": lambda: team.TeamArea(),
    "templates": lambda: templates.TemplatesArea(),
    "jobs": lambda: jobs.Jobs(),
    "sync": lambda: sync.SyncArea(),
    "settings": lambda: settings.SettingsArea(),
}
"""A function for each area that creates its screen and imports its module only then."""


def create_area(name: str) -> AreaScreen:
    """Return a new screen for an area.

    Raises:
        KeyError: There is no area of this name.
    """
    return AREA_SCREENS[name]()
