"""Commands for the inbox: set it up, show it, import from it, and retry failed files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from xpm_tui.commands.command import (
    Command,
    Dialogue,
    DryRun,
    Limit,
    NoParams,
    Result,
    TextColumn,
    TextTable,
    argument,
    option,
    require_idle,
)
from xpm_tui.commands.effects import Effect, effect_or_dry_run
from xpm_tui.commands.tables import table_result, to_plain
from xpm_tui.domain import labels
from xpm_tui.domain.errors import AppError, BadInput
from xpm_tui.domain.formatting import count, listing, plural, when, when_short
from xpm_tui.domain.safe_text import visible
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application.csv_io import inbox, intake
    from xpm_tui.files import private
    from xpm_tui.ignition import event_schema

if TYPE_CHECKING:
    from xpm_tui.application.csv_io.intake import InboxReport
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.domain.ignition import ReceivedFile

_SHOWN = 20

ReceivedText = Annotated[str, argument("The file: its id, such as f12, its name, or 'last'.", "FILE")]


class SetUpInbox(msgspec.Struct, frozen=True):
    """Parameters of ``inbox setup``."""

    folder: Annotated[
        str, argument("The folder; it is created if it does not exist.", "DIR", completes="file")
    ]


class RunInbox(msgspec.Struct, frozen=True):
    """Parameters of ``inbox run``."""

    dry_run: DryRun = False


class ListInbox(msgspec.Struct, frozen=True):
    """Parameters of ``inbox list``."""

    state: Annotated[
        Literal["", "imported", "unchanged", "outdated", "partial", "failed"],
        option("Only files with this result."),
    ] = ""
    limit: Limit = 50


class ShowReceived(msgspec.Struct, frozen=True):
    """Parameters of ``inbox show``."""

    file: ReceivedText


class RetryReceived(msgspec.Struct, frozen=True):
    """Parameters of ``inbox retry``."""

    files: Annotated[
        tuple[str, ...], argument("The files: their ids, such as f12, or their names.", "FILE…")
    ] = ()
    all: Annotated[bool, option("Every file that failed.")] = False


async def set_up(practice: OpenPractice, params: SetUpInbox, dialogue: Dialogue) -> Result:
    """Make a folder the inbox of the practice; it is created if it does not exist."""
    path = private.expand_path(params.folder)
    folder = intake.set_up(practice, path)
    return Result(
        data=to_plain(inbox.inbox_status(practice)),
        lines=[
            f"The inbox is {visible(str(folder.root), 300)}.",
            "Write Ignition's CSV files or events to it; the scheduled sync imports them, and so does: "
            "xpm-tui inbox run",
            "What an event looks like: xpm-tui inbox schema",
        ],
    )


async def status(practice: OpenPractice, params: NoParams, dialogue: Dialogue) -> Result:
    """Show the state of the inbox."""
    found = inbox.inbox_status(practice)
    if not found.folder:
        lines = ["This practice has no inbox. Set one up: xpm-tui inbox setup DIR"]
        return Result(data=to_plain(found), lines=lines, value=found)
    data = {
        "Folder": found.folder,
        "Waiting": count(found.waiting + found.claimed, "file", zero="no"),
        "Still being uploaded": count(found.unfinished, "file") if found.unfinished else "",
        "Failed": count(found.failed, "file", zero="no"),
        "Came in": count(found.received, "file", zero="no"),
        "Last one": when(found.last_at, none="none yet"),
    }
    lines = listing({name: text for name, text in data.items() if text})
    if found.problem:
        lines.append(found.problem)
    if found.waiting or found.claimed:
        lines.append("Import them: xpm-tui inbox run")
    if found.failed:
        lines.append("Why they failed: xpm-tui inbox list --state failed")
    return Result(data=to_plain(found), lines=lines, value=found)


async def run_inbox(practice: OpenPractice, params: RunInbox, dialogue: Dialogue) -> Result:
    """Import the files in the inbox."""
    report = await intake.empty_inbox(
        practice, dry_run=params.dry_run, progress=lambda done, total: _progress(dialogue, done, total)
    )
    return report_result(report)


async def retry(practice: OpenPractice, params: RetryReceived, dialogue: Dialogue) -> Result:
    """Import failed files again."""
    if bool(params.files) == params.all:
        raise BadInput("Name the files to import again, or use --all.", hint="See: xpm-tui inbox list")
    files = inbox.files_to_retry(practice, params.files, every=params.all)
    report = await intake.retry(
        practice, files, progress=lambda done, total: _progress(dialogue, done, total)
    )
    return report_result(report)


def _progress(dialogue: Dialogue, done: int, total: int) -> None:
    dialogue.progress(f"Importing from the inbox: {done:,} of {count(total, 'file')} …")


def report_result(report: InboxReport) -> Result:
    """Return the result of importing from the inbox."""
    counts = {state: report.counts.get(state, 0) for state in labels.RECEIVED_STATES}
    data = {
        "dry_run": report.dry_run,
        "count": report.total,
        **counts,
        "waiting": report.waiting,
        "files": [to_plain(inbox.received_view(row)) for row in report.files],
    }
    return Result(data=data, lines=list(report_lines(report)), error=_error(report), value=report)


def report_lines(report: InboxReport) -> Iterator[str]:
    """Return the result of importing from the inbox: a summary, and a line for each notable file."""
    counts, would = report.counts, "would be " if report.dry_run else ""
    if not report.total:
        yield "No complete file is in the inbox."
    else:
        text = ", ".join(
            f"{number:,} {labels.RECEIVED_STATES[state].inline}"
            for state in labels.RECEIVED_STATES
            if (number := counts.get(state, 0))
        )
        yield f"{count(report.total, 'file')} {would}processed: {text}."
    shown = sorted(report.files, key=lambda row: row.state not in ("failed", "partial"))[:_SHOWN]
    yield from (f"  {row.id or '–'} {visible(row.name, 60)}: {row.sentence}" for row in shown)
    if report.total > len(shown):
        yield f"  and {report.total - len(shown):,} more: xpm-tui inbox list"
    if report.waiting:
        waits = plural(report.waiting, "is/are")
        yield f"{count(report.waiting, 'file')} {waits} not complete yet; the next run checks again."


def _error(report: InboxReport) -> AppError | None:
    if report.stopped is not None:
        return report.stopped
    bad = report.counts["failed"] + report.counts["partial"]
    if not bad:
        return None
    error = AppError(
        f"{count(bad, 'file')} from the inbox could not be imported in full.",
        hint="Why: xpm-tui inbox list. Then: xpm-tui inbox retry FILE",
    )
    error.code = "partial"
    error.logged = True
    return error


async def list_received(practice: OpenPractice, params: ListInbox, dialogue: Dialogue) -> Result:
    """List the received files, the newest first."""
    rows = inbox.list_newest(practice, state=params.state)
    columns = (
        TextColumn("FILE", whole=True),
        TextColumn("CAME IN", whole=True),
        TextColumn("RESULT", whole=True),
        TextColumn("NAME", name=True),
        TextColumn("WHAT"),
    )
    return table_result(
        [inbox.received_view(row) for row in rows],
        TextTable(columns, _rows(rows), "No file has come in through the inbox yet."),
        most=params.limit,
    )


def _rows(rows: Iterable[ReceivedFile]) -> Iterator[tuple[str, ...]]:
    for row in rows:
        state = labels.label(labels.RECEIVED_STATES, row.state).text
        yield row.id, when_short(row.at), state, row.name, row.sentence


async def show_received(practice: OpenPractice, params: ShowReceived, dialogue: Dialogue) -> Result:
    """Show one file: what it was, what it changed, and where it is."""
    view = inbox.show_received(practice, params.file)
    data = {
        "File": f"{view.id} {view.name}",
        "Came in": when(view.at),
        "Result": labels.label(labels.RECEIVED_STATES, view.state).text,
        "Content": view.event or view.kind,
        "Values as of": when(view.as_of),
        "Import": view.batch,
        "Copies": str(view.copies) if view.copies else "",
        "Now in": view.place or "deleted",
    }
    lines = [*listing({name: text for name, text in data.items() if text}), view.sentence]
    return Result(data=to_plain(view), lines=[*lines, *(f"  {each}" for each in view.details)], value=view)


async def schema(practice: OpenPractice, params: NoParams, dialogue: Dialogue) -> Result:
    """Show the form of an event, for programs that write events."""
    found = event_schema.json_schema()
    example = msgspec.json.format(msgspec.json.encode(event_schema.EXAMPLES[0]), indent=2).decode()
    kinds = [f"  {kind.name}: {kind.help}" for kind in event_schema.KINDS]
    return Result(
        data={"version": event_schema.VERSION, "schema": found},
        lines=[
            f"Events, version {event_schema.VERSION}: one JSON object in each file, such as",
            *example.splitlines(),
            "The events:",
            *kinds,
            "The JSON Schema with every field: xpm-tui inbox schema --json",
        ],
    )


COMMANDS: tuple[Command[Any], ...] = (
    Command(
        name="inbox.status",
        title="Show the inbox",
        help="Show the inbox folder: how many files are waiting, have failed, and have come in.",
        params=NoParams,
        run=status,
        effect=Effect.LOOKS,
        example="xpm-tui inbox status",
        default=True,
    ),
    Command(
        name="inbox.setup",
        title="Set up the inbox",
        help=(
            "Make a folder the inbox of this practice. Zapier, Make, Power Automate, an SFTP server or you "
            "write Ignition's CSV files and events to it."
        ),
        params=SetUpInbox,
        run=set_up,
        effect=Effect.WRITES_HERE,
        example="xpm-tui inbox setup ~/inbox",
    ),
    Command(
        name="inbox.run",
        title="Import from the inbox",
        help=(
            "Import every complete file of the inbox, each exactly once and in one transaction, and move "
            "it to done or failed with a note beside it that says what happened. Nothing is sent to XPM, "
            "and nothing is deployed."
        ),
        params=RunInbox,
        run=run_inbox,
        effect=effect_or_dry_run(Effect.WRITES_HERE),
        example="xpm-tui inbox run --dry-run",
        why_not=require_idle,
    ),
    Command(
        name="inbox.list",
        title="List what came in",
        help="List the files that came in through the inbox, the newest first, with the result of each.",
        params=ListInbox,
        run=list_received,
        effect=Effect.LOOKS,
        example="xpm-tui inbox list --state failed",
        key="I",
        where=("overview",),
    ),
    Command(
        name="inbox.show",
        title="Show a file that came in",
        help="Show one file that came in through the inbox: what it changed, what was refused, where it is.",
        params=ShowReceived,
        run=show_received,
        effect=Effect.LOOKS,
        example="xpm-tui inbox show f12",
    ),
    Command(
        name="inbox.retry",
        title="Import a file again",
        help=(
            "Import failed files again, once the cause is resolved. A file is then imported as it "
            "is, even if it was imported before or its last row has no line end."
        ),
        params=RetryReceived,
        run=retry,
        effect=Effect.WRITES_HERE,
        example="xpm-tui inbox retry f12",
        why_not=require_idle,
    ),
    Command(
        name="inbox.schema",
        title="Show the form of events",
        help="Show what an event for the inbox looks like; with --json, its JSON Schema.",
        params=NoParams,
        run=schema,
        effect=Effect.LOOKS,
        example="xpm-tui inbox schema --json",
    ),
)
