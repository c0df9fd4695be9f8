"""Commands for the team: link members to XPM's staff, which partner and manager need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec.structs import replace

from xpm_tui.commands.command import (
    Command,
    Dialogue,
    DryRun,
    Limit,
    NoParams,
    OneMember,
    Result,
    TextColumn,
    TextTable,
    Yes,
    YesParams,
    argument,
    option,
    require_connection,
)
from xpm_tui.commands.consequences import action, question, shorten_list
from xpm_tui.commands.effects import Effect, Question, asks, confirm_call, effect_or_dry_run
from xpm_tui.commands.tables import table_result, to_plain
from xpm_tui.domain.errors import AppError, BadInput, DecisionNeeded
from xpm_tui.domain.formatting import count
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application.runs import xpm_refresh
    from xpm_tui.application.team import links as team_links
    from xpm_tui.application.team import queries
    from xpm_tui.sync import consequences

if TYPE_CHECKING:
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.application.team.links import SkippedStaffView
    from xpm_tui.application.team.queries import MemberView
    from xpm_tui.application.undo_history import UndoResult

NOBODY_TO_ADD = "Everybody in XPM's staff is already in the team."
PICK_ALL_NOTE = (
    "Team members with the same e-mail are linked; everybody else is added without access. `team "
    "undo` undoes this."
)
"""What adding all staff does."""

Only = Literal["", "needs-link", "proposed", "left", "same-name", "no-access", "xpm-only"]


class ListTeam(msgspec.Struct, frozen=True):
    """Parameters of ``team list``."""

    only: Annotated[Only, option("Only people who match this filter.", "FILTER")] = ""
    find: Annotated[str, option("Only people with this text in their name, e-mail, id or UUID.", "TEXT")] = ""
    limit: Limit = 0


class LinkMember(msgspec.Struct, frozen=True):
    """Parameters of ``team link``."""

    member: Annotated[
        str, argument("The team member: id, e-mail or exact name.", "[MEMBER]", completes="member")
    ] = ""
    staff: Annotated[str, argument("The person in XPM: UUID, e-mail, or exact name.", "[STAFF]")] = ""
    by_email: Annotated[bool, option("Link everybody who has the same e-mail in Ignition and XPM.")] = False
    dry_run: DryRun = False


class PickStaff(msgspec.Struct, frozen=True):
    """Parameters of ``team pick``."""

    staff: Annotated[tuple[str, ...], argument("People in XPM: UUIDs, e-mails, or names.", "[STAFF]...")] = ()
    all: Annotated[bool, option("All staff to whom no team member is linked.")] = False
    yes: Yes = False
    different_from: Annotated[
        tuple[str, ...],
        option(
            "A team member with the same or a similar name who is a different person: id, e-mail "
            "or name. Can be repeated; the answer is remembered.",
            "MEMBER",
        ),
    ] = ()
    anyway: Annotated[
        bool, option("Treat everybody with the same or a similar name as a different person.")
    ] = False


async def list_team(practice: OpenPractice, params: ListTeam, dialogue: Dialogue) -> Result:
    """List the members, XPM's staff who are not in the team, and the person who connected."""
    rows, total = team_links.list_people(practice, only=params.only, text=params.find)
    members = [row.member for row in rows if row.member is not None]
    free = [row.staff for row in rows if row.staff is not None and row.member is None]
    lines: list[str] = []
    if free:
        lines += ["", "In XPM only:"]
        lines += [f"  {row.name} <{row.email}> {row.uuid}  {row.costs}".rstrip() for row in free]
    signed = queries.find_connector(practice.snapshot())
    if signed is not None and signed.sentence:
        lines += ["", f"! {signed.sentence}", f"  {signed.hint}"]
    unread = xpm_refresh.unread_list(practice.snapshot(), "staff") if practice.identity() is not None else ""
    lines += ["", unread] if unread else []
    narrowed = total and (params.find or params.only)
    empty = "No match." if narrowed else "The team is empty: xpm-tui team pick --all"
    return Result(
        data={
            "count": len(members),
            "total": total,
            "staff": [to_plain(row) for row in free],
            "connected_by": to_plain(signed) if signed is not None else None,
        },
        items=[to_plain(member) for member in members],
        table=_table(members, empty),
        lines=lines,
        most=params.limit,
    )


