"""Import files from the inbox, in the same way as a file named by a user, but without a user.

One file is one transaction together with the inbox's record of it. A process that is killed has therefore
imported the file and recorded it, or neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from xpm_tui.application.csv_io.imports import (
    TRIES,
    ImportReport,
    ImportWrites,
    import_report,
    import_writes,
    log_import,
    plan_import,
)
from xpm_tui.collector import paused_collector
from xpm_tui.domain.errors import BadInput, StoreChanged
from xpm_tui.domain.formatting import count
from xpm_tui.domain.ignition import Import
from xpm_tui.domain.ports import IdSource, Snapshot, Write
from xpm_tui.ignition.import_steps import ImportPlan
from xpm_tui.ignition.parser import ParsedFile
from xpm_tui.ignition.stamps import AdmittedFile, admit, stamps
from xpm_tui.store.snapshot import SnapshotIds

if TYPE_CHECKING:
    from xpm_tui.application.practice import OpenPractice


@dataclass(frozen=True)
class InboxDelivery:
    """A received file: its name, stamp and time, its event if it is one, and what to write with it.

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
    """The result of a delivery. ``records`` are the ids of what it changed.

    An outcome without a plan means that the file was outdated.
    """

    admitted: AdmittedFile
    batch: str = ""
    plan: ImportPlan | None = None
    report: ImportReport | None = None
    records: tuple[str, ...] = ()


def deliver(practice: OpenPractice, delivery: InboxDelivery) -> DeliveryOutcome:
    """Import a file of the inbox in one commit, without values that are older than those stored.

    Raises:
        BadInput: Nothing of it can be used.
        Busy: A run is in progress, or others keep changing the store.
        ReadOnly, DiskError, StoreUnreadable: Nothing can be written.
    """
    practice.writable()
    with practice.lock("importing from the inbox").hold(), paused_collector():
        for attempt in range(1, TRIES + 1):
            snapshot = practice.snapshot()
            ids = SnapshotIds(snapshot)
            outcome, writes = _planned(practice, snapshot, ids, delivery)
            receipt = tuple(delivery.receipt(snapshot, ids, outcome))
            try:
                practice.store.commit(
                    ImportWrites(partial(_all_writes, receipt, writes, ids)), since=snapshot
                )
            except StoreChanged:
                if attempt == TRIES:
                    raise
                continue
            break
    if outcome.report is not None and outcome.plan is not None and outcome.records:
        log_import(practice, outcome.report, outcome.plan)
    return outcome


def preview(practice: OpenPractice, delivery: InboxDelivery) -> DeliveryOutcome:
    """Return what delivering a file would do; nothing is written. Raises ``BadInput``."""
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
    report = import_report(practice, head, Path(delivery.name), ids is None, parsed, plan, ahead=False)
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
    """Raise if every row of a file was refused, because the file then counts as failed."""
    if plan.refused and not plan.groups and not plan.counts.get("same", 0):
        first = plan.refused[0]
        rows = count(len(plan.refused), "row")
        text = first.reason if len(plan.refused) == 1 else f"{rows} refused. Row {first.row}: {first.reason}"
        raise BadInput(f"{text[:1].upper()}{text[1:]}".rstrip(".") + ".")
