"""Links between team members and XPM's staff: proposed here, and made only by a user."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec

from xpm_tui.application import undo_history
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.lookup import find_member, find_staff
from xpm_tui.application.presenters.views import RefView
from xpm_tui.application.team.queries import MemberView, PersonRow, StaffView, TeamSnapshot
from xpm_tui.domain.errors import BadInput, NotFound
from xpm_tui.domain.events import Event
from xpm_tui.domain.formatting import count
from xpm_tui.domain.identity import compare, name_key
from xpm_tui.domain.ignition import TeamMember
from xpm_tui.domain.ports import Put, Snapshot
from xpm_tui.domain.tables import BLOCKED_PAIRS, CLIENTS, PROPOSALS, TEAM, WORKFLOWS
from xpm_tui.domain.xpm import Staff
from xpm_tui.sync.base import block_as_different, blocked_pair_id

FILTERS: tuple[tuple[str, str], ...] = (
    ("", "all"),
    ("needs-link", "needs link"),
    ("proposed", "proposed"),
    ("left", "left XPM"),
    ("same-name", "same name"),
    ("no-access", "without access"),
    ("xpm-only", "only in XPM"),
)
"""Saved filters: the word of the command line, and the label."""


class SkippedStaffView(msgspec.Struct, frozen=True, kw_only=True):
    """A person of XPM's staff who was not added, the member who may be the same, and why."""

    staff: StaffView
    member: RefView
    reason: str


class StaffPick(msgspec.Struct, frozen=True, kw_only=True):
    """The result of adding staff: the ``members`` added or linked, and those ``skipped``."""

    members: tuple[MemberView, ...] = ()
    skipped: tuple[SkippedStaffView, ...] = ()


class MapEffect(msgspec.Struct, frozen=True, kw_only=True):
    """The effects of linking a member to a staff record, before the link is made.

    ``says`` are the effects as sentences; ``refused`` says why the link is not possible.
    """

    says: tuple[str, ...] = ()
    refused: str = ""


def list_team(practice: OpenPractice) -> list[MemberView]:
    """Return the members in order of arrival.

    Each has its staff record, or proposals and the effects of the missing link.
    """
    team = TeamSnapshot.of(practice)
    return [team.member(member) for member in team.members]


def list_staff(practice: OpenPractice) -> list[StaffView]:
    """Return XPM's staff by name, each with the linked member."""
    team = TeamSnapshot.of(practice)
    return [team.staff_view(row) for row in sorted(team.staff.values(), key=lambda row: name_key(row.name))]


def free_staff(practice: OpenPractice) -> list[StaffView]:
    """Return XPM's present staff who are not linked to anyone in the team."""
    return [row for row in list_staff(practice) if row.member is None and not row.gone]


def list_people(practice: OpenPractice, *, only: str = "", text: str = "") -> tuple[list[PersonRow], int]:
    """Return members, then unlinked XPM staff, by name; and their number without filters.

    ``only`` is one of ``FILTERS``, ``text`` must be in name, e-mail, id or UUID. Staff who left and are not
    linked appear under ``left`` only. Raises ``BadInput`` for an unknown filter.
    """
    if only not in {name for name, _ in FILTERS}:
        known = ", ".join(name for name, _ in FILTERS if name)
        raise BadInput(f"There is no filter called {only}.", hint=f"The filters are: {known}.")
    team = TeamSnapshot.of(practice)
    members = [team.member(member) for member in team.members]
    found = [PersonRow(member=view, staff=view.staff) for view in members]
    free = [row for row in team.staff.values() if row.uuid not in team.by_staff]
    found += [PersonRow(staff=team.staff_view(row)) for row in free if not row.gone or only == "left"]
    wanted = text.casefold()
    rows = [row for row in found if _passes(team, row, only) and wanted in _words(row)]
    total = len(members) + sum(not row.gone for row in free)

    def place(row: PersonRow) -> tuple[bool, str, bool, str]:
        name = row.name.casefold()
        return wanted not in name, name, row.member is None, row.key

    return sorted(rows, key=place), total


def find_row(practice: OpenPractice, person: str) -> PersonRow:
    """Return one member by id, e-mail or name, or someone who is only in XPM. Raises ``NotFound``."""
    team, snapshot = TeamSnapshot.of(practice), practice.snapshot()
    try:
        member = team.member(find_member(snapshot, person))
    except NotFound:
        return PersonRow(staff=team.staff_view(find_staff(snapshot, person)))
    return PersonRow(member=member, staff=member.staff)


