"""One file of the inbox as a document: a CSV file in one of Ignition's forms, or an event.

The result of an inbox file, as a record and as the sentences in the file next to it.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import BinaryIO, Self

import msgspec

from xpm_tui.application.csv_io.deliveries import DeliveryOutcome
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.runs.due import time_zone
from xpm_tui.domain.errors import AppError, BadInput
from xpm_tui.domain.fields import label
from xpm_tui.domain.formatting import count, sequence, value, when_utc
from xpm_tui.domain.ignition import ReceivedFile, ReceivedState
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import META
from xpm_tui.files.inbox_folder import InboxEntry, open_entry
from xpm_tui.ignition.cells import EXTRA
from xpm_tui.ignition.csv_source import CsvSource
from xpm_tui.ignition.event_file import (
    LARGEST_EVENT,
    EventFile,
    IncompleteEvent,
    event_digest,
    is_incomplete_event,
    read_event,
)
from xpm_tui.ignition.forms import FORMS, FormName
from xpm_tui.ignition.parser import ParsedFile, heading_fields, parse
from xpm_tui.ignition.stamps import stamp
from xpm_tui.settings.kinds import field_mapping

_HEAD = 4096
_FORMS: tuple[FormName, ...] = ("clients", "services", "team", "proposals")
_OWN_COLUMNS: dict[FormName, frozenset[str]] = {
    form: frozenset(FORMS[form].by_name).difference(
        *(FORMS[other].by_name for other in _FORMS if other != form)
    )
    for form in _FORMS
}
"""Columns that only one of the forms has, to recognise a file whose name does not say its form."""


class FileUnfinished(AppError):
    """The file changed while it was read, so nothing of it was imported."""

    code = "still-written"


class InboxDocument:
    """An open file: its digest, kind and rows. ``complete``: its end is accepted as it is."""

    def __init__(self, practice: OpenPractice, entry: InboxEntry, file: BinaryIO, *, complete: bool) -> None:
        self._practice = practice
        self._entry = entry
        self._file = file
        self._complete = complete
        self._times: tuple[datetime, ...] = ()
        self._seen = self._size_and_time()
        head = file.read(_HEAD)
        self._is_event = head.removeprefix(codecs.BOM_UTF8).lstrip()[:1] in (b"{", b"[") or (
            entry.name.casefold().endswith(".json")
        )
        self._event: EventFile | None = None
        self._raw = b""
        self._source: CsvSource | None = None
        file.seek(0)
        if self._is_event:
            self._raw = file.read(LARGEST_EVENT + 1)
            self.digest = event_digest(self._raw)
        else:
            self._source = CsvSource(file, entry.name)
            self.digest = self._source.digest
        self._form: FormName | None = None

    @property
    def event(self) -> str:
        """Return the kind of the event; empty for a CSV file. Raises ``BadInput`` for an invalid one."""
        return self._read_event().kind.name if self._is_event else ""

    @property
    def kind(self) -> FormName:
        """Return the form of its rows. Raises ``BadInput`` if it is not clear."""
        if self._is_event:
            return self._read_event().parsed.form
        if self._form is None:
            self._form = self._found_form()
        return self._form

    @property
    def as_of(self) -> datetime:
        """Return the time to which its values apply: the event's own, or that of the file."""
        if self._is_event:
            return self._read_event().at
        if self._times:
            return max(self._times)
        now = self._practice.clock.now()
        return min(now, datetime.fromtimestamp(max(0.0, self._entry.modified), UTC))

    @property
    def mark(self) -> str:
        """Return the stamp of its cells."""
        if self._is_event:
            event = self._read_event()
            return stamp(event.at, event.sequence, event.kind.rank)
        return stamp(self.as_of)

    @property
    def ignored(self) -> tuple[str, ...]:
        """Return the keys of an event that are not fields."""
        return self._read_event().ignored if self._is_event else ()

    @property
    def is_cut(self) -> bool:
        """Return whether it ends where no complete file ends."""
        if self._complete:
            return False
        if not self._is_event:
            return bool(self._no_line_end())
        return is_incomplete_event(self._raw)

    def read(self) -> ParsedFile:
        """Return its rows. Raises ``BadInput`` if none can be used, or if it ends too early."""
        if self._is_event:
            return self._read_event().parsed
        self._refuse_cut()
        assert self._source is not None
        parsed = parse(self._source, self.kind, None, remembered=self._remembered(self.kind))
        parsed = parsed.in_order_of_time(self._practice.clock.now())
        self._times = parsed.times
        return parsed if self._complete else replace(parsed, completeness="cut")

    def check_unchanged(self) -> None:
        """Raise :class:`FileUnfinished` if the file has changed since it was opened."""
        if self._size_and_time() != self._seen:
            raise FileUnfinished("The file was changed while it was read. It is read again by the next run.")

    def _size_and_time(self) -> tuple[int, int]:
        found = os.fstat(self._file.fileno())
        return found.st_size, found.st_mtime_ns

    def _read_event(self) -> EventFile:
        if self._event is None:
            settings = self._practice.settings
            self._event = read_event(
                self._raw,
                field_mapping(settings.text("inbox.map")),
                self._practice.clock.now(),
                time_zone(self._practice),
            )
        return self._event

    def _no_line_end(self) -> str:
        """Return why a CSV file may have been cut short; empty if it ends with a line end."""
        size = os.fstat(self._file.fileno()).st_size
        if not size:
            return "The file is empty."
        if not self._practice.settings.yes("inbox.require_line_end"):
            return ""
        self._file.seek(max(0, size - 4))
        end = self._file.read(4)
        whole = end.rstrip(b"\0").endswith((b"\n", b"\r"))
        return "" if whole else "The last row has no line end, so the file may have been cut short."

    def _remembered(self, form: FormName) -> Mapping[str, str]:
        row = self._practice.snapshot().get(META, f"import.map.{form}")
        return row.value if row else {}

    def _refuse_cut(self) -> None:
        if (why := self._no_line_end()) and not self._complete:
            raise IncompleteEvent(
                why,
                hint="Deliver it again. If it is complete, import it as it is: xpm-tui inbox retry FILE. "
                "If its program never ends the last row: xpm-tui settings set inbox.require_line_end no",
            )

    def _found_form(self) -> FormName:
        """Return the form in the file's name, or the only form whose own columns it has."""
        self._refuse_cut()
        name = self._entry.name.casefold()
        for form in _FORMS:
            if name.startswith((form, f"ignition-{form}", f"ignition_{form}")):
                return form
        assert self._source is not None
        fits: dict[FormName, tuple[int, int]] = {}
        for form in _FORMS:
            try:
                fields = heading_fields(self._source, form, self._remembered(form))
            except BadInput:
                continue
            fits[form] = len(fields & _OWN_COLUMNS[form]), len(fields)
        best = sorted(fits, key=lambda form: fits[form], reverse=True)
        if not best or (len(best) > 1 and fits[best[0]] == fits[best[1]]):
            raise BadInput(
                "The columns do not say which of Ignition's files this is.",
                hint="Begin its name with clients, services, team or proposals, such as clients-may.csv.",
            )
        return best[0]

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_document(practice: OpenPractice, entry: InboxEntry, *, complete: bool = False) -> InboxDocument:
    """Open a file of the inbox; ``complete``: its end is accepted as it is, because a user said so.

    Raises ``BadInput`` if it cannot be one of Ignition's files, and ``DiskError``.
    """
    file = open_entry(entry.path)
    try:
        return InboxDocument(practice, entry, file, complete=complete)
    except BaseException:
        file.close()
        raise


