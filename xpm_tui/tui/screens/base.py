"""Base classes of the screens over an area: one with a footer, and one with a list and details."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from xpm_tui.commands.registry import by_name
from xpm_tui.tui.base_screen import BaseScreen
from xpm_tui.tui.widgets.cells import Line, fit, lines, width, words
from xpm_tui.tui.widgets.frame import KeyExplainer, KeyFooter, ScreenHeading
from xpm_tui.tui.widgets.table import Table
from xpm_tui.tui.widgets.text import TextLabel

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

    A subclass reads in ``look``, passes the items to ``put``, describes one in ``details_of``. ``TITLE`` is
    the title of the screen, ``PANEL`` that of the list; the first line of ``details_of`` is that of the
    details. ``GROUP`` names its worker group, and ``look`` is the prefix of its CSS classes.
    """

    TITLE: ClassVar[str] = ""
    GROUP: ClassVar[str] = ""
    PANEL: ClassVar[str] = ""

    def __init__(self, table: Table[T], look: str, *, title: str = "") -> None:
        super().__init__()
        self._table = table
        self._head = ScreenHeading(title or self.TITLE, classes=f"{look}-head")
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
        self._details.display = bool(rows)
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
