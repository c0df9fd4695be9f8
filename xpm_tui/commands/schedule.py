"""Commands for the scheduled sync: install, show and remove."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from xpm_tui.commands.command import Command, Dialogue, Result, option, require_connection
from xpm_tui.commands.effects import Effect, Question, confirm_call, effect_or_dry_run
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application.schedule import timer as schedule_timer

if TYPE_CHECKING:
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.application.schedule.timer import Timer

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
        option("How often to sync; by default as set in schedule.every (daily)."),
    ] = ""
    kind: Kind = ""
    dry_run: Annotated[bool, option("Show what it would do, and change nothing.")] = False
    yes: Annotated[bool, option("Do not ask; needed without a terminal.")] = False


async def show(practice: OpenPractice, params: ShowSchedule, dialogue: Dialogue) -> Result:
    """Show what is installed, or would be."""
    return _timer_result(schedule_timer.Scheduler(practice, kind=params.kind).show())


async def install(practice: OpenPractice, params: InstallSchedule, dialogue: Dialogue) -> Result:
    """Show what it does and costs, ask, check the login in its environment, and install it."""
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
    """Remove the timer."""
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


COMMANDS = (
    Command(
        name="schedule.show",
        title="Show the schedule",
        help="Show whether the schedule is installed, what it does, how many calls it needs a day, and "
            "whether it still runs after you log out.",
        params=ShowSchedule,
        run=show,
        effect=Effect.LOOKS,
        verb=("schedule", "show"),
        example="xpm-tui schedule show",
        default=True,
    ),
    Command(
        name="schedule.install",
        title="Install a schedule",
        help="Sync this practice every 15 or 30 minutes, every hour or daily. It shows what it will do and "
            "how many calls to Xero it needs a day, asks, and checks that the login works there. Several "
            "practices start at different minutes of the hour.",
        params=InstallSchedule,
        run=install,
        verb=("schedule", "install"),
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
        verb=("schedule", "remove"),
        example="xpm-tui schedule remove",
        effect=Effect.WRITES_HERE,
    ),
)  # fmt: skip
