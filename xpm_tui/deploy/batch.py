"""Deploy a batch of occurrences: resolve unknown writes, read the open jobs once, then deploy one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from xpm_tui.deploy.executor import DeployContext, Deployer
from xpm_tui.deploy.occurrences import Occurrence, still_recurs
from xpm_tui.deploy.preview import OpenJobs, preview
from xpm_tui.deploy.recovery import resolve, wait_for_refused
from xpm_tui.domain.errors import AppError, RunStopped
from xpm_tui.domain.ignition import Deployment
from xpm_tui.domain.ports import Put, Snapshot
from xpm_tui.domain.runs import Outcome, Run
from xpm_tui.domain.tables import DEPLOYMENTS, RUNS, WORKFLOWS
from xpm_tui.sync.mirror import job_writes


def unfinished_occurrences(snapshot: Snapshot) -> list[Deployment]:
    """Return what was begun and not finished, as after an interrupted run."""
    return snapshot.find(DEPLOYMENTS, "state", "going")


async def deploy(
    wanted: Sequence[Occurrence],
    means: DeployContext,
    *,
    progress: Callable[[Run], None] = lambda _: None,
) -> Run:
    """Deploy occurrences, after finishing what an earlier run left.

    The run is already in the store; its end is written here. Outcomes: ``done``; ``partial`` (XPM refused
    some); ``held`` (a user must decide on some); ``stopped``. Raises the ``AppError`` that ended it early
    after the run's end is in the store.
    """
    batch = _BatchRun(means, progress)
    try:
        await batch.through(wanted)
    except RunStopped:
        batch.stopped = True
    except AppError as trouble:
        batch.end("partial" if batch.tally["deployed"] else "failed", trouble)
        raise
    return batch.end(batch.outcome())


class _BatchRun:
    """One batch, and the run's row while it changes."""

    def __init__(self, means: DeployContext, progress: Callable[[Run], None]) -> None:
        self._means = means
        self._progress = progress
        self._run = means.run
        self._began = means.practice.calls - means.run.calls
        self.tally: Counter[str] = Counter()
        self._causes: set[str] = set()
        self.stopped = False

    async def through(self, wanted: Sequence[Occurrence]) -> None:
        """Resolve, list and deploy; then resolve writes without an answer until nothing changes."""
        means = self._means
        await resolve(means)
        unfinished = (row.id for row in unfinished_occurrences(means.book.snapshot()))
        await wait_for_refused(means, {*unfinished, *(each.id for each in wanted)})
        if means.stop():
            self.stopped = True
            return
        jobs = await means.practice.current_jobs()
        means.book.commit(job_writes(means.book.snapshot(), jobs, means.clock.now()))
        deployer = Deployer(means, OpenJobs(jobs))
        left = {row.id: (row.workflow, row.day) for row in unfinished_occurrences(means.book.snapshot())}
        left |= {each.id: (each.workflow.id, each.day) for each in wanted}
        self._run = msgspec.structs.replace(self._run, total=len(left))
        while left:
            for id_, (workflow_id, day) in left.items():
                if means.stop():
                    self.stopped = True
                    return
                workflow = means.book.snapshot().get(WORKFLOWS, workflow_id)
                row = means.book.snapshot().get(DEPLOYMENTS, id_)
                if workflow is None or (row is not None and row.state in ("deployed", "skipped")):
                    self._ended("gone")
                    continue
                if row is None and not still_recurs(means.book.snapshot(), workflow, day):
                    self._ended("gone")
                    continue
                if row is not None and row.state == "held" and row.cause == "unknown":
                    self._ended("held")
                    continue
                shown = preview(
                    means.book.snapshot(), means.terms, workflow, day, deployer.jobs, alike=means.alike
                )
                row = await deployer.deploy(shown)
                if row.state != "going":
                    self._ended(row.state, row.cause)
            left = {row.id: (row.workflow, row.day) for row in unfinished_occurrences(means.book.snapshot())}
            settled = await resolve(means) if left else 0
            self.stopped = means.stop()
            if left and not settled:
                self.tally["waiting"] += len(left)
                return
            for row in [means.book.snapshot().get(DEPLOYMENTS, id_) for id_ in left]:
                if row is not None and row.state in ("held", "failed"):
                    left.pop(row.id)
                    self._ended(row.state, row.cause)

    def outcome(self) -> Outcome:
        """Return the outcome of the whole batch."""
        if self.stopped:
            return "stopped"
        if self.tally["held"] or self.tally["waiting"]:
            return "held"
        return "partial" if self.tally["failed"] else "done"

    def end(self, outcome: Outcome, trouble: AppError | None = None) -> Run:
        """Write the end of the run."""
        self._run = msgspec.structs.replace(
            self._now(),
            outcome=outcome,
            ended=self._means.clock.now(),
            error=trouble.message if trouble else "",
            case=str(trouble.case or trouble.code) if trouble else self._only_cause(),
        )
        self._means.book.commit([Put(RUNS, self._run)])
        self._progress(self._run)
        return self._run

    def _only_cause(self) -> str:
        """Return why it did not complete, if all jobs have the same reason."""
        return next(iter(self._causes)) if len(self._causes) == 1 else ""

    def _ended(self, state: str, cause: str = "") -> None:
        self.tally[state] += 1
        self._causes |= {cause} - {""}
        self._run = msgspec.structs.replace(self._now(), done=self._run.done + 1)
        self._means.book.commit([Put(RUNS, self._run)])
        self._progress(self._run)

    def _now(self) -> Run:
        return msgspec.structs.replace(
            self._run,
            calls=self._means.practice.calls - self._began,
            counts={key: number for key, number in self.tally.items() if number},
        )
