"""Workflows made from proposals: one for a proposal, or one for each of its projects. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

import msgspec

from xpm_tui.deploy.job_spec import Per, Terms, called_for
from xpm_tui.domain.ignition import Proposal
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.tables import WORKFLOWS
from xpm_tui.domain.workflows import Audit, Repeat, Workflow


def make_workflows(
    snapshot: Snapshot,
    terms: Terms,
    proposal: Proposal,
    *,
    since: date,
    now: datetime,
    by: str,
    new_id: Callable[[], str],
    what: str,
    automatic: bool,
    repeat: Repeat | None = None,
    start: date | None = None,
    per: Per | None = None,
) -> list[Workflow]:
    """The workflows that a proposal asks for; none where all its services want no job.

    ``since`` is the day of acceptance in the practice's time zone, ``what`` how it came about (``accepted``,
    ``taken``). A proposal that has workflows keeps them: those that were stopped go on.
    """
    there = snapshot.find(WORKFLOWS, "proposal", proposal.id)
    if there:
        return [_again(workflow, since, now, by, what) for workflow in there if workflow.stopped]
    begins = start or proposal.start or since
    made = []
    for project in _projects(proposal) if (per or terms.per) == "project" else [None]:
        services = tuple(s for s in proposal.services if project is None or s.project == project)
        if not called_for(snapshot, services)[2]:
            continue
        made.append(
            Workflow(
                id=new_id(),
                proposal=proposal.id,
                name=f"{proposal.name} - {project}" if project else proposal.name,
                project=project or "",
                split=project is not None,
                start=begins,
                since=since,
                repeat=repeat,
                automatic="setting" if automatic and terms.automatic else "no",
                audit=(Audit(at=now, by=by, what=what),),
            )
        )
    return made


def _projects(proposal: Proposal) -> list[str | None]:
    """The projects in order of their first service; one alone is the whole proposal."""
    names: list[str | None] = [*dict.fromkeys(service.project for service in proposal.services)]
    return names if len(names) > 1 else [None]


def _again(workflow: Workflow, since: date, now: datetime, by: str, what: str) -> Workflow:
    line = Audit(at=now, by=by, what=what)
    return msgspec.structs.replace(workflow, stopped="", since=since, audit=(*workflow.audit, line))
