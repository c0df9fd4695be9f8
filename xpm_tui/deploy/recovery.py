"""Find out the outcome of job writes without an answer, by reading and never by sending again.

A job is looked for by our own number, otherwise among the open jobs of its client; a template by the number
of tasks; people and state are read again, and may be sent once more if they were not set.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import msgspec

from xpm_tui.deploy import workflows
from xpm_tui.deploy.executor import DeployContext
from xpm_tui.deploy.preview import failed_tries
from xpm_tui.domain.errors import RecordMissing, Refused, UnreadableRecord
from xpm_tui.domain.events import Event
from xpm_tui.domain.ignition import Deployment
from xpm_tui.domain.ports import Snapshot
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
    done,
    failed,
    held,
)

_ADDED = (
    "No answer came when the job was sent, and XPM shows no such job, although it still may. Look for it "
    "in XPM, then: jobs retry {id} --sent adopt|again|drop"
)
_SEVERAL = (
    "No answer came when the job was sent, and XPM shows {count} jobs that it may be: {numbers}. Choose "
    "one: jobs retry {id} --sent adopt --job NUMBER"
)
_TAKEN = (
    "No answer came when the job was sent, and the job {numbers} that XPM has is another one. Change the "
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
    "Job {numbers} was created, but its {what} could not be set: no answer came, twice, and XPM does not "
    "show them. Set them in XPM, or: jobs retry {id}"
)
_WHAT = {ASSIGN_PEOPLE: "people", SET_STATE: "state"}
_NO_EFFECT = "did not take effect"


def unknown(snapshot: Snapshot) -> list[Intent]:
    """Return the writes of jobs that were sent without an outcome, in any run."""
    return recovery.unknown(snapshot, JOB_KINDS)


async def resolve(means: DeployContext) -> int:
    """Find out the outcome of each write without an answer.

    Creations are waited for until ``create_lag`` is over. Writes that were never sent are closed.

    Returns:
        How many are resolved, including held ones.

    Raises:
        XeroError: XPM could not be read.
    """
    work = _JobRecovery(means)
    await work.run(means.stop)
    return len(work.ends)


async def wait_for_refused(means: DeployContext, ids: Collection[str]) -> None:
    """Wait until XPM must list what it created in spite of a refusal.

    That is until ``create_lag`` is over since the last attempt at each of these occurrences. The list of open
    jobs that is read after this shows it. Runs that ended before XPM can have acted (no login, the allowance)
    need no wait.
    """
    lag = timedelta(seconds=means.create_lag)
    snapshot = means.book.snapshot()
    until: dict[str, datetime] = {}
    for id_ in ids:
        row = snapshot.get(DEPLOYMENTS, id_)
        if row is None or row.number or (row.state == "going" and row.cause):
            continue
        sent = [each.sent_at for each in failed_tries(snapshot, id_, ADD_JOB) if each.sent_at is not None]
        if sent and max(sent) + lag > means.clock.now():
            until[id_] = max(sent) + lag
            day = row.day.isoformat()
            means.events.emit(Event(key="job.waiting", record=row.workflow, numbers={"day": day}))
    while until and not means.stop():
        rest = (max(until.values()) - means.clock.now()).total_seconds()
        if rest <= 0:
            return
        await means.clock.sleep(min(recovery.LOOK_EVERY, max(rest, 1.0)))


def adopt(row: Deployment, intent: Intent, job: XpmJob) -> Deployment:
    """Return the row after its write is known to have taken effect; ``job`` is read in full."""
    if intent.kind == ADD_JOB:
        assert row.spec is not None
        return workflows.job_created(row, job, row.spec)
    if intent.kind == APPLY_TEMPLATE:
        return workflows.applied(row, str(intent.values["template"]), job)
    if intent.kind == ASSIGN_PEOPLE:
        return msgspec.structs.replace(row, assigned=True)
    return msgspec.structs.replace(row, state_set=True)


class _JobRecovery(recovery.Recovery):
    """The look-up of unknown job writes."""

    kinds = JOB_KINDS

    def __init__(self, means: DeployContext) -> None:
        super().__init__(means.book, means.clock, means.events.emit, means.create_lag)
        self._means = means

    async def look_up(self, intents: Sequence[Intent]) -> None:
        """Look up jobs without our own number in one list of open jobs, and the rest by job."""
        named = [i for i in intents if i.kind == ADD_JOB and not i.values.get("number")]
        jobs = await self._means.practice.current_jobs() if named else []
        for intent in intents:
            row = self.book.snapshot().get(DEPLOYMENTS, intent.record)
            if row is None:
                self._close(failed(intent, "its occurrence is gone"), None)
            elif intent in named:
                await self._added(intent, row, jobs)
            else:
                await self._one(intent, row)

    async def _added(self, intent: Intent, row: Deployment, jobs: list[XpmJob]) -> None:
        snapshot = self._means.book.snapshot()
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
                job = await self._means.practice.job(equal[0].number)
            except UnreadableRecord as odd:
                said = _UNSEEN.format(numbers=equal[0].number, said=odd.message, id=row.id)
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
            job = await self._means.practice.job(number)
        except RecordMissing:
            if intent.kind == ADD_JOB:
                self._wait(intent, row, _ADDED.format(id=row.id))
            else:
                why = f"XPM no longer has job {number}. Create it again: jobs redeploy {row.id}"
                self._close(
                    failed(intent, "the job is gone"), workflows.halted(row, "failed", "job-gone", why)
                )
            return
        except (Refused, UnreadableRecord) as no:
            # A job that XPM does not show must not block the others permanently.
            self._wait(intent, row, _UNSEEN.format(numbers=number, said=no.message, id=row.id))
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
        elif _took(intent, row, job):
            self._adopt(intent, row, job)
        elif self._tried(intent):
            why = _NOT_SET.format(numbers=number, what=_WHAT[intent.kind], id=row.id)
            self._close(failed(intent, _NO_EFFECT), workflows.halted(row, "failed", "no-answer", why))
        else:
            self._close(failed(intent, _NO_EFFECT), row)

    def _tried(self, intent: Intent) -> bool:
        """Return whether this run has already sent it without effect, so that it is not sent a third time."""
        before = self._means.book.snapshot().find(INTENTS, "state", "failed")
        return any(
            each.record == intent.record and each.kind == intent.kind and each.run == intent.run
            and each.note == _NO_EFFECT
            for each in before
        )  # fmt: skip

    def _adopt(self, intent: Intent, row: Deployment, job: XpmJob) -> None:
        row = adopt(row, intent, job)
        row = workflows.noted(row, self._means.clock.now(), self._means.by, "found", row.number)
        self._close(done(intent, job.uuid), row)

    def _wait(self, intent: Intent, row: Deployment, why: str) -> None:
        """Keep looking for a job that is not visible yet, until it is held."""
        if self.is_overdue(intent):
            self._hold(intent, row, why)

    def _hold(self, intent: Intent, row: Deployment, why: str) -> None:
        row = workflows.noted(row, self._means.clock.now(), self._means.by, "held", why)
        self._close(held(intent, why), workflows.halted(row, "held", "unknown", why))

    def _close(self, intent: Intent, row: Deployment | None) -> None:
        self.close(
            intent,
            [workflows.put(row)] if row else [],
            "job.resolved",
            row.workflow if row else "",
            job=row.number if row else "",
            step=intent.kind,
        )


def _took(intent: Intent, row: Deployment, job: XpmJob) -> bool:
    """Return whether people or state are as they were sent."""
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
