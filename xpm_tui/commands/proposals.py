"""Commands for proposals: what was agreed with clients, and whether it is deployed from here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from xpm_tui.commands.command import (
    ClientId,
    Command,
    Dialogue,
    Limit,
    Result,
    TextColumn,
    TextTable,
    argument,
    first_reason,
    in_state,
    option,
    require_idle,
)
from xpm_tui.commands.effects import Effect, PerCall, Question, confirm_call
from xpm_tui.commands.records import pairs
from xpm_tui.commands.tables import table_result, to_plain
from xpm_tui.domain.errors import BadInput, DecisionNeeded
from xpm_tui.domain.formatting import count
from xpm_tui.domain.safe_text import visible
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application.clients import picks
    from xpm_tui.application.jobs import proposals as jobs_proposals
    from xpm_tui.application.jobs import services
    from xpm_tui.commands import deployment

if TYPE_CHECKING:
    from xpm_tui.application.jobs.views import ProposalRowView
    from xpm_tui.application.practice import OpenPractice

ProposalId = Annotated[str, argument("The proposal: its id, number or exact name.", "PROPOSAL")]
Repeat = Annotated[
    Literal[
        "once",
        "weekly",
        "fortnightly",
        "four-weekly",
        "monthly",
        "two-monthly",
        "quarterly",
        "half-yearly",
        "yearly",
    ],
    option(
        "How often its job recurs: once, weekly, fortnightly, four-weekly, monthly, two-monthly, "
        "quarterly, half-yearly or yearly.",
        "HOW",
    ),
]
Until = Annotated[
    str,
    option("The last day on which it may recur; by default the proposal's end; 'none' for no end.", "DATE"),
]
LastDay = Annotated[bool, option("On the last day of each month, regardless of its start.")]
Start = Annotated[str, option("The date of the first job; by default the proposal's start.", "DATE")]
Per = Annotated[
    Literal["", "proposal", "project", "entity"],
    option("One job for the whole proposal, one per project, or one per client that a project is for."),
]


class ListProposals(msgspec.Struct, frozen=True):
    """Parameters of ``proposals list``."""

    state: Annotated[
        str, option("Only proposals in this state: draft, accepted, unknown, revoked ...", "STATE")
    ] = ""
    mine: Annotated[bool, option("Only proposals whose jobs are deployed from here.", flag="--ours")] = False
    limit: Limit = 0


class NewProposal(msgspec.Struct, frozen=True):
    """Parameters of ``proposals new``."""

    name: Annotated[str, argument("The name of the proposal, and of its job.", "NAME")]
    client: ClientId
    values: Annotated[
        tuple[str, ...],
        argument("More fields: start=2026-07-01 end=... number=....", "[FIELD=VALUE]..."),
    ] = ()
    service: Annotated[
        tuple[str, ...],
        option("The name of a service in the library; 'PROJECT: SERVICE' puts it into a project.", "NAME"),
    ] = ()
    project_client: Annotated[
        tuple[str, ...],
        option("The client that a project is for, if not the proposal's: 'PROJECT: CLIENT'.", "TEXT"),
    ] = ()


class AcceptProposal(msgspec.Struct, frozen=True):
    """Parameters of ``proposals accept``."""

    proposals: Annotated[tuple[str, ...], argument("The proposals: ids, numbers or names.", "PROPOSAL...")]
    repeat: Repeat = "once"
    until: Until = ""
    last_day: LastDay = False
    start: Start = ""
    per: Per = ""
    wait: Annotated[bool, option("Leave jobs that need no approval to the next daily sync.")] = False


class TakeOverProposals(msgspec.Struct, frozen=True):
    """Parameters of ``proposals take-over``."""

    proposals: Annotated[
        tuple[str, ...], argument("The proposals: ids, numbers or names.", "[PROPOSAL]...")
    ] = ()
    all: Annotated[bool, option("All accepted proposals that have not been taken over yet.")] = False
    repeat: Repeat = "once"
    until: Until = ""
    last_day: LastDay = False
    start: Start = ""
    per: Per = ""


class RevokeProposal(msgspec.Struct, frozen=True):
    """Parameters of ``proposals revoke``."""

    proposal: ProposalId
    reason: Annotated[str, option("The reason, for the history.", "TEXT")] = ""


def _accept_effect(params: AcceptProposal) -> Effect:
    """Return the effect of an acceptance: automatic jobs are deployed now, unless ``--wait`` is given."""
    return Effect.WRITES_HERE if params.wait else Effect.WRITES_XPM


async def list_proposals(practice: OpenPractice, params: ListProposals, dialogue: Dialogue) -> Result:
    """List proposals in order of arrival."""
    found = jobs_proposals.list_proposals(practice, state=params.state, mine=params.mine)
    empty = "There are no proposals: xpm-tui import proposals FILE, or xpm-tui proposals new"
    return table_result(found, _table(found, empty), count=len(found), most=params.limit)


async def new_proposal(practice: OpenPractice, params: NewProposal, dialogue: Dialogue) -> Result:
    """Create a draft proposal."""
    client = await _client(practice, params, dialogue)
    if client is None:
        return Result(data={}, lines=["Nothing was created."], declined=True)
    view = jobs_proposals.new_proposal(
        practice, params.name, client, params.service, pairs(params.values), params.project_client
    )
    text = f"{view.id} {view.name} is a draft. Accept it: xpm-tui proposals accept {view.id}"
    return Result(data=to_plain(view), lines=[text])


async def _client(practice: OpenPractice, params: NewProposal, dialogue: Dialogue) -> str | None:
    """Return the client of a new proposal.

    A client that is only in XPM is brought in first, if the user agrees; the result is None if not.
    """
    client, there = picks.resolve_reference(practice, params.client)
    if there is None:
        return client
    number = there.number or there.uuid
    why = f"{visible(there.name, 80)} ({number}) is only in XPM and has not been brought in yet."
    way = f"Bring it in: xpm-tui clients pick {number}. Then run this command again."
    if not dialogue.interactive:
        raise DecisionNeeded(why, hint=way)
    if not await confirm_call(dialogue, Question(f"{why} Bring it in now?", button="Bring in the client")):
        return None
    (view,) = picks.pick(practice, [there.uuid])
    if view.outcome == "left":
        raise DecisionNeeded(f"{visible(view.name, 80)} was not brought in: {view.reason}", hint=way)
    return str(view.client)


async def accept(practice: OpenPractice, params: AcceptProposal, dialogue: Dialogue) -> Result:
    """Accept proposals; automatic jobs are deployed."""
    found = jobs_proposals.accept(practice, params.proposals, **_terms(params))
    result = _proposals_result(practice, found, "accepted")
    if services.terms_of(practice).automatic and not params.wait:
        return await deployment.deploy_automatic(practice, result, dialogue)
    return result


async def take_over(practice: OpenPractice, params: TakeOverProposals, dialogue: Dialogue) -> Result:
    """Take over proposals from Ignition."""
    if params.all == bool(params.proposals):
        raise BadInput("Name the proposals, or use --all.", hint="xpm-tui proposals take-over PROP-12")
    found = jobs_proposals.take_over(practice, params.proposals, every=params.all, **_terms(params))
    return _proposals_result(practice, found, "deployed from here")


async def revoke(practice: OpenPractice, params: RevokeProposal, dialogue: Dialogue) -> Result:
    """Revoke a proposal, so that no more of its jobs are created."""
    view = jobs_proposals.revoke(practice, params.proposal, params.reason)
    text = (
        f"{view.id} {view.name} is revoked: no more of its jobs are created. Jobs that are already in "
        "XPM stay as they are."
    )
    return Result(data=to_plain(view), lines=[text])


def _terms(params: AcceptProposal | TakeOverProposals) -> dict[str, Any]:
    return {
        "repeat": jobs_proposals.parse_repeat(params.repeat, until=params.until, last_day=params.last_day),
        "start": jobs_proposals.parse_day("start", params.start),
        "per": params.per or None,
    }


def _proposals_result(practice: OpenPractice, found: list[ProposalRowView], what: str) -> Result:
    table = _table(found, "No proposals.")
    jobs = sum(len(view.workflows) for view in found)
    lines = [f"{count(len(found), 'proposal')} {what}; {count(jobs, 'workflow')}. See: xpm-tui jobs list"]
    if not services.terms_of(practice).ours:
        lines += [services.IGNITION, services.IGNITION_HINT]
    data = {"count": len(found)}
    return Result(data=data, items=[to_plain(view) for view in found], table=table, lines=lines)


def _table(found: list[ProposalRowView], empty: str) -> TextTable:
    columns = (
        TextColumn("ID", whole=True),
        TextColumn("NUMBER", whole=True),
        TextColumn("PROPOSAL"),
        TextColumn("CLIENT", name=True),
        TextColumn("STATE", whole=True),
        TextColumn("WORKFLOWS"),
        TextColumn("NOTE"),
    )
    rows = (
        (
            view.id,
            view.number,
            view.name,
            view.client.name if view.client else "(unknown here)",
            view.word,
            " ".join(view.workflows),
            view.why,
        )
        for view in found
    )
    return TextTable(columns, rows, empty)


COMMANDS = (
    Command(
        name="proposals.list",
        title="List the proposals",
        help="List the proposals, imported and created here, and whether their jobs are deployed from here.",
        params=ListProposals,
        run=list_proposals,
        effect=Effect.LOOKS,
        example="xpm-tui proposals list --state accepted",
        key="v",
        where=("jobs",),
        footer="Proposals",
        default=True,
    ),
    Command(
        name="proposals.new",
        title="Create a proposal",
        help="Create a draft proposal for a client, with services from the library.",
        params=NewProposal,
        run=new_proposal,
        example="xpm-tui proposals new 'Compliance 2027' c12 start=2026-07-01 --service 'Annual accounts'",
        key="n",
        where=("jobs", "proposals"),
        footer="New",
        effect=Effect.WRITES_HERE,
    ),
    Command(
        name="proposals.accept",
        title="Accept a proposal",
        help="Accept proposals that were created here. Their jobs wait to be deployed, or are deployed "
            "without asking if the settings say so.",
        params=AcceptProposal,
        run=accept,
        example="xpm-tui proposals accept o5 --repeat monthly",
        key="a",
        where=("proposals",),
        footer="Accept",
        effect=PerCall(_accept_effect, Effect.WRITES_XPM),
        streams=True,
        why_not=first_reason(
            in_state("proposal", "it was not created here", "draft", "revoked"), require_idle
        ),
    ),
    Command(
        name="proposals.take",
        title="Take proposals over from Ignition",
        help=(
            "Take over accepted proposals from Ignition, so that their jobs are deployed from here. "
            "Ignition's own integration has usually created their jobs already: take over only those for "
            "which it has not."
        ),
        params=TakeOverProposals,
        run=take_over,
        verb=("proposals", "take-over"),
        example="xpm-tui proposals take-over PROP-12",
        key="T",
        where=("proposals",),
        footer="Take over",
        effect=Effect.WRITES_HERE,
        why_not=first_reason(
            in_state(
                "proposal", "only an accepted proposal from Ignition can be taken over",
                "to take", "changed", "renewed", "revoked",
            ),
            require_idle,
        ),
    ),
    Command(
        name="proposals.revoke",
        title="Revoke a proposal",
        help="Stop all jobs of a proposal that are not created yet. Jobs that are already in XPM stay "
            "as they are.",
        params=RevokeProposal,
        run=revoke,
        example="xpm-tui proposals revoke PROP-12 --reason 'client left'",
        key="delete",
        where=("proposals",),
        footer="Revoke",
        effect=Effect.WRITES_HERE,
        why_not=first_reason(
            in_state("proposal", "it has no jobs to create", "draft", "ours", "changed", "renewed",
                     "to take"),
            require_idle,
        ),
    ),
)  # fmt: skip
