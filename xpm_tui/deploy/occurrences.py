"""The occurrences of workflows, whether coming, due or missed, and the forecast of jobs. Pure.

The forecast counts the jobs that will be created in the coming months, by month and template; practices use
it to plan their staff. A job counts in the month in which it is created; what is due or held counts in the
current one. Days are those of the practice.
"""

from __future__ import annotations

import calendar
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice
from typing import Literal

import msgspec

from xpm_tui.deploy.calendar import dates_between, recurrence
from xpm_tui.deploy.job_spec import BUDGET, JobTerms, make_spec
from xpm_tui.deploy.workflows import job_client
from xpm_tui.domain.ignition import Deployment, Workflow, deployment_id
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.tables import DEPLOYMENTS, PROPOSALS, TEMPLATES, WORKFLOWS

State = Literal["coming", "due", "missed", "going", "deployed", "held", "failed", "skipped", "stopped"]
SOON = 14
"""The number of days ahead that screens show."""


class Occurrence(msgspec.Struct, frozen=True, kw_only=True):
    """An occurrence of a workflow.

    Its state is ``coming``, ``due`` (its deploy day has come: automatically if the workflow is automatic,
    otherwise manually), ``missed`` (its date has passed, so a user has to decide), or that of its deployment.
    """

    workflow: Workflow
    day: date
    deploy_on: date
    state: State
    automatic: bool
    deployment: Deployment | None = None

    @property
    def id(self) -> str:
        """Return the id ``<workflow>/<date>``."""
        return deployment_id(self.workflow.id, self.day)

    @property
    def begun(self) -> bool:
        """Return whether parts of it may already be in XPM."""
        return self.deployment is not None and self.deployment.state == "going"


def occurrences(
    snapshot: Snapshot, terms: JobTerms, today: date, *, ahead: int = SOON, workflows: Iterable[Workflow] = ()
) -> Iterator[Occurrence]:
    """Yield the occurrences of workflows, by date within each workflow.

    They are those that have come, have a deployment, or come within ``ahead`` days. Without ``workflows``,
    all workflows are used.
    """
    for workflow in workflows or snapshot.rows(WORKFLOWS):
        yield from workflow_occurrences(snapshot, terms, workflow, today, ahead)


def workflow_occurrences(
    snapshot: Snapshot, terms: JobTerms, workflow: Workflow, today: date, ahead: int = SOON
) -> Iterator[Occurrence]:
    """Yield the occurrences of a workflow; a one-time job is included however far ahead it is."""
    done = {each.day: each for each in snapshot.find(DEPLOYMENTS, "workflow", workflow.id)}
    early = timedelta(days=terms.days_early if workflow.days_early is None else workflow.days_early)
    automatic = is_automatic(terms, workflow)
    if workflow.repeat is None:
        days = [*(done or [workflow.start])]
    else:
        last = today + min(early + timedelta(days=ahead), date.max - today)
        repeat = recurrence(workflow, snapshot.get(PROPOSALS, workflow.proposal))
        dates = dates_between(workflow.start, repeat, workflow.since, last)
        if workflow.stopped:
            # A workflow that has ended gets one row, not one for every date that will not happen.
            dates = islice((day for day in dates if day not in done), 1)
        days = sorted({*done, *dates})
    for day in days:
        found = done.get(day)
        # A one-time job whose start is before the acceptance of its proposal is due on the day of acceptance.
        effective = max(day, workflow.since) if workflow.repeat is None else day
        yield Occurrence(
            workflow=workflow,
            day=day,
            deploy_on=effective - early,
            state=_state(workflow, found, effective, early, today, automatic),
            automatic=automatic,
            deployment=found,
        )


def is_automatic(terms: JobTerms, workflow: Workflow) -> bool:
    """Return whether the jobs of a workflow are created automatically."""
    return workflow.automatic == "yes" or (workflow.automatic == "setting" and terms.automatic)


def still_recurs(snapshot: Snapshot, workflow: Workflow, day: date) -> bool:
    """Return whether the day is still a date of the workflow, whose dates or end may have changed."""
    repeat = recurrence(workflow, snapshot.get(PROPOSALS, workflow.proposal))
    return next(dates_between(workflow.start, repeat, day, day), None) is not None


def due_automatically(snapshot: Snapshot, terms: JobTerms, today: date) -> list[Occurrence]:
    """Return what the daily run deploys: due occurrences of automatic workflows, and unfinished ones."""
    return [
        each
        for each in occurrences(snapshot, terms, today, ahead=0)
        if each.begun or (each.state == "due" and each.automatic)
    ]


