"""From the bytes of a CSV file to records (RFC 4180): encoding found, delimiter found, stray quotes survived.

A record that cannot be read costs that one row: reading goes on with the next line.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xpm_tui.domain.errors import BadInput

LARGEST = 300_000_000
"""Bytes: a CSV file is never larger (100,000 clients with every column take about 60 MB)."""

LONGEST_CELL = 32_767
"""Characters of a cell; spreadsheets hold no more."""

ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with BOM",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "cp1252": "Windows-1252",
}
"""Encodings that are taken, by Python's name, and how they are told to a person."""

_DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class Record:
    """One record: ``row`` as a spreadsheet counts it, from 1; ``reason`` says why it cannot be used."""

    row: int
    cells: tuple[str, ...]
    reason: str = ""


def decode(raw: bytes, encoding: str = "") -> tuple[str, str]:
    """The text and the name of its encoding, found or as told.

    Raises ``BadInput`` for a file that is no text, or in none of :data:`ENCODINGS`.
    """
    _refuse_other_files(raw)
    if encoding:
        return _strict(raw, _python_name(encoding)), ENCODINGS[_python_name(encoding)]
    name = _marked(raw) or _utf16_unmarked(raw)
    if name:
        return _strict(raw, name), ENCODINGS[name]
    try:
        return raw.decode("utf-8"), ENCODINGS["utf-8"]
    except UnicodeDecodeError:
        return _strict(raw, "cp1252"), ENCODINGS["cp1252"]


def _refuse_other_files(raw: bytes) -> None:
    kinds = {
        b"PK\x03\x04": "an Excel workbook or another zip file",
        b"\xd0\xcf\x11\xe0": "an old Excel workbook",
        b"%PDF": "a PDF",
        b"{\\rtf": "an RTF document",
    }
    for start, kind in kinds.items():
        if raw.startswith(start):
            raise BadInput(f"This is {kind}, not CSV.", hint="Save it as CSV UTF-8 and import that file.")
    if raw.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        raise BadInput(
            "This is a web page, not CSV.", hint="The download was perhaps a sign-in page: export it again."
        )


def _python_name(told: str) -> str:
    spoken = {words.casefold(): name for name, words in ENCODINGS.items()}
    name = spoken.get(told.strip().casefold(), told.strip().casefold())
    try:
        name = codecs.lookup(name).name
    except LookupError:
        name = ""
    if name not in ENCODINGS:
        raise BadInput(f"There is no encoding {told!r} here.", hint="It is UTF-8, UTF-16 or Windows-1252.")
    return name


def _marked(raw: bytes) -> str:
    if raw.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    return "utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else ""


def _utf16_unmarked(raw: bytes) -> str:
    """Headings are Latin letters: in UTF-16 every other byte of them is NUL."""
    head = raw[:400]
    if len(head) < 8:
        return ""
    even, odd, half = head[0::2].count(0), head[1::2].count(0), len(head) / 2
    if odd > 0.6 * half and even < 0.1 * half:
        return "utf-16-le"
    return "utf-16-be" if even > 0.6 * half and odd < 0.1 * half else ""


def _strict(raw: bytes, name: str) -> str:
    try:
        return raw.decode(name)
    except UnicodeDecodeError as wrong:
        tried = "neither UTF-8 nor Windows-1252" if name == "cp1252" else f"not {ENCODINGS[name]}"
        raise BadInput(
            f"The file is {tried}: byte {wrong.start + 1} does not fit.",
            hint="Save it as CSV UTF-8, or name its encoding: --encoding utf-16.",
        ) from None


def find_delimiter(text: str, known: Sequence[str]) -> str:
    """The delimiter under which the first line has most of the ``known`` headings, then most cells."""
    head = next((line for line in text[:100_000].splitlines() if line.strip()), "")
    told = re.fullmatch(r"\s*sep=(.)\s*", head)
    if told:
        return told[1]
    names = {squeezed(name) for name in known}

    def fitness(delimiter: str) -> tuple[int, int]:
        cells = next(csv.reader([head], delimiter=delimiter), [])
        return sum(squeezed(cell) in names for cell in cells), len(cells)

    return max(_DELIMITERS, key=fitness)


def squeezed(heading: str) -> str:
    """A heading as it is compared: words in lower case, ``ClientName`` and ``client_name*`` alike."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", heading.strip())
    return " ".join(re.findall(r"\w+", spaced.replace("_", " ").replace("-", "").casefold()))


def records(text: str, delimiter: str) -> Iterator[Record]:
    """All records, blank ones left out. The first one's number of cells is that of the headings.

    A quote that is opened and never closed swallows the rows after it: it is found (strict parsing, or a
    record over several lines with the wrong number of cells), its line is given back with a reason, and
    reading goes on behind that line.
    """
    lines = text.splitlines(keepends=True) if _plain_line_ends(text) else _split(text)
    at = row = width = 0
    while at < len(lines):
        if re.fullmatch(r"\s*sep=.\s*", lines[at]) and not width:
            at, row = at + 1, row + 1
            continue
        feed = _Feed(lines, at)
        reader = csv.reader(feed, delimiter=delimiter, strict=True)
        # One reader goes on for as long as every record is sound; a bad one ends it.
        while at < len(lines):
            row += 1
            try:
                cells = next(reader)
                reason = _misfit(cells, width) if width else ""
            except StopIteration:
                return
            except csv.Error as wrong:
                cells, reason = [], _spoken(str(wrong))
            if reason and (not cells or feed.at - at > 1):
                cells, reason = _one_line(lines[at], delimiter, width, reason)
                at += 1
                yield Record(row, tuple(cells), reason)
                break
            at = feed.at
            if any(cell.strip() for cell in cells):
                width = width or len(cells)
                yield Record(row, tuple(cells[:width]), reason)


class _Feed:
    """Lines from a place on; ``at`` is the next one to be given."""

    def __init__(self, lines: list[str], at: int) -> None:
        self._lines = lines
        self.at = at

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        if self.at >= len(self._lines):
            raise StopIteration
        self.at += 1
        return self._lines[self.at - 1]


def _plain_line_ends(text: str) -> bool:
    # str.splitlines also breaks at these; in a cell they are just characters.
    return not re.search("[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", text)


def _split(text: str) -> list[str]:
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z", text)


def _misfit(cells: list[str], width: int) -> str:
    if len(cells) == width or not any(cell.strip() for cell in cells):
        return ""
    if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
        return ""
    return f"it has {len(cells)} cells and there are {width} headings"


def _one_line(line: str, delimiter: str, width: int, reason: str) -> tuple[list[str], str]:
    """A last try: the line by itself, forgiving what stands behind a closing quote."""
    if line.count('"') % 2:
        return [], "a quote is opened and not closed" if "quote" not in reason else reason
    try:
        cells = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error as wrong:
        return [], _spoken(str(wrong))
    return (cells, "") if len(cells) == width else ([], reason)


def _spoken(wrong: str) -> str:
    if "unexpected end" in wrong or "expected after" in wrong:
        return "a quote is opened and not closed, or stands in the middle of a quoted cell"
    if "field limit" in wrong:
        return "a quote is opened and not closed for a very long stretch"
    return f"it cannot be read ({wrong})"
