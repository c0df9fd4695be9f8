"""Commands for runs: show them, stop and resume them, release a held one, and retry failed records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from xpm_tui.commands.command import (
    Command,
    Dialogue,
    Limit,
    Result,
    RunId,
    TextColumn,
    TextTable,
    argument,
    first_reason,
    option,
    require_connection,
    require_idle,
    require_running,
)
from xpm_tui.commands.consequences import lines as described
from xpm_tui.commands.effects import Effect, PerCall, Question, confirm_call
from xpm_tui.commands.log import following
from xpm_tui.commands.sync import (
    Detach,
    ask_decision,
    held_write_lines,
    option_decisions,
    run_lines,
    run_result,
    start_detached,
    still_undecided,
)
from xpm_tui.commands.tables import table_result, to_plain
from xpm_tui.domain import labels
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.formatting import arrow, count, listing, plural, when, when_short
from xpm_tui.domain.runs import UNKNOWN
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application.clients import links
    from xpm_tui.application.presenters import lookup
    from xpm_tui.application.runs import consequences, history, open_intents, runner
    from xpm_tui.application.team import members
    from xpm_tui.diagnostics import error_presenter, known_problems
    from xpm_tui.sync import journal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.application.runs.history import WrittenValueView
    from xpm_tui.application.runs.open_intents import HeldWrite
    from xpm_tui.domain.runs import Run


class ReleaseRun(msgspec.Struct, frozen=True):
    """Parameters of ``runs release``."""

    run: Annotated[str, argument("The run; by default the one that is held.", "[RUN]", completes="run")] = ""
    adopt: Annotated[
        tuple[str, ...],
        option("Accept this XPM record as the one that was created; without a UUID, the only candidate.",
               "INTENT=UUID"),
    ] = ()  # fmt: skip
    again: Annotated[tuple[str, ...], option("XPM did not create it: send it again.", "INTENT")] = ()
    drop: Annotated[tuple[str, ...], option("Do not send it again.", "INTENT")] = ()
    detach: Detach = False


class ResumeRun(msgspec.Struct, frozen=True):
    """Parameters of ``runs resume``."""

    detach: Detach = False


async def release_run(practice: OpenPractice, params: ReleaseRun, dialogue: Dialogue) -> Result:
    """Get the decisions that only a user can make, then continue the held run."""
    zone = practice.time_zone()
    run = _held_run(practice, params.run)
    waiting = await open_intents.look_up(practice) if open_intents.list_held_writes(practice) else []
    decisions = option_decisions(waiting, adopt=params.adopt, again=params.again, drop=params.drop)
    for held in waiting:
        if held.intent not in decisions and dialogue.interactive:
            decision = await ask_decision(held, dialogue, zone)
            if decision is not None:
                decisions[held.intent] = decision
    settled = [open_intents.decide(practice, decision) for decision in decisions.values()]
    lines = [
        f"{held.name}: {labels.DECISIONS[decision.choice].reason}."
        for decision, held in zip(decisions.values(), settled, strict=True)
    ]
    left = open_intents.list_held_writes(practice)
    data: dict[str, Any] = {"settled": len(settled)}
    if left:
        return Result(
            data=data,
            items=[to_plain(held) for held in left],
            lines=[*lines, *(line for held in left for line in held_write_lines(held, zone))],
            error=still_undecided(left),
        )
    for held in settled:
        if decisions[held.intent].choice == "again" and "/" not in held.record:
            lines.append(await _create_again(practice, held))
    if run is None or run.id not in {each.id for each in history.list_held_runs(practice.snapshot())}:
        if not settled:
            return await _release(practice, params.run or "last", dialogue, detach=params.detach)
        return Result(data=data, items=[], lines=[*lines, "The next sync completes it: xpm-tui sync"])
    for line in lines:
        dialogue.say(line)
    guard = [stop for stop in run.stops if stop.rule != UNKNOWN]
    again = "The run is planned again, and continues only if none of the guard's counts has grown."
    question = Question(
        f"Release run {run.id}?", [*run_lines(run), *_remaining_lines(practice, run), again], button="Release"
    )
    if (guard or not settled) and not await confirm_call(dialogue, question):
        return Result(data=to_plain(run), lines=["The run is still held."], declined=True)
    return await _release(practice, run.id, dialogue, detach=params.detach)


def _held_run(practice: OpenPractice, run_id: str) -> Run | None:
    """Return the run to release; None if none is held and none was named."""
    if run_id:
        return history.find_run(practice, run_id)
    found = next(iter(history.list_held_runs(practice.snapshot())), None)
    if found is None and not open_intents.list_held_writes(practice):
        raise BadInput("Nothing is held.", hint="`xpm-tui runs list` shows how the last runs ended.")
    return found


async def _release(practice: OpenPractice, run_id: str, dialogue: Dialogue, *, detach: bool) -> Result:
    if detach:
        return await start_detached(practice, ("runs", "release"), [history.find_run(practice, run_id).id])
    async with following(practice, dialogue) as report:
        run = await runner.release(practice, run_id, report=report)
    return run_result(run)


async def _create_again(practice: OpenPractice, held: HeldWrite) -> str:
    """Create a record in XPM again, as the user decided."""
    if held.kind == journal.ADD_STAFF:
        phone, mobile = (str(held.sent.get(field) or "") for field in ("phone", "mobile"))
        person = await members.create_in_xpm(practice, held.record, phone=phone, mobile=mobile)
        return f"{held.name} was added to XPM's staff: {person.staff.uuid}."

    made = await links.create_in_xpm(practice, held.record)
    return f"{held.name} was created in XPM: {made.xpm.number or made.xpm.uuid}."


class ListRuns(msgspec.Struct, frozen=True):
    """Parameters of ``runs list``."""

    limit: Limit = 50


class ShowRun(msgspec.Struct, frozen=True):
    """Parameters of ``runs show``."""

    run: RunId = "last"


class StopRun(msgspec.Struct, frozen=True):
    """Parameters of ``runs stop``."""

    run: Annotated[str, argument("The run; by default the one in progress.", "RUN", completes="run")] = ""


async def list_runs(practice: OpenPractice, params: ListRuns, dialogue: Dialogue) -> Result:
    """List runs, newest first."""
    zone = practice.time_zone()
    found = history.list_runs(practice)
    columns = (
        TextColumn("RUN", whole=True),
        TextColumn("OUTCOME", whole=True),
        TextColumn("STARTED", whole=True),
        TextColumn("BY"),
        TextColumn("TRIGGER"),
        TextColumn("STEPS", right=True),
        TextColumn("CALLS", right=True),
    )
    rows = (
        (
            r.id,
            labels.RUN_OUTCOMES[r.outcome].text,
            when_short(r.started, zone),
            r.by,
            labels.TRIGGERS[r.trigger].text,
            f"{r.done:,}/{r.total:,}",
            f"{r.calls:,}",
        )
        for r in found
    )
    table = TextTable(columns, rows, "No runs yet.")
    return table_result(found, table, count=len(found), most=params.limit)


async def show_run(practice: OpenPractice, params: ShowRun, dialogue: Dialogue) -> Result:
    """Show one run in full, with what to do about the reason for its end."""
    run, zone = history.find_run(practice, params.run), practice.time_zone()
    lines = run_lines(run) + listing(
        {
            "Started": f"{when(run.started, zone)} by {run.by} on {run.host}",
            "Ended": when(run.ended, zone),
            "Plan": run.plan,
            "Direction": f"{labels.DIRECTIONS[run.direction].text}, {labels.LEVELS[run.level].text}",
            "Why": run.error,
        }
    )
    if run.consequences is not None:
        lines += ["Expected before the first write:", *(f"  {line}" for line in described(run.consequences))]
    snapshot = practice.snapshot()
    about = "" if any(stop.rule == UNKNOWN for stop in run.stops) else run.id
    going = {each.id for each in history.in_progress(practice)}
    left = open_intents.open_writes(snapshot, run=about, going=going)
    if left:
        lines.append("Without an answer from XPM:")
    for each in left:
        lines += [f"  {each.intent}  {each.message}", f"      decide: {each.decision}"]
    found = known_problems.find_problem(run.case)
    written = list(history.written_values(practice, run.id))
    lines += error_presenter.problem_summary(found) if found is not None else ()
    lines += written_lines(written)
    data = {
        **to_plain(run),
        "open_writes": [to_plain(each) for each in left],
        "written": [to_plain(each) for each in written],
    }
    return Result(data=data, lines=lines)


def written_lines(written: Sequence[WrittenValueView]) -> list[str]:
    """Return the values that a run wrote as lines: for each client its fields, old and new."""
    lines: list[str] = []
    client = ""
    for each in written:
        owner = each.record.partition("/")[0]
        if owner != client:
            client = owner
            known = (each.client_id or client, f"XPM {each.number}" if each.number else "")
            lines.append(f"{each.name or client} ({', '.join(filter(None, known))})")
        side = labels.SIDES[each.side].text
        what = f"{each.label} ({each.contact})" if each.contact else each.label
        lines.append(f"  {what} in {side}: {arrow(each.old_shown, each.new_shown)}")
    return ["Written, client by client:", *(f"  {line}" for line in lines)] if lines else []


async def stop_run(practice: OpenPractice, params: StopRun, dialogue: Dialogue) -> Result:
    """Stop a run, which then makes no further call."""
    asked = history.active_run(practice, params.run)
    question = Question(
        f"Stop run {asked.id}?", _stop_lines(asked, practice), button="Stop the run", keyed=True
    )
    if not await confirm_call(dialogue, question):
        return Result(data=to_plain(asked), lines=["The run continues."], declined=True)
    run = history.request_stop(practice, asked.id)
    return Result(data=to_plain(run), lines=[f"Run {run.id} stops now: nothing more is sent."])


_LOOKED_UP = "What it had sent is looked up first, then it continues where it stopped."


def _remaining_lines(practice: OpenPractice, run: Run) -> list[str]:
    """Return what is left of a run, computed from the data stored here."""
    found = consequences.remaining_consequences(practice, run)
    if found is None:
        return []
    if not found.changes:
        return ["According to the data stored here, nothing is left to change."]
    return ["What is left, according to the data stored here:", *(f"  {line}" for line in described(found))]


def _stop_lines(run: Run, practice: OpenPractice) -> list[str]:
    """Return what stopping a run would leave, with current numbers."""
    nouns = ("job", "client")
    total = max(run.total, run.done)
    done = f"{run.done:,} of {count(total, nouns[run.kind != 'deploy'])} done so far: these changes stay."
    lines = [done if run.done else "Nothing is done so far."]
    if run.consequences is not None and (left := run.consequences.calls - run.calls) > 0:
        planned = count(run.consequences.calls, "call")
        lines.append(f"{left:,} of about {planned} {plural(left, 'is/are')} not made yet.")
    lines.append("Nothing more is sent. If a call is in progress, xpm-tui still waits for its answer.")
    how = (
        "Press t in Jobs to continue it."
        if run.kind == "deploy"
        else "To resume it, press a in its log, or run: xpm-tui runs resume"
    )
    return [*lines, how]


async def resume_run(practice: OpenPractice, params: ResumeRun, dialogue: Dialogue) -> Result:
    """Complete what an interrupted run left."""
    if runner.unfinished_run(practice) is None:
        text = "There is nothing to resume: no run was stopped or interrupted."
        return Result(data={"resumed": False, "message": text}, lines=[text])
    run = history.newest_sync(practice.snapshot())
    lines = run_lines(run) if run is not None else []
    name = f"run {run.id}" if run is not None else "the last run"
    question = Question(
        f"Resume {name}?",
        [*lines, *(_remaining_lines(practice, run) if run is not None else ()), _LOOKED_UP],
        button="Resume",
        keyed=True,
    )
    if not await confirm_call(dialogue, question):
        data = to_plain(run) if run is not None else {}
        return Result(data=data, lines=["Nothing was changed."], declined=True)
    if params.detach:
        return await start_detached(practice, ("runs", "resume"))
    async with following(practice, dialogue) as report:
        run = await runner.resume(practice, report=report)
    return run_result(run)


class RetryRecords(msgspec.Struct, frozen=True):
    """Parameters of ``runs retry``."""

    run: RunId = "last"
    client: Annotated[str, option("Only failed records of this client.", "CLIENT", completes="client")] = ""
    cause: Annotated[str, option("Only records that failed with these words in the cause.", "WORDS")] = ""
    list: Annotated[bool, option("Show what failed and why, and retry nothing.")] = False


async def retry(practice: OpenPractice, params: RetryRecords, dialogue: Dialogue) -> Result:
    """List the records that failed in a run, or retry them."""
    found = runner.failures(practice, params.run)
    if params.list:
        return Result(
            items=[to_plain(failure) for failure in found],
            table=TextTable(
                (TextColumn("CLIENT", whole=True), TextColumn("NAME", name=True), TextColumn("CAUSE")),
                [(failure.client, failure.name, failure.cause) for failure in found],
                empty="No record failed in this run.",
            ),
        )
    client = lookup.find_client(practice.snapshot(), params.client).id if params.client else ""
    left = runner.select_failures(found, client=client, cause=params.cause)
    for failure in left:
        dialogue.say(f"Retrying: {failure.sentence}")
    async with following(practice, dialogue) as report:
        run = await runner.retry(practice, left, report=report)
    return run_result(run)


COMMANDS = (
    Command(
        name="runs.list",
        title="List runs",
        help="List the runs of the practice, newest first.",
        params=ListRuns,
        run=list_runs,
        effect=Effect.LOOKS,
        example="xpm-tui runs list",
        default=True,
    ),
    Command(
        name="runs.show",
        title="Show a run",
        help="Show one run: its outcome, its counts, each value it wrote (old and new, client by client), "
        "what the guard reported, and why it failed.",
        params=ShowRun,
        run=show_run,
        effect=Effect.LOOKS,
        example="xpm-tui runs show last",
    ),
    Command(
        name="runs.stop",
        title="Stop the run",
        help=(
            "Stop the current run immediately: no further call is made. Changes that were already applied "
            "stay, and the run can be resumed."
        ),
        params=StopRun,
        run=stop_run,
        example="xpm-tui runs stop",
        key="x",
        where=("sync",),
        footer="Stop",
        effect=Effect.WRITES_HERE,
        why_not=require_running,
    ),
    Command(
        name="runs.resume",
        title="Resume an interrupted run",
        help="Find out what a stopped or interrupted run did not complete, and complete it.",
        params=ResumeRun,
        run=resume_run,
        example="xpm-tui runs resume",
        effect=Effect.WRITES_XPM,
        streams=True,
        why_not=first_reason(require_connection, require_idle),
    ),
    Command(
        name="runs.release",
        title="Release a held run",
        help="Decide what happened to writes that XPM never answered (adopt, send again, or drop), then "
        "plan the held run again and continue, provided that no count of the guard has grown.",
        params=ReleaseRun,
        run=release_run,
        key="a",
        where=("sync",),
        example="xpm-tui runs release r12\nxpm-tui runs release --adopt i9=UUID --drop i10",
        effect=Effect.WRITES_XPM,
        streams=True,
        why_not=first_reason(require_connection, require_idle),
    ),
    Command(
        name="runs.retry",
        title="Retry what XPM refused",
        help="Retry the records that failed in a run: all of them, those of one client, or all with one "
        "cause.",
        params=RetryRecords,
        run=retry,
        example='xpm-tui runs retry last --cause "Invalid"',
        effect=PerCall(lambda params: Effect.LOOKS if params.list else Effect.WRITES_XPM, Effect.WRITES_XPM),
        streams=True,
        why_not=first_reason(require_connection, require_idle),
    ),
)  # fmt: skip