async def link_member(practice: OpenPractice, params: LinkMember, dialogue: Dialogue) -> Result:
    """Link one member, or all with the same e-mail."""
    await xpm_refresh.ensure_mirror(practice)
    if params.by_email and not params.member:
        done = team_links.email_matches(practice) if params.dry_run else team_links.accept_emails(practice)
        return _accepted(done)
    if not params.member or not params.staff:
        raise BadInput(
            "Name the team member and the person in XPM.", hint="xpm-tui team link t3 ana@example.com"
        )
    effect = team_links.preview_map(practice, params.member, params.staff)
    if params.dry_run:
        lines = [effect.refused] if effect.refused else effect.says
        return Result(data=to_plain(effect), lines=lines, value=effect)
    view = team_links.link_member(practice, params.member, params.staff)
    text = f"{view.id} {view.name} is linked to {view.staff.name if view.staff else ''} in XPM."
    return Result(data=to_plain(view), lines=[text], value=view)


async def accept_emails(practice: OpenPractice, params: YesParams, dialogue: Dialogue) -> Result:
    """Link everybody who has the same e-mail in XPM, after a question with their number."""
    await xpm_refresh.ensure_mirror(practice)
    found = team_links.email_matches(practice)
    if not found:
        return _accepted([])
    lines = [f"{v.name}  =  {v.proposals[0].name} <{v.proposals[0].email}>" for v in found]
    links = consequences.link_consequences(people=len(found))
    asked = Question(
        question(links, "whose e-mail is the same"), shorten_list(lines, 8), button=action(links)
    )
    if not await confirm_call(dialogue, asked):
        return Result(data={"count": 0}, items=[], lines=["Nobody was linked."])
    return _accepted(team_links.accept_emails(practice))


async def unlink_member(practice: OpenPractice, params: OneMember, dialogue: Dialogue) -> Result:
    """Remove the link of a team member."""
    view = team_links.unlink_member(practice, params.member)
    return Result(data=to_plain(view), lines=[f"{view.id} {view.name} is no longer linked."])


async def undo_team(practice: OpenPractice, params: NoParams, dialogue: Dialogue) -> Result:
    """Undo the last change to the team."""
    return undo_result(team_links.undo(practice))


def undo_result(found: UndoResult) -> Result:
    """Return the result of undoing a change to the team, the services or the clients."""
    lines = [f"Undone: {found.what}."] if found.back or not found.stay else []
    if found.stay:
        lines.append(f"Not undone (changed later, or in use): {', '.join(found.stay)}.")
    return Result(data=to_plain(found), lines=lines)


async def copy_member(practice: OpenPractice, params: OneMember, dialogue: Dialogue) -> Result:
    """Copy the name and ids of a person."""
    row = team_links.find_row(practice, params.member)
    email = row.member.email if row.member else row.staff.email if row.staff else ""
    ids = (row.member.id if row.member else "", row.staff.uuid if row.staff else "")
    return Result(data=to_plain(row), lines=["\t".join((row.name, email, *ids))])


async def pick_staff(practice: OpenPractice, params: PickStaff, dialogue: Dialogue) -> Result:
    """Add XPM staff to the team."""
    if params.all == bool(params.staff):
        raise BadInput("Name the people to add, or use --all.", hint="xpm-tui team pick ana@example.com")
    await xpm_refresh.ensure_mirror(practice)
    xpm_refresh.refuse_unread(practice.snapshot(), "staff")
    if params.all and (params.different_from or params.anyway):
        raise BadInput(
            "--different-from and --anyway work only for people that you name.", hint="Leave out --all."
        )
    if params.all and asks(dialogue):
        would = team_links.preview_pick(practice)
        found = consequences.staff_pick_consequences(len(would.members))
        texts = [PICK_ALL_NOTE, *(skipped_line(each) for each in would.skipped)]
        asked = Question(question(found, "from XPM"), texts, button=action(found), keyed=True)
        if would.members and not await confirm_call(dialogue, asked):
            return Result(data={"count": 0}, items=[], lines=["Nobody was added."], declined=True)
    done = team_links.pick_staff(
        practice, params.staff, different=params.different_from, anyway=params.anyway, every=params.all
    )
    if (
        len(params.staff) == 1
        and done.skipped
        and asks(dialogue)
        and await confirm_call(dialogue, _different_person_question(done.skipped[0]))
    ):
        done = team_links.pick_staff(practice, params.staff, anyway=True)
    members, skipped = list(done.members), done.skipped
    lines = [skipped_line(each) for each in skipped]
    error: AppError | None = None
    if skipped:
        first_ = skipped[0]
        hint = (
            f"Link the two: xpm-tui team link {first_.member.id} {first_.staff.uuid}. If it is a "
            f"different person: xpm-tui team pick {first_.staff.uuid} --different-from "
            f"{first_.member.id}"
        )
        sentence = f"{count(len(skipped), 'person was/people were')} not added: see above."
        error = (
            AppError(sentence, hint=hint) if params.all or members else DecisionNeeded(sentence, hint=hint)
        )
    stale = xpm_refresh.unread_list(practice.snapshot(), "staff")
    none = f"{stale} Everyone that XPM listed before is already in the team." if stale else NOBODY_TO_ADD
    table = _table(members, "" if skipped else none)
    made = table_result(members, table, count=len(members), skipped=[to_plain(each) for each in skipped])
    return replace(made, lines=[*made.lines, *lines], error=error, value=done)


