"""Rows drawn line by line: only what is in sight is made, so fifty thousand cost as much as fifty.

A list of items of one kind; a child class draws one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive

from xpm_tui.tui.widgets.cells import Line
from xpm_tui.tui.widgets.text import Lines


class Rows(Lines):
    """A list with a cursor. A child class says how many rows there are and draws one when it is in sight."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False),
        Binding("home", "first", "First", show=False),
        Binding("end,G", "last", "Last", show=False),
        Binding("enter", "choose", "Open", show=False),
    ]

    cursor: reactive[int] = reactive(0, repaint=False)
    row_height = 1
    driven = False
    """Moved by keys typed elsewhere: the cursor is in full look without the focus."""

    class Moved(Message):
        """The cursor stands on another row."""

        def __init__(self, rows: Rows, row: int) -> None:
            super().__init__()
            self.rows = rows
            self.row = row

        @property
        def control(self) -> Rows:
            """The list it happened in."""
            return self.rows

        def can_replace(self, message: Message) -> bool:
            """A held arrow key needs only the last place."""
            return isinstance(message, Rows.Moved) and message.rows is self.rows

    class Chosen(Message):
        """Enter, or a click on the row under the cursor."""

        def __init__(self, rows: Rows, row: int) -> None:
            super().__init__()
            self.rows = rows
            self.row = row

        @property
        def control(self) -> Rows:
            """The list it happened in."""
            return self.rows

    def count(self) -> int:
        """How many rows there are."""
        raise NotImplementedError

    def draw(self, row: int, line: int, columns: int) -> Line:
        """Line ``line`` of a row, at most ``columns`` wide."""
        raise NotImplementedError

    def reload(self, cursor: int | None = None) -> None:
        """Other rows: measure, and paint the lines that differ; the cursor is kept, or put at ``cursor``."""
        self.measure()
        wanted = self.cursor if cursor is None else cursor
        self.set_reactive(Rows.cursor, max(0, min(wanted, self.count() - 1)))
        self._show_cursor()
        self.repaint()
        self.post_message(self.Moved(self, self.cursor))

    def grown(self) -> None:
        """Rows were added at the end."""
        before = self.virtual_size.height
        self.measure()
        if before < self.scroll_offset.y + self.size.height:
            self.refresh()

    def length(self) -> int:
        """All lines of all rows."""
        return self.count() * self.row_height

    def made(self, place: int, columns: int) -> Line:
        """A line of a row."""
        row, line = divmod(place, self.row_height)
        return self.draw(row, line, columns)

    def over(self, place: int) -> Style | None:
        """The cursor."""
        return self._cursor_style() if place // self.row_height == self.cursor else None

    def _cursor_style(self) -> Style:
        return self.get_component_rich_style(
            "rows--cursor" if self.has_focus or self.driven else "rows--cursor-quiet"
        )

    def validate_cursor(self, cursor: int) -> int:
        """Keep the cursor on a row."""
        return max(0, min(cursor, self.count() - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        """Repaint the two rows that differ, nothing else."""
        self._refresh_row(old)
        self._refresh_row(new)
        self._show_cursor()
        self.post_message(self.Moved(self, new))

    def _refresh_row(self, row: int) -> None:
        top = row * self.row_height - self.scroll_offset.y
        if -self.row_height < top < self.size.height:
            self.refresh(Region(0, top, self.scrollable_content_region.width, self.row_height))

    def _show_cursor(self) -> None:
        height = self.scrollable_content_region.height
        if height <= 0:
            return
        top, bottom = self.cursor * self.row_height, (self.cursor + 1) * self.row_height
        if top < self.scroll_offset.y:
            self.scroll_to(y=top, animate=False)
        elif bottom > self.scroll_offset.y + height:
            self.scroll_to(y=bottom - height, animate=False)

    def on_resize(self, _: events.Resize) -> None:
        """The cursor stays in sight."""
        self.call_after_refresh(self._show_cursor)

    def on_focus(self) -> None:
        """The cursor gets its full look."""
        self._refresh_row(self.cursor)

    def on_blur(self) -> None:
        """The cursor goes quiet."""
        self._refresh_row(self.cursor)

    def on_click(self, event: events.Click) -> None:
        """A click puts the cursor; a click where it stands chooses."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        row = (offset.y + self.scroll_offset.y) // self.row_height
        if not 0 <= row < self.count():
            return
        if row == self.cursor:
            self.action_choose()
        else:
            self.cursor = row

    def action_move(self, by: int) -> None:
        """One row up or down."""
        self.cursor += by

    def action_page(self, by: int) -> None:
        """One page up or down."""
        self.cursor += by * max(1, self.scrollable_content_region.height // self.row_height - 1)

    def action_first(self) -> None:
        """To the first row."""
        self.cursor = 0

    def action_last(self) -> None:
        """To the last row."""
        self.cursor = self.count() - 1

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A screen that says in its foot what enter does, does it itself."""
        own = self.screen._bindings.key_to_bindings.get("enter", ())
        return not (action == "choose" and any(binding.show for binding in own))

    def action_choose(self) -> None:
        """Open the row under the cursor."""
        if self.count():
            self.post_message(self.Chosen(self, self.cursor))


T = TypeVar("T")


class Items(Rows, Generic[T]):
    """Holds what it shows, and knows which one is under the cursor."""

    def __init__(self) -> None:
        super().__init__()
        self.items: Sequence[T] = ()

    def show(self, items: Sequence[T], at: int = 0) -> None:
        """Other items, the cursor on one of them."""
        self.items = items
        self.reload(at)

    @property
    def current(self) -> T | None:
        """The one under the cursor."""
        return self.items[self.cursor] if 0 <= self.cursor < len(self.items) else None

    def count(self) -> int:
        """As many rows as items."""
        return len(self.items)
