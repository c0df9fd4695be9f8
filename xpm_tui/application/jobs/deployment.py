"""Deploy jobs as a run under the run lock, preview such a batch, and decide about single jobs.

The decisions are what happened to a write that got no answer, and that a deleted job is created again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Literal, cast

import msgspec

from xpm_tui.application.jobs.proposals import find_proposal
from xpm_tui.application.jobs.queries import OPEN, find_job, list_unfinished, preview_jobs, row_of
from xpm_tui.application.jobs.services import IGNITION, IGNITION_HINT, terms_of
from xpm_tui.application.jobs.views import JobRowView, PreviewView
from xpm_tui.application.practice import OpenPractice, PracticeIdentity
from xpm_tui.application.runs.consequences import pace
from xpm_tui.application.runs.history import Stopper
from xpm_tui.application.runs.runner import run_under_lock
from xpm_tui.application.runs.sync_run import RunRequest, RunWork
from xpm_tui.deploy import workflows
from xpm_tui.deploy.batch import BatchConsequences, batch_consequences, deploy, unfinished_occurrences
from xpm_tui.deploy.executor import DeployContext
from xpm_tui.deploy.occurrences import Occurrence, due_automatically
from xpm_tui.deploy.recovery import adopt
from xpm_tui.domain.errors import BadInput, DecisionNeeded, NotFound, RecordMissing
from xpm_tui.domain.events import Event, Report, ignore_progress
from xpm_tui.domain.ignition import Client, Deployment
from xpm_tui.domain.plan import Consequences
from xpm_tui.domain.ports import Put, Snapshot, XpmJobsPort, XpmPort
from xpm_tui.domain.runs import Intent, Run, Stop, Trigger
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import DEPLOYMENTS, INTENTS, JOBS, RUNS, WORKFLOWS
from xpm_tui.domain.xpm import XpmJob
from xpm_tui.store.snapshot import BlockIds
from xpm_tui.sync.applying.recovery import resolve as resolve_clients
from xpm_tui.sync.consequences import with_pace
from xpm_tui.sync.journal import (
    ADD_JOB,
    APPLY_TEMPLATE,
    ASSIGN_PEOPLE,
    JOB_KINDS,
    SET_STATE,
    mark_done,
    mark_failed,
)
from xpm_tui.sync.matching.proposals import MatchIndex, SimilarClient


class LazyIndex:
    """The match index of a snapshot, built when the first unlinked client is looked up."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._index: MatchIndex | None = None

    def __call__(self) -> MatchIndex:
        """Return the index."""
        if self._index is None:
            self._index = MatchIndex.build(self._snapshot)
        return self._index

    def alike(self, client: Client) -> Sequence[SimilarClient]:
        """Return XPM's clients whose name is the same as this one's, or similar."""
        return self().alike(client)


async def deploy_jobs(
    practice: OpenPractice,
    wanted: Sequence[Occurrence],
    *,
    reviewed: bool,
    anyway: bool = False,
    trigger: Trigger = "hand",
    report: Report = ignore_progress,
) -> Run:
    """Deploy occurrences, after finishing what an earlier run began.

    Args:
        practice: The open practice.
        wanted: The occurrences to deploy.
        reviewed: A user saw how many there are, so the guard's limit on new jobs does not apply.
        anyway: Create even the jobs that need confirmation.
        trigger: What started the run.
        report: Called with the progress.

    Raises:
        DecisionNeeded: Ignition may still deploy jobs itself.
        Busy: Another run is in progress.
        LoginNeeded: No login can be used.
        AppError: Any other cause that ends the run early.
    """
    if not terms_of(practice).ours:
        raise DecisionNeeded(IGNITION, hint=IGNITION_HINT)

    def work(row: Run, stop: Stopper) -> RunWork:
        return DeployWork(
            practice, practice.connected(), row, wanted, reviewed=reviewed, anyway=anyway,
            report=report, stop=stop,
        )  # fmt: skip

    return await run_under_lock(practice, work, trigger=trigger, kind="deploy")


