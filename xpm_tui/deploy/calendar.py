"""The dates of a workflow's occurrences. Days are those of the practice, without times."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import date, timedelta

import msgspec

from xpm_tui.domain.formatting import count
from xpm_tui.domain.ignition import Proposal, Repeat, Unit, Workflow

RECURRENCES: dict[str, tuple[Unit, int]] = {
    "weekly": ("week", 1),
    "fortnightly": ("week", 2),
    "four-weekly": ("week", 4),
    "monthly": ("month", 1),
    "two-monthly": ("month", 2),
    "quarterly": ("month", 3),
    "half-yearly": ("month", 6),
    "yearly": ("year", 1),
}
"""The recurrences that users can enter, by name."""

_MONTHS = {"month": 1, "year": 12}


def recurrence_name(repeat: Repeat | None) -> str:
    """Return the name of a recurrence, such as ``monthly``; ``once`` for none."""
    if repeat is None:
        return "once"
    named = {parts: name for name, parts in RECURRENCES.items()}
    return named.get((repeat.unit, repeat.every), f"every {count(repeat.every, repeat.unit)}")


def occurrence(start: date, repeat: Repeat, index: int) -> date:
    """Return the date of the occurrence with this index; the start has index 0.

    It is always counted from the start, so a short month does not shift later dates.

    Raises:
        OverflowError: The date is beyond the calendar.
    """
    if repeat.unit == "week":
        return start + timedelta(weeks=repeat.every * index)
    months = start.month - 1 + _MONTHS[repeat.unit] * repeat.every * index
    year, month = start.year + months // 12, months % 12 + 1
    if year > date.max.year:
        raise OverflowError(year)
    last = calendar.monthrange(year, month)[1]
    return date(year, month, last if repeat.last_day else min(start.day, last))


def dates_between(start: date, repeat: Repeat | None, first: date, last: date) -> Iterator[date]:
    """Yield the dates from ``first`` to ``last``, both included, in order."""
    if repeat is None:
        if first <= start <= last:
            yield start
        return
    end = min(last, repeat.end) if repeat.end else last
    index = max(0, _approximate_index(start, repeat, first) - 2)
    while True:
        try:
            day = occurrence(start, repeat, index)
        except OverflowError:
            return
        if day > end:
            return
        if day >= first and day >= start:
            yield day
        index += 1


def recurrence(workflow: Workflow, proposal: Proposal | None) -> Repeat | None:
    """Return how a workflow recurs, with the end of its proposal unless a user has chosen another one.

    If the next term has its own workflow, this one ends with its term in any case.
    """
    repeat = workflow.repeat
    if repeat is None:
        return None
    own = repeat.end is not None or repeat.endless or proposal is None
    ends = [repeat.end if own or proposal is None else proposal.end, workflow.term_end]
    return msgspec.structs.replace(repeat, end=min((end for end in ends if end is not None), default=None))


def last_day(start: date, repeat: Repeat, day: date) -> date:
    """Return the last day of the period that starts with an occurrence: the day before the next one."""
    endless = msgspec.structs.replace(repeat, end=None)
    if day == date.max:
        return day
    one = timedelta(days=1)
    following = next(dates_between(start, endless, day + one, date.max), None)
    return following - one if following is not None else date.max


def period(day: date, repeat: Repeat | None) -> str:
    """Return the name of a period: year, month or, if it recurs within a month, its date."""
    if repeat is None or repeat.unit == "year":
        return str(day.year)
    return f"{calendar.month_name[day.month]} {day.year}" if repeat.unit == "month" else day.isoformat()


def _approximate_index(start: date, repeat: Repeat, day: date) -> int:
    """Return the index of the last occurrence before a day, at most one off."""
    if day <= start:
        return 0
    if repeat.unit == "week":
        return (day - start).days // (7 * repeat.every)
    months = (day.year - start.year) * 12 + day.month - start.month
    return months // (_MONTHS[repeat.unit] * repeat.every)
