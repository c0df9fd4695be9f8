"""The review of a plan: ticks, and keeping them in the next plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from xpm_tui.domain.links import Value
from xpm_tui.domain.plan import Change, Plan, PlannedRecord
from xpm_tui.domain.ports import Snapshot
from xpm_tui.sync.applying.local_writes import possible
from xpm_tui.sync.planning.decisions import SHARED_EDITS, UNTICKABLE
from xpm_tui.sync.planning.planner import count, estimate

Reviewed = tuple[str, str, Value, Value]
"""What identifies a change across plans: record, field, old, new."""


def tick(
    records: Iterable[PlannedRecord],
    on: bool,
    *,
    record: str = "",
    field: str = "",
    rule: str = "",
    mark: str = "",
) -> list[PlannedRecord]:
    """Tick or untick matching changes; an empty part matches any. ``record`` is a client or a contact.

    Returns the records that changed. Without its link none of a client's values is written, so unticking an
    exact-name link leaves its values ticked: they are applied with the link or not at all. A contact that is
    not created cannot become the primary one.
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
    """Do the same by any condition. A change that cannot be ticked stays as it is."""
    before = [*records]
    after: list[PlannedRecord] = []
    for each in before:
        changes = tuple(
            msgspec.structs.replace(change, ticked=on)
            if change.ticked is not on and meant(change) and not (on and change.held in UNTICKABLE)
            else change
            for change in each.changes
        )
        after.append(msgspec.structs.replace(each, changes=changes))
    after = _one_of_each(before, after) if on else after
    after = [msgspec.structs.replace(each, changes=_possible(each.changes)) for each in after]
    return [now for was, now in zip(before, after, strict=True) if now.changes != was.changes]


def _one_of_each(before: Sequence[PlannedRecord], after: Sequence[PlannedRecord]) -> list[PlannedRecord]:
    """Return the records with at most one of different edits of a shared contact ticked.

    It is the one just ticked, or none if several were.
    """
    was = {(c.record, c.field): c.ticked for each in before for c in each.changes}
    groups: dict[tuple[str, str], list[Change]] = {}
    for each in after:
        for change in each.changes:
            if change.held == SHARED_EDITS and not change.follows and change.ticked:
                groups.setdefault((change.shared, change.field), []).append(change)
    off: set[tuple[str, str]] = set()
    for group in groups.values():
        if len(group) > 1:
            new = [change for change in group if not was[change.record, change.field]]
            keep = new[0] if len(new) == 1 else None
            off |= {(change.record, change.field) for change in group if change is not keep}
    if not off:
        return [*after]
    return [
        msgspec.structs.replace(
            each,
            changes=tuple(
                msgspec.structs.replace(c, ticked=False)
                if not c.follows and (c.record, c.field) in off
                else c
                for c in each.changes
            ),
        )
        for each in after
    ]


def _possible(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """Untick what is impossible without a change that is not ticked."""
    ticked = tuple(change for change in changes if change.ticked)
    left = possible(changes, ticked)
    if left == ticked:
        return changes
    done = {(change.record, change.field, change.follows) for change in left}
    return tuple(
        msgspec.structs.replace(change, ticked=wanted)
        if change.ticked is not (wanted := (change.record, change.field, change.follows) in done)
        and (change.ticked or change.follows)
        else change
        for change in changes
    )


def recount(snapshot: Snapshot, plan: Plan, records: Sequence[PlannedRecord]) -> Plan:
    """Return the plan's head after its ticks changed; ``records`` are all of its records."""
    return estimate(snapshot, msgspec.structs.replace(plan, counts=count(records)), records)


def keep_review(
    before: Iterable[PlannedRecord], records: Sequence[PlannedRecord]
) -> tuple[list[PlannedRecord], list[PlannedRecord]]:
    """Copy a user's ticks to a new plan; also return the ticked changes that are not reviewed, by record.

    A change that is the same (record, field, old, new) keeps its tick.
    """
    seen = {_same(change): change.ticked for record in before for change in record.changes}
    remaining: list[PlannedRecord] = []
    unseen: list[PlannedRecord] = []
    for record in records:
        changes: list[Change] = []
        new = tuple(each for each in record.changes if each.ticked and _same(each) not in seen)
        if new:
            unseen.append(msgspec.structs.replace(record, changes=new))
        for change in record.changes:
            ticked = seen.get(_same(change))
            changes.append(
                change
                if ticked in (None, change.ticked) or change.held in UNTICKABLE
                else msgspec.structs.replace(change, ticked=ticked)
            )
        remaining.append(msgspec.structs.replace(record, changes=_possible(tuple(changes))))
    return remaining, unseen


def _same(change: Change) -> Reviewed:
    return change.record, change.field, change.old, change.new
