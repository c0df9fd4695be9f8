"""Making runs: one at a time, in this process, under the run lock.

A run that was killed before leaves "running" rows and journal entries; the next one resolves them first.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Collection
from typing import TypedDict

from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.progress import Report, silent
from xpm_tui.application.runs.history import Stopper, end_dead, is_immediate, is_sync, list_runs, show
from xpm_tui.application.runs.history import held as held_runs
from xpm_tui.application.runs.sync_run import UNFINISHED, RunRequest, RunWork
from xpm_tui.application.runs.sync_run import exit_code as exit_code
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.events import Event
from xpm_tui.domain.ports import Put
from xpm_tui.domain.runs import Kind, Run, Trigger
from xpm_tui.domain.tables import INTENTS, PLANS, RUNS
from xpm_tui.log.writer import during
from xpm_tui.sync.planning.guard import refuse_if_outdated


async def run(
    practice: OpenPractice,
    *,
    plan_id: str = "",
    full: bool = False,
    reviewed: bool = False,
    trigger: Trigger = "hand",
    only: Collection[str] | str = "",
    fields: Collection[str] = (),
    held: Run | None = None,
    report: Report = silent,
) -> Run:
    """Make one run in this process and give what became of it.

    ``plan_id`` applies that plan, which counts as reviewed; ``reviewed`` says that a person said yes to what
    this run will plan. ``held`` is a held run that a person released. Raises ``Busy`` while another run goes
    on, ``LoginNeeded`` before connecting; what ends the run early is kept with it and raised.
    """
    chosen = only if isinstance(only, str) else " ".join(only)
    asked = RunRequest(plan_id, full, reviewed, chosen, tuple(fields), held)

    def work(row: Run, stop: Stopper) -> RunWork:
        return RunWork(practice, practice.connected(), row, asked, report=report, stop=stop)

    return await under_lock(
        practice, work, trigger=trigger, plan_id=plan_id, only=asked.only, fields=asked.fields
    )


async def under_lock(
    practice: OpenPractice,
    work_for: Callable[[Run, Stopper], RunWork],
    *,
    trigger: Trigger,
    plan_id: str = "",
    kind: Kind = "",
    only: str = "",
    fields: tuple[str, ...] = (),
) -> Run:
    """Do one run's work from its row in the book to its end, with the run lock held.

    Raises ``Busy`` while another run goes on and ``LoginNeeded`` before connecting.
    """
    practice.writable()
    practice.connected()
    lock = practice.lock("sync")
    lock.acquire()
    try:
        end_dead(practice)
        (run_id,) = practice.ids.new("r")
        row = Run(
            id=run_id,
            started=practice.clock.now(),
            by=practice.person,
            host=socket.gethostname(),
            pid=os.getpid(),
            kind=kind,
            plan=plan_id,
            trigger=trigger,
            direction=practice.policy().direction,
            level=practice.policy().level,
            only=only,
            fields=fields,
        )
        practice.book.commit([Put(RUNS, row)])
        work = work_for(row, Stopper(practice, run_id))
        with during(run_id), work.stop.listening():
            practice.events.emit(Event(key="run.started", numbers={"trigger": trigger}))
            return await work.through()
    finally:
        lock.close()


def unfinished(practice: OpenPractice) -> Run | None:
    """The last run, where it left something to resume."""
    last = next((run for run in list_runs(practice) if is_sync(run) and not _never_sent(practice, run)), None)
    return last if last is not None and last.outcome in (*UNFINISHED, "running") else None


async def resume(practice: OpenPractice, *, report: Report = silent) -> Run:
    """Finish what the last run left: raises ``BadInput`` where it left nothing."""
    last = unfinished(practice)
    if last is None:
        raise BadInput(
            "The last run is complete: there is nothing to resume.", hint="Sync again: xpm-tui sync"
        )
    again = _again(practice, last)
    return await run(practice, trigger="resume", report=report, **again)


async def release(practice: OpenPractice, run_id: str, *, report: Report = silent) -> Run:
    """Let a held run go on: it is planned again, and goes on if no count of the guard has grown.

    Raises ``NotFound``, ``BadInput`` for a run that is not held or no longer the last one, and
    ``PlanRefused`` where direction, level, fields, practice or permissions changed since.
    """
    waiting = show(practice, run_id)
    if waiting.id not in {run.id for run in held_runs(practice.snapshot())}:
        raise BadInput(
            f"Run {waiting.id} is not held (it is {waiting.outcome}), or another run has ended since then.",
            hint="`xpm-tui runs list` shows which run is held.",
        )
    plan, identity = practice.snapshot().get(PLANS, waiting.plan), practice.connected()
    if plan is not None:
        # What was held one way is no yes to the other.
        refuse_if_outdated(plan, practice.policy(), identity.tenant, identity.scopes)
    again = _again(practice, waiting)
    practice.events.emit(Event(key="run.released", numbers={"held": waiting.id}))
    return await run(practice, trigger="release", held=waiting, report=report, **again)


def _never_sent(practice: OpenPractice, run: Run) -> bool:
    """Whether it is a creation that was killed before it sent anything: of nobody would mean of everybody."""
    killed = is_immediate(run) and run.outcome in ("running", "interrupted")
    return killed and not practice.snapshot().find(INTENTS, "run", run.id)


class _RepeatedRun(TypedDict, total=False):
    plan_id: str
    only: str
    fields: Collection[str]


def _again(practice: OpenPractice, before: Run) -> _RepeatedRun:
    """Return the scope of an earlier run, so that resuming it reaches no further.

    The scope is its clients and fields, or what its undo has not undone yet.

    Raises:
        BadInput: The run is an undo that was completed.
    """
    snapshot = practice.snapshot()
    if is_immediate(before):
        made = {intent.record.partition("/")[0] for intent in snapshot.find(INTENTS, "run", before.id)}
        return {"only": " ".join(sorted(made))}
    plan = snapshot.get(PLANS, before.plan) if before.plan else None
    if plan is None or not plan.undo_of:
        return {"only": before.only, "fields": before.fields}
    if plan.state != "draft":
        raise BadInput(
            f"Run {before.id} undid run {plan.undo_of} as far as possible.",
            hint=f"Undo what is left: xpm-tui undo {plan.undo_of}",
        )
    return {"plan_id": plan.id}