async def deploy_due(practice: OpenPractice, *, report: Report = ignore_progress) -> Run | None:
    """Deploy the jobs that are due, even if nobody has signed in; return None if there are none."""
    terms = terms_of(practice)
    if not terms.ours:
        return None
    found = due_automatically(practice.snapshot(), terms, practice.current_day())
    if not found and not unfinished_occurrences(practice.snapshot()):
        return None
    return await deploy_jobs(practice, found, reviewed=False, trigger="daily", report=report)


def list_due_now(practice: OpenPractice) -> list[str]:
    """Return the ids of the jobs that would be deployed automatically now."""
    terms = terms_of(practice)
    if not terms.ours:
        return []
    return [each.id for each in due_automatically(practice.snapshot(), terms, practice.current_day())]


def batch_of(
    practice: OpenPractice, wanted: Iterable[Occurrence], *, anyway: bool = False
) -> BatchConsequences:
    """Return what deploying these jobs, and what an earlier run left, would do. Makes no call to XPM."""
    snapshot = practice.snapshot()
    found = {
        row.id: (snapshot.get(WORKFLOWS, row.workflow), row.day) for row in unfinished_occurrences(snapshot)
    }
    found |= {each.id: (each.workflow, each.day) for each in wanted}
    return batch_consequences(
        snapshot,
        terms_of(practice),
        [(workflow, day) for workflow, day in found.values() if workflow is not None],
        alike=LazyIndex(snapshot).alike,
        anyway=anyway,
        pace=pace(practice),
        policy=practice.policy(),
    )


class DeployWork(RunWork):
    """A run that creates jobs."""

    def __init__(
        self,
        practice: OpenPractice,
        identity: PracticeIdentity,
        run: Run,
        wanted: Sequence[Occurrence],
        *,
        reviewed: bool,
        anyway: bool,
        report: Report,
        stop: Stopper,
    ) -> None:
        super().__init__(practice, identity, run, RunRequest(reviewed=reviewed), report=report, stop=stop)
        self._wanted = wanted
        self._anyway = anyway

    async def work(self, xpm: XpmPort) -> Run:
        """Resolve unknown outcomes of clients, ask the guard, and deploy."""
        practice = self.practice
        lag = practice.settings.number("sync.create_lag")
        await resolve_clients(
            store=practice.store, practice=xpm, clock=practice.clock, emit=practice.events.emit,
            create_lag=lag, stop=self.stop,
        )  # fmt: skip
        self.stop.check()
        lookups = xpm.calls - self.calls
        found = batch_of(practice, self._wanted, anyway=self._anyway).consequences
        limit = practice.settings.number("jobs.max_new")
        stops = new_jobs_stop(found.xpm.jobs_created, limit, reviewed=self.request.reviewed)
        if stops:
            numbers = {"counted": stops[0].counted, "limit": stops[0].limit}
            practice.events.emit(
                Event(key="guard.stop", level="warning", rule="new-jobs", numbers={**numbers})
            )
            return msgspec.structs.replace(self.run, outcome="held", stops=stops)
        requests = msgspec.structs.replace(found.requests, lookups=found.requests.lookups + lookups)
        self.expect(with_pace(msgspec.structs.replace(found, requests=requests), pace(practice)))
        practice.store.commit([Put(RUNS, self.run)])
        self.report_expected()
        snapshot = practice.snapshot()
        context = DeployContext(
            store=practice.store,
            practice=cast("XpmJobsPort", xpm),
            clock=practice.clock,
            ids=BlockIds(practice.ids),
            events=practice.events,
            terms=terms_of(practice),
            policy=practice.policy(),
            by=practice.person,
            run=self.run,
            index=LazyIndex(snapshot),
            anyway=self._anyway,
            create_lag=lag,
            stop=self.stop,
        )
        return await deploy(self._wanted, context, progress=self.report_progress)


def new_jobs_stop(new_jobs: int, limit: int, *, reviewed: bool) -> tuple[Stop, ...]:
    """Return the stop for more than ``limit`` new jobs that no user has reviewed."""
    if reviewed or new_jobs <= limit:
        return ()
    sentence = (
        f"{new_jobs} new jobs would be created in XPM; more than {limit} need your approval. Review them: "
        "xpm-tui jobs list --due. Then deploy them: xpm-tui jobs deploy --due"
    )
    return (Stop(rule="new-jobs", counted=new_jobs, limit=limit, sentence=sentence),)


