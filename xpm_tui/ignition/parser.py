"""Parses a CSV file of Ignition into rows of known fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Literal

from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.formatting import count
from xpm_tui.domain.safe_text import visible
from xpm_tui.ignition.cell_readers import (
    LONGEST_CELL,
    clean_cell,
    may_be_total,
    read_moment,
    total_row,
)
from xpm_tui.ignition.csv_source import CsvSource
from xpm_tui.ignition.csv_text import Record, find_delimiter, normalise_heading, read_records
from xpm_tui.ignition.forms import AS_OF, FORMS, CsvForm, FileColumn, FormName, match_columns

Completeness = Literal["whole", "cut", "parts"]

_SAMPLE = 50
TICK = 1_000
"""The number of rows between two calls of ``tick``."""


@dataclass(frozen=True)
class RefusedRow:
    """A row that is not imported: its number as in a spreadsheet, and the reason."""

    row: int
    reason: str


class Layout:
    """The field of each kept column of a row, or the heading of an unknown one."""

    __slots__ = ("extras", "fields")

    def __init__(self, columns: Iterable[FileColumn]) -> None:
        remaining = [column for column in columns if not column.ignored]
        self.fields = tuple(column.field for column in remaining)
        self.extras = tuple("" if column.field else column.heading for column in remaining)


class FileRow:
    """A usable row; its cells are unpacked on demand, because a large file has many rows.

    ``as_of`` is the time to which its values apply, if the file states it.
    """

    __slots__ = ("_layout", "_packed", "as_of", "number")

    def __init__(
        self, number: int, layout: Layout, values: Sequence[str], as_of: datetime | None = None
    ) -> None:
        self.number = number
        self.as_of = as_of
        self._layout = layout
        self._packed = "\0".join(values)  # no usable cell contains a NUL

    @property
    def is_ascii(self) -> bool:
        """Whether all cells are ASCII."""
        return self._packed.isascii()

    @property
    def values(self) -> list[str]:
        """All kept cells, in the order of :attr:`ParsedFile.kept`."""
        return self._packed.split("\0")

    @property
    def cells(self) -> dict[str, str]:
        """The cells of known columns by field, without blank ones."""
        return self._filled(self._layout.fields)

    @property
    def extra(self) -> dict[str, str]:
        """The cells of unknown columns by heading, without blank ones."""
        return self._filled(self._layout.extras)

    def _filled(self, names: tuple[str, ...]) -> dict[str, str]:
        return {name: text for name, text in zip(names, self.values, strict=True) if text and name}


@dataclass(frozen=True)
class ParsedFile:
    """A parsed file.

    Attributes:
        encoding: The name of the encoding, for users.
        mapping: The mapping of headings that was given, to be stored.
        skipped: Rows that contain no record, with the reason.
        digest: Identifies the content of the file.
        completeness: A ``whole`` file names every service of its proposals, a ``cut`` one may lack rows at
            its end, and one in ``parts`` has only a part of each record.
    """

    form: FormName
    encoding: str
    delimiter: str
    columns: tuple[FileColumn, ...]
    rows: tuple[FileRow, ...]
    refused: tuple[RefusedRow, ...]
    notes: tuple[str, ...] = ()
    mapping: Mapping[str, str] = field(default_factory=dict)
    skipped: tuple[RefusedRow, ...] = ()
    digest: str = ""
    layout: Layout | None = None
    completeness: Completeness = "whole"

    def in_order_of_time(self, now: datetime) -> ParsedFile:
        """Return the file with its rows in the order of their times, none of which is after ``now``.

        The rows of a proposal stay in the order of the file, because its last ones may be missing.
        """
        times = {row.as_of for row in self.rows if row.as_of is not None}
        for row in self.rows if times else ():
            row.as_of = min(row.as_of, now) if row.as_of is not None else None
        if len(times) < 2 or self.form == "proposals":
            return self
        oldest = datetime.min.replace(tzinfo=UTC)
        return replace(self, rows=tuple(sorted(self.rows, key=lambda row: row.as_of or oldest)))

    def without_times(self) -> ParsedFile:
        """Return the file without the times of its rows."""
        for row in self.rows:
            row.as_of = None
        return self

    @property
    def times(self) -> tuple[datetime, ...]:
        """The oldest and the newest time of its rows; empty if no row has one."""
        times = [row.as_of for row in self.rows if row.as_of is not None]
        return (min(times), max(times)) if times else ()

    def column(self, field: str) -> Iterator[str]:
        """Yield all cells of a field that are not blank."""
        at = next((at for at, (name, _) in enumerate(self.kept) if name == field), -1)
        if at >= 0:
            yield from filter(None, (row.values[at] for row in self.rows))

    @property
    def kept(self) -> tuple[tuple[str, str], ...]:
        """Field and heading of all kept columns, even those without a cell; one of the two is empty."""
        return tuple(zip(self.layout.fields, self.layout.extras, strict=True)) if self.layout else ()

    @property
    def unknown(self) -> tuple[str, ...]:
        """The headings that belong to no field of the form."""
        return tuple(c.heading for c in self.columns if not c.field and not c.ignored)

    @property
    def fields(self) -> frozenset[str]:
        """The fields for which the file has a column."""
        return frozenset(c.field for c in self.columns if c.field)


def ignore_tick(rows: int) -> None:
    """Do nothing with the number of rows."""


def parse(
    source: bytes | Path | CsvSource,
    form: FormName,
    mapping: Mapping[str, str] | None = None,
    *,
    remembered: Mapping[str, str] | None = None,
    encoding: str = "",
    tick: Callable[[int], None] = ignore_tick,
) -> ParsedFile:
    """Parse a file of a form.

    Args:
        source: The file.
        form: Its form.
        mapping: Fields by heading; it takes precedence and must name headings of the file.
        remembered: An earlier mapping; headings that the file lacks are ignored.
        encoding: The encoding; detected if empty.
        tick: Called at intervals with the number of rows read.

    Raises:
        BadInput: The file is not CSV, or the form needs a column that it lacks. A single bad row is rejected
            with its number instead.
    """
    if not isinstance(source, CsvSource):
        with CsvSource.of(source, encoding) as opened:
            return parse(opened, form, mapping, remembered=remembered, tick=tick)
    rules = FORMS[form]
    mapping, remembered = mapping or {}, remembered or {}
    delimiter, head, records = _open_records(source, rules, [*mapping, *remembered])
    headings = tuple(map(clean, head))
    _check_mapped_headings(mapping, headings)
    sample = list(islice(records, _SAMPLE))
    wanted = {normalise_heading(h): f for h, f in (*remembered.items(), *mapping.items())}
    found = match_columns(rules, headings, [row.cells for row in sample], wanted)
    body = _Body(rules, head, found)
    for part in (sample, records):
        for at, record in enumerate(part, 1):
            body.add(record)
            if not at % TICK:
                tick(at)
    found = body.columns()
    return ParsedFile(
        form, source.encoding_label, delimiter, found, tuple(body.rows), tuple(body.refused),
        body.notes(found), dict(mapping), tuple(body.skipped), source.digest, body.layout,
    )  # fmt: skip


def heading_fields(source: CsvSource, form: FormName, remembered: Mapping[str, str]) -> frozenset[str]:
    """Return the fields that a file's headings name.

    Raises:
        BadInput: They name none of the form.
    """
    rules = FORMS[form]
    _, head, records = _open_records(source, rules, remembered)
    sample = [record.cells for record in islice(records, _SAMPLE)]
    found = match_columns(rules, tuple(map(clean, head)), sample, remembered)
    return frozenset(column.field for column in found if column.field)


def _open_records(
    source: CsvSource, form: CsvForm, mapped: Iterable[str]
) -> tuple[str, tuple[str, ...], Iterator[Record]]:
    """Return the delimiter of a file, its headings, and the records after them."""
    start = "".join(islice(source.lines(), 20))
    delimiter = find_delimiter(start, [*form.headings(), *mapped])
    records = read_records(source.lines(), delimiter)
    head = next(records, None)
    if head is None or not head.cells:
        raise BadInput("The file is empty: it has no heading row.", hint="Export it from Ignition again.")
    return delimiter, head.cells, records


class _Body:
    """The rows after the headings."""

    def __init__(self, form: CsvForm, headings: Sequence[str], found: tuple[FileColumn, ...]) -> None:
        self.rows: list[FileRow] = []
        self.refused: list[RefusedRow] = []
        self.skipped: list[RefusedRow] = []
        self._found = found
        self.layout = Layout(found)
        self._kept = [column.index for column in found if not column.ignored]
        self._keeps_all = self._kept == list(range(len(headings)))
        self._time_column = next((c.index for c in found if c.field == AS_OF), -1)
        self._at: datetime | None = None
        named = [c for c in found if c.field in form.by_name]
        self._ids = [c.index for c in named if form.by_name[c.field].kind in ("id", "email")]
        self._nameless = [at for at, heading in enumerate(headings) if not clean(heading)]
        self._filled: set[int] = set()
        self._formulas = 0
        self._headings = [normalise_heading(heading) for heading in headings]
        names = [form.by_name.get(c.field) for c in found]
        self._synonyms = [
            {normalise_heading(field.heading), *field.also} if field else set() for field in names
        ]
        self._all_headings = {word for word in self._headings if word}.union(*self._synonyms)

    def add(self, record: Record) -> None:
        """Add a record as a row, or the reason why it is not one."""
        cells = record.cells
        text = "".join(cells)
        reason = record.reason or why_unusable(record, text)
        if reason:
            self.refused.append(RefusedRow(record.row, reason))
            return
        if self._is_no_record(record, text):
            return
        for at in self._nameless:
            if at < len(cells) and cells[at].strip():
                self._filled.add(at)
        if len(cells) < len(self._headings):
            cells = (*cells, *[""] * (len(self._headings) - len(cells)))
        if self._time_column >= 0 and (problem := self._read_time(cells[self._time_column])):
            self.refused.append(RefusedRow(record.row, problem))
            return
        if not self._keeps_all:
            cells = tuple([cells[at] for at in self._kept])
        if "=" not in text and "'" not in text and text.isascii() and text.isprintable():
            values = list(map(str.strip, cells))
        else:
            values = list(map(clean, cells))
            self._formulas += sum(value[:1] == "=" for value in values)
        if any(values):
            self.rows.append(FileRow(record.row, self.layout, values, self._at))

    def _read_time(self, cell: str) -> str:
        """Read the time of a row, and return what is wrong with it; a blank cell keeps the time above it."""
        text = clean(cell)
        try:
            self._at = read_moment(text) if text else self._at
        except ValueError as wrong:
            return f"the time {visible(text, 40)} {wrong}: use 2026-05-04T09:05:00+12:00"
        return ""

    def _is_no_record(self, record: Record, text: str) -> bool:
        """Return whether a row repeats the headings or has totals, so that it is skipped or rejected."""
        first = next((cell for cell in record.cells if cell), "")
        if _short_heading(first) in self._all_headings:
            likeness = self._likeness_to_headings(record.cells)
            if likeness == "all":
                self.skipped.append(RefusedRow(record.row, "it repeats the headings: skipped"))
            elif likeness:
                self.refused.append(RefusedRow(record.row, "it looks like a row of headings"))
            if likeness:
                return True
        if may_be_total(text):
            ids = [record.cells[at] for at in self._ids if at < len(record.cells)]
            has_id = any(clean_cell(cell) and not total_row([cell]) for cell in ids)
            kind = "" if has_id else total_row(record.cells)
            if kind == "total":
                self.skipped.append(RefusedRow(record.row, "a row of totals, not a record: skipped"))
            elif kind:
                reason = "it may be a row of totals: if it is a record, give it an id or add it yourself"
                self.refused.append(RefusedRow(record.row, reason))
            return bool(kind)
        return False

    def _likeness_to_headings(self, cells: Sequence[str]) -> str:
        """Return ``all`` if every cell is the heading of its column, ``some`` if most of several are."""
        filled = [(at, normalise_heading(cell)) for at, cell in enumerate(cells) if cell.strip()]
        same = sum(word == self._headings[at] for at, word in filled)
        similar = sum(word == self._headings[at] or word in self._synonyms[at] for at, word in filled)
        if filled and (same == len(filled) or (similar == len(filled) and len(filled) > 1)):
            return "all"
        return "some" if similar > 1 and similar * 2 > len(filled) else ""

    def columns(self) -> tuple[FileColumn, ...]:
        """Return the columns except those that have neither a heading nor a cell."""
        empty = {at for at in self._nameless if at not in self._filled}
        return tuple(c for c in self._found if c.index not in empty or c.field)

    def notes(self, found: tuple[FileColumn, ...]) -> tuple[str, ...]:
        """Return notes on the whole file."""
        notes = [
            f"{column.heading}: an earlier column has the same heading; this column is kept, but not used."
            for column in found
            if not column.field and re.search(r" \(\d+\)$", column.heading)
        ]
        if self._formulas:
            cells = count(self._formulas, "cell begins/cells begin")
            notes.append(f"{cells} with = like a formula: treated as text.")
        return tuple(notes)


def _short_heading(text: str) -> str:
    """Return a text as a heading for comparison; a long text cannot be one."""
    return normalise_heading(text) if len(text) <= 40 else ""


def _check_mapped_headings(mapping: Mapping[str, str], headings: tuple[str, ...]) -> None:
    known = {normalise_heading(heading) for heading in headings}
    for heading in mapping:
        if normalise_heading(heading) not in known:
            found = ", ".join(str(visible(name, 40)) for name in headings[:20])
            raise BadInput(f"The file has no column {visible(heading, 60)}.", hint=f"Its columns: {found}.")


_QUOTED_TEXT = re.compile(r'="((?:[^"]|"")*)"')
_ESCAPED_TEXT = re.compile(r"""'+(?:[=+\-@\t\r])""")


