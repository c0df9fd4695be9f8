"""What an import would do here and in the next sync, to which time a file applies, and how Ctrl-C acts.

The next sync is planned twice, with and without the import; the difference is what the import adds. Values
that are older than those stored are left out. A signal is acknowledged at once, and obeyed until the file is
being written.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from types import FrameType
from typing import TYPE_CHECKING, Literal

import msgspec

from xpm_tui.application.runs.consequences import pace
from xpm_tui.domain.errors import AppError, DecisionNeeded
from xpm_tui.domain.formatting import when
from xpm_tui.domain.plan import (
    Consequences,
    LocalCounts,
    Plan,
    PlannedRecord,
    ReplacedValues,
    Requests,
)
from xpm_tui.domain.ports import Put, Snapshot
from xpm_tui.domain.tables import CLIENTS, LINKS
from xpm_tui.ignition.import_steps import ImportPlan, UndoPlan
from xpm_tui.ignition.parser import ParsedFile
from xpm_tui.ignition.stamps import AdmittedFile, admit, has_newer, stamp
from xpm_tui.sync.applying.local_writes import Overlay
from xpm_tui.sync.consequences import LISTS, plan_consequences, preserved_values
from xpm_tui.sync.planning.planner import make_plan

if TYPE_CHECKING:
    from xpm_tui.application.practice import OpenPractice


def import_consequences(
    practice: OpenPractice, form: str, file: str, plan: ImportPlan, *, plan_sync: bool = True
) -> Consequences:
    """Return what importing a file would do, without a call to XPM.

    ``plan_sync`` includes what the next sync changes as a result, which takes as long as reading all clients.
    """
    counts = plan.counts
    new, cells, contacts = (counts.get(key, 0) for key in ("new", "cells", "contacts"))
    touched = new + counts.get("changed", 0)
    return Consequences(
        of="import",
        about=file,
        here=LocalCounts(
            changes=new + cells + contacts,
            clients=touched if form == "clients" else 0,
            values=cells,
            contacts=contacts,
            added=new,
        ),
        replaced=ReplacedValues(
            values=sum(bool(edit.old) for edit in plan.edits), conflicts=sum(edit.both for edit in plan.edits)
        ),
        then=_next_sync(practice, plan) if form == "clients" and plan_sync else None,
    )


def import_undo_consequences(file: str, plan: UndoPlan) -> Consequences:
    """Return what undoing an import would do."""
    removed, restored = plan.counts["removed"], plan.counts["restored"]
    reasons: dict[str, list[str]] = {}
    for each in plan.left:
        reasons.setdefault(each.reason, []).append(each.record)
    here = LocalCounts(changes=removed + restored, values=restored, removed=removed)
    return Consequences(of="import-undo", about=file, here=here, kept=preserved_values(reasons))


def _next_sync(practice: OpenPractice, plan: ImportPlan) -> Consequences | None:
    """Return what the next sync changes because of the import; None if nothing was synced before."""
    before = practice.snapshot()
    if practice.identity() is None and not before.count(LINKS):
        return None
    after = Overlay(before, [Put(step.table, step.after) for step in plan.steps])
    ids = [str(step.table.key(step.after)) for step in plan.steps if step.table is CLIENTS]
    if not ids:
        return None
    _, pending = _planned(practice, before, ids)
    head, records = _planned(practice, after, ids)
    added = [*_newly_planned(records, pending)]
    before_it = Requests(lists=LISTS)
    return plan_consequences(after, head, added, practice.policy(), before=before_it, pace=pace(practice))


def _planned(
    practice: OpenPractice, snapshot: Snapshot, ids: Sequence[str]
) -> tuple[Plan, list[PlannedRecord]]:
    return make_plan(
        snapshot, practice.policy(), id="p0", now=practice.clock.now(), by=practice.person, tenant="",
        scopes="", only=ids,
    )  # fmt: skip


def _newly_planned(
    records: Iterable[PlannedRecord], pending: Iterable[PlannedRecord]
) -> Iterable[PlannedRecord]:
    """Return the changes that are planned with the import and not without it, record by record."""
    known = {
        (change.record, change.field, change.old, change.new)
        for record in pending
        for change in record.changes
    }
    for record in records:
        changes = tuple(
            change
            for change in record.changes
            if (change.record, change.field, change.old, change.new) not in known
        )
        if changes:
            yield msgspec.structs.replace(record, changes=changes)


OLDER_HINT = "If the file is newer than that, import it with --as-of now, or with the time of its export."

AsOfSource = Literal["file", "given", "now", "column"]


def time_of_values(
    given: datetime | None, modified: float | None, now: datetime
) -> tuple[datetime, AsOfSource]:
    """Return the time to which the values of a file apply, never a later one than now."""
    if given is not None:
        return min(given, now), "given"
    if modified is None:
        return now, "now"
    return min(now, datetime.fromtimestamp(max(0.0, modified), UTC)), "file"


def admit_newer(
    practice: OpenPractice, snapshot: Snapshot, parsed: ParsedFile, as_of: datetime, file: str
) -> AdmittedFile:
    """Return a file without the values that are older than those stored.

    A row without any newer value is refused. Raises ``DecisionNeeded`` if no row is left.
    """
    if not has_newer(snapshot, parsed.form, min((as_of, *parsed.times))):
        return AdmittedFile(parsed)
    found = admit(snapshot, parsed, stamp(as_of))
    if found.outdated:
        at = when(max(parsed.times, default=as_of), practice.time_zone())
        raise DecisionNeeded(
            f"{file} was not imported: everything in it already has values newer than {at}.",
            hint=OLDER_HINT,
        )
    newer = found.parsed
    return replace(found, parsed=replace(newer, refused=(*newer.refused, *found.dropped)))


_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class ImportStopped(AppError):
    """The import was stopped before anything of its file was written."""

    code = "stopped"


class Interruption:
    """Tells whether the user wants to stop an import of ``file``; ``say`` acknowledges the signal.

    Reading and comparing a file write nothing, so they can stop at any row. Once everything is being written
    in one commit, that commit completes.
    """

    def __init__(self, say: Callable[[str], None], file: str) -> None:
        self._say = say
        self._file = file
        self._signal = 0
        self._writing = False

    @property
    def came_late(self) -> bool:
        """Return whether the request to stop came while the file was already being written."""
        return bool(self._signal) and self._writing

    def check(self) -> None:
        """Raise :class:`ImportStopped` if a stop was requested."""
        if self._signal and not self._writing:
            stopped = ImportStopped(
                f"Stopped. Nothing of {self._file} was imported.", hint="Import the file again to start over."
            )
            stopped.exit_code = 128 + self._signal
            stopped.logged = True
            raise stopped

    def begin_writing(self) -> None:
        """Begin the phase of writing. Raises :class:`ImportStopped` if a stop was requested before."""
        self.check()
        self._writing = True

    def abandon_writing(self) -> None:
        """Leave the phase of writing, because the store had changed and nothing was written."""
        self._writing = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Handle the signals within the block, on the main thread, and restore the handlers after it."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        taken = [number for number in _SIGNALS if before[number] is not signal.SIG_IGN]
        for number in taken:
            signal.signal(number, self._on_signal)
        if _is_being_cancelled():
            self._on_signal(signal.SIGINT, None)
        try:
            yield
        finally:
            for number in taken:
                signal.signal(number, before[number])

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signal = number
        self._say(
            f"{self._file} is being saved: this takes a moment."
            if self._writing
            else "Stopping: nothing has been saved yet."
        )


def _is_being_cancelled() -> bool:
    """Return whether a signal arrived before the import began, which a task notices only when it waits."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return False
    return task is not None and task.cancelling() > 0
