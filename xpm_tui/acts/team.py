"""The team: who of the practice is who in XPM. Partner and manager need it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from xpm_tui.acts.act import Act, Column, NoParams, Result, Table, Talk
from xpm_tui.acts.params import argument, option
from xpm_tui.acts.situation import connected, first, idle
from xpm_tui.acts.words import listed, plain
from xpm_tui.model.errors import BadInput

if TYPE_CHECKING:
    from xpm_tui.service.practice import OpenPractice
    from xpm_tui.service.views import MemberView

Member = Annotated[
    str, argument("The team member: our id, e-mail, or exact name.", "MEMBER", completes="member")
]


class LinkMember(msgspec.Struct, frozen=True):
    """Parameters of ``team link``."""

    member: Annotated[
        str, argument("The team member: our id, e-mail, or exact name.", "[MEMBER]", completes="member")
    ] = ""
    staff: Annotated[str, argument("The person in XPM: UUID, e-mail, or exact name.", "[STAFF]")] = ""
    by_email: Annotated[bool, option("Link everybody whose e-mail is the same on both sides.")] = False


class UnlinkMember(msgspec.Struct, frozen=True):
    """Parameters of ``team unlink``."""

    member: Member


class PickStaff(msgspec.Struct, frozen=True):
    """Parameters of ``team pick``."""

    staff: Annotated[tuple[str, ...], argument("People in XPM: UUIDs, e-mails, or names.", "[STAFF]...")] = ()
    all: Annotated[bool, option("All staff that nobody of the team is linked to.")] = False


async def list_team(practice: OpenPractice, params: NoParams, talk: Talk) -> Result:
    """Members, then XPM's staff who are nobody here."""
    from xpm_tui.service import team

    members = team.list_team(practice)
    free = [row for row in team.list_staff(practice) if row.member is None and not row.gone]
    lines = [f"  not in the team: {row.name} <{row.email}> {row.uuid}" for row in free]
    table = _table(members, "The team is empty: xpm-tui team pick --all")
    return Result(
        data={"count": len(members), "staff": [plain(row) for row in free]},
        items=[plain(member) for member in members],
        table=table,
        lines=["", "In XPM only:", *lines] if lines else [],
    )


async def link_member(practice: OpenPractice, params: LinkMember, talk: Talk) -> Result:
    """Link one, or all with the same e-mail."""
    from xpm_tui.service import team
    from xpm_tui.service.refresh import ensure_mirror

    practice.writable()
    await ensure_mirror(practice)
    if params.by_email and not params.member:
        done = team.accept_emails(practice)
        return listed(done, _table(done, "Nobody has the same e-mail on both sides."), count=len(done))
    if not params.member or not params.staff:
        raise BadInput("Say who, and who it is in XPM.", hint="xpm-tui team link t3 ana@example.com")
    view = team.link_member(practice, params.member, params.staff)
    told = f"{view.id} {view.name} is {view.staff.name if view.staff else ''} in XPM."
    return Result(data=plain(view), lines=[told])


async def unlink_member(practice: OpenPractice, params: UnlinkMember, talk: Talk) -> Result:
    """Take the link away."""
    from xpm_tui.service import team

    practice.writable()
    view = team.unlink_member(practice, params.member)
    return Result(data=plain(view), lines=[f"{view.id} {view.name} is no longer linked."])


async def pick_staff(practice: OpenPractice, params: PickStaff, talk: Talk) -> Result:
    """Bring staff into the team."""
    from xpm_tui.service import team
    from xpm_tui.service.refresh import ensure_mirror

    if params.all == bool(params.staff):
        raise BadInput("Say whom to pick, or --all.", hint="xpm-tui team pick ana@example.com")
    practice.writable()
    await ensure_mirror(practice)
    done = team.pick_staff(practice, params.staff, every=params.all)
    return listed(done, _table(done, "Everybody of XPM is in the team already."), count=len(done))


def _table(members: list[MemberView], empty: str) -> Table:
    columns = (Column("ID", whole=True), Column("NAME"), Column("E-MAIL"), Column("IN XPM"),
               Column("CLIENTS", right=True), Column("NOTE"))  # fmt: skip
    rows = (
        (m.id, m.name, m.email, m.staff.name or m.staff.uuid if m.staff else "", f"{m.clients:,}", _note(m))
        for m in members
    )
    return Table(columns, rows, empty)


def _note(member: MemberView) -> str:
    if member.staff is None and member.proposals:
        first = member.proposals[0]
        return f"maybe {first.name} ({first.reason}). {member.costs}".strip()
    return member.costs or ("" if member.access else "without access")


ACTS = (
    Act(
        name="team.list",
        title="List the team",
        help="List the team: who is who in XPM, who is proposed, and what a missing link costs.",
        params=NoParams,
        run=list_team,
        verb=("team", "list"),
        example="xpm-tui team list",
        default=True,
    ),
    Act(
        name="team.link",
        title="Link a team member to XPM's staff",
        help="Say who a team member is in XPM, so that partner and manager can be carried.",
        params=LinkMember,
        run=link_member,
        verb=("team", "link"),
        example="xpm-tui team link t3 ana@example.com\nxpm-tui team link --by-email",
        key="m",
        where=("team",),
        footer="Map",
        writes=True,
        why_not=first(connected, idle),
    ),
    Act(
        name="team.unlink",
        title="Unlink a team member",
        help="Take a team member's link away.",
        params=UnlinkMember,
        run=unlink_member,
        verb=("team", "unlink"),
        example="xpm-tui team unlink t3",
        writes=True,
        why_not=idle,
    ),
    Act(
        name="team.pick",
        title="Pick XPM staff into the team",
        help="Bring people of XPM into the team. They get no access here; they can be partner and manager.",
        params=PickStaff,
        run=pick_staff,
        verb=("team", "pick"),
        example="xpm-tui team pick --all",
        key="p",
        where=("team",),
        footer="Pick",
        writes=True,
        why_not=first(connected, idle),
    ),
)  # fmt: skip
