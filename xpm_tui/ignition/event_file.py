"""Parses an event of the inbox: a JSON object becomes rows of a form.

Its keys are interpreted like the headings of a CSV file, and its values are read like cells.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from typing import Any

import msgspec

from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.safe_text import visible
from xpm_tui.ignition.cell_readers import LONGEST_CELL, read_moment
from xpm_tui.ignition.csv_text import normalise_heading
from xpm_tui.ignition.event_schema import (
    ENVELOPE,
    EVENT_KINDS,
    KINDS,
    SERVICE_KEYS,
    VERSION,
    EventKind,
    normalise_event,
)
from xpm_tui.ignition.forms import FORMS, RECORD, SERVICE_FIELDS, CsvForm, FileColumn, match_columns
from xpm_tui.ignition.parser import FileRow, Layout, ParsedFile, clean

LARGEST_EVENT = 1 << 20
"""The maximum size of an event in bytes."""

MAX_AHEAD = timedelta(hours=1)
"""The most that an event's time may be ahead of this machine's clock."""

_LONGEST_KEY = 200
"""The most characters of a key that are compared."""
_MOST_ROWS = 500
"""The most contacts or services of an event."""

Cell = str | list[str]
"""A value of the event: a text, or the texts of a list."""


@dataclass(frozen=True)
class EventFile:
    """The contents of an event file. ``ignored`` are keys that are not fields."""

    kind: EventKind
    at: datetime
    sequence: int
    parsed: ParsedFile
    ignored: tuple[str, ...] = ()


class IncompleteEvent(BadInput):
    """The JSON of the file is incomplete, perhaps because the file is still being written."""


def event_digest(raw: bytes) -> str:
    """Return the digest of a file's content, as in ``CsvSource.digest``."""
    return hashlib.blake2b(raw, digest_size=16).hexdigest()


def is_incomplete_event(raw: bytes) -> bool:
    """Return whether the JSON of a file is incomplete."""
    try:
        _loaded(raw)
    except IncompleteEvent:
        return True
    except BadInput:
        return False
    return False


def read_event(raw: bytes, mapping: Mapping[str, str], now: datetime, zone: tzinfo) -> EventFile:
    """Read an event.

    Args:
        raw: The bytes of the file.
        mapping: Fields by the keys that a sender uses: the setting ``inbox.map``.
        now: The current time, with its zone.
        zone: The practice's time zone, in which a time with a zone is converted to a day.

    Raises:
        IncompleteEvent: The file ends in the middle of its JSON.
        BadInput: It cannot be used; the message says why.
    """
    found = _loaded(raw)
    mapped = {_key(heading): name.strip().casefold() for heading, name in mapping.items()}
    head = {name: value for key, value in found.items() if (name := _envelope_key(key, mapped))}
    kind = _kind(head.get("event"))
    _check_version(head.get("version"))
    at, sequence = _time(head.get("at"), now), _sequence(head.get("sequence"))
    record = found.get(kind.record)
    body = {key: value for key, value in found.items() if not _envelope_key(key, mapped)}
    if isinstance(record, dict):
        body = {**{key: value for key, value in body.items() if key != kind.record}, **record}
    parsed, ignored = _EventRecord(kind, mapped, zone).parsed(body, at)
    return EventFile(kind, at, sequence, replace(parsed, digest=event_digest(raw)), ignored)


def _loaded(raw: bytes) -> dict[str, Any]:
    if len(raw) > LARGEST_EVENT:
        raise BadInput("The event is larger than 1 MB.", hint="Send a list of records as a CSV file.")
    text = raw.removeprefix(b"\xef\xbb\xbf").strip()
    if not text:
        raise IncompleteEvent("The file is empty.")
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        if not text.endswith(b"}"):
            raise IncompleteEvent("The JSON of the event ends too early: the file was cut short.") from None
        raise BadInput(
            f"The event is not valid JSON: {visible(str(wrong), 160)}.",
            hint="Have the values escaped: a quotation mark or a line break in a name must not end its text.",
        ) from None
    if not isinstance(found, dict):
        raise BadInput("The file is not one event, which is a JSON object.", hint="Write one file per event.")
    return found


def _key(text: str) -> str:
    """Return a key for comparison: ``clientName``, ``client.name`` and ``Client Name`` are equal."""
    return normalise_heading(text[:_LONGEST_KEY].replace(".", " "))


def _envelope_key(key: str, mapped: Mapping[str, str]) -> str:
    """Return the part of the envelope that a key names; empty if it belongs to the record."""
    name = mapped.get(_key(key), "") or key.casefold()
    return name if name in ENVELOPE and not (name == "id" and key.casefold() != "id") else ""


