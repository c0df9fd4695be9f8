"""What the screens with a list share: a head, the list, and the one under the cursor told below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.content import Content

from xpm_tui.tui.screens.over import OverScreen
from xpm_tui.tui.widgets.line import Line
from xpm_tui.tui.widgets.says import Says
from xpm_tui.tui.widgets.table import Table
from xpm_tui.tui.widgets.words import lines

UNSEEN = "It has to be read first: nothing is done that was not shown."
R = TypeVar("R")
T = TypeVar("T")


class Listed(OverScreen[R], Generic[R, T]):
    """A child class reads in ``look``, gives what it found to ``put``, and tells of one in ``telling``.

    ``GROUP`` names its reading among the console's work; ``look`` in the style sheet begins its classes.
    """

    GROUP: ClassVar[str] = ""

    def __init__(self, table: Table[T], look: str) -> None:
        super().__init__()
        self._table = table
        self._head = Says(classes=f"{look}-head")
        self._told = Says(classes=f"{look}-told")
        self.shown = False
        """Whether what stands there is what was asked for last."""

    def body(self) -> ComposeResult:
        """Counts, list, the one under the cursor."""
        yield self._head
        yield self._table
        yield self._told

    async def look(self) -> None:
        """Read what is shown."""
        raise NotImplementedError

    def telling(self, item: T) -> list[Line]:
        """What is said of the one under the cursor."""
        raise NotImplementedError

    def again(self) -> None:
        """Read, beside the screen."""
        self.shown = False
        self.host.work(lambda: self.look(), self.GROUP, exclusive=True, node=self)

    def put(self, rows: Sequence[T]) -> None:
        """Show what was read."""
        self.shown = True
        self._table.show(rows)
        self._table.rows.focus()
        self._tell(self._table.item)

    @on(Table.Moved)
    def _moved(self, event: Table.Moved) -> None:
        event.stop()
        self._tell(event.item)

    def _tell(self, item: T | None) -> None:
        self._told.say(Content("") if item is None else lines(self.telling(item)))
        self.refresh_bindings()
