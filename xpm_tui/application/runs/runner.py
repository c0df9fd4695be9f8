"""Run syncs one at a time under the run lock: in this process, or in one that outlives the console.

A run that was killed leaves a row in the state "running" and entries in the journal, which the next run
resolves first. Records that XPM refused can be retried alone or together.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

import msgspec

import xpm_tui
from xpm_tui.application.home import Home
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.runs import history, plans, undo_plans
from xpm_tui.application.runs.history import (
    Stopper,
    end_dead,
    find_run,
    is_immediate,
    is_sync,
    list_runs,
    newest_sync,
    refuse_in_flight,
)
from xpm_tui.application.runs.history import list_held_runs as held_runs
from xpm_tui.application.runs.sync_run import UNFINISHED, RunRequest, RunWork
from xpm_tui.application.runs.sync_run import exit_code as exit_code
from xpm_tui.domain.errors import AppError, BadInput, Busy
from xpm_tui.domain.events import Event, Report, ignore_progress
from xpm_tui.domain.labels import RUN_OUTCOMES
from xpm_tui.domain.ports import Put
from xpm_tui.domain.runs import Kind, Run, Trigger
from xpm_tui.domain.tables import CLIENTS, INTENTS, PLANS, RUNS
from xpm_tui.lazy import lazy_imports
from xpm_tui.log.event_log import assign_to_run
from xpm_tui.sync.planning.guard import refuse_if_outdated

with lazy_imports():
    import socket


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
    report: Report = ignore_progress,
) -> Run:
    """Make one run in this process and return it.

    ``plan_id`` applies that plan, which counts as reviewed; ``reviewed`` says that the user has agreed to
    what this run will plan. ``held`` is a held run that a user released. Raises ``Busy`` while another run is
    in progress, and ``LoginNeeded`` for a practice that is not connected; an error that ends the run early is
    stored with it and raised.
    """
    clients = only if isinstance(only, str) else " ".join(only)
    request = RunRequest(plan_id, full, reviewed, clients, tuple(fields), held)

    def work_for(row: Run, stop: Stopper) -> RunWork:
        return RunWork(practice, practice.connected(), row, request, report=report, stop=stop)

    return await run_under_lock(
        practice, work_for, trigger=trigger, plan_id=plan_id, only=request.only, fields=request.fields
    )


async def run_under_lock(
    practice: OpenPractice,
    work_for: Callable[[Run, Stopper], RunWork],
    *,
    trigger: Trigger,
    plan_id: str = "",
    kind: Kind = "",
    only: str = "",
    fields: tuple[str, ...] = (),
) -> Run:
    """Do one run's work, from its row in the store to its end, with the run lock held.

    ``work_for`` returns the work for that row. Raises ``Busy`` while another run is in progress, and
    ``LoginNeeded`` for a practice that is not connected.
    """
    practice.writable()
    practice.connected()
    lock = practice.lock("sync")
    lock.acquire()
    try:
        end_dead(practice)
        row = _begin(practice, trigger=trigger, plan=plan_id, kind=kind, only=only, fields=fields)
        work = work_for(row, Stopper(practice, row.id))
        with assign_to_run(row.id), work.stop.listening():
            practice.events.emit(Event(key="run.started", numbers={"trigger": trigger}))
            return await work.carry_out()
    finally:
        lock.close()


def _begin(
    practice: OpenPractice,
    *,
    trigger: Trigger,
    plan: str,
    kind: Kind = "",
    only: str = "",
    fields: tuple[str, ...] = (),
) -> Run:
    """Store and return the row of a run that begins now."""
    row = Run(
        id=practice.ids.new("r")[0],
        started=practice.clock.now(),
        by=practice.person,
        host=socket.gethostname(),
        pid=os.getpid(),
        kind=kind,
        plan=plan,
        trigger=trigger,
        direction=practice.policy().direction,
        level=practice.policy().level,
        only=only,
        fields=fields,
    )
    practice.store.commit([Put(RUNS, row)])
    return row


async def undo_during_run(practice: OpenPractice, plan_id: str) -> Run:
    """Apply an undo that sends nothing to XPM while another run is in progress.

    That run skips the clients of the undo that it has not reached yet. Raises ``Busy`` while it is sending
    one of them.
    """
    _, records = plans.load(practice, plan_id)
    for record in records:
        refuse_in_flight(practice, record.client)
    row = _begin(practice, trigger="undo", plan=plan_id)
    stop = Stopper(practice, row.id)
    work = RunWork(
        practice, practice.connected(), row, RunRequest(plan_id), report=ignore_progress, stop=stop
    )
    with assign_to_run(row.id):
        practice.events.emit(Event(key="run.started", numbers={"trigger": "undo"}))
        return await work.undo_during_run()


def unfinished_run(practice: OpenPractice) -> Run | None:
    """Return the last sync if it can be resumed, otherwise None."""
    last = next(
        (run for run in list_runs(practice) if is_sync(run) and not _is_unsent_creation(practice, run)), None
    )
    return last if last is not None and last.outcome in (*UNFINISHED, "running") else None


async def resume(practice: OpenPractice, *, report: Report = ignore_progress) -> Run:
    """Complete what the last run left. Raises ``BadInput`` if there is nothing to resume."""
    last = unfinished_run(practice)
    if last is None:
        raise BadInput(
            "The last run is complete: there is nothing to resume.", hint="Sync again: xpm-tui sync"
        )
    again = _repeated_run(practice, last)
    return await run(practice, trigger="resume", report=report, **again)


async def release(practice: OpenPractice, run_id: str, *, report: Report = ignore_progress) -> Run:
    """Continue a held run: it is planned again, and goes on if no count of the guard has grown.

    Raises ``NotFound``, ``BadInput`` for a run that is not held or no longer the last one, and
    ``PlanRefused`` if direction, level, fields, practice or permissions have changed since.
    """
    waiting = find_run(practice, run_id)
    if waiting.id not in {run.id for run in held_runs(practice.snapshot())}:
        raise _not_releasable(practice, waiting)
    plan, identity = practice.snapshot().get(PLANS, waiting.plan), practice.connected()
    if plan is not None:
        # A release in one direction does not cover the other.
        refuse_if_outdated(plan, practice.policy(), identity.tenant, identity.scopes)
    again = _repeated_run(practice, waiting)
    practice.events.emit(Event(key="run.released", numbers={"held": waiting.id}))
    return await run(practice, trigger="release", held=waiting, report=report, **again)


def _not_releasable(practice: OpenPractice, run: Run) -> BadInput:
    """Return why a run cannot be released, with what to do instead."""
    if run.outcome != "held":
        return BadInput(
            f"Run {run.id} is not held: it is {RUN_OUTCOMES[run.outcome].inline}.",
            hint="`xpm-tui runs list` shows how each run ended.",
        )
    if not is_sync(run):
        return BadInput(
            f"Run {run.id} deployed jobs, and is not released itself: its held jobs need your decision.",
            hint="See: xpm-tui jobs list --state held. Then: xpm-tui jobs retry JOB",
        )
    newer = newest_sync(practice.snapshot())
    return BadInput(
        f"Run {run.id} can no longer be released: run {newer.id if newer else ''} has ended since then.",
        hint="Make a new plan: xpm-tui plan",
    )


def _is_unsent_creation(practice: OpenPractice, run: Run) -> bool:
    """Return whether a run is a creation that was killed before it sent anything.

    It names no clients, so resuming it would include all of them.
    """
    killed = is_immediate(run) and run.outcome in ("running", "interrupted")
    return killed and not practice.snapshot().find(INTENTS, "run", run.id)


class _RepeatedRun(TypedDict, total=False):
    plan_id: str
    only: str
    fields: Collection[str]


def _repeated_run(practice: OpenPractice, before: Run) -> _RepeatedRun:
    """Return what an earlier run covered, so that resuming it does not include more.

    That is its clients and fields, or what its undo has not undone yet.

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
    return {"plan_id": undo_plans.rest_of_undo(practice, plan)[0].id}


