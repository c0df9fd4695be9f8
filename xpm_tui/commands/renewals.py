"""Commands for changes and renewals of proposals: what Ignition has changed, and the next term."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from xpm_tui.commands.command import (
    Command,
    Dialogue,
    Limit,
    Result,
    Yes,
    argument,
    first_reason,
    in_state,
    option,
    require_idle,
)
from xpm_tui.commands.consequences import action, question
from xpm_tui.commands.consequences import lines as described
from xpm_tui.commands.effects import Effect, Question, confirm_call, effect_or_dry_run
from xpm_tui.commands.tables import to_plain
from xpm_tui.domain.errors import BadInput, DecisionNeeded
from xpm_tui.domain.formatting import count, day, plural
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application.jobs import renewals

if TYPE_CHECKING:
    from xpm_tui.application.jobs.renewals import RollOverView
    from xpm_tui.application.jobs.views import (
        PartChangeView,
        ProposalChangeView,
        RolledView,
        ServiceChangeView,
    )
    from xpm_tui.application.practice import OpenPractice

_NAMED = 20
"""The number of proposals that are listed one by one."""


class ListChanges(msgspec.Struct, frozen=True):
    """Parameters of ``proposals changes``."""

    proposals: Annotated[
        tuple[str, ...], argument("The proposals: ids, numbers or names; by default all.", "[PROPOSAL]...")
    ] = ()
    limit: Limit = 0


class RollOver(msgspec.Struct, frozen=True):
    """Parameters of ``proposals rollover``."""

    proposals: Annotated[
        tuple[str, ...], argument("The proposals: ids, numbers or names.", "[PROPOSAL]...")
    ] = ()
    all: Annotated[bool, option("All proposals that have a next term.")] = False
    edits: Annotated[
        Literal["", "keep", "drop"],
        option("Whether to keep edits of this term's workflows in the next term."),
    ] = ""
    dry_run: Annotated[bool, option("Show what would be created, and create nothing.")] = False
    yes: Yes = False


async def list_changes(practice: OpenPractice, params: ListChanges, dialogue: Dialogue) -> Result:
    """List the changes, renewals first."""
    found = renewals.list_changes(practice, params.proposals)
    lines = []
    renewed = [view.id for view in found if view.is_renewal]
    changed = [view.id for view in found if not view.is_renewal]
    if renewed:
        lines.append(f"{count(len(renewed), 'renewal')}. Next: xpm-tui proposals rollover --all")
    if changed:
        ids = " ".join(changed[:_NAMED])
        lines.append(f"{count(len(changed), 'other change')}. To accept: xpm-tui proposals take-over {ids}")
    data = {"count": len(found), "renewed": len(renewed)}
    lines = lines if found else ["Nothing has changed in Ignition since the proposals were accepted here."]
    return Result(
        data=data,
        items=[to_plain(view) for view in found],
        blocks=[change_lines(view) for view in found],
        lines=lines,
        value=found,
        most=params.limit,
    )


async def roll_over(practice: OpenPractice, params: RollOver, dialogue: Dialogue) -> Result:
    """Show the next term, ask about the edits once, and create it."""
    if params.all == bool(params.proposals):
        raise BadInput("Name the proposals, or use --all.", hint="xpm-tui proposals rollover PROP-12")
    view = renewals.preview_roll_over(practice, params.proposals, keep=params.edits == "keep")
    if params.dry_run or not view.proposals:
        return _rolled(view, "would be created")
    keep = params.edits == "keep"
    if view.edited and not params.edits:
        edited = f"{count(view.edited, 'workflow')} of this term {plural(view.edited, 'has/have')} edits."
        if not dialogue.interactive or params.yes:
            raise DecisionNeeded(edited, hint="Choose what to do with them: --edits keep, or --edits drop")
        keep = await confirm_call(
            dialogue, Question(f"{edited} Keep them in the next term?", button="Keep the edits")
        )
    about = f"for {count(view.proposals, 'proposal')}"
    lines = [*roll_over_lines(view), *described(view.consequences)]
    asked = Question(question(view.consequences, about), lines, button=action(view.consequences))
    if not await confirm_call(dialogue, asked):
        return Result(data={"count": 0}, lines=["Nothing was created."], declined=True)
    return _rolled(renewals.roll_over(practice, params.proposals, keep=keep), "created")


def _rolled(view: RollOverView, what: str) -> Result:
    data = {
        "count": view.proposals,
        "workflows": view.new,
        "ended": view.ended,
        "edited": view.edited,
        "keeps_edits": view.keeps,
        "consequences": to_plain(view.consequences),
    }
    text = f"{count(view.new, 'workflow')} for {count(view.proposals, 'proposal')} {what}."
    if not view.proposals:
        text = "No proposal has a next term."
    elif what == "created":
        text += " See: xpm-tui jobs list"
    items = [to_plain(each) for each in view.changes]
    return Result(data=data, items=items, lines=[*roll_over_lines(view), text], value=view)


def roll_over_lines(view: RollOverView) -> list[str]:
    """Return the proposals of a roll-over with their differences; only the first of many."""
    found = [line for each in view.changes[:_NAMED] for line in change_lines(each)]
    if len(view.changes) > _NAMED:
        found.append(f"and {len(view.changes) - _NAMED:,} more: xpm-tui proposals changes")
    return found


def change_lines(view: ProposalChangeView) -> list[str]:
    """Return the differences of one proposal: its term, services, other parts and workflows."""
    client = f"  {view.client.name}" if view.client else ""
    found = [f"{view.number or view.id}  {view.name}{client}"]
    if view.term is not None:
        end = day(view.term_end) if view.term_end else "no end"
        found[0] += f"  renewed: {day(view.term)} to {end}"
    for each in view.services:
        if each.change != "dates":
            found.append(f"  {_service_line(each)}")
    same = sum(each.change == "dates" for each in view.services)
    if same:
        found.append(f"  = {count(same, 'service')} at the same price, with new dates")
    for part in view.parts:
        if view.term is None or part.field not in ("start", "end"):
            found.append(f"  {part.label}: {_part(part, part.old)} → {_part(part, part.new)}")
    for workflow in view.workflows:
        found.append(f"  {_workflow_line(workflow)}")
    if view.stopped and not view.is_renewal:
        found.append(f"  Stopped until you accept the change: {', '.join(view.stopped)}")
    return found


def _part(each: PartChangeView, value: str) -> str:
    if not value:
        return "none"
    return day(date.fromisoformat(value)) if each.field in ("start", "end") else value


def _service_line(each: ServiceChangeView) -> str:
    name = " · ".join(filter(None, (each.project, each.client, each.name)))
    old, new = _price(each.old_price, each.old_quantity), _price(each.price, each.quantity)
    if each.change == "repriced":
        billing = "" if each.old_billing == each.billing else f"  {each.old_billing} → {each.billing}"
        return f"~ {name}  {old or 'no price'} → {new or 'no price'}{billing}"
    return f"+ {name}  {new}".rstrip() if each.change == "added" else f"- {name}  {old}".rstrip()


def _price(price: str, quantity: str) -> str:
    return f"{quantity} × {price}" if price and quantity not in ("", "1") else price


def _workflow_line(each: RolledView) -> str:
    if not each.workflow:
        return f"{each.follows} ends on {day(each.ends)}: its services are not renewed"
    client = f"  {each.client.name}" if each.client else ""
    edits = f"  (edited: {', '.join(each.edits)})" if each.edits else ""
    start = (
        f"{each.repeats} from {day(each.first)}" if each.first else f"{each.repeats}, no date in this term"
    )
    made = "new" if each.workflow.startswith("+") else each.workflow
    arrow = f"{each.follows} → " if each.follows else ""
    return f"{arrow}{made}  {each.name}{client}  {start}{edits}"


COMMANDS = (
    Command(
        name="proposals.changes",
        title="Show what Ignition has changed",
        help=(
            "Show how proposals have changed in Ignition since they were accepted here: services added, "
            "removed or repriced, dates, and the next term of those that were renewed."
        ),
        params=ListChanges,
        run=list_changes,
        example="xpm-tui proposals changes\nxpm-tui proposals changes PROP-12 --json",
        key="W",
        where=("proposals",),
        footer="Changes",
        effect=Effect.LOOKS,
    ),
    Command(
        name="proposals.rollover",
        title="Roll proposals over into the next term",
        help="Create the next term's workflows from this term's for proposals that Ignition has renewed. "
        "Templates, people and budgets follow the proposal again, or keep their edits. This term's workflows "
        "end with it, so that no period gets a second job.",
        params=RollOver,
        run=roll_over,
        example="xpm-tui proposals rollover PROP-12\nxpm-tui proposals rollover --all --edits keep",
        key="N",
        where=("proposals",),
        footer="Roll over",
        effect=effect_or_dry_run(Effect.WRITES_HERE),
        why_not=first_reason(
            in_state("proposal", "Ignition has no next term for it", "renewed"), require_idle
        ),
    ),
)  # fmt: skip