class BatchView(msgspec.Struct, frozen=True, kw_only=True):
    """The preview of deploying a batch of jobs.

    Attributes:
        new: Jobs that would be created.
        begun: Jobs that would be finished.
        calls: Calls to Xero that ``new`` and ``begun`` take.
        asks: Jobs that would be created as well once the user confirms them.
        calls_anyway: Calls to Xero including those for the ``asks``.
        holds: Jobs that are held in any case.
        earlier: Unfinished jobs of an earlier run, which every run finishes first.
        number: The first job number by the practice's own pattern; empty if XPM assigns the numbers.
        consequences: Consequences of the whole run, including what an earlier one left.
        consequences_anyway: The same with the ``asks``.
    """

    jobs: tuple[PreviewView, ...]
    new: int
    begun: int
    asks: int
    holds: int
    calls: int
    calls_anyway: int
    consequences: Consequences
    consequences_anyway: Consequences
    earlier: int = 0
    number: str = ""

    @property
    def minutes(self) -> int:
        """Return the shortest time that it takes at Xero's pace, in minutes."""
        return self.consequences.minutes

    def of(self, *, anyway: bool) -> Consequences:
        """Return the consequences, with or without the jobs that need confirmation."""
        return self.consequences_anyway if anyway else self.consequences


def preview_batch(practice: OpenPractice, chosen: Sequence[Occurrence]) -> BatchView:
    """Return what deploying these jobs would do, without a call to XPM."""
    named = {each.id for each in chosen}
    shown, found = preview_jobs(practice, chosen)
    _, anyway = preview_jobs(practice, chosen, anyway=True)
    goes = [view for view in shown if view.goes]
    begun = sum(bool(view.job.number) for view in goes)
    return BatchView(
        jobs=tuple(shown),
        new=len(goes) - begun,
        begun=begun,
        asks=sum(view.goes_anyway and not view.goes for view in shown),
        holds=sum(not view.goes_anyway for view in shown),
        calls=found.calls,
        calls_anyway=anyway.calls,
        consequences=found,
        consequences_anyway=anyway,
        earlier=sum(row.id not in named for row in unfinished_occurrences(practice.snapshot())),
        number=next((view.number for view in goes if view.number and not view.job.number), ""),
    )


def jobs_of_cause(practice: OpenPractice, cause: str = "") -> tuple[str, ...]:
    """Return the ids of jobs that are held, failed or unfinished, with one cause if it is named."""
    return tuple(each.id for each in list_unfinished(practice, cause=cause))


def jobs_of_proposal(practice: OpenPractice, proposal: str) -> list[Occurrence]:
    """Return the next open job of each workflow of a proposal. Raises ``NotFound`` and ``BadInput``."""
    snapshot = practice.snapshot()
    rows = snapshot.find(WORKFLOWS, "proposal", find_proposal(snapshot, proposal).id)
    found = []
    for workflow in rows:
        with suppress(NotFound):
            found.append(find_job(practice, workflow.id))
    return [each for each in found if each.state in OPEN]


SentChoice = Literal["adopt", "again", "drop"]


