"""The deployment row of an occurrence after each step, as small pure changes.

They are the unit of the journal's commits.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec

from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import DEPLOYMENTS
from xpm_tui.domain.workflows import Audit, Deployment, JobSpec, Step, Workflow, deployment_id
from xpm_tui.domain.xpm import XpmJob


def begun(row: Deployment | None, workflow: Workflow, day: date, run: str) -> Deployment:
    """An occurrence that is taken up, for the first time or again."""
    if row is None:
        id_ = deployment_id(workflow.id, day)
        return Deployment(id=id_, workflow=workflow.id, day=day, state="going", run=run)
    return msgspec.structs.replace(row, state="going", cause="", why="", run=run)


def put(row: Deployment) -> Put:
    """The write of a row."""
    return Put(DEPLOYMENTS, row)


def at(row: Deployment, step: Step, **values: Any) -> Deployment:
    """The row at a step."""
    return msgspec.structs.replace(row, step=step, **values)


def noted(row: Deployment, now: datetime, by: str, what: str, about: str = "") -> Deployment:
    """The row with one more line of its history."""
    return msgspec.structs.replace(row, audit=(*row.audit, Audit(at=now, by=by, what=what, about=about)))


def job_created(row: Deployment, job: XpmJob, spec: JobSpec) -> Deployment:
    """The job is there, with its first template's tasks."""
    return msgspec.structs.replace(
        row,
        number=job.number,
        uuid=job.uuid,
        url=job.web_url,
        spec=spec,
        first_state=job.state,
        applied=spec.templates[:1],
        tasks=len(job.tasks or ()),
        step="template",
    )


def applied(row: Deployment, template: str, job: XpmJob) -> Deployment:
    """One more template is on it."""
    return msgspec.structs.replace(row, applied=(*row.applied, template), tasks=len(job.tasks or ()))


def halted(row: Deployment, state: str, cause: str, why: str) -> Deployment:
    """It goes no further for now: ``held`` for a person, or ``failed``."""
    return msgspec.structs.replace(row, state=state, cause=cause, why=why)


def same_job(spec: JobSpec, client: str, job: XpmJob) -> bool:
    """Whether a job is what was sent. What XPM may round or trim (budget, description) is not compared."""
    return (
        " ".join(job.name.split()) == " ".join(spec.name.split())
        and job.start == spec.start
        and job.due == spec.due
        and job.order_number.strip() == spec.reference.strip()
        and (job.client is None or job.client.uuid == client)
    )
