"""What a person decides about a job: what became of a lost answer, and that it is to be made again."""

from __future__ import annotations

from typing import Literal

import msgspec

from xpm_tui.application.jobs.queries import find_job, row_of
from xpm_tui.application.jobs.views import JobRowView
from xpm_tui.application.practice import OpenPractice
from xpm_tui.deploy import transitions
from xpm_tui.deploy.recovery import adopt
from xpm_tui.domain.errors import BadInput, RecordMissing
from xpm_tui.domain.events import Event
from xpm_tui.domain.ports import Put
from xpm_tui.domain.runs import Intent
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import DEPLOYMENTS, INTENTS, JOBS
from xpm_tui.domain.workflows import Deployment
from xpm_tui.domain.xpm import XpmJob
from xpm_tui.sync.journal import ADD_JOB, APPLY_TEMPLATE, ASSIGN_PEOPLE, JOB_KINDS, SET_STATE, done, failed

Sent = Literal["adopt", "again", "drop"]


async def decide_sent(practice: OpenPractice, job: str, choice: Sent, number: str = "") -> JobRowView:
    """Record the outcome of a write that got no answer.

    Args:
        practice: The open practice.
        job: The job as :func:`find_job` takes it.
        choice: ``adopt`` (it was created), ``again`` (it was not: send it again) or ``drop`` (do nothing
            more).
        number: The number of the created job, for ``adopt``.

    Raises:
        BadInput: The job has no write with an unknown outcome, or ``number`` is not its job.
        XeroError: XPM could not be asked.
    """
    practice.writable()
    snapshot = practice.snapshot()
    found = find_job(practice, job)
    row = found.deployment
    held = [
        intent
        for intent in snapshot.find(INTENTS, "state", "held")
        if intent.record == found.id and intent.kind in JOB_KINDS
    ]
    if row is None or not held:
        raise BadInput(f"Job {found.id} has no write with an unknown outcome.",
                       hint=f"See: xpm-tui jobs preview {found.id}")  # fmt: skip
    intent = held[-1]
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
        row, end = adopt(row, intent, there), done(intent, there.uuid)
    elif choice == "again":
        end = failed(intent, "to be sent again")
    else:
        row, end = _dropped(row, intent), failed(intent, "dropped")
    if choice != "drop" or intent.kind != ADD_JOB:
        row = msgspec.structs.replace(row, state="going", cause="", why="")
    row = transitions.noted(row, practice.clock.now(), practice.person, "sent", choice)
    practice.book.commit([Put(INTENTS, end), transitions.put(row)], since=snapshot)
    practice.events.emit(
        Event(key="job.settled", record=row.workflow, rule=choice, numbers={"day": row.day.isoformat()})
    )
    return row_of(practice, found.id)


async def prepare_again(practice: OpenPractice, job: str) -> JobRowView:
    """Prepare to deploy again a job that XPM no longer has; its history keeps the old number.

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
            hint="If it is to be created again, delete it in XPM first.",
        )
    again = Deployment(
        id=row.id, workflow=row.workflow, day=row.day, state="failed", cause="job-gone",
        why=f"XPM no longer has job {row.number}: it will be created again.", attempt=row.attempt + 1,
        earlier=(*row.earlier, row.number), audit=row.audit,
    )  # fmt: skip
    again = transitions.noted(again, practice.clock.now(), practice.person, "redeploy", row.number)
    there = snapshot.get(JOBS, row.number)
    gone = [Put(JOBS, msgspec.structs.replace(there, gone=True))] if there is not None else []
    practice.book.commit([transitions.put(again), *gone], since=snapshot)
    practice.events.emit(Event(key="job.again", record=row.workflow, numbers={"job": row.number}))
    return row_of(practice, found.id)


def _dropped(row: Deployment, intent: Intent) -> Deployment:
    """What is left out of it from now on."""
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
