"""Undo as a plan that can be looked at, and the conflicts of the past and of the plan at hand."""

from __future__ import annotations

from collections.abc import Iterator

from xpm_tui.model.errors import BadInput, NotFound
from xpm_tui.model.events import Event
from xpm_tui.model.plan import Plan, PlannedRecord
from xpm_tui.model.ports import Snapshot
from xpm_tui.model.runs import Image
from xpm_tui.model.tables import IMAGES, PLANNED, PLANS, PROPOSALS, RUNS
from xpm_tui.model.text import visible
from xpm_tui.service import plans
from xpm_tui.service.lookup import find_client
from xpm_tui.service.plan_view import change_view
from xpm_tui.service.practice import OpenPractice
from xpm_tui.service.runs import show
from xpm_tui.service.tell import Told
from xpm_tui.service.views import ConflictView, UnclearView
from xpm_tui.sync.policy import BY_NAME
from xpm_tui.sync.undo import plan_undo
from xpm_tui.sync.undone import mark

_OTHERS = ("link", "client", "contact")


def make_undo(
    practice: OpenPractice, run: str, *, client: str = "", field: str = "", keep: bool = True
) -> tuple[Plan, list[PlannedRecord], list[UnclearView]]:
    """Plan to take back a run, or one client or field of it; ``keep`` stores the plan, to be applied.

    The third part are values that changed since and stay. Raises ``NotFound`` and ``BadInput``.
    """
    snapshot = practice.snapshot()
    chosen = show(practice, run)
    ours = find_client(snapshot, client).id if client else ""
    if field and field not in BY_NAME and field not in _OTHERS:
        raise BadInput(
            f"There is no field '{visible(field, 60)}'.", hint=f"The fields: {', '.join(BY_NAME)}."
        )
    if not snapshot.find(IMAGES, "run", chosen.id):
        raise NotFound(
            f"Run {chosen.id} wrote nothing that could be taken back.",
            hint="Old values are kept for retention.images_days; see: xpm-tui runs list",
        )
    if keep:
        practice.writable()
    identity = practice.identity()
    (id_,) = practice.ids.new("p") if keep else ("p0",)
    plan, records, unclear = plan_undo(
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
        in_use=frozenset(proposal.client for proposal in snapshot.rows(PROPOSALS) if proposal.client),
    )
    if keep:
        plans.keep(practice, plan, records)
        practice.events.emit(Event(key="undo.planned", numbers={"plan": plan.id, "undone": chosen.id}))
    told = Told(snapshot)
    left = [
        UnclearView(
            record=each.record,
            name=told.ref(each.record.partition("/")[0]).name,
            field=each.field,
            wanted=told.value(each.field, each.wanted),
            present=told.value(each.field, each.present),
            reason=each.sentence,
            address=each.address,
        )
        for each in unclear
    ]
    return plan, records, left


def last_write(snapshot: Snapshot, client: str) -> str:
    """The newest run that wrote something of a client that is not taken back yet, or empty."""
    images = [image for image in snapshot.find(IMAGES, "client", client) if _left(image)]
    return max((image.run for image in images), key=lambda run: (len(run), run), default="")


def conflicts(practice: OpenPractice) -> list[ConflictView]:
    """Fields that both sides had edited: of the newest plan, then those that runs decided."""
    snapshot = practice.snapshot()
    told = Told(snapshot)
    return [*_planned(snapshot, told), *_decided(snapshot, told)]


def _planned(snapshot: Snapshot, told: Told) -> Iterator[ConflictView]:
    drafts = [plan for plan in snapshot.rows(PLANS) if plan.state == "draft" and not plan.undo_of]
    newest = max(drafts, key=lambda plan: plan.made, default=None)
    if newest is None:
        return
    for record in snapshot.find(PLANNED, "plan", newest.id):
        for change in record.changes:
            if change.conflict:
                view = change_view(told, record.client, record.uuid, change)
                yield ConflictView(
                    state="held" if change.held else "planned",
                    record=change.record,
                    name=view.name,
                    field=change.field,
                    side=change.side,
                    old=view.old_shown,
                    new=view.new_shown,
                    plan=newest.id,
                )


def _decided(snapshot: Snapshot, told: Told) -> Iterator[ConflictView]:
    runs = sorted(snapshot.rows(RUNS), key=lambda run: (len(run.id), run.id), reverse=True)
    for run in runs:
        for image in snapshot.find(IMAGES, "run", run.id):
            for written in image.written:
                if written.rule == "conflict":
                    undone = mark(written.record, written.field) in image.undone
                    yield ConflictView(
                        state="undone" if undone else "overwritten",
                        record=written.record,
                        name=told.ref(image.client).name,
                        field=written.field,
                        side=written.side,
                        old=told.value(written.field, written.old),
                        new=told.value(written.field, written.new),
                        run=run.id,
                    )


def _left(image: Image) -> bool:
    return len(image.undone) < len(image.written)
