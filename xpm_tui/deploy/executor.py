"""Create the job of one occurrence step by step: client, checks, job, further templates, staff, state.

Each call goes through the outbox, and its outcome is committed together with the occurrence's row, so that a
retry continues at the step that failed. A write without an answer is never sent again blindly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

import msgspec

from xpm_tui.deploy import workflows
from xpm_tui.deploy.job_spec import JobProblem, JobTerms
from xpm_tui.deploy.preview import FINISHING, OpenJobs, Preview, failed_attempts, preview, rediscovered_job
from xpm_tui.domain.errors import (
    AppError,
    BadInput,
    BadReply,
    DecisionNeeded,
    RecordMissing,
    Refused,
    UnreadableRecord,
    XeroError,
)
from xpm_tui.domain.events import Event, Scalar, Severity
from xpm_tui.domain.identity import compare
from xpm_tui.domain.ignition import Client, Deployment, JobSpec, Workflow
from xpm_tui.domain.ports import Clock, EventSink, IdSource, Put, Snapshot, Store, Write, XpmJobsPort
from xpm_tui.domain.runs import Intent, Run
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import DEPLOYMENTS, JOBS, WORKFLOWS, XPM_CLIENTS
from xpm_tui.domain.xpm import XpmClient, XpmJob
from xpm_tui.sync.journal import ADD_JOB, APPLY_TEMPLATE, ASSIGN_PEOPLE, JOB_KINDS, SET_STATE, unanswered
from xpm_tui.sync.manual.client_creation import create_client
from xpm_tui.sync.matching.proposals import MatchIndex, SimilarClient
from xpm_tui.sync.mirror import commit_rows
from xpm_tui.sync.outbox import (
    Message,
    Outbox,
    job_creation,
    people_assignment,
    state_change,
    store_commit,
    template_addition,
)
from xpm_tui.sync.policy import Policy

Reply = TypeVar("Reply")


@dataclass(frozen=True)
class DeployContext:
    """What the steps need: ``index`` finds XPM clients by name, ``anyway`` confirms open questions."""

    store: Store
    practice: XpmJobsPort
    clock: Clock
    ids: IdSource
    events: EventSink
    terms: JobTerms
    policy: Policy
    by: str
    run: Run
    index: Callable[[], MatchIndex]
    anyway: bool = False
    create_lag: float = 300.0
    stop: Callable[[], bool] = lambda: False

    def alike(self, client: Client) -> Sequence[SimilarClient]:
        """Return the XPM clients whose name is the same as this client's or similar."""
        return self.index().alike(client)


class Unanswered(Exception):
    """A write got no answer; it is looked up once the other occurrences are done."""


class StepFailed(Exception):
    """A step did not succeed: ``state`` is held or failed, ``cause`` a code, ``why`` a sentence."""

    def __init__(self, state: str, cause: str, why: str) -> None:
        super().__init__(why)
        self.state, self.cause, self.why = state, cause, why


