"""What an import would do: what it saves here, and what the next sync does because of it.

The next sync is planned twice, with and without the import; what the import adds is the difference.

Ctrl-C and other signals during an import: acknowledged at once, obeyed until the file is written.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import msgspec

from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.runs.consequences import pace
from xpm_tui.domain.errors import AppError
from xpm_tui.domain.plan import (
    Consequences,
    LocalCounts,
    Plan,
    PlannedRecord,
    PreservedValues,
    ReplacedValues,
    Requests,
)
from xpm_tui.domain.ports import Put, Snapshot
from xpm_tui.domain.tables import CLIENTS, LINKS
from xpm_tui.ignition.import_steps import ImportPlan, UndoPlan
from xpm_tui.sync.consequences import LISTS, plan_consequences
from xpm_tui.sync.overlay import Overlay
from xpm_tui.sync.planning.planner import make_plan


def of_import(
    practice: OpenPractice, form: str, file: str, plan: ImportPlan, *, ahead: bool = True
) -> Consequences:
    """Return what importing a file would do. Nothing is asked of XPM.

    ``ahead`` also plans the next sync, which takes as long as reading all clients.
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
        then=_next_sync(practice, plan) if form == "clients" and ahead else None,
    )


def of_import_undo(file: str, plan: UndoPlan) -> Consequences:
    """Return what undoing an import would do."""
    removed, restored = plan.counts["removed"], plan.counts["restored"]
    reasons: dict[str, list[str]] = {}
    for each in plan.left:
        reasons.setdefault(each.reason, []).append(each.record)
    left = tuple(
        PreservedValues(why=why, number=len(ids), records=tuple(ids)) for why, ids in reasons.items()
    )
    here = LocalCounts(changes=removed + restored, values=restored, removed=removed)
    return Consequences(of="import-undo", about=file, here=here, kept=left)


def _next_sync(practice: OpenPractice, plan: ImportPlan) -> Consequences | None:
    """What the next sync changes because of the import; None where nothing was ever synced."""
    before = practice.snapshot()
    if practice.identity() is None and not before.count(LINKS):
        return None
    after = Overlay(before, [Put(step.table, step.after) for step in plan.steps])
    ids = [str(step.table.key(step.after)) for step in plan.steps if step.table is CLIENTS]
    if not ids:
        return None
    _, pending = _planned(practice, before, ids)
    head, records = _planned(practice, after, ids)
    more = [*_more(records, pending)]
    return plan_consequences(after, head, more, before=Requests(lists=LISTS), pace=pace(practice))


def _planned(
    practice: OpenPractice, snapshot: Snapshot, ids: Sequence[str]
) -> tuple[Plan, list[PlannedRecord]]:
    return make_plan(
        snapshot,
        practice.policy(),
        id="p0",
        now=practice.clock.now(),
        by=practice.person,
        tenant="",
        scopes="",
        only=ids,
    )


def _more(records: Iterable[PlannedRecord], pending: Iterable[PlannedRecord]) -> Iterable[PlannedRecord]:
    """What is planned now and was not before, record by record."""
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


_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class ImportStopped(AppError):
    """The import was stopped before anything of its file was written."""

    code = "stopped"


class Interruption:
    """Whether somebody wants an import to stop.

    Reading and comparing a file write nothing, so that they can be left at any row. Once all of it is being
    written in one commit, the commit is waited for.
    """

    def __init__(self, say: Callable[[str], None], file: str) -> None:
        self._say = say
        self._file = file
        self._signal = 0
        self._writing = False

    @property
    def came_late(self) -> bool:
        """Whether somebody wanted to stop when the file was being written already."""
        return bool(self._signal) and self._writing

    def check(self) -> None:
        """Raise :class:`ImportStopped` where somebody wants to stop."""
        if self._signal and not self._writing:
            stopped = ImportStopped(
                f"Stopped. Nothing of {self._file} was imported.", hint="Import the file again to start over."
            )
            stopped.exit_code = 128 + self._signal
            stopped.logged = True
            raise stopped

    def write(self) -> None:
        """From now on everything is written. Raises :class:`ImportStopped` where it is not too late."""
        self.check()
        self._writing = True

    def again(self) -> None:
        """Nothing was written after all: the store had changed."""
        self._writing = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals meanwhile, where this is the main thread; what was set before is set again."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        taken = [number for number in _SIGNALS if before[number] is not signal.SIG_IGN]
        for number in taken:
            signal.signal(number, self._hit)
        if _is_being_cancelled():
            self._hit(signal.SIGINT, None)
        try:
            yield
        finally:
            for number in taken:
                signal.signal(number, before[number])

    def _hit(self, number: int, frame: FrameType | None) -> None:
        self._signal = number
        self._say(
            f"{self._file} is being saved: this takes a moment."
            if self._writing
            else "Stopping: nothing has been saved yet."
        )


def _is_being_cancelled() -> bool:
    """Whether a signal came before the import began, which this task will be told of only when it waits."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return False
    return task is not None and task.cancelling() > 0
