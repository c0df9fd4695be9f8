"""Commands for workers: run one, and show those of all machines."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from typing import TYPE_CHECKING, Annotated

import msgspec

from xpm_tui.commands.command import (
    AccountContext,
    Dialogue,
    NoParams,
    Result,
    Situation,
    home_command,
    option,
)
from xpm_tui.commands.effects import Effect
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.formatting import ago, count, listing
from xpm_tui.files.machine import SystemClock
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application.schedule import practice_worker
    from xpm_tui.diagnostics import error_presenter

if TYPE_CHECKING:
    from xpm_tui.application.schedule.practice_worker import QueueView, WorkReport


class RunWorker(msgspec.Struct, frozen=True):
    """Parameters of ``worker``."""

    jobs: Annotated[int, option("How many practices to sync at the same time.", "N")] = 4


async def run_worker(place: AccountContext, params: RunWorker, dialogue: Dialogue) -> Result:
    """Run what is due in the practices of this account that are stored in a database, until it is stopped."""
    if not 1 <= params.jobs <= 100:
        raise BadInput("--jobs must be between 1 and 100.")
    done = 0

    def report(found: WorkReport) -> None:
        nonlocal done
        done += 1
        dialogue.emit(msgspec.to_builtins(found), found.sentence())

    worker = practice_worker.PracticeWorker(
        place.home,
        person=place.person,
        environ=os.environ,
        jobs=params.jobs,
        overrides=place.settings,
        report=report,
        notice=lambda error: dialogue.say(error_presenter.present(error).short()),
    )
    number = sum(map(len, worker.served.values()))
    dialogue.say(f"Working for {count(number, 'practice')}. Press ctrl+c to stop.")
    stop = asyncio.Event()
    working = asyncio.create_task(worker.run(stop))
    if threading.current_thread() is threading.main_thread():
        # A worker does not stay behind when its terminal is closed; a run ends after its present step.
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, stop.set)
    try:
        await asyncio.shield(working)
    except asyncio.CancelledError:
        stop.set()
        dialogue.say("Stopping: runs in progress end after their present step ...")
        await working
    return Result(data={"looks": done}, lines=["Stopped."])


async def worker_status(place: AccountContext, params: NoParams, dialogue: Dialogue) -> Result:
    """Show the workers of all machines, and the practices that wait for one."""
    worker = practice_worker.PracticeWorker(
        place.home, person=place.person, environ=os.environ, overrides=place.settings
    )
    found = await worker.status()
    data = {"databases": [_plain(each) for each in found]}
    return Result(data=data, lines=[line for each in found for line in _lines(each)])


def _plain(view: QueueView) -> dict[str, object]:
    return {
        "database": view.database,
        "practices": list(view.practices),
        "workers": [msgspec.structs.asdict(each) for each in view.status.workers],
        "running": view.status.practices("running"),
        "waiting": view.status.practices("waiting"),
    }


def _lines(view: QueueView) -> list[str]:
    now = SystemClock().now()
    workers = [
        f"{each.machine} ({each.person}), {count(each.practices, 'practice')}, xpm-tui {each.version}, "
        f"last seen {ago(each.seen, now)}"
        for each in view.status.workers
    ]
    facts = {
        "Database": view.database,
        "Practices here": f"{len(view.practices):,}",
        "Workers": f"{len(workers):,}" if workers else "none: start one with xpm-tui worker",
        "Running": ", ".join(view.status.practices("running")) or "nothing",
        "Waiting": ", ".join(view.status.practices("waiting")) or "nothing",
    }
    return [*listing(facts), *(f"  {line}" for line in workers)]


def _command_line_only(situation: Situation) -> str:
    return "A worker runs until it is stopped. Start it on the command line: xpm-tui worker."


COMMANDS = (
    home_command(
        name="worker.run",
        title="Run a worker",
        help="Sync the practices of this account that are stored in PostgreSQL, each when it is due, "
        "together with the workers of other machines: at most one run per practice, and the work of a worker "
        "that fails is taken over by another. It also imports from inboxes and creates jobs that are due. It "
        "runs until it is stopped by ctrl+c or SIGTERM. No timer is needed for these practices.",
        params=RunWorker,
        on_home=run_worker,
        effect=Effect.WRITES_XPM,
        verb=("worker",),
        example="xpm-tui worker --jobs 8",
        streams=True,
        why_not=_command_line_only,
    ),
    home_command(
        name="worker.status",
        title="Show the workers",
        help="Show the workers of all machines, when each was last seen, and which practices are running or "
        "wait for a worker.",
        params=NoParams,
        on_home=worker_status,
        effect=Effect.LOOKS,
        verb=("worker", "status"),
        example="xpm-tui worker status",
    ),
)  # fmt: skip
