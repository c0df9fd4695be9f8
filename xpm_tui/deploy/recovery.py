"""Find out the outcome of job writes without an answer; nothing is sent again here.

A job is found by our own number, or otherwise among the open jobs of its client; a template by the number of
tasks. Staff and state are read; the run sends them again if they were not set.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import msgspec

from xpm_tui.deploy import workflows
from xpm_tui.deploy.executor import DeployContext
from xpm_tui.deploy.preview import failed_attempts
from xpm_tui.domain.errors import RecordMissing, Refused, UnreadableRecord
from xpm_tui.domain.events import Event
from xpm_tui.domain.ignition import Deployment
from xpm_tui.domain.ports import Put, Snapshot
from xpm_tui.domain.runs import Intent
from xpm_tui.domain.tables import DEPLOYMENTS, INTENTS
from xpm_tui.domain.xpm import XpmJob
from xpm_tui.sync.applying import recovery
from xpm_tui.sync.journal import (
    ADD_JOB,
    APPLY_TEMPLATE,
    ASSIGN_PEOPLE,
    JOB_KINDS,
    SET_STATE,
    mark_done,
    mark_failed,
    mark_held,
)

_ADDED = (
    "No answer came when the job was sent, and XPM shows no such job, although it still may. Look for it "
    "in XPM, then: jobs retry {id} --sent adopt|again|drop"
)
_SEVERAL = (
    "No answer came when the job was sent, and XPM shows {count} jobs that could be this one: {numbers}. "
    "Choose one: jobs retry {id} --sent adopt --job NUMBER"
)
_TAKEN = (
    "No answer came when the job was sent, and XPM's job {numbers} is a different one. Change the "
    "setting jobs.number, then: jobs retry {id} --sent again"
)
_TEMPLATE = (
    "No answer came when a template was applied to job {numbers}, and its tasks are not there. Check the "
    "job in XPM, then: jobs retry {id} --sent adopt|again|drop"
)

_UNSEEN = (
    "No answer came, and job {numbers} cannot be read: {said} Check it in XPM, then: jobs retry {id} "
    "--sent adopt|again|drop"
)
_NOT_SET = (
    "Job {numbers} was created, but its {what}: XPM failed to answer twice, and does not show the "
    "change. Make the change in XPM, or: jobs retry {id}"
)
_WHAT = {ASSIGN_PEOPLE: "people could not be assigned", SET_STATE: "state could not be set"}
_NO_EFFECT = "did not take effect"


def unresolved_intents(snapshot: Snapshot) -> list[Intent]:
    """Return the writes of jobs that were sent and have no outcome, of any run."""
    return recovery.unresolved_intents(snapshot, JOB_KINDS)


async def resolve(context: DeployContext) -> int:
    """Find out the outcome of each write without an answer.

    For creations, this waits until ``create_lag`` is over. Writes that were never sent are closed.

    Returns:
        The number of writes with an outcome now, including held ones.

    Raises:
        XeroError: XPM could not be read.
    """
    work = _JobRecovery(context)
    await work.run(context.stop)
    return len(work.ends)


async def wait_for_refused(context: DeployContext, ids: Collection[str]) -> None:
    """Wait until XPM must list what it created in spite of a refusal.

    This takes until ``create_lag`` has passed since the last attempt at each of these occurrences. The list
    of open jobs that is read afterwards shows such jobs. Errors that show that XPM has not acted (login, call
    limits) need no wait.
    """
    lag = timedelta(seconds=context.create_lag)
    snapshot = context.store.snapshot()
    until: dict[str, datetime] = {}
    for id_ in ids:
        row = snapshot.get(DEPLOYMENTS, id_)
        if row is None or row.number or (row.state == "going" and row.cause):
            continue
        sent = [each.sent_at for each in failed_attempts(snapshot, id_, ADD_JOB) if each.sent_at is not None]
        if sent and max(sent) + lag > context.clock.now():
            until[id_] = max(sent) + lag
            day = row.day.isoformat()
            context.events.emit(Event(key="job.waiting", record=row.workflow, numbers={"day": day}))
    while until and not context.stop():
        rest = (max(until.values()) - context.clock.now()).total_seconds()
        if rest <= 0:
            return
        await context.clock.sleep(min(recovery.LOOK_UP_SECONDS, max(rest, 1.0)))


def adopt(row: Deployment, intent: Intent, job: XpmJob) -> Deployment:
    """Return the row once its write is known to have taken effect; ``job`` is the full job."""
    if intent.kind == ADD_JOB:
        assert row.spec is not None
        return workflows.with_job(row, job, row.spec)
    if intent.kind == APPLY_TEMPLATE:
        return workflows.with_template(row, str(intent.values["template"]), job)
    if intent.kind == ASSIGN_PEOPLE:
        return msgspec.structs.replace(row, assigned=True)
    return msgspec.structs.replace(row, state_set=True)


class _JobRecovery(recovery.Recovery):
    """The look-up of job writes without an outcome."""

    kinds = JOB_KINDS

    def __init__(self, context: DeployContext) -> None:
        super().__init__(context.store, context.clock, context.events.emit, context.create_lag)
        self._context = context

    async def look_up(self, intents: Sequence[Intent]) -> None:
        """Look up writes: those without our own number in one list of open jobs, the others one by one."""
        named = [i for i in intents if i.kind == ADD_JOB and not i.values.get("number")]
        jobs = await self._context.practice.current_jobs() if named else []
        for intent in intents:
            row = self.store.snapshot().get(DEPLOYMENTS, intent.record)
            if row is None:
                self._close(mark_failed(intent, "its occurrence no longer exists"), None)
            elif intent in named:
                await self._added(intent, row, jobs)
            else:
                await self._one(intent, row)

    async def _added(self, intent: Intent, row: Deployment, jobs: list[XpmJob]) -> None:
        snapshot = self._context.store.snapshot()
        spec = row.spec
        equal = [
            job
            for job in jobs
            if spec is not None
            and job.client is not None
            and job.client.uuid == intent.uuid
            and (job.uuid or job.number) not in intent.before
            and not snapshot.find(DEPLOYMENTS, "number", job.number)
            and workflows.same_job(spec, intent.uuid, job)
        ]
        if len(equal) == 1:
            try:
                job = await self._context.practice.job(equal[0].number)
            except UnreadableRecord as error:
                said = _UNSEEN.format(numbers=equal[0].number, said=error.message, id=row.id)
                self._wait(intent, row, said)
            else:
                self._adopt(intent, row, job)
        elif equal:
            numbers = ", ".join(job.number for job in equal)
            self._hold(intent, row, _SEVERAL.format(count=len(equal), numbers=numbers, id=row.id))
        else:
            self._wait(intent, row, _ADDED.format(id=row.id))

    async def _one(self, intent: Intent, row: Deployment) -> None:
        number = str(intent.values.get("number") or row.number)
        try:
            job = await self._context.practice.job(number)
        except RecordMissing:
            if intent.kind == ADD_JOB:
                self._wait(intent, row, _ADDED.format(id=row.id))
            else:
                why = f"XPM no longer has job {number}. Create it again: jobs redeploy {row.id}"
                self._close(
                    mark_failed(intent, "XPM no longer has the job"),
                    workflows.halt_deployment(row, "failed", "job-gone", why),
                )
            return
        except (Refused, UnreadableRecord) as error:
            # A job that XPM refuses to show must not block all the others.
            self._wait(intent, row, _UNSEEN.format(numbers=number, said=error.message, id=row.id))
            return
        if intent.kind == ADD_JOB:
            if row.spec is not None and workflows.same_job(row.spec, intent.uuid, job):
                self._adopt(intent, row, job)
            else:
                self._hold(intent, row, _TAKEN.format(numbers=number, id=row.id))
        elif intent.kind == APPLY_TEMPLATE:
            if len(job.tasks or ()) > int(intent.before[0]):
                self._adopt(intent, row, job)
            else:
                self._wait(intent, row, _TEMPLATE.format(numbers=number, id=row.id))
        elif _has_taken_effect(intent, row, job):
            self._adopt(intent, row, job)
        elif self._was_retried(intent):
            why = _NOT_SET.format(numbers=number, what=_WHAT[intent.kind], id=row.id)
            self._close(
                mark_failed(intent, _NO_EFFECT), workflows.halt_deployment(row, "failed", "no-answer", why)
            )
        else:
            self._close(mark_failed(intent, _NO_EFFECT), row)

    def _was_retried(self, intent: Intent) -> bool:
        """Return whether this run has already sent it in vain, so that trying again would not end."""
        before = self._context.store.snapshot().find(INTENTS, "state", "failed")
        return any(
            each.record == intent.record and each.kind == intent.kind and each.run == intent.run
            and each.note == _NO_EFFECT
            for each in before
        )  # fmt: skip

    def _adopt(self, intent: Intent, row: Deployment, job: XpmJob) -> None:
        row = adopt(row, intent, job)
        row = workflows.with_note(row, self._context.clock.now(), self._context.by, "found", row.number)
        self._close(mark_done(intent, job.uuid), row)

    def _wait(self, intent: Intent, row: Deployment, why: str) -> None:
        """Note that it was not found; it is looked for again, until it is held."""
        if self.is_overdue(intent):
            self._hold(intent, row, why)

    def _hold(self, intent: Intent, row: Deployment, why: str) -> None:
        row = workflows.with_note(row, self._context.clock.now(), self._context.by, "held", why)
        self._close(mark_held(intent, why), workflows.halt_deployment(row, "held", "unknown", why))

    def _close(self, intent: Intent, row: Deployment | None) -> None:
        self.close(
            intent,
            [Put(DEPLOYMENTS, row)] if row else [],
            "job.resolved",
            row.workflow if row else "",
            job=row.number if row else "",
            step=intent.kind,
        )


def _has_taken_effect(intent: Intent, row: Deployment, job: XpmJob) -> bool:
    """Return whether staff or state are as they were sent."""
    if intent.kind == SET_STATE:
        return bool(row.first_state) and job.state != row.first_state
    values, people = intent.values, {person.uuid for person in job.assigned}
    staff = values.get("staff") or ()
    return (
        (not values.get("manager") or (job.manager is not None and job.manager.uuid == values["manager"]))
        and (not values.get("partner") or (job.partner is not None and job.partner.uuid == values["partner"]))
        and isinstance(staff, tuple | list)
        and set(staff) <= people
    )
