"""The team: who of the practice is who in XPM. Links are proposed, never made unasked."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

import msgspec

from xpm_tui.model.book import TeamMember
from xpm_tui.model.errors import BadInput
from xpm_tui.model.events import Event
from xpm_tui.model.names import name_key
from xpm_tui.model.ports import Put, Snapshot, Write
from xpm_tui.model.tables import CLIENTS, STAFF, TEAM, XPM_CLIENTS
from xpm_tui.model.xpm import Staff
from xpm_tui.service.lookup import find_member, find_staff
from xpm_tui.service.practice import OpenPractice
from xpm_tui.service.views import MemberView, RefView, StaffProposal, StaffView


def list_team(practice: OpenPractice) -> list[MemberView]:
    """The members in order of arrival, each with its staff record, or proposals and what their lack costs."""
    team = _Team(practice.snapshot())
    return [team.member(member) for member in team.members]


def list_staff(practice: OpenPractice) -> list[StaffView]:
    """XPM's staff by name, each with the member linked to it."""
    team = _Team(practice.snapshot())
    return [team.staff_view(row) for row in sorted(team.staff.values(), key=lambda row: name_key(row.name))]


def link_member(practice: OpenPractice, member: str, staff: str) -> MemberView:
    """Link a member to a staff record, or replace the link. Raises ``BadInput`` where it is another's."""
    practice.writable()
    snapshot = practice.snapshot()
    ours, theirs = find_member(snapshot, member), find_staff(snapshot, staff)
    others = [m for m in snapshot.find(TEAM, "staff", theirs.uuid) if m.id != ours.id]
    if others:
        raise BadInput(
            f"{theirs.name} is linked to {others[0].name} ({others[0].id}) already.",
            hint=f"Take that link away first: xpm-tui team unlink {others[0].id}",
        )
    return _put(practice, msgspec.structs.replace(ours, staff=theirs.uuid), "member.linked", theirs.uuid)


def unlink_member(practice: OpenPractice, member: str) -> MemberView:
    """Take a member's link away. Raises ``BadInput`` where there is none."""
    practice.writable()
    ours = find_member(practice.snapshot(), member)
    if not ours.staff:
        raise BadInput(f"{ours.name} ({ours.id}) is not linked.")
    return _put(practice, msgspec.structs.replace(ours, staff=""), "member.unlinked", ours.staff)


def accept_emails(practice: OpenPractice) -> list[MemberView]:
    """Link every member to the one staff record with the same e-mail, where both are alone with it."""
    practice.writable()
    sure = [(view, p) for view in list_team(practice) for p in view.proposals[:1] if p.sure]
    return [link_member(practice, view.id, proposal.uuid) for view, proposal in sure]


def pick_staff(practice: OpenPractice, staff: Iterable[str] = (), *, every: bool = False) -> list[MemberView]:
    """Bring XPM staff into the team, without access; a member who has the same e-mail is linked instead.

    ``every`` takes all staff that nobody is linked to. Gives the members added or linked.
    """
    practice.writable()
    snapshot = practice.snapshot()
    team = _Team(snapshot)
    wanted = (
        [row for row in team.staff.values() if not row.gone]
        if every
        else [find_staff(snapshot, text) for text in staff]
    )
    wanted = [row for row in {row.uuid: row for row in wanted}.values() if row.uuid not in team.by_staff]
    by_email = {
        p.uuid: view.id
        for view in (team.member(m) for m in team.members)
        for p in view.proposals[:1]
        if p.sure
    }
    fresh = [row for row in wanted if row.uuid not in by_email]
    ids = dict(
        zip((row.uuid for row in fresh), practice.ids.new("t", len(fresh)) if fresh else (), strict=True)
    )
    writes: list[Write] = []
    for row in wanted:
        if row.uuid in ids:
            member = TeamMember(
                id=ids[row.uuid], name=row.name, email=row.email, staff=row.uuid, access=False
            )
        else:
            before = snapshot.get(TEAM, by_email[row.uuid])
            assert before is not None
            member = msgspec.structs.replace(before, staff=row.uuid)
        writes.append(Put(TEAM, member))
    if writes:
        practice.book.commit(writes)
        for write in writes:
            assert isinstance(write, Put)
            practice.events.emit(Event(key="member.picked", record=write.row.id, uuid=write.row.staff))
    done = {write.row.id for write in writes if isinstance(write, Put)}
    return [view for view in list_team(practice) if view.id in done]


