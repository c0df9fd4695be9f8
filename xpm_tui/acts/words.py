"""Values in words for tables and lines."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from xpm_tui.acts.act import Result, Table
from xpm_tui.model.links import Value


def plain(record: msgspec.Struct) -> dict[str, Any]:
    """A record as JSON data, with every field there, also those that have their default."""
    return {name: _plain(getattr(record, name)) for name in record.__struct_fields__}


def _plain(told: object) -> Any:
    if isinstance(told, msgspec.Struct):
        return plain(told)
    if isinstance(told, tuple | list):
        return [_plain(each) for each in told]
    return msgspec.to_builtins(told)


def listed(views: list[Any], table: Table, **data: Any) -> Result:
    """A list of views with its table."""
    return Result(data=data, items=[plain(view) for view in views], table=table)


def value(told: Value) -> str:
    """A field's value on one line: lines and lists with commas, nobody said as nothing."""
    if told is None:
        return ""
    if isinstance(told, bool):
        return "yes" if told else "no"
    return ", ".join(told.splitlines()) if isinstance(told, str) else ", ".join(told)


def count(number: int, noun: str) -> str:
    """A number with its noun: ``1 client``, ``1,204 clients``, ``3 people`` for ``person/people``."""
    one, _, many = noun.partition("/")
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def when(at: datetime | None) -> str:
    """A moment in the machine's own time zone, to the minute; empty for none."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M") if at else ""


def ago(at: datetime | None, now: datetime | None = None) -> str:
    """How long ago in the largest fitting unit: ``3 hours ago``; ``never`` for none."""
    if at is None:
        return "never"
    seconds = max(0.0, ((now or datetime.now(UTC)) - at).total_seconds())
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= 2 * size or (unit != "day" and seconds >= size):
            return f"{count(int(seconds // size), unit)} ago"
    return "just now"


def fields(pairs: dict[str, str], indent: str = "") -> list[str]:
    """Named values one under the other; those without a value are left out."""
    shown = {name: text for name, text in pairs.items() if text}
    wide = max((len(name) for name in shown), default=0)
    return [f"{indent}{name.ljust(wide)}  {text}" for name, text in shown.items()]


def arrow(old: Value, new: Value) -> str:
    """What a value was and what it becomes."""
    return f"{value(old) or '-'} -> {value(new) or '-'}"


def wrapped(text: str, indent: str = "  ", width: int = 78) -> list[str]:
    """A long line as several that fit a terminal of 80 columns."""
    import textwrap

    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent)
