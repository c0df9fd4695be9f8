"""Commands that undo runs and maintain links: conflicts, re-link, duplicates, create."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from xpm_tui.commands.command import (
    ClientId,
    Command,
    Dialogue,
    DryRun,
    Limit,
    ListParams,
    NeededYes,
    Result,
    RunId,
    Situation,
    TextColumn,
    TextTable,
    Yes,
    first_reason,
    on_record,
    option,
    require_connection,
    require_idle,
)
from xpm_tui.commands.consequences import action, question
from xpm_tui.commands.consequences import lines as described
from xpm_tui.commands.effects import Effect, PerCall, Question, Unconfirmed, confirm_call
from xpm_tui.commands.log import following
from xpm_tui.commands.plans import age_notes, change_lines
from xpm_tui.commands.sync import run_result
from xpm_tui.commands.tables import table_result, to_plain
from xpm_tui.domain import labels
from xpm_tui.domain.errors import Busy, DecisionNeeded, NotFound, StoreChanged, XeroError
from xpm_tui.domain.fields import label
from xpm_tui.domain.formatting import count, value
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application.clients import field_policy
    from xpm_tui.application.clients import links as clients_links
    from xpm_tui.application.presenters import lookup, presenter
    from xpm_tui.application.runs import consequences, history, runner, undo_plans, xpm_refresh
    from xpm_tui.sync import consequences as sync_consequences
    from xpm_tui.sync.manual import client_creation
    from xpm_tui.sync.matching import similarity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.application.presenters.views import SkippedUndoView
    from xpm_tui.domain.plan import PlannedRecord
    from xpm_tui.domain.runs import Run


ToReview = Annotated[
    bool, option("Save it as a plan to review, and apply nothing. Apply it with `xpm-tui sync --plan ID`.")
]


def _undo_effect(params: Undo | UndoClient) -> Effect:
    """Return the effect of an undo; with ``--review``, it only saves a plan."""
    if getattr(params, "dry_run", False):
        return Effect.LOOKS
    return Effect.WRITES_HERE if params.review else Effect.REPLACES


class Undo(msgspec.Struct, frozen=True):
    """Parameters of ``undo``."""

    run: RunId
    client: Annotated[str, option("Only this client.", "CLIENT", completes="client")] = ""
    field: Annotated[str, option("Only this field.", "FIELD")] = ""
    dry_run: DryRun = False
    review: ToReview = False
    yes: NeededYes = False


class UndoClient(msgspec.Struct, frozen=True):
    """Parameters of the console's undo for the client under the cursor."""

    client: ClientId
    review: ToReview = False


class Relink(msgspec.Struct, frozen=True):
    """Parameters of ``relink``."""

    accept: Annotated[bool, option("Link the clients to their proposals.")] = False
    limit: Limit = 0


class CreateClient(msgspec.Struct, frozen=True):
    """Parameters of ``clients create``."""

    client: ClientId
    different_from: Annotated[
        tuple[str, ...],
        option(
            "An XPM client with the same or a similar name that is a different client: its number "
            "or UUID. Can be repeated; the answer is remembered.",
            "NUMBER",
            completes="xpm",
        ),
    ] = ()
    anyway: Annotated[
        bool, option("Treat every XPM client with the same or a similar name as a different one.")
    ] = False
    yes: Yes = False


