"""Format times, counts, values and lines of text for users. The product has no other formatter.

The functions are pure: a time comes with its zone, an age with its "now". JSON and CSV use ISO 8601 instead.
Data is made safe to show (:mod:`xpm_tui.domain.safe_text`) before it is returned as ``Shown``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from xpm_tui.domain.safe_text import LIMIT, Shown, visible
from xpm_tui.lazy import lazy_imports, pattern

with lazy_imports():
    import calendar

    import rich.cells  # only where a text is not ASCII

if TYPE_CHECKING:
    from xpm_tui.domain.links import Value

NONE = "–"
"""The text for an empty value, so that an empty cell is never ambiguous."""

_MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""Month names as printed, whatever the locale of the process."""

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


# Times


def when(at: datetime | None, zone: tzinfo | None = None, *, none: str = "") -> str:
    """Return a day and time for running text: ``4 May 2026, 09:05``.

    Args:
        at: An aware time.
        zone: The zone to show it in: the practice's, or the machine's where it is None.
        none: Returned if there is no time.
    """
    if at is None:
        return none
    at = at.astimezone(zone)
    return f"{day(at)}, {at.hour:02}:{at.minute:02}"


def when_utc(at: datetime) -> str:
    """Return a day and time in UTC, and say so: for diagnostics, which are read on other machines."""
    return f"{when(at, UTC)} UTC"


def when_short(at: datetime | None, zone: tzinfo | None = None, *, none: str = "") -> str:
    """Return a day and time for a table, without the year: ``4 May 09:05``."""
    if at is None:
        return none
    at = at.astimezone(zone)
    return f"{at.day} {_MONTHS[at.month]} {at.hour:02}:{at.minute:02}"


def month_name(month: str) -> str:
    """Return a month, ``2026-11``, as ``Nov 2026``."""
    year, _, number = month.partition("-")
    return f"{_MONTHS[int(number)]} {year}"


def day_short(of: date) -> str:
    """Return a day without its year: ``5 Nov``."""
    return f"{of.day} {_MONTHS[of.month]}"


def day(of: date | None, *, none: str = NONE) -> str:
    """Return a calendar day: ``4 May 2026``."""
    return f"{of.day} {_MONTHS[of.month]} {of.year}" if of else none


def weekday(of: date, today: date) -> str:
    """Return a calendar day with its day of the week and how far it is: ``Monday 4 May 2026, in 3 days``."""
    days = (of - today).days
    away = "today" if not days else f"in {count(days, 'day')}" if days > 0 else f"{count(-days, 'day')} ago"
    return f"{of:%A} {day(of)}, {away}"


def clock(at: datetime | None, zone: tzinfo | None = None) -> str:
    """Return the time of day to the second, always eight characters wide: ``09:05:12``."""
    if at is None:
        return " " * 8
    at = at.astimezone(zone)
    return f"{at.hour:02}:{at.minute:02}:{at.second:02}"


def when_brief(at: datetime, now: datetime) -> str:
    """Return a time for a narrow column: ``09:05`` of today, ``4 May`` of another day."""
    at, now = at.astimezone(), now.astimezone()
    return clock(at)[:5] if at.date() == now.date() else day_short(at.date())


def when_exact(at: datetime | None, zone: tzinfo | None = None) -> str:
    """Return a day and time to the second for a line of the log: ``4 May 09:05:12``; empty for none."""
    if at is None:
        return ""
    at = at.astimezone(zone)
    return f"{at.day} {_MONTHS[at.month]} {clock(at, at.tzinfo)}"


def ago(at: datetime | None, now: datetime, *, never: str = "never") -> str:
    """Return how long ago a time was: ``just now``, ``2 min ago``, ``3 h ago``, ``2 days ago``.

    A time in the future reads as ``just now``: the clock of another machine may be ahead.
    """
    return never if at is None else elapsed((now - at).total_seconds())


def elapsed(seconds: float) -> str:
    """Return an age in seconds in words, as ``ago`` does."""
    if seconds < _MINUTE:
        return "just now"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min ago"
    if seconds < 2 * _DAY:
        return f"{int(seconds // _HOUR)} h ago"
    return f"{count(int(seconds // _DAY), 'day')} ago"