def _different_person_question(each: SkippedStaffView) -> Question:
    """Return the question whether someone in XPM is a different person from a member with the same name."""
    text = f"Your team has {each.member.name} ({each.member.id}), who may be the same person: {each.reason}."
    return Question(f"Is {each.staff.name} a different person?", [text], button="Different person: add")


def skipped_line(each: SkippedStaffView) -> str:
    """Return who was not added, and which member may be the same person."""
    return (
        f"Not added: {each.staff.name}. Your team has {each.member.name} ({each.member.id}): {each.reason}."
    )


def _accepted(done: list[MemberView]) -> Result:
    return table_result(
        done, _table(done, "Nobody has the same e-mail in Ignition and XPM."), count=len(done)
    )


def _table(members: list[MemberView], empty: str) -> TextTable:
    columns = (
        TextColumn("ID", whole=True),
        TextColumn("NAME", name=True),
        TextColumn("E-MAIL"),
        TextColumn("IN XPM"),
        TextColumn("CLIENTS", right=True),
        TextColumn("NOTE"),
    )
    rows = ((m.id, m.name, m.email, _in_xpm(m), f"{m.clients:,}", note(m)) for m in members)
    return TextTable(columns, rows, empty)


def _in_xpm(member: MemberView) -> str:
    if member.staff is None:
        return ""
    return (member.staff.name or member.staff.uuid) + (" (gone)" if member.staff.gone else "")


def note(member: MemberView) -> str:
    """Return the most important note on a member, as one line."""
    messages = []
    if member.staff is None and member.proposals:
        first_ = member.proposals[0]
        messages.append(f"maybe {first_.name} ({first_.reason}).")
    if member.costs:
        messages.append(member.costs)
    return " ".join([*messages, *member.notes])


COMMANDS: tuple[Command[Any], ...] = (
    Command(
        name="team.list",
        title="List the team",
        help="List the team: who is linked to which staff record in XPM, which links are proposed, and "
        "what a missing link means for sync.",
        params=ListTeam,
        run=list_team,
        effect=Effect.LOOKS,
        example="xpm-tui team list\nxpm-tui team list --only needs-link",
        default=True,
    ),
    Command(
        name="team.link",
        title="Link a team member to XPM staff",
        help="Link a team member to a staff record in XPM, so that partner and manager can be synced. "
        "Nothing is written to XPM.",
        params=LinkMember,
        run=link_member,
        example="xpm-tui team link t3 ana@example.com\nxpm-tui team link --by-email",
        key="m",
        where=("team",),
        footer="Link",
        effect=effect_or_dry_run(Effect.WRITES_HERE),
        why_not=require_connection,
    ),
    Command(
        name="team.accept",
        title="Accept all e-mail matches",
        help="Link every team member who has the same e-mail as exactly one staff record in XPM. You "
        "see the number and are asked first. Nobody is linked by name alone.",
        params=YesParams,
        run=accept_emails,
        example="xpm-tui team accept --yes",
        key="a",
        where=("team",),
        footer="Accept all",
        effect=Effect.WRITES_HERE,
        why_not=require_connection,
    ),
    Command(
        name="team.pick",
        title="Add XPM staff to the team",
        help="Add people from XPM's staff to the team. They get no access here, but can be partner and "
        "manager.",
        params=PickStaff,
        run=pick_staff,
        example="xpm-tui team pick --all",
        key="p",
        where=("team",),
        footer="Bring in",
        effect=Effect.WRITES_HERE,
        why_not=require_connection,
    ),
    Command(
        name="team.unlink",
        title="Unlink a team member",
        help="Remove the link of a team member: partner and manager are no longer synced for them.",
        params=OneMember,
        run=unlink_member,
        example="xpm-tui team unlink t3",
        key="delete",
        where=("team",),
        effect=Effect.WRITES_HERE,
    ),
    Command(
        name="team.undo",
        title="Undo the last change to the team",
        help="Undo the last change to the team: links, additions, edits. Repeat it to go further back.",
        params=NoParams,
        run=undo_team,
        example="xpm-tui team undo",
        key="u",
        where=("team",),
        footer="Undo",
        effect=Effect.WRITES_HERE,
    ),
    Command(
        name="team.copy",
        console_only=True,
        title="Copy the person's name and ids",
        help="Copy the name, e-mail, id and XPM UUID of the person under the cursor.",
        params=OneMember,
        run=copy_member,
        effect=Effect.LOOKS,
        key="y",
        where=("team",),
    ),
)
