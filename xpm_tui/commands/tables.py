"""Records as JSON data, and tables of results for a terminal and for dialogs of the console."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec.structs import replace

from xpm_tui.commands.command import Result, TextColumn, TextTable
from xpm_tui.domain.formatting import cells, cut
from xpm_tui.domain.safe_text import Shown, visible


def to_plain(record: msgspec.Struct) -> dict[str, Any]:
    """Return a record as JSON data with every field, including those with default values."""
    if _is_fully_encoded(type(record)):
        data: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(record))
        return data
    return {name: _plain(getattr(record, name)) for name in record.__struct_fields__}


def _plain(data: object) -> Any:
    if isinstance(data, msgspec.Struct):
        return to_plain(data)
    if isinstance(data, tuple | list):
        return [_plain(each) for each in data]
    return msgspec.to_builtins(data)


class ViewItems(Collection[dict[str, Any]]):
    """Views as JSON data, each converted when it is reached."""

    def __init__(self, views: Collection[msgspec.Struct]) -> None:
        self._views = views

    def __len__(self) -> int:
        return len(self._views)

    def __contains__(self, item: object) -> bool:
        return any(item == each for each in self)

    def first(self, most: int) -> ViewItems:
        """Return the first ``most`` of the views."""
        return ViewItems(list(islice(self._views, most)))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for view in self._views:
            yield to_plain(view)

    def encoded(self) -> Iterator[bytes]:
        """Yield each view as JSON in UTF-8, on one line."""
        for view in self._views:
            yield msgspec.json.encode(view if _is_fully_encoded(type(view)) else to_plain(view))


@cache
def _is_fully_encoded(kind: type) -> bool:
    """Return whether msgspec encodes every field of a type and its parts, as :func:`to_plain` does."""
    if not issubclass(kind, msgspec.Struct):
        return kind not in (object, Any)
    config = kind.__struct_config__
    renamed = kind.__struct_encode_fields__ != kind.__struct_fields__
    if config.omit_defaults or config.array_like or config.tag is not None or renamed:
        return False
    try:
        hints = get_type_hints(kind)
    except NameError:  # a type that is only imported for annotations
        return False
    return all(map(_is_fully_encoded, _types_in(hints.values())))


def _types_in(hints: Iterable[Any]) -> Iterator[type]:
    for hint in hints:
        inner = get_args(hint)
        if inner and get_origin(hint) is not Literal:
            yield from _types_in(inner)
        elif not inner and hint is not ...:
            yield hint if isinstance(hint, type) else object


def limited(result: Result) -> Result:
    """Return a list with the first ``most`` of its items; the others are only counted."""
    items, most = result.items, result.most
    if not most or items is None:
        return result
    items = items if isinstance(items, Collection) else list(items)
    more = len(items) - most
    if more <= 0:
        return replace(result, items=items)
    return replace(
        result,
        data={**result.data, "count": most, "more": more},
        items=items.first(most) if isinstance(items, ViewItems) else list(islice(items, most)),
        table=msgspec.structs.replace(result.table, most=most, rest=_LIMIT)
        if result.table is not None
        else None,
        blocks=first_blocks(result.blocks, most),
    )


def first_blocks(blocks: Sequence[Sequence[str]], most: int) -> Sequence[Sequence[str]]:
    """Return the lines of the first ``most`` items, and a line that counts the others; 0 is no limit."""
    more = len(blocks) - most
    return [*blocks[:most], [f"and {more:,} more: {_LIMIT}"]] if most and more > 0 else blocks


_LIMIT = "--limit 0 lists all of them"


def table_result(views: Collection[Any], table: TextTable, *, most: int = 0, **data: Any) -> Result:
    """Return a list of views with its table; ``most`` is the number of rows to show, 0 for all."""
    return Result(data=data, items=ViewItems(views), table=table, value=views, most=most)


_GAP = 2
_NARROWEST = 4
MOST_ROWS = 500
"""The number of rows that a dialog of the console shows."""


def preview_lines(result: Result, width: int) -> Iterator[str]:
    """Return the table of a result for a dialog: the first rows, and the number of the others."""
    if result.table is None:
        return
    rows = list(result.table.rows)
    yield from render(TextTable(result.table.columns, rows[:MOST_ROWS], result.table.empty), width)
    if len(rows) > MOST_ROWS:
        yield f"and {len(rows) - MOST_ROWS:,} more: the command line lists all of them"


def render(table: TextTable, width: int | None) -> Iterator[str]:
    """Return a table in columns that fit into ``width`` cells (None: any).

    Columns that are never cut may exceed it.
    """
    rows = [tuple(visible(cell) for cell in row) for row in table.rows]
    if not rows:
        yield visible(table.empty or "Nothing to show.")
        return
    more = len(rows) - table.most if table.most else 0
    rows = rows[: table.most or None]
    columns, rows = _fitting(table.columns, rows, width)
    widths = _widths(columns, rows, width)
    yield _line((Shown(c.title) for c in columns), columns, widths)
    for row in rows:
        yield _line(row, columns, widths)
    if more > 0:
        yield f"and {more:,} more: {table.rest}"


def render_rows(table: TextTable) -> Iterator[str]:
    """Return a line for each row, uncut, with the title of each value, for readers of one line at a time."""
    empty = True
    for row in table.rows:
        empty = False
        named = zip(table.columns, row, strict=True)
        yield ", ".join(f"{column.title} {visible(cell)}" for column, cell in named if cell)
    if empty:
        yield visible(table.empty or "Nothing to show.")


def _fitting(
    columns: tuple[TextColumn, ...], rows: list[tuple[Any, ...]], width: int | None
) -> tuple[tuple[TextColumn, ...], list[tuple[Any, ...]]]:
    """Return the table without its spare columns if it is too wide with them."""
    if width is None or _excess(_natural_widths(columns, rows), width) <= 0:
        return columns, rows
    shown = [at for at, column in enumerate(columns) if not column.spare]
    return tuple(columns[at] for at in shown), [tuple(row[at] for at in shown) for row in rows]


def _natural_widths(columns: tuple[TextColumn, ...], rows: list[tuple[Any, ...]]) -> list[int]:
    return [max(cells(column.title), *(cells(row[at]) for row in rows)) for at, column in enumerate(columns)]


def _excess(widths: list[int], width: int) -> int:
    return sum(widths) + _GAP * (len(widths) - 1) - width


def _widths(columns: tuple[TextColumn, ...], rows: list[tuple[Any, ...]], width: int | None) -> list[int]:
    """Return the width of each column. Names are cut last, and only as far as necessary."""
    widths = _natural_widths(columns, rows)
    over = 0 if width is None else _excess(widths, width)
    for names in (False, True):
        soft = [at for at, column in enumerate(columns) if not column.whole and column.name is names]
        while over > 0 and soft:
            widest = max(soft, key=lambda at: widths[at])
            if widths[widest] <= _NARROWEST:
                break
            widths[widest] -= 1
            over -= 1
    return widths


def _line(row: Iterable[Shown], columns: tuple[TextColumn, ...], widths: list[int]) -> str:
    shown = []
    for cell, column, width in zip(row, columns, widths, strict=True):
        text = cut(cell, width)
        blank = " " * (width - cells(text))
        shown.append(blank + text if column.right else text + blank)
    return (" " * _GAP).join(shown).rstrip()
