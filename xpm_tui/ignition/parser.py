"""A CSV file of Ignition's as rows of known fields. Pure: bytes or a path in, frozen values out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.safe_text import visible
from xpm_tui.ignition.cells import plain
from xpm_tui.ignition.csv_text import LARGEST, LONGEST_CELL, Record, decode, find_delimiter, records, squeezed
from xpm_tui.ignition.forms import FORMS, Column, FormName, columns

_SAMPLE = 50


@dataclass(frozen=True)
class Refused:
    """A row that is not taken: its number as a spreadsheet shows it, and why."""

    row: int
    reason: str


@dataclass(frozen=True)
class Row:
    """A usable row: ``cells`` by field, ``extra`` by the heading of an unknown column; no blank ones."""

    number: int
    cells: Mapping[str, str]
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Parsed:
    """What a file says. ``encoding`` and ``delimiter`` were found; ``unknown`` are headings kept as they are.

    ``mapping`` is what was asked for, to be remembered.
    """

    form: FormName
    encoding: str
    delimiter: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    refused: tuple[Refused, ...]
    notes: tuple[str, ...] = ()
    mapping: Mapping[str, str] = field(default_factory=dict)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Headings that are no field of the form."""
        return tuple(c.heading for c in self.columns if not c.field and not c.ignored)

    @property
    def fields(self) -> frozenset[str]:
        """The fields that the file has a column for."""
        return frozenset(c.field for c in self.columns if c.field)


def parse(
    source: bytes | Path,
    form: FormName,
    mapping: Mapping[str, str] | None = None,
    *,
    remembered: Mapping[str, str] | None = None,
    encoding: str = "",
) -> Parsed:
    """Read a file of a form.

    ``mapping`` (heading -> field) wins over everything and must name headings of the file; ``remembered`` is
    an earlier one, of which only what fits is used. Raises ``BadInput`` when the file is no CSV, or none of
    its columns is one that the form needs; a single bad row is refused with its number instead.
    """
    rules = FORMS[form]
    text, spoken = decode(read_source(source) if isinstance(source, Path) else source, encoding)
    delimiter = find_delimiter(text, [*rules.headings(), *(mapping or {}), *(remembered or {})])
    reading = records(text.lstrip("\ufeff"), delimiter)
    head = next(reading, None)
    if head is None or not head.cells:
        raise BadInput("The file is empty: it has no row with headings.")
    body = list(reading)
    headings = tuple(map(clean, head.cells))
    _known_headings(mapping or {}, headings)
    wanted = {squeezed(h): f for h, f in {**(remembered or {}), **(mapping or {})}.items()}
    found = columns(rules, headings, [record.cells for record in body[:_SAMPLE]], wanted)
    rows, refused = [], []
    for record in body:
        reason = record.reason or unusable(record)
        if reason:
            refused.append(Refused(record.row, reason))
        else:
            rows.append(_row(record, found))
    return Parsed(
        form, spoken, delimiter, found, tuple(rows), tuple(refused), _notes(found, rows), dict(mapping or {})
    )


def read_source(path: Path) -> bytes:
    """A file's bytes. Raises ``BadInput`` for one that cannot be read, or is far too large."""
    try:
        if path.stat().st_size > LARGEST:
            raise BadInput(f"{path} is larger than {LARGEST // 1_000_000} MB: it is no export of Ignition's.")
        return path.read_bytes()
    except FileNotFoundError:
        raise BadInput(f"There is no file {path}.") from None
    except IsADirectoryError:
        raise BadInput(f"{path} is a folder, not a file.") from None
    except OSError as reason:
        raise BadInput(f"{path} cannot be read: {reason.strerror or reason}.") from None


def _known_headings(mapping: Mapping[str, str], headings: tuple[str, ...]) -> None:
    there = {squeezed(heading) for heading in headings}
    for heading in mapping:
        if squeezed(heading) not in there:
            found = ", ".join(str(visible(each, 40)) for each in headings[:20])
            raise BadInput(f"The file has no column {visible(heading, 60)}.", hint=f"Its columns: {found}.")


_ERROR_VALUE = re.compile(r"#(?:REF!|NAME\?|VALUE!|DIV/0!|N/A|NULL!|NUM!|SPILL!|CALC!)")
_KEPT_TEXT = re.compile(r'="((?:[^"]|"")*)"')
_SHIELDED = re.compile(r"""'+(?:[=+\-@\t\r])""")


def clean(cell: str) -> str:
    """A cell's value: NFC, ``\\n`` line ends, trimmed.

    ``="021"`` and a shielding ``'`` are a spreadsheet's ways to keep a text a text.
    """
    text = plain(cell)
    if text[:1] not in ("=", "'"):
        return text
    kept = _KEPT_TEXT.fullmatch(text)
    if kept:
        return kept[1].replace('""', '"').strip()
    return text[1:] if _SHIELDED.match(text) else text


def shield(value: str, spreadsheet: bool) -> str:
    """A value as a cell, so that :func:`clean` gives it back; ``spreadsheet`` also keeps it from being run as
    a formula (CWE-1236), which changes how a phone such as +64 looks."""
    risky = spreadsheet and value[:1] in tuple("=+-@\t\r")
    return (
        f"'{value}" if value and (risky or _SHIELDED.match(value) or _KEPT_TEXT.fullmatch(value)) else value
    )


def unusable(record: Record) -> str:
    """Why no cell of this record can be trusted; empty for a sound one."""
    for cell in record.cells:
        if "\x00" in cell:
            return "a cell holds a NUL byte"
        if len(cell) > LONGEST_CELL:
            return f"a cell is longer than {LONGEST_CELL} characters"
        if cell.startswith("#") and _ERROR_VALUE.fullmatch(cell.strip()):
            return f"a cell holds {cell.strip()}, the error of a spreadsheet formula"
    return ""


def _row(record: Record, found: tuple[Column, ...]) -> Row:
    cells, extra = {}, {}
    for column in found:
        text = clean(record.cells[column.index]) if column.index < len(record.cells) else ""
        if text and column.field:
            cells[column.field] = text
        elif text and not column.ignored:
            extra[column.heading] = text
    return Row(record.row, cells, extra)


def _notes(found: tuple[Column, ...], rows: list[Row]) -> tuple[str, ...]:
    notes = [
        f"{column.heading}: a column of this heading was there before; it is kept, not used."
        for column in found
        if not column.field and re.search(r" \(\d+\)$", column.heading)
    ]
    formulas = sum(text.startswith("=") for row in rows for text in row.cells.values())
    if formulas:
        notes.append(f"{formulas} cells begin with = like a formula; they are taken as the text they are.")
    return tuple(notes)