async def decide_sent(practice: OpenPractice, job: str, choice: SentChoice, number: str = "") -> JobRowView:
    """Record the outcome of a write that got no answer.

    Args:
        practice: The open practice.
        job: The job as :func:`find_job` takes it.
        choice: ``adopt`` (XPM acted on it), ``again`` (it did not: send it again) or ``drop`` (skip it).
        number: The number of the created job, for ``adopt``.

    Raises:
        BadInput: The job has no write with an unknown outcome, or ``number`` is not its job.
        XeroError: XPM could not be asked.
    """
    practice.writable()
    snapshot = practice.snapshot()
    found = find_job(practice, job)
    row = found.deployment
    held_intents = [
        intent
        for intent in snapshot.find(INTENTS, "state", "held")
        if intent.record == found.id and intent.kind in JOB_KINDS
    ]
    if row is None or not held_intents:
        raise BadInput(f"Job {found.id} has no write with an unknown outcome.",
                       hint=f"See: xpm-tui jobs preview {found.id}")  # fmt: skip
    intent = held_intents[-1]
    if choice == "adopt":
        if intent.kind == ADD_JOB and not number:
            raise BadInput(
                "Name the job that XPM created.",
                hint=f"xpm-tui jobs retry {found.id} --sent adopt --job NUMBER",
            )
        there = await _read(practice, number or row.number)
        if there is None:
            raise BadInput(f"XPM has no job {number or row.number}.")
        others = [o for o in practice.snapshot().find(DEPLOYMENTS, "number", there.number) if o.id != row.id]
        if others and intent.kind == ADD_JOB:
            raise BadInput(f"Job {there.number} already belongs to {others[0].id}.")
        if there.client is not None and intent.kind == ADD_JOB and there.client.uuid != intent.uuid:
            raise BadInput(
                f"Job {there.number} belongs to another client: {visible(there.client.name, 80)}.",
                hint="Check its number in XPM.",
            )
        row, end = adopt(row, intent, there), mark_done(intent, there.uuid)
    elif choice == "again":
        end = mark_failed(intent, "to be sent again")
    else:
        row, end = _dropped(row, intent), mark_failed(intent, "dropped")
    if choice != "drop" or intent.kind != ADD_JOB:
        row = msgspec.structs.replace(row, state="going", cause="", why="")
    row = workflows.with_note(row, practice.clock.now(), practice.person, "sent", choice)
    practice.store.commit([Put(INTENTS, end), Put(DEPLOYMENTS, row)], since=snapshot)
    practice.events.emit(
        Event(key="job.settled", record=row.workflow, rule=choice, numbers={"day": row.day.isoformat()})
    )
    return row_of(practice, found.id)


async def prepare_again(practice: OpenPractice, job: str) -> JobRowView:
    """Prepare to create a job again that XPM no longer has; its history keeps the old number.

    The job waits as a failed one until a user agrees to what would be created.

    Raises:
        BadInput: XPM still has the job, or it was never created.
    """
    practice.writable()
    snapshot = practice.snapshot()
    found = find_job(practice, job)
    row = found.deployment
    if row is None or not row.number:
        raise BadInput(f"Job {found.id} was never created.", hint=f"xpm-tui jobs deploy {found.id}")
    if await _read(practice, row.number) is not None:
        raise BadInput(
            f"XPM still has job {row.number}, so no second one is created.",
            hint="To create it again, first delete it in XPM.",
        )
    again = Deployment(
        id=row.id, workflow=row.workflow, day=row.day, state="failed", cause="job-gone",
        why=f"XPM no longer has job {row.number}: it will be created again.", attempt=row.attempt + 1,
        earlier=(*row.earlier, row.number), audit=row.audit,
    )  # fmt: skip
    again = workflows.with_note(again, practice.clock.now(), practice.person, "redeploy", row.number)
    there = snapshot.get(JOBS, row.number)
    missing = [Put(JOBS, msgspec.structs.replace(there, gone=True))] if there is not None else []
    practice.store.commit([Put(DEPLOYMENTS, again), *missing], since=snapshot)
    practice.events.emit(Event(key="job.again", record=row.workflow, numbers={"job": row.number}))
    return row_of(practice, found.id)


def _dropped(row: Deployment, intent: Intent) -> Deployment:
    """Return the deployment with a step marked as skipped."""
    if intent.kind == ADD_JOB:
        return msgspec.structs.replace(row, state="skipped", cause="", why="")
    if intent.kind == APPLY_TEMPLATE:
        return msgspec.structs.replace(row, applied=(*row.applied, str(intent.values["template"])))
    return msgspec.structs.replace(row, assigned=True if intent.kind == ASSIGN_PEOPLE else row.assigned,
                                   state_set=True if intent.kind == SET_STATE else row.state_set)  # fmt: skip


async def _read(practice: OpenPractice, number: str) -> XpmJob | None:
    identity = practice.connected()
    async with practice.wire() as wire:
        try:
            return await wire.practice(identity.tenant).job(number.strip())
        except RecordMissing:
            return None
