"""Commands for jobs: list, preview, edit and skip."""

from __future__ import annotations

from datetime import tzinfo
from typing import TYPE_CHECKING, Annotated

import msgspec

from xpm_tui.commands.command import (
    Command,
    Dialogue,
    Limit,
    Result,
    TextColumn,
    TextTable,
    argument,
    first_reason,
    in_state,
    option,
    require_idle,
)
from xpm_tui.commands.consequences import cost
from xpm_tui.commands.effects import Effect
from xpm_tui.commands.records import pairs
from xpm_tui.commands.tables import ViewItems, to_plain
from xpm_tui.domain import labels
from xpm_tui.domain.formatting import count, listing, when_short
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application.jobs import queries, workflow_edits
    from xpm_tui.application.runs import due as runs_due

if TYPE_CHECKING:
    from xpm_tui.application.jobs.views import JobRowView, PreviewView
    from xpm_tui.application.practice import OpenPractice

JobId = Annotated[
    str, argument("The job: w3/2026-07-01, w3 for the next job of that workflow, or XPM's job number.", "JOB")
]
OPEN = ("due", "missed", "going", "held", "failed", "coming")
on_job = in_state("job", "", *OPEN, "deployed", "skipped", "stopped", "XPM's")


class ListJobs(msgspec.Struct, frozen=True):
    """Parameters of ``jobs list``."""

    state: Annotated[
        str,
        option(
            "Only jobs in this state: all, open, coming, due, missed, held, failed, deployed, left-out.",
            "STATE",
        ),
    ] = ""
    due: Annotated[bool, option("Only jobs that are due.")] = False
    cause: Annotated[str, option("Only jobs that are held or failed for this cause.", "CAUSE")] = ""
    find: Annotated[str, option("Only jobs with this text in their name or client.", "TEXT")] = ""
    limit: Limit = 0


class PreviewJob(msgspec.Struct, frozen=True):
    """Parameters of ``jobs preview``."""

    job: JobId


class EditJob(msgspec.Struct, frozen=True):
    """Parameters of ``jobs edit``."""

    job: JobId
    values: Annotated[
        tuple[str, ...],
        argument("name=..., due=2026-10-31; 'default' restores the default.", "FIELD=VALUE..."),
    ]


class SkipJob(msgspec.Struct, frozen=True):
    """Parameters of ``jobs skip``."""

    job: JobId
    undo: Annotated[bool, option("Undo it.")] = False


async def list_jobs(practice: OpenPractice, params: ListJobs, dialogue: Dialogue) -> Result:
    """List the jobs in order of date."""
    state = "due" if params.due else params.state
    found = queries.list_jobs(practice, state=state, cause=params.cause, text=params.find)
    counted = queries.counts(practice)
    lines = [counted.blocked] if counted.blocked else []
    if counted.to_take:
        lines.append(f"{count(counted.to_take, 'accepted proposal')} from Ignition not taken over: xpm-tui "
            "proposals take-over")  # fmt: skip
    empty = "There are no jobs to create: xpm-tui proposals accept, or take-over"
    return Result(
        data={"count": len(found), "counts": to_plain(counted)},
        items=ViewItems(found),
        most=params.limit,
        table=_table(found, empty),
        lines=lines,
    )


async def preview_job(practice: OpenPractice, params: PreviewJob, dialogue: Dialogue) -> Result:
    """Show the exact job that would be sent."""
    view = queries.preview_job(practice, params.job)
    return Result(data=to_plain(view), lines=_preview(view, runs_due.time_zone(practice)), value=view)


async def show_address(practice: OpenPractice, params: PreviewJob, dialogue: Dialogue) -> Result:
    """Show the job's address in XPM."""
    view = queries.current_job(practice, params.job) or queries.row_of(practice, params.job)
    if not view.number:
        return Result(data={"number": "", "url": ""}, lines=["This job is not in XPM yet."])
    lines = [view.number, view.url or "XPM gave no web address for it."]
    return Result(data={"number": view.number, "url": view.url}, lines=lines)


async def copy_job(practice: OpenPractice, params: PreviewJob, dialogue: Dialogue) -> Result:
    """Copy the name, client, id, number and address of the job."""
    there = queries.current_job(practice, params.job)
    if there is not None and not there.made_by:
        lines = [there.name, there.client, there.number, there.url]
        return Result(data=to_plain(there), lines=["\t".join(filter(None, lines))])
    view = queries.row_of(practice, params.job)
    client = view.client.name if view.client else ""
    lines = [view.name, client, view.id, view.number, view.url]
    return Result(data=to_plain(view), lines=["\t".join(filter(None, lines))])


async def edit_job(practice: OpenPractice, params: EditJob, dialogue: Dialogue) -> Result:
    """Change what will be sent."""
    view = workflow_edits.edit_workflow(practice, params.job, pairs(params.values))
    return Result(
        data=to_plain(view),
        lines=[view.effect, *_preview(view, runs_due.time_zone(practice))],
        value=view,
    )


async def skip_job(practice: OpenPractice, params: SkipJob, dialogue: Dialogue) -> Result:
    """Skip one occurrence."""
    view = queries.skip(practice, params.job, undo=params.undo)
    return Result(
        data=to_plain(view), lines=[f"{view.id} {view.name} is {labels.JOB_STATES[view.state].inline}."]
    )


