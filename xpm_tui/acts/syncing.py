"""Sync: a plan applied, followed line by line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from xpm_tui.acts.act import Act, Result, Talk
from xpm_tui.acts.params import option
from xpm_tui.acts.planning import change_lines, changes_of, summary
from xpm_tui.acts.situation import connected, first, idle, on_linked
from xpm_tui.acts.words import count, plain
from xpm_tui.model.errors import NeedsPerson, Trouble

if TYPE_CHECKING:
    from xpm_tui.events.reading import Tail
    from xpm_tui.events.sentences import Names
    from xpm_tui.model.events import Event
    from xpm_tui.model.runs import Run
    from xpm_tui.service.practice import OpenPractice

_POLL = 0.2
"""Seconds between two looks at the log."""


class Sync(msgspec.Struct, frozen=True):
    """Parameters of ``sync``."""

    plan: Annotated[str, option("Apply this plan, which counts as reviewed.", "PLAN", completes="plan")] = ""
    full: Annotated[bool, option("Read everything again and compare all, not only what changed.")] = False
    yes: Annotated[bool, option("Do not ask; the guard still stops what is too much.")] = False
    client: Annotated[str, option("Sync this client alone.", "CLIENT", completes="client")] = ""
    if_due: Annotated[bool, option("Only if the daily run is due; for timers.")] = False
    detach: Annotated[bool, option("Start the run as a process of its own and return at once.")] = False


async def sync(practice: OpenPractice, params: Sync, talk: Talk) -> Result:
    """Plan, show, ask where somebody sits, apply."""
    from xpm_tui.service import detach, plans, runner
    from xpm_tui.service.clients import find_client

    practice.writable()
    if params.if_due:
        return await _if_due(practice, talk)
    practice.connected()
    only = find_client(practice.snapshot(), params.client).id if params.client else ""
    plan_id = plans.load(practice, params.plan)[0].id if params.plan else ""
    if talk.interactive and not params.yes and not plan_id:
        plan = await plans.make(practice, full=params.full, only=only)
        made, waiting = changes_of(practice, plans.load(practice, plan.id)[1])
        for line in change_lines(made[:20]):
            talk.say(line)
        if len(made) > 20:
            talk.say(f"  and {len(made) - 20:,} more: xpm-tui plan export {plan.id}")
        for line in summary(plan, made, waiting):
            talk.say(line)
        if made and not await talk.confirm("Apply it?"):
            told = f"Nothing was changed. The plan is kept: xpm-tui sync --plan {plan.id}"
            return Result(data={"plan": plan.id, "applied": False}, lines=[told])
        plan_id = plan.id
    if params.detach:
        extra = [*(["--full"] if params.full else []), *(["--client", only] if only else [])]
        detached = detach.detach(practice, plan_id=plan_id, extra=extra)
        run = await detach.wait_for_run(practice, detached)
        told = f"Run {run.id} goes on by itself (process {detached.pid}). Follow it: xpm-tui log --follow"
        return Result(data={**plain(run), "pid": detached.pid}, lines=[told])
    async with following(practice, talk):
        run = await runner.run(practice, plan_id=plan_id, full=params.full, only=only)
    return run_result(run)


async def _if_due(practice: OpenPractice, talk: Talk) -> Result:
    """The daily run: made, or left for a reason that is told."""
    from xpm_tui.service.scheduled import WORDS, run_if_due

    async with following(practice, talk):
        due, run = await run_if_due(practice)
    if run is None or run.outcome == "skipped":
        told = WORDS.get(due.why, due.why)
        return Result(data={"outcome": "skipped", "why": due.why, "message": told}, lines=[told])
    return run_result(run)


def run_result(run: Run) -> Result:
    """A run that has ended, with its exit code and why it did not go to the end."""
    from xpm_tui.service import runner

    return Result(data=plain(run), lines=told(run), trouble=_trouble(run, runner.exit_code(run)))


def told(run: Run) -> list[str]:
    """A run in a line, and a line for each stop."""
    counts = ", ".join(f"{name} {number:,}" for name, number in sorted(run.counts.items()) if number)
    head = (
        f"Run {run.id}: {run.outcome}, {run.done:,} of {count(run.total, 'step')}, {count(run.calls, 'call')}"
    )
    lines = [head + (f" ({counts})" if counts else "") + "."]
    return lines + [f"  stopped by {stop.rule}: {stop.sentence}" for stop in run.stops]


def _trouble(run: Run, code: int) -> Trouble | None:
    if code == 0:
        return None
    if run.outcome == "held":
        why = " ".join(stop.sentence for stop in run.stops) or run.error or "A person has to decide."
        trouble: Trouble = NeedsPerson(
            f"Run {run.id} is held. {why}",
            hint=f"Look at the plan, then: xpm-tui runs release {run.id}",
        )
    else:
        sentences = {
            "partial": f"Run {run.id} is done in part: some records failed.",
            "stopped": f"Run {run.id} was stopped; the next sync goes on where it was.",
            "interrupted": f"Run {run.id} was cut off.",
        }
        trouble = Trouble(
            run.error or sentences.get(run.outcome, f"Run {run.id} ended as {run.outcome}."),
            hint=f"What happened is in: xpm-tui log --run {run.id}",
        )
        trouble.code = run.outcome
    trouble.exit_code = code
    return trouble


def event_data(event: Event, names: Names) -> dict[str, Any]:
    """An event as JSON: all its fields, and ``sentence``."""
    from xpm_tui.events.sentences import sentence

    return {**plain(event), "sentence": sentence(event, names)}


def event_line(event: Event, names: Names) -> str:
    """An event as a line of the log: time, level where it matters, run, sentence."""
    from xpm_tui.events.sentences import sentence

    at = event.at.astimezone().strftime("%m-%d %H:%M:%S") if event.at else ""
    level = event.level if event.level in ("warning", "error") else ""
    return " ".join(filter(None, (at, event.run, level.upper(), sentence(event, names))))


@asynccontextmanager
async def following(practice: OpenPractice, talk: Talk) -> AsyncIterator[None]:
    """Pass the events that come meanwhile on to ``talk``, to the last one."""
    from xpm_tui.service.names import names as names_of

    tail = practice.events.tail()
    task = asyncio.create_task(_follow(practice, tail, talk))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        _pass_on(tail, talk, names_of(practice))


async def _follow(practice: OpenPractice, tail: Tail, talk: Talk) -> None:
    from xpm_tui.service.names import names as names_of

    names = names_of(practice)
    while True:
        _pass_on(tail, talk, names)
        await practice.clock.sleep(_POLL)


def _pass_on(tail: Tail, talk: Talk, names: Names) -> None:
    for event in tail.poll():
        talk.emit(event_data(event, names), event_line(event, names))


ACTS = (
    Act(
        name="sync",
        title="Sync now",
        help="Bring both sides together in the direction and at the level that the settings say. On a "
        "terminal the plan is shown first; else it is applied as far as the guard allows. Events stream.",
        params=Sync,
        run=sync,
        verb=("sync",),
        example="xpm-tui sync --json",
        key="s",
        where=("sync", "overview"),
        footer="Sync",
        writes=True,
        streams=True,
        outlives=True,
        why_not=first(connected, idle),
    ),
    Act(
        name="clients.sync",
        title="Sync this client",
        help="Plan and apply one client alone.",
        params=Sync,
        run=sync,
        key="s",
        where=("clients",),
        footer="Sync this",
        writes=True,
        streams=True,
        why_not=first(on_linked, connected, idle),
    ),
)  # fmt: skip
