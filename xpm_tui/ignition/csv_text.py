"""Parses CSV records (RFC 4180): finds encoding and delimiter, and recovers from stray quotes.

A record that cannot be parsed costs one row: parsing continues with the next line.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.formatting import count
from xpm_tui.domain.safe_text import visible

ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with BOM",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "cp1252": "Windows-1252",
    "mac-roman": "Mac Roman",
}
"""The accepted encodings: Python's names, with names for users."""

_DELIMITERS = ",;\t|"


class Record(NamedTuple):
    """A record: ``row`` is its number as in a spreadsheet, and ``reason`` says why it cannot be used."""

    row: int
    cells: tuple[str, ...]
    reason: str = ""


HEAD = 65_536
"""The number of bytes at the start of a file that show its type."""


def find_encoding(head: bytes, encoding: str = "") -> str:
    """Return the encoding (Python's name) that is given or that the first bytes show; empty if none is.

    Raises:
        BadInput: The file is not text.
    """
    _refuse_other_files(head)
    return _python_name(encoding) if encoding else _from_byte_order_mark(head) or _utf16_without_mark(head)


def undecodable(name: str, place: int) -> BadInput:
    """Return the error for a file that cannot be decoded in its expected encoding."""
    return BadInput(
        f"The file is not {ENCODINGS[name]}: byte {place + 1:,} does not fit.",
        hint="Save it as CSV UTF-8, or name its encoding: --encoding utf-16.",
    )


_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH = re.compile(rb"[\x80-\xff]")
_CLEAR = 1.0
"""How much better Mac Roman must fit than Windows-1252, per letter beyond ASCII, on a scale of -3 to 2."""


def judge_encoding(raw: bytes) -> str:
    """Return the one-byte encoding (Python's name) in which a text that is not UTF-8 has plausible words.

    ``raw`` is the file, or its lines with bytes beyond ASCII.

    Raises:
        BadInput: Both encodings or neither are plausible, or it is damaged UTF-8.
    """
    high, sound = len(_HIGH.findall(raw)), _MULTIBYTE.findall(raw)
    if sum(map(len, sound)) * 2 > high:
        damaged = _HIGH.search(_MULTIBYTE.sub(b"", raw))
        raise BadInput(
            "The file is UTF-8 with damaged characters: some bytes belong to another encoding"
            + (f" (0x{damaged[0].hex().upper()})." if damaged else "."),
            hint="Export it again as CSV UTF-8, and do not join files with different encodings.",
        )
    mac = raw.decode("mac-roman")
    windows = raw.decode("cp1252", "replace")
    fit, other = (sum(map(_fitness, _WORDS.finditer(text))) / high for text in (windows, mac))
    if "\ufffd" not in windows and (mac == windows or (fit >= 0 and fit >= other)):
        return "cp1252"
    if other >= 0 and other - fit >= _CLEAR:
        return "mac-roman"
    shown = next((found[0] for found in _WORDS.finditer(mac)), "")
    as_windows = shown.encode("mac-roman").decode("cp1252", "replace")
    raise BadInput(
        "The file is not UTF-8, and its encoding cannot be determined: a word in it is "
        f"{visible(as_windows, 40)} in Windows-1252 and {visible(shown, 40)} in Mac Roman.",
        hint="Save it as CSV UTF-8, or name its encoding: --encoding windows-1252, --encoding mac-roman.",
    )


_WORDS = re.compile(r"[^\x00-\x40\x5b-\x60\x7b-\x7f]*[^\x00-\x7f]+[^\x00-\x40\x5b-\x60\x7b-\x7f]*")
_FOREIGN = re.compile(r"[^\W\x00-\x7f]{4}|\uf8ff")
"""Sequences that no Western word has: many accented letters, as Cyrillic and Greek words would show, or
Apple's symbol.
"""
_JOINS = "\u2019\u00b7"
_BEFORE = "\u2018\u201c\u201e\u00ab\u00b0"
_BEHIND = "\u201d\u00bb\u2026\u2122\u00ae\u00ba"
_ALONE = "\u2013\u2014\u2022\u00a3\u20ac\u00a9\u00bd\u00bc\u00be\u00d7\u00a7\u00b2\u00b3\u00b5"
_RARE = "\u0131\u0192\u00aa\u00ff\u0178\ufb01\ufb02\u03a9\u03c0\u00b5"


def _fitness(found: re.Match[str]) -> int:
    """Return how plausible the characters beyond ASCII of a word are; below 0 if not at all."""
    word, score = found[0], 0
    if _FOREIGN.search(word):
        return -3 * sum(not char.isascii() for char in word)
    for at, char in enumerate(word):
        if not char.isascii():
            score += 2 if _fits(char, word[at - 1 : at] if at else "", word[at + 1 : at + 2], word) else -3
    return score


def _fits(char: str, before: str, after: str, word: str) -> bool:
    if char in _RARE:
        return False
    if char.isalpha() and char not in _BEHIND:
        if char.islower():
            return after.islower() or before.islower() or (before.isupper() and not after.isalpha())
        return (word.isupper() and len(word) > 1) or (not before.isalpha() and after.islower())
    if char in _JOINS:
        return before.isalpha()
    if char in _BEFORE:
        return not before.isalpha()
    if char in _BEHIND:
        return not after.isalpha()
    return char == "\u00a0" or (char in _ALONE and not (before + after).isalpha())


