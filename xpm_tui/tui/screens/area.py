"""Base classes of the areas: header, footer, commands and refreshing, and an area with a filtered table.

Creates the screen of an area, and imports its module only then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widget import Widget

from xpm_tui.lazy import lazy_imports, load
from xpm_tui.tui.app_protocol import AREAS
from xpm_tui.tui.base_screen import BaseScreen
from xpm_tui.tui.status_summary import PracticeStatus
from xpm_tui.tui.theme import stylesheet_path
from xpm_tui.tui.widgets.cells import Line, lines
from xpm_tui.tui.widgets.frame import Header, KeyFooter, KeyRow
from xpm_tui.tui.widgets.inputs import TextField
from xpm_tui.tui.widgets.table import DIGITS, FilterLine, Table
from xpm_tui.tui.widgets.text import TextLabel

with lazy_imports():
    from xpm_tui.application.jobs import services
    from xpm_tui.commands import registry
    from xpm_tui.tui import keymap
    from xpm_tui.tui.screens import clients, jobs, overview, settings, sync, team, templates

if TYPE_CHECKING:
    from xpm_tui.commands.command import Command, Situation
    from xpm_tui.deploy.job_spec import JobTerms
    from xpm_tui.tui.dialogs.help import HelpPage


class AreaScreen(BaseScreen, Screen[None]):
    """A screen with header, body and footer.

    A subclass composes ``body`` and reads its data in ``look``. ``TAB`` names the area to which a screen over
    an area belongs.
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
        # Its widgets are composed with the current styles: without this, Textual would style them again.
        self._css_update_count = self.app._css_update_count
        self.set_classes(self.size_classes())
        self._commands: dict[str, Command[Any]] = {}
        self._seen: object = None

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

    def show_letters(self, on: bool) -> None:
        """Show or hide the keys of the areas, above the footer, after ``g``."""
        if self.is_mounted:
            self.query_one(KeyRow).display = on

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Show the latest status, and read the data again if something has changed."""
        self.show_status(self.host.practice_status)
        self.refresh_data()

    def show_status(self, practice_status: PracticeStatus) -> None:
        """Show another status; not while a dialog is open, because that would repaint the whole screen."""
        if self.is_mounted and self.is_active:
            self.query_one(Header).show_status(practice_status)

    def refresh_data(self, *, force: bool = False) -> None:
        """Read the data again if the store has changed since it was last read."""
        position = self.host.position
        if not (force or self.is_active):
            return  # under a dialog: the data is read when it is closed
        if force or position != self._seen:
            self._seen = position
            self.host.work(lambda: self._refresh(), "area", exclusive=True, node=self)

    async def _refresh(self) -> None:
        await self.load()
        self.refresh_bindings()
        self.host.load_ahead()

    def situation(self) -> Situation:
        """Return what the availability of this area's commands depends on."""
        return self.host.situation(self.AREA)

    def preset(self, command: str) -> dict[str, Any]:
        """Return the parameters that this screen sets for a command, such as the selected record."""
        return {}

    def action_run_command(self, name: str) -> None:
        """Run a command of this area: by the screen's ``do_`` method if it has one, else by its form."""
        command = registry.by_name(name)
        reason = command.unavailable(self.situation())
        if reason:
            self.host.toast(reason, "warning")
            return
        own = getattr(self, "do_" + name.replace(".", "_"), None) or self.host.way(name)
        if own is not None:
            own()
        else:
            self.host.perform(command, self.preset(name), title=command.title)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable commands that are unavailable, which dims them in the footer; their keys still say why."""
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


def mark_halves(*widgets: Widget) -> Iterator[Widget]:
    """Mark widgets that are side by side with a class; a CSS rule for any child would be slow."""
    for widget in widgets:
        widget.add_class("half")
        yield widget


class FilteredArea(AreaScreen):
    """An area with a filtered table and a detail pane.

    ``FILTERS`` maps the service's names of the filters to labels; the first one is no filter. A subclass sets
    ``table`` and ``detail`` before composing, and reads its data in ``look``.
    """

    FILTERS: ClassVar[tuple[tuple[str, str], ...]] = ()
    FIND: ClassVar[str] = "name"
    CSS_PATH: ClassVar[Any] = stylesheet_path("filtered")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "find", "Filter", show=False),
        Binding("left_square_bracket", "saved(-1)", show=False),
        Binding("right_square_bracket", "saved(1)", show=False),
        Binding("less_than_sign", "sort(-1)", "Sort by the previous column", show=False),
        Binding("greater_than_sign", "sort(1)", "Sort by the next column", show=False),
        *(Binding(str(digit), f"filter({digit - 1})", show=False) for digit in range(1, DIGITS + 1)),
    ]
    MORE_KEYS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("/", "filter by letters; esc ends it"),
        ("1 to 9, [ and ]", "filters, in the order shown above the table"),
        ("< and >", "sort by a column; so does a click on its heading"),
        ("tab", "to the details of the selected row, and back"),
    )

    table: Table[Any]
    detail: Widget

    def __init__(self) -> None:
        super().__init__()
        self.find = TextField(placeholder=self.FIND, classes="find")
        self._state = FilterLine()
        self._note = TextLabel(classes="note", fixed=False)
        self._saved = 0
        self._terms: JobTerms | None = None
        self.text = ""

    @property
    def only(self) -> str:
        """The name of the current filter."""
        return self.FILTERS[self._saved][0]

    def body(self) -> ComposeResult:
        """Compose filters, note and search field, then table and detail pane."""
        yield self._state
        yield self._note
        yield self.find
        with Horizontal(classes="halves"):
            yield from mark_halves(self.table, self.detail)

    def on_mount(self) -> None:
        """Hide the search field until ``/``, and the note until there is one."""
        self.find.display = False
        self._note.display = False
        for table in self.query(Table):
            if table.parent is not self.detail:
                table.border_title = self.AREA.capitalize()

    def refresh_data(self, *, force: bool = False) -> None:
        """Read the data again, also if only the settings for jobs have changed."""
        if self.host.ready:
            terms = services.terms_of(self.host.worker.practice)
            force, self._terms = force or terms != self._terms, terms
        super().refresh_data(force=force)

    @property
    def asked(self) -> tuple[str, str]:
        """The current filter and the search text."""
        return self.only, self.text

    def show_counts(self, shown: int, total: int, counts: Mapping[str, int] | None = None) -> None:
        """Show the number of rows and the filters; ``counts`` has the number of rows of other filters."""
        known = {**(counts or {})}
        if self.FILTERS[0][0] == "":
            known.setdefault("", total)
        if not self.text:
            known[self.only] = shown
        names = [name for _, name in self.FILTERS]
        places = {at: known[word] for at, (word, _) in enumerate(self.FILTERS) if word in known}
        self._state.show(names, places, self._saved, self.text)
        self.table.border_subtitle = f"{shown:,} of {total:,}" if shown != total else f"{total:,}"

    def note(self, found: list[Line]) -> None:
        """Show a note on the whole list; an empty one takes no room."""
        self._note.display = bool(found)
        self._note.say(lines(found))

    def focus_table(self) -> None:
        """Focus the table if nothing has the focus."""
        if self.focused is None:
            self.table.focus_rows()

    def action_find(self) -> None:
        """Start to search."""
        self.find.display = True
        self.find.focus()

    def action_saved(self, by: int) -> None:
        """Switch to the next or previous filter."""
        self.action_filter((self._saved + by) % len(self.FILTERS))

    def action_filter(self, place: int) -> None:
        """Switch to the filter at a position."""
        if place < len(self.FILTERS):
            self._saved = place
            self.refresh_data(force=True)

    def action_sort(self, by: int) -> None:
        """Sort by the next column."""
        self.table.sort_next(by)

    @on(FilterLine.Chosen)
    def _filter_chosen(self, event: FilterLine.Chosen) -> None:
        event.stop()
        if event.place < 0:
            self.action_find()
        else:
            self.action_filter(event.place)

    @on(TextField.Changed)
    def _typed(self, event: TextField.Changed) -> None:
        event.stop()
        self.text = event.value.strip()
        self.host.work(lambda: self.load(), "area", exclusive=True, node=self)

    @on(TextField.Submitted)
    def _typed_out(self, event: TextField.Submitted) -> None:
        event.stop()
        self.table.focus_rows()

    @on(Table.Chosen)
    def _chosen(self, event: Table.Chosen) -> None:
        event.stop()
        self.chosen(event.item)

    def chosen(self, item: Any) -> None:
        """Focus the detail pane when a row is opened."""
        self.detail.focus()

    @on(Table.Moved)
    def _moved(self, event: Table.Moved) -> None:
        event.stop()
        self.refresh_bindings()
        if event.table is self.table:
            self.moved(event.item)

    def moved(self, item: Any) -> None:
        """Show details of the row under the cursor, or none."""

    def action_up(self) -> None:
        """Go from the detail pane to the table, then remove the filters."""
        if self.detail.has_focus:
            self.table.focus_rows()
        elif self.clear_filters():
            self.table.focus_rows()
            self.refresh_data(force=True)

    def clear_filters(self) -> bool:
        """Remove the filters; return whether there were any."""
        narrowed = bool(self.find.display or self.text or self._saved)
        self.find.value = ""
        self.find.display = False
        self.text, self._saved = "", 0
        return narrowed


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
    """Import them and all commands, so that the first visit does not have to."""
    registry.all_commands()
    for name in LOADED_AHEAD:
        load(import_module(f"xpm_tui.tui.screens.{name}"))


def create_area(name: str) -> AreaScreen:
    """Return the screen of an area.

    Raises:
        KeyError: There is no area of this name.
    """
    if name == "overview":
        return overview.Overview()
    if name == "clients":
        return clients.Clients()
    if name == "team":
        return team.TeamArea()
    if name == "templates":
        return templates.TemplatesArea()
    if name == "sync":
        return sync.SyncArea()
    if name == "jobs":
        return jobs.Jobs()
    if name == "settings":
        return settings.SettingsArea()
    raise KeyError(name)