def duration(seconds: float, *, about: bool = False) -> str:
    """Return a length of time: ``40 s``, ``3 min``, ``1.5 h``, ``3 days``; as an estimate ``about 3 min``."""
    if seconds < 90:
        length = f"{round(seconds)} s"
    elif seconds < 90 * _MINUTE:
        length = f"{round(seconds / _MINUTE)} min"
    elif seconds < 2 * _DAY:
        length = f"{seconds / _HOUR:.1f}".removesuffix(".0") + " h"
    else:
        length = count(int(seconds // _DAY), "day")
    return f"about {length}" if about else length


def time_span(seconds: float) -> str:
    """Return a length of time for a sentence: ``5 minutes``, ``26 hours``, beyond 48 hours ``3 days``."""
    if seconds < _HOUR:
        return count(round(seconds / _MINUTE), "minute")
    if seconds < 2 * _DAY:
        return count(int(seconds // _HOUR), "hour")
    return count(int(seconds // _DAY), "day")


# Counts


def count(number: float, noun: str, *, zero: str = "") -> str:
    """Return a number with its noun: ``1 client``, ``1,204 clients``, ``3 people``.

    Args:
        number: How many.
        noun: The singular; with an irregular plural both, as in ``person/people``.
        zero: The word in place of 0, ``No`` at the start of a sentence: ``No clients``.
    """
    shown = zero if zero and number == 0 else figure(number)
    return f"{shown} {plural(number, noun)}"


def plural(number: float, noun: str) -> str:
    """Return the word that agrees with a number: ``plural(2, "category")`` is ``categories``.

    Verbs and pronouns are given in both forms: ``plural(n, "waits/wait")``.
    """
    one, _, many = noun.partition("/")
    if number == 1:
        return one
    if many:
        return many
    if re.search(r"(?:s|x|ch|sh)$", one):
        return f"{one}es"
    return f"{one[:-1]}ies" if re.search(r"[^aeiou]y$", one) else f"{one}s"


def figure(number: float) -> str:
    """Return a number with separators between the thousands, and at most one decimal: ``1,204``, ``0.5``."""
    return f"{number:,}" if isinstance(number, int) else f"{number:,.1f}".removesuffix(".0")


def size(number: int) -> str:
    """Return bytes with their unit, in powers of 1,000 as Xero bills them: ``812 B``, ``1.4 MB``."""
    amount, units = float(number), ["B", "kB", "MB", "GB"]
    while amount >= 999.95 and len(units) > 1:
        amount, units = amount / 1000, units[1:]
    return f"{amount:,.0f} B" if units[0] == "B" else f"{amount:,.1f} {units[0]}"


# Values


LINE_BREAK = " ⏎ "
"""The text shown in place of a line break in a value on one line."""


def value(of: Value, *, none: str = NONE, limit: int = LIMIT) -> Shown:
    """Return a field's value on one line, safe to show.

    A flag reads yes or no; several names are separated by commas. The lines of an address are separated by
    a mark, because the same text with commas is another value.

    Args:
        of: The value; people and records are resolved to their names before.
        none: Shown for an empty value.
        limit: Characters at most.
    """
    if isinstance(of, bool):
        return Shown("yes" if of else "no")
    if not of:
        return Shown(none)
    if isinstance(of, str):
        return visible(LINE_BREAK.join(of.replace("\r\n", "\n").replace("\r", "\n").split("\n")), limit)
    return visible(", ".join(of), limit)


def both(one: Value, other: Value, limit: int) -> tuple[Shown, Shown]:
    """Return two values on one line, each of at most about ``limit`` characters.

    If both begin with the same long text, most of it is left out, so that the difference is shown.
    """
    first, second = value(one), value(other)
    pairs = enumerate(zip(first, second, strict=False))
    start = next((at for at, (left, right) in pairs if left != right), min(len(first), len(second)))
    if max(len(first), len(second)) > limit and start > limit // 2:
        at = start - limit // 4
        first, second = Shown("…" + first[at:]), Shown("…" + second[at:])
    return visible(first, limit), visible(second, limit)


def scalar(of: object, *, none: str = NONE) -> str:
    """Return a plain value of an event or a setting: a flag as yes or no, a number with separators."""
    if isinstance(of, bool):
        return "yes" if of else "no"
    if isinstance(of, int | float):
        return figure(of)
    return none if of is None else str(of)


def arrow(old: Value, new: Value) -> str:
    """Return what a value was and what it becomes: ``06 350 → 06 351``."""
    return f"{value(old)} → {value(new)}"


def listing(pairs: Mapping[str, str], indent: str = "") -> list[str]:
    """Return named values one per line, with the values aligned; empty ones are left out."""
    shown = {name: text for name, text in pairs.items() if text}
    wide = max((cells(name) for name in shown), default=0)
    return [f"{indent}{name}{' ' * (wide - cells(name))}  {text}" for name, text in shown.items()]


def sequence(names: Iterable[str], *, last: str = "and", most: int = 0) -> str:
    """Return names as a phrase: ``a``, ``a and b``, ``a, b and c``; beyond ``most``: ``a, b and 3 more``."""
    found = list(names)
    if most and len(found) > most:
        return f"{', '.join(found[:most])} {last} {figure(len(found) - most)} more"
    return f" {last} ".join([", ".join(found[:-1]), found[-1]]) if len(found) > 1 else "".join(found)


# Width


def cells(text: str) -> int:
    """Return how many terminal cells a text takes (Unicode UAX 11), as the console's own library measures."""
    return len(text) if text.isascii() else sum(map(_cell, text))


@lru_cache(4096)
def _cell(char: str) -> int:
    return rich.cells.get_character_cell_size(char)


def cut(text: Shown, width: int) -> Shown:
    """Return a text cut to at most ``width`` cells, ended with an ellipsis where something is missing.

    Args:
        text: Shown text.
        width: Terminal cells.
    """
    if width <= 0:
        return Shown("")
    if cells(text) <= width:
        return text
    return Shown(text[: _prefix(text, width - 1)].rstrip() + "…")


def _prefix(text: str, room: int) -> int:
    """Return how many characters of a text fit into ``room`` cells."""
    if text.isascii():
        return max(0, room)
    for place, char in enumerate(text):
        room -= _cell(char)
        if room < 0:
            return place
    return len(text)


# Lines

_WORDS = pattern(r"\s*(?:\(g \w\)\S*|\S+)\s*|\s+")  # keys such as "(g t)" stay together
_BEFORE = pattern(
    r"\s*"
    r"(?:(?:\d{1,3}[.)]|[^\w\s\"'“‘(\[{<]{1,2})\s+(?=\S))?"  # 1. or a mark: ! → ■ •
    r"(?:(?:\w[\w-]*(?: [\w-]+){0,2}: +|\S+(?: \S+){0,3} {2,})(?=\S))?"  # a label, by colon or in a column
)
_LABEL = 20
"""The maximum width of a label in cells; anything longer is ordinary text."""


class TextRow(NamedTuple):
    """A row of a wrapped text, as a range of characters."""

    start: int
    end: int


def hanging_indent(text: str, width: int) -> int:
    """Return the width of what precedes a line's text: spaces, a mark or number, or a label.

    Continuation lines are indented by it. A prefix of more than two fifths of the width does not count.
    """
    found = _BEFORE.match(text)
    before = cells(found[0]) if found is not None else 0
    if before <= min(_LABEL, width * 2 // 5):
        return before
    blanks = cells(text) - cells(text.lstrip())
    return blanks if blanks <= width * 2 // 5 else 0


def rows(text: str, width: int) -> list[TextRow]:
    """Return the rows of a text wrapped at spaces; all but the first are indented by ``hanging_indent``."""
    if width <= 0:
        return []
    found: list[TextRow] = []
    inner = width - hanging_indent(text, width)
    room, start, used = width, 0, 0
    for match in _WORDS.finditer(text):
        word, at = match[0], match.start()
        if used and used + cells(word.rstrip()) > room:
            found.append(TextRow(start, start + len(text[start:at].rstrip())))
            start = at + len(word) - len(word.lstrip())
            word, room, used = text[start : match.end()], inner, 0
        while not used and cells(word.rstrip()) > room:
            part = word[: _prefix(word, room)].rstrip() or word[:1]
            found.append(TextRow(start, start + len(part)))
            start, word, room = start + len(part), word[len(part) :], inner
        used += cells(word)
    found.append(TextRow(start, start + len(text[start:].rstrip()) if used > room else len(text)))
    return found


def wrap(text: str, width: int = 78, *, indent: str = "") -> list[str]:
    """Wrap a line at spaces to at most ``width`` cells, with a hanging indent.

    Args:
        text: One line of shown text.
        width: Terminal cells.
        indent: Put before every line.
    """
    return list(_wrapped(f"{indent}{text}", width))


def _wrapped(text: str, width: int) -> Iterator[str]:
    blank = " " * hanging_indent(text, width)
    for place, row in enumerate(rows(text, width)):
        yield (blank if place else "") + text[row.start : row.end]


_ACROSS, _UP = " ▏▎▍▌▋▊▉█", " ▁▂▃▄▅▆▇█"


def bar(value: float, highest: float, columns: int) -> str:
    """Return a bar of at most ``columns`` cells, in proportion to the highest value.

    A value that is not 0 has at least the thinnest bar.
    """
    eighths = max(1, round(min(1.0, value / highest) * columns * 8)) if value > 0 else 0
    return "█" * (eighths // 8) + _ACROSS[eighths % 8].strip()


def column(value: float, highest: float, height: int = 1) -> list[str]:
    """Return a column of a chart from top to bottom, one character for each row.

    A value that is not 0 has at least the lowest column.
    """
    eighths = max(1, round(min(1.0, value / highest) * height * 8)) if value > 0 else 0
    return [_UP[max(0, min(8, eighths - row * 8))] for row in reversed(range(height))]


def chart(values: Sequence[int]) -> str:
    """Return a chart of one row: two cells for each value, in proportion to the highest; dots for 0."""
    highest = max(values, default=0) or 1
    return "".join((column(value, highest)[0] if value > 0 else "·") * 2 for value in values)


LONG_GAUGE = 10
"""The length from which one light cell does not look like a large part."""


def gauge(part: float, columns: int) -> str:
    """Return a line whose first ``part``, from 0 to 1, is heavy.

    A part above 0 has at least one heavy cell, and a long line is completely heavy only for 1.
    """
    full = round(max(0.0, min(1.0, part)) * columns)
    if 0 < part < 1:
        full = max(1, min(columns - (columns >= LONG_GAUGE), full))
    return "━" * full + "─" * (columns - full)


_ISO = pattern(r"(\d{4})-?(\d{2})-?(\d{2})")
_DAY_FIRST = pattern(r"(\d{1,2})[./ -](\d{1,2})[./ -](\d{4})")


def date_hint(text: str, today: date) -> str:
    """Return the day of the week of a typed date and how far away it is, or what is wrong with it."""
    typed = text.strip()
    if not typed:
        return f"Year, month and day: today is {today.isoformat()}, a {today:%A}."
    if match := _ISO.fullmatch(typed):
        year, month, number = (int(part) for part in match.groups())
        try:
            return f"{weekday(date(year, month, number), today)}."
        except ValueError:
            return _no_such_day(year, month)
    if match := _DAY_FIRST.fullmatch(typed):
        number, month, year = (int(part) for part in match.groups())
        if number > 12 >= month > 0:  # otherwise it may have been the month
            return f"Not a date yet: write it as {year}-{month:02}-{number:02}."
    return f"Not a date yet: write year, month and day, like {today.isoformat()}."


def _no_such_day(year: int, month: int) -> str:
    """Return why a text in the form of a date is not one."""
    if not 1 <= month <= 12:
        return f"There is no month {month}: the months are 01 to 12."
    if year < 1:
        return "There is no year 0000."
    return (
        f"There is no such day: {date(year, month, 1):%B %Y} has {calendar.monthrange(year, month)[1]} days."
    )