SHOWN = 20
"""The number of refused rows, notes and edited cells that are listed."""

_NOUNS = {"clients": "client", "services": "service", "team": "team member", "proposals": "proposal"}


def with_content(row: ReceivedFile, document: InboxDocument) -> ReceivedFile:
    """Return the record of a file whose content is known."""
    return msgspec.structs.replace(row, digest=document.digest)


def with_kind(row: ReceivedFile, document: InboxDocument) -> ReceivedFile:
    """Return the record of a file whose kind is known. Raises ``BadInput`` if it is not clear."""
    return msgspec.structs.replace(row, event=document.event, kind=document.kind, as_of=document.as_of)


def with_outcome(row: ReceivedFile, document: InboxDocument, outcome: DeliveryOutcome) -> ReceivedFile:
    """Return the record of a file that was imported, or had nothing new."""
    plan, report = outcome.plan, outcome.report
    edits = report.edits if report is not None else ()
    done = msgspec.structs.replace(
        row,
        as_of=document.as_of,
        state=_state(outcome),
        batch=outcome.batch,
        counts=plan.counts if plan is not None else {},
        records=outcome.records[:SHOWN],
        edits=tuple((each.record, each.field, each.old, each.new) for each in edits[:SHOWN]),
        details=tuple(_details(document, outcome)),
    )
    return msgspec.structs.replace(done, sentence=_sentence(done, outcome))