def _put(practice: OpenPractice, member: TeamMember, key: str, uuid: str) -> MemberView:
    practice.book.commit([Put(TEAM, member)])
    practice.events.emit(Event(key=key, record=member.id, uuid=uuid))
    team = _Team(practice.snapshot())
    return team.member(member)


class _Team:
    """Both sides of the team in one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.members = list(snapshot.rows(TEAM))
        self.staff = {row.uuid: row for row in snapshot.rows(STAFF)}
        self.by_staff = {member.staff: member for member in self.members if member.staff}
        self.clients: Counter[str] = Counter()
        for client in snapshot.rows(CLIENTS):
            self.clients.update({client.partner, client.manager} - {""})
        self.theirs: Counter[str] = Counter()
        for row in snapshot.rows(XPM_CLIENTS):
            if not row.deleted and not row.archived:
                self.theirs.update({p.uuid for p in (row.partner, row.manager) if p})
        self._emails: dict[str, list[Staff]] = defaultdict(list)
        self._names: dict[str, list[Staff]] = defaultdict(list)
        for person in self.staff.values():
            if not person.gone and person.uuid not in self.by_staff:
                if person.email:
                    self._emails[person.email.strip().casefold()].append(person)
                self._names[name_key(person.name)].append(person)
        free = [member for member in self.members if not member.staff]
        self._our_emails = Counter(member.email.strip().casefold() for member in free if member.email)

    def member(self, member: TeamMember) -> MemberView:
        """One member."""
        row = self.staff.get(member.staff) if member.staff else None
        staff = self.staff_view(row) if row else None
        if member.staff and row is None:
            staff = StaffView(uuid=member.staff, name="", email="", gone=True)
        proposals = () if member.staff else self._proposals(member)
        return MemberView(
            id=member.id,
            name=member.name,
            email=member.email,
            access=member.access,
            active=member.active,
            staff=staff,
            clients=self.clients[member.id],
            proposals=proposals,
            costs=self._costs(member, staff, proposals),
        )

    def staff_view(self, row: Staff) -> StaffView:
        """One staff record."""
        member = self.by_staff.get(row.uuid)
        return StaffView(
            uuid=row.uuid,
            name=row.name,
            email=row.email,
            gone=row.gone,
            member=RefView(id=member.id, name=member.name) if member else None,
        )

    def _proposals(self, member: TeamMember) -> tuple[StaffProposal, ...]:
        email = member.email.strip().casefold()
        same_email = self._emails.get(email, []) if email else []
        alone = len(same_email) == 1 and self._our_emails[email] == 1
        found = [
            _proposal(row, alone, "the same e-mail" if alone else "the same e-mail, which several have")
            for row in same_email
        ]
        taken = {proposal.uuid for proposal in found}
        same_name = [row for row in self._names.get(name_key(member.name), []) if row.uuid not in taken]
        found += [_proposal(row, False, "the same name, another e-mail") for row in same_name]
        return tuple(found)

    def _costs(
        self, member: TeamMember, staff: StaffView | None, proposals: tuple[StaffProposal, ...]
    ) -> str:
        if staff is not None:
            return "XPM no longer lists this person." if staff.gone else ""
        said = []
        ours = self.clients[member.id]
        if ours:
            noun = "client" if ours == 1 else "clients"
            said.append(f"partner or manager of {ours} {noun} here, which To XPM cannot send")
        theirs = max((self.theirs[proposal.uuid] for proposal in proposals), default=0)
        if theirs:
            noun = "client" if theirs == 1 else "clients"
            said.append(f"of {theirs} {noun} in XPM, which From XPM cannot bring")
        return "; ".join(said)


def _proposal(row: Staff, sure: bool, reason: str) -> StaffProposal:
    return StaffProposal(uuid=row.uuid, name=row.name, email=row.email, sure=sure, reason=reason)
