"""Commands that sync, with the results of runs and the decisions on writes that XPM never answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec.structs import replace

from xpm_tui.commands.command import (
    Command,
    Dialogue,
    DryRun,
    Result,
    first_reason,
    on_linked,
    option,
    require_connection,
    require_idle,
)
from xpm_tui.commands.consequences import DIFFERENCES_SHOWN, action, difference_lines, one_line, question
from xpm_tui.commands.consequences import lines as described
from xpm_tui.commands.effects import Effect, Question, confirm_call, effect_or_dry_run
from xpm_tui.commands.log import following
from xpm_tui.commands.plans import MakePlan, change_lines, changes_of, make_plan, plan_result, summary
from xpm_tui.commands.tables import to_plain
from xpm_tui.domain import labels
from xpm_tui.domain.errors import AppError, BadInput, CaseId, DecisionNeeded, NotFound, StoreChanged
from xpm_tui.domain.formatting import count, value, when
from xpm_tui.domain.runs import UNKNOWN
from xpm_tui.domain.tables import CLIENTS
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application import scheduled_run
    from xpm_tui.application.presenters import lookup, presenter
    from xpm_tui.application.runs import consequences, history, open_intents, plans
    from xpm_tui.application.runs import runner as background
    from xpm_tui.diagnostics import findings

if TYPE_CHECKING:
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.application.runs.open_intents import Decision, HeldWrite
    from xpm_tui.domain.plan import Plan, PlannedRecord
    from xpm_tui.domain.runs import Run
    from xpm_tui.sync.applying.recovery import Choice


Detach = Annotated[bool, option("Start the sync in a separate process and return immediately.")]


class Sync(msgspec.Struct, frozen=True):
    """Parameters of ``sync``."""

    plan: Annotated[str, option("Apply this plan, which you have reviewed.", "PLAN", completes="plan")] = ""
    full: Annotated[
        bool, option("Read everything again and compare all records, not only those that changed.")
    ] = False
    yes: Annotated[bool, option("Do not ask; the guard still stops a sync that would change too much.")] = (
        False
    )
    client: Annotated[str, option("Sync only this client.", "CLIENT", completes="client")] = ""
    dry_run: DryRun = False
    if_due: Annotated[bool, option("Only if the daily sync is due; for timers.")] = False
    detach: Detach = False


async def sync(practice: OpenPractice, params: Sync, dialogue: Dialogue) -> Result:
    """Make a plan, show it, ask on a terminal, and apply it."""
    if params.client and (params.plan or params.if_due):
        other = "--plan" if params.plan else "--if-due"
        raise BadInput(
            f"{other} and --client cannot be combined: {other} applies to all clients of the plan.",
            hint="Plan the one client: xpm-tui plan --client CLIENT, then: xpm-tui sync --plan last",
        )
    if params.plan and params.if_due:
        raise BadInput("--if-due makes its own plan, so it cannot be combined with --plan.")
    if params.dry_run:
        return await _dry_run(practice, params, dialogue)
    if params.if_due:
        return await _if_due(practice, dialogue)
    practice.connected()
    only = lookup.find_client(practice.snapshot(), params.client).id if params.client else ""
    plan_id = plans.load(practice, params.plan)[0].id if params.plan else ""
    if dialogue.interactive and not params.yes and not plan_id:
        async with following(practice, dialogue, events=False) as report:
            plan = await plans.make(practice, full=params.full, only=only, report=report)
        records = plans.load(practice, plan.id)[1]
        made, _ = changes_of(practice, records)
        found = consequences.consequences(practice, plan, records)
        lines = list(change_lines(made[:20]))
        if len(made) > 20:
            lines.append(f"  and {len(made) - 20:,} more: xpm-tui plan export {plan.id}")
        lines += summary(plan, made, found, clients=practice.snapshot().count(CLIENTS))
        lines += difference_lines(lookup.plan_differences(practice, plan), DIFFERENCES_SHOWN)
        lines += presenter.set_aside_lines(plans.set_aside_of(practice.snapshot(), plan))
        lines += [f"  guard: {stop}" for stop in plans.guard_stops(practice, plan, records, applying=True)]
        if not made:
            for line in lines:
                dialogue.say(line)
        elif not await confirm_call(dialogue, Question(question(found), lines, button=action(found))):
            text = f"Nothing was changed. To apply the plan later: xpm-tui sync --plan {plan.id}"
            return Result(data={"plan": plan.id, "applied": False}, lines=[text], declined=True)
        else:
            _refuse_changed(practice, plan, records)
        plan_id = plan.id
    elif plan_id and dialogue.call.keyed and not await _confirm_plan(practice, plan_id, dialogue):
        return Result(data={"plan": plan_id, "applied": False}, lines=["Nothing was changed."], declined=True)
    if params.detach:
        extra = [*(["--full"] if params.full else []), *(["--client", only] if only and not plan_id else [])]
        return await start_detached(practice, extra=extra, plan_id=plan_id)
    async with following(practice, dialogue) as report:
        run = await background.run(practice, plan_id=plan_id, full=params.full, only=only, report=report)
    return run_result(run)


async def _dry_run(practice: OpenPractice, params: Sync, dialogue: Dialogue) -> Result:
    """Show the plan that a sync would apply, or the named one."""
    if params.if_due or params.detach:
        other = "--if-due" if params.if_due else "--detach"
        raise BadInput(f"--dry-run starts no sync, so it cannot be combined with {other}.")
    if params.plan:
        plan_id = plans.load(practice, params.plan)[0].id
        shown = plan_result(practice, plan_id, most=DIFFERENCES_SHOWN if dialogue.interactive else 0)
    else:
        shown = await make_plan(practice, MakePlan(full=params.full, client=params.client), dialogue)
    return replace(shown, data={**shown.data, "applied": False})


async def _confirm_plan(practice: OpenPractice, plan_id: str, dialogue: Dialogue) -> bool:
    """Ask whether to apply a reviewed plan.

    Raises:
        PlanRefused: The plan was made under other settings, for another practice or with other scopes.
        StoreChanged: The plan was changed while the user was asked.
    """
    plan, records = plans.load(practice, plan_id)
    plans.refuse_outdated(practice, plan)
    found = consequences.consequences(practice, plan, records)
    # The guard's findings: an answer overrides them, so they have to be shown first.
    stops = [f"■ {stop}" for stop in plans.guard_stops(practice, plan, records, applying=True)]
    asked = Question(question(found), [*described(found), *stops], button=action(found), keyed=True)
    if not await confirm_call(dialogue, asked):
        return False
    _refuse_changed(practice, plan, records)
    return True


def _refuse_changed(practice: OpenPractice, plan: Plan, records: list[PlannedRecord]) -> None:
    """Raise ``StoreChanged`` if someone ticked or unticked changes of a plan while the user was asked."""
    if plans.load(practice, plan.id) != (plan, records):
        text = f"Plan {plan.id} was changed while you were asked, so nothing was applied."
        raise StoreChanged(text, hint="Review it again.")


async def start_detached(
    practice: OpenPractice, verb: Sequence[str] = ("sync",), extra: Sequence[str] = (), plan_id: str = ""
) -> Result:
    """Start a verb that makes a run in a separate process, and report the run.

    ``detached`` in the data says that the run continues on its own.
    """
    begun = background.start_background_run(practice, plan_id=plan_id, extra=extra, verb=verb)
    run = await background.wait_for_run(practice, begun)
    text = f"Run {run.id} continues in the background (process {run.pid}). Follow it: xpm-tui log --follow"
    return Result(data={**to_plain(run), "pid": run.pid, "detached": True}, lines=[text])


async def _if_due(practice: OpenPractice, dialogue: Dialogue) -> Result:
    """Make the daily run, or skip it for a reason that is reported."""
    async with following(practice, dialogue) as report:
        due, run = await scheduled_run.run_if_due(practice, report=report)
    if run is None or run.outcome == "skipped":
        message = scheduled_run.WORDS.get(due.why, due.why)
        return Result(data={"outcome": "skipped", "why": due.why, "message": message}, lines=[message])
    return run_result(run)


def run_result(run: Run) -> Result:
    """Return the result of an ended run, with its exit code and why it did not complete."""
    return Result(data=to_plain(run), lines=run_lines(run), error=_error(run, background.exit_code(run)))


def run_lines(run: Run) -> list[str]:
    """Return a run as a line, with a line for each stop."""
    counts = ", ".join(history.run_counts(run))
    outcome = labels.RUN_OUTCOMES[run.outcome].inline
    steps = f"{run.done:,} of {count(run.total, 'job' if run.kind == 'deploy' else 'record')}"
    head = f"Run {run.id}: {outcome}, {steps}, {count(run.calls, 'call')}"
    lines = [head + (f" ({counts})" if counts else "") + "."]
    if run.consequences is not None:
        lines.append(f"  expected: {one_line(run.consequences)}")
    return lines + [
        f"  {'waits' if stop.rule == UNKNOWN else 'stopped'}: {stop.sentence}" for stop in run.stops
    ]


def _written_summary(run: Run) -> str:
    """Return what a run has written so far."""
    changes = run.counts.get("changes", 0)
    if not changes:
        return "changed nothing"
    return f"wrote {count(changes, 'change')} in {count(run.counts.get('records', 0), 'record')}"


def _error(run: Run, code: int) -> AppError | None:
    if code == 0:
        return None
    error: AppError
    if run.outcome == "held":
        guard = [stop.sentence for stop in run.stops if stop.rule != UNKNOWN]
        unknown = [stop.sentence for stop in run.stops if stop.rule == UNKNOWN]
        if unknown and not guard:
            # The run had begun to write: the open question is a write without an answer, not the plan.
            error = DecisionNeeded(
                f"Run {run.id} {_written_summary(run)}, and waits for your decision. {' '.join(unknown)}",
                hint=f"Look for it in XPM first. Then continue: xpm-tui runs release {run.id}",
            )
        else:
            why = " ".join((*guard, *unknown)) or run.error or "It needs your decision."
            error = DecisionNeeded(
                f"Run {run.id} is held. {why}",
                hint=f"Review the plan, then: xpm-tui runs release {run.id}",
            )
    elif run.outcome == "done":
        error = DecisionNeeded(
            run.error,
            hint="Values that could not be restored were frozen for their client. To change one "
            "yourself: xpm-tui clients edit",
        )
    else:
        sentences = {
            "partial": f"Run {run.id} is partly done: some records failed.",
            "stopped": f"Run {run.id} was stopped; the next sync continues where it stopped.",
            "interrupted": f"Run {run.id} was interrupted.",
        }
        sentence = sentences.get(
            run.outcome, f"Run {run.id} ended: {labels.RUN_OUTCOMES[run.outcome].inline}."
        )
        # The error of a stopped run only names the records that failed before.
        text = f"{sentence} {run.error}".strip() if run.outcome == "stopped" else run.error or sentence
        error = AppError(
            text,
            hint=f"See what happened: xpm-tui log --run {run.id}",
        )
        error.code = run.outcome
    error.exit_code = code
    error.case = findings.run_problem(run)
    error.logged = True  # the end of the run is already in the log
    return error


COMMANDS = (
    Command(
        name="sync",
        title="Sync now",
        help=(
            "Sync with your settings for the direction and what to sync. On a terminal, the plan is shown "
            "first; otherwise it is applied as far as the guard allows. Events are printed as they happen."
        ),
        params=Sync,
        run=sync,
        example="xpm-tui sync --json",
        key="s",
        where=("sync", "overview"),
        footer="Sync",
        effect=effect_or_dry_run(Effect.WRITES_XPM),
        streams=True,
        why_not=first_reason(require_connection, require_idle),
    ),
    Command(
        name="clients.sync",
        console_only=True,
        title="Sync this client",
        help="Plan and apply the changes of one client only.",
        params=Sync,
        run=sync,
        key="s",
        where=("clients",),
        footer="Sync this",
        effect=effect_or_dry_run(Effect.WRITES_XPM),
        streams=True,
        why_not=first_reason(on_linked, require_connection, require_idle),
    ),
)  # fmt: skip


_CHOICES: tuple[Choice, ...] = ("again", "drop")


def option_decisions(
    waiting: Sequence[HeldWrite], *, adopt: Sequence[str], again: Sequence[str], drop: Sequence[str]
) -> dict[str, Decision]:
    """Return the decisions in the options, by the id of the held write.

    Args:
        waiting: The writes that wait for a decision.
        adopt: ``INTENT=UUID``: XPM created this record; without a UUID, the only candidate.
        again: Ids of writes to send again.
        drop: Ids of writes not to send again.

    Raises:
        BadInput: There are two decisions for one write, or it is not clear which record it became.
        NotFound: There is no such held write.
    """
    there = {held.intent: held for held in waiting}
    pairs = (text.partition("=") for text in adopt)
    typed: list[tuple[str, Choice, str]] = [(name, "adopt", xpm) for name, _, xpm in pairs]
    typed += [(name, "again", "") for name in again]
    typed += [(name, "drop", "") for name in drop]
    found: dict[str, Decision] = {}
    for name, choice, xpm in typed:
        intent = name.strip()
        if intent in found:
            raise BadInput(
                f"There are two decisions for {intent}.", hint="Use one of --adopt, --again and --drop."
            )
        if intent not in there:
            raise NotFound(
                f"There is no held write with the id {intent}.", hint="See them: xpm-tui runs release"
            )
        found[intent] = decision_of(there[intent], choice, xpm.strip())
    return found


def decision_of(held: HeldWrite, choice: Choice, xpm: str) -> Decision:
    """Return one decision; a number selects a candidate, and without one the only candidate is used."""
    if choice != "adopt":
        return open_intents.Decision(held.intent, choice)
    at = int(xpm) if xpm.isdecimal() and len(xpm) < 4 else 0
    if 0 < at <= len(held.candidates):
        xpm = held.candidates[at - 1].uuid
    if not xpm and len(held.candidates) == 1:
        xpm = held.candidates[0].uuid
    if not xpm:
        raise BadInput(f"Name the XPM record that {held.intent} became.", hint=f"--adopt {held.intent}=UUID")
    return open_intents.Decision(held.intent, "adopt", xpm)


async def ask_decision(held: HeldWrite, dialogue: Dialogue, zone: tzinfo) -> Decision | None:
    """Show one held write and ask; None for an empty answer, which leaves it held."""
    for line in held_write_lines(held, zone):
        dialogue.say(line)
    adopt = "the number, UUID or web address of the record that it became" if held.candidates else "its UUID"
    while True:
        typed = await dialogue.line(
            f"Type {adopt}, 'again' to send it again, 'drop' not to send it again, or nothing to "
            "decide later:"
        )
        answer = (typed or "").strip()
        if not answer:
            return None
        for choice in _CHOICES:
            if answer.casefold() == choice:
                return decision_of(held, choice, "")
        if answer.isdecimal() and len(answer) < 4 and not 0 < int(answer) <= len(held.candidates):
            dialogue.say(f"There is no candidate {answer}.")
            continue
        return decision_of(held, "adopt", answer)


def held_write_lines(held: HeldWrite, zone: tzinfo) -> list[str]:
    """Return one held write as lines: what it was, what was sent, and its possible result."""
    sent = ", ".join(f"{field.replace('_', ' ')} {value(each)}" for field, each in held.sent.items())
    lines = [f"{held.intent}  {held.message}", f"    sent {when(held.sent_at, zone)}: {sent}"]
    for at, each in enumerate(held.candidates, 1):
        text = "  ".join(filter(None, (each.number, each.name, each.email)))
        lines.append(f"    {at}  {each.uuid}  {text}")
    return lines if held.candidates else [*lines, "    XPM has no new record that could be this one."]


def still_undecided(left: Sequence[HeldWrite]) -> DecisionNeeded:
    """Return the error for writes that still wait for a decision."""
    first = left[0].intent
    return DecisionNeeded(
        f"{count(len(left), 'write')} to XPM got no answer and need your decision.",
        hint=f"Look in XPM, then: xpm-tui runs release --adopt {first}=UUID, --again {first} or "
        f"--drop {first}",
        case=CaseId.HELD,
    )