def with_failure(row: ReceivedFile, error: AppError) -> ReceivedFile:
    """Return the record of a file that could not be imported."""
    return msgspec.structs.replace(
        row,
        state="failed",
        sentence=f"Not imported: {error.message}",
        details=(error.hint,) if error.hint else (),
    )


def _state(outcome: DeliveryOutcome) -> ReceivedState:
    if outcome.plan is None:
        return "outdated"
    if outcome.plan.refused:
        return "partial"
    return "imported" if outcome.records else "unchanged"


def _sentence(row: ReceivedFile, outcome: DeliveryOutcome) -> str:
    what = f"{row.event} of {when_utc(row.as_of)}" if row.event and row.as_of else row.kind
    if row.state == "outdated":
        return f"Not imported ({what}): everything in it already has newer values."
    counts = row.counts
    noun = _NOUNS.get(row.kind, "record")
    parts = [(counts.get("new", 0), "added"), (counts.get("changed", 0), "changed")]
    text = " and ".join(f"{count(number, noun)} {word}" for number, word in parts if number) or "nothing new"
    if row.state == "unchanged":
        return f"Nothing new ({what}): everything in it is here already."
    refused = len(outcome.plan.refused) if outcome.plan is not None else 0
    part = f" in part, {count(refused, 'row')} refused" if refused else ""
    batch = f" as {row.batch}" if row.batch else ""
    which = f": {sequence(outcome.records, most=5)}" if outcome.records else ""
    return f"Imported{batch}{part} ({what}): {text}{which}."


def _details(document: InboxDocument, outcome: DeliveryOutcome) -> Iterator[str]:
    plan, report = outcome.plan, outcome.report
    if outcome.admitted.older and plan is not None:
        cells = count(outcome.admitted.older, "value was/values were")
        yield f"{cells} left out, because newer ones had already been imported."
    if plan is not None:
        yield from (f"Row {each.row} refused: {each.reason}" for each in plan.refused[:SHOWN])
        yield from (f"Row {each.row}: {each.text}" if each.row else each.text for each in plan.notes[:SHOWN])
        more = max(0, len(plan.refused) - SHOWN) + max(0, len(plan.notes) - SHOWN)
        if more:
            yield f"and {count(more, 'more row')}."
    for edit in report.edits[:SHOWN] if report is not None else ():
        name = visible(edit.field, 60) if edit.field.startswith(EXTRA) else label(edit.field)
        yield f"{edit.record} {name}: {value(visible(edit.old, 80))} → {value(visible(edit.new, 80))}"
    if document.ignored:
        yield f"Keys that are not fields were ignored: {', '.join(document.ignored[:SHOWN])}."
    if plan is not None and plan.counts.get("to_take", 0):
        yield "This creates no jobs. To create them, take the proposals over: xpm-tui proposals take-over"
