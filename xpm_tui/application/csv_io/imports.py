"""One way in for all forms: a parsed file and a snapshot give a plan.

Importing Ignition's files into the practice's book, and taking the last import back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from xpm_tui.application.csv_io.consequences import of_import, of_import_undo
from xpm_tui.domain.consequences import Consequences
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.events import Event
from xpm_tui.domain.ignition import Import
from xpm_tui.domain.ports import Drop, Ids, Put, Snapshot, Write
from xpm_tui.domain.tables import IMPORT_IMAGES, IMPORTS, META, Meta
from xpm_tui.ignition.cells import EXTRA
from xpm_tui.ignition.client_import import plan_clients
from xpm_tui.ignition.forms import FormName
from xpm_tui.ignition.import_steps import Edit, ImportPlan, Step, UndoPlan, group_writes, plan_undo
from xpm_tui.ignition.library_import import plan_services, plan_team
from xpm_tui.ignition.parser import Parsed, parse
from xpm_tui.ignition.proposal_import import plan_proposals

if TYPE_CHECKING:
    from xpm_tui.application.practice import OpenPractice


def plan_import(snapshot: Snapshot, parsed: Parsed, ids: Ids | None, now: datetime) -> ImportPlan:
    """What importing a file would do, by its form; ``ids`` None only looks, and gives out no id."""
    match parsed.form:
        case "clients":
            return plan_clients(snapshot, parsed, ids, now)
        case "services":
            return plan_services(snapshot, parsed, ids)
        case "team":
            return plan_team(snapshot, parsed, ids)
        case "proposals":
            return plan_proposals(snapshot, parsed, ids, now)


T = TypeVar("T")

BATCH = 500
"""Records that are written in one commit."""

_EVENTS = 1_000
"""Edited cells of one import that get an event of their own; beyond it only the counts are logged."""

_SHOWN = 200
"""Edited cells that a report tells one by one."""

Progress = Callable[[int, int], None]
"""Told records written so far, and all of them."""


class RowReport(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the file and what is to be said of it; row 0: the whole file."""

    row: int
    reason: str


class EditReport(msgspec.Struct, frozen=True, kw_only=True):
    """A cell that Ignition changed: ``record`` is ``c1`` or ``c1/k2``; ``both``: it had changed here too."""

    row: int
    record: str
    field: str
    old: str
    new: str
    both: bool = False


class ColumnReport(msgspec.Struct, frozen=True, kw_only=True):
    """A column of the file; ``field`` is null where it is unknown and kept, ``ignore`` where passed over."""

    heading: str
    field: str | None


