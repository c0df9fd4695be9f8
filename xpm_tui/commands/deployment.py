"""Commands that deploy jobs: create them, retry failed ones, and create again those that XPM has lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from xpm_tui.commands.command import (
    Command,
    Dialogue,
    Result,
    Yes,
    argument,
    first_reason,
    in_state,
    option,
    require_connection,
    require_idle,
    require_own_deployment,
)
from xpm_tui.commands.consequences import action, cost, question
from xpm_tui.commands.consequences import lines as described
from xpm_tui.commands.effects import Effect, PerCall, Question, confirm_call, effect_or_dry_run
from xpm_tui.commands.jobs import OPEN, JobId
from xpm_tui.commands.log import following
from xpm_tui.commands.sync import Detach, run_lines, start_detached
from xpm_tui.commands.tables import to_plain
from xpm_tui.domain.errors import AppError, BadInput, CaseId, DecisionNeeded
from xpm_tui.domain.formatting import count
from xpm_tui.domain.labels import JOB_STATES, RUN_OUTCOMES
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application.jobs import deployment as jobs_batch
    from xpm_tui.application.jobs import queries
    from xpm_tui.diagnostics import error_presenter, findings

if TYPE_CHECKING:
    from xpm_tui.application.jobs.deployment import BatchView
    from xpm_tui.application.jobs.views import JobRowView
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.deploy.occurrences import Occurrence
    from xpm_tui.domain.plan import Consequences
    from xpm_tui.domain.runs import Run

Anyway = Annotated[bool, option("Also create jobs that need confirmation in the preview.")]
DryRun = Annotated[bool, option("Show what would be created, and create nothing.")]

NOTHING_CREATED = "Nothing was created: each job has a problem to fix first."

_SHOWN = 20
on_open_job = in_state(
    "job",
    "only open jobs can be created (i undoes a skip, D creates a job again that XPM no longer has)",
    *OPEN,
)


class DeployJobs(msgspec.Struct, frozen=True):
    """Parameters of ``jobs deploy``."""

    jobs: Annotated[tuple[str, ...], argument("The jobs: w3/2026-07-01, or w3.", "[JOB]...")] = ()
    due: Annotated[bool, option("All jobs that are due.")] = False
    missed: Annotated[bool, option("All jobs that were missed.")] = False
    proposal: Annotated[str, option("The next job of each workflow of a proposal.", "PROPOSAL")] = ""
    automatic: Annotated[bool, option("All jobs that are set to be created without asking.")] = False
    anyway: Anyway = False
    dry_run: DryRun = False
    detach: Detach = False
    yes: Yes = False


class RetryJobs(msgspec.Struct, frozen=True):
    """Parameters of ``jobs retry``."""

    jobs: Annotated[tuple[str, ...], argument("The jobs that are held or failed.", "[JOB]...")] = ()
    cause: Annotated[str, option("All jobs that are held or failed for this cause.", "CAUSE")] = ""
    all: Annotated[bool, option("All jobs that are held, failed or unfinished.")] = False
    anyway: Anyway = False
    dry_run: DryRun = False
    detach: Detach = False
    yes: Yes = False
    sent: Annotated[
        Literal["", "adopt", "again", "drop"], option("What happened to the step that got no answer.")
    ] = ""
    job: Annotated[str, option("With --sent adopt: the job's number in XPM.", "NUMBER")] = ""
    wait: Annotated[bool, option("With --sent: only record your decision, and continue later.")] = False


class RedeployJob(msgspec.Struct, frozen=True):
    """Parameters of ``jobs redeploy``."""

    job: JobId
    anyway: Anyway = False
    detach: Detach = False
    wait: Annotated[bool, option("Only prepare it, and create it later: xpm-tui jobs retry.")] = False
    yes: Yes = False


async def deploy_jobs(practice: OpenPractice, params: DeployJobs, dialogue: Dialogue) -> Result:
    """Show the jobs, ask, and create them."""
    if params.automatic:
        if params.jobs or params.due or params.missed or params.proposal or params.anyway or params.yes:
            raise BadInput(
                "--automatic chooses the jobs itself: do not name jobs with it, and do not use "
                "--anyway or --yes."
            )
        ids = jobs_batch.list_due_now(practice)
        chosen = [queries.find_job(practice, each) for each in ids]
    elif not (params.jobs or params.due or params.missed or params.proposal):
        raise BadInput("Name the jobs, or use --due, --missed or --proposal.", hint="xpm-tui jobs deploy w3")
    else:
        of = jobs_batch.jobs_of_proposal(practice, params.proposal) if params.proposal else []
        jobs = (*params.jobs, *(each.id for each in of))
        chosen = queries.choose(practice, jobs, due=params.due, missed=params.missed)
    return await _deploy(practice, chosen, dialogue, params)


async def retry_jobs(practice: OpenPractice, params: RetryJobs, dialogue: Dialogue) -> Result:
    """Continue jobs at the step where they failed."""
    if params.sent and params.dry_run:
        raise BadInput("--sent records a decision for good, so it cannot be combined with --dry-run.")
    if params.wait and not params.sent:
        raise BadInput("--wait works only with --sent.")
    if params.sent:
        if len(params.jobs) != 1:
            raise BadInput("--sent needs exactly one job.", hint="xpm-tui jobs retry w3 --sent again")
        view = await jobs_batch.decide_sent(practice, params.jobs[0], params.sent, params.job)
        if view.state == "skipped":
            return Result(data=to_plain(view), lines=[f"{view.id} {view.name} is skipped."], value=view)
        if params.wait:
            message = f"{view.id} {view.name} can continue: xpm-tui jobs retry {view.id}"
            return Result(data=to_plain(view), lines=[message], value=view)
    elif params.job:
        raise BadInput("--job works only with --sent adopt.")
    if not (params.jobs or params.cause or params.all):
        raise BadInput("Name the jobs, or use --cause or --all.", hint="xpm-tui jobs list --state failed")
    chosen = queries.list_unfinished(practice, cause=params.cause) if not params.jobs else [
        queries.find_job(practice, text) for text in params.jobs
    ]  # fmt: skip
    wrong = [each for each in chosen if each.state not in ("held", "failed", "going")]
    if wrong:
        raise BadInput(
            f"Job {wrong[0].id} is {JOB_STATES[wrong[0].state].inline}: there is nothing to retry."
        )
    return await _deploy(practice, chosen, dialogue, params)


async def redeploy_job(practice: OpenPractice, params: RedeployJob, dialogue: Dialogue) -> Result:
    """Create a job again that XPM no longer has."""
    view = await jobs_batch.prepare_again(practice, params.job)
    if params.wait:
        text = f"{view.id} {view.name} can be created again: xpm-tui jobs retry {view.id}"
        return Result(data=to_plain(view), lines=[text], value=view)
    return await _deploy(practice, [queries.find_job(practice, view.id)], dialogue, params)


async def deploy_automatic(practice: OpenPractice, result: Result, dialogue: Dialogue) -> Result:
    """Deploy the automatic jobs of an accepted proposal, or add to the result why they are not deployed."""
    try:
        async with following(practice, dialogue) as report:
            run = await jobs_batch.deploy_due(practice, report=report)
    except AppError as error:
        lines = [*result.lines, f"Not deployed yet: {error_presenter.present(error).short()}"]
        return Result(data=result.data, items=result.items, table=result.table, lines=lines)
    if run is None:
        return result
    data = {**result.data, "run": to_plain(run)}
    return Result(data=data, items=result.items, table=result.table, lines=[*result.lines, *run_lines(run)],
                  error=_error(run))  # fmt: skip


async def _deploy(
    practice: OpenPractice,
    chosen: list[Occurrence],
    dialogue: Dialogue,
    params: DeployJobs | RetryJobs | RedeployJob,
) -> Result:
    if not chosen:
        return Result(data={"count": 0}, lines=["There is nothing to deploy."])
    anyway, yes = params.anyway, params.yes
    batch = jobs_batch.preview_batch(practice, chosen)
    expected = batch.of(anyway=anyway)
    if getattr(params, "dry_run", False):
        return Result(
            data={"count": len(chosen), "consequences": to_plain(expected)},
            items=[to_plain(view) for view in batch.jobs],
            lines=batch_lines(batch, anyway=anyway),
            value=batch,
        )
    if getattr(params, "automatic", False):
        return await _create(practice, chosen, dialogue, expected, params, reviewed=False)
    if dialogue.interactive and not yes and not expected.changes:
        return Result(
            data={"count": 0, "consequences": to_plain(expected)},
            lines=[*batch_lines(batch, anyway=anyway), NOTHING_CREATED],
        )
    asked = Question(question(expected), batch_lines(batch, anyway=anyway), button=action(expected))
    if not await confirm_call(dialogue, asked):
        return Result(data={"count": 0}, lines=["Nothing was created."], declined=True)
    return await _create(practice, chosen, dialogue, expected, params, reviewed=yes or dialogue.interactive)


async def _create(
    practice: OpenPractice, chosen: list[Occurrence], dialogue: Dialogue, expected: Consequences,
    params: DeployJobs | RetryJobs | RedeployJob, *, reviewed: bool,
) -> Result:  # fmt: skip
    """Create the jobs in this process or in a separate one.

    Jobs that were not ``reviewed`` stay within the limits.
    """
    anyway = params.anyway
    if params.detach:
        words = [*(each.id for each in chosen), *(["--yes"] if reviewed else [])]
        verb = ("jobs", "deploy" if isinstance(params, DeployJobs) else "retry")
        return await start_detached(practice, verb, [*words, *(["--anyway"] if anyway else [])])
    dialogue.say(f"{action(expected)}: {cost(expected)}.")
    async with following(practice, dialogue) as report:
        run = await jobs_batch.deploy_jobs(practice, chosen, reviewed=reviewed, anyway=anyway, report=report)
    rows = [queries.row_of(practice, each.id) for each in chosen]
    lines = [*run_lines(run), *(line for row in rows for line in _outcome_lines(row))]
    data = {
        **to_plain(run),
        "estimate": expected.calls,
        "consequences": to_plain(run.consequences or expected),
        "jobs": [to_plain(row) for row in rows],
    }
    return Result(data=data, lines=lines, error=_error(run))


def batch_lines(batch: BatchView, *, anyway: bool = False) -> list[str]:
    """Return a batch before it starts: each job with its problems, and the consequences."""
    found: list[str] = []
    for view in batch.jobs[:_SHOWN]:
        found.append(f"{view.id}  {view.name}  {view.client.name if view.client else ''}")
        found += [f"    {p.sentence} {p.hint}".rstrip() for p in view.problems if p.weight != "note"]
    if len(batch.jobs) > _SHOWN:
        found.append(f"  and {len(batch.jobs) - _SHOWN:,} more: xpm-tui jobs list")
    if batch.number:
        found.append(f"The jobs get their own numbers, for example {batch.number}.")
    if batch.earlier:
        found.append(f"{count(batch.earlier, 'job')} of an earlier run would be completed first.")
    if batch.asks and not anyway:
        found.append(f"{count(batch.asks, 'job is/jobs are')} not created unless you use --anyway.")
    if batch.holds:
        found.append(f"{count(batch.holds, 'job is/jobs are')} not created until you fix the problem.")
    return [*found, *described(batch.of(anyway=anyway))]


def _error(run: Run) -> AppError | None:
    """Return why a run that deploys did not succeed, with the next step."""
    if run.exit_code == 0:
        return None
    if run.outcome == "held":
        why = " ".join(stop.sentence for stop in run.stops) or "Some jobs need your decision."
        return DecisionNeeded(
            f"Run {run.id} is held. {why}", hint="See: xpm-tui jobs list --state held", case=CaseId.HELD
        )

    other = f"Run {run.id} ended: {RUN_OUTCOMES[run.outcome].inline}."
    sentence = run.error or ("Some jobs failed." if run.outcome == "partial" else other)
    error = AppError(sentence, hint="See why: xpm-tui jobs list --state failed. Then: xpm-tui jobs retry")
    error.code, error.exit_code = run.outcome, run.exit_code
    error.case = findings.run_problem(run)
    error.logged = True  # the end of the run is already in the log
    return error


def _outcome_lines(row: JobRowView) -> list[str]:
    head = f"  {row.id}  {JOB_STATES[row.state].inline}  {row.number}  {row.name}"
    return [head, *(f"      {line}" for line in (row.url, row.why, *row.left_out) if line)]


def _retry_effect(params: RetryJobs) -> Effect:
    """Return the effect of a retry: recording what happened to a step only writes here."""
    if params.dry_run:
        return Effect.LOOKS
    return Effect.WRITES_HERE if params.wait else Effect.WRITES_XPM


COMMANDS = (
    Command(
        name="jobs.deploy",
        title="Deploy jobs",
        help="Create jobs in XPM. Shows what would be created and asks first; without a terminal, more "
            "new jobs than jobs.max_new are held unless you use --yes.",
        params=DeployJobs,
        run=deploy_jobs,
        example="xpm-tui jobs deploy w3\nxpm-tui jobs deploy --due\nxpm-tui jobs deploy --proposal PROP-12 "
        "--dry-run",
        key="d",
        where=("jobs",),
        footer="Deploy",
        effect=effect_or_dry_run(Effect.WRITES_XPM),
        streams=True,
        why_not=first_reason(require_connection, require_own_deployment, on_open_job, require_idle),
    ),
    Command(
        name="jobs.retry",
        title="Try failed jobs again",
        help="Continue with jobs that are held or failed, at the step where they stopped: one job, or "
            "all with one cause.",
        params=RetryJobs,
        run=retry_jobs,
        example="xpm-tui jobs retry w3\nxpm-tui jobs retry --cause template-gone",
        key="t",
        where=("jobs",),
        footer="Try again",
        effect=PerCall(_retry_effect, Effect.WRITES_XPM),
        streams=True,
        why_not=first_reason(
            require_connection,
            require_own_deployment,
            in_state("job", "only held, failed or unfinished jobs can be retried", "held", "failed", "going"),
            require_idle,
        ),
    ),
    Command(
        name="jobs.redeploy",
        title="Create a job again that XPM no longer has",
        help="Create a job again when XPM no longer has it. It gets a new number; the old one stays in "
            "its history.",
        params=RedeployJob,
        run=redeploy_job,
        example="xpm-tui jobs redeploy w3",
        key="D",
        where=("jobs",),
        effect=PerCall(
            lambda params: Effect.WRITES_HERE if params.wait else Effect.WRITES_XPM, Effect.WRITES_XPM
        ),
        streams=True,
        why_not=first_reason(
            require_connection,
            require_own_deployment,
            in_state("job", "it is not created yet", "deployed", "failed"),
            require_idle,
        ),
    ),
)  # fmt: skip
