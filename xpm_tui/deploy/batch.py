"""Deploys a batch of occurrences: looks up unfinished writes, reads the open jobs, then creates each job."""

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
            self._now(),
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
        self._run = msgspec.structs.replace(self._now(), done=self._run.done + 1)
        self._context.store.commit([Put(RUNS, self._run)])
        self._progress(self._run)

    def _now(self) -> Run:
        return msgspec.structs.replace(
            self._run,
            calls=self._context.practice.calls - self._began,
            counts={key: number for key, number in self.tally.items() if number},
        )