def preview_map(practice: OpenPractice, member: str, staff: str) -> MapEffect:
    """Return what linking these two would do. Raises ``NotFound`` and ``BadInput``."""
    snapshot, team = practice.snapshot(), TeamSnapshot.of(practice)
    ours, theirs = find_member(snapshot, member), find_staff(snapshot, staff)
    view, person = team.member(ours), team.staff_view(theirs)
    if person.member is not None and person.member.id != ours.id:
        return MapEffect(
            refused=f"{theirs.name} is already linked to {person.member.name} ({person.member.id})."
        )
    if ours.staff == theirs.uuid:
        return MapEffect(refused=f"{ours.name} is already linked to this staff record.")
    effects = [f"{ours.name} will be linked to {theirs.name} in XPM."]
    if view.staff is not None:
        effects.append(f"This replaces the link to {view.staff.name or view.staff.uuid}.")
    if theirs.gone:
        effects.append("XPM no longer lists this person: nothing can be synced for someone who has left.")
    records = [count(view.clients, "client") + " here"] if view.clients else []
    records += [count(person.clients, "client") + " in XPM"] if person.clients else []
    records += [count(view.jobs, "job") + " to come"] if view.jobs else []
    if records and not theirs.gone:
        effects.append(f"Partner and manager can be synced for {', '.join(records)}.")
    if ours.email and theirs.email and ours.email.strip().casefold() != theirs.email.strip().casefold():
        effects.append("The e-mail addresses differ: make sure that this is the same person.")
    return MapEffect(says=(*effects, "Nothing is written to XPM."))


def link_member(practice: OpenPractice, member: str, staff: str) -> MemberView:
    """Link a member to a staff record, or replace the link. Raises ``BadInput`` if it is linked elsewhere."""
    practice.writable()
    snapshot = practice.snapshot()
    ours, theirs = find_member(snapshot, member), find_staff(snapshot, staff)
    others = [m for m in snapshot.find(TEAM, "staff", theirs.uuid) if m.id != ours.id]
    if others:
        raise BadInput(
            f"{theirs.name} is already linked to {others[0].name} ({others[0].id}).",
            hint=f"Remove that link first: xpm-tui team unlink {others[0].id}",
        )
    linked = msgspec.structs.replace(ours, staff=theirs.uuid)
    undo_history.commit_undoable(practice, snapshot, TEAM, [linked], f"the link of {ours.name}")
    practice.events.emit(Event(key="member.linked", record=ours.id, uuid=theirs.uuid))
    return TeamSnapshot.of(practice).member(linked)


def unlink_member(practice: OpenPractice, member: str) -> MemberView:
    """Remove a member's link. Raises ``BadInput`` if there is none."""
    practice.writable()
    snapshot = practice.snapshot()
    ours = find_member(snapshot, member)
    if not ours.staff:
        raise BadInput(f"{ours.name} ({ours.id}) is not linked.")
    free = msgspec.structs.replace(ours, staff="")
    undo_history.commit_undoable(practice, snapshot, TEAM, [free], f"the unlinking of {ours.name}")
    practice.events.emit(Event(key="member.unlinked", record=ours.id, uuid=ours.staff))
    return TeamSnapshot.of(practice).member(free)


def email_matches(practice: OpenPractice) -> list[MemberView]:
    """Return the members whose e-mail is unique in the team and in XPM's staff."""
    return [view for view in list_team(practice) if view.state == "proposed"]


def accept_emails(practice: OpenPractice) -> list[MemberView]:
    """Link every one of :func:`email_matches`, in one step that can be undone."""
    practice.writable()
    snapshot = practice.snapshot()
    sure = [(find_member(snapshot, view.id), view.proposals[0].uuid) for view in email_matches(practice)]
    linked = [msgspec.structs.replace(member, staff=uuid) for member, uuid in sure]
    undo_history.commit_undoable(
        practice, snapshot, TEAM, linked, f"the linking of {count(len(linked), 'person/people')} by e-mail"
    )
    for member in linked:
        practice.events.emit(Event(key="member.linked", record=member.id, uuid=member.staff))
    team = TeamSnapshot.of(practice)
    return [team.member(member) for member in linked]


def preview_pick(practice: OpenPractice) -> StaffPick:
    """Return whom :func:`pick_staff` would bring in or link, and whom it would skip, of all staff."""
    found = _choose_staff(practice, (), every=True, new_id=lambda: "t0")
    team = TeamSnapshot.of(practice)
    return StaffPick(members=tuple(map(team.member, found.rows)), skipped=tuple(found.skipped))


