"""What a person does to a plan before it is applied: ticks, and what stays reviewed in the next one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from xpm_tui.domain.links import Value
from xpm_tui.domain.plan import Change, Plan, PlannedRecord
from xpm_tui.domain.ports import Snapshot
from xpm_tui.sync.applying.preconditions import possible
from xpm_tui.sync.planning.decisions import UNTICKABLE
from xpm_tui.sync.planning.planner import count, estimate

Reviewed = tuple[str, str, Value, Value]
"""What makes a change the same one in the next plan: record, field, old, new."""


def tick(
    records: Iterable[PlannedRecord],
    on: bool,
    *,
    record: str = "",
    field: str = "",
    rule: str = "",
    mark: str = "",
) -> list[PlannedRecord]:
    """Tick or untick what is meant; an empty part means any. ``record`` is a client or one of its contacts.

    Gives the records that changed by it. Without its link none of a client's values is written, so unticking
    an exact-name link leaves the values as they are: they come with the link or not at all. A contact that
    is not made cannot become the primary one.
    """

    def meant(change: Change) -> bool:
        return (
            (not record or change.record == record or change.record.startswith(f"{record}/"))
            and (not field or change.field == field)
            and (not rule or change.rule == rule)
            and (not mark or change.mark == mark)
        )

    return tick_where(records, on, meant)


def tick_where(
    records: Iterable[PlannedRecord], on: bool, meant: Callable[[Change], bool]
) -> list[PlannedRecord]:
    """The same, by any condition. What no tick can let go stays as it is."""
    changed: list[PlannedRecord] = []
    for each in records:
        changes = tuple(
            msgspec.structs.replace(change, ticked=on)
            if change.ticked is not on and meant(change) and not (on and change.held in UNTICKABLE)
            else change
            for change in each.changes
        )
        changes = _possible(changes)
        if changes != each.changes:
            changed.append(msgspec.structs.replace(each, changes=changes))
    return changed


def _possible(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """Untick what cannot be done without something that is not ticked."""
    ticked = tuple(change for change in changes if change.ticked)
    left = possible(changes, ticked)
    if left == ticked:
        return changes
    return tuple(
        msgspec.structs.replace(change, ticked=False) if change.ticked and change not in left else change
        for change in changes
    )


def recount(snapshot: Snapshot, plan: Plan, records: Sequence[PlannedRecord]) -> Plan:
    """The plan's head after its ticks changed; ``records`` are all of its records."""
    return estimate(snapshot, msgspec.structs.replace(plan, counts=count(records)), records)


def keep_review(
    before: Iterable[PlannedRecord], records: Sequence[PlannedRecord]
) -> tuple[list[PlannedRecord], int]:
    """Carry a person's ticks into a plan made afresh; also counts the ticked changes that nobody has seen.

    A change that comes out the same (record, field, old, new) keeps its tick.
    """
    seen = {_same(change): change.ticked for record in before for change in record.changes}
    kept: list[PlannedRecord] = []
    unseen = 0
    for record in records:
        changes: list[Change] = []
        for change in record.changes:
            ticked = seen.get(_same(change))
            unseen += ticked is None and change.ticked
            changes.append(
                change
                if ticked in (None, change.ticked) or change.held in UNTICKABLE
                else msgspec.structs.replace(change, ticked=ticked)
            )
        kept.append(msgspec.structs.replace(record, changes=_possible(tuple(changes))))
    return kept, unseen


def _same(change: Change) -> Reviewed:
    return change.record, change.field, change.old, change.new
