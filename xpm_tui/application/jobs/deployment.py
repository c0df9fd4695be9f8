"""Deploying as a run: under the run lock, through the guard, with the practice's own terms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

import msgspec

from xpm_tui.application.jobs.job_settings import IGNITION, IGNITION_HINT, terms_of, today
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.practice_identity import PracticeIdentity
from xpm_tui.application.progress import Report, silent
from xpm_tui.application.runs.consequences import pace
from xpm_tui.application.runs.history import Stopper
from xpm_tui.application.runs.runner import under_lock
from xpm_tui.application.runs.sync_run import RunRequest, RunWork
from xpm_tui.deploy.batch import deploy, unfinished_occurrences
from xpm_tui.deploy.consequences import BatchConsequences, batch_consequences
from xpm_tui.deploy.executor import DeployContext
from xpm_tui.deploy.occurrences import Occurrence, due_by_itself
from xpm_tui.domain.errors import DecisionNeeded
from xpm_tui.domain.events import Event
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.ports import Put, Snapshot, XpmJobsPort, XpmPort
from xpm_tui.domain.runs import Run, Stop, Trigger
from xpm_tui.domain.tables import RUNS, WORKFLOWS
from xpm_tui.store.ids import BlockIds
from xpm_tui.sync.applying.recovery import resolve as resolve_clients
from xpm_tui.sync.consequences import paced
from xpm_tui.sync.matching.proposals import Alike, MatchIndex


class LazyIndex:
    """The index of both sides at one moment, built when the first unlinked client is looked up."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._index: MatchIndex | None = None

    def __call__(self) -> MatchIndex:
        """The index."""
        if self._index is None:
            self._index = MatchIndex.build(self._snapshot)
        return self._index

    def alike(self, client: Client) -> Sequence[Alike]:
        """XPM's clients whose name is the same as this one's, or near to it."""
        return self().alike(client)


async def deploy_jobs(
    practice: OpenPractice,
    wanted: Sequence[Occurrence],
    *,
    reviewed: bool,
    anyway: bool = False,
    trigger: Trigger = "hand",
    report: Report = silent,
) -> Run:
    """Deploy occurrences, after finishing what an earlier run began.

    Args:
        practice: The open practice.
        wanted: The occurrences to deploy.
        reviewed: A user saw how many there are, so the guard's limit on new jobs does not apply.
        anyway: Go on where a question is open.
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

    return await under_lock(practice, work, trigger=trigger, kind="deploy")


async def deploy_due(practice: OpenPractice, *, report: Report = silent) -> Run | None:
    """What the daily run deploys, whether or not anybody signed in; None where there is nothing."""
    terms = terms_of(practice)
    if not terms.ours:
        return None
    found = due_by_itself(practice.snapshot(), terms, today(practice))
    if not found and not unfinished_occurrences(practice.snapshot()):
        return None
    return await deploy_jobs(practice, found, reviewed=False, trigger="daily", report=report)


def due_at_once(practice: OpenPractice) -> list[str]:
    """Ids of what would go out by itself now."""
    terms = terms_of(practice)
    if not terms.ours:
        return []
    return [each.id for each in due_by_itself(practice.snapshot(), terms, today(practice))]


def batch_of(
    practice: OpenPractice, wanted: Iterable[Occurrence], *, anyway: bool = False
) -> BatchConsequences:
    """What deploying these would do, after what an earlier run left. Nothing is asked of XPM."""
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
    """A run that makes jobs."""

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
        """Resolve what is unknown of clients, ask the guard, deploy."""
        practice = self.practice
        lag = practice.settings.number("sync.create_lag")
        await resolve_clients(
            book=practice.book, practice=xpm, clock=practice.clock, tell=practice.events.emit, create_lag=lag,
            stop=self.stop,
        )  # fmt: skip
        self.stop.check()
        looked_up = xpm.calls - self.calls
        found = batch_of(practice, self._wanted, anyway=self._anyway).consequences
        limit = practice.settings.number("jobs.max_new")
        stops = new_jobs_stop(found.xpm.jobs_created, limit, reviewed=self.asked.reviewed)
        if stops:
            numbers = {"counted": stops[0].counted, "limit": stops[0].limit}
            practice.events.emit(
                Event(key="guard.stop", level="warning", rule="new-jobs", numbers={**numbers})
            )
            return msgspec.structs.replace(self.run, outcome="held", stops=stops)
        requests = msgspec.structs.replace(found.requests, lookups=found.requests.lookups + looked_up)
        self.expect(paced(msgspec.structs.replace(found, requests=requests), pace(practice)))
        practice.book.commit([Put(RUNS, self.run)])
        self.report_expected()
        snapshot = practice.snapshot()
        means = DeployContext(
            book=practice.book,
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
        return await deploy(self._wanted, means, progress=self.moved)


def new_jobs_stop(fresh: int, limit: int, *, reviewed: bool) -> tuple[Stop, ...]:
    """More new jobs than ``limit`` wait for a person, where none has seen how many there are."""
    if reviewed or fresh <= limit:
        return ()
    sentence = (
        f"{fresh} new jobs would be created in XPM; more than {limit} wait for your approval. "
        "Review them: xpm-tui jobs list --due. Then deploy them: xpm-tui jobs deploy --due"
    )
    return (Stop(rule="new-jobs", counted=fresh, limit=limit, sentence=sentence),)
