"""Commands for jobs: list, preview, edit and skip; the audit of those in XPM, and the forecast."""

from __future__ import annotations

from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from xpm_tui.commands.command import (
    Command,
    Dialogue,
    Limit,
    ReplaceFile,
    Result,
    TextColumn,
    TextTable,
    argument,
    first_reason,
    in_state,
    option,
    require_connection,
    require_idle,
)
from xpm_tui.commands.consequences import cost
from xpm_tui.commands.effects import Effect, confirm_overwrite, to_file
from xpm_tui.commands.records import pairs
from xpm_tui.commands.tables import ViewItems, to_plain
from xpm_tui.domain import labels
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.formatting import bar, count, listing, month_name, plural, when_short, wrap
from xpm_tui.domain.reason_labels import AUDIT_FINDINGS
from xpm_tui.domain.safe_text import visible
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application.jobs import queries, reports, workflow_edits

if TYPE_CHECKING:
    from xpm_tui.application.jobs.reports import AuditView
    from xpm_tui.application.jobs.views import JobRowView, PreviewView
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.deploy.job_audit import AuditFinding
    from xpm_tui.deploy.occurrences import JobForecast


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
    undo: Annotated[bool, option("Undo the skip.")] = False


async def list_jobs(practice: OpenPractice, params: ListJobs, dialogue: Dialogue) -> Result:
    """List the jobs in order of date."""
    state = "due" if params.due else params.state
    found = queries.list_jobs(practice, state=state, cause=params.cause, text=params.find)
    counted = queries.counts(practice)
    lines = [counted.blocked] if counted.blocked else []
    if counted.to_take:
        noun = "accepted proposal from Ignition is/accepted proposals from Ignition are"
        lines.append(f"{count(counted.to_take, noun)} not taken over: xpm-tui proposals take-over")
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
    return Result(data=to_plain(view), lines=_preview(view, practice.time_zone()), value=view)


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
    """Change what will be sent to XPM for a job."""
    view = workflow_edits.edit_workflow(practice, params.job, pairs(params.values))
    lines = [view.effect, *_preview(view, practice.time_zone())]
    return Result(data=to_plain(view), lines=lines, value=view)


async def skip_job(practice: OpenPractice, params: SkipJob, dialogue: Dialogue) -> Result:
    """Skip one occurrence of a workflow, or undo that."""
    view = queries.skip(practice, params.job, undo=params.undo)
    lines = [f"{view.id} {view.name} is {labels.JOB_STATES[view.state].inline}."]
    return Result(data=to_plain(view), lines=lines)


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
    weights = labels.PROBLEM_WEIGHTS
    notes = [f"  {weights[p.weight].text}: {p.sentence} {p.hint}".rstrip() for p in view.problems]
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
    return f"{view.job.repeats}, " + (f"until {view.until}" if view.until else "with no end date")


def _state(view: JobRowView) -> str:
    """Return the state of a job, with a note that it is deployed without asking."""
    automatic = view.automatic and view.state in ("coming", "due")
    return labels.JOB_STATES[view.state].text + (" (auto)" if automatic else "")


def _table(found: list[JobRowView], empty: str) -> TextTable:
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
    return TextTable(columns, rows, empty)


class ForecastJobs(msgspec.Struct, frozen=True):
    """Parameters of ``jobs forecast``."""

    months: Annotated[int, option("How many months, including the current one: 1 to 36.", "NUMBER")] = 12


class AuditJobs(msgspec.Struct, frozen=True):
    """Parameters of ``jobs audit``."""

    only: Annotated[str, option(f"Only this finding: {', '.join(AUDIT_FINDINGS)}.", "FINDING")] = ""
    find: Annotated[str, option("Only findings with this text in a name or number.", "TEXT")] = ""
    csv: Annotated[
        str, option("Write the findings to this CSV file; - is stdout.", "FILE", completes="file")
    ] = ""
    replace: ReplaceFile = False
    lookups: Annotated[int, option("Maximum calls to look for missing jobs again.", "NUMBER")] = 100
    limit: Limit = 0


async def audit_jobs(practice: OpenPractice, params: AuditJobs, dialogue: Dialogue) -> Result:
    """Compare the accepted proposals with the jobs in XPM, and say what to do."""
    if params.lookups < 0:
        raise BadInput("--lookups must be 0 or more.")
    path = Path(params.csv).expanduser() if params.csv not in ("", "-") else None
    over = await confirm_overwrite(dialogue, path, replace=params.replace) if path is not None else False
    if over is None:
        return Result(data={"count": 0}, lines=["Nothing was written."], declined=True)
    if path is not None and path.exists() and not over:
        raise BadInput(
            f"{path} already exists.", hint="Name another file, or replace this one with --replace."
        )
    view = await reports.audit_jobs(practice, lookups=params.lookups, report=dialogue.progress)
    found = reports.filter_findings(view, only=params.only, text=params.find)
    data = {**to_plain(view), "count": len(found)}
    del data["findings"]
    items = [to_plain(each) for each in found]
    if params.csv == "-":
        return Result(data=data, items=items, raw=reports.audit_csv(found), value=view)
    if path is not None:
        reports.write_audit(practice, path, found, replace=bool(over))
        lines = [*summary(view), f"{count(len(found), 'finding')} in {path}."]
        return Result(data=data | {"file": str(path)}, items=items, lines=lines, value=view)
    blocks, lines = [_finding_lines(each) for each in found] or [[_SOUND]], ["", *summary(view)]
    return Result(data=data, items=items, blocks=blocks, lines=lines, value=view, most=params.limit)


