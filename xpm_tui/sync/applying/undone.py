"""What is remembered of a value that was taken back: the pair of before, and a freeze so that it lasts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from xpm_tui.model.links import Base, Freeze, Value
from xpm_tui.model.plan import Change
from xpm_tui.model.ports import Put, Snapshot, Write
from xpm_tui.model.runs import Image, Run
from xpm_tui.model.tables import FREEZES, IMAGES, PLANS
from xpm_tui.sync.applying.writing import base_key
from xpm_tui.sync.base import PRIMARY, agree, forget

UNDO = "undo"


def is_undo(changes: Iterable[Change]) -> bool:
    """Whether these changes take back what an earlier run wrote."""
    return any(change.rule == UNDO for change in changes)


def image_of(snapshot: Snapshot, run: Run, client: str) -> Image | None:
    """The before-image that an undoing run works from."""
    plan = snapshot.get(PLANS, run.plan)
    return snapshot.get(IMAGES, f"{plan.undo_of}/{client}") if plan is not None else None


def take_back(
    snapshot: Snapshot,
    run: Run,
    client: str,
    changes: Sequence[Change],
    base: Base,
    mirror: Mapping[str, Value],
    now: datetime,
) -> tuple[Base, list[Write]]:
    """Restore what was agreed before the undone run, freeze the fields, and note in its image what is undone.

    ``mirror`` is XPM's side by base key as it will be. Gives the new base and the writes besides it.
    """
    image = image_of(snapshot, run, client)
    if image is None:
        return base, []
    agreed = {mark(written.record, written.field): written.pair for written in image.written}
    writes: list[Write] = []
    for change in changes:
        key = base_key(change.field, change.record.partition("/")[2])
        before = agreed.get(mark(change.record, change.field))
        base = forget(base, [key]) if before is None else agree(base, {key: before}, mirror)
        freeze = undo_freeze(client, key, image.run, run.by, now)
        there = snapshot.get(FREEZES, freeze.id)
        # A freeze that a person made is theirs: linking anew must not lift it.
        if change.field != "contact" and (there is None or there.undo):
            writes.append(Put(FREEZES, freeze))
    return base, [*writes, noted(image, changes)]


def undo_freeze(client: str, key: str, undone: str, by: str, now: datetime) -> Freeze:
    """The freeze that makes an undo last until a person lifts it."""
    return Freeze(
        id=f"{client}/{key}",
        client=client,
        field=key,
        reason=f"undone by {by}, run {undone}",
        by=by,
        at=now,
        undo=True,
    )


def noted(image: Image, changes: Iterable[Change]) -> Put:
    """The image with the changes that are undone now."""
    undone = dict.fromkeys((*image.undone, *(mark(change.record, change.field) for change in changes)))
    return Put(IMAGES, msgspec.structs.replace(image, undone=tuple(undone)))


def mark(record: str, field: str) -> str:
    """How an image names a change of its own that was undone; who is primary is one change of the client."""
    return f"{record.partition('/')[0] if field == PRIMARY else record} {field}"
