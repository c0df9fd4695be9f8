"""Which occurrences wait, are due, come soon, or were missed. Pure; today is a day of the practice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import islice
from typing import Literal

import msgspec

from xpm_tui.deploy.calendar import dates_between, recurrence
from xpm_tui.deploy.job_spec import JobTerms
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.tables import DEPLOYMENTS, PROPOSALS, WORKFLOWS
from xpm_tui.domain.workflows import Deployment, Workflow, deployment_id

State = Literal["coming", "due", "missed", "going", "deployed", "held", "failed", "skipped", "stopped"]
SOON = 14
"""Days of what is to come that screens show."""


class Occurrence(msgspec.Struct, frozen=True, kw_only=True):
    """One occurrence of a workflow.

    It is ``coming``; ``due`` (its deploy day has come: automatically where the workflow is set to automatic,
    else by hand); ``missed`` (its date is past, so a user has to agree); or has the state of its deployment.
    """

    workflow: Workflow
    day: date
    deploy_on: date
    state: State
    automatic: bool
    deployment: Deployment | None = None

    @property
    def id(self) -> str:
        """``<workflow>/<date>``."""
        return deployment_id(self.workflow.id, self.day)

    @property
    def begun(self) -> bool:
        """Whether something of it may be in XPM already."""
        return self.deployment is not None and self.deployment.state == "going"


def occurrences(
    snapshot: Snapshot, terms: JobTerms, today: date, *, ahead: int = SOON, workflows: Iterable[Workflow] = ()
) -> Iterator[Occurrence]:
    """Yield the occurrences of workflows, by date within each workflow.

    They are those that have come, have a deployment, or come within ``ahead`` days; of all workflows where
    none are named.
    """
    for workflow in workflows or snapshot.rows(WORKFLOWS):
        yield from of_workflow(snapshot, terms, workflow, today, ahead)


def of_workflow(
    snapshot: Snapshot, terms: JobTerms, workflow: Workflow, today: date, ahead: int = SOON
) -> Iterator[Occurrence]:
    """The same for one workflow; a one-time job that is to come is told however far away it is."""
    done = {each.day: each for each in snapshot.find(DEPLOYMENTS, "workflow", workflow.id)}
    early = timedelta(days=terms.days_early if workflow.days_early is None else workflow.days_early)
    automatic = is_automatic(terms, workflow)
    if workflow.repeat is None:
        days = [*(done or [workflow.start])]
    else:
        last = today + min(early + timedelta(days=ahead), date.max - today)
        repeat = recurrence(workflow, snapshot.get(PROPOSALS, workflow.proposal))
        came = dates_between(workflow.start, repeat, workflow.since, last)
        if workflow.stopped:
            # One row says that nothing more comes of it; every date that will not be would be noise.
            came = islice((day for day in came if day not in done), 1)
        days = sorted({*done, *came})
    for day in days:
        found = done.get(day)
        # A one-time job whose start is past when its proposal is accepted is due on that day.
        judged = max(day, workflow.since) if workflow.repeat is None else day
        yield Occurrence(
            workflow=workflow,
            day=day,
            deploy_on=judged - early,
            state=_state(workflow, found, judged, early, today, automatic),
            automatic=automatic,
            deployment=found,
        )


def is_automatic(terms: JobTerms, workflow: Workflow) -> bool:
    """Whether it is deployed by itself."""
    return workflow.automatic == "yes" or (workflow.automatic == "setting" and terms.automatic)


def still_recurs(snapshot: Snapshot, workflow: Workflow, day: date) -> bool:
    """Whether the day is one of the workflow's as it is now: its dates or its end may have been moved."""
    repeat = recurrence(workflow, snapshot.get(PROPOSALS, workflow.proposal))
    return next(dates_between(workflow.start, repeat, day, day), None) is not None


def due_by_itself(snapshot: Snapshot, terms: JobTerms, today: date) -> list[Occurrence]:
    """What the daily run deploys: due ones of automatic workflows, and what was begun and not finished."""
    return [
        each
        for each in occurrences(snapshot, terms, today, ahead=0)
        if each.begun or (each.state == "due" and each.automatic)
    ]


def _state(
    workflow: Workflow,
    found: Deployment | None,
    judged: date,
    early: timedelta,
    today: date,
    automatic: bool,
) -> State:
    if found is not None:
        return found.state
    if workflow.stopped:
        return "stopped"
    if today < judged - early:
        return "coming"
    if judged < today and (automatic or workflow.repeat is not None):
        return "missed"
    return "due"
