"""Queries on jobs: lists by state, previews, counts, and XPM's current jobs; also to skip a job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

import msgspec

from xpm_tui.application.jobs.services import IGNITION, terms_of
from xpm_tui.application.jobs.views import HistoryLineView, JobCounts, JobRowView, PreviewView, ProblemView
from xpm_tui.application.practice import ListState, OpenPractice, list_state
from xpm_tui.application.presenters.lookup import name_of
from xpm_tui.application.presenters.views import RefView
from xpm_tui.application.runs.history import in_progress
from xpm_tui.deploy import workflows
from xpm_tui.deploy.calendar import recurrence, recurrence_name
from xpm_tui.deploy.occurrences import SOON, Occurrence, occurrences, workflow_occurrences
from xpm_tui.deploy.renewal import is_renewed
from xpm_tui.deploy.workflows import job_client
from xpm_tui.domain.errors import BadInput, Busy, NotFound
from xpm_tui.domain.events import Event
from xpm_tui.domain.ignition import Audit, Client, Deployment, Proposal
from xpm_tui.domain.labels import JOB_STATES
from xpm_tui.domain.plan import Consequences
from xpm_tui.domain.ports import Drop, Put, Snapshot
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import (
    CATEGORIES,
    CLIENTS,
    DEPLOYMENTS,
    JOBS,
    LINKS,
    PROPOSALS,
    TEMPLATES,
    WORKFLOWS,
    XPM_CLIENTS,
)
from xpm_tui.domain.xpm import RecordReference, XpmJob
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application.jobs import deployment
    from xpm_tui.deploy import batch as job_batch
    from xpm_tui.deploy import preview as deploy_preview
    from xpm_tui.deploy import recovery

if TYPE_CHECKING:
    from xpm_tui.sync.matching.proposals import SimilarClient


def counts(practice: OpenPractice) -> JobCounts:
    """Return the counts of jobs for Overview and ``status``. O(workflows and their deployments)."""
    snapshot, terms, day = practice.snapshot(), terms_of(practice), practice.current_day()
    found = list(occurrences(snapshot, terms, day))
    states = Counter(each.state for each in found)
    changed = {each.workflow.proposal for each in found if each.state == "stopped"}
    proposals = [row for id_ in changed if (row := snapshot.get(PROPOSALS, id_)) is not None]
    return JobCounts(
        due=states["due"],
        due_automatic=sum(each.state == "due" and each.automatic for each in found),
        held=states["held"],
        failed=states["failed"],
        going=states["going"],
        soon=sum(each.state == "coming" and (each.day - day).days <= SOON for each in found),
        missed=states["missed"],
        changed=sum(row.ours and row.state == "accepted" for row in proposals),
        renewed=sum(is_renewed(row) for row in snapshot.rows(PROPOSALS)),
        to_take=sum(row.state == "accepted" and not row.ours for row in snapshot.rows(PROPOSALS)),
        blocked="" if terms.ours else IGNITION,
    )


class XpmJobView(msgspec.Struct, frozen=True, kw_only=True):
    """A job of XPM that is neither completed nor cancelled.

    ``made_by`` is the id of the job here from which it was created; empty for other jobs.
    """

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


def list_current(practice: OpenPractice, text: str = "") -> tuple[list[XpmJobView], ListState]:
    """Return XPM's current jobs, the next due first, and the state of that list."""
    snapshot, wanted = practice.snapshot(), text.casefold()
    ours = {row.number: row.id for row in snapshot.rows(DEPLOYMENTS) if row.number}
    rows = sorted(snapshot.rows(JOBS), key=lambda job: (job.due is None, job.due or date.max, job.number))
    found = [_view(job, ours.get(job.number, "")) for job in rows]
    shown = [v for v in found if wanted in f"{v.number} {v.name} {v.client} {v.reference}".casefold()]
    return shown, list_state(snapshot, "jobs")


def current_job(practice: OpenPractice, number: str) -> XpmJobView | None:
    """Return the current job of XPM with that number; None if the mirror has none."""
    snapshot = practice.snapshot()
    job = snapshot.get(JOBS, number)
    made = (row.id for row in snapshot.rows(DEPLOYMENTS) if row.number == number)
    return None if job is None else _view(job, next(made, ""))


