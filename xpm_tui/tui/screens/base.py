"""Base classes of screens: with a footer, with a list and details, with a search, and filtered areas."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widget import Widget

from xpm_tui.commands.registry import by_name
from xpm_tui.domain.safe_text import Shown
from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.base_screen import BaseScreen
from xpm_tui.tui.screens.area import AreaScreen
from xpm_tui.tui.theme import stylesheet_path
from xpm_tui.tui.widgets.cells import Line, Span, content, fit_names, lines, marked, words, wrap
from xpm_tui.tui.widgets.frame import KeyExplainer, KeyFooter, ScreenHeading
from xpm_tui.tui.widgets.inputs import TextField
from xpm_tui.tui.widgets.rows import Rows
from xpm_tui.tui.widgets.table import DIGITS, FilterLine, Table
from xpm_tui.tui.widgets.text import StaticText, TextLabel, give_room, title_room

with lazy_imports():
    from xpm_tui.application.jobs import services

if TYPE_CHECKING:
    from xpm_tui.deploy.job_spec import JobTerms
    from xpm_tui.tui.dialogs.help import HelpPage


R = TypeVar("R")


class DetailScreen(KeyExplainer, BaseScreen, Screen[R]):
    """A screen with a footer. Escape closes it.

    A subclass composes ``body``. ``AREA`` names the area to which its commands belong, ``HELP_PAGE`` is its
    help.
    """

    AREA: ClassVar[str] = ""
    HELP_PAGE: ClassVar[HelpPage]
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Back")]

    def body(self) -> ComposeResult:
        """Compose the part above the footer."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """Compose body and footer."""
        yield from self.body()
        yield KeyFooter()

    def is_refused(self, command: str, **about: Any) -> bool:
        """Return whether a command is unavailable; if it is, show why."""
        reason = by_name(command).unavailable(self.host.situation(self.AREA, **about))
        if reason:
            self.host.toast(reason, "warning")
        return bool(reason)

    def perform(
        self,
        command: str,
        preset: Mapping[str, Any],
        *,
        ask: bool = False,
        after: Callable[[], None] | None = None,
        **about: Any,
    ) -> None:
        """Run a command, or show why it is unavailable.

        Args:
            command: The name of the command.
            preset: The parameters that are already decided.
            ask: Whether to show a form for the others.
            after: Called when the command has succeeded.
            about: What is known of the selected record.
        """
        if not self.is_refused(command, **about):
            self.host.perform(by_name(command), preset, ask=ask, after=after)

    def action_leave(self) -> None:
        """Close the screen."""
        self.dismiss(None)

    def help_page(self) -> HelpPage:
        """Return the help page of this screen."""
        return self.HELP_PAGE


T = TypeVar("T")


class RecordListScreen(DetailScreen[R], Generic[R, T]):
    """A screen with a list, and the details of the selected item below it.

    A subclass reads the items in ``load``, passes them to ``show_items`` and describes one in ``details_of``,
    whose first line becomes the title of the details. ``TITLE`` is the title of the screen, ``PANEL`` that of
    the list. ``GROUP`` names the group of its background work.
    """

    TITLE: ClassVar[str] = ""
    GROUP: ClassVar[str] = ""
    PANEL: ClassVar[str] = ""

    def __init__(self, table: Table[T], css_prefix: str, *, title: str = "") -> None:
        super().__init__()
        self._table = table
        self._head = ScreenHeading(title or self.TITLE, classes=f"{css_prefix}-head")
        self._details = TextLabel(classes=f"panel {css_prefix}-details")
        self._table.add_class("panel", "-table")
        self._table.border_title = self.PANEL
        self.is_loaded = False
        """Whether the items have been read since they were last asked for."""

    def body(self) -> ComposeResult:
        """Compose the head, the list and the details."""
        yield self._head
        yield self._table
        yield self._details

    async def load(self) -> None:
        """Read and show the items."""
        raise NotImplementedError

    def details_of(self, item: T) -> list[Line]:
        """Return the title and the other lines of the details of an item."""
        raise NotImplementedError

    def reload(self) -> None:
        """Read the items again in the background."""
        self.is_loaded = False
        self.host.work(lambda: self.load(), self.GROUP, exclusive=True, node=self)

    def show_items(self, rows: Sequence[T]) -> None:
        """Show the items."""
        self.is_loaded = True
        self._details.display = bool(rows)
        self._table.show(rows)
        self._table.focus_rows()
        self._show_details(self._table.item)

    def action_open(self) -> None:
        """Open the selected item, if a subclass says how."""

    @on(Table.Chosen)
    def _chosen(self, event: Table.Chosen) -> None:
        event.stop()
        self.action_open()

    @on(Table.Moved)
    def _moved(self, event: Table.Moved) -> None:
        event.stop()
        self._show_details(event.item)

    def _show_details(self, item: T | None) -> None:
        head, *rest = self.details_of(item) if item is not None else [[]]
        self._details.border_title = words(fit_names(head, title_room(self._details) or self.size.width))
        rows = [row for line in rest for row in wrap(line, self.size.width - 4)]
        give_room(self._details, len(rows), self.size.height // 2)
        self._details.say(lines(rows))
        place, number = self._table.rows.cursor + 1, len(self._table.rows.items)
        self._table.border_subtitle = f"{place:,} of {number:,}" if number else ""
        self.refresh_bindings()


class SearchScreen(DetailScreen[R]):
    """A screen that searches a list while the user types, with the effect of choosing the selected item.

    The arrow keys move the cursor of the list while the search field keeps the focus. A subclass composes
    ``body`` with ``search_panel`` and ``list_panel``.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Choose", tooltip="Choose the selected one", priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("pageup", "move(-5)", show=False, priority=True),
        Binding("pagedown", "move(5)", show=False, priority=True),
        Binding("f4", "clear", "Clear", tooltip="Clear what was typed"),
    ]

    def __init__(self, field: TextField, rows: Rows) -> None:
        super().__init__()
        self.field = field
        self._list = rows
        self._none = StaticText(classes="empty")
        self._effect = TextLabel(classes="panel effect")

    def search_panel(self, title: str) -> ComposeResult:
        """Compose the panel with the search field."""
        with Vertical(classes="panel search") as search:
            search.border_title = title
            yield self.field

    def list_panel(self, title: str) -> ComposeResult:
        """Compose the panel with the list."""
        with Vertical(classes="panel -table found") as found:
            found.border_title = title
            yield self._none
            yield self._list

    def show_matches(self, number: str, empty: str) -> None:
        """Show the number of matches, and the list; without a match, ``empty`` takes its place."""
        self.query_one(".search").border_subtitle = number
        self._list.display = not empty
        self._none.display = bool(empty)
        self._none.update(content(Shown(empty)))
        if empty:
            self._effect.say(content(Shown("")))

    @on(Rows.Chosen)
    def _chosen(self, event: Rows.Chosen) -> None:
        event.stop()
        self.action_choose()

    def action_move(self, by: int) -> None:
        """Move the cursor while the search field keeps the focus."""
        self._list.action_move(by)

    def action_clear(self) -> None:
        """Clear the search."""
        self.field.value = ""

    def action_choose(self) -> None:
        """Choose the selected item if its effect is shown; otherwise, show that."""
        raise NotImplementedError


