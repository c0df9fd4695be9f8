"""Strict readers for the kinds of cells, dates included.

A reader returns each value in one normal form. It repairs a text that has only one possible reading, and
rejects what a spreadsheet has damaged or what is of another kind. The reason of a rejection completes
"Column: ...".

Whether the day or the month comes first in a date is determined by all dates of a file; everything else
depends on the cell alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from xpm_tui.lazy import pattern

LONGEST_CELL = 32_767
"""The most characters of a cell, as in spreadsheets."""


class CellError(ValueError):
    """A cell that cannot be read; its text completes "row 7: ..."."""


_INVISIBLE = pattern(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200e\u200f\u202a-\u202c\u2060-\u206f\u3164"
    "\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f]"
    "|(?<![^\x00-\x7f])[\u200c\u200d\ufe00-\ufe0f]|[\u200c\u200d](?![^\x00-\x7f])"
)
"""Characters without a shape or a meaning.

Joiners are not among them, because they have a meaning in some scripts; nor are variation selectors after an
emoji.
"""

_BLANKS = pattern("[\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000]")
_LINE_ENDS = pattern("\r\n?|[\u0085\u2028\u2029]")
_JOINERS = pattern("[\u200c\u200d\u202d\u202e\ufe00-\ufe0f]")
_SPACE = pattern("[ \t\n\r\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
"""Blanks and line ends.

Control characters that Python also counts as blanks, such as U+000B, are kept: the outbox reports them with
the value.
"""

ERROR_STARTS = frozenset("#LlEeNnu[=")
"""The first characters of error words; other texts in ASCII always pass :func:`read_text`."""
_ERROR_WORD = pattern(
    r"=?#(?:[\w/¿¡.]+[!?]|N/A(?:[ ]?N/A)?|NV|N/D|I/T|GETTING_DATA|ERROR|DELETED|#+)"
    r"|Err:[0-9]{3}|Loading(?:\.{3}|…)|NaN|null|undefined|\[object Object\]",
    re.IGNORECASE,
)
_EXACT_ERRORS = frozenset(("NaN", "null", "undefined"))
"""Error words only in exactly this spelling: Null is a surname, and Nan a first name."""


def read_moment(text: str) -> datetime:
    """Return a time with its time zone, in UTC.

    Raises:
        ValueError: It is not one; the message says why.
    """
    try:
        if re.fullmatch(r"\d{9,10}", text):
            return datetime.fromtimestamp(int(text), UTC)
        at = datetime.fromisoformat(re.sub(r"\s*(UTC|GMT)$", "+00:00", text))
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("cannot be read") from None
    raise ValueError("has no time zone")


def clean_cell(text: str) -> str:
    r"""Return a text as a cell: NFC, no invisible characters, plain spaces, line feeds, trimmed."""
    if text.isascii():
        if text.isprintable():
            return text.strip()
        return _LINE_ENDS.sub("\n", text).replace("\t", " ").strip()
    text = _LINE_ENDS.sub("\n", unicodedata.normalize("NFC", text))
    return _BLANKS.sub(" ", _INVISIBLE.sub("", text)).strip()


def is_error_word(text: str) -> bool:
    """Return whether a spreadsheet shows this in place of a value: ``#REF!``, ``Err:508``, ``########``."""
    if text[:1] not in ERROR_STARTS:
        return False
    found = _ERROR_WORD.fullmatch(text)
    return found is not None and (text in _EXACT_ERRORS or not text.isalpha())


def read_text(text: str) -> str:
    """Read a cell of any kind.

    Raises:
        CellError: It is an error word or contains a replacement character.
    """
    if is_error_word(text):
        raise CellError(f"{text} is what a spreadsheet shows in place of a value")
    if not text.isascii() and "\ufffd" in text:
        raise CellError(f"{text} has lost a character (\ufffd): export it again as CSV UTF-8")
    return text


def compact(text: str) -> str:
    """Return a text on one line, with single blanks and without joiners."""
    if text.isascii() and text.isprintable():
        return text
    return _SPACE.sub(" ", _JOINERS.sub("", text)).strip()


_SCIENTIFIC = pattern(r"[-+]?[0-9]+(?:[.,][0-9]+)?E[+-]?[0-9]{1,3}", re.IGNORECASE)
_DECIMAL = pattern(r"[-+]?[0-9]+[.,]0+")
_THOUSANDS = pattern(r"[0-9]{1,3}(?:[,.' ][0-9]{3})+(?:[.,][0-9]+)?")
_ROUNDED = pattern(r"[0-9]{15}0+")
_ID_DATE = pattern(
    r"[0-9]{1,2}[-/ ](?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*(?:[-/ ][0-9]{2,4})?"
    r"|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[-/ ][0-9]{1,4}"
    r"|[0-9]{1,2}/[0-9]{1,2}/[0-9]{2,4}|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T][0-9:.]+)?",
    re.IGNORECASE,
)
_EMAIL = pattern(r"[^\s@,;<>\"]+@[^\s@,;<>\"]+\.[^\s@,;<>\".]+")
_AS_TEXT = "format the column as text and export it again"