def _kind(given: object) -> EventKind:
    known = ", ".join(kind.name for kind in KINDS)
    if not isinstance(given, str) or not given.strip():
        raise BadInput('The event does not say what happened: it has no key "event".', hint=f"Use: {known}.")
    found = EVENT_KINDS.get(normalise_event(given))
    if found is None:
        raise BadInput(f'The event "{visible(given, 60)}" is not known.', hint=f"Use: {known}.")
    return found


def _check_version(given: object) -> None:
    if given is not None and str(given).strip() != str(VERSION):
        raise BadInput(
            f"The event has version {visible(str(given), 20)}, but this program reads version {VERSION}.",
            hint="See: xpm-tui inbox schema",
        )


def _time(given: object, now: datetime) -> datetime:
    """Return the event's own time, in UTC."""
    if given in (None, ""):
        raise BadInput(
            'The event has no time: its key "at" is missing.',
            hint="Without it, an event that arrives late could replace newer values.",
        )
    text = str(given).strip()
    shown = visible(text, 40)
    try:
        at = read_moment(text)
    except ValueError as wrong:
        raise BadInput(
            f"The time of the event, {shown}, {wrong}.", hint="Use: 2026-05-04T09:05:00+12:00."
        ) from None
    if at > now + MAX_AHEAD:
        raise BadInput(
            f"The time of the event, {shown}, lies in the future.",
            hint="Compare the clocks of this machine and of the sender.",
        )
    return at


def _sequence(given: object) -> int:
    text = str(given if given is not None else "").strip() or "0"
    if not re.fullmatch(r"\d{1,18}", text):
        raise BadInput(f"The sequence number of the event, {visible(text, 40)}, is not a whole number.")
    return int(text)


def _field_names(form: CsvForm) -> dict[str, str]:
    """Return the names of fields as keys, except those that are headings of a field."""
    headings = {normalise_heading(heading) for heading in form.headings()}
    headings |= {heading for field in form.fields for heading in field.doubtful}
    return {key: name for name in form.by_name if (key := _key(name)) not in headings}


_FIELD_NAMES = {name: _field_names(FORMS[name]) for name in ("clients", "proposals")}


