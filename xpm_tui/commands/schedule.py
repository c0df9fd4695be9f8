"""Commands that run syncs without a user: the schedule, and workers on several machines."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from xpm_tui.commands.command import (
    AccountContext,
    Command,
    Dialogue,
    DryRun,
    NeededYes,
    NoParams,
    Result,
    Situation,
    home_command,
    option,
    require_connection,
)
from xpm_tui.commands.effects import Effect, Question, confirm_call, effect_or_dry_run
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.formatting import ago, count, listing
from xpm_tui.files.machine import SystemClock
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application import practice_worker
    from xpm_tui.application import timer as schedule_timer
    from xpm_tui.diagnostics import error_presenter

if TYPE_CHECKING:
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.application.practice_worker import QueueView, WorkReport
    from xpm_tui.application.timer import Timer


Kind = Annotated[
    Literal["", "systemd", "cron"],
    option("A systemd user timer or a crontab line; by default what this machine has."),
]


class ShowSchedule(msgspec.Struct, frozen=True):
    """Parameters of ``schedule show`` and ``remove``."""

    kind: Kind = ""


class InstallSchedule(msgspec.Struct, frozen=True):
    """Parameters of ``schedule install``."""

    every: Annotated[
        Literal["", "15m", "30m", "1h", "daily"],
        option("How often to sync; by default as in the settings."),
    ] = ""
    kind: Kind = ""
    dry_run: DryRun = False
    yes: NeededYes = False


async def show(practice: OpenPractice, params: ShowSchedule, dialogue: Dialogue) -> Result:
    """Show the schedule that is installed, or that would be."""
    return _timer_result(schedule_timer.Scheduler(practice, kind=params.kind).show())


async def install(practice: OpenPractice, params: InstallSchedule, dialogue: Dialogue) -> Result:
    """Install the schedule: show what it does and costs, ask, and check the login in its environment."""
    scheduler = schedule_timer.Scheduler(practice, kind=params.kind, every=params.every)
    if params.dry_run:
        return _timer_result(scheduler.show())
    practice.connected()
    question = Question("Install the schedule?", _timer_result(scheduler.show()).lines, button="Install")
    if not await confirm_call(dialogue, question):
        return Result(data={"installed": False}, lines=["Nothing was installed."])
    # Before anything is written: a timer whose login cannot be read would fail every day.
    proof = scheduler.test_login()
    timer = scheduler.install()
    timer_result = _timer_result(timer)
    return Result(data={**timer_result.data, "proof": proof}, lines=[*timer_result.lines, proof])


async def remove(practice: OpenPractice, params: ShowSchedule, dialogue: Dialogue) -> Result:
    """Remove the schedule."""
    timer = schedule_timer.Scheduler(practice, kind=params.kind).remove()
    return Result(
        data={"kind": timer.kind, "installed": timer.installed}, lines=["The schedule was removed."]
    )


def _timer_result(timer: Timer) -> Result:
    data = {
        "kind": timer.kind,
        "installed": timer.installed,
        "every": timer.every,
        "minute": timer.minute,
        "estimate": msgspec.to_builtins(timer.estimate),
        "does": list(timer.does),
        "text": timer.text,
        "notes": list(timer.notes),
    }
    head = f"{'Installed' if timer.installed else 'Not installed'} ({timer.kind})."
    return Result(data=data, lines=[head, *timer.does, *timer.notes, "", *timer.text.splitlines()])


class RunWorker(msgspec.Struct, frozen=True):
    """Parameters of ``worker``."""

    jobs: Annotated[int, option("How many practices to sync at the same time.", "N")] = 4


async def run_worker(account: AccountContext, params: RunWorker, dialogue: Dialogue) -> Result:
    """Run what is due in the practices of this account that are stored in a database, until it is stopped."""
    if not 1 <= params.jobs <= 100:
        raise BadInput("--jobs must be between 1 and 100.")
    done = 0

    def report(found: WorkReport) -> None:
        nonlocal done
        done += 1
        dialogue.emit(msgspec.to_builtins(found), found.sentence())

    worker = practice_worker.PracticeWorker(
        account.home,
        person=account.person,
        environ=os.environ,
        jobs=params.jobs,
        overrides=account.settings,
        report=report,
        notice=lambda error: dialogue.say(error_presenter.present(error).short()),
    )
    number = sum(map(len, worker.served.values()))
    dialogue.say(f"Working for {count(number, 'practice')}. Press ctrl+c to stop.")
    stop = asyncio.Event()
    working = asyncio.create_task(worker.run(stop))
    if threading.current_thread() is threading.main_thread():
        # A worker ends when its terminal is closed; a run in progress ends after its current step.
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, stop.set)
    try:
        await asyncio.shield(working)
    except asyncio.CancelledError:
        stop.set()
        dialogue.say("Stopping: runs in progress end after their current step ...")
        await working
    return Result(data={"looks": done}, lines=["Stopped."])


async def worker_status(account: AccountContext, params: NoParams, dialogue: Dialogue) -> Result:
    """Show the workers of all machines, and the practices that wait for one."""
    worker = practice_worker.PracticeWorker(
        account.home, person=account.person, environ=os.environ, overrides=account.settings
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
    Command(
        name="schedule.show",
        title="Show the schedule",
        help="Show whether the schedule is installed, what it does, how many calls it needs a day, and "
            "whether it still runs after you log out.",
        params=ShowSchedule,
        run=show,
        effect=Effect.LOOKS,
        example="xpm-tui schedule show",
        default=True,
    ),
    Command(
        name="schedule.install",
        title="Install a schedule",
        help="Sync this practice every 15 or 30 minutes, every hour or daily. It shows what it will do and "
            "how many calls to Xero it needs a day, asks, and checks that the timer can use the login. "
            "Several practices start at different minutes of the hour.",
        params=InstallSchedule,
        run=install,
        example="xpm-tui schedule install --dry-run\nxpm-tui schedule install --every 15m",
        effect=effect_or_dry_run(Effect.REPLACES),
        why_not=require_connection,
    ),
    Command(
        name="schedule.remove",
        title="Remove the schedule",
        help="Remove the schedule of this practice.",
        params=ShowSchedule,
        run=remove,
        example="xpm-tui schedule remove",
        effect=Effect.WRITES_HERE,
    ),
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
        example="xpm-tui worker status",
    ),
)  # fmt: skip
