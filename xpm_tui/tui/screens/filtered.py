"""An area that is a table, narrowed by letters and saved filters, and the row under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget

from xpm_tui.service.jobs.terms import terms_of
from xpm_tui.tui.screens.area import AreaScreen
from xpm_tui.tui.styles import style
from xpm_tui.tui.widgets.field import Field
from xpm_tui.tui.widgets.filters import filter_spans
from xpm_tui.tui.widgets.line import Line, Span, ours, span, width
from xpm_tui.tui.widgets.says import Says
from xpm_tui.tui.widgets.table import Table
from xpm_tui.tui.widgets.words import lines, words

if TYPE_CHECKING:
    from xpm_tui.deploy.terms import Terms


class FilteredArea(AreaScreen):
    """``FILTERS``: the words of the service, and what is shown for each; the first is all. A child class sets
    ``table`` and ``detail`` before it is composed, and reads in ``look``."""

    FILTERS: ClassVar[tuple[tuple[str, str], ...]] = ()
    FIND: ClassVar[str] = "name"
    CSS_PATH: ClassVar = style("filtered")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "find", "Filter", show=False),
        Binding("left_square_bracket", "saved(-1)", show=False),
        Binding("right_square_bracket", "saved(1)", show=False),
    ]
    MORE_KEYS = (
        ("/", "filter by letters; esc ends it"),
        ("[ and ]", "saved filters, in the order in which they stand above the table"),
        ("tab", "to the pane of the row under the cursor, and back"),
    )

    table: Table[Any]
    detail: Widget

    def __init__(self) -> None:
        super().__init__()
        self.find = Field(placeholder=self.FIND, classes="find")
        self._state = Says(classes="filter")
        self._note = Says(classes="note", fixed=False)
        self._saved = 0
        self._terms: Terms | None = None
        self.text = ""

    @property
    def only(self) -> str:
        """The saved filter in force, by the service's word."""
        return self.FILTERS[self._saved][0]

    def body(self) -> ComposeResult:
        """Filters, what to know, the field, then table and detail."""
        yield self._state
        yield self._note
        yield self.find
        with Horizontal(classes="halves"):
            yield self.table
            yield self.detail

    def on_mount(self) -> None:
        """The field comes with ``/``, the note where there is one."""
        self.find.display = False
        self._note.display = False

    def refresh_data(self, *, force: bool = False) -> None:
        """Read again, also where the terms on which jobs are made have changed: settings do not move the
        book."""
        if self.host.ready:
            terms = terms_of(self.host.desk.practice)
            force, self._terms = force or terms != self._terms, terms
        super().refresh_data(force=force)

    @property
    def asked(self) -> tuple[str, str]:
        """What the list is narrowed by."""
        return self.only, self.text

    def told(self, shown: int, total: int) -> None:
        """How many there are, and which filter is on."""
        count = f" {shown:,} of {total:,} " if shown != total else f" {total:,} "
        tail = [ours(" with ", "muted"), span(self.text, "accent")] if self.text else []
        room = max(20, self.size.width - len(count) - width(tail))
        names = [name for _, name in self.FILTERS]
        pieces: list[Span] = [ours(count, "strong"), *filter_spans(names, self._saved, room), *tail]
        self._state.say(words(pieces))

    def note(self, found: list[Line]) -> None:
        """What to know of the whole list; nothing takes no room."""
        self._note.display = bool(found)
        self._note.say(lines(found))

    def focus_table(self) -> None:
        """The table gets the keys, where nothing has them."""
        if self.focused is None:
            self.table.rows.focus()

    def action_find(self) -> None:
        """Type what the row must have."""
        self.find.display = True
        self.find.focus()

    def action_saved(self, by: int) -> None:
        """The next saved filter."""
        self._saved = (self._saved + by) % len(self.FILTERS)
        self.refresh_data(force=True)

    @on(Field.Changed)
    def _typed(self, event: Field.Changed) -> None:
        event.stop()
        self.text = event.value.strip()
        self.host.work(lambda: self.look(), "look", exclusive=True, node=self)

    @on(Field.Submitted)
    def _typed_out(self, event: Field.Submitted) -> None:
        event.stop()
        self.table.rows.focus()

    @on(Table.Chosen)
    def _chosen(self, event: Table.Chosen) -> None:
        event.stop()
        self.chosen(event.item)

    def chosen(self, item: Any) -> None:
        """The row was opened: the pane beside it gets the keys."""
        self.detail.focus()

    @on(Table.Moved)
    def _moved(self, event: Table.Moved) -> None:
        event.stop()
        self.refresh_bindings()
        if event.table is self.table:
            self.moved(event.item)

    def moved(self, item: Any) -> None:
        """Another row is under the cursor, or none."""

    def action_up(self) -> None:
        """Detail to table, then the filters away."""
        if self.detail.has_focus:
            self.table.rows.focus()
        elif self.clear_filters():
            self.table.rows.focus()
            self.refresh_data(force=True)

    def clear_filters(self) -> bool:
        """Take them away; whether there was one."""
        narrowed = bool(self.find.display or self.text or self._saved)
        self.find.value = ""
        self.find.display = False
        self.text, self._saved = "", 0
        return narrowed
