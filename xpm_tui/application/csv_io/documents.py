"""One file of the inbox: read as a document, imported in one transaction, and its result in sentences.

A document is a CSV file in one of Ignition's forms, or an event. It is imported in the same way as a file
that a user names, in one commit together with the inbox's record of it: a process that is killed has done
both or neither.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import BinaryIO, Self

import msgspec

from xpm_tui.application.csv_io.imports import (
    MAX_TRIES,
    ImportReport,
    ImportWrites,
    import_report,
    import_writes,
    log_import,
    plan_import,
    remembered_columns,
)
from xpm_tui.application.practice import OpenPractice
from xpm_tui.collector import paused_collector
from xpm_tui.domain.errors import AppError, BadInput, StoreChanged
from xpm_tui.domain.fields import label
from xpm_tui.domain.formatting import both, count, sequence, when_utc
from xpm_tui.domain.ignition import Import, ReceivedFile, ReceivedState
from xpm_tui.domain.ports import IdSource, Snapshot, Write
from xpm_tui.domain.safe_text import visible
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
from xpm_tui.ignition.import_steps import ImportPlan
from xpm_tui.ignition.parser import ParsedFile, heading_fields, parse
from xpm_tui.ignition.stamps import AdmittedFile, admit, stamp, stamps
from xpm_tui.settings.kinds import field_mapping
from xpm_tui.store.snapshot import SnapshotIds

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
    """An open file of the inbox: its digest, its kind and its rows.

    ``complete`` accepts the end of the file as it is; otherwise a file that may be cut short is refused.
    """

    def __init__(self, practice: OpenPractice, entry: InboxEntry, file: BinaryIO, *, complete: bool) -> None:
        self._practice = practice
        self._entry = entry
        self._file = file
        self._complete = complete
        self._times: tuple[datetime, ...] = ()
        self._opened_as = self._size_and_time()
        head = file.read(_HEAD)
        self._is_event = head.removeprefix(codecs.BOM_UTF8).lstrip()[:1] in (b"{", b"[") or (
            entry.name.casefold().endswith(".json")
        )
        self._raw = b""
        self._source: CsvSource | None = None
        file.seek(0)
        if self._is_event:
            self._raw = file.read(LARGEST_EVENT + 1)
            self.digest = event_digest(self._raw)
        else:
            self._source = CsvSource(file, entry.name)
            self.digest = self._source.digest

    @property
    def event(self) -> str:
        """Return the kind of the event; empty for a CSV file. Raises ``BadInput`` for an invalid one."""
        return self._event.kind.name if self._is_event else ""

    @cached_property
    def kind(self) -> FormName:
        """Return the form of its rows. Raises ``BadInput`` if it is not clear."""
        return self._event.parsed.form if self._is_event else self._found_form()

    @property
    def as_of(self) -> datetime:
        """Return the time to which its values apply: the event's own, or that of the file."""
        if self._is_event:
            return self._event.at
        if self._times:
            return max(self._times)
        now = self._practice.clock.now()
        return min(now, datetime.fromtimestamp(max(0.0, self._entry.modified), UTC))

    @property
    def mark(self) -> str:
        """Return the stamp of its cells, by which older values are recognised."""
        if self._is_event:
            event = self._event
            return stamp(event.at, event.sequence, event.kind.rank)
        return stamp(self.as_of)

    @property
    def ignored(self) -> tuple[str, ...]:
        """Return the keys of an event that are not fields."""
        return self._event.ignored if self._is_event else ()

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
            return self._event.parsed
        self._refuse_cut()
        assert self._source is not None
        columns = remembered_columns(self._practice.snapshot(), self.kind)
        parsed = parse(self._source, self.kind, None, remembered=columns)
        parsed = parsed.in_order_of_time(self._practice.clock.now())
        self._times = parsed.times
        return parsed if self._complete else replace(parsed, completeness="cut")

    def check_unchanged(self) -> None:
        """Raise :class:`FileUnfinished` if the file has changed since it was opened."""
        if self._size_and_time() != self._opened_as:
            raise FileUnfinished("The file was changed while it was read. It is read again by the next run.")

    def _size_and_time(self) -> tuple[int, int]:
        found = os.fstat(self._file.fileno())
        return found.st_size, found.st_mtime_ns

    @cached_property
    def _event(self) -> EventFile:
        fields = field_mapping(self._practice.settings.text("inbox.map"))
        return read_event(self._raw, fields, self._practice.clock.now(), self._practice.time_zone())

    def _no_line_end(self) -> str:
        """Return why a CSV file may have been cut short; empty if its last row has a line end."""
        size = os.fstat(self._file.fileno()).st_size
        if not size:
            return "The file is empty."
        if not self._practice.settings.yes("inbox.require_line_end"):
            return ""
        self._file.seek(max(0, size - 4))
        end = self._file.read(4)
        whole = end.rstrip(b"\0").endswith((b"\n", b"\r"))
        return "" if whole else "The last row has no line end, so the file may have been cut short."

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
        snapshot = self._practice.snapshot()
        fits: dict[FormName, tuple[int, int]] = {}
        for form in _FORMS:
            try:
                fields = heading_fields(self._source, form, remembered_columns(snapshot, form))
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
    """Open a file of the inbox; ``complete`` accepts its end as it is, because a user asked for it.

    Raises ``BadInput`` if it cannot be one of Ignition's files, and ``DiskError``.
    """
    file = open_entry(entry.path)
    try:
        return InboxDocument(practice, entry, file, complete=complete)
    except BaseException:
        file.close()
        raise