def _view(job: XpmJob, made_by: str) -> XpmJobView:
    def name(record: RecordReference | None) -> str:
        return record.name if record else ""

    return XpmJobView(
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


OPEN = ("due", "missed", "going", "held", "failed", "coming")
"""The states of jobs that may still be created."""

LEFT_OUT = ("skipped", "stopped")
"""The states of jobs that are not created."""

_STATE_GROUPS = {"open": OPEN, "left-out": LEFT_OUT, "all": (*OPEN, "deployed", *LEFT_OUT)}
_HISTORY_SENTENCES = {
    "accepted": "the proposal was accepted",
    "taken": "the proposal was taken over from Ignition",
    "revoked": "the proposal was revoked",
    "edited": "{about} edited",
    "rolled": "rolled over: the next term starts on {about}",
    "changed": "changed in Ignition: {about}; jobs not yet created were stopped",
    "deployed": "job {about} deployed",
    "found": "job {about} found in XPM after no answer had come",
    "held": "held: {about}",
    "failed": "failed: {about}",
    "skipped": "skipped",
    "unskipped": "no longer skipped",
    "redeploy": "to be created again: XPM no longer has {about}",
    "sent": "decided what happened to a write without an answer: {about}",
}


def list_jobs(
    practice: OpenPractice, *, state: str = "", cause: str = "", text: str = ""
) -> list[JobRowView]:
    """Return jobs by date; ``state`` is that of a job, ``open``, ``left-out`` (not created) or ``all``."""
    if state and state not in (*_STATE_GROUPS["all"], *_STATE_GROUPS):
        known = ", ".join(("all", "open", *OPEN, "deployed", "left-out", *LEFT_OUT))
        raise BadInput(f"'{visible(state, 40)}' is not a state of a job.", hint=f"Choose one of: {known}.")
    snapshot = practice.snapshot()
    shown = _show(practice, snapshot, names=True)
    found = [
        each
        for each in occurrences(snapshot, terms_of(practice), practice.current_day())
        if not state or each.state in _STATE_GROUPS.get(state, (state,))
    ]
    views = (row_view(snapshot, each, shown) for each in sorted(found, key=lambda o: (o.day, o.workflow.id)))
    wanted = text.casefold()
    return [
        view
        for view in views
        if (not cause or view.cause == cause)
        and (not wanted or wanted in f"{view.name} {view.client.name if view.client else ''}".casefold())
    ]


def preview_job(practice: OpenPractice, job: str) -> PreviewView:
    """Return the exact job that would be sent now, with its problems; it makes no call to XPM."""
    snapshot = practice.snapshot()
    found = find_job(practice, job)
    batch = deployment.batch_of(practice, [found], anyway=True)
    shown = next(each for each in batch.previews if each.id == found.id)
    made = batch.consequences if found.state in OPEN else None
    view = _preview_view(snapshot, found, shown, batch, calls=made.calls if made is not None else 0)
    return msgspec.structs.replace(view, consequences=made)


def find_job(practice: OpenPractice, text: str) -> Occurrence:
    """Return a job by ``w3/2026-07-01``, by its number in XPM, or by ``w3``: its first open job, or its last.

    Raises ``NotFound`` if there is no such job.
    """
    snapshot, terms, typed = practice.snapshot(), terms_of(practice), text.strip()
    workflow_id, _, day = typed.partition("/")
    made = snapshot.find(DEPLOYMENTS, "number", typed) if typed else []
    if made:
        workflow_id, day = made[0].workflow, made[0].day.isoformat()
    workflow = snapshot.get(WORKFLOWS, workflow_id)
    if workflow is None:
        raise NotFound(f"There is no job '{visible(typed, 80)}'.", hint="List them: xpm-tui jobs list")
    now = practice.current_day()
    # More than a year after its start, so that a workflow that starts years later can be previewed and fixed.
    ahead = (
        400 + max(0, (max(workflow.start, workflow.since) - now).days) if workflow.repeat is not None else 0
    )
    found = list(workflow_occurrences(snapshot, terms, workflow, now, ahead))
    if day:
        hit = next((each for each in found if each.day.isoformat() == day), None)
        if hit is None:
            raise NotFound(f"Workflow {workflow.id} has no job on {visible(day, 20)}.",
                           hint="See its dates: xpm-tui jobs list")  # fmt: skip
        return hit
    open_ = [each for each in found if each.state in OPEN]
    if not found:
        raise NotFound(f"Workflow {workflow.id} has ended: it has no more jobs.")
    return (open_ or found[-1:])[0]


def choose(
    practice: OpenPractice, jobs: Iterable[str] = (), *, due: bool = False, missed: bool = False
) -> list[Occurrence]:
    """Return the named jobs, all due or all missed ones. Raises ``BadInput`` if a named one is finished."""
    chosen = {each.id: each for each in (find_job(practice, text) for text in jobs)}
    for each in chosen.values():
        if each.state in ("deployed", "skipped", "stopped"):
            raise BadInput(
                f"Job {each.id} is already {JOB_STATES[each.state].inline}.",
                hint=f"See: xpm-tui jobs preview {each.id}",
            )
    states = {state for state, wanted in (("due", due), ("missed", missed)) if wanted}
    for each in occurrences(practice.snapshot(), terms_of(practice), practice.current_day(), ahead=0):
        if each.state in states:
            chosen.setdefault(each.id, each)
    return list(chosen.values())


def list_unfinished(practice: OpenPractice, *, cause: str = "") -> list[Occurrence]:
    """Return the jobs that are held, failed or unfinished, with one cause if it is named."""
    return [
        each
        for each in occurrences(practice.snapshot(), terms_of(practice), practice.current_day(), ahead=0)
        if each.state in ("held", "failed", "going")
        and (not cause or (each.deployment is not None and each.deployment.cause == cause))
    ]


def preview_jobs(
    practice: OpenPractice, chosen: Iterable[Occurrence], *, anyway: bool = False
) -> tuple[list[PreviewView], Consequences]:
    """Return a preview of each job, and the consequences of creating them and what an earlier run left."""
    jobs = list(chosen)
    batch = deployment.batch_of(practice, jobs, anyway=anyway)
    snapshot = practice.snapshot()
    shown = {each.id: each for each in batch.previews}
    views = [
        _preview_view(snapshot, each, shown[each.id], batch, calls=batch.calls[each.id]) for each in jobs
    ]
    return views, batch.consequences


def skip(practice: OpenPractice, job: str, *, undo: bool = False) -> JobRowView:
    """Skip a job permanently, or undo that. A job in XPM stays as it is."""
    practice.writable()
    snapshot = practice.snapshot()
    found = find_job(practice, job)
    row, now, by = found.deployment, practice.clock.now(), practice.person
    refuse_while_created(practice, found)
    if undo:
        if row is None or row.state != "skipped":
            raise BadInput(f"Job {found.id} is not skipped.")
        back = msgspec.structs.replace(row, state="failed" if row.number else "going")
        practice.store.commit(
            [Put(DEPLOYMENTS, workflows.with_note(back, now, by, "unskipped"))]
            if row.number
            else [Drop(DEPLOYMENTS, row.id)],
            since=snapshot,
        )
    else:
        if found.state in ("deployed", "skipped"):
            raise BadInput(f"Job {found.id} is already {JOB_STATES[found.state].inline}.")
        if any(intent.record == found.id for intent in recovery.unresolved_intents(snapshot)) or (
            row and row.cause == "unknown"
        ):
            raise BadInput(
                f"Job {found.id} was sent to XPM, but no answer came. Decide what happened to it.",
                hint=f"xpm-tui jobs retry {found.id} --sent drop",
            )
        row = row or Deployment(id=found.id, workflow=found.workflow.id, day=found.day, state="skipped")
        row = workflows.with_note(msgspec.structs.replace(row, state="skipped"), now, by, "skipped")
        practice.store.commit([Put(DEPLOYMENTS, row)], since=snapshot)
    key = "job.unskipped" if undo else "job.skipped"
    practice.events.emit(Event(key=key, record=found.workflow.id, numbers={"day": found.day.isoformat()}))
    return row_of(practice, found.id)


def row_of(practice: OpenPractice, job: str) -> JobRowView:
    """Return one job as a row of the list."""
    snapshot = practice.snapshot()
    return row_view(snapshot, find_job(practice, job), _show(practice, snapshot, names=True))


def row_view(
    snapshot: Snapshot, found: Occurrence, shown: Callable[[Occurrence], deploy_preview.Preview]
) -> JobRowView:
    """Return one job as a row of the list."""
    row = found.deployment or Deployment(
        id=found.id, workflow=found.workflow.id, day=found.day, state="going"
    )
    proposal = snapshot.get(PROPOSALS, found.workflow.proposal)
    client = _client_of(snapshot, found, proposal)
    spec = row.spec if row.spec is not None and row.number else shown(found).spec
    there = snapshot.get(JOBS, row.number) if row.number else None
    return JobRowView(
        id=found.id,
        name=spec.name,
        workflow=found.workflow.id,
        proposal=found.workflow.proposal,
        client=RefView(id=client.id, name=client.name) if client else None,
        date=found.day,
        deploy_on=found.deploy_on,
        state=found.state,
        automatic=found.automatic,
        repeats=recurrence_name(found.workflow.repeat),
        number=row.number,
        url=row.url,
        in_xpm=there.state if there is not None and not there.gone else "",
        step=row.step if found.deployment and found.state != "deployed" else "",
        cause=row.cause,
        why=row.why or (found.workflow.stopped if found.state == "stopped" else ""),
        left_out=row.left_out,
        earlier=row.earlier,
    )


def _client_of(snapshot: Snapshot, found: Occurrence, proposal: Proposal | None) -> Client | None:
    """Return the client of a job; for a job in XPM, the client for which it was created."""
    row = found.deployment
    links = snapshot.find(LINKS, "uuid", row.client) if row is not None and row.number else []
    if links and (there := snapshot.get(CLIENTS, links[0].id)) is not None:
        return there
    return job_client(snapshot, proposal, found.workflow).client if proposal is not None else None


def _show(
    practice: OpenPractice, snapshot: Snapshot, *, names: bool = False
) -> Callable[[Occurrence], deploy_preview.Preview]:
    """Return a function that previews jobs of a snapshot; with ``names`` without a search for duplicates."""
    terms = terms_of(practice)
    jobs, alike = (
        (deploy_preview.OpenJobs(()), _no_namesakes)
        if names
        else (deploy_preview.OpenJobs.of(snapshot), deployment.LazyIndex(snapshot).alike)
    )
    return lambda each: deploy_preview.preview(snapshot, terms, each.workflow, each.day, jobs, alike=alike)


def _no_namesakes(client: Client) -> Sequence[SimilarClient]:
    return ()


def _preview_view(
    snapshot: Snapshot,
    found: Occurrence,
    shown: deploy_preview.Preview,
    batch: job_batch.BatchConsequences,
    *,
    calls: int,
) -> PreviewView:
    spec, client = shown.spec, shown.client
    ends = recurrence(found.workflow, shown.proposal)
    sendable = shown.id not in batch.unsendable
    there = snapshot.get(XPM_CLIENTS, shown.uuid) if shown.uuid else None
    category = snapshot.get(CATEGORIES, spec.category) if spec.category else None
    audit = sorted([*found.workflow.audit, *(found.deployment.audit if found.deployment else ())],
                   key=lambda line: line.at)  # fmt: skip

    def person(uuid: str) -> str:
        return (name_of(snapshot, uuid) or uuid) if uuid else uuid

    def template(uuid: str) -> RefView:
        row = snapshot.get(TEMPLATES, uuid)
        return RefView(id=uuid, name=row.name if row else uuid)

    return PreviewView(
        id=found.id,
        workflow=found.workflow.id,
        name=spec.name,
        description=spec.description,
        client=RefView(id=client.id, name=client.name) if client else None,
        xpm_client=f"{there.number} {there.name}".strip() if there else "",
        start=spec.start,
        due=spec.due,
        category=category.name if category else spec.category,
        budget=spec.budget,
        reference=spec.reference,
        number=spec.number,
        templates=tuple(template(uuid) for uuid in spec.templates),
        partner=person(spec.partner),
        manager=person(spec.manager),
        staff=tuple(person(uuid) for uuid in spec.staff),
        state_code=spec.state_code,
        calls=calls,
        goes=sendable and shown.holding_problem() is None,
        goes_anyway=sendable and shown.holding_problem(anyway=True) is None,
        problems=tuple(
            ProblemView(code=each.code, weight=each.weight, sentence=each.sentence, hint=each.hint)
            for each in shown.problems
        ),
        job=row_view(snapshot, found, lambda _: shown),
        audit=tuple(map(_history_line, audit)),
        until=ends.end if ends is not None else None,
    )


def refuse_while_created(practice: OpenPractice, found: Occurrence) -> None:
    """Raise ``Busy`` while a run is creating the job, because it would overwrite a decision on it."""
    row = found.deployment
    if row is None or row.state != "going" or not row.run:
        return
    if any(run.id == row.run for run in in_progress(practice)):
        raise Busy(
            f"Job {found.id} is being created by run {row.run} right now.",
            hint=f"Wait until that run ends, or stop it first: xpm-tui runs stop {row.run}",
        )


def _history_line(line: Audit) -> HistoryLineView:
    sentence = _HISTORY_SENTENCES.get(line.what, line.what).replace("{about}", str(visible(line.about, 200)))
    return HistoryLineView(at=line.at, by=line.by, sentence=sentence)
