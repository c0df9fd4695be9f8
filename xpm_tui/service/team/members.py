"""Members of the team, made and edited by hand. Nobody gets a login by it, here or in XPM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from xpm_tui.book.ignition.cells import CellError, Unknown, canonical, check_email, plain
from xpm_tui.book.ignition.cells import People as Nobody
from xpm_tui.model.book import TeamMember
from xpm_tui.model.errors import BadInput
from xpm_tui.model.events import Event
from xpm_tui.model.names import exact
from xpm_tui.model.ports import Snapshot
from xpm_tui.model.tables import TEAM
from xpm_tui.model.text import visible
from xpm_tui.service import doings
from xpm_tui.service.clients.editing import known_field
from xpm_tui.service.team.linking import list_team
from xpm_tui.service.team.views import MemberView
from xpm_tui.service.telling.lookup import find_member

if TYPE_CHECKING:
    from xpm_tui.service.practice import OpenPractice

FIELDS = ("name", "email", "access", "active")


def new_member(
    practice: OpenPractice, name: str, values: Mapping[str, str], *, anyway: bool = False
) -> MemberView:
    """Make a team member; ``values`` are ``email``, ``access`` and ``active`` (yes, no).

    Raises ``BadInput`` naming the field, where the e-mail is another member's, and where one has that name
    and ``anyway`` is not given.
    """
    practice.writable()
    snapshot = practice.snapshot()
    made = _edited(snapshot, TeamMember(id="", name=""), {"name": name, **values})
    twin = next((each for each in snapshot.rows(TEAM) if exact(each.name) == exact(made.name)), None)
    if twin is not None and not anyway:
        raise BadInput(
            f"The team has a '{visible(made.name, 80)}' already: {twin.id}.",
            hint="If it is another person of the same name, say --anyway.",
        )
    made = msgspec.structs.replace(made, id=practice.ids.new("t")[0])
    doings.do(practice, snapshot, TEAM, [made], f"the making of {made.name}")
    practice.events.emit(Event(key="member.added", record=made.id))
    return _view(practice, made.id)


def edit_member(practice: OpenPractice, member: str, values: Mapping[str, str]) -> MemberView:
    """Change fields of a team member, found by id, e-mail or name. Raises ``NotFound``, ``BadInput``."""
    practice.writable()
    snapshot = practice.snapshot()
    before = find_member(snapshot, member)
    after = _edited(snapshot, before, values)
    if after != before:
        doings.do(practice, snapshot, TEAM, [after], f"the edit of {before.name}")
        for name in values:
            practice.events.emit(Event(key="member.edited", record=before.id, field=name))
    return _view(practice, before.id)


def _edited(snapshot: Snapshot, member: TeamMember, values: Mapping[str, str]) -> TeamMember:
    changed: dict[str, Any] = {}
    for name, text in values.items():
        known_field(name, name, FIELDS)
        changed[name] = _yes(name, text) if name in ("access", "active") else plain(text)
        if "\0" in text or len(text) > 500:
            raise BadInput(f"{name} is too long, or holds a null character.")
    if not changed.get("name", member.name):
        raise BadInput("A team member needs a name.", field="name")
    email = changed.get("email", "")
    if email:
        try:
            check_email(email)
        except CellError as wrong:
            raise BadInput(f"email cannot be that: {visible(str(wrong), 200)}.") from None
        others = [
            m for m in snapshot.rows(TEAM) if m.id != member.id and m.email.casefold() == email.casefold()
        ]
        if others:
            raise BadInput(
                f"That e-mail address is the one of {others[0].name} ({others[0].id}).", field="email"
            )
    return msgspec.structs.replace(member, **changed)


def _yes(name: str, text: str) -> bool:
    try:
        return canonical("tax_registered", plain(text), Nobody(())) == "yes"
    except Unknown:
        raise BadInput(f"{name} is yes or no, not '{visible(text, 40)}'.") from None


def _view(practice: OpenPractice, member: str) -> MemberView:
    return next(view for view in list_team(practice) if view.id == member)
