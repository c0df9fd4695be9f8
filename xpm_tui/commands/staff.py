"""Create a staff record in XPM for a team member, after showing exactly what is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from xpm_tui.commands.command import (
    Command,
    Dialogue,
    Result,
    first_reason,
    option,
    require_connection,
    require_idle,
)
from xpm_tui.commands.consequences import lines as described
from xpm_tui.commands.effects import Effect, Question, Unconfirmed, confirm_call, effect_or_dry_run
from xpm_tui.commands.tables import to_plain
from xpm_tui.commands.team import Member
from xpm_tui.domain.errors import DecisionNeeded
from xpm_tui.domain.formatting import listing
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application.presenters import lookup
    from xpm_tui.application.runs import xpm_refresh
    from xpm_tui.application.team import members as team_members
    from xpm_tui.sync import consequences

if TYPE_CHECKING:
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.application.team.views import StaffPreview


class CreateStaff(msgspec.Struct, frozen=True):
    """Parameters of ``team create``."""

    member: Member
    phone: Annotated[str, option("The person's phone number for XPM.", "NUMBER")] = ""
    mobile: Annotated[str, option("The person's mobile number for XPM.", "NUMBER")] = ""
    different_from: Annotated[
        tuple[str, ...],
        option(
            "Someone in XPM's staff with the same or a similar name who is a different person: "
            "UUID, e-mail or name. Can be repeated; the answer is remembered.",
            "STAFF",
        ),
    ] = ()
    anyway: Annotated[
        bool, option("Treat everybody with the same or a similar name as a different person.")
    ] = False
    dry_run: Annotated[bool, option("Show exactly what would be sent, and send nothing.")] = False
    yes: Annotated[bool, option("Do not ask.")] = False


async def create_staff(practice: OpenPractice, params: CreateStaff, dialogue: Dialogue) -> Result:
    """Show what would be sent, ask, create the record, and link the member."""
    if not params.dry_run:
        await xpm_refresh.ensure_mirror(practice)
    shown = team_members.preview(practice, params.member, phone=params.phone, mobile=params.mobile)
    lines = preview_lines(shown)
    if params.dry_run:
        return Result(data=to_plain(shown), lines=lines)
    if shown.blocked:
        raise DecisionNeeded(shown.blocked, hint="See: xpm-tui team list")
    member = shown.member
    different = [lookup.find_staff(practice.snapshot(), text).uuid for text in params.different_from]
    left = [] if params.anyway else [twin for twin in shown.twins if twin.uuid not in different]
    attended = dialogue.interactive and not dialogue.call.agreed
    if left and not attended:
        first_ = left[0]
        why = dict(zip((twin.uuid for twin in shown.twins), shown.alike, strict=True))
        taken = f", linked to {first_.member.name}" if first_.member else ""
        consent = " ".join(f"--different-from {twin.uuid}" for twin in left)
        raise DecisionNeeded(
            f"XPM has {first_.name} <{first_.email}> already{taken}: {why[first_.uuid]}. Nothing was sent.",
            hint=f"Link to that record: xpm-tui team link {member.id} {first_.uuid}. If it is a "
            f"different person, add {consent}.",
        )
    different += [twin.uuid for twin in left]
    asked = Question(
        f"Is {member.name} a different person?" if left else f"Create {member.name} in XPM's staff?",
        [*lines, *described(consequences.creation_consequences("staff", member.id, member.name))],
        button="Different person: create" if left else "Create the staff record",
    )
    try:
        if not await confirm_call(dialogue, asked):
            return Result(data=to_plain(shown), lines=["Nothing was created."])
    except Unconfirmed as refused:
        return Result(data=to_plain(shown), lines=lines, error=refused)
    made = await team_members.create_in_xpm(
        practice,
        member.id,
        phone=params.phone,
        mobile=params.mobile,
        different=different,
        anyway=params.anyway,
    )
    message = f"{made.member.id} {made.member.name} was added to XPM's staff and linked: {made.staff.uuid}."
    return Result(data={**to_plain(made.member), "run": made.run}, lines=[message])


def preview_lines(shown: StaffPreview) -> list[str]:
    """Return exactly what would be sent, its limits, and who may be the same person."""
    lines = ["To XPM's staff (staff.api/add) would be sent:", *listing(dict(shown.sent), "  ")]
    lines.append("This is only a record, without login or permissions. Add those in XPM.")
    for twin, why in zip(shown.twins, shown.alike, strict=True):
        lines.append(f"! XPM has {twin.name} <{twin.email}> {twin.uuid} already: {why}")
    if shown.blocked:
        lines.append(f"! {shown.blocked}")
    return lines


COMMANDS = (
    Command(
        name="team.create",
        title="Create a team member in XPM's staff",
        help="Create a staff record in XPM for a team member who has none, and link the two. Shows "
        "exactly what is sent and asks first; refuses if XPM already has the e-mail, or the same "
        "or a similar name. This never happens automatically.",
        params=CreateStaff,
        run=create_staff,
        verb=("team", "create"),
        example="xpm-tui team create t3 --dry-run\nxpm-tui team create t3 --mobile '021 555 0101'",
        key="C",
        where=("team",),
        effect=effect_or_dry_run(Effect.IRREVERSIBLE),
        why_not=first_reason(require_connection, require_idle),
    ),
)