async def undo(practice: OpenPractice, params: Undo, dialogue: Dialogue) -> Result:
    """Undo a run: show what is restored, what stays and what is frozen, ask, and restore it."""
    if params.run == "last" and not history.list_runs(practice, 1):
        return Result(items=[], lines=["There is nothing to undo yet: there has been no run."])
    busy = None if params.dry_run else history.current_run(practice)
    notes = [] if busy is not None else await _refresh_before(practice, params)
    plan, records, left = undo_plans.make_undo(
        practice, params.run, client=params.client, field=params.field, keep=False
    )
    if busy is not None:
        _refuse_during_run(busy, plan.undo_of, records)
    changes = list(presenter.change_views(practice.snapshot(), records))
    found = consequences.consequences(practice, plan, records, during_run=busy is not None)
    data: dict[str, Any] = {
        "plan": plan.id,
        "undo_of": plan.undo_of,
        "consequences": to_plain(found),
        "left": [to_plain(each) for each in left],
    }
    lines = [*change_lines(changes), *_skipped_lines(left)]
    items = [to_plain(change) for change in changes]
    if not changes and not left and not found.freezes:
        return Result(data=data, items=[], lines=[*notes, f"There is nothing to undo in run {plan.undo_of}."])
    if params.review and changes and not params.dry_run:
        plan, _, _ = undo_plans.make_undo(practice, params.run, client=params.client, field=params.field)
        data["plan"] = plan.id
        text = f"Plan {plan.id} would undo it. Review it, then: xpm-tui sync --plan {plan.id}"
        return Result(data=data, items=items, lines=[*lines, *described(found), text])
    if params.dry_run or params.review:
        head = f"{count(len(changes), 'change')} of run {plan.undo_of} would be undone."
        return Result(data=data, items=items, lines=[*notes, head, *lines, *described(found)])
    if not changes and not found.freezes:
        return Result(data=data, items=items, lines=lines, error=_nothing_restored(plan.undo_of))
    try:
        asked = Question(question(found), [*lines, *described(found)], button=action(found))
        if not await confirm_call(dialogue, asked):
            return Result(data=data, items=[], lines=["Nothing was changed."], declined=True)
    except Unconfirmed as refused:
        return Result(data=data, items=items, lines=lines, error=refused)
    shown = [record.changes for record in records], plan.left
    plan, records, left = undo_plans.make_undo(practice, params.run, client=params.client, field=params.field)
    if ([record.changes for record in records], plan.left) != shown:
        raise StoreChanged(
            "The data changed while you were asked, so nothing was undone.", hint="Run it again."
        )
    data["plan"] = plan.id
    async with following(practice, dialogue) as report:
        if busy is not None:
            run = await runner.undo_during_run(practice, plan.id)
        else:
            run = await runner.run(practice, plan_id=plan.id, trigger="undo", reviewed=True, report=report)
    done = run_result(run)
    return Result(
        data={**done.data, **data}, items=items, lines=[*done.lines, *_skipped_lines(left)], error=done.error
    )


def _refuse_during_run(run: Run, undone: str, records: Iterable[PlannedRecord]) -> None:
    """Raise ``Busy`` if an undo has to wait for the run in progress, because it is not only local."""
    if undone == run.id:
        why = f"Run {run.id} is still in progress, so it cannot be undone yet."
    elif any(change.side == "xpm" for record in records for change in record.changes):
        why = f"Run {run.id} is in progress, and this undo would change XPM as well."
    else:
        return
    raise Busy(why, hint="Wait until it ends, or stop it: xpm-tui runs stop")


async def _refresh_before(practice: OpenPractice, params: Undo) -> list[str]:
    """Read what has changed in XPM since the run, so that a colleague's changes stay.

    Returns a note on the age of XPM's data if it could not be read, which ends everything but a preview.
    """
    if not undo_plans.writes_xpm(practice, params.run):
        return []
    if stored := age_notes(practice):
        return stored
    try:
        await xpm_refresh.refresh_changed(practice)
    except XeroError as error:
        if not params.dry_run:
            raise
        return [f"XPM could not be read to see what has changed since then: {error.message}"]
    return []


def _nothing_restored(run: str) -> DecisionNeeded:
    return DecisionNeeded(
        f"Nothing of run {run} could be undone.", hint="Edit the values yourself that should be different."
    )


async def undo_client(practice: OpenPractice, params: UndoClient, dialogue: Dialogue) -> Result:
    """Undo what the last run wrote to one client."""
    client = lookup.find_client(practice.snapshot(), params.client)
    run = undo_plans.last_write(practice.snapshot(), client.id)
    if not run:
        raise NotFound(f"There is nothing to undo for {client.name}: no run wrote to it.")
    return await undo(practice, Undo(run=run, client=client.id, review=params.review), dialogue)