async def forecast_jobs(practice: OpenPractice, params: ForecastJobs, dialogue: Dialogue) -> Result:
    """Show the jobs to come by month and template."""
    view = reports.forecast_jobs(practice, months=params.months)
    items = [
        {"month": each.month, "template": row.template, "name": row.name}
        | {"jobs": each.jobs, "budget": each.budget}
        for row in view.templates
        for each in row.months
        if each.jobs
    ]
    data = {
        "count": len(items),
        "jobs": view.jobs,
        "budget": view.budget,
        "missed": view.missed,
        "months": [to_plain(each) for each in view.months],
    }
    lines = [*_months(view), ""]
    lines.append(f"{count(view.jobs, 'job')} in {count(len(view.months), 'month')}, budget {view.budget}.")
    if view.missed:
        lines.append(
            f"Not counted: {count(view.missed, 'missed job')}. See: xpm-tui jobs list --state missed"
        )
    return Result(data=data, items=items, lines=lines, value=view)


def _months(view: JobForecast) -> list[str]:
    """Return each month with its jobs, budget and a bar, and its templates, the most frequent first."""
    most = max((each.jobs for each in view.months), default=0) or 1
    lines: list[str] = []
    for place, each in enumerate(view.months):
        text = f"{month_name(each.month)}  {each.jobs:>7,} {plural(each.jobs, 'job/jobs')}"
        lines.append(f"{text:<22}  {each.budget:>13}  {bar(each.jobs, most, 12)}".rstrip())
        parts = sorted(
            ((row.months[place].jobs, row.name) for row in view.templates if row.months[place].jobs),
            key=lambda part: (-part[0], part[1]),
        )
        named = ", ".join(f"{number:,} {visible(name)}" for number, name in parts)
        lines += wrap(named, 70, indent="  ") if named else []
    return lines


def summary(view: AuditView) -> list[str]:
    """Return what was compared, and how many findings of each kind there are."""
    lines = [
        f"{count(view.proposals, 'accepted proposal')} compared with {count(view.jobs, 'job')} of XPM in "
        f"{count(view.calls, 'call')}: {count(len(view.findings), 'finding')}. Nothing was written."
    ]
    lines += [
        f"  {number:>5,} {AUDIT_FINDINGS[code].text}: {AUDIT_FINDINGS[code].help}"
        for code in AUDIT_FINDINGS
        if (number := view.counts.get(code, 0))
    ]
    return [*lines, *view.unjudged]


_SOUND = "Every accepted proposal has its jobs in XPM, and nothing is wrong with them."


def _finding_lines(found: AuditFinding) -> list[str]:
    """Return a finding with what to do, in full."""
    about = (found.number or found.proposal, found.occurrence, found.client_name, found.job)
    title = "  ".join([AUDIT_FINDINGS[found.finding].text, *filter(None, about)])
    return [title, *wrap(found.sentence, indent="    "), *wrap(f"To do: {found.todo}", indent="    ")]


COMMANDS: tuple[Command[Any], ...] = (
    Command(
        name="jobs.list",
        title="List the jobs",
        help="List the jobs that are due, coming, missed, held, failed or deployed.",
        params=ListJobs,
        run=list_jobs,
        effect=Effect.LOOKS,
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
        example="xpm-tui jobs skip w3/2026-07-01",
        key="i",
        where=("jobs",),
        footer="Skip",
        effect=Effect.WRITES_HERE,
        why_not=first_reason(in_state("job", "there is nothing to skip", *OPEN, "skipped"), require_idle),
    ),
    Command(
        name="jobs.address",
        console_only=True,
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
        console_only=True,
        title="Copy the job's name and numbers",
        help="Copy the name, client, id, XPM number and web address of the job.",
        params=PreviewJob,
        run=copy_job,
        effect=Effect.LOOKS,
        key="y",
        where=("jobs",),
        why_not=on_job,
    ),
    Command(
        name="jobs.audit",
        title="Audit the jobs in XPM",
        help=(
            "Compare each accepted proposal, including those that Ignition deploys, with the jobs in XPM. "
            "Finds missing jobs, other clients, templates or dates, missing or repeated references, states "
            "without invoices, people who left, and jobs of revoked proposals. Each finding says what to "
            "do. Nothing is written."
        ),
        params=AuditJobs,
        run=audit_jobs,
        effect=to_file("csv"),
        example="xpm-tui jobs audit --csv audit.csv",
        key="r",
        where=("jobs",),
        footer="Audit",
        why_not=require_connection,
    ),
    Command(
        name="jobs.forecast",
        title="Forecast the jobs to come",
        help=(
            "Show which jobs will be created in the coming months, by month and template, with their "
            "budget: what is due, held or to come. Missed jobs and proposals that are not taken over are "
            "not counted."
        ),
        params=ForecastJobs,
        run=forecast_jobs,
        effect=Effect.LOOKS,
        example="xpm-tui jobs forecast",
        key="M",
        where=("jobs",),
        footer="Months",
    ),
)  # fmt: skip
