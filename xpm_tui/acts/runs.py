"""Runs: what was done, what goes on, and what is held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from xpm_tui.acts.act import Act, Column, NoParams, Result, Table, Talk
from xpm_tui.acts.consequences import lines as described
from xpm_tui.acts.effects import Effect
from xpm_tui.acts.following import following
from xpm_tui.acts.params import argument, option
from xpm_tui.acts.releasing import ACTS as RELEASING
from xpm_tui.acts.situation import connected, first, idle, running
from xpm_tui.acts.syncing import run_result, told
from xpm_tui.acts.words import listed, plain
from xpm_tui.model import labels
from xpm_tui.model.formatting import listing, when, when_short

if TYPE_CHECKING:
    from xpm_tui.service.practice import OpenPractice

RunId = Annotated[str, argument("The run: its id, or 'last'.", "RUN", completes="run")]


class ListRuns(msgspec.Struct, frozen=True):
    """Parameters of ``runs list``."""

    limit: Annotated[int, option("At most so many, newest first; 0: all.", "N")] = 50


class ShowRun(msgspec.Struct, frozen=True):
    """Parameters of ``runs show``."""

    run: RunId = "last"


class StopRun(msgspec.Struct, frozen=True):
    """Parameters of ``runs stop``."""

    run: Annotated[str, argument("The run; left out: the one that is going on.", "RUN", completes="run")] = ""


async def list_runs(practice: OpenPractice, params: ListRuns, talk: Talk) -> Result:
    """Newest first."""
    from xpm_tui.service.runs import history as runs
    from xpm_tui.service.runs.due import time_zone

    zone = time_zone(practice)
    found = runs.list_runs(practice, params.limit)
    columns = (Column("RUN", whole=True), Column("OUTCOME", whole=True), Column("STARTED", whole=True),
               Column("BY"), Column("TRIGGER"), Column("STEPS", right=True),
               Column("CALLS", right=True))  # fmt: skip
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
    return listed(found, Table(columns, rows, "No run yet."), count=len(found))


async def show_run(practice: OpenPractice, params: ShowRun, talk: Talk) -> Result:
    """One run whole, with the way out of what ended it."""
    from xpm_tui.diagnose.cases.book_of_cases import case
    from xpm_tui.diagnose.trouble_view import in_short
    from xpm_tui.service.runs import history as runs
    from xpm_tui.service.runs.due import time_zone

    run, zone = runs.show(practice, params.run), time_zone(practice)
    lines = told(run) + listing(
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
    found = case(run.case)
    lines += in_short(found) if found is not None else ()
    return Result(data=plain(run), lines=lines)


async def stop_run(practice: OpenPractice, params: StopRun, talk: Talk) -> Result:
    """Leave a request; the run stops after its current step."""
    from xpm_tui.service.runs import history as runs

    run = runs.request_stop(practice, params.run)
    return Result(data=plain(run), lines=[f"Run {run.id} stops after its current step."])


async def resume_run(practice: OpenPractice, params: NoParams, talk: Talk) -> Result:
    """Resolve what a cut-off run left, and go on."""
    from xpm_tui.service.runs import runner

    async with following(practice, talk):
        run = await runner.resume(practice)
    return run_result(run)


ACTS = (
    Act(
        name="runs.list",
        title="List the runs",
        help="List the runs of the practice, newest first.",
        params=ListRuns,
        run=list_runs,
        effect=Effect.LOOKS,
        verb=("runs", "list"),
        example="xpm-tui runs list",
        default=True,
    ),
    Act(
        name="runs.show",
        title="Show one run",
        help="Show one run: outcome, counts, what the guard said, why it failed.",
        params=ShowRun,
        run=show_run,
        effect=Effect.LOOKS,
        verb=("runs", "show"),
        example="xpm-tui runs show last",
    ),
    Act(
        name="runs.stop",
        title="Stop the run after its current step",
        help="Ask the run that is going on to stop after its current step. What is done stays done.",
        params=StopRun,
        run=stop_run,
        verb=("runs", "stop"),
        example="xpm-tui runs stop",
        key="x",
        where=("sync",),
        footer="Stop",
        effect=Effect.WRITES_HERE,
        why_not=running,
    ),
    Act(
        name="runs.resume",
        title="Resume a run that was cut off",
        help="Find out what a stopped or cut-off run left undone, and finish it.",
        params=NoParams,
        run=resume_run,
        verb=("runs", "resume"),
        example="xpm-tui runs resume",
        effect=Effect.WRITES_XPM,
        streams=True,
        why_not=first(connected, idle),
    ),
    *RELEASING,
)  # fmt: skip
