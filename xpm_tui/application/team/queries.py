"""Queries on the team: members and XPM's staff as views, the counts behind them, and who connected.

The connection stops working if the record of the person who connected is disabled or removed in XPM.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Literal

import msgspec

from xpm_tui.application.derived_data import cached_count
from xpm_tui.application.practice import OpenPractice, list_state, read_identity
from xpm_tui.application.presenters.views import RefView
from xpm_tui.domain import formatting
from xpm_tui.domain.ignition import TeamMember, Workflow
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import (
    BLOCKED_PAIRS,
    CLIENTS,
    DEPLOYMENTS,
    JOBS,
    PROPOSALS,
    STAFF,
    TEAM,
    WORKFLOWS,
    XPM_CLIENTS,
)
from xpm_tui.domain.xpm import Staff
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.deploy import workflows
    from xpm_tui.domain import identity, names


MemberState = Literal["linked", "gone", "proposed", "maybe", "unlinked"]


class StaffView(msgspec.Struct, frozen=True, kw_only=True):
    """A staff record of XPM; ``gone``: no longer listed; ``member`` is the linked team member, or null.

    ``clients`` and ``jobs`` count the records that name the person in XPM: clients as partner or manager, and
    current jobs. ``costs`` says what is not synced without a link, ``notes`` what else to know.
    """

    uuid: str
    name: str
    email: str
    phone: str = ""
    mobile: str = ""
    gone: bool = False
    member: RefView | None = None
    clients: int = 0
    jobs: int = 0
    costs: str = ""
    notes: tuple[str, ...] = ()


class StaffProposal(msgspec.Struct, frozen=True, kw_only=True):
    """A staff record proposed for a team member, and why; ``sure``: the e-mail is unique on each side."""

    uuid: str
    name: str
    email: str
    sure: bool
    reason: str


class MemberView(msgspec.Struct, frozen=True, kw_only=True):
    """A team member.

    Attributes:
        state: linked, gone (linked to staff that XPM no longer lists), proposed (one staff record has the
            e-mail), maybe (by name, or an e-mail that several have) or unlinked.
        clients: Number of Ignition clients whose partner or manager the member is.
        partner_of: Number of those as partner.
        manager_of: Number of those as manager.
        jobs: Number of jobs still to be created that would name the member.
        costs: What does not work while no XPM staff is linked.
        notes: What else users should know.
    """

    id: str
    name: str
    email: str
    access: bool
    active: bool
    state: MemberState
    staff: StaffView | None
    clients: int
    partner_of: int = 0
    manager_of: int = 0
    jobs: int = 0
    proposals: tuple[StaffProposal, ...] = ()
    costs: str = ""
    notes: tuple[str, ...] = ()


class PersonRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the team: a member, linked or not, or an unlinked person of XPM's staff."""

    member: MemberView | None = None
    staff: StaffView | None = None

    @property
    def key(self) -> str:
        """Return our id, otherwise the UUID of the staff record."""
        return self.member.id if self.member else self.staff.uuid if self.staff else ""

    @property
    def name(self) -> str:
        """Return the person's name, preferably the one here."""
        return self.member.name if self.member else self.staff.name if self.staff else ""


