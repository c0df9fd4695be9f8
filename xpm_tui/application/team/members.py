"""Create, edit and delete team members, and create staff records in XPM for them.

This creates no login, here or in XPM. A staff record is previewed, sent once, and linked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from xpm_tui.application import undo_history
from xpm_tui.application.clients.edits import known_field, refuse_unusable_text
from xpm_tui.application.practice import OpenPractice, read_identity
from xpm_tui.application.presenters.lookup import find_member, find_staff, refuse_namesakes
from xpm_tui.application.runs.history import Stopper
from xpm_tui.application.team.links import list_team
from xpm_tui.application.team.queries import MemberView, StaffView, TeamSnapshot
from xpm_tui.domain.errors import BadInput, CaseId, DecisionNeeded, UnsendableValue
from xpm_tui.domain.events import Event
from xpm_tui.domain.fields import staff_label
from xpm_tui.domain.formatting import count
from xpm_tui.domain.identity import compare
from xpm_tui.domain.ignition import TeamMember
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.safe_text import refuse_unsendable_values, visible
from xpm_tui.domain.tables import CLIENTS, PROPOSALS, STAFF, TEAM, WORKFLOWS
from xpm_tui.ignition.cell_readers import CellError, clean_cell, read_email
from xpm_tui.ignition.cells import TeamLookup, UnknownWord, canonical_cell
from xpm_tui.log.event_log import assign_to_run
from xpm_tui.sync.applying.recovery import resolve
from xpm_tui.sync.journal import unanswered
from xpm_tui.sync.manual.creation import (
    create_staff,
    creation_values,
    matching_details,
    possible_duplicates,
    why_blocked,
)

FIELDS = ("name", "email", "access", "active")


class StaffPreview(msgspec.Struct, frozen=True, kw_only=True):
    """A staff record that is not created yet.

    Attributes:
        sent: Exactly the values that would be sent.
        twins: Staff in XPM with the same e-mail or name.
        alike: What the twins have in common with the member.
        blocked: Why the record cannot be created; empty if it can.
    """

    member: MemberView
    sent: dict[str, str]
    twins: tuple[StaffView, ...] = ()
    alike: tuple[str, ...] = ()
    blocked: str = ""


class CreatedStaffView(msgspec.Struct, frozen=True, kw_only=True):
    """A staff record that was created in XPM, the member linked to it, and the run."""

    member: MemberView
    staff: StaffView
    run: str


def new_member(
    practice: OpenPractice,
    name: str,
    values: Mapping[str, str],
    *,
    different: Iterable[str] = (),
    anyway: bool = False,
) -> MemberView:
    """Create a team member; ``values`` are ``email``, ``access`` and ``active`` (yes, no).

    ``different`` are members, by id, e-mail or name, of whom the user says that they are other people;
    ``anyway`` says so of all.

    Raises:
        BadInput: A value cannot be used, which names the field, or the e-mail is another member's.
        DecisionNeeded: A member with the same or a similar name may be this person.
    """
    practice.writable()
    snapshot = practice.snapshot()
    made = _edited(snapshot, TeamMember(id="", name=""), {"name": name, **values})
    others = {find_member(snapshot, text).id for text in different}
    alike = [] if anyway else [each for each in _alike(snapshot, made.name) if each[0].id not in others]
    refuse_namesakes(alike, "team member")
    made = msgspec.structs.replace(made, id=practice.ids.new("t")[0])
    undo_history.commit_undoable(practice, snapshot, TEAM, [made], f"the creation of {made.name}")
    practice.events.emit(Event(key="member.added", record=made.id))
    return _view(practice, made.id)


def _alike(snapshot: Snapshot, name: str) -> list[tuple[TeamMember, str]]:
    """Return the members whose name is the same or similar, best first, and how the names differ."""
    found = [(compare(name, each.name), each) for each in snapshot.rows(TEAM)]
    alike = [(answer, each) for answer, each in found if answer.answer != "different"]
    alike.sort(key=lambda pair: (pair[0].cost, pair[1].id))
    return [(each, answer.reasons[0]) for answer, each in alike]


def edit_member(practice: OpenPractice, member: str, values: Mapping[str, str]) -> MemberView:
    """Change fields of a team member, found by id, e-mail or name. Raises ``NotFound``, ``BadInput``."""
    practice.writable()
    snapshot = practice.snapshot()
    before = find_member(snapshot, member)
    after = _edited(snapshot, before, values)
    if after != before:
        undo_history.commit_undoable(practice, snapshot, TEAM, [after], f"the change to {before.name}")
        for name in values:
            practice.events.emit(Event(key="member.edited", record=before.id, field=name))
    return _view(practice, before.id)


def delete_member(practice: OpenPractice, member: str) -> TeamMember:
    """Delete a team member, found by id, e-mail or name; ``undo`` restores it.

    Raises ``NotFound``, and ``DecisionNeeded`` if something depends on the member.
    """
    practice.writable()
    snapshot = practice.snapshot()
    found = find_member(snapshot, member)
    why = _why_not_deleted(snapshot, found)
    if why:
        raise DecisionNeeded(f"{visible(found.name, 80)} ({found.id}) was not deleted: {why}.")
    undo_history.remove(practice, snapshot, TEAM, [(TEAM, found, None)], f"the deletion of {found.name}")
    practice.events.emit(Event(key="member.deleted", record=found.id))
    return found


def _why_not_deleted(snapshot: Snapshot, member: TeamMember) -> str:
    if member.staff:
        return f"the member is linked to XPM staff. Unlink first: xpm-tui team unlink {member.id}"
    uses = {
        "client": sum(member.id in (each.partner, each.manager) for each in snapshot.rows(CLIENTS)),
        "proposal": sum(member.id in (each.partner, each.manager) for each in snapshot.rows(PROPOSALS)),
        "workflow": sum(
            member.id in (each.partner, each.manager, *each.staff) for each in snapshot.rows(WORKFLOWS)
        ),
    }
    named = [count(number, noun) for noun, number in uses.items() if number]
    if any(intent.record == member.id for intent in unanswered(snapshot)):
        return "the outcome of a write to XPM for this member is unknown. See: xpm-tui runs list"
    plural = sum(uses.values()) != 1
    return f"{' and '.join(named)} {'name' if plural else 'names'} this member" if named else ""


def _edited(snapshot: Snapshot, member: TeamMember, values: Mapping[str, str]) -> TeamMember:
    changed: dict[str, Any] = {}
    for name, text in values.items():
        known_field(name, name, FIELDS)
        changed[name] = _yes(name, text) if name in ("access", "active") else clean_cell(text)
        refuse_unusable_text(name, text, 500)
    if not changed.get("name", member.name):
        raise BadInput("A team member must have a name.", field="name")
    email = changed.get("email", "")
    if email:
        try:
            changed["email"] = email = read_email(email)
        except CellError as wrong:
            raise BadInput(
                f"This value cannot be used for the e-mail address: {visible(str(wrong), 200)}."
            ) from None
        others = [
            m for m in snapshot.rows(TEAM) if m.id != member.id and m.email.casefold() == email.casefold()
        ]
        if others:
            raise BadInput(
                f"{others[0].name} ({others[0].id}) already has that e-mail address.", field="email"
            )
    return msgspec.structs.replace(member, **changed)


def _yes(name: str, text: str) -> bool:
    try:
        return canonical_cell("tax_registered", clean_cell(text), TeamLookup(())) == "yes"
    except UnknownWord:
        raise BadInput(f"{name} must be yes or no, not '{visible(text, 40)}'.") from None


def _view(practice: OpenPractice, member: str) -> MemberView:
    return next(view for view in list_team(practice) if view.id == member)


WRITE_SCOPES = frozenset({"practicemanager", "practicemanager.staff"})
"""The scopes that allow a login to write staff; one of them is enough."""
MAX_LENGTH = 255
"""The most characters of a value of a staff record."""


def preview(practice: OpenPractice, member: str, *, phone: str = "", mobile: str = "") -> StaffPreview:
    """Return the staff record that would be created for a member, and what prevents that.

    Raises ``NotFound`` for an unknown member, ``BadInput`` for a value that XPM does not accept.
    """
    snapshot, team = practice.snapshot(), TeamSnapshot.of(practice)
    ours = find_member(snapshot, member)
    sent = creation_values(ours, {"phone": phone, "mobile": mobile})
    try:
        refuse_unsendable_values(sent, label=staff_label)
    except UnsendableValue as error:
        raise UnsendableValue(
            f"{visible(ours.name, 80)} ({ours.id}) was not created in XPM. {error.message}",
            hint=error.hint,
            field=error.field,
        ) from None
    for field, text in sent.items():
        if len(text) > MAX_LENGTH or any(ord(c) < 32 or ord(c) == 127 for c in text):
            raise BadInput(
                f"{staff_label(field)} is too long or contains control characters, so XPM does not accept it."
            )
    people = possible_duplicates(snapshot, ours, snapshot.rows(STAFF))
    return StaffPreview(
        member=team.member(ours),
        sent=sent,
        twins=tuple(team.staff_view(row) for row in people),
        alike=tuple(matching_details(ours, row) for row in people),
        blocked=why_blocked(snapshot, ours) or _closed(snapshot),
    )


async def create_in_xpm(
    practice: OpenPractice,
    member: str,
    *,
    phone: str = "",
    mobile: str = "",
    different: Iterable[str] = (),
    anyway: bool = False,
) -> CreatedStaffView:
    """Create the staff record and link the member to it; see :mod:`xpm_tui.sync.manual.creation`.

    An earlier attempt without an answer is looked up first: if XPM has the record by now, it is linked and
    nothing is sent. Raises ``DecisionNeeded`` (``StaffExists`` if XPM has the e-mail or name), ``Busy``, and
    errors of the calls.
    """
    practice.writable()
    identity = practice.connected()
    shown = preview(practice, member, phone=phone, mobile=mobile)
    closed = _closed(practice.snapshot())
    if closed:
        raise DecisionNeeded(closed, case=CaseId.SCOPE_MISSING)
    ours = shown.member.id
    with practice.lock("creating a staff record in XPM").hold():
        (run,) = practice.ids.new("r")
        stop = Stopper(practice, run)
        lag = practice.settings.number("sync.create_lag")
        with assign_to_run(run), stop.listening():
            async with practice.wire() as wire:
                xpm = wire.practice(identity.tenant)
                found = await resolve(
                    store=practice.store, practice=xpm, clock=practice.clock, emit=practice.events.emit,
                    create_lag=lag, stop=stop, wait=False,
                )  # fmt: skip
                if not any(intent.record == ours for intent in found.done):
                    await create_staff(
                        ours,
                        {"phone": phone, "mobile": mobile},
                        store=practice.store,
                        practice=xpm,
                        clock=practice.clock,
                        ids=practice.ids,
                        events=practice.events,
                        by=practice.person,
                        run=run,
                        direction=practice.policy().direction,
                        different=[find_staff(practice.snapshot(), text).uuid for text in different],
                        anyway=anyway,
                        create_lag=lag,
                        stop=stop,
                    )
    return _created_view(practice, ours, run)


def _created_view(practice: OpenPractice, member: str, run: str) -> CreatedStaffView:
    snapshot, team = practice.snapshot(), TeamSnapshot.of(practice)
    ours = snapshot.get(TEAM, member)
    row = snapshot.get(STAFF, ours.staff) if ours else None
    if ours is None or row is None:
        raise DecisionNeeded(
            "The team member was changed in the meantime.", hint="List the team: xpm-tui team list"
        )
    return CreatedStaffView(member=team.member(ours), staff=team.staff_view(row), run=run)


def _closed(snapshot: Snapshot) -> str:
    """Return why the login may not write staff, as a sentence; empty if it may, or if that is unknown."""
    identity = read_identity(snapshot)
    granted = set(identity.scopes.split()) if identity else set()
    if not granted or granted & WRITE_SCOPES:
        return ""
    return (
        "The login may read XPM's staff but not add to it: it lacks the scope "
        'practicemanager.staff. Add that to xero.scopes (the preset "both" includes it), then '
        "connect again: xpm-tui connect"
    )
