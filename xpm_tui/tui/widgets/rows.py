"""A list with a cursor that renders only visible rows, and a list of items of one type."""

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

_NOT_DIM = Style(dim=False)
"""Removes dimness: with 16 colours or none, muted text would be unreadable on the solid cursor."""


class _RowMessage(Message):
    """A message of a list about one of its rows."""

    def __init__(self, rows: Rows, row: int) -> None:
        super().__init__()
        self.rows = rows
        self.row = row

    @property
    def control(self) -> Rows:
        """The list that posted the message."""
        return self.rows


class Rows(Lines):
    """A list with a cursor. A subclass returns the number of rows and draws one when it becomes visible."""

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
    """Whether keys typed in another widget move the cursor, which is shown as if the list had the focus."""

    _is_moved = False
    """Whether a key has moved the cursor since other rows were shown."""

    class Moved(_RowMessage):
        """Posted when the cursor has moved to another row."""

        def can_replace(self, message: Message) -> bool:
            """Return True: while an arrow key is held down, only the last position matters."""
            return isinstance(message, Rows.Moved) and message.rows is self.rows

    class Chosen(_RowMessage):
        """Posted on enter, or on a click on the row under the cursor."""

    @property
    def is_moved_by_field(self) -> bool:
        """Whether keys in a search field have moved the cursor since something was typed there."""
        return self.driven and self._is_moved and self.display

    def count(self) -> int:
        """Return the number of rows."""
        raise NotImplementedError

    def draw(self, row: int, line: int, columns: int) -> Line:
        """Return line ``line`` of a row, at most ``columns`` wide."""
        raise NotImplementedError

    def reload(self, cursor: int | None = None) -> None:
        """Show changed rows, painting the lines that differ; the cursor stays, or moves to ``cursor``."""
        self.measure()
        self._is_moved = False
        wanted = self.cursor if cursor is None else cursor
        self.set_reactive(Rows.cursor, max(0, min(wanted, self.count() - 1)))
        self._show_cursor()
        self.repaint()
        self.post_message(self.Moved(self, self.cursor))

    def grown(self) -> None:
        """Show rows that were added at the end."""
        before = self.virtual_size.height
        self.measure()
        if before < self.scroll_offset.y + self.size.height:
            self.refresh()

    def line_count(self) -> int:
        """Return the number of lines of all rows."""
        return self.count() * self.row_height

    def line_at(self, index: int, columns: int) -> Line:
        """Return a line by its index among the lines of all rows."""
        row, line = divmod(index, self.row_height)
        return self.draw(row, line, columns)

    def overlay(self, index: int) -> Style | None:
        """Return the style of the cursor for the row under it."""
        if index // self.row_height != self.cursor:
            return None
        return self._cursor_style() + _NOT_DIM if self.has_focus or self.driven else self._cursor_style()

    def _cursor_style(self) -> Style:
        return self.get_component_rich_style(
            "rows--cursor" if self.has_focus or self.driven else "rows--cursor-quiet"
        )

    def validate_cursor(self, cursor: int) -> int:
        """Limit the cursor to the existing rows."""
        return max(0, min(cursor, self.count() - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        """Repaint only the two rows that the cursor has left and reached."""
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
        """Keep the cursor visible."""
        self.call_after_refresh(self._show_cursor)

    def on_focus(self) -> None:
        """Show the cursor with the focus."""
        self._refresh_row(self.cursor)

    def on_blur(self) -> None:
        """Show the cursor without the focus."""
        self._refresh_row(self.cursor)

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the clicked row; a click on the row under it chooses that row."""
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
        """Move the cursor by rows."""
        self._is_moved = True
        self.cursor += by

    def action_page(self, by: int) -> None:
        """Move the cursor by pages."""
        self.cursor += by * max(1, self.scrollable_content_region.height // self.row_height - 1)

    def action_first(self) -> None:
        """Move the cursor to the first row."""
        self.cursor = 0

    def action_last(self) -> None:
        """Move the cursor to the last row."""
        self.cursor = self.count() - 1

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave enter to a screen that has a binding of its own for it."""
        own = self.screen._bindings.key_to_bindings.get("enter", ())
        return not (action == "choose" and any(binding.show for binding in own))

    def action_choose(self) -> None:
        """Choose the row under the cursor."""
        if self.count():
            self.post_message(self.Chosen(self, self.cursor))


T = TypeVar("T")


class Items(Rows, Generic[T]):
    """A list of items that knows which one is under the cursor."""

    def __init__(self) -> None:
        super().__init__()
        self.items: Sequence[T] = ()

    def show(self, items: Sequence[T], at: int = 0) -> None:
        """Show other items, with the cursor on the one at ``at``."""
        self.items = items
        self.reload(at)

    @property
    def current(self) -> T | None:
        """The item under the cursor."""
        return self.items[self.cursor] if 0 <= self.cursor < len(self.items) else None

    def count(self) -> int:
        """Return the number of items."""
        return len(self.items)
