"""Base classes of screens: with a footer, with a list and details, and areas with a filtered table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widget import Widget

from xpm_tui.commands.registry import by_name
from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.base_screen import BaseScreen
from xpm_tui.tui.screens.area import AreaScreen
from xpm_tui.tui.theme import stylesheet_path
from xpm_tui.tui.widgets.cells import Line, fit, lines, width, words
from xpm_tui.tui.widgets.frame import KeyExplainer, KeyFooter
from xpm_tui.tui.widgets.inputs import TextField
from xpm_tui.tui.widgets.table import DIGITS, FilterLine, Table
from xpm_tui.tui.widgets.text import TextLabel

with lazy_imports():
    from xpm_tui.application.jobs import services

if TYPE_CHECKING:
    from xpm_tui.deploy.job_spec import JobTerms


R = TypeVar("R")


class DetailScreen(KeyExplainer, BaseScreen, Screen[R]):
    """A screen that escape closes. A subclass composes ``body``; ``AREA`` is the area of its commands."""

    AREA: ClassVar[str] = ""
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Back")]

    def body(self) -> ComposeResult:
        """Compose the part above the footer."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """Compose body and footer."""
        yield from self.body()
        yield KeyFooter()

    def refused(self, command: str, **about: Any) -> bool:
        """Return whether a command is unavailable, and show why."""
        reason = by_name(command).unavailable(self.host.situation(self.AREA, **about))
        if reason:
            self.host.toast(reason, "warning")
        return bool(reason)

    def do(
        self,
        command: str,
        preset: Mapping[str, Any],
        *,
        ask: bool = False,
        after: Callable[[], None] | None = None,
        **about: Any,
    ) -> None:
        """Run a command, or show why it is unavailable."""
        if not self.refused(command, **about):
            self.host.perform(by_name(command), preset, ask=ask, after=after)

    def action_leave(self) -> None:
        """Close the screen."""
        self.dismiss(None)


UNSEEN = "Read it first: scroll to the end before you confirm."
T = TypeVar("T")


class RecordListScreen(DetailScreen[R], Generic[R, T]):
    """A screen with a list, and the details of the selected item below it.

    A subclass reads in ``look``, passes the items to ``put``, describes one in ``details_of``. ``PANEL`` is
    the title of the list; the first line of ``details_of`` is that of the details. ``GROUP`` names its worker
    group, and ``look`` is the prefix of its CSS classes.
    """

    GROUP: ClassVar[str] = ""
    PANEL: ClassVar[str] = ""

    def __init__(self, table: Table[T], look: str) -> None:
        super().__init__()
        self._table = table
        self._head = TextLabel(classes=f"{look}-head")
        self._details = TextLabel(classes=f"panel {look}-details")
        self._table.add_class("panel", "-table")
        self._table.border_title = self.PANEL
        self.shown = False
        """Whether the shown items are those that were last asked for."""

    def body(self) -> ComposeResult:
        """Compose the head, the list and the details."""
        yield self._head
        yield self._table
        yield self._details

    async def load(self) -> None:
        """Read and show the items."""
        raise NotImplementedError

    def details_of(self, item: T) -> list[Line]:
        """Return the details of an item."""
        raise NotImplementedError

    def again(self) -> None:
        """Read in the background."""
        self.shown = False
        self.host.work(lambda: self.load(), self.GROUP, exclusive=True, node=self)

    def put(self, rows: Sequence[T]) -> None:
        """Show the items."""
        self.shown = True
        self._table.show(rows)
        self._table.focus_rows()
        self._show_details(self._table.item)

    def _count(self, number: int) -> None:
        """Show the position of the cursor and the number of items in the list's border."""
        place = self._table.rows.cursor + 1
        self._table.border_subtitle = f"{place:,} of {number:,}" if number else ""

    @on(Table.Moved)
    def _moved(self, event: Table.Moved) -> None:
        event.stop()
        self._show_details(event.item)

    def _show_details(self, item: T | None) -> None:
        head, *rest = self.details_of(item) if item is not None else [[]]
        room = self._details.size.width - 2
        self._details.border_title = words(fit(head, room) if width(head) > room > 0 else head)
        self._details.say(lines(rest))
        self._count(len(self._table.rows.items))
        self.refresh_bindings()


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