def _refuse_other_files(raw: bytes) -> None:
    kinds = {
        b"PK\x03\x04": "an Excel workbook or another zip file",
        b"\xd0\xcf\x11\xe0": "an old Excel workbook",
        b"%PDF": "a PDF",
        b"{\\rtf": "an RTF document",
        b"\xff\xfe\0\0": "text in UTF-32",
        b"\0\0\xfe\xff": "text in UTF-32",
    }
    for start, kind in kinds.items():
        if raw.startswith(start):
            raise BadInput(f"This is {kind}, not CSV.", hint="Save it as CSV UTF-8 and import that file.")
    if raw.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        raise BadInput(
            "This is a web page, not CSV.",
            hint="You may have downloaded a sign-in page: export the file again.",
        )


def _python_name(given: str) -> str:
    by_label = {label.casefold(): name for name, label in ENCODINGS.items()}
    name = by_label.get(given.strip().casefold(), given.strip().casefold())
    try:
        name = codecs.lookup(name).name
    except LookupError:
        name = ""
    if name not in ENCODINGS:
        raise BadInput(
            f"The encoding {given!r} is not supported.", hint="Use UTF-8, UTF-16, Windows-1252 or Mac Roman."
        )
    return name


def _from_byte_order_mark(raw: bytes) -> str:
    if raw.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    return "utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else ""


def _utf16_without_mark(raw: bytes) -> str:
    """Return the UTF-16 encoding of a text without a mark: every second byte of Latin headings is NUL."""
    head = raw[:400]
    if len(head) < 8:
        return ""
    even, odd, half = head[0::2].count(0), head[1::2].count(0), len(head) / 2
    if odd > 0.6 * half and even < 0.1 * half:
        return "utf-16-le"
    return "utf-16-be" if even > 0.6 * half and odd < 0.1 * half else ""


def find_delimiter(text: str, known: Sequence[str]) -> str:
    """Return the delimiter that gives the first line most of the ``known`` headings, then most cells."""
    head = next((line for line in text[:100_000].splitlines() if line.strip()), "")
    declared = re.fullmatch(r"\s*sep=(.)\s*", head)
    if declared:
        return declared[1]
    names = {normalise_heading(name) for name in known}

    def fitness(delimiter: str) -> tuple[int, int]:
        cells = next(csv.reader([head], delimiter=delimiter), [])
        return sum(normalise_heading(cell) in names for cell in cells), len(cells)

    return max(_DELIMITERS, key=fitness)


@lru_cache(4096)
def normalise_heading(heading: str) -> str:
    """Return a heading for comparison, in lower case; ``ClientName`` and ``client_name*`` are equal."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", heading.strip())
    return " ".join(re.findall(r"\w+", spaced.replace("_", " ").replace("-", "").casefold()))


def read_records(source: str | Iterable[str], delimiter: str) -> Iterator[Record]:
    """Yield all records of a text or of its lines, without blank ones.

    The headings give the expected number of cells. A quote that is never closed would swallow the following
    rows. It is detected by strict parsing, or by a record over several lines with a wrong number of cells;
    its line is returned with a reason, and parsing continues after that line. Only the lines of one record
    are in memory at a time.
    """
    lines = _LineFeed(io.StringIO(source, newline="") if isinstance(source, str) else source)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    row = min_cells = max_cells = 0
    while True:
        row += 1
        try:
            cells = next(reader)
            reason = _wrong_length(cells, min_cells, max_cells) if max_cells else ""
        except StopIteration:
            return
        except csv.Error as wrong:
            cells, reason = [], _problem_phrase(str(wrong))
        if not max_cells and _NAMED_DELIMITER.fullmatch(lines.taken[0]):
            lines.taken.clear()
            continue
        if reason and (not cells or len(lines.taken) > 1):
            cells, reason = _parse_line(lines.taken[0], delimiter, min_cells, max_cells, reason)
            lines.give_back()
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
            yield Record(row, tuple(cells), reason)
            continue
        lines.taken.clear()
        if any(cells) and any(map(str.strip, cells)):
            if not max_cells:
                # Blank headings at the end may belong to cells, or to none.
                max_cells = len(cells)
                min_cells = max(at for at, cell in enumerate(cells, 1) if cell.strip())
            yield Record(row, tuple(cells[:max_cells]), reason)


_NAMED_DELIMITER = re.compile(r"\s*sep=.\s*")


class _LineFeed:
    """Yields lines; ``taken`` are those since the last record, which can be read again."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._again: deque[str] = deque()
        self.taken: list[str] = []

    def __iter__(self) -> _LineFeed:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.taken.append(line)
        return line

    def give_back(self) -> None:
        """Read all lines since the last record again, except the first."""
        self._again.extendleft(reversed(self.taken[1:]))
        self.taken.clear()


def _wrong_length(cells: list[str], min_cells: int, max_cells: int) -> str:
    if min_cells <= len(cells) <= max_cells or not any(cell.strip() for cell in cells):
        return ""
    if len(cells) > max_cells and not any(cell.strip() for cell in cells[max_cells:]):
        return ""
    return f"it has {count(len(cells), 'cell')}, but the file has {count(min_cells, 'heading')}"


def _parse_line(
    line: str, delimiter: str, min_cells: int, max_cells: int, reason: str
) -> tuple[list[str], str]:
    """Parse a line by itself, tolerating text after a closing quote."""
    if line.count('"') % 2:
        return [], "a quote is not closed" if "quote" not in reason else reason
    try:
        cells = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error as wrong:
        return [], _problem_phrase(str(wrong))
    return (cells, "") if min_cells <= len(cells) <= max_cells else ([], reason)


def _problem_phrase(error: str) -> str:
    if "unexpected end" in error or "expected after" in error:
        return "a quote is not closed, or is in the middle of a quoted cell"
    if "field limit" in error:
        return "a quote is not closed over a very long part of the file"
    return f"it cannot be read ({error})"
