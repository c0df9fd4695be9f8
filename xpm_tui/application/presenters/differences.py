"""What differs and stays as it is, as users see it: names, both values, the reason, and what to do."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.presenter import Presenter
from xpm_tui.application.presenters.views import SideBySide, UnclearView
from xpm_tui.domain import labels
from xpm_tui.domain.difference_labels import DIFFERENCES
from xpm_tui.domain.fields import BY_NAME
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.links import Value
from xpm_tui.domain.plan import Direction, Plan
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.tables import CLIENTS, FREEZES, XPM_CLIENTS
from xpm_tui.domain.xpm import XpmClient
from xpm_tui.lazy import lazy_imports
from xpm_tui.sync.base import PRIMARY, base_key
from xpm_tui.sync.canonical import staff_uuid
from xpm_tui.sync.planning.differences import Difference

with lazy_imports():
    from xpm_tui.sync.planning import planner


class DifferenceView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A field that differs and that no plan changes.

    ``record`` and ``field`` are named as in a change, ``key`` as a freeze names the field. ``rule`` is the
    code of the reason, ``reason`` and ``hint`` say in words why it stays different and what to do about it.
    ``ignition_shown`` and ``xpm_shown`` are the values as users read them: people and contacts by name.
    """

    record: str
    name: str
    number: str | None
    field: str
    label: str
    key: str
    ignition: Value
    xpm: Value
    ignition_shown: Value
    xpm_shown: Value
    rule: str
    reason: str
    hint: str = ""


def plan_differences(practice: OpenPractice, plan: Plan) -> Iterator[DifferenceView]:
    """Return what differs and is not in a plan, client by client, as the two sides are now.

    It is computed while it is read. There is nothing to list for an undo, and for a plan that was made under
    another policy.
    """
    policy = practice.policy()
    if plan.undo_of or plan.policy != policy.hash:
        return iter(())
    snapshot = practice.snapshot()
    presenter = DifferencePresenter(snapshot, policy.direction)
    found = planner.differences(snapshot, policy, only=plan.only, fields=plan.fields)
    return (presenter.view(uuid, each) for uuid, each in found)


def left_views(snapshot: Snapshot, plan: Plan) -> list[UnclearView]:
    """Return what an undo leaves as it is, with names."""
    presenter = Presenter(snapshot)
    return [
        UnclearView(
            record=each.record,
            name=presenter.ref(each.record.partition("/")[0]).name,
            field=each.field,
            wanted=presenter.value(each.field, each.wanted),
            present=presenter.value(each.field, each.present),
            reason=each.sentence,
            address=each.address,
        )
        for each in plan.left
    ]


class DifferencePresenter:
    """Presents the differences of one snapshot."""

    def __init__(self, snapshot: Snapshot, direction: Direction) -> None:
        self._told = Presenter(snapshot)
        self._snapshot = snapshot
        self._side = "ignition" if direction == "from_xpm" else "xpm"

    def view(self, uuid: str, each: Difference) -> DifferenceView:
        """Return one difference as users see it; ``uuid`` is the client in XPM."""
        id_, _, contact = each.record.partition("/")
        client, row = self._snapshot.get(CLIENTS, id_), self._snapshot.get(XPM_CLIENTS, uuid)
        reason, hint = self._reason(each, id_, base_key(each.field, contact), row)
        return DifferenceView(
            record=each.record,
            name=client.name if client is not None else "",
            number=(row.number or None) if row is not None else None,
            field=each.field,
            label=BY_NAME[each.field].label,
            key=base_key(each.field, contact) if each.field != "contact" else each.field,
            ignition=staff_uuid(each.ignition),
            xpm=staff_uuid(each.xpm),
            ignition_shown=self._shown(each.field, each.ignition, client, row),
            xpm_shown=self._shown(each.field, each.xpm, client, row),
            rule=each.why,
            reason=reason,
            hint=hint,
        )

    def side_by_side(self, uuid: str, each: Difference) -> SideBySide:
        """Return one difference of a pair that is not linked yet: nothing was agreed on."""
        view = self.view(uuid, each)
        return SideBySide(
            field=view.key,
            label=view.label,
            ignition=view.ignition_shown,
            xpm=view.xpm_shown,
            agreed=None,
            has_agreed=False,
            reason=view.reason,
        )

    def _reason(self, each: Difference, client: str, key: str, row: XpmClient | None) -> tuple[str, str]:
        sentence = labels.of_sides(DIFFERENCES[each.why].help, self._side)
        if each.why == "unlinked-person":
            return self._person(each, row)
        if each.why == "frozen":
            found = (self._snapshot.get(FREEZES, f"{client}/{name}") for name in (key, each.field, "*"))
            freeze = next((freeze for freeze in found if freeze is not None), None)
            if freeze is None:
                return sentence, ""
            if freeze.reason:
                sentence = sentence.replace(":", f" ({freeze.reason}):", 1)
            return sentence, f"xpm-tui clients unfreeze {client} {freeze.field}"
        if each.why == "switched-off":
            return sentence, f"xpm-tui policy on {each.field}"
        return sentence, ""

    def _person(self, each: Difference, row: XpmClient | None) -> tuple[str, str]:
        """Who is not linked, and how to link them."""
        if self._side == "ignition":
            staff = getattr(row, BY_NAME[each.field].attribute) if row is not None else None
            name = self._told.person_name(str(staff_uuid(each.xpm)))
            name = staff.name if staff is not None and name == staff.uuid and staff.name else name
            return (
                f"Nobody in your team is linked to {name}.",
                f"Link a team member to {name} (team link), or add {name} from XPM (team pick).",
            )
        id_ = str(each.ignition)
        if id_ not in self._told.people:
            return f"{id_} is no longer in your team.", "Choose another one (clients edit)."
        return (
            f"{self._told.person_name(id_)} is not linked to anyone in XPM's staff.",
            f"Link the team member: xpm-tui team link {id_} STAFF",
        )

    def _shown(self, field: str, value: Value, client: Client | None, row: XpmClient | None) -> Value:
        if field == PRIMARY:
            names = {each.id: each.name or each.email for each in client.contacts} if client else {}
            names |= {each.uuid: each.name or each.email for each in row.contacts} if row else {}
            return names.get(str(value)) or value
        if BY_NAME[field].kind != "person" or not value:
            return value
        name = self._told.person_name(str(staff_uuid(value)))
        person = getattr(row, BY_NAME[field].attribute) if row is not None else None
        return person.name if person is not None and person.uuid == name and person.name else name
