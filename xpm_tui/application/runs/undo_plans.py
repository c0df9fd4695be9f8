"""Plans of undos: make them, also for what an undo that ended early has left."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.views import SkippedUndoView
from xpm_tui.application.runs.history import find_run, is_immediate
from xpm_tui.application.runs.plans import keep_plan
from xpm_tui.domain.errors import BadInput, NotFound
from xpm_tui.domain.events import Event
from xpm_tui.domain.fields import SYNCED_BY_NAME
from xpm_tui.domain.plan import Plan, PlannedRecord
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.runs import BeforeImage, Run
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import IMAGES, PLANNED, PROPOSALS
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application.presenters import lookup
    from xpm_tui.sync.manual import plans as manual_plans

_OTHERS = ("link", "client", "contact")


def make_undo(
    practice: OpenPractice,
    run: str,
    *,
    client: str = "",
    field: str = "",
    keep: bool = True,
    continues: str = "",
) -> tuple[Plan, list[PlannedRecord], list[SkippedUndoView]]:
    """Plan the undo of a run, or of one client or field of it; ``keep`` stores the plan.

    The third part of the result is what stays as it is, with the reason. A run that wrote nothing has nothing
    to undo. With ``continues``, the id of an earlier plan of the undo, only what was ticked there is ticked.

    Raises:
        NotFound: There is no such run or client, or the values that the run replaced are no longer stored.
        BadInput: There is no such field, or the run created jobs.
    """
    snapshot = practice.snapshot()
    chosen = find_run(practice, run)
    ours = lookup.find_client(snapshot, client).id if client else ""
    if field and field not in SYNCED_BY_NAME and field not in _OTHERS:
        raise BadInput(
            f"There is no field '{visible(field, 60)}'.", hint=f"The fields: {', '.join(SYNCED_BY_NAME)}."
        )
    if chosen.kind == "deploy":
        raise BadInput(
            f"Run {chosen.id} created jobs, and jobs in XPM cannot be changed from here.",
            hint="Change or delete the jobs in XPM. To stop jobs that are not created yet: xpm-tui jobs "
            "skip, or proposals revoke",
        )
    if not snapshot.find(IMAGES, "run", chosen.id) and _has_written(chosen):
        raise NotFound(
            f"The values that run {chosen.id} replaced are not stored here, so it cannot be undone.",
            hint=f"Old values are kept for {practice.settings.number('retention.images_days')} days.",
        )
    if keep:
        practice.writable()
    identity = practice.identity()
    (id_,) = practice.ids.new("p") if keep else ("p0",)
    plan, records, _ = manual_plans.plan_undo(
        snapshot,
        chosen.id,
        id=id_,
        now=practice.clock.now(),
        by=practice.person,
        tenant=identity.tenant if identity else "",
        scopes=identity.scopes if identity else "",
        policy=practice.policy(),
        client=ours,
        field=field,
        in_use=frozenset(
            client
            for proposal in snapshot.rows(PROPOSALS)
            for client in (proposal.client, *(service.client for service in proposal.services))
            if client
        ),
    )
    if continues:
        wanted = {
            (change.record, change.field)
            for record in snapshot.find(PLANNED, "plan", continues)
            for change in record.changes
            if change.ticked
        }
        records = [_with_ticks(record, wanted) for record in records]
        plan = manual_plans.recount(plan, records)
    if keep:
        keep_plan(practice, plan, records)
        practice.events.emit(Event(key="undo.planned", numbers={"plan": plan.id, "undone": chosen.id}))
    return plan, records, lookup.skipped_undo_views(snapshot, plan)


def rest_of_undo(
    practice: OpenPractice, plan: Plan, *, keep: bool = True
) -> tuple[Plan, list[PlannedRecord]]:
    """Plan again what an undo that ended early has not undone yet. Raises ``NotFound``."""
    rest, records, _ = make_undo(
        practice, plan.undo_of, client=plan.only, field="".join(plan.fields), keep=keep, continues=plan.id
    )
    return rest, records


def _with_ticks(record: PlannedRecord, wanted: Collection[tuple[str, str]]) -> PlannedRecord:
    changes = tuple(
        msgspec.structs.replace(change, ticked=(change.record, change.field) in wanted)
        for change in record.changes
    )
    return msgspec.structs.replace(record, changes=changes)


def writes_xpm(practice: OpenPractice, run: str) -> bool:
    """Return whether a run wrote anything to XPM. Raises ``NotFound``."""
    images = practice.snapshot().find(IMAGES, "run", find_run(practice, run).id)
    return any(written.side == "xpm" for image in images for written in image.written)


def _has_written(run: Run) -> bool:
    return run.outcome == "done" if is_immediate(run) else bool(run.counts.get("changes"))


def last_write(snapshot: Snapshot, client: str) -> str:
    """Return the newest run that wrote to a client and is not fully undone; empty if there is none."""
    images = [image for image in snapshot.find(IMAGES, "client", client) if _has_more_to_undo(image)]
    return max((image.run for image in images), key=lambda run: (len(run), run), default="")


def _has_more_to_undo(image: BeforeImage) -> bool:
    return len(image.undone) < len(image.written)
