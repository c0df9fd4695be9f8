"""A sortable table whose columns are left out when there is no room, and the filter line of a list."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, islice
from typing import Any, Generic, NamedTuple, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from xpm_tui.domain.formatting import cells, cut
from xpm_tui.domain.safe_text import Shown, visible
from xpm_tui.tui.widgets.cells import (
    NAME_ROOM,
    Line,
    Look,
    Span,
    content,
    cut_apart,
    fit,
    fixed,
    neighbours,
    span,
    width,
    words,
)
from xpm_tui.tui.widgets.rows import Items, Rows
from xpm_tui.tui.widgets.text import TextLabel

FIND = "Find"


def visible_filters(filters: Sequence[str], place: int, room: int) -> range:
    """Return the positions of the filters to show in ``room`` columns: those around the one at ``place``.

    Filters that are left out are counted, and can be reached with [ and ].
    """
    first, last = place, place
    used = cells(filters[place]) + 2
    while True:
        # The count of filters that are left out also takes room.
        rest = len(MORE) if last - first + 1 < len(filters) - 1 else 0
        if first > 0 and used + cells(filters[first - 1]) + 2 + rest <= room:
            first -= 1
            used += cells(filters[first]) + 2
        elif last + 1 < len(filters) and used + cells(filters[last + 1]) + 2 + rest <= room:
            last += 1
            used += cells(filters[last]) + 2
        else:
            return range(first, last + 1)


MORE = " +99"
"""The widest count of filters that are left out."""


def filter_names(names: Sequence[str], counts: Mapping[int, int]) -> list[str]:
    """Return the filters as they are shown: the digit that chooses each, its name, and its count if known."""
    found = []
    for place, name in enumerate(names):
        digit = f"{place + 1} " if place < DIGITS else ""
        count = f" {counts[place]:,}" if place in counts else ""
        found.append(f"{digit}{name[:1].upper()}{name[1:]}{count}")
    return found


DIGITS = 9
"""The number of filters that have a digit."""


class FilterLine(TextLabel):
    """The filter line of a list: the search text, and the saved filters with the current one in brackets.

    A click on a filter chooses it.
    """

    class Chosen(Message):
        """Posted when the filter at a position, or the search text (-1), is clicked."""

        def __init__(self, place: int) -> None:
            super().__init__()
            self.place = place

    def __init__(self) -> None:
        super().__init__(classes="filter")
        self._shown: tuple[list[str], int, str] = ([""], 0, "")
        self._places: list[tuple[int, int]] = []

    def show(self, names: Sequence[str], counts: Mapping[int, int], place: int, text: str) -> None:
        """Show the filters, the position of the current one, and the search text."""
        self._shown = (filter_names(names, counts), place, text)
        self.on_resize()

    def on_resize(self) -> None:
        """Show as many filters as fit."""
        filters, place, text = self._shown
        search = cut(visible(text), 20) if text else Shown(FIND)
        pieces = [fixed(" / ", "accent"), Span(search, "match" if text else "muted"), fixed(" ")]
        self._places = [(width(pieces), -1)]
        shown = visible_filters(filters, place, max(20, (self.size.width or 80) - width(pieces)))
        for at in shown:
            here = at == place
            pieces.append(
                fixed(f"[{filters[at]}]" if here else f" {filters[at]} ", "head" if here else "muted")
            )
            self._places.append((width(pieces), at))
        if len(shown) < len(filters):
            pieces.append(fixed(f" +{len(filters) - len(shown)}", "muted"))
        self.say(words(pieces))

    def on_click(self, event: events.Click) -> None:
        """Choose the clicked filter."""
        event.stop()
        place = next((place for end, place in self._places if event.x < end), None)
        if place is not None:
            self.post_message(self.Chosen(place))


T = TypeVar("T")
Cell = Line | Callable[[int], Line]
"""The contents of a cell, or a function that returns them for a width, for a name before an id."""
GAP = 2
COMPARED = 2_000
"""The number of items up to which comparing them is cheaper than painting."""


class TableColumn(NamedTuple):
    """A column of a table.

    It is at least ``min_width`` columns wide and gets ``grow`` shares of the remaining width. If there is no
    room, the columns with the highest ``drop`` are left out first. ``look`` is the style of its heading, and
    ``sort`` returns the sort key of an item, by default its text. A ``whole`` column holds ids: if an id is
    wider, the widest name in its row gets less.
    """

    title: str
    min_width: int
    grow: int = 0
    drop: int = 0
    right: bool = False
    look: Look = ""
    sort: Callable[[Any], Any] | None = None
    whole: bool = False


def widths(columns: Sequence[TableColumn], room: int, needs: Sequence[int] = ()) -> list[int]:
    """Return the width of each column in ``room`` columns; 0 for those that are left out.

    ``needs`` are the widths in which nothing of a column is cut: the remaining width goes there first.
    """
    kept = list(range(len(columns)))

    def need() -> int:
        return sum(columns[i].min_width for i in kept) + GAP * (len(kept) - 1)

    while len(kept) > 1 and need() > room:
        kept.remove(max(kept, key=lambda i: (columns[i].drop, i)))
    spare, growing = max(0, room - need()), [i for i in kept if columns[i].grow]
    sizes = [min(column.min_width, room) if i in kept else 0 for i, column in enumerate(columns)]
    wanting = sorted((i for i in growing if needs), key=lambda i: needs[i] - sizes[i])
    for place, i in enumerate(wanting):
        extra = max(0, min(needs[i] - sizes[i], spare // (len(wanting) - place)))
        sizes[i] += extra
        spare -= extra
    shares = sum(columns[i].grow for i in growing)
    for i in growing:
        sizes[i] += spare * columns[i].grow // shares
    return sizes


def _fit_ids(columns: Sequence[TableColumn], sizes: list[int], row: Sequence[Cell]) -> list[int]:
    """Return the widths for one row: an id wider than its column takes room from the widest name."""
    for place, (column, cell) in enumerate(zip(columns, row, strict=True)):
        if column.whole and sizes[place] and not callable(cell) and (over := width(cell) - sizes[place]) > 0:
            name = max(range(len(columns)), key=lambda at: sizes[at] if columns[at].grow else -1)
            given = max(0, min(over, sizes[name] - NAME_ROOM))
            sizes[place] += given
            sizes[name] -= given
    return sizes


MEASURED = 300
"""The most rows for which the widths of the columns follow the texts."""

FULL_WIDTH = 1_000
"""The width in which nothing of a cell is cut."""


def _cut_text(cell: Cell, size: int) -> str:
    line = fit(cell(size) if callable(cell) else cell, size)
    return "".join(piece.text for piece in line).rstrip()


def _full_text(cell: Cell) -> str:
    return "".join(piece.text for piece in (cell(FULL_WIDTH) if callable(cell) else cell)).rstrip()


class TableRows(Items[T]):
    """The rows below the headings."""

    def __init__(
        self, columns: Sequence[TableColumn], cells: Callable[[T], Sequence[Cell]], *, fitted: bool = True
    ) -> None:
        super().__init__()
        self.columns = tuple(columns)
        self.cells = cells
        self._fitted = fitted
        self._needs: tuple[object, list[int]] = (None, [])

    def widths(self, room: int) -> list[int]:
        """Return the width of each column: for a short list, as its texts need it."""
        if self._needs[0] is not self.items:
            short = self._fitted and len(self.items) <= MEASURED
            rows = [self.cells(item) for item in self.items] if short else []
            needs = [max(cells(_full_text(cell)) for cell in column) for column in zip(*rows, strict=True)]
            self._needs = (self.items, needs)
        return widths(self.columns, room, self._needs[1])

    def draw(self, row: int, line: int, columns: int) -> Line:
        """Return the item's cells, each fitted to its column."""
        pieces: list[Span] = []
        item = self.cells(self.items[row])
        sizes = _fit_ids(self.columns, self.widths(columns - 1), item)
        for place, (column, size, cell) in enumerate(zip(self.columns, sizes, item, strict=True)):
            if size:
                pieces.append(fixed(" " if not pieces else " " * GAP))
                shown = cell(size) if callable(cell) else cell
                if any("…" in piece.text for piece in fit(shown, size)):
                    shown = self._cut_apart(row, place, size, cell) or shown
                pieces.extend(fit(shown, size, column.right))
        return pieces

    def _cut_apart(self, row: int, place: int, size: int, cell: Cell) -> Line:
        """Return a cell cut so that it differs from those near it; empty if they already look different."""
        text, whole = _cut_text(cell, size), _full_text(cell)
        others = (self.cells(item)[place] for item in neighbours(self.items, row))
        near = {_full_text(other): other for other in others}
        alike = [
            visible(full)
            for full, other in near.items()
            if full != whole and full[:3] == whole[:3] and _cut_text(other, size) == text
        ]
        return [span(cut_apart(visible(whole), alike, size))] if alike else ()


