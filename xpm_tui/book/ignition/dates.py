"""Dates as spreadsheets write them. Whether day or month comes first is decided by the whole file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

_NUMBERS = re.compile(r"(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4}|\d{2})(?:[ T,].*)?")
_ISO = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ T].*)?")
_WORDS = (
    "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%d %b %y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y",
    "%B %d %Y", "%a %d %b %Y", "%A %d %B %Y",
)  # fmt: skip


class NoDate(ValueError):
    """A text that is no date."""


@dataclass(frozen=True)
class DateStyle:
    """Whether the day comes first; ``guessed`` when no date of the file decided it."""

    day_first: bool = True
    guessed: bool = False

    def read(self, text: str) -> date:
        """The date that a cell means; raises :class:`NoDate`."""
        text = text.strip()
        try:
            iso = _ISO.fullmatch(text)
            if iso:
                return date(int(iso[1]), int(iso[2]), int(iso[3]))
            numbers = _NUMBERS.fullmatch(text)
            if numbers:
                one, two, year = int(numbers[1]), int(numbers[2]), int(numbers[3])
                year += 2000 if year < 100 else 0
                return date(year, two, one) if self.day_first else date(year, one, two)
        except ValueError:
            raise NoDate(text) from None
        for style in _WORDS:
            try:
                return datetime.strptime(text, style).date()
            except ValueError:
                continue
        raise NoDate(text)


def date_style(texts: Iterable[str]) -> DateStyle:
    """Look at all dates of a file: a first number over 12 is a day, a second one over 12 too.

    Where none decides it, the day comes first, as in Australia, New Zealand and Great Britain.
    """
    numbers = [match for text in texts if (match := _NUMBERS.fullmatch(text.strip()))]
    day = any(int(match[1]) > 12 for match in numbers)
    month = any(int(match[2]) > 12 for match in numbers)
    if day != month:
        return DateStyle(day_first=day)
    # Both kinds in one file: the ones that do not fit are refused row by row.
    return DateStyle(guessed=any(match[1] != match[2] for match in numbers))
