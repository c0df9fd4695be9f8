"""Import Ignition's files, each as one transaction, and undo the last import."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from xpm_tui.application.condition import unfinished_imports
from xpm_tui.application.csv_io.import_effects import (
    AsOfSource,
    Interruption,
    admit_newer,
    import_consequences,
    import_undo_consequences,
    time_of_values,
)
from xpm_tui.collector import paused_collector
from xpm_tui.domain.errors import AppError, BadInput, StoreChanged
from xpm_tui.domain.events import Event
from xpm_tui.domain.ignition import Import
from xpm_tui.domain.plan import Consequences
from xpm_tui.domain.ports import Drop, IdSource, Put, Snapshot, Write
from xpm_tui.domain.tables import IMPORT_IMAGES, IMPORTS, META, Meta
from xpm_tui.ignition.cells import EXTRA
from xpm_tui.ignition.client_import import plan_clients
from xpm_tui.ignition.csv_source import CsvSource
from xpm_tui.ignition.forms import RECORD, FormName
from xpm_tui.ignition.import_steps import CellEdit, ImportPlan, plan_undo
from xpm_tui.ignition.library_import import plan_services, plan_team
from xpm_tui.ignition.parser import ParsedFile, ignore_tick, parse
from xpm_tui.ignition.proposal_import import plan_proposals
from xpm_tui.ignition.stamps import manual_import_marks
from xpm_tui.store.snapshot import SnapshotIds

if TYPE_CHECKING:
    from xpm_tui.application.practice import OpenPractice


def plan_import(
    snapshot: Snapshot,
    parsed: ParsedFile,
    ids: IdSource | None,
    now: datetime,
    tick: Callable[[int], None] = ignore_tick,
) -> ImportPlan:
    """Return what importing a file would do, by its form; with ``ids`` None no id is used."""
    match parsed.form:
        case "clients":
            return plan_clients(snapshot, parsed, ids, now, tick)
        case "services":
            return plan_services(snapshot, parsed, ids)
        case "team":
            return plan_team(snapshot, parsed, ids)
        case "proposals":
            return plan_proposals(snapshot, parsed, ids, now)


_COLUMNS = "import.map."
_MAX_EVENTS = 1_000
"""How many edited cells of one import are logged one by one; the others are only counted."""

_MAX_EDITS = 200
"""How many edited cells a report lists."""

Progress = Callable[[str, int, int], None]
"""A callback with the phase (reading, comparing, writing), the rows done, and all rows (0: unknown)."""

MAX_TRIES = 5
"""How often a file is compared, because someone else may change the store in the meantime."""


class RowReport(msgspec.Struct, frozen=True, kw_only=True):
    """A remark on a row of the file, or on the whole file (row 0)."""

    row: int
    reason: str


class EditReport(msgspec.Struct, frozen=True, kw_only=True):
    """A cell that Ignition changed in ``c1`` or ``c1/k2``; ``both`` says that it had changed here, too."""

    row: int
    record: str
    field: str
    old: str
    new: str
    both: bool = False


class ColumnReport(msgspec.Struct, frozen=True, kw_only=True):
    """A column of the file; ``field`` is null if it is unknown, which keeps it, and ``ignore`` to skip it."""

    heading: str
    field: str | None


class ImportReport(msgspec.Struct, frozen=True, kw_only=True):
    """The result of an import, or with ``dry_run`` the preview of it.

    Attributes:
        to_xpm: Number of changes that the next sync sends to XPM because of it.
        overwritten: Number of values that XPM, as the master, will overwrite.
        edits: The first edits; ``counts["cells"]`` is the number of all.
        resumed: Whether it continues an earlier import of the same file, which had not finished.
        stop_came_late: Whether the user wanted to stop when everything was already being written.
        as_of: The time to which the values apply.
        as_of_from: How that time is known: ``file`` (when the file was last changed), ``column`` (the newest
            one in its column), ``given`` by the user, or ``now``, which is assumed for standard input.
        older: Number of values that were left out, because newer ones had been imported.
    """

    id: str
    form: FormName
    file: str
    dry_run: bool
    encoding: str
    columns: tuple[ColumnReport, ...]
    counts: dict[str, int]
    to_xpm: int = 0
    overwritten: int = 0
    refused: tuple[RowReport, ...] = ()
    notes: tuple[RowReport, ...] = ()
    edits: tuple[EditReport, ...] = ()
    consequences: Consequences | None = None
    resumed: bool = False
    stop_came_late: bool = False
    as_of: datetime | None = None
    as_of_from: AsOfSource = "file"
    older: int = 0

    @property
    def exit_code(self) -> int:
        """Return 0, or 1 if some rows were refused or older values left out."""
        return 1 if self.refused or self.older else 0


class UndoReport(msgspec.Struct, frozen=True, kw_only=True):
    """The result of undoing an import, or its preview: the counts ``removed``, ``restored`` and ``left``.

    ``left`` are sentences about what stays, which can be undone once their reason no longer applies.
    """

    id: str
    form: str
    file: str
    dry_run: bool
    counts: dict[str, int]
    left: tuple[str, ...] = ()
    consequences: Consequences | None = None


def import_file(
    practice: OpenPractice,
    form: FormName,
    path: Path,
    mapping: Mapping[str, str] | None = None,
    dry_run: bool = False,
    *,
    encoding: str = "",
    as_of: datetime | None = None,
    progress: Progress | None = None,
    say: Callable[[str], None] = lambda sentence: None,
) -> ImportReport:
    """Import a file of a form into the store, all of its accepted rows in one commit.

    A refused row is reported and does not stop the others. An import that did not finish is resumed under its
    id if the same content is imported again. ``mapping`` (heading -> field) is remembered. ``dry_run`` writes
    nothing and uses no id. ``say`` is called with a message for a user who presses Ctrl-C.

    ``as_of`` is the time to which the values apply; without it, the time at which the file was last changed
    is assumed. Values that are older than those stored are left out.

    Raises:
        BadInput: There is no such file, it is not CSV, or has no usable column.
        DecisionNeeded: All of its values are older than those stored.
        ImportStopped: The user stopped it; nothing was written.
        Busy: A run is in progress, or others keep changing the store.
        ReadOnly, DiskError: Nothing can be written.
    """
    if not dry_run:
        practice.writable()
    stop = Interruption(say, path.name)
    notify = progress or (lambda what, done, total: None)
    known = remembered_columns(practice.snapshot(), form)

    def read(rows: int) -> None:
        stop.check()
        notify("reading", rows, 0)

    with stop.listening(), paused_collector(), CsvSource.of(path, encoding) as source:

        def parsed() -> ParsedFile:
            found = parse(source, form, mapping, remembered=known, tick=read)
            return found.in_order_of_time(now) if as_of is None else found.without_times()

        now = practice.clock.now()
        at, known_from = time_of_values(as_of, source.modified, now)
        if dry_run:
            head = Import(id="", at=now, as_of=at)
            found = admit_newer(practice, practice.snapshot(), parsed(), at, path.name)
            plan = _plan(practice, found.parsed, None, stop, notify)
            report = import_report(practice, head, path, True, found.parsed, plan, known_from=known_from)
            return msgspec.structs.replace(report, older=found.older)
        with practice.lock(f"importing {form}").hold():
            # Under the lock: no run changes the store between the plan and its writing.
            report, plan = _imported(practice, path, parsed, (at, known_from), stop, notify)
    log_import(practice, report, plan)
    return msgspec.structs.replace(report, stop_came_late=stop.came_late)


def _plan(
    practice: OpenPractice, parsed: ParsedFile, ids: SnapshotIds | None, stop: Interruption, notify: Progress
) -> ImportPlan:
    total = len(parsed.rows)

    def compared(groups: int) -> None:
        stop.check()
        notify("comparing", min(groups, total), total)

    return plan_import(practice.snapshot(), parsed, ids, practice.clock.now(), compared)


def _imported(
    practice: OpenPractice,
    path: Path,
    reading: Callable[[], ParsedFile],
    time: tuple[datetime, AsOfSource],
    stop: Interruption,
    notify: Progress,
) -> tuple[ImportReport, ImportPlan]:
    """Record that the import has begun, plan it, and write it."""
    (as_of, known_from), parsed = time, reading()
    head, resumed = _begin(practice, path, parsed, as_of)
    practice.store.commit([Put(IMPORTS, head)])
    try:
        for attempt in range(1, MAX_TRIES + 1):
            snapshot = practice.snapshot()
            ids = SnapshotIds(snapshot)
            found = admit_newer(practice, snapshot, parsed, as_of, path.name)
            parsed, older = found.parsed, found.older
            plan = _plan(practice, parsed, ids, stop, notify)
            marks = tuple(manual_import_marks(snapshot, parsed, head, (each.row for each in plan.refused)))
            report = import_report(practice, head, path, False, parsed, plan, known_from=known_from)
            # The rows are released before they are written, because a large file has many.
            parsed = replace(parsed, rows=())
            done = msgspec.structs.replace(head, counts=plan.counts, state="done")
            stop.begin_writing()
            notify("writing", plan.counts["rows"], plan.counts["rows"])
            writes = ImportWrites(partial(import_writes, snapshot, parsed, plan, done, ids, marks))
            try:
                practice.store.commit(writes, since=snapshot)
            except StoreChanged:
                if attempt == MAX_TRIES:
                    raise
                stop.abandon_writing()
                parsed = reading()
                continue
            break
    except AppError:
        # Stopped or refused, not killed: it leaves nothing, not even a record that it had begun.
        if not resumed:
            practice.store.commit([Drop(IMPORTS, head.id)])
        raise
    return msgspec.structs.replace(report, resumed=resumed, older=older), plan


class ImportWrites(Iterable[Write]):
    """The writes of an import, generated each time they are iterated."""

    def __init__(self, make: Callable[[], Iterator[Write]]) -> None:
        self._make = make

    def __iter__(self) -> Iterator[Write]:
        return self._make()


def import_writes(
    snapshot: Snapshot,
    parsed: ParsedFile,
    plan: ImportPlan,
    done: Import,
    ids: SnapshotIds,
    marks: Iterable[Write] = (),
) -> Iterator[Write]:
    """Yield every write of an import, for one commit; ``done`` is the import as it ends.

    ``marks`` are the writes by which older files are recognised after a user's import.
    """
    if plan.groups:
        # Only the last import that changed something can be undone.
        for image in snapshot.ids(IMPORT_IMAGES):
            if not image.startswith(f"{done.id}/"):
                yield Drop(IMPORT_IMAGES, image)
    yield from plan.writes(done.id)
    yield from ids.writes()
    if parsed.mapping:
        value = {**remembered_columns(snapshot, parsed.form), **parsed.mapping}
        yield Put(META, Meta(id=f"{_COLUMNS}{parsed.form}", value=value))
    untouched = (done.own or done.event) and not plan.groups
    yield Drop(IMPORTS, done.id) if untouched else Put(IMPORTS, done)
    if not untouched:
        yield from marks


def _begin(practice: OpenPractice, path: Path, parsed: ParsedFile, as_of: datetime) -> tuple[Import, bool]:
    """Return the import as it begins, and whether it continues an unfinished one with the same content."""
    head = Import(
        id="",
        at=practice.clock.now(),
        by=practice.person,
        form=parsed.form,
        file=path.name,
        encoding=parsed.encoding,
        fields=tuple(sorted(parsed.fields)),
        digest=parsed.digest,
        own=RECORD in parsed.fields,
        as_of=as_of,
        by_hand=True,
    )
    for each in unfinished_imports(practice.snapshot()):
        # An import of an earlier version has no digest: it is recognised by the file's name.
        same = each.digest == parsed.digest if each.digest else each.file == path.name
        if each.form == parsed.form and each.state == "begun" and same:
            return msgspec.structs.replace(head, id=each.id), True
    return msgspec.structs.replace(head, id=practice.ids.new("m")[0]), False


def undo_import(practice: OpenPractice, dry_run: bool = False) -> UndoReport:
    """Undo the last import in one commit: remove new records, restore edited cells and contacts.

    What was changed since stays. An import that did not finish is discarded; nothing of it was in the store.
    If nothing can be restored, nothing is written. What stays can be undone later. Raises ``BadInput`` if
    there is no import to undo, ``Busy`` while a run is in progress, ``ReadOnly``, ``DiskError``.
    """
    last = _undoable(practice.snapshot())
    if last is None:
        raise BadInput(
            "There is no import to undo.", hint="Only the last import that changed something can be undone."
        )
    if not dry_run:
        practice.writable()
        with practice.lock("undoing an import").hold():
            snapshot = practice.snapshot()
            plan = plan_undo(snapshot, last.id)
            if plan.restores or not plan.left:
                ended = msgspec.structs.replace(last, state="done" if plan.left else "undone")
                practice.store.commit([*plan.writes, Put(IMPORTS, ended)], since=snapshot)
        practice.events.emit(Event(key="import.undone", numbers={"batch": last.id, **plan.counts}))
    else:
        plan = plan_undo(practice.snapshot(), last.id)
    left = tuple(note.text for note in plan.left)
    return UndoReport(
        id=last.id,
        form=last.form,
        file=last.file,
        dry_run=dry_run,
        counts=plan.counts,
        left=left,
        consequences=import_undo_consequences(last.file, plan),
    )


def _undoable(snapshot: Snapshot) -> Import | None:
    """Return the import that can be undone: an unfinished one, or the last one that changed something."""
    unfinished = max(unfinished_imports(snapshot), key=lambda each: (len(each.id), each.id), default=None)
    if unfinished is not None:
        return unfinished
    image = next(iter(snapshot.ids(IMPORT_IMAGES)), "")
    last = snapshot.get(IMPORTS, image.partition("/")[0]) if image else None
    return last if last is not None and last.state != "undone" else None


def remembered_columns(snapshot: Snapshot, form: str) -> Mapping[str, str]:
    """Return the fields that a user named for headings of a form, by heading."""
    row = snapshot.get(META, f"{_COLUMNS}{form}")
    return row.value if row else {}


def import_report(
    practice: OpenPractice,
    head: Import,
    path: Path,
    dry_run: bool,
    parsed: ParsedFile,
    plan: ImportPlan,
    *,
    known_from: AsOfSource = "file",
    plan_sync: bool = True,
) -> ImportReport:
    """Return what an import does or did; ``plan_sync`` includes what the next sync changes as a result."""
    found = import_consequences(practice, parsed.form, path.name, plan, plan_sync=plan_sync)
    to_xpm = found.then is not None and practice.policy().direction == "to_xpm"
    then = found.then or Consequences(of="plan")
    return ImportReport(
        id=head.id,
        form=parsed.form,
        file=str(path),
        dry_run=dry_run,
        encoding=parsed.encoding,
        columns=tuple(
            ColumnReport(heading=column.heading, field=column.field or ("ignore" if column.ignored else None))
            for column in parsed.columns
        ),
        counts=plan.counts,
        to_xpm=then.xpm.changes if to_xpm else 0,
        overwritten=0 if to_xpm else then.replaced.values,
        refused=tuple(RowReport(row=each.row, reason=each.reason) for each in plan.refused),
        notes=tuple(RowReport(row=each.row, reason=each.text) for each in plan.notes),
        edits=tuple(map(_edit_report, plan.edits[:_MAX_EDITS])),
        consequences=found,
        as_of=max(parsed.times, default=head.as_of),
        as_of_from="column" if parsed.times else known_from,
    )


def _edit_report(edit: CellEdit) -> EditReport:
    return EditReport(
        row=edit.row, record=edit.record, field=edit.field.replace(EXTRA, ""), old=edit.old, new=edit.new,
        both=edit.both,
    )  # fmt: skip


def log_import(practice: OpenPractice, report: ImportReport, plan: ImportPlan) -> None:
    """Log an import that has ended."""
    counts = report.counts
    practice.events.emit(
        Event(
            key=f"import.{report.form}",
            numbers={
                "batch": report.id,
                "rows": counts["rows"],
                "added": counts["new"],
                "changed": counts["changed"],
                "refused": len(report.refused),
            },
        )
    )
    for edit in plan.edits[:_MAX_EVENTS]:
        field = edit.field if not edit.field.startswith(EXTRA) else "extra"
        practice.events.emit(Event(key="import.edit", level="debug", record=edit.record, field=field))