def _preview(view: PreviewView, zone: tzinfo) -> list[str]:
    xpm_client = view.xpm_client or "created first"
    shown = listing(
        {
            "Job": view.name,
            "Client": f"{view.client.name if view.client else ''} (XPM: {xpm_client})",
            "Description": ", ".join(view.description.splitlines()),
            "Dates": f"{view.start} to {view.due}",
            "Recurs": _recurs(view),
            "Category": view.category or "(none)",
            "Budget": view.budget or "(none)",
            "Reference": view.reference or "(none)",
            "Number": view.job.number or view.number or "(XPM's next)",
            "Templates": ", ".join(ref.name for ref in view.templates) or "(none)",
            "Partner": view.partner or "(nobody)",
            "Manager": view.manager or "(nobody)",
            "Staff": ", ".join(view.staff) or "(nobody)",
            "State": view.state_code or "(XPM's first)",
            "Calls": cost(view.consequences) if view.consequences else "",
            "In XPM": f"{labels.JOB_STATES[view.job.state].text} {view.job.number} {view.job.url}".strip(),
        }
    )
    notes = [
        f"  {labels.PROBLEM_WEIGHTS[p.weight].text}: {p.sentence} {p.hint}".rstrip() for p in view.problems
    ]
    history = [f"  {when_short(line.at, zone)} {line.by}: {line.sentence}" for line in view.audit]
    return [
        f"{view.id} {labels.JOB_STATES[view.job.state].inline}",
        *shown,
        *notes,
        *(["History:", *history] if history else []),
    ]


def _recurs(view: PreviewView) -> str:
    if view.job.repeats == "once":
        return ""
    return (
        f"{view.job.repeats}, until {view.until}" if view.until else (f"{view.job.repeats}, with no end date")
    )


def _state(view: JobRowView) -> str:
    """Return the state of a job, with a note that it is deployed without asking."""
    automatic = view.automatic and view.state in ("coming", "due")
    return labels.JOB_STATES[view.state].text + (" (auto)" if automatic else "")


def _table(found: list[JobRowView], empty: str, most: int = 0) -> TextTable:
    columns = (
        TextColumn("ID", whole=True),
        TextColumn("DATE", whole=True),
        TextColumn("STATE", whole=True),
        TextColumn("JOB", name=True),
        TextColumn("CLIENT"),
        TextColumn("NUMBER", whole=True),
        TextColumn("NOTE"),
    )
    rows = (
        (v.id, str(v.date), _state(v),
         v.name, v.client.name if v.client else "", v.number, v.why)
        for v in found
    )  # fmt: skip
    return TextTable(columns, rows, empty, most)


COMMANDS = (
    Command(
        name="jobs.list",
        title="List the jobs",
        help="List the jobs that are due, coming, missed, held, failed or deployed.",
        params=ListJobs,
        run=list_jobs,
        effect=Effect.LOOKS,
        verb=("jobs", "list"),
        example="xpm-tui jobs list --state open",
        default=True,
    ),
    Command(
        name="jobs.preview",
        title="Preview a job",
        help="Show the exact job that would be sent, any clashes with jobs in XPM, and its history.",
        params=PreviewJob,
        run=preview_job,
        effect=Effect.LOOKS,
        verb=("jobs", "preview"),
        example="xpm-tui jobs preview w3",
        why_not=on_job,
    ),
    Command(
        name="jobs.edit",
        title="Edit a job before it is created",
        help=(
            "Change name, description, category, budget, partner, manager, staff, reference, templates, "
            "due, due_days, days_early, state, automatic, start, repeat, until or client. A job in XPM is "
            "never changed."
        ),
        params=EditJob,
        run=edit_job,
        verb=("jobs", "edit"),
        example="xpm-tui jobs edit w3 due=2026-10-31 manager=ana@example.com",
        key="e",
        where=("jobs",),
        footer="Edit",
        effect=Effect.WRITES_HERE,
        why_not=first_reason(
            in_state("job", "jobs in XPM cannot be changed from here", *OPEN, "skipped", "stopped"),
            require_idle,
        ),
    ),
    Command(
        name="jobs.skip",
        title="Skip a job",
        help="Skip one occurrence for good; the others are not affected.",
        params=SkipJob,
        run=skip_job,
        verb=("jobs", "skip"),
        example="xpm-tui jobs skip w3/2026-07-01",
        key="i",
        where=("jobs",),
        footer="Skip",
        effect=Effect.WRITES_HERE,
        why_not=first_reason(in_state("job", "there is nothing to skip", *OPEN, "skipped"), require_idle),
    ),
    Command(
        name="jobs.address",
        title="Show the job's address in XPM",
        help="Show the number and web address of the job in XPM.",
        params=PreviewJob,
        run=show_address,
        effect=Effect.LOOKS,
        key="o",
        where=("jobs",),
        why_not=on_job,
    ),
    Command(
        name="jobs.copy",
        title="Copy the job's name and numbers",
        help="Copy the name, client, id, XPM number and web address of the job.",
        params=PreviewJob,
        run=copy_job,
        effect=Effect.LOOKS,
        key="y",
        where=("jobs",),
        why_not=on_job,
    ),
)  # fmt: skip