class PeopleCounts(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of clients and jobs that name each person.

    Attributes:
        ours: Ignition clients by team member, as partner or manager.
        partner: Ignition clients by partner.
        manager: Ignition clients by manager.
        jobs: Jobs still to be created, by team member.
        clients: XPM clients by staff UUID.
        xpm_jobs: Current XPM jobs by staff UUID.
    """

    ours: dict[str, int]
    partner: dict[str, int]
    manager: dict[str, int]
    jobs: dict[str, int]
    clients: dict[str, int]
    xpm_jobs: dict[str, int]


def count_people(snapshot: Snapshot) -> PeopleCounts:
    """Count the clients and jobs of both sides by person. O(clients and jobs)."""
    ours: Counter[str] = Counter()
    partner: Counter[str] = Counter()
    manager: Counter[str] = Counter()
    theirs: Counter[str] = Counter()
    jobs: Counter[str] = Counter()
    for client in snapshot.rows(CLIENTS):
        partner[client.partner] += 1
        manager[client.manager] += 1
        ours.update({client.partner, client.manager})
    for row in snapshot.rows(XPM_CLIENTS):
        if not row.deleted and not row.archived:
            theirs.update({person.uuid for person in (row.partner, row.manager) if person})
    for job in snapshot.rows(JOBS):
        if not job.gone:
            named = (job.partner, job.manager, *job.assigned)
            jobs.update({person.uuid for person in named if person})
    return PeopleCounts(
        ours=_without_blank(ours),
        partner=_without_blank(partner),
        manager=_without_blank(manager),
        jobs=_without_blank(_open_workflows_by_person(snapshot)),
        clients=_without_blank(theirs),
        xpm_jobs=_without_blank(jobs),
    )


def _open_workflows_by_person(snapshot: Snapshot) -> Counter[str]:
    """Count the workflows with jobs still to be created, by the people whom those jobs would name."""
    found: Counter[str] = Counter()
    for workflow in snapshot.rows(WORKFLOWS):
        made = any(
            row.state in ("deployed", "skipped")
            for row in snapshot.find(DEPLOYMENTS, "workflow", workflow.id)
        )
        if not workflow.stopped and (workflow.repeat is not None or not made):
            found.update(_people_of_workflow(snapshot, workflow))
    return found


def _people_of_workflow(snapshot: Snapshot, workflow: Workflow) -> set[str]:
    proposal = snapshot.get(PROPOSALS, workflow.proposal)
    client = workflows.job_client(snapshot, proposal, workflow).client if proposal else None
    named = set(workflow.staff)
    for role in ("partner", "manager"):
        typed = getattr(workflow, role)
        usual = (getattr(proposal, role) if proposal else "") or (getattr(client, role) if client else "")
        named.add(usual if typed is None else typed)
    return {member for member in named if snapshot.raw(TEAM, member) is not None}


def _without_blank(counts: Counter[str]) -> dict[str, int]:
    return {id_: number for id_, number in counts.items() if id_}


State = Literal["here", "gone", "unlinked"]


class Connector(msgspec.Struct, frozen=True, kw_only=True):
    """The person who signed in, and a problem with them: ``sentence`` and ``hint`` are empty without one.

    ``staff`` are the UUIDs of the staff records that may be this person.
    """

    login: str
    state: State
    staff: tuple[str, ...] = ()
    sentence: str = ""
    hint: str = ""


def find_connector(snapshot: Snapshot) -> Connector | None:
    """Find the person who connected in XPM's staff, by e-mail or otherwise by name.

    Returns None if the login does not say who it was, or XPM's staff were never read.
    """
    connection = read_identity(snapshot)
    if connection is None or connection.ended is not None or not connection.login:
        return None
    if list_state(snapshot, "staff").full is None:
        return None
    login = connection.login.strip()
    shown = visible(login, 80)
    rows = list(snapshot.rows(STAFF))
    found = [row for row in rows if row.email and row.email.strip().casefold() == login.casefold()]
    if not found and (key := identity.name_key(login)):
        found = [row for row in rows if identity.name_key(row.name) == key]
    here = [row for row in found if not row.gone]
    uuids = tuple(row.uuid for row in here or found)
    if not here:
        what = "is no longer among" if found else "is not among"
        return Connector(
            login=login,
            state="gone",
            staff=uuids,
            sentence=f"{shown}, who connected this practice, {what} XPM's staff.",
            hint="If this person left or is disabled, the connection ends, too (known problem T6). "
            "Connect again as an administrator who stays: xpm-tui connect",
        )
    linked = {member.staff for member in snapshot.rows(TEAM)}
    if snapshot.count(TEAM) and not linked & set(uuids):
        return Connector(
            login=login,
            state="unlinked",
            staff=uuids,
            sentence=f"{shown}, who connected this practice, is not linked to a team member.",
            hint="Link them, or add them to the team: xpm-tui team list",
        )
    return Connector(login=login, state="here", staff=uuids)


class TeamSnapshot:
    """Both sides of the team at one moment: members, staff, links, and proposals for missing links.

    ``named`` counts the records that name each person.
    """

    def __init__(self, snapshot: Snapshot, named: PeopleCounts) -> None:
        self.members = list(snapshot.rows(TEAM))
        self.staff = {row.uuid: row for row in snapshot.rows(STAFF)}
        self.by_staff = {member.staff: member for member in self.members if member.staff}
        self._named = named
        self._emails: dict[str, list[Staff]] = defaultdict(list)
        self._free: list[Staff] = []
        for person in self.staff.values():
            if not person.gone and person.uuid not in self.by_staff:
                if person.email:
                    self._emails[_email(person.email)].append(person)
                self._free.append(person)
        # Linked ones count, too: an e-mail that a whole office shares identifies no one.
        self._our_emails = Counter(_email(member.email) for member in self.members if member.email)
        self._their_emails = Counter(
            _email(row.email) for row in self.staff.values() if row.email and not row.gone
        )
        self._blocked = frozenset((pair.client, pair.uuid) for pair in snapshot.rows(BLOCKED_PAIRS))
        self._our_names = Counter(_same(member.name) for member in self.members)
        self._their_names = Counter(_same(row.name) for row in self.staff.values() if not row.gone)
        connector = find_connector(snapshot)
        self._connected = frozenset(connector.staff) if connector else frozenset()

    @classmethod
    def of(cls, practice: OpenPractice) -> TeamSnapshot:
        """Return the present team."""
        return cls(practice.snapshot(), cached_count(practice, "people", count_people))

    def member(self, member: TeamMember) -> MemberView:
        """Return one member as a view."""
        row = self.staff.get(member.staff) if member.staff else None
        staff = self.staff_view(row) if row else None
        if member.staff and row is None:
            staff = StaffView(uuid=member.staff, name="", email="", gone=bool(self.staff))
        proposals = () if member.staff else self._proposals(member)
        partner, manager = self._named.partner.get(member.id, 0), self._named.manager.get(member.id, 0)
        return MemberView(
            id=member.id,
            name=member.name,
            email=member.email,
            access=member.access,
            active=member.active,
            state=_state(staff, proposals),
            staff=staff,
            clients=self._named.ours.get(member.id, 0),
            partner_of=partner,
            manager_of=manager,
            jobs=self._named.jobs.get(member.id, 0),
            proposals=proposals,
            costs=self._costs(member, staff, proposals),
            notes=tuple(self._notes(member, staff)),
        )

    def staff_view(self, row: Staff) -> StaffView:
        """Return one staff record as a view."""
        member = self.by_staff.get(row.uuid)
        clients, jobs = self._named.clients.get(row.uuid, 0), self._named.xpm_jobs.get(row.uuid, 0)
        notes = []
        if row.gone:
            notes.append("XPM no longer lists this person: they have left, or are disabled there.")
        if self._their_names[_same(row.name)] > 1:
            number = formatting.count(self._their_names[_same(row.name)], "person/people")
            notes.append(f"XPM has {number} with this name.")
        if row.uuid in self._connected:
            notes.append("Connected this practice: the connection depends on this person's record.")
        costs = ""
        if member is None and (clients or jobs):
            costs = f"Not synced to Ignition: {_named_on(clients, jobs)} in XPM with this person."
        return StaffView(
            uuid=row.uuid,
            name=row.name,
            email=row.email,
            phone=row.phone,
            mobile=row.mobile,
            gone=row.gone,
            member=RefView(id=member.id, name=member.name) if member else None,
            clients=clients,
            jobs=jobs,
            costs=costs,
            notes=tuple(notes),
        )

    def shares_name(self, row: PersonRow) -> bool:
        """Return whether several people on either side have this name, in any form."""
        keys = {_same(side.name) for side in (row.member, row.staff) if side is not None}
        return any(self._our_names[key] > 1 or self._their_names[key] > 1 for key in keys)

    def _proposals(self, member: TeamMember) -> tuple[StaffProposal, ...]:
        email = _email(member.email)
        same_email = self._emails.get(email, []) if email else []
        alone = self._their_emails[email] == 1 and self._our_emails[email] == 1
        reason = "the same e-mail" if alone else "the same e-mail, which several people have"
        found = [_proposal(row, alone, reason) for row in same_email]
        if any(proposal.sure for proposal in found):
            return tuple(found)
        taken = {proposal.uuid for proposal in found}
        key = _same(member.name)
        several = self._their_names[key] > 1 or self._our_names[key] > 1
        near = []
        for row in self._free:
            if row.uuid in taken or (member.id, row.uuid) in self._blocked:
                continue
            answer = identity.compare(member.name, row.name)
            if answer.answer == "different":
                continue
            reason = answer.reasons[0].replace("the name is the same", "the same name")
            reason += ", which several people have" if several and answer.answer == "same" else ""
            reason += ", but a different e-mail" if email and row.email else ", but one of them has no e-mail"
            near.append((answer.cost, row.name, row.uuid, _proposal(row, False, reason)))
        return (*found, *(proposal for *_, proposal in sorted(near, key=lambda each: each[:3])))

    def _costs(
        self, member: TeamMember, staff: StaffView | None, proposals: tuple[StaffProposal, ...]
    ) -> str:
        if staff is not None and not staff.gone:
            return ""
        messages = []
        partner, manager = self._named.partner.get(member.id, 0), self._named.manager.get(member.id, 0)
        roles = [f"partner of {formatting.count(partner, 'client')}"] if partner else []
        roles += [f"manager of {formatting.count(manager, 'client')}"] if manager else []
        jobs = self._named.jobs.get(member.id, 0)
        roles += [f"named on {formatting.count(jobs, 'job')} to come"] if jobs else []
        if roles:
            messages.append(f"Not sent to XPM: {', '.join(roles)} here.")
        most = max(proposals, key=lambda p: self._weight(p.uuid), default=None)
        if most is not None and self._weight(most.uuid):
            clients, open_jobs = self._named.clients.get(most.uuid, 0), self._named.xpm_jobs.get(most.uuid, 0)
            messages.append(
                f"Not synced to Ignition: {_named_on(clients, open_jobs)} in XPM with {most.name}."
            )
        return " ".join(messages)

    def _weight(self, uuid: str) -> int:
        return self._named.clients.get(uuid, 0) + self._named.xpm_jobs.get(uuid, 0)

    def _notes(self, member: TeamMember, staff: StaffView | None) -> list[str]:
        found = []
        if staff is not None and staff.gone:
            found.append(
                "XPM no longer lists the linked staff record: they have left, or are disabled "
                "there. Link to another one, or unlink."
            )
        elif staff and member.email and staff.email and _email(member.email) != _email(staff.email):
            found.append(
                f"The e-mail differs: {staff.email} in XPM. The link still works, because it uses XPM's UUID."
            )
        if staff is not None and staff.name and _same(staff.name) != _same(member.name):
            found.append(f"XPM calls this person {staff.name}.")
        if self._our_names[_same(member.name)] > 1:
            number = formatting.count(self._our_names[_same(member.name)], "person/people")
            found.append(f"The team has {number} with this name.")
        if not member.access:
            found.append(
                "Without access: no login here or in XPM, but can be partner, manager or staff of "
                "clients and jobs."
            )
        if not member.active:
            found.append("No longer active in Ignition.")
        if staff is not None:
            found += [note for note in staff.notes if not note.startswith("XPM no longer")]
        return found


def _state(staff: StaffView | None, proposals: tuple[StaffProposal, ...]) -> MemberState:
    if staff is not None:
        return "gone" if staff.gone else "linked"
    if proposals:
        return "proposed" if proposals[0].sure else "maybe"
    return "unlinked"


def _named_on(clients: int, jobs: int) -> str:
    found = [formatting.count(clients, "client")] if clients else []
    return " and ".join([*found, *([formatting.count(jobs, "job")] if jobs else [])])


def _same(name: str) -> str:
    """Return the form of a name that is the same for every spelling of it."""
    return names.key_of(name).lower()


def _email(text: str) -> str:
    return text.strip().casefold()


def _proposal(row: Staff, sure: bool, reason: str) -> StaffProposal:
    return StaffProposal(uuid=row.uuid, name=row.name, email=row.email, sure=sure, reason=reason)
