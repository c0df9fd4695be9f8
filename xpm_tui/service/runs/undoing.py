"""Undo as a plan that can be looked at."""

from __future__ import annotations

from xpm_tui.model.errors import BadInput, NotFound
from xpm_tui.model.events import Event
from xpm_tui.model.plan import Plan, PlannedRecord
from xpm_tui.model.ports import Snapshot
from xpm_tui.model.runs import Image
from xpm_tui.model.tables import IMAGES, PROPOSALS
from xpm_tui.model.text import visible
from xpm_tui.service.practice import OpenPractice
from xpm_tui.service.runs import plans
from xpm_tui.service.runs.history import show
from xpm_tui.service.telling.lookup import find_client
from xpm_tui.service.telling.tell import Told
from xpm_tui.service.telling.views import UnclearView
from xpm_tui.sync.by_hand.undo import plan_undo
from xpm_tui.sync.policy import BY_NAME as SYNCED

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
    if field and field not in SYNCED and field not in _OTHERS:
        raise BadInput(
            f"There is no field '{visible(field, 60)}'.", hint=f"The fields: {', '.join(SYNCED)}."
        )
    if chosen.kind == "deploy":
        raise BadInput(
            f"Run {chosen.id} made jobs: what is in XPM is never touched again from here.",
            hint="Change or delete the job in XPM. What still waits: xpm-tui jobs skip, or proposals revoke",
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


def _left(image: Image) -> bool:
    return len(image.undone) < len(image.written)