def read_phone(text: str) -> str:
    """Read a phone number.

    Raises:
        CellError: A spreadsheet has converted it to a number.
    """
    text = compact(text)
    if not text.isdecimal() and " " not in text and (_SCIENTIFIC.fullmatch(text) or _DECIMAL.fullmatch(text)):
        raise CellError(f"{text} is a number that a spreadsheet has shortened; format the column as text")
    return text


def read_email(text: str) -> str:
    """Read an e-mail address, checked roughly as in RFC 5321.

    Raises:
        CellError: It is not an address.
    """
    text = compact(text)
    if not _EMAIL.fullmatch(text) or len(text) > 254:
        raise CellError(f"{text} is not an e-mail address")
    return text


class KnownIds:
    """The ids of one kind in the store, to distinguish a new id from one that a spreadsheet has changed."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._ids = set(ids)
        self._padded = _zero_padded(self._ids)
        widths = {len(id_) for id_ in self._ids if id_.isdecimal()}
        self._width = max(widths) if self._padded and len(widths) == 1 else 0

    def add_from_file(self, ids: Iterable[str]) -> None:
        """Add the ids of a file, so that one of them without its leading zeros is noticed."""
        self._padded |= _zero_padded(ids)

    def read(self, text: str) -> str:
        """Read an id. One that the store has is accepted in any form.

        Raises:
            CellError: A spreadsheet has converted it to a number or a date.
        """
        if not text or text in self._ids:
            return text
        text = compact(read_text(text))
        if text.isdecimal():
            if self._padded.get(text.lstrip("0"), text) != text:
                raise CellError(
                    f"{text} may be {self._padded[text.lstrip('0')]} without its leading zeros; {_AS_TEXT}"
                )
            if len(text) < self._width:
                raise CellError(
                    f"{text} has fewer digits than every other id, so its leading zeros are lost; {_AS_TEXT}"
                )
            if len(text) > 15 and _ROUNDED.fullmatch(text):
                raise CellError(f"{text} is a number that a spreadsheet has rounded; {_AS_TEXT}")
            return text
        for form, why in _NOT_IDS:
            if form.fullmatch(text):
                raise CellError(f"{text} is {why}; {_AS_TEXT}")
        return text


def _zero_padded(ids: Iterable[str]) -> dict[str, str]:
    """Return the numbers with leading zeros, by the number without them."""
    return {id_.lstrip("0"): id_ for id_ in ids if id_[:1] == "0" and id_.isdecimal()}


_NOT_IDS = (
    (_SCIENTIFIC, "a number that a spreadsheet has shortened"),
    (_DECIMAL, "a number that a spreadsheet has given decimal places"),
    (_THOUSANDS, "a number that a spreadsheet has given thousands separators"),
    (_ID_DATE, "an id that a spreadsheet has turned into a date"),
)

NO_IDS = KnownIds(())

READERS: Mapping[str, Callable[[str], str]] = {
    "email": read_email,
    "phone": read_phone,
    "postcode": read_phone,
    "id": NO_IDS.read,
}
"""The readers of the kinds that need more than :func:`read_text`."""


def read_cell(kind: str, text: str) -> str:
    """Read a cell of a kind that has been passed through :func:`clean_cell`.

    Raises:
        CellError: The cell is rejected, with the reason.
    """
    text = read_text(text)
    reader = READERS.get(kind)
    return text if reader is None else reader(text)


_TOTAL = pattern(
    r"(?:(?:grand|sub|overall|report)[ -]?)?(?:total|totals|sum|summe|gesamt|insgesamt|somme|totaal|totale)"
    r"(?:[ ](?:number of |of |for )?(?:clients?|contacts?|services?|proposals?|records?|rows?|count|amount"
    r"|value|price|fees?|revenue|tax|gst|vat|page|report)(?:[ ][ei]xc?l?\.? (?:tax|gst|vat))?)?[ ]?[:=]?",
    re.IGNORECASE,
)
_TOTAL_HINTS = ("tota", "sum", "gesamt", "somme")
_NUMBER = pattern(r"[-(]?\s*[$£€]?\s*-?[0-9][0-9.,' ]*\)?\s*%?")


def may_be_total(row: str) -> bool:
    """Return whether a row's text needs a check by :func:`total_row`."""
    words = row.lower()
    return any(hint in words for hint in _TOTAL_HINTS)


def total_row(cells: Iterable[str]) -> str:
    """Return ``total`` for a row of totals, ``perhaps`` for a possible one, otherwise an empty text.

    A row of totals contains a word for it, and otherwise only numbers. The word alone could be a name.
    """
    filled = [cell for cell in map(clean_cell, cells) if cell]
    words = [cell for cell in filled if not _NUMBER.fullmatch(cell)]
    if len(words) != 1 or not _TOTAL.fullmatch(words[0]):
        return ""
    return "total" if len(filled) > 1 else "perhaps"


