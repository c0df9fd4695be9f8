"""Reports on jobs: the audit of those in XPM, and the forecast of those to come."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from xpm_tui.commands.command import (
    Command,
    Dialogue,
    Limit,
    Result,
    option,
    require_connection,
)
from xpm_tui.commands.effects import Effect, confirm_overwrite, to_file
from xpm_tui.commands.tables import to_plain
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.formatting import bar, count, month_name, plural, wrap
from xpm_tui.domain.reason_labels import AUDIT_FINDINGS
from xpm_tui.domain.safe_text import visible
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application.jobs import reports

if TYPE_CHECKING:
    from xpm_tui.application.jobs.reports import AuditView
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.deploy.job_audit import AuditFinding
    from xpm_tui.deploy.occurrences import JobForecast


class ForecastJobs(msgspec.Struct, frozen=True):
    """Parameters of ``jobs forecast``."""

    months: Annotated[int, option("How many months, including the current one: 1 to 36.", "NUMBER")] = 12


class AuditJobs(msgspec.Struct, frozen=True):
    """Parameters of ``jobs audit``."""

    only: Annotated[str, option(f"Only this finding: {', '.join(AUDIT_FINDINGS)}.", "FINDING")] = ""
    find: Annotated[str, option("Only with this text in a name or number.", "TEXT")] = ""
    csv: Annotated[
        str, option("Write the findings to this CSV file; - is stdout.", "FILE", completes="file")
    ] = ""
    replace: Annotated[bool, option("Replace the file if it exists.")] = False
    lookups: Annotated[
        int, option("The most calls to look again for jobs that seem to be missing.", "NUMBER")
    ] = 100
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
        raise BadInput(f"{path} exists.", hint="Name another file, or replace this one with --replace.")
    view = await reports.audit_jobs(practice, lookups=params.lookups, report=dialogue.progress)
    found = reports.filtered(view, only=params.only, text=params.find)
    data = {name: content for name, content in to_plain(view).items() if name != "findings"}
    data["count"] = len(found)
    items = [to_plain(each) for each in found]
    if params.csv == "-":
        return Result(data=data, items=items, raw=reports.audit_csv(found), value=view)
    if path is not None:
        reports.write_audit(practice, path, found, replace=bool(over))
        data["file"] = str(path)
        lines = [*summary(view), f"{count(len(found), 'finding')} in {path}."]
        return Result(data=data, items=items, lines=lines, value=view)
    nothing = "Every accepted proposal has its jobs in XPM, and nothing is wrong with them."
    return Result(
        data=data,
        items=items,
        blocks=[_finding_lines(each) for each in found],
        lines=[*([] if found else [nothing]), "", *summary(view)],
        value=view,
        most=params.limit,
    )


async def forecast_jobs(practice: OpenPractice, params: ForecastJobs, dialogue: Dialogue) -> Result:
    """Show the jobs to come by month and template."""
    view = reports.forecast_jobs(practice, months=params.months)
    items = [
        {
            "month": each.month,
            "template": row.template,
            "name": row.name,
            "jobs": each.jobs,
            "budget": each.budget,
        }
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
        named = ", ".join(f"{number:,} {visible(name, 60)}" for number, name in parts)
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


def _finding_lines(found: AuditFinding) -> list[str]:
    """Return a finding with what to do, in full."""
    about = (found.number or found.proposal, found.occurrence, found.client_name, found.job)
    title = "  ".join([AUDIT_FINDINGS[found.finding].text, *filter(None, about)])
    return [title, *wrap(found.sentence, indent="    "), *wrap(f"To do: {found.todo}", indent="    ")]


COMMANDS: tuple[Command[Any], ...] = (
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
        verb=("jobs", "audit"),
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
        verb=("jobs", "forecast"),
        example="xpm-tui jobs forecast",
        key="M",
        where=("jobs",),
        footer="Months",
    ),
)