SYNC = ("sync",)
_START_SECONDS = 30.0
"""Seconds in which a new process has to record its run."""

_POLL_SECONDS = 0.05
"""Seconds between two checks for the run of a new process."""


@dataclass(frozen=True)
class BackgroundRun:
    """The process of a run; ``last`` is the newest run before it, ``verb`` what the process does."""

    pid: int
    last: str
    process: subprocess.Popen[bytes] = field(repr=False)
    verb: Sequence[str] = SYNC

    def ended(self) -> int | None:
        """Return its exit code, or None while it is running."""
        return self.process.poll()


def start_background_run(
    practice: OpenPractice, *, plan_id: str = "", extra: Sequence[str] = (), verb: Sequence[str] = SYNC
) -> BackgroundRun:
    """Start ``sync``, or another verb that makes a run, in a separate process without input and output.

    Raises:
        Busy: Another run is in progress.
        AppError: The process could not be started.
    """
    practice.writable()
    owner = practice.lock_holder()
    if owner is not None:
        raise Busy(
            f"A run is already in progress, started by {owner.words()}.",
            hint="Wait until it ends, or stop it: xpm-tui runs stop",
        )
    newest = list_runs(practice, 1)
    try:
        process = subprocess.Popen(
            command_line(practice, plan_id, extra, verb),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=process_environ(),
        )
    except OSError as error:
        raise AppError(f"The run could not be started: {error.strerror}.") from error
    return BackgroundRun(process.pid, newest[0].id if newest else "", process, verb)