def _state(
    workflow: Workflow,
    found: Deployment | None,
    effective: date,
    early: timedelta,
    today: date,
    automatic: bool,
) -> State:
    if found is not None:
        return found.state
    if workflow.stopped:
        return "stopped"
    if today < effective - early:
        return "coming"
    if effective < today and (automatic or workflow.repeat is not None):
        return "missed"
    return "due"


MONTHS = 12
WAITING = ("held", "failed", "going")
"""States of jobs that were started and are not in XPM."""


class ForecastCount(msgspec.Struct, frozen=True, kw_only=True):
    """The jobs of a month, of all templates or of one; ``budget`` is their sum as a plain number."""

    month: str
    jobs: int
    budget: str


class ForecastTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """A template, or none for jobs without any. ``months`` are the jobs that get its tasks.

    A job with several templates counts once for each; its budget counts only for the first one.
    """

    template: str
    name: str
    jobs: int
    budget: str
    months: tuple[ForecastCount, ...]


class JobForecast(msgspec.Struct, frozen=True, kw_only=True):
    """The jobs that will be created, by month, and by template with the most jobs first.

    ``missed`` occurrences are not counted, because they need a decision, and neither are proposals that were
    not taken over from Ignition.
    """

    jobs: int
    budget: str
    months: tuple[ForecastCount, ...]
    templates: tuple[ForecastTemplate, ...]
    missed: int = 0


def forecast(snapshot: Snapshot, terms: JobTerms, today: date, *, months: int = MONTHS) -> JobForecast:
    """Count the jobs that will be created from today on.

    Args:
        snapshot: The store and the mirror.
        terms: The practice's settings for jobs.
        today: The day in the practice's time zone.
        months: The number of calendar months, including the current one.
    """
    names = [_month(today, ahead) for ahead in range(months)]
    year, month = map(int, names[-1].split("-"))
    last = date(year, month, calendar.monthrange(year, month)[1])
    jobs: Counter[tuple[str, str]] = Counter()
    budgets: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    missed = 0
    for workflow in snapshot.rows(WORKFLOWS):
        if workflow.stopped:
            continue
        created: list[date] = []
        for each in workflow_occurrences(snapshot, terms, workflow, today, (last - today).days):
            number = each.deployment.number if each.deployment is not None else ""
            if each.state in ("coming", "due") or (each.state in WAITING and not number):
                created += [max(each.deploy_on, today)] if each.deploy_on <= last else []
            missed += each.state == "missed"
        if not created:
            continue
        proposal = snapshot.get(PROPOSALS, workflow.proposal)
        if proposal is None:
            continue
        party = job_client(snapshot, proposal, workflow)
        spec, _ = make_spec(snapshot, terms, workflow, proposal, party.client, created[0])
        budget = Decimal(spec.budget) if BUDGET.fullmatch(spec.budget) else Decimal(0)
        for day in created:
            name = day.isoformat()[:7]
            jobs["", name] += 1
            budgets["", name] += budget
            for template in spec.templates or ("-",):
                jobs[template, name] += 1
            budgets[(spec.templates or ("-",))[0], name] += budget
    templates = dict.fromkeys(template for template, _ in jobs if template)
    found = [_template(snapshot, each, names, jobs, budgets) for each in templates]
    total = _counts("", names, jobs, budgets)
    return JobForecast(
        jobs=sum(each.jobs for each in total),
        budget=_sum(total),
        months=total,
        templates=tuple(sorted(found, key=lambda each: (-each.jobs, each.name))),
        missed=missed,
    )


def _month(today: date, ahead: int) -> str:
    years, month = divmod(today.month - 1 + ahead, 12)
    return f"{min(today.year + years, date.max.year):04}-{month + 1:02}"


def _counts(
    template: str, names: list[str], jobs: Counter[tuple[str, str]], budgets: dict[tuple[str, str], Decimal]
) -> tuple[ForecastCount, ...]:
    return tuple(
        ForecastCount(
            month=name, jobs=jobs[template, name], budget=f"{budgets.get((template, name), Decimal(0)):.2f}"
        )
        for name in names
    )


def _template(
    snapshot: Snapshot,
    template: str,
    names: list[str],
    jobs: Counter[tuple[str, str]],
    budgets: dict[tuple[str, str], Decimal],
) -> ForecastTemplate:
    found = _counts(template, names, jobs, budgets)
    row = snapshot.get(TEMPLATES, template)
    return ForecastTemplate(
        template="" if template == "-" else template,
        name="(no template)" if template == "-" else row.name if row is not None else template,
        jobs=sum(each.jobs for each in found),
        budget=_sum(found),
        months=found,
    )


def _sum(found: tuple[ForecastCount, ...]) -> str:
    return f"{sum((Decimal(each.budget) for each in found), Decimal(0)):.2f}"