def mark_halves(*widgets: Widget) -> Iterator[Widget]:
    """Add a class to widgets that stand side by side: a CSS rule for any child would be slow."""
    for widget in widgets:
        widget.add_class("half")
        yield widget


class FilteredArea(AreaScreen):
    """An area with a filtered table and a detail pane.

    ``FILTERS`` holds the name and the label of each filter; the first one shows everything. ``FIND`` says
    what the search compares. A subclass creates ``table`` and ``detail``, and reads its data in ``load``.
    """

    FILTERS: ClassVar[tuple[tuple[str, str], ...]] = ()
    FIND: ClassVar[str] = "name"
    CSS_PATH: ClassVar[Any] = stylesheet_path("filtered")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "find", "Filter", show=False),
        Binding("left_square_bracket", "step_filter(-1)", show=False),
        Binding("right_square_bracket", "step_filter(1)", show=False),
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
        self.search_field = TextField(placeholder=self.FIND, classes="find")
        self._filter_line = FilterLine()
        self._note_label = TextLabel(classes="note", fixed=False)
        self._filter_place = 0
        self._job_settings: JobTerms | None = None
        self.search_text = ""

    @property
    def filter_name(self) -> str:
        """The name of the current filter."""
        return self.FILTERS[self._filter_place][0]

    def body(self) -> ComposeResult:
        """Compose the filters, the note and the search field above the table and the detail pane."""
        yield self._filter_line
        yield self._note_label
        yield self.search_field
        with Horizontal(classes="halves"):
            yield from mark_halves(*self.tables(), self.detail)

    def tables(self) -> Sequence[Table[Any]]:
        """Return the tables, of which one is shown at a time."""
        return (self.table,)

    def on_mount(self) -> None:
        """Hide the search field until ``/``, and the note until there is one."""
        self.search_field.display = False
        self._note_label.display = False
        for table in self.query(Table):
            if table.parent is not self.detail:
                table.border_title = self.AREA.capitalize()

    def refresh_data(self, *, force: bool = False) -> None:
        """Read the data again if the store or the settings for jobs have changed."""
        if self.host.ready:
            settings = services.terms_of(self.host.worker.practice)
            force, self._job_settings = force or settings != self._job_settings, settings
        super().refresh_data(force=force)

    @property
    def criteria(self) -> tuple[str, str]:
        """The name of the current filter, and the search text."""
        return self.filter_name, self.search_text

    def show_counts(self, shown: int, total: int, counts: Mapping[str, int] | None = None) -> None:
        """Show the filters, and how many rows there are.

        Args:
            shown: The number of rows in the table.
            total: The number of rows without any filter.
            counts: The number of rows of other filters, by name, as far as it is known.
        """
        known = dict(counts or {})
        if self.FILTERS[0][0] == "":
            known.setdefault("", total)
        if not self.search_text:
            known[self.filter_name] = shown
        self.detail.display = bool(shown)  # without a row there is nothing to show
        labels = [label for _, label in self.FILTERS]
        numbers = {place: known[name] for place, (name, _) in enumerate(self.FILTERS) if name in known}
        self._filter_line.show(labels, numbers, self._filter_place, self.search_text)
        self.table.border_subtitle = f"{shown:,} of {total:,}" if shown != total else f"{total:,}"

    def show_note(self, found: list[Line]) -> None:
        """Show a note about the whole list; without lines it takes no room."""
        self._note_label.display = bool(found)
        self._note_label.say(lines(found))

    def mark_search(self, name: Shown) -> list[Span]:
        """Return a name in which the characters that were searched for are marked."""
        at = name.casefold().find(self.search_text.casefold()) if self.search_text else -1
        return marked(name, [(at, at + len(self.search_text))] if at >= 0 else [])

    def focus_table(self) -> None:
        """Focus the table if nothing has the focus."""
        if self.focused is None:
            self.table.focus_rows()

    def action_find(self) -> None:
        """Start to search."""
        self.search_field.display = True
        self.search_field.focus()

    def action_step_filter(self, by: int) -> None:
        """Switch to the next or previous filter."""
        self.action_filter((self._filter_place + by) % len(self.FILTERS))

    def action_filter(self, place: int) -> None:
        """Switch to the filter at a position."""
        if place < len(self.FILTERS):
            self._filter_place = place
            self.refresh_data(force=True)

    def action_sort(self, by: int) -> None:
        """Sort by the next column, or by the previous one."""
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
        self.search_text = event.value.strip()
        self.host.work(lambda: self.load(), "area", exclusive=True, node=self)

    @on(TextField.Submitted)
    def _search_submitted(self, event: TextField.Submitted) -> None:
        event.stop()
        self.table.focus_rows()

    @on(Table.Chosen)
    def _chosen(self, event: Table.Chosen) -> None:
        event.stop()
        self.open_item(event.item)

    def open_item(self, item: Any) -> None:
        """Open a row: focus its details."""
        self.detail.focus()

    @on(Table.Moved)
    def _moved(self, event: Table.Moved) -> None:
        event.stop()
        self.refresh_bindings()
        if event.table is self.table:
            self.show_details(event.item)

    def show_details(self, item: Any) -> None:
        """Show the details of the row under the cursor; clear them if there is no row."""

    def action_up(self) -> None:
        """Go from the detail pane to the table or, in the table, remove the filters."""
        if self.detail.has_focus:
            self.table.focus_rows()
        elif self.clear_filters():
            self.table.focus_rows()
            self.refresh_data(force=True)

    def clear_filters(self) -> bool:
        """Remove the filter and the search; return whether there was one."""
        is_filtered = bool(self.search_field.display or self.search_text or self._filter_place)
        self.search_field.value = ""
        self.search_field.display = False
        self.search_text, self._filter_place = "", 0
        return is_filtered