def command_line(
    practice: OpenPractice, plan_id: str = "", extra: Sequence[str] = (), verb: Sequence[str] = SYNC
) -> list[str]:
    """Return the command line of a run of this practice, for a process or a timer."""
    words = [*command_start(practice.home, practice.name), "--as", practice.person, *verb, "--json"]
    if plan_id:
        words += ["--plan", plan_id]
    return [*words, *extra]


def command_start(home: Home, name: str) -> list[str]:
    """Return the beginning of a command line for a practice, up to its verb."""
    words = [sys.executable, "-P", "-m", "xpm_tui"]
    if home.root is not None:
        words += ["--home", str(home.root)]
    return [*words, "--practice", name]


async def wait_for_run(practice: OpenPractice, detached: BackgroundRun) -> Run:
    """Return the run of the process once it is in the store. Raises ``AppError`` if it does not start one."""
    waited = 0.0
    while waited < _START_SECONDS:
        for run in list_runs(practice, 3):
            if (run.host, run.pid) == (socket.gethostname(), detached.pid):
                return find_run(practice, run.id)
        if detached.ended() is not None:
            break
        await practice.clock.sleep(_POLL_SECONDS)
        waited += _POLL_SECONDS
    code = detached.ended()
    how = f"it ended with exit code {code}" if code is not None else "it did not start in time"
    words = " ".join(detached.verb)
    raise AppError(f"The run did not start: {how}.", hint=f"Run it yourself to see why: xpm-tui {words}")


def process_environ() -> dict[str, str]:
    """Return the environment of the process, with which a source checkout is found despite ``-P``."""
    parent = str(Path(xpm_tui.__file__).resolve().parents[1])
    if parent != os.getcwd():
        return {**os.environ}
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (parent, os.environ.get("PYTHONPATH"))))}


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """One write that failed: its client, the call, and the cause in XPM's own words."""

    run: str
    client: str
    record: str
    name: str
    kind: str
    fields: tuple[str, ...]
    cause: str

    @property
    def sentence(self) -> str:
        """Return the failure for users, in XPM's own words."""
        return f"{self.name}: {self.kind.replace('_', ' ')} failed: {self.cause}"


def failures(practice: OpenPractice, run_id: str = "last") -> list[Failure]:
    """Return what failed in a run, sorted by cause; ``last`` is the last sync. Raises ``NotFound``."""
    snapshot = practice.snapshot()
    run = (history.newest_sync(snapshot) if run_id == "last" else None) or history.find_run(practice, run_id)
    found = []
    for intent in snapshot.find(INTENTS, "run", run.id):
        if intent.state == "failed":
            id_ = intent.record.partition("/")[0]
            client = snapshot.get(CLIENTS, id_)
            found.append(
                Failure(
                    run=run.id,
                    client=id_,
                    record=intent.record,
                    name=client.name if client else id_,
                    kind=intent.kind,
                    fields=tuple(sorted(intent.values)),
                    cause=intent.note,
                )
            )
    return sorted(found, key=lambda failure: (failure.cause, failure.name))


def select_failures(found: Sequence[Failure], *, client: str = "", cause: str = "") -> list[Failure]:
    """Return the failures of one client, or with a text in their cause. Raises ``BadInput`` without any."""
    left = [
        failure
        for failure in found
        if (not client or failure.client == client) and cause.casefold() in failure.cause.casefold()
    ]
    if not left:
        raise BadInput(
            "None of the failed records matches." if found else "No record failed in this run.",
            hint="List the failed records: xpm-tui runs retry --list",
        )
    return left


async def retry(practice: OpenPractice, found: Sequence[Failure], *, report: Report = ignore_progress) -> Run:
    """Plan and sync the clients of these failures again, and of them only the fields of the earlier run."""
    clients = list(dict.fromkeys(failure.client for failure in found))
    before = practice.snapshot().get(RUNS, found[0].run) if found else None
    return await run(practice, only=clients, fields=before.fields if before else (), report=report)