_NUMBERS = pattern(r"([0-9]{1,2})([/.\-])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})")
_ISO = pattern(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})")
_DAY_MONTH = pattern(
    r"(?:([a-z]+)\.?,?[ ])?([0-9]{1,2})(?:st|nd|rd|th)?(?:[ ]of)?[ ,/.\-]*([a-z]+)\.?[ ,/.\-]*"
    r"([0-9]{4}|[0-9]{2})"
)
_MONTH_DAY = pattern(
    r"(?:([a-z]+)\.?,?[ ])?([a-z]+)\.?[ \-]*([0-9]{1,2})(?:st|nd|rd|th)?,?[ \-]+([0-9]{4}|[0-9]{2})"
)
_TIME = pattern(
    r"(?:[ ]*[t,][ ]*|[ ]+(?:at[ ]+)?)(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]+)?)?[ ]*"
    r"(?:[ap]\.?m\.?)?(.*)"
)
_ZONE = pattern(r"[ ]*(?:z|utc|gmt|[+-][0-9]{2}:?[0-9]{2}|[a-z]{3,5})(?:[+-][0-9:]+)?")

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
    "november", "december",
)  # fmt: skip
_MONTH = {word: at for at, name in enumerate(_MONTHS, 1) for word in (name, name[:3])} | {"sept": 9}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY = {word: at for at, name in enumerate(_DAYS) for word in (name, name[:3], name[:4])}
_DAY |= {"tues": 1, "thur": 3, "thurs": 3}

_FIRST_YEAR, _LAST_YEAR = 1950, 2199
"""The accepted years; spreadsheets show small numbers as earlier dates: 1/1/1900, 30/12/1899, 1/1/1904."""
_LAST_SHORT = 49
"""Two-digit years up to this one are in this century; for later ones the century is ambiguous."""


class NoDate(ValueError):
    """A cell that is not exactly one date; the message says why, as in "it has a time zone"."""


@dataclass(frozen=True)
class DateStyle:
    """The order of day and month in a file.

    ``guessed``: no date of the file shows the order. ``mixed``: some dates have the day first and others the
    month, so ambiguous dates are rejected.
    """

    day_first: bool = True
    guessed: bool = False
    mixed: bool = False

    def read(self, text: str) -> date:
        """Return the date of a cell, which may have a time of day after it.

        Raises:
            NoDate: There is no date, or it is ambiguous, or something else follows it.
        """
        words = " ".join(text.split()).casefold()
        found = self._date(words)
        if found is not None:
            return found
        for at in (match.start() for match in re.finditer(r"[ t,]", words)):
            found = self._date(words[:at]) if at else None
            if found is not None:
                _check_after_date(words[at:])
                return found
        raise NoDate("it is not a date")

    def _date(self, words: str) -> date | None:
        """Return the date of a text that is only a date; None if it has another form."""
        iso = _ISO.fullmatch(words)
        if iso:
            return _valid_date(int(iso[1]), int(iso[3]), int(iso[4]))
        numbers = _NUMBERS.fullmatch(words)
        if numbers:
            return self._numeric(int(numbers[1]), int(numbers[3]), numbers[4], numbers[2])
        named = _DAY_MONTH.fullmatch(words)
        if named and named[3] in _MONTH:
            return _named(named[1], int(named[2]), _MONTH[named[3]], named[4])
        named = _MONTH_DAY.fullmatch(words)
        if named and named[2] in _MONTH:
            return _named(named[1], int(named[3]), _MONTH[named[2]], named[4])
        return None

    def _numeric(self, first: int, second: int, year: str, separator: str) -> date:
        if self.mixed and first != second and first <= 12 and second <= 12:
            raise NoDate("the day or the month may come first: this file has dates in both orders")
        if separator == "-" and len(year) == 2 and first > 12 and int(year) <= 31:
            raise NoDate("the year has only two digits and may come first or last")
        day, month = (first, second) if self.day_first else (second, first)
        if self.mixed and month > 12:
            day, month = month, day
        return _valid_date(_year(year), month, day)


def _named(weekday: str | None, day: int, month: int, year: str) -> date:
    found = _valid_date(_year(year), month, day)
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


def _valid_date(year: int, month: int, day: int) -> date:
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise NoDate(f"the year {year} cannot be right")
    try:
        return date(year, month, day)
    except ValueError:
        raise NoDate("there is no such day in the calendar") from None


def _check_after_date(rest: str) -> None:
    """Raise ``NoDate`` if anything but a time of day follows a date."""
    time = _TIME.fullmatch(rest)
    if time is None:
        raise NoDate("something follows the date")
    if not time[1].strip():
        return
    if _ZONE.fullmatch(time[1]):
        raise NoDate("it has a time zone, so the day depends on the place")
    raise NoDate("something follows the date")


def date_style(texts: Iterable[str]) -> DateStyle:
    """Return the order of day and month from all dates of a file: a number over 12 is a day.

    Without such a number the day comes first, as in Australia, New Zealand and Great Britain.
    """
    numbers = [match for text in texts if (match := _NUMBERS.match(text.strip()))]
    day = any(int(match[1]) > 12 for match in numbers)
    month = any(int(match[3]) > 12 for match in numbers)
    if day != month:
        return DateStyle(day_first=day)
    if day:
        return DateStyle(mixed=True)
    return DateStyle(guessed=any(match[1] != match[3] for match in numbers))
