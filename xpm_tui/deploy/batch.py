"""A batch of occurrences to deploy: what it would do, and the run that deploys it.

The consequences are computed without a call to XPM, job by job in the order of the run. A job that the batch
creates earlier counts for later ones: its client exists, and its name, number and reference are in use.
The run looks up unfinished writes, reads the open jobs, then creates each job.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any

import msgspec

from xpm_tui.deploy.executor import DeployContext, Deployer
from xpm_tui.deploy.job_spec import JobTerms
from xpm_tui.deploy.occurrences import Occurrence, still_recurs
from xpm_tui.deploy.preview import PLANNED, OpenJobs, Preview, failed_attempts, preview, rediscovered_job
from xpm_tui.deploy.recovery import resolve, wait_for_refused
from xpm_tui.domain import formatting
from xpm_tui.domain.errors import AppError, RunStopped
from xpm_tui.domain.ignition import Deployment, Workflow
from xpm_tui.domain.pace import Pace
from xpm_tui.domain.plan import NAMED, Consequences, LastingEffects, Requests, XpmCounts
from xpm_tui.domain.ports import Put, Snapshot
from xpm_tui.domain.runs import Intent, Outcome, Run
from xpm_tui.domain.tables import DEPLOYMENTS, INTENTS, RUNS, WORKFLOWS
from xpm_tui.domain.xpm import RecordReference, XpmJob
from xpm_tui.sync.consequences import lookups, preserved_values, record_name, with_pace
from xpm_tui.sync.journal import ADD_JOB, APPLY_TEMPLATE
from xpm_tui.sync.manual.client_creation import Lookup, creation_message
from xpm_tui.sync.mirror import job_writes
from xpm_tui.sync.outbox import Message, job_creation, people_assignment, state_change, template_addition
from xpm_tui.sync.policy import Policy


def unfinished_occurrences(snapshot: Snapshot) -> list[Deployment]:
    """Return the occurrences that were started and not finished, because a run stopped or Xero failed."""
    return snapshot.find(DEPLOYMENTS, "state", "going")


async def deploy(
    wanted: Sequence[Occurrence],
    context: DeployContext,
    *,
    progress: Callable[[Run], None] = lambda _: None,
) -> Run:
    """Deploy occurrences, after finishing what an earlier run has left.

    The run is already stored; its end is written here. Outcomes are ``done``, ``partial`` (XPM refused some),
    ``held`` (some need a decision) and ``stopped``.

    Raises:
        AppError: The run ended early; its end has been stored.
    """
    batch = _BatchRun(context, progress)
    try:
        await batch.deploy_all(wanted)
    except RunStopped:
        batch.stopped = True
    except AppError as error:
        batch.end("partial" if batch.tally["deployed"] else "failed", error)
        raise
    return batch.end(batch.outcome())


class _BatchRun:
    """A batch in progress, with the stored row of its run."""

    def __init__(self, context: DeployContext, progress: Callable[[Run], None]) -> None:
        self._context = context
        self._progress = progress
        self._run = context.run
        self._began = context.practice.calls - context.run.calls
        self.tally: Counter[str] = Counter()
        self._causes: set[str] = set()
        self.stopped = False

    async def deploy_all(self, wanted: Sequence[Occurrence]) -> None:
        """Look up, read, deploy; then look up writes without an answer, until nothing changes any more."""
        context = self._context
        await resolve(context)
        unfinished = (row.id for row in unfinished_occurrences(context.store.snapshot()))
        await wait_for_refused(context, {*unfinished, *(each.id for each in wanted)})
        if context.stop():
            self.stopped = True
            return
        jobs = await context.practice.current_jobs()
        context.store.commit(job_writes(context.store.snapshot(), jobs, context.clock.now()))
        deployer = Deployer(context, OpenJobs(jobs))
        left = {row.id: (row.workflow, row.day) for row in unfinished_occurrences(context.store.snapshot())}
        left |= {each.id: (each.workflow.id, each.day) for each in wanted}
        self._run = msgspec.structs.replace(self._run, total=len(left))
        while left:
            for id_, (workflow_id, day) in left.items():
                if context.stop():
                    self.stopped = True
                    return
                workflow = context.store.snapshot().get(WORKFLOWS, workflow_id)
                row = context.store.snapshot().get(DEPLOYMENTS, id_)
                if workflow is None or (row is not None and row.state in ("deployed", "skipped")):
                    self._ended("gone")
                    continue
                if row is None and not still_recurs(context.store.snapshot(), workflow, day):
                    self._ended("gone")
                    continue
                if row is not None and row.state == "held" and row.cause == "unknown":
                    self._ended("held")
                    continue
                shown = preview(
                    context.store.snapshot(), context.terms, workflow, day, deployer.jobs, alike=context.alike
                )
                row = await deployer.deploy(shown)
                if row.state != "going":
                    self._ended(row.state, row.cause)
            left = {
                row.id: (row.workflow, row.day) for row in unfinished_occurrences(context.store.snapshot())
            }
            settled = await resolve(context) if left else 0
            self.stopped = context.stop()
            if left and not settled:
                self.tally["waiting"] += len(left)
                return
            for row in [context.store.snapshot().get(DEPLOYMENTS, id_) for id_ in left]:
                if row is not None and row.state in ("held", "failed"):
                    left.pop(row.id)
                    self._ended(row.state, row.cause)

    def outcome(self) -> Outcome:
        """Return the outcome of the batch as a whole."""
        if self.stopped:
            return "stopped"
        if self.tally["held"] or self.tally["waiting"]:
            return "held"
        return "partial" if self.tally["failed"] else "done"

    def end(self, outcome: Outcome, error: AppError | None = None) -> Run:
        """Store the end of the run."""
        self._run = msgspec.structs.replace(
            self._updated_run(),
            outcome=outcome,
            ended=self._context.clock.now(),
            error=error.message if error else "",
            case=str(error.case or error.code) if error else self._only_cause(),
        )
        self._context.store.commit([Put(RUNS, self._run)])
        self._progress(self._run)
        return self._run

    def _only_cause(self) -> str:
        """Return why the run did not finish, if there is a single reason."""
        return next(iter(self._causes)) if len(self._causes) == 1 else ""

    def _ended(self, state: str, cause: str = "") -> None:
        self.tally[state] += 1
        self._causes |= {cause} - {""}
        self._run = msgspec.structs.replace(self._updated_run(), done=self._run.done + 1)
        self._context.store.commit([Put(RUNS, self._run)])
        self._progress(self._run)

    def _updated_run(self) -> Run:
        return msgspec.structs.replace(
            self._run,
            calls=self._context.practice.calls - self._began,
            counts={key: number for key, number in self.tally.items() if number},
        )


UNKNOWN = (
    "It was already sent to XPM, but no answer came: decide what happened to it (jobs retry ID --sent ...)."
)

UNSENDABLE = (
    "Not sent to XPM: the job or its client contains a character that XML does not allow. Correct "
    "it (jobs edit, clients edit, contacts edit), then deploy again."
)


class BatchConsequences(msgspec.Struct, frozen=True):
    """The consequences of a batch before it starts.

    Attributes:
        previews: Each job as it would be sent.
        unsendable: Ids of the jobs with a value that XML cannot carry.
        calls: Calls of each job, without those that all jobs share.
        consequences: The consequences of the whole batch.
    """

    previews: tuple[Preview, ...]
    unsendable: frozenset[str]
    calls: dict[str, int]
    consequences: Consequences


def batch_consequences(
    snapshot: Snapshot,
    terms: JobTerms,
    wanted: Iterable[tuple[Workflow, date]],
    *,
    alike: Lookup | None = None,
    anyway: bool = False,
    pace: Pace | None = None,
    policy: Policy | None = None,
) -> BatchConsequences:
    """Return what deploying these would do, without a call to XPM.

    Args:
        snapshot: The store and the mirror.
        terms: The practice's choices for jobs.
        wanted: The occurrences in the order of the run: what an earlier run left comes first.
        alike: Returns the XPM clients whose name is the same as that of a client or similar.
        anyway: Whether to include jobs that need a confirmation.
        pace: What the rate limiter allows; by default an unused minute.
        policy: What clients are created with; by default with every field.
    """
    work = _BatchEstimate(snapshot, terms, alike, anyway, policy or Policy())
    for workflow, day in wanted:
        work.add(workflow, day)
    return BatchConsequences(tuple(work.previews), frozenset(work.unsendable), work.calls, work.result(pace))


class _BatchEstimate:
    """A batch whose jobs are estimated one after the other."""

    def __init__(
        self, snapshot: Snapshot, terms: JobTerms, alike: Lookup | None, anyway: bool, policy: Policy
    ) -> None:
        self._snapshot = snapshot
        self._terms = terms
        self._alike = alike
        self._anyway = anyway
        self._policy = policy
        self._jobs = OpenJobs.of(snapshot)
        self._created: dict[str, str] = {}
        self._clients: set[str] = set()
        self._made: list[str] = []
        self._finished: list[str] = []
        self._kept: defaultdict[str, list[str]] = defaultdict(list)
        self._requests: Counter[str] = Counter(job_lists=1)
        held = snapshot.find(INTENTS, "state", "held")
        self._held = {each.record for each in held if each.kind.startswith("job.")}
        self.previews: list[Preview] = []
        self._written = 0
        self.unsendable: set[str] = set()
        self.calls: dict[str, int] = {}

    def add(self, workflow: Workflow, day: date) -> None:
        """Add one occurrence: it is held, finished or created."""
        shown = preview(
            self._snapshot, self._terms, workflow, day, self._jobs, alike=self._alike, created=self._created
        )
        self.previews.append(shown)
        self.calls[shown.id] = 0
        if shown.deployment is not None and shown.deployment.state in ("deployed", "skipped"):
            return
        problem = shown.holding_problem(anyway=self._anyway)
        if shown.id in self._held or problem is not None:
            why = UNKNOWN if shown.id in self._held or problem is None else problem.sentence
            self._kept[why].append(shown.id)
            return
        before, written = self._requests.total(), self._written
        whole = self._steps(shown)
        self.calls[shown.id] = self._requests.total() - before
        if not whole:
            self.unsendable.add(shown.id)
            self._kept[UNSENDABLE].append(shown.id)
            if self._written == written:
                return
        self._clients.add(shown.client.id if shown.client is not None else shown.uuid)
        if shown.fresh:
            self._made.append(shown.id)
            self._jobs.add(_planned(shown, self._uuid(shown)), proposal=workflow.proposal)
        else:
            self._finished.append(shown.id)

    def _steps(self, shown: Preview) -> bool:
        """Count the calls of one job, up to a step that cannot be sent; return whether there is none."""
        spec, row = shown.spec, shown.deployment
        number = row.number if row is not None else ""
        applied: Sequence[str] = row.applied if row is not None and number else spec.templates[:1]
        if shown.fresh:
            if rediscovered_job(self._snapshot, row, self._jobs, self._failed(shown.id, ADD_JOB)) is not None:
                self._requests["job_reads"] += 1
                self._written += 1
            else:
                creations = self._requests["client_creations"]
                if not self._has_client(shown):
                    return False
                self._requests["job_reads"] += bool(spec.number)
                # An existing client is read again just before its job is created.
                self._requests["client_reads"] += self._requests["client_creations"] == creations
                if not self._writes("job_creations", job_creation(shown.id, "", spec, ())):
                    return False
        tried = {str(intent.values.get("template")) for intent in self._failed(shown.id, APPLY_TEMPLATE)}
        for template in spec.templates:
            if template not in applied:
                self._requests["job_reads"] += template in tried
                if not self._writes(
                    "template_additions", template_addition(shown.id, "", number, template, 0)
                ):
                    return False
        people = bool(spec.partner or spec.manager or spec.staff) and not (row is not None and row.assigned)
        if people and not self._writes("job_assignments", people_assignment(shown.id, "", number, spec)):
            return False
        if spec.state_code and not (row is not None and row.state_set):
            return self._writes("job_states", state_change(shown.id, "", number, spec.state_code))
        return True

    def _writes(self, kind: str, message: Message[Any]) -> bool:
        """Count a write of a job; return whether it can be sent."""
        sent = message.is_sendable
        self._requests[kind] += sent
        self._written += sent
        return sent

    def _has_client(self, shown: Preview) -> bool:
        """Return whether the job has a client in XPM, counting its creation if it has none."""
        client = shown.client
        if shown.uuid or client is None or client.id in self._created:
            return True
        self._requests["searches"] += 1
        if not creation_message(self._snapshot, client, self._policy)[0].is_sendable:
            return False
        # A client that this batch creates has a provisional id until then.
        self._created[client.id] = f"new:{client.id}"
        self._clients.add(client.id)
        self._requests["client_creations"] += 1
        return True

    def _uuid(self, shown: Preview) -> str:
        """Return the job's client in XPM, if there is one."""
        if shown.uuid or shown.client is None:
            return shown.uuid
        return self._created.get(shown.client.id, "")

    def _failed(self, record: str, kind: str) -> list[Intent]:
        return failed_attempts(self._snapshot, record, kind)

    def result(self, pace: Pace | None) -> Consequences:
        """Return the consequences of the whole batch."""
        lasting = [("client", tuple(self._created)), ("job", (*self._made, *self._finished))]
        return with_pace(
            Consequences(
                of="jobs",
                xpm=XpmCounts(
                    changes=len(self._made) + len(self._finished) + len(self._created),
                    clients=len(self._clients - {""}),
                    jobs_created=len(self._made),
                    jobs_finished=len(self._finished),
                    clients_created=len(self._created),
                ),
                lasting=tuple(
                    LastingEffects(what="client" if what == "client" else "job", number=len(ids), records=ids)
                    for what, ids in lasting
                    if ids
                ),
                kept=preserved_values(self._kept),
                requests=Requests(**self._requests) + lookups(self._snapshot) + _looked_up(self._snapshot),
                names=self._names(lasting),
            ),
            pace,
        )

    def _names(self, lasting: Iterable[tuple[str, tuple[str, ...]]]) -> dict[str, str]:
        """Return how sentences name the jobs and clients of short lists."""
        lists = [*(ids for _, ids in lasting), *self._kept.values()]
        wanted = {id_ for ids in lists if len(ids) <= NAMED for id_ in ids}
        jobs = {each.id: _name(each) for each in self.previews if each.id in wanted}
        return jobs | {id_: record_name(self._snapshot, id_) for id_ in sorted(wanted - jobs.keys())}


def _name(shown: Preview) -> str:
    client = f" for {shown.client.name}" if shown.client is not None else ""
    return f"{shown.spec.name}{client} ({formatting.day(shown.day)})"


def _looked_up(snapshot: Snapshot) -> Requests:
    """Return the calls that look up earlier job writes without an answer.

    These are one list for all jobs without an own number, and one read for every other job.
    """
    sent = [each for each in snapshot.find(INTENTS, "state", "sent") if each.kind.startswith("job.")]
    listed = [each for each in sent if each.kind == ADD_JOB and not each.values.get("number")]
    return Requests(lookups=bool(listed) + len(sent) - len(listed))


def _planned(shown: Preview, uuid: str) -> XpmJob:
    """Return the job as XPM will have it, for comparison with later ones."""
    spec = shown.spec
    return XpmJob(
        number=spec.number or f"{PLANNED}{shown.id}",
        name=spec.name,
        client=RecordReference(uuid=uuid),
        order_number=spec.reference,
        start=spec.start,
        due=spec.due,
    )