async def list_conflicts(practice: OpenPractice, params: ListParams, dialogue: Dialogue) -> Result:
    """List fields that were edited on both sides."""
    found = field_policy.list_conflicts(practice)
    columns = (
        TextColumn("STATE", whole=True),
        TextColumn("RECORD", whole=True),
        TextColumn("NAME", name=True),
        TextColumn("FIELD"),
        TextColumn("IGNITION"),
        TextColumn("XPM"),
        TextColumn("WINS", whole=True),
        TextColumn("RUN", whole=True),
    )
    rows = (
        (
            labels.CONFLICT_STATES[c.state].text,
            c.record,
            c.name,
            label(c.field),
            value(c.ignition),
            value(c.xpm),
            labels.SIDES[c.wins].text,
            c.run or c.plan or "",
        )
        for c in found
    )
    table = TextTable(columns, rows, "No conflicts.")
    return table_result(found, table, count=len(found), most=params.limit)


async def relink(practice: OpenPractice, params: Relink, dialogue: Dialogue) -> Result:
    """Check every link, and link what is confirmed."""
    stored = age_notes(practice)
    if not stored:
        await xpm_refresh.refresh(practice, full=True)
    found = clients_links.relinks(practice)
    proposed = [each for each in found if each.proposal]
    columns = (
        TextColumn("ID", whole=True),
        TextColumn("NAME", name=True),
        TextColumn("STATE", whole=True),
        TextColumn("WHY"),
        TextColumn("PROPOSAL"),
    )
    rows = [
        (
            r.id,
            r.name,
            labels.LINK_STATES[r.state].text,
            r.message,
            f"{r.proposal.number} {r.proposal.name}" if r.proposal else "",
        )
        for r in found
    ]
    table = TextTable(columns, rows, "Every link is in order.")
    accepted = params.accept
    if proposed and dialogue.interactive and not accepted:
        texts = [
            f"  {r.id} {r.name} -> {r.proposal.number} {r.proposal.name}" for r in proposed if r.proposal
        ]
        links = sync_consequences.link_consequences([each.id for each in proposed])
        accepted = await confirm_call(dialogue, Question(question(links), texts, button=action(links)))
    done = clients_links.accept(practice, proposed) if accepted and proposed else []
    lines = [*([f"{count(len(done), 'client was/clients were')} linked."] if done else []), *stored]
    return Result(
        data={"count": len(found), "linked": [view.id for view in done]},
        items=[to_plain(each) for each in found],
        table=table,
        lines=lines,
        most=params.limit,
    )


async def list_duplicates(practice: OpenPractice, params: ListParams, dialogue: Dialogue) -> Result:
    """List clients with the same name, on either side, and what to do about them."""
    found = similarity.duplicates(practice.snapshot())
    blocks = []
    for group in found:
        lines = [f"{'XPM' if group.side == 'xpm' else 'Ignition'}: {group.members[0].name}"]
        for member in group.members:
            marks = [
                word for word, on in (("archived", member.archived), ("prospect", member.prospect)) if on
            ]
            keep = " keep this one" if member.id == group.survivor else ""
            lines.append(f"  {member.id}  {member.number}  {member.name}  {' '.join(marks)}{keep}".rstrip())
        lines.append(f"  {group.why}")
        blocks.append([*lines, *(f"  {number}. {step}" for number, step in enumerate(group.steps, 1))])
    return Result(
        data={"count": len(found)},
        items=[to_plain(group) for group in found],
        blocks=blocks,
        lines=[] if found else ["No two clients in Ignition, and no two in XPM, have the same name."],
        most=params.limit,
    )