class ImportReport(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did, or would do when ``dry_run``.

    ``to_xpm``: changes that the next sync sends to XPM because of it; ``overwritten``: values that XPM
    masters and will write over; ``consequences`` tell all of it. ``edits`` are the first ones;
    ``counts["cells"]`` tells how many there are.
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

    @property
    def exit_code(self) -> int:
        """0, or 1 when some rows were refused."""
        return 1 if self.refused else 0


class UndoReport(msgspec.Struct, frozen=True, kw_only=True):
    """What undoing an import did, or would do: counts ``removed``, ``restored``, ``left``.

    ``left`` are sentences about what stays as it is; it can be undone later, once its reason is gone.
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
    progress: Progress | None = None,
) -> ImportReport:
    """Merge a file of a form into the book; bad rows are named and stop nothing.

    ``mapping`` (heading -> field) is remembered. ``dry_run`` writes nothing and gives out no id. Raises
    ``BadInput`` (no such file, no CSV, no usable column), ``Busy`` while a run is on, ``ReadOnly``,
    ``DiskTrouble``.
    """
    if not dry_run:
        practice.writable()
    path = Path(path)
    remembered = practice.snapshot().get(META, _mapping_row(form))
    parsed = parse(path, form, mapping, remembered=remembered.value if remembered else {}, encoding=encoding)
    if dry_run:
        plan = plan_import(practice.snapshot(), parsed, None, practice.clock.now())
        return _report(practice, "", path, True, parsed, plan)
    with practice.lock(f"importing {form}").hold():
        # Under the lock: no run changes the book between the plan and its writing.
        plan = plan_import(practice.snapshot(), parsed, practice.ids, practice.clock.now())
        report = _report(practice, practice.ids.new("m")[0], path, False, parsed, plan)
        moved = _write(practice, report, parsed, plan, progress)
    if moved:
        left = tuple(
            RowReport(row=0, reason=f"{record} changed while it was imported: left") for record in moved
        )
        report = msgspec.structs.replace(report, refused=report.refused + left)
    _tell(practice, report, plan)
    return report


def undo_import(practice: OpenPractice, dry_run: bool = False) -> UndoReport:
    """Undo the last import: new records go, edited cells and contacts are restored where untouched since.

    Where nothing can be restored nothing is written, and where something stays the rest can be undone later.
    Raises ``BadInput`` when there is none, ``Busy`` while a run is on, ``ReadOnly``, ``DiskTrouble``.
    """
    last = _last_with_images(practice.snapshot())
    if last is None:
        raise BadInput(
            "There is no import to undo.", hint="Only the last one that changed something can be undone."
        )
    if not dry_run:
        practice.writable()
        with practice.lock("undoing an import").hold():
            plan = plan_undo(practice.snapshot(), last.id)
            if plan.restores or not plan.left:
                plan = _undo(practice, last)
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
        consequences=of_import_undo(last.file, plan),
    )


def _undo(practice: OpenPractice, last: Import) -> UndoPlan:
    practice.book.commit([Put(IMPORTS, msgspec.structs.replace(last, state="undoing"))])
    snapshot = practice.snapshot()
    plan = plan_undo(snapshot, last.id)
    *batches, rest = [*_batches(plan.writes, BATCH * 2)] or [[]]
    for batch in batches:
        practice.book.commit(batch, since=snapshot)
    ended = msgspec.structs.replace(last, state="done" if plan.left else "undone")
    practice.book.commit([*rest, Put(IMPORTS, ended)], since=snapshot)
    return plan


def _last_with_images(snapshot: Snapshot) -> Import | None:
    """The import that can be undone: only the last one that changed something keeps its images."""
    image = next(iter(snapshot.ids(IMPORT_IMAGES)), "")
    last = snapshot.get(IMPORTS, image.partition("/")[0]) if image else None
    return last if last is not None and last.state != "undone" else None


def _write(
    practice: OpenPractice, report: ImportReport, parsed: Parsed, plan: ImportPlan, progress: Progress | None
) -> list[str]:
    """Write the plan in batches; gives the records that another process changed meanwhile."""
    head = Import(
        id=report.id,
        at=practice.clock.now(),
        by=practice.person,
        form=parsed.form,
        file=Path(report.file).name,
        encoding=parsed.encoding,
        counts=plan.counts,
        fields=tuple(sorted(parsed.fields)),
    )
    settled: list[Write] = [*plan.settled]
    if parsed.mapping:
        remembered = practice.snapshot().get(META, _mapping_row(parsed.form))
        value = {**(remembered.value if remembered else {}), **parsed.mapping}
        settled.append(Put(META, Meta(id=_mapping_row(parsed.form), value=value)))
    moved: list[str] = []
    if plan.groups:
        _forget_images(practice)
        practice.book.commit([Put(IMPORTS, head)])
        done = 0
        for batch in _batches(plan.groups, BATCH):
            practice.book.transact(partial(_unmoved, batch, report.id, moved))
            done += len(batch)
            if progress is not None:
                progress(done, len(plan.groups))
    practice.book.commit([*settled, Put(IMPORTS, msgspec.structs.replace(head, state="done"))])
    return moved


def _unmoved(
    groups: Sequence[Sequence[Step]], batch: str, moved: list[str], snapshot: Snapshot
) -> list[Write]:
    """The writes of what is still as planned; what is not is added to ``moved``."""
    writes: list[Write] = []
    for group in groups:
        if _reviewned(snapshot, group):
            writes += group_writes(group, batch)
        else:
            moved.append(_record(group))
    return writes


def _forget_images(practice: OpenPractice) -> None:
    """Only the last import that changed something can be taken back."""
    for batch in _batches(list(practice.snapshot().ids(IMPORT_IMAGES)), BATCH * 4):
        practice.book.commit([Drop(IMPORT_IMAGES, each) for each in batch])


def _reviewned(snapshot: Snapshot, group: Sequence[Step]) -> bool:
    return all(snapshot.get(step.table, step.table.key(step.after)) == step.before for step in group)


def _record(group: Sequence[Step]) -> str:
    return str(group[0].table.key(group[0].after))


def _batches(items: Sequence[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def _mapping_row(form: str) -> str:
    return f"import.map.{form}"


def _report(
    practice: OpenPractice,
    batch: str,
    path: Path,
    dry_run: bool,
    parsed: Parsed,
    plan: ImportPlan,
) -> ImportReport:
    found = of_import(practice, parsed.form, path.name, plan)
    to_xpm = found.then is not None and practice.policy().direction == "to_xpm"
    then = found.then or Consequences(of="plan")
    return ImportReport(
        id=batch,
        form=parsed.form,
        file=str(path),
        dry_run=dry_run,
        encoding=parsed.encoding,
        columns=tuple(
            ColumnReport(heading=column.heading, field="ignore" if column.ignored else column.field or None)
            for column in parsed.columns
        ),
        counts=plan.counts,
        to_xpm=then.xpm.changes if to_xpm else 0,
        overwritten=0 if to_xpm else then.replaced.values,
        refused=tuple(RowReport(row=each.row, reason=each.reason) for each in plan.refused),
        notes=tuple(RowReport(row=each.row, reason=each.text) for each in plan.notes),
        edits=tuple(_edit(edit) for edit in plan.edits[:_SHOWN]),
        consequences=found,
    )


def _edit(edit: Edit) -> EditReport:
    return EditReport(
        row=edit.row,
        record=edit.record,
        field=edit.field.replace(EXTRA, ""),
        old=edit.old,
        new=edit.new,
        both=edit.both,
    )


def _tell(practice: OpenPractice, report: ImportReport, plan: ImportPlan) -> None:
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
    for edit in plan.edits[:_EVENTS]:
        field = edit.field if not edit.field.startswith(EXTRA) else "extra"
        practice.events.emit(Event(key="import.edit", level="debug", record=edit.record, field=field))
