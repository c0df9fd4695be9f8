"""The saved filters of a list on one line: the one in force in brackets, others as far as there is room.

A table over any number of items: columns that drop out when there is no room, drawn row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, islice
from typing import Any, Generic, NamedTuple, TypeVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from xpm_tui.domain.safe_text import Shown
from xpm_tui.tui.safe_text import content
from xpm_tui.tui.widgets.cells import Line, Span, fit, ours, words
from xpm_tui.tui.widgets.rows import Items, Rows
from xpm_tui.tui.widgets.text import TextLabel


def filter_spans(names: Sequence[str], place: int, room: int) -> list[Span]:
    """The names around the one at ``place``; ``‹`` and ``›`` where more are to be had with [ and ]."""
    first, last = place, place
    used = len(names[place]) + 4
    while True:
        before = first > 0 and used + len(names[first - 1]) + 2 <= room
        after = last + 1 < len(names) and used + len(names[last + 1]) + 2 <= room
        # What stands before comes first, so that the line begins with the first name where it can.
        if before:
            first -= 1
            used += len(names[first]) + 2
        elif after:
            last += 1
            used += len(names[last]) + 2
        else:
            break
    found = [ours("‹" if first else " ", "muted")]
    for at in range(first, last + 1):
        here = at == place
        found.append(ours(f"[{names[at]}]" if here else f" {names[at]} ", "head" if here else "muted"))
    return [*found, ours("›" if last + 1 < len(names) else " ", "muted")]


T = TypeVar("T")
GAP = 2
SAME = 2_000
"""Items up to which it is cheaper to compare than to paint again."""


class TableColumn(NamedTuple):
    """A column: ``least`` columns wide, ``grow`` shares of what is left; the highest ``drop`` goes first."""

    title: str
    least: int
    grow: int = 0
    drop: int = 0
    right: bool = False


def widths(columns: Sequence[TableColumn], room: int) -> list[int]:
    """How wide each column is in ``room``; 0 for one that has no room."""
    kept = list(range(len(columns)))

    def need() -> int:
        return sum(columns[i].least for i in kept) + GAP * (len(kept) - 1)

    while len(kept) > 1 and need() > room:
        kept.remove(max(kept, key=lambda i: (columns[i].drop, i)))
    spare, shares = max(0, room - need()), sum(columns[i].grow for i in kept)
    sizes = [0] * len(columns)
    for i in kept:
        extra = spare * columns[i].grow // shares if shares else 0
        sizes[i] = min(columns[i].least, room) + extra
    return sizes


class TableRows(Items[T]):
    """The rows under the heads."""

    def __init__(self, columns: Sequence[TableColumn], cells: Callable[[T], Sequence[Line]]) -> None:
        super().__init__()
        self.columns = tuple(columns)
        self.cells = cells

    def draw(self, row: int, line: int, columns: int) -> Line:
        """The item's cells, each in its column."""
        pieces: list[Span] = []
        sizes = widths(self.columns, columns - 1)
        for column, size, cell in zip(self.columns, sizes, self.cells(self.items[row]), strict=True):
            if size:
                pieces.append(ours(" " if not pieces else " " * GAP))
                pieces.extend(fit(cell, size, column.right))
        return pieces


class Table(Vertical, Generic[T]):
    """Heads, rows and, when there are none, a sentence that says what to press."""

    class Moved(Message):
        """Another item is under the cursor (None: there is none)."""

        def __init__(self, table: Table[Any], item: Any) -> None:
            super().__init__()
            self.table = table
            self.item = item

        @property
        def control(self) -> Table[Any]:
            """The table it happened in."""
            return self.table

    class Chosen(Message):
        """An item was opened."""

        def __init__(self, table: Table[Any], item: Any) -> None:
            super().__init__()
            self.table = table
            self.item = item

        @property
        def control(self) -> Table[Any]:
            """The table it happened in."""
            return self.table

    def __init__(
        self,
        columns: Sequence[TableColumn],
        cells: Callable[[T], Sequence[Line]],
        key: Callable[[T], str],
        *,
        empty: str = "",
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self.rows: TableRows[T] = TableRows(columns, cells)
        self._key = key
        self._heads = TextLabel(classes="heads")
        self._sentence = empty
        self._of: object = None
        self._empty = TextLabel(content(Shown(empty)), fixed=False, classes="empty")

    def compose(self) -> ComposeResult:
        """Heads over rows over the empty sentence."""
        yield self._heads
        yield self.rows
        yield self._empty

    def on_mount(self) -> None:
        """Nothing is there yet."""
        self._empty.display = False

    @property
    def item(self) -> T | None:
        """What is under the cursor."""
        return self.rows.current

    def say_empty(self, sentence: str) -> None:
        """What stands there while there are no rows."""
        self._sentence = sentence

    def show(self, items: Sequence[T], at: str = "", of: object = None) -> None:
        """Other items; the cursor stays on the same one (or on the one with key ``at``) where it is left.

        ``of`` says what was asked for: where it is the same as before and the item has gone, the cursor goes
        to the next that is left, not to the first.
        """
        near, self._of = of == self._of, of
        if not at and len(items) <= SAME and list(items) == list(self.rows.items) and items:
            self.post_message(self.Moved(self, self.item))
            return
        place = self._place(items, at, near=near)
        if not items:
            self._empty.say(content(Shown(self._sentence)))
        self._empty.display = not items
        self.rows.display = bool(items)
        self.rows.show(items, place)

    def _place(self, items: Sequence[T], at: str, *, near: bool) -> int:
        rows, here = self.rows.items, self.rows.cursor
        wanted = iter([at]) if at else map(self._key, rows[here : here + 1])
        if near and not at:
            wanted = map(self._key, chain(islice(rows, here, None), reversed(rows[:here])))
        first = next(wanted, "")
        if not first:
            return 0
        places = {self._key(item): place for place, item in enumerate(items)}
        return next((places[key] for key in chain([first], wanted) if key in places), 0)

    def extend(self, items: Sequence[T]) -> None:
        """More items at the end; what is in sight stays as it is."""
        self.rows.items = [*self.rows.items, *items]
        self.rows.grown()

    def on_resize(self) -> None:
        """Heads follow the width; the scrollbar's place is kept free whether it is there or not."""
        room = self.size.width - self.rows.styles.scrollbar_size_vertical
        pieces: list[Span] = []
        for column, size in zip(self.rows.columns, widths(self.rows.columns, room - 1), strict=True):
            if size:
                pieces.append(ours(" " if not pieces else " " * GAP))
                pieces.extend(fit([ours(column.title)], size, column.right))
        self._heads.say(words(pieces))

    def on_rows_moved(self, event: Rows.Moved) -> None:
        """Speak of items, not of rows."""
        event.stop()
        self.post_message(self.Moved(self, self.item))

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Speak of items, not of rows."""
        event.stop()
        if self.item is not None:
            self.post_message(self.Chosen(self, self.item))