def clean(cell: str) -> str:
    r"""Return a cell's value: NFC, ``\n`` line ends, trimmed.

    ``="021"`` and a leading ``'`` are how spreadsheets mark a value as text.
    """
    text = clean_cell(cell)
    if text[:1] not in ("=", "'"):
        return text
    quoted = _QUOTED_TEXT.fullmatch(text)
    if quoted:
        return quoted[1].replace('""', '"').strip()
    return text[1:] if _ESCAPED_TEXT.match(text) else text


def escape_cell(value: str, spreadsheet: bool) -> str:
    """Return a value as a cell, so that :func:`clean` restores it.

    With ``spreadsheet`` it cannot be run as a formula (CWE-1236), which changes how a phone number such as
    +64 looks.
    """
    if not value:
        return value
    is_formula = spreadsheet and value[0] in "=+-@\t\r"
    if is_formula or _ESCAPED_TEXT.match(value) or _QUOTED_TEXT.fullmatch(value):
        return f"'{value}"
    return value


def why_unusable(record: Record, text: str = "") -> str:
    """Return why a record cannot be used; empty if it can. ``text`` is its cells joined."""
    text = text or "".join(record.cells)
    if "\0" in text:
        return "a cell contains a NUL byte"
    if len(text) > LONGEST_CELL and any(len(cell) > LONGEST_CELL for cell in record.cells):
        return f"a cell is longer than {LONGEST_CELL} characters"
    return ""