async def create_client(practice: OpenPractice, params: CreateClient, dialogue: Dialogue) -> Result:
    """Create the client in XPM, after a question."""
    await xpm_refresh.ensure_mirror(practice)
    view = lookup.show_client(practice, params.client)
    different = list(params.different_from)
    blocked = clients_links.creation_obstacle(practice, view.id, different)
    alike = blocked.alike if blocked is not None else ()
    if params.anyway:
        different += [each.uuid for each in alike]
    elif blocked is not None and not (alike and dialogue.interactive and not dialogue.call.agreed):
        raise client_creation.CreationHeld(blocked, view.id)
    found = clients_links.preview_creation(practice, view.id)
    asked = Question(f"Create {view.name} in XPM?", described(found), button=action(found))
    if alike and not params.anyway:
        warned = [*(each.sentence for each in alike), *described(found)]
        asked = Question(f"Is {view.name} a different client?", warned, button="Different client: create it")
    if not await confirm_call(dialogue, asked):
        return Result(data=to_plain(view), lines=["Nothing was created."])
    different += [each.uuid for each in alike if each.uuid not in different]
    made = await clients_links.create_in_xpm(practice, view.id, different=different)
    lines = [f"{made.client.id} {made.client.name} was created in XPM as {made.xpm.number or made.xpm.uuid}."]
    if made.left_out:
        lines.append(f"Not sent: {', '.join(map(label, made.left_out))}. {client_creation.LEFT_OUT}")
    return Result(
        data={**to_plain(made.client), "xpm": to_plain(made.xpm), "left_out": list(made.left_out)},
        lines=lines,
    )


def _already_linked(situation: Situation) -> str:
    """Return why a linked client cannot be created.

    A client whose XPM client is gone may be created: the command names what may have replaced it.
    """
    lost = situation.state in ("gone", "merged", "converted")
    return "It is already linked." if situation.linked and not lost else ""


def _skipped_lines(left: list[SkippedUndoView]) -> list[str]:
    return [
        f"  stays: {u.record} {u.name}, {label(u.field)}{f' ({u.contact})' if u.contact else ''}: "
        f"{u.reason} {u.address}".rstrip()
        for u in left
    ]


COMMANDS: tuple[Command[Any], ...] = (
    Command(
        name="undo",
        title="Undo a run",
        help="Restore the values that a run replaced, all of them or those of one client or field, "
        "unless someone has changed them since. The rest stays and is listed. The restored fields "
        "are frozen, so that sync does not change them again.",
        params=Undo,
        run=undo,
        example="xpm-tui undo last --client c12 --dry-run",
        key="u",
        where=("sync",),
        footer="Undo",
        effect=PerCall(_undo_effect, Effect.REPLACES),
        streams=True,
        why_not=require_connection,
    ),
    Command(
        name="clients.undo",
        console_only=True,
        title="Undo what the last run changed for this client",
        help="Undo what the last run changed for this client.",
        params=UndoClient,
        run=undo_client,
        key="u",
        where=("clients",),
        footer="Undo",
        effect=PerCall(_undo_effect, Effect.REPLACES),
        why_not=first_reason(
            on_record,
            require_connection,
            lambda s: "" if s.undoable else "No run wrote to this client.",
        ),
    ),
    Command(
        name="conflicts",
        title="List conflicts",
        help="List the fields that changed on both sides: waiting in the plan, or decided by a run.",
        params=ListParams,
        run=list_conflicts,
        effect=Effect.LOOKS,
        example="xpm-tui conflicts",
        key="W",
        where=("overview", "clients", "sync"),
    ),
    Command(
        name="relink",
        title="Check every link",
        help="Check every link against XPM and match the unlinked clients again. Nothing is linked until "
        "you confirm it.",
        params=Relink,
        run=relink,
        example="xpm-tui relink --accept",
        effect=PerCall(lambda params: Effect.WRITES_HERE if params.accept else Effect.LOOKS, Effect.LOOKS),
        why_not=first_reason(require_connection, require_idle),
    ),
    Command(
        name="duplicates",
        title="List duplicates",
        help=(
            "List clients with the same name within Ignition or within XPM, which one to keep, and what to "
            "do. Nothing is merged from here."
        ),
        params=ListParams,
        run=list_duplicates,
        effect=Effect.LOOKS,
        example="xpm-tui duplicates",
    ),
    Command(
        name="clients.create",
        title="Create the client in XPM",
        help="Create a client of Ignition in XPM and link the two. If XPM has a client with the same or "
        "a similar name (archived clients and prospects included), confirm with --different-from "
        "that it is a different one.",
        params=CreateClient,
        run=create_client,
        example="xpm-tui clients create c12\nxpm-tui clients create c12 --different-from 40012",
        # The verb names one client, which is the consent; possible duplicates are refused separately.
        effect=Effect.WRITES_XPM,
        why_not=first_reason(on_record, require_connection, require_idle, _already_linked),
    ),
)
