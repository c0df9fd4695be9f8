"""The forecast: which jobs will be created in the coming months, by month and template. Pure.

Practices plan their staff by it. A job counts in the month in which it is created; what is due or held
already counts in the present one.
"""

from __future__ import annotations

import calendar
from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal

import msgspec

from xpm_tui.deploy.job_spec import BUDGET, JobTerms, make_spec
from xpm_tui.deploy.occurrences import of_workflow
from xpm_tui.deploy.workflows import job_client
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.tables import PROPOSALS, TEMPLATES, WORKFLOWS

MONTHS = 12
WAITING = ("held", "failed", "going")
"""States of jobs that were begun and are not in XPM."""


class ForecastCount(msgspec.Struct, frozen=True, kw_only=True):
    """The jobs of one month, of all templates or of one; ``budget`` is their sum as a plain number."""

    month: str
    jobs: int
    budget: str


class ForecastTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """One template, empty for jobs without any. ``months`` are the jobs that get its tasks.

    A job with several templates counts once for each; its budget counts for the first one alone.
    """

    template: str
    name: str
    jobs: int
    budget: str
    months: tuple[ForecastCount, ...]


class JobForecast(msgspec.Struct, frozen=True, kw_only=True):
    """What will be created, by month, and by template with the most jobs first.

    ``missed`` occurrences are not counted, since they wait for a decision; neither are proposals that were
    not taken over from Ignition.
    """

    jobs: int
    budget: str
    months: tuple[ForecastCount, ...]
    templates: tuple[ForecastTemplate, ...]
    missed: int = 0


def forecast(snapshot: Snapshot, terms: JobTerms, today: date, *, months: int = MONTHS) -> JobForecast:
    """Count what will be created from today on, in the present month and those after it.

    Args:
        snapshot: The store and the mirror.
        terms: The practice's choices for jobs.
        today: The day in the practice's time zone.
        months: How many calendar months, the present one included.
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
        for each in of_workflow(snapshot, terms, workflow, today, (last - today).days):
            number = each.deployment.number if each.deployment is not None else ""
            if each.state in ("coming", "due") or (each.state in WAITING and not number):
                created += [max(each.deploy_on, today)] if each.deploy_on <= last else []
            missed += each.state == "missed"
        if not created:
            continue
        proposal = snapshot.get(PROPOSALS, workflow.proposal)
        if proposal is None:
            continue
        whose = job_client(snapshot, proposal, workflow)
        spec, _ = make_spec(snapshot, terms, workflow, proposal, whose.client, created[0])
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
