"""XPM's current jobs, as the mirror has them: shown, never written."""

from __future__ import annotations

from datetime import date

import msgspec

from xpm_tui.model.tables import DEPLOYMENTS, JOBS
from xpm_tui.model.xpm import Named, XpmJob
from xpm_tui.service.identity import ListState, list_state
from xpm_tui.service.practice import OpenPractice


class CurrentJobView(msgspec.Struct, frozen=True, kw_only=True):
    """A job of XPM that is neither completed nor cancelled; ``made_by`` is ours that made it, or empty."""

    number: str
    name: str
    client: str
    state: str
    category: str
    start: date | None
    due: date | None
    budget: str
    reference: str
    partner: str
    manager: str
    staff: tuple[str, ...]
    url: str
    gone: bool
    made_by: str


def list_current(practice: OpenPractice, text: str = "") -> tuple[list[CurrentJobView], ListState]:
    """Next due first, those without a date last; and how old the list is, or why there is none."""
    snapshot, wanted = practice.snapshot(), text.casefold()
    ours = {row.number: row.id for row in snapshot.rows(DEPLOYMENTS) if row.number}
    rows = sorted(snapshot.rows(JOBS), key=lambda job: (job.due is None, job.due or date.max, job.number))
    found = [_view(job, ours.get(job.number, "")) for job in rows]
    shown = [v for v in found if wanted in f"{v.number} {v.name} {v.client} {v.reference}".casefold()]
    return shown, list_state(snapshot, "jobs")


def current_job(practice: OpenPractice, number: str) -> CurrentJobView | None:
    """Return the current job of XPM with that number; None where the mirror has none."""
    snapshot = practice.snapshot()
    job = snapshot.get(JOBS, number)
    made = (row.id for row in snapshot.rows(DEPLOYMENTS) if row.number == number)
    return None if job is None else _view(job, next(made, ""))


def _view(job: XpmJob, made_by: str) -> CurrentJobView:
    def name(of: Named | None) -> str:
        return of.name if of else ""

    return CurrentJobView(
        number=job.number,
        name=job.name,
        client=name(job.client),
        state=job.state,
        category=job.category,
        start=job.start,
        due=job.due,
        budget=job.budget,
        reference=job.order_number,
        partner=name(job.partner),
        manager=name(job.manager),
        staff=tuple(each.name for each in job.assigned),
        url=job.web_url,
        gone=job.gone,
        made_by=made_by,
    )