class _EventRecord:
    """The record of an event, as headings and rows."""

    def __init__(self, kind: EventKind, mapped: Mapping[str, str], zone: tzinfo) -> None:
        self._kind, self._zone = kind, zone
        self._form: CsvForm = FORMS[kind.form]
        self._mapping = dict(_FIELD_NAMES[self._form.name])
        for key, field in mapped.items():
            name = field.removeprefix(f"{kind.record}.")
            if name == "ignore" or name in self._form.by_name:
                self._mapping[key] = name

    def parsed(self, body: Mapping[str, Any], at: datetime) -> tuple[ParsedFile, tuple[str, ...]]:
        cells: dict[str, Cell] = {}
        for key, value in self._flattened(body, ""):
            cells.setdefault(key, value)
        heads = list(cells)
        samples = [[value if isinstance(value, str) else next(iter(value), "") for value in cells.values()]]
        try:
            found = match_columns(self._form, [_key(head) for head in heads], samples, self._mapping)
        except BadInput:
            raise self._no_usable_key(heads) from None
        known = {column.field: heads[column.index] for column in found if column.field}
        fields = {field: cells[head] for field, head in known.items()}
        if self._kind.state:
            fields["state"] = self._kind.state
            if self._kind.name == "proposal.accepted" and not fields.get("accepted"):
                fields["accepted"] = at.astimezone(self._zone).date().isoformat()
        rows = [
            {name: self._cell(name, text) for name, text in row.items()} for row in self._rows(fields, body)
        ]
        names = list(dict.fromkeys(name for row in rows for name in row))
        headings = tuple(
            FileColumn(place, self._form.by_name[name].heading, name) for place, name in enumerate(names)
        )
        layout = Layout(headings)
        made = tuple(
            FileRow(number, layout, [row.get(name, "") for name in names])
            for number, row in enumerate(rows, 1)
            if any(row.values())
        )
        if not made:
            raise self._no_usable_key(heads)
        parsed = ParsedFile(
            self._kind.form, "UTF-8", "JSON", headings, made, (), layout=layout, completeness="parts"
        )
        ignored = tuple(
            str(visible(heads[column.index], 60))
            for column in found
            if not column.field and not column.ignored
        )
        return parsed, ignored

    def _no_usable_key(self, heads: Sequence[str]) -> BadInput:
        """Return the error for an event that does not say which record it is about."""
        needed = " or ".join(self._form.by_name[name].heading for name in self._form.needs if name != RECORD)
        keys = ", ".join(str(visible(head, 40)) for head in heads[:12]) or "none"
        return BadInput(
            f"The event has no field of a {self._kind.record}. Its keys: {keys}. Needed: {needed}.",
            hint="If one of its keys is the right one: xpm-tui settings set inbox.map 'KEY=name'",
        )

    def _flattened(self, body: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Cell]]:
        """Yield every value with its path; a list of objects yields lists, except contacts and services."""
        for key, value in body.items():
            path = f"{prefix}{key}"
            if path in ("contacts", "services") and isinstance(value, list):
                continue
            if isinstance(value, dict):
                yield from self._flattened(value, f"{path}.")
            elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
                parts = [dict(self._flattened(item, "")) for item in value if isinstance(item, dict)]
                for name in dict.fromkeys(name for part in parts for name in part):
                    yield f"{path}.{name}", [_joined(part.get(name, "")) for part in parts]
            elif isinstance(value, list):
                yield path, [_text(item) for item in value]
            else:
                yield path, _text(value)

    def _rows(self, fields: Mapping[str, Cell], body: Mapping[str, Any]) -> list[dict[str, str]]:
        """Return a row per contact or service; each repeats the values of the record."""
        of_part = self._part_fields()
        head = {name: _joined(value) for name, value in fields.items() if name not in of_part}
        listed = {name: value for name, value in fields.items() if name in of_part}
        longest = max((len(value) for value in listed.values() if isinstance(value, list)), default=1)
        parts = [
            {name: _at(value, at) for name, value in listed.items() if _at(value, at)}
            for at in range(longest)
        ]
        parts = [part for part in parts if part]
        key = "contacts" if self._kind.form == "clients" else "services"
        more = body.get(key)
        if isinstance(more, list):
            parts += [part for item in more if (part := self._part(item))]
        if len(parts) > _MOST_ROWS:
            raise BadInput(f"The event has more than {_MOST_ROWS} {key}.", hint="Send them as a CSV file.")
        return [{**head, **part} for part in parts] or [head]

    def _part_fields(self) -> frozenset[str]:
        if self._kind.form == "proposals":
            return frozenset(SERVICE_FIELDS)
        return frozenset(name for name in self._form.by_name if name.startswith("contact_"))

    def _part(self, given: object) -> dict[str, str]:
        """Return the cells of a contact or service."""
        of_service = self._kind.form == "proposals"
        if not isinstance(given, dict):
            return {"service": _text(given)} if of_service and _text(given) else {}
        found: dict[str, str] = {}
        for key, value in self._flattened(given, ""):
            name = _key(key).replace(" ", "_")
            name = SERVICE_KEYS.get(name, name) if of_service else name
            name = name if of_service or name.startswith("contact_") else f"contact_{name}"
            name = self._mapping.get(_key(key), name)
            if name in self._part_fields() and _joined(value):
                found[name] = _joined(value)
        return found

    def _cell(self, field: str, text: str) -> str:
        """Return a cell as in a CSV file.

        Raises:
            BadInput: The value is not accepted.
        """
        heading = self._form.by_name[field].heading
        if "\0" in text:
            raise BadInput(f"{heading} contains a NUL character.")
        if len(text) > LONGEST_CELL:
            raise BadInput(f"{heading} is longer than {LONGEST_CELL} characters.")
        if self._form.by_name[field].kind == "date":
            text = self._day(text)
        return clean(text)

    def _day(self, text: str) -> str:
        """Return the day of a time with a zone, in the practice's zone; midnight means the day itself."""
        if "T" not in text:
            return text
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return text
        if at.tzinfo is None or (at.hour, at.minute, at.second) == (0, 0, 0):
            return at.date().isoformat()
        return at.astimezone(self._zone).date().isoformat()


def _text(value: object) -> str:
    """Return a JSON value as the text of a cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value).strip() if not isinstance(value, dict | list) else ""


def _joined(value: Cell) -> str:
    """Return a list as one cell; names are separated by ``;`` as in the CSV form."""
    return value if isinstance(value, str) else "; ".join(dict.fromkeys(filter(None, value)))


def _at(value: Cell, at: int) -> str:
    """Return the value for a row: that of a list at its place, or a text, which all rows share."""
    if isinstance(value, str):
        return value
    return value[at] if at < len(value) else ""