def pick_staff(
    practice: OpenPractice,
    staff: Iterable[str] = (),
    *,
    every: bool = False,
    different: Iterable[str] = (),
    anyway: bool = False,
) -> StaffPick:
    """Bring XPM staff into the team, without access; a member who has the same e-mail is linked instead.

    Someone whom a member of the team may be (the same name, or a similar one while that member is not
    linked) is skipped.

    Args:
        practice: The practice.
        staff: Whom to bring in: UUID, e-mail or name.
        every: Bring in all staff that nobody is linked to.
        different: Members of the team, by id, e-mail or name, of whom the user says that they are different
            people; the answer is remembered for each pair.
        anyway: Say so of everyone.
    """
    practice.writable()
    snapshot = practice.snapshot()
    new_id: Callable[[], str] = lambda: practice.ids.new("t")[0]  # noqa: E731
    found = _choose_staff(practice, staff, every=every, different=different, anyway=anyway, new_id=new_id)
    rows = found.rows
    if rows:
        picked = count(len(rows), "person/people")
        undo_history.commit_undoable(practice, snapshot, TEAM, rows, f"the addition of {picked} from XPM")
    if found.different_pairs:
        practice.store.commit(found.different_pairs)
    for each in rows:
        practice.events.emit(Event(key="member.picked", record=each.id, uuid=each.staff))
    after = TeamSnapshot.of(practice)
    return StaffPick(members=tuple(after.member(each) for each in rows), skipped=tuple(found.skipped))


class _ChosenStaff(NamedTuple):
    """Members to add or to link, who is skipped, and the pairs that are different people."""

    rows: list[TeamMember]
    skipped: list[SkippedStaffView]
    different_pairs: list[Put]


def _choose_staff(
    practice: OpenPractice,
    staff: Iterable[str],
    *,
    every: bool,
    different: Iterable[str] = (),
    anyway: bool = False,
    new_id: Callable[[], str],
) -> _ChosenStaff:
    snapshot, team = practice.snapshot(), TeamSnapshot.of(practice)
    wanted = (
        [row for row in team.staff.values() if not row.gone]
        if every
        else [find_staff(snapshot, text) for text in staff]
    )
    wanted = [row for row in {row.uuid: row for row in wanted}.values() if row.uuid not in team.by_staff]
    by_email = {
        view.proposals[0].uuid: member
        for member in team.members
        if (view := team.member(member)).state == "proposed"
    }
    others = {find_member(snapshot, text).id for text in different}
    found = _ChosenStaff([], [], [])
    for row in wanted:
        if row.uuid in by_email:
            found.rows.append(msgspec.structs.replace(by_email[row.uuid], staff=row.uuid))
            continue
        alike = _alike(snapshot, [*team.members, *found.rows], row)
        left = [] if anyway else [each for each in alike if each[0].id not in others]
        if left:
            member, reason = left[0]
            ref = RefView(id=member.id, name=member.name)
            found.skipped.append(SkippedStaffView(staff=team.staff_view(row), member=ref, reason=reason))
            continue
        now = practice.clock.now()
        found.different_pairs.extend(
            block_as_different(each.id, row.uuid, by=practice.person, now=now) for each, _ in alike
        )
        found.rows.append(
            TeamMember(id=new_id(), name=row.name, email=row.email, staff=row.uuid, access=False)
        )
    return found


def _alike(snapshot: Snapshot, members: Sequence[TeamMember], row: Staff) -> list[tuple[TeamMember, str]]:
    """Return team members who may be this person of XPM's staff, and the reasons."""
    found = []
    for member in members:
        if snapshot.raw(BLOCKED_PAIRS, blocked_pair_id(member.id, row.uuid)) is not None:
            continue
        answer = compare(member.name, row.name)
        if answer.answer == "same" or (answer.answer == "near" and not member.staff):
            found.append((answer.answer != "same", bool(member.staff), member, answer.reasons[0]))
    return [(member, reason) for _, _, member, reason in sorted(found, key=lambda each: each[:2])]


def undo(practice: OpenPractice) -> undo_history.UndoResult:
    """Undo the last change to the team. Raises ``BadInput`` if there is none."""
    undone = undo_history.undo(practice, TEAM, _referenced_members)
    practice.events.emit(Event(key="team.undone", numbers={"records": len(undone.back)}))
    return undone


def _referenced_members(snapshot: Snapshot) -> set[str]:
    """Return the team members who are named anywhere in the store."""
    found: set[str] = set()
    for client in snapshot.rows(CLIENTS):
        found |= {client.partner, client.manager}
    for proposal in snapshot.rows(PROPOSALS):
        found |= {proposal.partner, proposal.manager}
    for workflow in snapshot.rows(WORKFLOWS):
        found |= {workflow.partner or "", workflow.manager or "", *workflow.staff}
    return found


def _passes(team: TeamSnapshot, row: PersonRow, only: str) -> bool:
    member, staff = row.member, row.staff
    if only == "needs-link":
        return member is not None and member.state != "linked" and (member.active or bool(member.costs))
    if only == "proposed":
        return member is not None and member.state in ("proposed", "maybe")
    if only == "left":
        return staff is not None and staff.gone
    if only == "same-name":
        return team.shares_name(row)
    if only == "no-access":
        return member is not None and not member.access
    return only != "xpm-only" or member is None


def _words(row: PersonRow) -> str:
    ours, theirs = row.member, row.staff
    found = [ours.id, ours.name, ours.email] if ours else []
    found += [theirs.uuid, theirs.name, theirs.email] if theirs else []
    return "\n".join(found).casefold()
