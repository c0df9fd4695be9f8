"""Commands for the store's files: check, repair, compact, back up, restore, delete. None of them opens it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec

from xpm_tui.commands.command import (
    AccountContext,
    Command,
    Dialogue,
    NeededYes,
    NoParams,
    Result,
    argument,
    home_command,
    option,
    require_idle,
)
from xpm_tui.commands.effects import Effect, PerCall, Question, confirm_call
from xpm_tui.commands.tables import to_plain
from xpm_tui.domain.errors import BadInput, StoreUnreadable
from xpm_tui.domain.formatting import count
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application import practice
    from xpm_tui.application.health import maintenance


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


async def check(place: AccountContext, params: NoParams, dialogue: Dialogue) -> Result:
    """Read and check the whole store."""
    report = maintenance.check(place.home, place.practice, place.settings)
    lines = [f"{finding.level}: {finding.text}" for finding in report.findings]
    rows = sum(report.rows.values())
    lines.append(f"{count(rows, 'row')}, {report.bytes:,} bytes, {count(report.position, 'commit')}.")
    error = None
    if not report.ok:
        error = StoreUnreadable("The data is damaged.", hint="Back up its folder, then: xpm-tui data repair")
    return Result(data=to_plain(report), lines=lines, error=error)


async def repair(place: AccountContext, params: Repair, dialogue: Dialogue) -> Result:
    """Restore the last intact state."""
    done = maintenance.repair(
        place.home, place.practice, place.person, lossy=params.lossy, given=place.settings
    )
    lines = [*done.lines] or ["The data is intact: nothing was changed."]
    if done.kept:
        lines.append(f"The damaged files are kept in {done.kept}.")
    return Result(data=to_plain(done), lines=lines)


async def compact(place: AccountContext, params: NoParams, dialogue: Dialogue) -> Result:
    """Merge the commit log into the snapshot files."""
    done = maintenance.compact(place.home, place.practice, place.settings)
    text = f"From {done.before:,} to {done.after:,} bytes." if done.done else "Another process is using it."
    return Result(data=to_plain(done), lines=[text])


async def back_up(place: AccountContext, params: BackUp, dialogue: Dialogue) -> Result:
    """Write a backup and verify it."""
    done = maintenance.backup(place.home, place.practice, Path(params.file), place.settings)
    text = f"{done.path}: {count(sum(done.rows.values()), 'row')}, {done.bytes:,} bytes, verified."
    return Result(data=to_plain(done), lines=[text])


async def restore(place: AccountContext, params: Restore, dialogue: Dialogue) -> Result:
    """Replace the store with a backup."""
    question = f"Replace the practice's current data with the backup {params.file}?"
    if not await confirm_call(dialogue, Question(question, button="Restore")):
        return Result(data={"restored": False}, lines=["Nothing was changed."])
    done = maintenance.restore(place.home, place.practice, place.person, Path(params.file), place.settings)
    lines = [f"Restored: {count(sum(done.rows.values()), 'row')}."]
    if done.backed_up:
        lines.append(f"The previous data is in {done.backed_up}.")
    return Result(data=to_plain(done), lines=lines)


async def move(place: AccountContext, params: Move, dialogue: Dialogue) -> Result:
    """Move the data into a database, or back."""
    name = practice.find_practice(place.home, place.practice or None)
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
    done = maintenance.move(place.home, name, params.to, place.person)
    lines = [f"Moved to {done.to}: {count(done.rows, 'row')}, each compared with its original."]
    if done.place == "database":
        lines.append("The files on this machine stay as they were, as a backup; nothing is written to them.")
    return Result(data={"moved": True, **to_plain(done)}, lines=lines)


async def purge(place: AccountContext, params: Purge, dialogue: Dialogue) -> Result:
    """Delete the practice from this machine."""
    name = practice.find_practice(place.home, place.practice or None)
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
    done = await maintenance.purge(place.home, name, place.person, place.settings)
    text = (
        f"{name} was deleted from this machine: {done.bytes:,} bytes. A disk may keep traces of "
        "deleted files."
    )
    return Result(data={"purged": True, **to_plain(done)}, lines=[text])


COMMANDS: tuple[Command[Any], ...] = (
    home_command(
        name="data.check",
        title="Check the data",
        help="Read all data of the practice and report what is wrong with it. Changes nothing.",
        params=NoParams,
        on_home=check,
        effect=Effect.LOOKS,
        example="xpm-tui data check",
        default=True,
    ),
    home_command(
        name="data.repair",
        title="Repair damaged data",
        help="Restore damaged data to its last intact state. The damaged files are kept.",
        params=Repair,
        on_home=repair,
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
        on_home=compact,
        example="xpm-tui data compact",
        effect=Effect.WRITES_HERE,
    ),
    home_command(
        name="data.backup",
        title="Back up the data",
        help="Write all data of the practice to one file, and verify it. It contains no login.",
        params=BackUp,
        on_home=back_up,
        example="xpm-tui data backup practice.zip",
        effect=Effect.WRITES_FILE,
    ),
    home_command(
        name="data.restore",
        title="Restore the data from a backup",
        help="Replace the data of the practice with a backup. The current data is backed up first.",
        params=Restore,
        on_home=restore,
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
        on_home=move,
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
        on_home=purge,
        example="xpm-tui purge --practice harbour-branch",
        effect=Effect.IRREVERSIBLE,
        why_not=require_idle,
    ),
)
