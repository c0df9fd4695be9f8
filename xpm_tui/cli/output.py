"""What goes to stdout: one JSON object a line in ASCII, or plain tables and lines as a person reads them."""

from __future__ import annotations

import json
import shutil
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from xpm_tui.acts.act import Column, Result, Table
from xpm_tui.model.errors import AllowanceUsedUp, Trouble
from xpm_tui.model.text import visible, visible_lines

_GAP = 2
_NARROWEST = 4


def dumps(value: object) -> str:
    """JSON on one line, ASCII, DEL escaped too: nothing in it can steer a terminal."""
    plain = msgspec.to_builtins(value, str_keys=True)
    return json.dumps(plain, ensure_ascii=True).replace("\x7f", "\\u007f")


def error(trouble: Trouble) -> dict[str, Any]:
    """A trouble as JSON: ``code``, ``message``, ``hint``, and ``until`` where there is one.

    ``case`` with its ``case_title`` and ``steps`` where the trouble is a known one.
    """
    from xpm_tui.diagnose.telling import case_of

    told: dict[str, Any] = {"code": trouble.code, "message": trouble.message, "hint": trouble.hint}
    found = case_of(trouble)
    if found is not None:
        told |= {"case": str(found.id), "case_title": found.title, "steps": list(found.steps)}
    if isinstance(trouble, AllowanceUsedUp) and trouble.until is not None:
        told["until"] = trouble.until
    return told


def spoken(trouble: Trouble) -> str:
    """A trouble for a person: what, what to do next, and the case that it is; safe to show."""
    from xpm_tui.diagnose.telling import case_of, in_short

    found = case_of(trouble)
    told = [trouble.message, trouble.hint, *(in_short(found) if found is not None else ())]
    first, *rest = [visible_lines(line) for line in told if line]
    return "\n".join([first, *(f"  {line}" for line in rest)])


def outcome(result: Result) -> dict[str, Any]:
    """The one object, or the last line of a stream: ``ok``, then the data, ``items`` or ``error``."""
    told: dict[str, Any] = {"ok": result.trouble is None, **_without_ok(result.data)}
    if result.items is not None:
        told["items"] = list(result.items)
    if result.trouble is not None:
        told["error"] = error(result.trouble)
    return told


def lines(result: Result) -> Iterator[str]:
    """The same for a person, safe to show."""
    if result.table is not None:
        yield from render(result.table, shutil.get_terminal_size((80, 24)).columns)
    for line in result.lines:
        yield visible_lines(line)


def render(table: Table, width: int) -> Iterator[str]:
    """A table in plain columns that fit ``width`` cells as far as its whole columns allow."""
    rows = [tuple(visible(cell) for cell in row) for row in table.rows]
    if not rows:
        yield visible(table.empty or "Nothing to show.")
        return
    widths = _widths(table.columns, rows, width)
    yield _line((c.title for c in table.columns), table.columns, widths)
    for row in rows:
        yield _line(row, table.columns, widths)


def _widths(columns: tuple[Column, ...], rows: list[tuple[Any, ...]], width: int) -> list[int]:
    widths = [
        max(cells(column.title), *(cells(row[at]) for row in rows)) for at, column in enumerate(columns)
    ]
    soft = [at for at, column in enumerate(columns) if not column.whole]
    over = sum(widths) + _GAP * (len(columns) - 1) - width
    while over > 0 and soft:
        widest = max(soft, key=lambda at: widths[at])
        if widths[widest] <= _NARROWEST:
            break
        widths[widest] -= 1
        over -= 1
    return widths


def _line(row: Iterable[str], columns: tuple[Column, ...], widths: list[int]) -> str:
    shown = []
    for cell, column, width in zip(row, columns, widths, strict=True):
        text = cut(cell, width)
        blank = " " * (width - cells(text))
        shown.append(blank + text if column.right else text + blank)
    return (" " * _GAP).join(shown).rstrip()


def cells(text: str) -> int:
    """How many terminal cells a shown text takes (Unicode UAX 11: wide characters take two)."""
    if text.isascii():
        return len(text)
    return sum(_cell(char) for char in text)


def cut(text: str, width: int) -> str:
    """The text, ended with an ellipsis where it is wider than ``width`` cells."""
    if cells(text) <= width:
        return text
    room, kept = width - 1, []
    for char in text:
        room -= _cell(char)
        if room < 0:
            break
        kept.append(char)
    return "".join(kept) + "…"


def _cell(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _without_ok(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key not in ("ok", "error")}
