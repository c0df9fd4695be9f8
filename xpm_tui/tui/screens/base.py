"""The base of screens over an area: a footer, a way back, and commands that say why they are unavailable.

The module also has the base of screens with a list and the details of the selected record.
"""

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
from xpm_tui.tui.widgets.frame import KeyExplainer, KeyFooter
from xpm_tui.tui.widgets.table import Table
from xpm_tui.tui.widgets.text import TextLabel

R = TypeVar("R")


class DetailScreen(KeyExplainer, BaseScreen, Screen[R]):
    """A screen that is left with escape. A subclass composes ``body``; ``AREA`` owns its commands."""

    AREA: ClassVar[str] = ""
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Back")]

    def body(self) -> ComposeResult:
        """Yield what is above the footer."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """Yield body and footer."""
        yield from self.body()
        yield KeyFooter()

    def refused(self, act: str, **about: Any) -> bool:
        """Return whether a command is unavailable, after showing why."""
        reason = by_name(act).unavailable(self.host.situation(self.AREA, **about))
        if reason:
            self.host.toast(reason, "warning")
        return bool(reason)

    def do(
        self,
        act: str,
        preset: Mapping[str, Any],
        *,
        ask: bool = False,
        after: Callable[[], None] | None = None,
        **about: Any,
    ) -> None:
        """Perform a command, or show why it is unavailable."""
        if not self.refused(act, **about):
            self.host.perform(by_name(act), preset, ask=ask, after=after)

    def action_leave(self) -> None:
        """Go one level up."""
        self.dismiss(None)


UNSEEN = "Read it first: scroll to the end before you confirm."
T = TypeVar("T")


class RecordListScreen(DetailScreen[R], Generic[R, T]):
    """A list with details. A subclass reads in ``look`` and describes one record in ``telling``.

    List and details are panels: ``PANEL`` is the list's title, the first line of ``telling`` is that of the
    details. ``GROUP`` names its reading among the console's work; ``look`` in the stylesheet begins its
    classes.
    """

    GROUP: ClassVar[str] = ""
    PANEL: ClassVar[str] = ""

    def __init__(self, table: Table[T], look: str) -> None:
        super().__init__()
        self._table = table
        self._head = TextLabel(classes=f"{look}-head")
        self._told = TextLabel(classes=f"panel {look}-told")
        self._table.add_class("panel", "-table")
        self._table.border_title = self.PANEL
        self.shown = False
        """Whether what is shown is what was asked for last."""

    def body(self) -> ComposeResult:
        """Yield counts, list and details."""
        yield self._head
        yield self._table
        yield self._told

    async def look(self) -> None:
        """Read what is shown."""
        raise NotImplementedError

    def telling(self, item: T) -> list[Line]:
        """Return the details of the selected record."""
        raise NotImplementedError

    def again(self) -> None:
        """Read in the background."""
        self.shown = False
        self.host.work(lambda: self.look(), self.GROUP, exclusive=True, node=self)

    def put(self, rows: Sequence[T]) -> None:
        """Show what was read."""
        self.shown = True
        self._table.show(rows)
        self._table.rows.focus()
        self._tell(self._table.item)

    def _count(self, number: int) -> None:
        """Show the position of the cursor in the list's panel."""
        place = self._table.rows.cursor + 1
        self._table.border_subtitle = f"{place:,} of {number:,}" if number else ""

    @on(Table.Moved)
    def _moved(self, event: Table.Moved) -> None:
        event.stop()
        self._tell(event.item)

    def _tell(self, item: T | None) -> None:
        head, *rest = self.telling(item) if item is not None else [[]]
        room = self._told.size.width - 2
        self._told.border_title = words(fit(head, room) if width(head) > room > 0 else head)
        self._told.say(lines(rest))
        self._count(len(self._table.rows.items))
        self.refresh_bindings()