@dataclass(frozen=True)
class InboxDelivery:
    """A received file: its name, its stamp and time, the kind of its event, and what to write with it.

    ``read`` returns its rows and may be called again. ``receipt`` returns the writes that record the file,
    for the snapshot on which the import is planned; an error that it raises ends the delivery.
    """

    name: str
    mark: str
    as_of: datetime
    read: Callable[[], ParsedFile]
    receipt: Callable[[Snapshot, IdSource, DeliveryOutcome], Iterable[Write]]
    event: str = ""


@dataclass(frozen=True)
class DeliveryOutcome:
    """The result of importing a file of the inbox; ``records`` are the ids of what it changed.

    There is no plan if everything in the file was outdated.
    """

    admitted: AdmittedFile
    batch: str = ""
    plan: ImportPlan | None = None
    report: ImportReport | None = None
    records: tuple[str, ...] = ()


def deliver(practice: OpenPractice, delivery: InboxDelivery) -> DeliveryOutcome:
    """Import a file of the inbox in one commit, without the values that are older than those stored.

    Raises:
        BadInput: Nothing of it can be used.
        Busy: A run is in progress, or others keep changing the store.
        ReadOnly, DiskError, StoreUnreadable: Nothing can be written.
    """
    practice.writable()
    with practice.lock("importing from the inbox").hold(), paused_collector():
        for attempt in range(1, MAX_TRIES + 1):
            snapshot = practice.snapshot()
            ids = SnapshotIds(snapshot)
            outcome, writes = _planned(practice, snapshot, ids, delivery)
            receipt = tuple(delivery.receipt(snapshot, ids, outcome))
            try:
                practice.store.commit(
                    ImportWrites(partial(_all_writes, receipt, writes, ids)), since=snapshot
                )
            except StoreChanged:
                if attempt == MAX_TRIES:
                    raise
                continue
            break
    if outcome.report is not None and outcome.plan is not None and outcome.records:
        log_import(practice, outcome.report, outcome.plan)
    return outcome


def preview_delivery(practice: OpenPractice, delivery: InboxDelivery) -> DeliveryOutcome:
    """Return what importing a file of the inbox would do; nothing is written. Raises ``BadInput``."""
    return _planned(practice, practice.snapshot(), None, delivery)[0]


