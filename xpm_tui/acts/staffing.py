"""Making a member of the team in XPM's staff: shown exactly, asked, sent once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from xpm_tui.acts.act import Act, Result, Talk
from xpm_tui.acts.consequences import lines as described
from xpm_tui.acts.effects import Effect, Question, Unconfirmed, agree, unless_dry_run
from xpm_tui.acts.params import option
from xpm_tui.acts.situation import connected, first, idle
from xpm_tui.acts.team import Member
from xpm_tui.acts.words import plain
from xpm_tui.model.errors import NeedsPerson
from xpm_tui.model.formatting import listing

if TYPE_CHECKING:
    from xpm_tui.service.practice import OpenPractice
    from xpm_tui.service.team.views import StaffPreview


class CreateStaff(msgspec.Struct, frozen=True):
    """Parameters of ``team create``."""

    member: Member
    phone: Annotated[str, option("Phone of the person, as XPM is to have it.", "NUMBER")] = ""
    mobile: Annotated[str, option("Mobile of the person, as XPM is to have it.", "NUMBER")] = ""
    anyway: Annotated[
        bool, option("It is another person than the one whom XPM has with this e-mail or name.")
    ] = False
    dry_run: Annotated[bool, option("Show exactly what would be sent, and send nothing.")] = False
    yes: Annotated[bool, option("Do not ask.")] = False


async def create_staff(practice: OpenPractice, params: CreateStaff, talk: Talk) -> Result:
    """Show what would be sent, ask, make the record, link the member."""
    from xpm_tui.service.runs.refresh import ensure_mirror
    from xpm_tui.service.team import staffing
    from xpm_tui.sync.consequences import of_creation

    if not params.dry_run:
        await ensure_mirror(practice)
    shown = staffing.preview(practice, params.member, phone=params.phone, mobile=params.mobile)
    lines = preview_lines(shown)
    if params.dry_run:
        return Result(data=plain(shown), lines=lines)
    if shown.blocked:
        raise NeedsPerson(shown.blocked, hint="See: xpm-tui team list")
    member = shown.member
    if shown.twins and not params.anyway:
        twin = shown.twins[0]
        taken = f", linked to {twin.member.name}" if twin.member else ""
        raise NeedsPerson(
            f"XPM has {twin.name} <{twin.email}> already{taken}: nothing was sent.",
            hint=f"Link that one: xpm-tui team link {member.id} {twin.uuid}. If it is another person, say "
            "--anyway.",
        )
    asked = Question(
        f"Create {member.name} in XPM's staff?",
        [*lines, *described(of_creation("staff", member.id))],
        button="Create the staff record",
    )
    try:
        if not await agree(talk, asked):
            return Result(data=plain(shown), lines=["Nothing was created."])
    except Unconfirmed as refused:
        return Result(data=plain(shown), lines=lines, trouble=refused)
    made = await staffing.create_in_xpm(
        practice, member.id, phone=params.phone, mobile=params.mobile, anyway=params.anyway
    )
    told = f"{made.member.id} {made.member.name} is in XPM's staff now, and linked: {made.staff.uuid}."
    return Result(data={**plain(made.member), "run": made.run}, lines=[told])


def preview_lines(shown: StaffPreview) -> list[str]:
    """Exactly what would be sent, what it is not, and who may be the same person."""
    lines = ["To XPM's staff (staff.api/add) would be sent:", *listing(dict(shown.sent), "  ")]
    lines.append("A record only: no login, no permission. XPM's own people add those.")
    for twin in shown.twins:
        lines.append(f"! XPM has this e-mail or name already: {twin.name} <{twin.email}> {twin.uuid}")
    if shown.blocked:
        lines.append(f"! {shown.blocked}")
    return lines


ACTS = (
    Act(
        name="team.create",
        title="Make a team member in XPM's staff",
        help="Make a staff record in XPM for a team member who has none there, and link the two. Shows "
        "exactly what is sent and asks; refuses where XPM has the e-mail or the name. Never done unasked.",
        params=CreateStaff,
        run=create_staff,
        verb=("team", "create"),
        example="xpm-tui team create t3 --dry-run\nxpm-tui team create t3 --mobile '021 555 0101'",
        key="C",
        where=("team",),
        effect=unless_dry_run(Effect.IRREVERSIBLE),
        why_not=first(connected, idle),
    ),
)