class _ItemMessage(Message):
    """A message of a table about one of its items."""

    def __init__(self, table: Table[Any], item: Any) -> None:
        super().__init__()
        self.table = table
        self.item = item

    @property
    def control(self) -> Table[Any]:
        """The table that posted the message."""
        return self.table


class Table(Vertical, Generic[T]):
    """Headings and rows, or a sentence on what to do if there are no items."""

    class Moved(_ItemMessage):
        """Posted when another item is under the cursor; None if there is no item."""

    class Chosen(_ItemMessage):
        """Posted when an item is opened."""

    def __init__(
        self,
        columns: Sequence[TableColumn],
        cells: Callable[[T], Sequence[Cell]],
        key: Callable[[T], str],
        *,
        empty: str = "",
        fitted: bool = True,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self.rows: TableRows[T] = TableRows(columns, cells, fitted=fitted)
        self._key = key
        self._heads = TextLabel(classes="heads")
        self._sentence = empty
        self._query: object = None
        self._order: tuple[int, bool] | None = None
        """The position of the column by which it is sorted, and whether descending; None if unsorted."""
        self._items: Sequence[T] = ()
        self._empty = TextLabel(content(Shown(empty)), fixed=False, classes="empty")
        self._empty.display = False

    def compose(self) -> ComposeResult:
        """Compose the headings, the rows and the sentence for an empty table."""
        yield self._heads
        yield self.rows
        yield self._empty

    @property
    def item(self) -> T | None:
        """The item under the cursor."""
        return self.rows.current

    def say_empty(self, sentence: str) -> None:
        """Set the sentence that is shown while there are no items."""
        self._sentence = sentence

    def show(self, items: Sequence[T], at: str = "", query: object = None) -> None:
        """Show other items.

        Args:
            items: The items.
            at: The key of the item to select; by default the selected item stays selected.
            query: Identifies the query. If it is the same as before and the selected item is gone, the next
                remaining item is selected instead of the first.
        """
        near, self._query = query == self._query, query
        if not at and len(items) <= COMPARED and list(items) == list(self._items) and items:
            self.post_message(self.Moved(self, self.item))
            return
        self._items = items
        items = self._sorted(items)
        place = self._place(items, at, near=near)
        if not items:
            self._empty.say(content(Shown(self._sentence)))
        self._empty.display = not items
        self.rows.display = bool(items)
        self.rows.show(items, place)
        self.on_resize()

    def focus_rows(self) -> None:
        """Focus the list, unless it is empty: an empty list is not displayed, and has no use for keys."""
        if self.rows.display:
            self.rows.focus()

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
        """Append items; if the table is not sorted, visible rows stay where they are."""
        self._items = [*self._items, *items]
        if self._order is not None:
            self._sort()
            return
        self.rows.items = self._items
        self.rows.grown()

    # -- order ----------------------------------------------------------------------------------------------

    @property
    def is_sorted(self) -> bool:
        """Whether the items are in another order than the one in which they were given."""
        return self._order is not None

    def sort_next(self, by: int) -> None:
        """Sort by the next or, with -1, the previous visible column, first ascending and then descending.

        The original order comes between the last column and the first.
        """
        orders: list[tuple[int, bool] | None] = [None]
        for at, size in enumerate(self._widths()):
            if size:
                orders += [(at, False), (at, True)]
        place = orders.index(self._order) if self._order in orders else 0
        self._order = orders[(place + by) % len(orders)]
        self._sort()

    def on_click(self, event: events.Click) -> None:
        """Sort by a clicked heading: ascending, then descending, then in the original order."""
        offset = event.get_content_offset(self._heads)
        if offset is None:
            return
        end = 0
        for at, size in enumerate(self._widths()):
            end += size + GAP if size else 0
            if size and offset.x < end:
                turns: list[tuple[int, bool] | None] = [(at, False), (at, True), None]
                place = turns.index(self._order) if self._order in turns[:2] else -1
                self._order = turns[place + 1]
                self._sort()
                return

    def _sort(self) -> None:
        self.on_resize()
        items, here = self._sorted(self._items), self.item
        key = self._key(here) if here is not None else ""
        place = next((at for at, item in enumerate(items) if self._key(item) == key), 0)
        self.rows.show(items, place)

    def _sorted(self, items: Sequence[T]) -> Sequence[T]:
        if self._order is None:
            return items
        at, backwards = self._order
        sort = self.rows.columns[at].sort
        key = sort or (lambda item: natural_key(_full_text(self.rows.cells(item)[at])))
        return sorted(items, key=key, reverse=backwards)

    def _widths(self) -> list[int]:
        return self.rows.widths(self.size.width - self.rows.styles.scrollbar_size_vertical - 1)

    def on_resize(self) -> None:
        """Fit the headings to the width; the width of the scrollbar is always reserved."""
        pieces: list[Span] = []
        for at, (column, size) in enumerate(zip(self.rows.columns, self._widths(), strict=True)):
            if size:
                pieces.append(fixed(" " if not pieces else " " * GAP))
                sign = ""
                if self._order is not None and self._order[0] == at:
                    sign = "↓" if self._order[1] else "↑"
                head = [fixed(cut(Shown(column.title), size - len(sign)), column.look), fixed(sign, "accent")]
                pieces.extend(fit(head, size, column.right))
        self._heads.say(words(pieces))

    def on_rows_moved(self, event: Rows.Moved) -> None:
        """Post the item under the cursor."""
        event.stop()
        self.post_message(self.Moved(self, self.item))

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Post the item that was chosen."""
        event.stop()
        if self.item is not None:
            self.post_message(self.Chosen(self, self.item))


def natural_key(text: str) -> list[tuple[bool, int, str]]:
    """Return a sort key: case-insensitive, digits compared as numbers, empty texts last."""
    text = text.casefold().strip()
    if text in ("", "–"):
        return [(True, 0, "")]
    parts = re.split(r"([0-9]+)", text.replace(",", ""))
    return [(False, int(part), "") if at % 2 else (False, 0, part) for at, part in enumerate(parts)]
