"""Jobs: shown before they are made, made, finished where they failed, made again where XPM lost them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from xpm_tui.acts.act import Act, Column, Result, Table, Talk
from xpm_tui.acts.editing import pairs
from xpm_tui.acts.params import argument, option
from xpm_tui.acts.situation import connected, first, idle, ignition_off, in_state
from xpm_tui.acts.syncing import following, told
from xpm_tui.acts.words import count, fields, plain, when
from xpm_tui.model.errors import BadInput, NeedsPerson, Trouble

if TYPE_CHECKING:
    from xpm_tui.deploy.due import Occurrence
    from xpm_tui.model.runs import Run
    from xpm_tui.service.job_batch import BatchView
    from xpm_tui.service.job_views import JobRowView, PreviewView
    from xpm_tui.service.practice import OpenPractice

JobId = Annotated[str, argument("The job: w3/2026-07-01, w3 for its next one, or XPM's number.", "JOB")]
Anyway = Annotated[bool, option("Go on also where the preview asks first.")]
Yes = Annotated[bool, option("Do not ask.")]

_SHOWN = 20
OPEN = ("due", "missed", "going", "held", "failed", "coming")
to_make = in_state(
    "job", "what is done with is not made (i takes a skip back, D makes again what XPM lost)", *OPEN
)
on_job = in_state("job", "", *OPEN, "deployed", "skipped", "stopped", "XPM's")


class ListJobs(msgspec.Struct, frozen=True):
    """Parameters of ``jobs list``."""

    state: Annotated[
        str, option("Only these: open, coming, due, missed, held, failed, deployed, left-out.", "STATE")
    ] = ""
    due: Annotated[bool, option("Only what is due.")] = False
    cause: Annotated[str, option("Only what is kept back for this cause.", "CAUSE")] = ""
    find: Annotated[str, option("Only names and clients with this in them.", "TEXT")] = ""


class PreviewJob(msgspec.Struct, frozen=True):
    """Parameters of ``jobs preview``."""

    job: JobId


class EditJob(msgspec.Struct, frozen=True):
    """Parameters of ``jobs edit``."""

    job: JobId
    values: Annotated[
        tuple[str, ...],
        argument("name=..., due=2026-10-31; 'default' goes back.", "FIELD=VALUE..."),
    ]


class SkipJob(msgspec.Struct, frozen=True):
    """Parameters of ``jobs skip``."""

    job: JobId
    undo: Annotated[bool, option("Take it back.")] = False


class DeployJobs(msgspec.Struct, frozen=True):
    """Parameters of ``jobs deploy``."""

    jobs: Annotated[tuple[str, ...], argument("The jobs: w3/2026-07-01, or w3.", "[JOB]...")] = ()
    due: Annotated[bool, option("All that are due.")] = False
    missed: Annotated[bool, option("All that were missed.")] = False
    anyway: Anyway = False
    yes: Yes = False


class RetryJobs(msgspec.Struct, frozen=True):
    """Parameters of ``jobs retry``."""

    jobs: Annotated[tuple[str, ...], argument("The jobs that are held or failed.", "[JOB]...")] = ()
    cause: Annotated[str, option("All that are kept back for this cause.", "CAUSE")] = ""
    all: Annotated[bool, option("All that are held, failed or half-made.")] = False
    anyway: Anyway = False
    yes: Yes = False
    sent: Annotated[
        Literal["", "adopt", "again", "drop"], option("What became of the step that got no answer.")
    ] = ""
    job: Annotated[str, option("With --sent adopt: the job's number in XPM.", "NUMBER")] = ""


class RedeployJob(msgspec.Struct, frozen=True):
    """Parameters of ``jobs redeploy``."""

    job: JobId
    anyway: Anyway = False
    yes: Yes = False


async def list_jobs(practice: OpenPractice, params: ListJobs, talk: Talk) -> Result:
    """In order of date."""
    from xpm_tui.service import jobs

    state = "due" if params.due else params.state
    found = jobs.list_jobs(practice, state=state, cause=params.cause, text=params.find)
    counted = jobs.counts(practice)
    lines = [counted.blocked] if counted.blocked else []
    if counted.to_take:
        lines.append(f"{count(counted.to_take, 'accepted proposal')} of Ignition not ours to deploy: "
                     "xpm-tui proposals take")  # fmt: skip
    empty = "No job is to be made: xpm-tui proposals accept, or take"
    return Result(data={"count": len(found), "counts": plain(counted)}, items=[plain(view) for view in found],
                  table=_table(found, empty), lines=lines)  # fmt: skip


async def preview_job(practice: OpenPractice, params: PreviewJob, talk: Talk) -> Result:
    """The exact job."""
    from xpm_tui.service import jobs

    view = jobs.preview_job(practice, params.job)
    return Result(data=plain(view), lines=_preview(view))


async def show_address(practice: OpenPractice, params: PreviewJob, talk: Talk) -> Result:
    """Where it is found in XPM."""
    from xpm_tui.service import jobs

    view = jobs.row_of(practice, params.job)
    told = f"{view.number} {view.url}" if view.number else f"Job {view.id} is not in XPM yet."
    return Result(data={"number": view.number, "url": view.url}, lines=[told])


async def edit_job(practice: OpenPractice, params: EditJob, talk: Talk) -> Result:
    """Change what is to be sent."""
    from xpm_tui.service import job_editing

    view = job_editing.edit_workflow(practice, params.job, pairs(params.values))
    return Result(data=plain(view), lines=[f"{view.workflow} is changed.", *_preview(view)])


async def skip_job(practice: OpenPractice, params: SkipJob, talk: Talk) -> Result:
    """Leave one out."""
    from xpm_tui.service import jobs

    view = jobs.skip(practice, params.job, undo=params.undo)
    return Result(data=plain(view), lines=[f"{view.id} {view.name} is {view.state}."])


async def deploy_jobs(practice: OpenPractice, params: DeployJobs, talk: Talk) -> Result:
    """Show, ask, make."""
    from xpm_tui.service import jobs

    practice.writable()
    if not (params.jobs or params.due or params.missed):
        raise BadInput("Say which jobs, --due, or --missed.", hint="xpm-tui jobs deploy w3")
    chosen = jobs.choose(practice, params.jobs, due=params.due, missed=params.missed)
    return await _deploy(practice, chosen, talk, anyway=params.anyway, yes=params.yes)


async def retry_jobs(practice: OpenPractice, params: RetryJobs, talk: Talk) -> Result:
    """Go on where it failed."""
    from xpm_tui.service import job_settling, jobs

    practice.writable()
    if params.sent:
        if len(params.jobs) != 1:
            raise BadInput("Say for one job what became of it.", hint="xpm-tui jobs retry w3 --sent again")
        view = await job_settling.settle_sent(practice, params.jobs[0], params.sent, params.job)
        if view.state == "skipped":
            return Result(data=plain(view), lines=[f"{view.id} {view.name} is left out."])
    elif params.job:
        raise BadInput("--job goes with --sent adopt.")
    if not (params.jobs or params.cause or params.all):
        raise BadInput("Say which jobs, --cause, or --all.", hint="xpm-tui jobs list --state failed")
    chosen = jobs.unfinished(practice, cause=params.cause) if not params.jobs else [
        jobs.find_job(practice, text) for text in params.jobs
    ]  # fmt: skip
    wrong = [each for each in chosen if each.state not in ("held", "failed", "going")]
    if wrong:
        raise BadInput(f"Job {wrong[0].id} is {wrong[0].state}: there is nothing to try again.")
    return await _deploy(practice, chosen, talk, anyway=params.anyway, yes=params.yes)


async def redeploy_job(practice: OpenPractice, params: RedeployJob, talk: Talk) -> Result:
    """Make it anew, where XPM no longer has it."""
    from xpm_tui.service import job_settling, jobs

    view = await job_settling.prepare_again(practice, params.job)
    chosen = [jobs.find_job(practice, view.id)]
    return await _deploy(practice, chosen, talk, anyway=params.anyway, yes=params.yes)


async def deploy_automatic(practice: OpenPractice, result: Result, talk: Talk) -> Result:
    """After an acceptance: what is set to go by itself goes; why it does not is told with the acceptance."""
    from xpm_tui.service import deploying

    try:
        async with following(practice, talk):
            run = await deploying.deploy_due(practice)
    except Trouble as trouble:
        lines = [*result.lines, f"Not deployed yet: {trouble.message} {trouble.hint}".strip()]
        return Result(data=result.data, items=result.items, table=result.table, lines=lines)
    if run is None:
        return result
    data = {**result.data, "run": plain(run)}
    return Result(data=data, items=result.items, table=result.table, lines=[*result.lines, *told(run)],
                  trouble=_trouble(run))  # fmt: skip


async def _deploy(
    practice: OpenPractice, chosen: list[Occurrence], talk: Talk, *, anyway: bool, yes: bool
) -> Result:
    from xpm_tui.service import deploying, job_batch, jobs

    if not chosen:
        return Result(data={"count": 0}, lines=["There is nothing to deploy."])
    batch = job_batch.look(practice, chosen)
    calls = batch.calls_anyway if anyway else batch.calls
    if talk.interactive and not yes:
        for line in batch_lines(batch):
            talk.say(line)
        if not await talk.confirm(f"Make {count(batch.new + anyway * batch.asks, 'job')} in XPM?"):
            return Result(data={"count": 0}, lines=["Nothing was made."])
        yes = True
    talk.say(f"{count(len(chosen), 'job')}, about {count(calls, 'call')} to Xero.")
    async with following(practice, talk):
        run = await deploying.deploy_jobs(practice, chosen, reviewed=yes, anyway=anyway)
    rows = [jobs.row_of(practice, each.id) for each in chosen]
    lines = [*told(run), *(line for row in rows for line in _outcome(row))]
    data = {**plain(run), "estimate": calls, "jobs": [plain(row) for row in rows]}
    return Result(data=data, lines=lines, trouble=_trouble(run))


def batch_lines(batch: BatchView) -> list[str]:
    """A batch before it starts: each job with what is the matter, then the counts and the calls."""
    found: list[str] = []
    for view in batch.jobs[:_SHOWN]:
        found.append(f"{view.id}  {view.name}  {view.client.name if view.client else ''}")
        found += [f"    {p.sentence} {p.hint}".rstrip() for p in view.problems if p.weight != "note"]
    if len(batch.jobs) > _SHOWN:
        found.append(f"  and {len(batch.jobs) - _SHOWN:,} more: xpm-tui jobs list")
    if batch.number:
        found.append(f"Job numbers are our own, for example {batch.number}.")
    if batch.begun:
        found.append(f"{count(batch.begun, 'job')} in XPM would be finished.")
    if batch.earlier:
        found.append(f"{count(batch.earlier, 'job')} of an earlier run would be finished first.")
    if batch.asks:
        found.append(f"{count(batch.asks, 'job')} kept back until you say --anyway.")
    if batch.holds:
        found.append(f"{count(batch.holds, 'job')} kept back until mended.")
    return [*found, f"{count(batch.new, 'new job')}, about {count(batch.calls, 'call')} to Xero."]


def _trouble(run: Run) -> Trouble | None:
    """Why a deploying run did not come out well, with the way on."""
    if run.exit_code == 0:
        return None
    if run.outcome == "held":
        why = " ".join(stop.sentence for stop in run.stops) or "Some jobs wait for a person."
        return NeedsPerson(f"Run {run.id} is held. {why}", hint="See: xpm-tui jobs list --state held")
    from xpm_tui.diagnose.finding import run_case

    sentence = run.error or ("Some jobs failed." if run.outcome == "partial" else f"It is {run.outcome}.")
    trouble = Trouble(sentence, hint="See why: xpm-tui jobs list --state failed. Then: xpm-tui jobs retry")
    trouble.code, trouble.exit_code = run.outcome, run.exit_code
    trouble.case = run_case(run)
    trouble.logged = True  # the run's own end is in the log
    return trouble


def _outcome(row: JobRowView) -> list[str]:
    head = f"  {row.id}  {row.state}  {row.number}  {row.name}"
    return [head, *(f"      {line}" for line in (row.url, row.why, *row.left_out) if line)]


def _preview(view: PreviewView) -> list[str]:
    shown = fields(
        {
            "Job": view.name,
            "Client": f"{view.client.name if view.client else ''} (XPM: {view.xpm_client or 'made first'})",
            "Description": ", ".join(view.description.splitlines()),
            "Dates": f"{view.start} to {view.due}",
            "Category": view.category or "(none)",
            "Budget": view.budget or "(none)",
            "Reference": view.reference or "(none)",
            "Number": view.job.number or view.number or "(XPM's next)",
            "Templates": ", ".join(ref.name for ref in view.templates) or "(none)",
            "Partner": view.partner or "(nobody)",
            "Manager": view.manager or "(nobody)",
            "Staff": ", ".join(view.staff) or "(nobody)",
            "State": view.state_code or "(XPM's first)",
            "Calls": str(view.calls),
            "In XPM": f"{view.job.state} {view.job.number} {view.job.url}".strip(),
        }
    )
    marks = {"hold": "holds", "ask": "asks", "note": "note"}
    notes = [f"  {marks[p.weight]}: {p.sentence} {p.hint}".rstrip() for p in view.problems]
    history = [f"  {when(line.at)} {line.by}: {line.sentence}" for line in view.audit]
    return [f"{view.id} {view.job.state}", *shown, *notes, *(["History:", *history] if history else [])]


def _table(found: list[JobRowView], empty: str) -> Table:
    columns = (Column("ID", whole=True), Column("DATE", whole=True), Column("STATE", whole=True),
               Column("JOB"), Column("CLIENT"), Column("NUMBER", whole=True), Column("NOTE"))  # fmt: skip
    rows = (
        (v.id, str(v.date), v.state + (" (auto)" if v.automatic and v.state in ("coming", "due") else ""),
         v.name, v.client.name if v.client else "", v.number, v.why)
        for v in found
    )  # fmt: skip
    return Table(columns, rows, empty)


ACTS = (
    Act(
        name="jobs.list",
        title="List the jobs",
        help="List jobs to be made and made: what is due, comes soon, was missed, is held, failed, deployed.",
        params=ListJobs,
        run=list_jobs,
        verb=("jobs", "list"),
        example="xpm-tui jobs list --state open",
        default=True,
    ),
    Act(
        name="jobs.preview",
        title="Preview a job",
        help="Show the exact job that would be sent, what clashes with jobs in XPM, and its history.",
        params=PreviewJob,
        run=preview_job,
        verb=("jobs", "preview"),
        example="xpm-tui jobs preview w3",
        why_not=on_job,
    ),
    Act(
        name="jobs.deploy",
        title="Deploy jobs",
        help="Make jobs in XPM. Shows what would be made and asks; without a terminal, more new jobs than "
        "jobs.max_new are held unless --yes is given.",
        params=DeployJobs,
        run=deploy_jobs,
        verb=("jobs", "deploy"),
        example="xpm-tui jobs deploy w3\nxpm-tui jobs deploy --due",
        key="d",
        where=("jobs",),
        footer="Deploy",
        writes=True,
        streams=True,
        outlives=True,
        why_not=first(connected, ignition_off, to_make, idle),
    ),
    Act(
        name="jobs.retry",
        title="Try failed jobs again",
        help="Go on with jobs that are held or failed, at the step where they stand: one, or all of a cause.",
        params=RetryJobs,
        run=retry_jobs,
        verb=("jobs", "retry"),
        example="xpm-tui jobs retry w3\nxpm-tui jobs retry --cause template-gone",
        key="t",
        where=("jobs",),
        footer="Try again",
        writes=True,
        streams=True,
        outlives=True,
        why_not=first(
            connected,
            ignition_off,
            in_state("job", "only what is held, failed or half-made goes on", "held", "failed", "going"),
            idle,
        ),
    ),
    Act(
        name="jobs.edit",
        title="Edit a job before it is made",
        help="Change name, description, category, budget, partner, manager, staff, reference, templates, "
        "due, due_days, days_early, state, automatic, start, repeat or until. A job in XPM is never touched.",
        params=EditJob,
        run=edit_job,
        verb=("jobs", "edit"),
        example="xpm-tui jobs edit w3 due=2026-10-31 manager=ana@example.com",
        key="e",
        where=("jobs",),
        footer="Edit",
        writes=True,
        why_not=first(
            in_state("job", "what is in XPM is never touched from here", *OPEN, "skipped", "stopped"), idle
        ),
    ),
    Act(
        name="jobs.skip",
        title="Skip a job",
        help="Leave one occurrence out for good; the others come as before.",
        params=SkipJob,
        run=skip_job,
        verb=("jobs", "skip"),
        example="xpm-tui jobs skip w3/2026-07-01",
        key="i",
        where=("jobs",),
        footer="Skip",
        writes=True,
        why_not=first(in_state("job", "there is nothing to leave out", *OPEN, "skipped"), idle),
    ),
    Act(
        name="jobs.redeploy",
        title="Make a job again that XPM lost",
        help="Make a job anew when XPM no longer has it: a new number, the old one stays in its history.",
        params=RedeployJob,
        run=redeploy_job,
        verb=("jobs", "redeploy"),
        example="xpm-tui jobs redeploy w3",
        key="D",
        where=("jobs",),
        writes=True,
        streams=True,
        outlives=True,
        why_not=first(
            connected, ignition_off, in_state("job", "it was not made yet", "deployed", "failed"), idle
        ),
    ),
    Act(
        name="jobs.address",
        title="Show the job's address in XPM",
        help="Show number and web address of the job in XPM.",
        params=PreviewJob,
        run=show_address,
        key="o",
        where=("jobs",),
        why_not=on_job,
    ),
    Act(
        name="jobs.copy",
        title="Copy the job's name and numbers",
        help="Copy name, client, our id, XPM's number and web address of the job.",
        params=PreviewJob,
        run=preview_job,
        key="y",
        where=("jobs",),
        why_not=on_job,
    ),
)  # fmt: skip