class Deployer:
    """Executes the steps of occurrences, one at a time. ``jobs`` are XPM's open jobs, read once."""

    def __init__(self, context: DeployContext, jobs: OpenJobs) -> None:
        self._context = context
        self.jobs = jobs
        self._outbox = Outbox(
            context.store,
            context.practice,
            context.clock,
            context.ids,
            context.run.id,
            store_commit(context.store, context.events),
        )

    async def deploy(self, shown: Preview) -> Deployment:
        """Deploy an occurrence; return its row: deployed, held, failed, or ``going`` if an answer is missing.

        Raises:
            XeroError: Further occurrences would fail, too; the row says how far this one came.
        """
        context = self._context
        known = context.store.snapshot().get(DEPLOYMENTS, shown.id)
        row = workflows.start_deployment(known, shown.workflow, shown.day, context.run.id)
        self._save(row)
        try:
            row = await self._run_steps(row, shown.workflow)
        except Unanswered:
            return self._row(row.id)
        except StepFailed as failure:
            row = workflows.halt_deployment(self._row(row.id, row), failure.state, failure.cause, failure.why)
            row = self._noted(row, failure.state, failure.why)
            self._save(row)
            self._log_step(f"job.{failure.state}", row, level="warning", rule=failure.cause)
            return row
        row = self._noted(msgspec.structs.replace(row, state="deployed"), "deployed", row.number)
        self._save(row)
        self._log_step("job.deployed", row)
        return row

    async def _run_steps(self, row: Deployment, workflow: Workflow) -> Deployment:
        if not row.number:
            row = await self._add(row, workflow)
        spec, left_out = self._remaining_steps(row, workflow)
        for template in spec.templates:
            if template not in row.applied:
                row = await self._apply(row, template)
        if not row.assigned:
            row = await self._assign(row, spec, left_out)
        if not row.state_set:
            row = await self._state(row, spec)
        return row

    async def _add(self, row: Deployment, workflow: Workflow) -> Deployment:
        """Check whether the job may be created, create its client if there is none, and create the job."""
        self._refuse_unanswered(row)
        adopted = await self._adopt_failed_attempt(row, workflow)
        if adopted is not None:
            return adopted
        existing_uuid = self._checked_preview(row, workflow).uuid
        uuid = existing_uuid or await self._new_client(row, workflow)
        number = self._checked_preview(row, workflow).spec.number
        if number:
            await self._refuse_taken_number(number)
        if existing_uuid:
            await self._read_client(uuid)
        shown = self._checked_preview(row, workflow)
        if shown.uuid != uuid:
            raise StepFailed("held", "client-changed", _EDITED)
        spec = shown.spec
        left_out = tuple(each.about for each in shown.problems if each.code == "person-left-out")
        row = msgspec.structs.replace(row, step="add", spec=spec, client=uuid, left_out=left_out)
        self._save(row)
        there = [job.uuid or job.number for job in self.jobs.of_client(uuid)]
        job = await self._send(
            row, job_creation(row.id, uuid, spec, there), lambda job: workflows.with_job(row, job, spec)
        )
        self.jobs.add(job)
        row = self._row(row.id)
        self._log_step("job.added", row)
        return row

    def _checked_preview(self, row: Deployment, workflow: Workflow) -> Preview:
        """Return the current preview of the occurrence; raise ``StepFailed`` if a problem holds it."""
        shown = self._current_preview(row, workflow)
        problem = shown.holding_problem(anyway=self._context.anyway)
        if problem is not None:
            raise StepFailed("held", problem.code, problem.sentence)
        return shown

    async def _read_client(self, uuid: str) -> None:
        """Read the client again; raise ``StepFailed`` if it was deleted, merged or renamed since."""
        context = self._context
        known = context.store.snapshot().get(XPM_CLIENTS, uuid)
        named = visible(f"{known.name} ({known.number})" if known is not None else uuid, 120)
        there: XpmClient | None
        try:
            there = await context.practice.client(uuid)
        except RecordMissing:
            # As in a sync: the next refresh of XPM's lists looks for its successor.
            there = msgspec.structs.replace(known, deleted=True) if known is not None else None
        except (Refused, BadReply, BadInput) as error:
            why = f"The client {named} could not be read just before its job was created: {error.message}"
            raise StepFailed(
                "failed", "client-unread", f"{why} Check it in XPM, then: jobs retry."
            ) from error
        if there is not None and there.uuid == uuid:
            commit_rows(context.store, [there], context.clock.now())
        if there is None or there.deleted or there.uuid != uuid:
            raise StepFailed("held", "client-gone", _GONE.format(client=named))
        if known is not None and compare(known.name, there.name).answer != "same":
            renamed = f"{known.name} → {there.name}"
            raise StepFailed("held", "client-changed", _CHANGED.format(names=visible(renamed, 160)))

    async def _new_client(self, row: Deployment, workflow: Workflow) -> str:
        """Create the client in XPM, if rules and the store allow it; return its UUID."""
        shown = self._checked_preview(row, workflow)
        assert shown.client is not None
        context = self._context
        try:
            created = await create_client(
                shown.client.id,
                store=context.store,
                practice=context.practice,
                clock=context.clock,
                ids=context.ids,
                events=context.events,
                policy=context.policy,
                by=context.by,
                run=context.run.id,
                index=context.index(),
                create_lag=context.create_lag,
                stop=context.stop,
            )
        except DecisionNeeded as error:
            raise StepFailed("held", "client-waits", error.message) from error
        except (Refused, BadInput) as error:
            raise StepFailed(
                "failed", "client-refused", f"The client was not created: {error.message}"
            ) from error
        return created.row.uuid

    def _current_preview(self, row: Deployment, workflow: Workflow) -> Preview:
        """Return the preview of the occurrence against XPM's current open jobs."""
        context = self._context
        return preview(
            context.store.snapshot(),
            context.terms,
            self._workflow(workflow),
            row.day,
            self.jobs,
            alike=context.alike,
        )

    def _remaining_steps(self, row: Deployment, workflow: Workflow) -> tuple[JobSpec, tuple[str, ...]]:
        """Return the steps left for an existing job: changed templates, and staff linked since."""
        shown = self._current_preview(row, workflow)
        problem = next((each for each in shown.problems if each.code in FINISHING), None)
        if problem is not None and not self._is_whole(row, shown.spec):
            raise StepFailed("held", problem.code, problem.sentence)
        left_out = tuple(each.about for each in shown.problems if each.code == "person-left-out")
        return shown.spec, left_out

    def _is_whole(self, row: Deployment, spec: JobSpec) -> bool:
        return row.assigned and row.state_set and set(spec.templates) <= set(row.applied)

    async def _adopt_failed_attempt(self, row: Deployment, workflow: Workflow) -> Deployment | None:
        """Return the job of an earlier attempt that was reported as failed, if XPM shows it."""
        snapshot = self._context.store.snapshot()
        there = rediscovered_job(snapshot, row, self.jobs, failed_attempts(snapshot, row.id, ADD_JOB))
        if there is None or row.spec is None or self._current_preview(row, workflow).uuid != row.client:
            return None
        job = await self._job(there.number)
        return self._found(workflows.with_job(row, job, row.spec))

    async def _job(self, number: str) -> XpmJob:
        """Return a job from XPM. A job that cannot be parsed holds back only its own occurrence."""
        try:
            return await self._context.practice.job(number)
        except UnreadableRecord as error:
            raise StepFailed("held", "unknown", error.message) from error

    def _found(self, row: Deployment) -> Deployment:
        row = self._noted(row, "found", row.number)
        self._save(row)
        return row

    async def _apply(self, row: Deployment, template: str) -> Deployment:
        self._refuse_unanswered(row)
        row = msgspec.structs.replace(row, step="template")
        attempts = failed_attempts(self._context.store.snapshot(), row.id, APPLY_TEMPLATE)
        if any(intent.values.get("template") == template for intent in attempts):
            try:
                job = await self._job(row.number)
            except Refused as error:
                raise refused(APPLY_TEMPLATE, error, row) from error
            if len(job.tasks or ()) > row.tasks:
                return self._found(workflows.with_template(row, template, job))
        await self._send(
            row,
            template_addition(row.id, row.uuid, row.number, template, row.tasks),
            lambda job: workflows.with_template(row, template, job),
        )
        return self._row(row.id)

    async def _assign(self, row: Deployment, spec: JobSpec, left_out: tuple[str, ...]) -> Deployment:
        row = msgspec.structs.replace(row, step="assign", left_out=left_out)
        if spec.partner or spec.manager or spec.staff:
            await self._send(
                row,
                people_assignment(row.id, row.uuid, row.number, spec),
                lambda _: msgspec.structs.replace(row, assigned=True),
            )
            return self._row(row.id)
        row = msgspec.structs.replace(row, assigned=True)
        self._save(row)
        return row

    async def _state(self, row: Deployment, spec: JobSpec) -> Deployment:
        row = msgspec.structs.replace(row, step="state")
        if spec.state_code:
            await self._send(
                row,
                state_change(row.id, row.uuid, row.number, spec.state_code),
                lambda _: msgspec.structs.replace(row, state_set=True),
            )
            return self._row(row.id)
        return msgspec.structs.replace(row, state_set=True)

    async def _send(
        self, row: Deployment, message: Message[Reply], after: Callable[[Reply], Deployment]
    ) -> Reply:
        """Send one call; its outcome and the resulting row are one commit.

        Raises:
            Unanswered: No answer came.
            StepFailed: XPM refused it, or a value cannot be sent.
            AppError: Further occurrences would fail, too; the row says how far this one came.
        """
        context = self._context

        def follow(_: Snapshot, __: Intent, reply: Reply) -> tuple[list[Write], tuple[Event, ...]]:
            writes: list[Write] = [Put(DEPLOYMENTS, after(reply))]
            if isinstance(reply, XpmJob):
                writes.append(Put(JOBS, msgspec.structs.replace(reply, tasks=None)))
            return writes, ()

        try:
            sent = await self._outbox.send(message, follow)
        except XeroError as error:
            # A created job stays recorded; an occurrence not begun in XPM stays as if never tried.
            self._save(workflows.halt_deployment(row, "going", error.code, error.message))
            raise
        if sent.ending == "done":
            return cast(Reply, sent.reply)
        self._save(row)
        if sent.ending == "unknown":
            day = row.day.isoformat()
            context.events.emit(sent.event("job.unknown", row.workflow, job=row.number or "", day=day))
            raise Unanswered from sent.cause
        raise step_failure(message.kind, sent.cause, row) from sent.cause

    async def _refuse_taken_number(self, number: str) -> None:
        try:
            there = await self._job(number)
        except RecordMissing:
            return
        raise StepFailed("held", "number-taken", JobProblem(code="number-taken", about=there.number).sentence)

    def _refuse_unanswered(self, row: Deployment) -> None:
        """Raise ``StepFailed`` if a write of this occurrence has no answer yet."""
        pending = unanswered(self._context.store.snapshot())
        if any(intent.record == row.id and intent.kind in JOB_KINDS for intent in pending):
            raise StepFailed(
                "held",
                "unknown",
                row.why or "It was already sent to XPM, but no answer came. Decide what happened to it.",
            )

    def _save(self, row: Deployment) -> None:
        self._context.store.commit([Put(DEPLOYMENTS, row)])

    def _noted(self, row: Deployment, what: str, about: str) -> Deployment:
        """Return the row with another line of its history."""
        return workflows.with_note(row, self._context.clock.now(), self._context.by, what, about)

    def _workflow(self, workflow: Workflow) -> Workflow:
        return self._context.store.snapshot().get(WORKFLOWS, workflow.id) or workflow

    def _row(self, id_: str, default: Deployment | None = None) -> Deployment:
        row = self._context.store.snapshot().get(DEPLOYMENTS, id_) or default
        assert row is not None
        return row

    def _log_step(self, key: str, row: Deployment, *, level: Severity = "info", rule: str = "") -> None:
        numbers: dict[str, Scalar] = {"job": row.number or "", "day": row.day.isoformat()}
        self._context.events.emit(
            Event(key=key, level=level, record=row.workflow, uuid=row.client, rule=rule, numbers=numbers)
        )


