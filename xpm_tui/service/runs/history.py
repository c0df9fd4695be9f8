"""The history of runs: looking them up, asking one to stop, and telling a live one from a dead one."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence

import msgspec

from xpm_tui.model.cases import CaseId
from xpm_tui.model.errors import BadInput, NotFound
from xpm_tui.model.events import Event
from xpm_tui.model.ports import Drop, Put, Snapshot, Write
from xpm_tui.model.runs import Run, StopRequest
from xpm_tui.model.tables import RUNS, STOPS
from xpm_tui.model.text import visible
from xpm_tui.service.practice import OpenPractice

ENDED_BADLY = ("failed", "interrupted")


def list_runs(practice: OpenPractice, limit: int = 0) -> list[Run]:
    """All runs, newest first; ``limit`` of 0 is no limit."""
    found = sorted(practice.snapshot().rows(RUNS), key=_number, reverse=True)
    return found[:limit] if limit else found


def show(practice: OpenPractice, run_id: str) -> Run:
    """One run; ``last`` is the newest. Raises ``NotFound``."""
    if run_id == "last":
        newest = list_runs(practice, 1)
        if newest:
            return newest[0]
    found = practice.snapshot().get(RUNS, run_id)
    if found is None:
        raise NotFound(
            f"There is no run {visible(run_id, 40)}.", hint="`xpm-tui runs list` shows all of them."
        )
    return found


def current(practice: OpenPractice) -> Run | None:
    """The run that is going on, on this machine or another; None where none is.

    A run whose process is dead is not going on, whatever its row says; the next run ends it.
    """
    for run in list_runs(practice):
        if run.outcome == "running" and alive(run):
            return run
    return None


def newest(snapshot: Snapshot) -> Run | None:
    """The sync that ended last, whatever its outcome."""
    ended = [r for r in snapshot.rows(RUNS) if r.outcome not in ("running", "skipped") and is_sync(r)]
    return max(ended, key=_number, default=None)


def held(snapshot: Snapshot) -> list[Run]:
    """Runs that wait for a person: the newest sync, if it was held."""
    last = newest(snapshot)
    return [last] if last is not None and last.outcome == "held" else []


def alive(run: Run) -> bool:
    """Whether the run's process is there. One on another machine is believed; what a person did at once is
    over, or was killed."""
    if by_hand(run):
        return False
    if run.host != socket.gethostname():
        return True
    if run.pid == os.getpid():
        return True
    try:
        os.kill(run.pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return not _zombie(run.pid)


def request_stop(practice: OpenPractice, run_id: str = "") -> Run:
    """Ask a run to stop after its current step. Raises ``BadInput`` where none is going on."""
    practice.writable()
    run = show(practice, run_id) if run_id else current(practice)
    if run is None or run.outcome != "running":
        raise BadInput("No run is going on.", hint="`xpm-tui runs list` shows how the last ones ended.")
    practice.book.commit([Put(STOPS, StopRequest(id=run.id, by=practice.person, at=practice.clock.now()))])
    practice.events.emit(Event(key="run.stop_asked", run=run.id))
    return run


def end_dead(practice: OpenPractice, *, except_: str = "") -> list[Run]:
    """Mark runs as interrupted that say they are running but have no process. Call with the run lock held.

    The lock proves that no run is alive, also on another machine and where the pid was given away anew.
    """
    dead = [r for r in practice.snapshot().rows(RUNS) if r.outcome == "running" and r.id != except_]
    ended = [msgspec.structs.replace(run, outcome="interrupted", ended=practice.clock.now()) for run in dead]
    if ended:
        writes: list[Write] = [Put(RUNS, run) for run in ended]
        writes += [Drop(STOPS, run.id) for run in ended]
        practice.book.commit(writes)
        for run in ended:
            practice.events.emit(Event(key="run.interrupted", run=run.id, level="warning"))
    return ended


def last_good(runs: Sequence[Run]) -> Run | None:
    """The newest sync that did its work."""
    good = [run for run in runs if run.outcome == "done" and run.ended is not None and is_sync(run)]
    return max(good, key=_number, default=None)


def is_sync(run: Run) -> bool:
    """Whether it is a run of sync: picking and linking leave runs too, for undo, which have no plan; so does
    making a record in XPM, which counts only while something of it is left to find out."""
    if run.kind or run.plan:
        return not run.kind
    return run.outcome != "done" and not (by_hand(run) and run.outcome == "failed")


def by_hand(run: Run) -> bool:
    """Whether it is of something that a person did at once: the runner notes its process, that does not."""
    return not run.plan and not run.pid


def case_of(run: Run) -> CaseId | None:
    """The run's case, where it has one that this version knows."""
    try:
        return CaseId(run.case)
    except ValueError:
        return None


def _number(run: Run) -> int:
    digits = run.id[1:]
    return int(digits) if digits.isdigit() else 0


def _zombie(pid: int) -> bool:
    """Linux tells; elsewhere a dead child that nobody has waited for counts as alive."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[:1] == [b"Z"]
    except OSError:
        return False
