"""Commands for the practices of this account, and for the folders and stored data of each.

Only the list of practices opens their stores; the commands for stored data work on its files.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec.structs import replace

from xpm_tui.commands.command import (
    AccountContext,
    Command,
    Dialogue,
    Limit,
    NeededYes,
    NoParams,
    Result,
    TextColumn,
    TextTable,
    argument,
    home_command,
    option,
    require_idle,
)
from xpm_tui.commands.effects import Effect, PerCall, Question, confirm_call
from xpm_tui.commands.tables import to_plain
from xpm_tui.domain.errors import BadInput, StoreUnreadable
from xpm_tui.domain.formatting import ago, count, listing
from xpm_tui.files.machine import SystemClock
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application import home as application_home
    from xpm_tui.application import practice
    from xpm_tui.application.health import maintenance
    from xpm_tui.application.status import practices

if TYPE_CHECKING:
    from xpm_tui.application.status.practices import PracticeView


class Locate(msgspec.Struct, frozen=True):
    """Parameters of ``locate``."""

    what: Annotated[Literal["", "config", "data", "state"], argument("Show only this folder.", "[WHAT]")] = ""


class ListPractices(msgspec.Struct, frozen=True):
    """Parameters of ``practices list``."""

    needs_you: Annotated[bool, option("Only practices that need your decision.")] = False
    limit: Limit = 0


class AddPractice(msgspec.Struct, frozen=True):
    """Parameters of ``practices add``."""

    title: Annotated[str, argument("Your name for the practice.", "NAME")]
    switch: Annotated[bool, option("Make it the current practice.")] = False


class SwitchPractice(msgspec.Struct, frozen=True):
    """Parameters of ``practices switch``."""

    name: Annotated[str, argument("The practice.", "NAME", completes="practice")]


async def locate(account: AccountContext, params: Locate, dialogue: Dialogue) -> Result:
    """Show where the files are."""
    home = account.home
    folders = {name: str(getattr(home, name)) for name in ("config", "data", "state")}
    if params.what:
        return Result(data={params.what: folders[params.what]}, lines=[folders[params.what]])
    data = {
        **folders,
        "practices": application_home.practices(home),
        "current": application_home.current(home) or None,
    }
    values = {**folders, "practices": ", ".join(application_home.practices(home)) or "none yet"}
    return Result(data=data, lines=listing(values))


async def list_practices(account: AccountContext, params: ListPractices, dialogue: Dialogue) -> Result:
    """List all practices, with the current one marked."""
    views = practices.account_practices(account.home, person=account.person)
    found = practices_result(views, SystemClock().now(), needs_you=params.needs_you)
    return replace(found, most=params.limit)


def practices_result(views: list[PracticeView], now: datetime, *, needs_you: bool) -> Result:
    """Return the practices as a table, for ``practices list`` and ``status --all``."""
    empty = "Nothing needs your attention." if needs_you and views else "No practice yet: xpm-tui connect"
    views = [view for view in views if view.needs_you or not needs_you]
    columns = (
        TextColumn("", whole=True),
        TextColumn("PRACTICE", whole=True),
        TextColumn("NAME IN XPM", name=True),
        TextColumn("CONNECTED", whole=True),
        TextColumn("LAST SYNC", whole=True),
        TextColumn("RUNNING", whole=True),
        TextColumn("HELD", whole=True),
        TextColumn("NEEDS YOU", name=True),
        TextColumn("WAITS FOR", spare=True),
        TextColumn("CALLS LEFT", whole=True),
        TextColumn("XPM DATA", whole=True),
        TextColumn("LOGIN", spare=True),
    )
    rows = [
        (
            "*" if view.current else "",
            view.name,
            view.problem or view.title,
            "yes" if view.connected else "no",
            ago(view.last_good, now),
            running(view),
            ", ".join(view.held_runs),
            needs(view),
            view.waits_for,
            calls_left(view),
            ago(view.mirror_at, now),
            view.login,
        )
        for view in views
    ]
    items = [
        {
            "id": view.name,
            "name": view.name,
            "current": view.current,
            "xpm_name": view.title,
            "connected": view.connected,
            "last_good": view.last_good,
            "running": view.running,
            "held": list(view.held_runs),
            "login": view.login,
            "machine": view.machine,
            "person": view.runner,
            "minute_left": view.minute_left,
            "day_left": view.day_left,
            "mirror_at": view.mirror_at,
            "needs": list(view.needs),
            "waits_for": view.waits_for,
            "problem": view.problem,
        }
        for view in views
    ]
    return Result(items=items, table=TextTable(columns, rows, empty))


def running(view: PracticeView) -> str:
    """Return the run in progress with its machine and person; empty if there is none."""
    where = f" on {view.machine} ({view.runner})" if view.machine else ""
    return f"{view.running}{where}"


def needs(view: PracticeView) -> str:
    """Return the first thing that waits for a user, and how many more there are."""
    more = f" (and {len(view.needs) - 1} more)" if len(view.needs) > 1 else ""
    return f"{view.needs[0]}{more}" if view.needs else ""


def calls_left(view: PracticeView) -> str:
    """Return the calls to Xero that are left this minute and today; empty if unknown."""
    today = f", {view.day_left:,} today" if view.day_left is not None else ""
    return f"{view.minute_left} this minute{today}" if view.minute_left is not None else ""


async def add_practice(account: AccountContext, params: AddPractice, dialogue: Dialogue) -> Result:
    """Create a folder for another practice; the current one stays current unless requested."""
    home = account.home
    before = application_home.current(home)
    name = application_home.add_practice(home, params.title, renamed=False)
    switch = params.switch or not (before or len(application_home.practices(home)) > 1)
    if switch or before:
        application_home.switch_practice(home, name if switch else before)
    named = "" if name == params.title.strip() else f' "{params.title.strip()}" is written {name} here.'
    if switch:
        lines = [f"{name} was added and is now the current practice.{named} Connect it: xpm-tui connect"]
    else:
        stays = f" {before} is still the current practice." if before else ""
        lines = [
            f"{name} was added.{named}{stays}",
            f"Connect it: xpm-tui connect --practice {name}. "
            f"To make it the current one: xpm-tui practices switch {name}",
        ]
    return Result(data={"id": name, "name": name, "title": params.title, "current": switch}, lines=lines)


async def switch_practice(account: AccountContext, params: SwitchPractice, dialogue: Dialogue) -> Result:
    """Make another practice the current one."""
    home = account.home
    name = application_home.switch_practice(home, practice.find_practice(home, params.name))
    return Result(data={"id": name, "name": name}, lines=[f"{name} is the current practice."])


class Repair(msgspec.Struct, frozen=True):
    """Parameters of ``data repair``."""

    lossy: Annotated[bool, option("Repair even if rows are lost; they are counted.")] = False


class BackUp(msgspec.Struct, frozen=True):
    """Parameters of ``data backup``."""

    file: Annotated[str, argument("The file to write.", "FILE", completes="file")]


class Restore(msgspec.Struct, frozen=True):
    """Parameters of ``data restore``."""

    file: Annotated[str, argument("A file that 'data backup' wrote.", "FILE", completes="file")]
    yes: NeededYes = False


class Move(msgspec.Struct, frozen=True):
    """Parameters of ``data move``."""

    to: Annotated[
        str,
        option("Address of a PostgreSQL database, or 'files' for files on this machine.", "URL"),
    ] = ""
    yes: NeededYes = False


class Purge(msgspec.Struct, frozen=True):
    """Parameters of ``purge``."""

    yes: NeededYes = False


async def check_data(account: AccountContext, params: NoParams, dialogue: Dialogue) -> Result:
    """Read and check the whole store."""
    report = maintenance.check(account.home, account.practice, account.settings)
    rows, commits = count(sum(report.rows.values()), "row"), count(report.position, "commit")
    lines = [f"{finding.level}: {finding.text}" for finding in report.findings]
    lines.append(f"{rows}, {report.bytes:,} bytes, {commits}.")
    damaged = StoreUnreadable("The data is damaged.", hint="Back up its folder, then: xpm-tui data repair")
    return Result(data=to_plain(report), lines=lines, error=None if report.ok else damaged)


async def repair_data(account: AccountContext, params: Repair, dialogue: Dialogue) -> Result:
    """Restore the stored data to its last intact state."""
    done = maintenance.repair(
        account.home, account.practice, account.person, lossy=params.lossy, given=account.settings
    )
    lines = [*done.lines] or ["The data is intact: nothing was changed."]
    if done.kept:
        lines.append(f"The damaged files are kept in {done.kept}.")
    return Result(data=to_plain(done), lines=lines)


async def compact_data(account: AccountContext, params: NoParams, dialogue: Dialogue) -> Result:
    """Merge the commit log into the snapshot files."""
    done = maintenance.compact(account.home, account.practice, account.settings)
    text = f"From {done.before:,} to {done.after:,} bytes."
    return Result(data=to_plain(done), lines=[text if done.done else "Another process is using it."])


async def back_up_data(account: AccountContext, params: BackUp, dialogue: Dialogue) -> Result:
    """Write a backup of the stored data, and verify it."""
    done = maintenance.backup(account.home, account.practice, Path(params.file), account.settings)
    text = f"{done.path}: {count(sum(done.rows.values()), 'row')}, {done.bytes:,} bytes, verified."
    return Result(data=to_plain(done), lines=[text])


async def restore_data(account: AccountContext, params: Restore, dialogue: Dialogue) -> Result:
    """Replace the stored data with a backup."""
    question = f"Replace the practice's current data with the backup {params.file}?"
    if not await confirm_call(dialogue, Question(question, button="Restore")):
        return Result(data={"restored": False}, lines=["Nothing was changed."])
    done = maintenance.restore(
        account.home, account.practice, account.person, Path(params.file), account.settings
    )
    lines = [f"Restored: {count(sum(done.rows.values()), 'row')}."]
    if done.backed_up:
        lines.append(f"The previous data is in {done.backed_up}.")
    return Result(data=to_plain(done), lines=lines)


async def move_data(account: AccountContext, params: Move, dialogue: Dialogue) -> Result:
    """Move the stored data into a database, or back."""
    name = practice.find_practice(account.home, account.practice or None)
    if not params.to:
        raise BadInput(
            "Say where to move the data.", hint="Add --to URL for a database, or --to files for this machine."
        )
    where = "files on this machine" if params.to == maintenance.FILES else "the database"
    question = Question(
        f"Move the data of {name} to {where}?",
        [
            "All rows are copied and compared. Consoles that are open now still show the data, and must be "
            "opened again to change something.",
        ],
        button="Move the data",
    )
    if not await confirm_call(dialogue, question):
        return Result(data={"moved": False}, lines=["Nothing was moved."])
    done = maintenance.move(account.home, name, params.to, account.person)
    lines = [f"Moved to {done.to}: {count(done.rows, 'row')}, each compared with its original."]
    if done.place == "database":
        lines.append("The files on this machine stay as they were, as a backup; nothing is written to them.")
    return Result(data={"moved": True, **to_plain(done)}, lines=lines)


async def delete_practice(account: AccountContext, params: Purge, dialogue: Dialogue) -> Result:
    """Delete the practice from this machine."""
    name = practice.find_practice(account.home, account.practice or None)
    question = Question(
        f"Delete everything that is stored on this machine for {name}?",
        [
            f"This deletes the login, data, log and settings of {name} from this machine.",
            "To end the connection at Xero as well, cancel and first run: xpm-tui disconnect",
        ],
        type_in=name,
    )
    if not await confirm_call(dialogue, question):
        return Result(data={"purged": False}, lines=["Nothing was deleted."])
    done = await maintenance.purge(account.home, name, account.person, account.settings)
    text = (
        f"{name} was deleted from this machine: {done.bytes:,} bytes. A disk may keep traces of "
        "deleted files."
    )
    return Result(data={"purged": True, **to_plain(done)}, lines=[text])


COMMANDS: tuple[Command[Any], ...] = (
    home_command(
        name="practices.list",
        title="List practices",
        help="List the practices of this account: name here and in XPM, connection, last successful sync, "
        "where it is running, held runs, open decisions, calls to Xero that are left, age of the XPM "
        "data, login. The current one is marked with a star.",
        params=ListPractices,
        on_home=list_practices,
        effect=Effect.LOOKS,
        example="xpm-tui practices list --needs-you",
        key="f9",
        where=("overview", "settings"),
        default=True,
    ),
    home_command(
        name="practices.add",
        title="Add a practice",
        help="Add a practice. Each practice has its own connection, data and settings. The current practice "
        "stays the current one, unless --switch is given.",
        params=AddPractice,
        on_home=add_practice,
        example='xpm-tui practices add "Harbour branch"',
        effect=Effect.WRITES_HERE,
    ),
    home_command(
        name="practices.switch",
        title="Switch to another practice",
        help="Make another practice the current one.",
        params=SwitchPractice,
        on_home=switch_practice,
        example="xpm-tui practices switch harbour-branch",
        effect=Effect.WRITES_HERE,
        why_not=require_idle,
    ),
    home_command(
        name="locate",
        title="Show where the files are",
        help="Show the folders with the configuration, data and state.",
        params=Locate,
        on_home=locate,
        effect=Effect.LOOKS,
        example="xpm-tui locate data",
    ),
    home_command(
        name="data.check",
        title="Check the data",
        help="Read all data of the practice and report what is wrong with it. Changes nothing.",
        params=NoParams,
        on_home=check_data,
        effect=Effect.LOOKS,
        example="xpm-tui data check",
        default=True,
    ),
    home_command(
        name="data.repair",
        title="Repair damaged data",
        help="Restore damaged data to its last intact state. The damaged files are kept.",
        params=Repair,
        on_home=repair_data,
        example="xpm-tui data repair",
        effect=PerCall(
            lambda params: Effect.REPLACES if params.lossy else Effect.WRITES_HERE, Effect.WRITES_HERE
        ),
        why_not=require_idle,
        consent="lossy",
    ),
    home_command(
        name="data.compact",
        title="Compact the data",
        help="Merge the commit log into the snapshot files. This also happens automatically.",
        params=NoParams,
        on_home=compact_data,
        example="xpm-tui data compact",
        effect=Effect.WRITES_HERE,
    ),
    home_command(
        name="data.backup",
        title="Back up the data",
        help="Write all data of the practice to one file, and verify it. It contains no login.",
        params=BackUp,
        on_home=back_up_data,
        example="xpm-tui data backup practice.zip",
        effect=Effect.WRITES_FILE,
    ),
    home_command(
        name="data.restore",
        title="Restore the data from a backup",
        help="Replace the data of the practice with a backup. The current data is backed up first.",
        params=Restore,
        on_home=restore_data,
        example="xpm-tui data restore practice.zip",
        effect=Effect.REPLACES,
        why_not=require_idle,
    ),
    home_command(
        name="data.move",
        title="Move the data to a database or back",
        help="Move the data of the practice to PostgreSQL, so that several machines can share it, or back to "
        "files on this machine. Each row is compared. An interrupted move is resumed by running it again.",
        params=Move,
        on_home=move_data,
        example="xpm-tui data move --to postgresql://db.example.com/xpm",
        effect=Effect.REPLACES,
        why_not=require_idle,
    ),
    home_command(
        name="purge",
        title="Delete the practice from this machine",
        help="Delete the login, data, log and settings of a practice from this machine. Xero and Ignition "
        "keep what they have.",
        params=Purge,
        on_home=delete_practice,
        example="xpm-tui purge --practice harbour-branch",
        effect=Effect.IRREVERSIBLE,
        why_not=require_idle,
    ),
)