def _planned(
    practice: OpenPractice, snapshot: Snapshot, ids: SnapshotIds | None, delivery: InboxDelivery
) -> tuple[DeliveryOutcome, Callable[[], Iterable[Write]]]:
    admitted = admit(snapshot, delivery.read(), delivery.mark)
    if admitted.outdated:
        return DeliveryOutcome(admitted), lambda: ()
    parsed = replace(admitted.parsed, skipped=(*admitted.parsed.skipped, *admitted.dropped))
    now = practice.clock.now()
    plan = plan_import(snapshot, parsed, ids, now)
    if delivery.event:
        # An event has no columns of Ignition's file, which are stored for the export.
        plan = replace(plan, file_facts=())
    _refuse_useless(plan)
    head = Import(
        id=ids.new("m")[0] if ids is not None and plan.groups else "",
        at=now,
        by=practice.person,
        form=parsed.form,
        file=delivery.name,
        encoding=parsed.encoding,
        counts=plan.counts,
        fields=tuple(sorted(parsed.fields)),
        state="done",
        digest=parsed.digest,
        event=delivery.event,
        as_of=delivery.as_of,
    )
    report = import_report(practice, head, Path(delivery.name), ids is None, parsed, plan, plan_sync=False)
    changed = tuple(dict.fromkeys(step.key for group in plan.groups for step in group))
    outcome = DeliveryOutcome(admitted, head.id, plan, report, changed)
    if ids is None:
        return outcome, lambda: ()
    refused = [each.row for each in plan.refused]

    def writes() -> Iterable[Write]:
        if plan.groups:
            yield from import_writes(snapshot, parsed, plan, head, ids)
        elif not delivery.event:
            yield from plan.file_facts
        yield from stamps(snapshot, parsed, delivery.mark, refused)

    return outcome, writes


def _all_writes(
    receipt: Iterable[Write], writes: Callable[[], Iterable[Write]], ids: SnapshotIds
) -> Iterator[Write]:
    yield from receipt
    yield from writes()
    yield from ids.writes()


def _refuse_useless(plan: ImportPlan) -> None:
    """Raise ``BadInput`` if every row of a file was refused, because the file then counts as failed."""
    if plan.refused and not plan.groups and not plan.counts.get("same", 0):
        first = plan.refused[0]
        rows = count(len(plan.refused), "row")
        text = first.reason if len(plan.refused) == 1 else f"{rows} refused. Row {first.row}: {first.reason}"
        raise BadInput(f"{text[:1].upper()}{text[1:]}".rstrip(".") + ".")


MAX_LISTED = 20
"""The most refused rows, notes and edited cells that a record lists."""

_NOUNS = {"clients": "client", "services": "service", "team": "team member", "proposals": "proposal"}


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
        records=outcome.records[:MAX_LISTED],
        edits=tuple((each.record, each.field, each.old, each.new) for each in edits[:MAX_LISTED]),
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
        yield from (f"Row {each.row} refused: {each.reason}" for each in plan.refused[:MAX_LISTED])
        yield from (
            f"Row {each.row}: {each.text}" if each.row else each.text for each in plan.notes[:MAX_LISTED]
        )
        more = max(0, len(plan.refused) - MAX_LISTED) + max(0, len(plan.notes) - MAX_LISTED)
        if more:
            yield f"and {count(more, 'more row')}."
    for edit in report.edits[:MAX_LISTED] if report is not None else ():
        name = visible(edit.field, 60) if edit.field.startswith(EXTRA) else label(edit.field)
        yield f"{edit.record} {name}: {' → '.join(both(edit.old, edit.new, 80))}"
    if document.ignored:
        yield f"Keys that are not fields were ignored: {', '.join(document.ignored[:MAX_LISTED])}."
    if plan is not None and plan.counts.get("to_take", 0):
        yield "This creates no jobs. To create them, take the proposals over: xpm-tui proposals take-over"