_EDITED = "Its client was changed while the job was being created. Check the client, then: jobs retry."
_GONE = (
    "XPM no longer has the client {client}: it was deleted or merged into another one since the last sync. "
    "Sync, then decide about the client (clients review), then: jobs retry."
)
_CHANGED = (
    "The XPM client was renamed since the last sync: {names}. Check that it is still the right client, then: "
    "jobs retry."
)
_NOT_DONE = {
    ADD_JOB: "The job was not created",
    APPLY_TEMPLATE: "Job {number} was created, but a template could not be applied to it",
    ASSIGN_PEOPLE: "Job {number} was created, but its people could not be assigned",
    SET_STATE: "Job {number} was created, but its state could not be set",
}


def step_failure(kind: str, error: AppError, row: Deployment) -> StepFailed:
    """Return why a step failed: which step, what exists of the job, and what to do."""
    if isinstance(error, Refused):
        return refused(kind, error, row)
    return StepFailed(
        "failed",
        "unsendable",
        f"{_NOT_DONE[kind].format(number=row.number)}: {error.message} "
        f"Correct it (jobs edit), then: jobs retry {row.id}",
    )


def refused(kind: str, error: Refused, row: Deployment) -> StepFailed:
    """Return why XPM refused a step: which step, what exists of the job, and what to do."""
    words = error.words.casefold()
    cause, way = "refused", "Change the values that XPM refuses (jobs edit), then: jobs retry"
    if "template" in words:
        cause, way = "template-gone", "Link another template, then: jobs retry"
    elif "category" in words:
        cause, way = "category-gone", "Choose another category, then: jobs retry"
    elif "state code" in words:
        cause, way = (
            "state-code",
            "Set the code of a state of the Standard type, as shown in XPM's settings, then: jobs retry",
        )
    elif "staff" in words:
        cause, way = "person-gone", "Link the person again, then: jobs retry"
    elif "id already exists" in words:
        cause, way = "number-taken", "Change the setting jobs.number, then: jobs retry"
    elif kind != ADD_JOB and isinstance(error, RecordMissing):
        cause, way = "job-gone", "If XPM no longer has it: jobs redeploy"
    return StepFailed("failed", cause, f"{_NOT_DONE[kind].format(number=row.number)}: {error.message} {way}.")
