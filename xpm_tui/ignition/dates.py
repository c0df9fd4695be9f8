"""Dates as spreadsheets write them, read only where there is one way to read them.

Whether day or month comes first is decided by the whole file; everything else by the cell itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

_NUMBERS = re.compile(r"([0-9]{1,2})([/.\-])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})")
_ISO = re.compile(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})")
_DAY_MONTH = re.compile(
    r"(?:([a-z]+)\.?,?[ ])?([0-9]{1,2})(?:st|nd|rd|th)?(?:[ ]of)?[ ,/.\-]*([a-z]+)\.?[ ,/.\-]*"
    r"([0-9]{4}|[0-9]{2})"
)
_MONTH_DAY = re.compile(
    r"(?:([a-z]+)\.?,?[ ])?([a-z]+)\.?[ \-]*([0-9]{1,2})(?:st|nd|rd|th)?,?[ \-]+([0-9]{4}|[0-9]{2})"
)
_TIME = re.compile(
    r"(?:[ ]*[t,][ ]*|[ ]+(?:at[ ]+)?)(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]+)?)?[ ]*"
    r"(?:[ap]\.?m\.?)?(.*)"
)
_ZONE = re.compile(r"[ ]*(?:z|utc|gmt|[+-][0-9]{2}:?[0-9]{2}|[a-z]{3,5})(?:[+-][0-9:]+)?")

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
    "november", "december",
)  # fmt: skip
_MONTH = {word: at for at, name in enumerate(_MONTHS, 1) for word in (name, name[:3])} | {"sept": 9}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY = {word: at for at, name in enumerate(_DAYS) for word in (name, name[:3], name[:4])}
_DAY |= {"tues": 1, "thur": 3, "thurs": 3}

_FIRST_YEAR, _LAST_YEAR = 1950, 2199
"""Before the first lie the days that spreadsheets show for a small number: 1/1/1900, 30/12/1899, 1/1/1904."""
_LAST_SHORT = 49
"""Two digits up to this one are a year of this century; beyond it there are two centuries to choose from."""


class NoDate(ValueError):
    """A text that is not one date; its text says why, as in "it has a time zone"."""


@dataclass(frozen=True)
class DateStyle:
    """Whether the day comes first; ``guessed`` when no date of the file decided it.

    ``mixed``: some dates of the file have the day first and others the month, so that one that could be
    either is refused.
    """

    day_first: bool = True
    guessed: bool = False
    mixed: bool = False

    def read(self, text: str) -> date:
        """Return the date that a cell means.

        A time of day is allowed behind it. Raises :class:`NoDate` where there is no date, more than one way
        to read it, or anything else behind it.
        """
        words = " ".join(text.split()).casefold()
        found = self._date(words)
        if found is not None:
            return found
        for at in (match.start() for match in re.finditer(r"[ t,]", words)):
            found = self._date(words[:at]) if at else None
            if found is not None:
                _refuse_rest(words[at:])
                return found
        raise NoDate("it is not a date")

    def _date(self, words: str) -> date | None:
        """The date of a text that is nothing but a date; None where it has another form."""
        iso = _ISO.fullmatch(words)
        if iso:
            return _made(int(iso[1]), int(iso[3]), int(iso[4]))
        numbers = _NUMBERS.fullmatch(words)
        if numbers:
            return self._numbers(int(numbers[1]), int(numbers[3]), numbers[4], numbers[2])
        named = _DAY_MONTH.fullmatch(words)
        if named and named[3] in _MONTH:
            return _named(named[1], int(named[2]), _MONTH[named[3]], named[4])
        named = _MONTH_DAY.fullmatch(words)
        if named and named[2] in _MONTH:
            return _named(named[1], int(named[3]), _MONTH[named[2]], named[4])
        return None

    def _numbers(self, one: int, two: int, year: str, sign: str) -> date:
        if self.mixed and one != two and one <= 12 and two <= 12:
            raise NoDate("the day or the month may come first: this file has dates in both orders")
        if sign == "-" and len(year) == 2 and one > 12 and int(year) <= 31:
            raise NoDate("the year has only two digits and may come first or last")
        day, month = (one, two) if self.day_first else (two, one)
        if self.mixed and month > 12:
            day, month = month, day
        return _made(_year(year), month, day)


def _named(weekday: str | None, day: int, month: int, year: str) -> date:
    found = _made(_year(year), month, day)
    if weekday and weekday not in _DAY:
        raise NoDate("it is not a date")
    if weekday and _DAY[weekday] != found.weekday():
        raise NoDate(f"it was a {_DAYS[found.weekday()].capitalize()}")
    return found


def _year(text: str) -> int:
    if len(text) == 4:
        return int(text)
    if int(text) > _LAST_SHORT:
        raise NoDate("the year has only two digits, so the century is not clear")
    return 2000 + int(text)


def _made(year: int, month: int, day: int) -> date:
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise NoDate(f"the year {year} cannot be right")
    try:
        return date(year, month, day)
    except ValueError:
        raise NoDate("there is no such day in the calendar") from None


def _refuse_rest(rest: str) -> None:
    """Raise where something other than a time of day follows a date."""
    time = _TIME.fullmatch(rest)
    if time is None:
        raise NoDate("something follows the date")
    if not time[1].strip():
        return
    if _ZONE.fullmatch(time[1]):
        raise NoDate("it has a time zone, so the day depends on the place")
    raise NoDate("something follows the date")


def date_style(texts: Iterable[str]) -> DateStyle:
    """Look at all dates of a file: a first number over 12 is a day, a second one over 12 too.

    Where none decides it, the day comes first, as in Australia, New Zealand and Great Britain.
    """
    numbers = [match for text in texts if (match := _NUMBERS.match(text.strip()))]
    day = any(int(match[1]) > 12 for match in numbers)
    month = any(int(match[3]) > 12 for match in numbers)
    if day != month:
        return DateStyle(day_first=day)
    if day:
        return DateStyle(mixed=True)
    return DateStyle(guessed=any(match[1] != match[3] for match in numbers))
