"""The work of one run: resolve what an earlier run left, plan, ask the guard, apply, and record the end.

The end of a run also applies the retention settings, at most once a day.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from xpm_tui.application.home import STORE_FOLDER
from xpm_tui.application.practice import OpenPractice, PracticeIdentity, put, read
from xpm_tui.application.runs import plans
from xpm_tui.application.runs.consequences import pace
from xpm_tui.application.runs.history import Stopper, is_sync, list_runs
from xpm_tui.application.runs.open_intents import open_writes, summary
from xpm_tui.application.runs.unattended_runs import Reason, is_repeated, notify
from xpm_tui.application.runs.xpm_refresh import guard_limits, refresh_lists
from xpm_tui.domain.errors import AppError, BadInput, DecisionNeeded, LoginNeeded, PlanRefused, RunStopped
from xpm_tui.domain.events import Event, Progress, Report, Severity
from xpm_tui.domain.fields import label
from xpm_tui.domain.formatting import count, sequence
from xpm_tui.domain.labels import RUN_OUTCOMES
from xpm_tui.domain.plan import Consequences, Plan, PlannedRecord, Requests
from xpm_tui.domain.ports import Drop, Put, Snapshot, XpmPort
from xpm_tui.domain.runs import UNKNOWN, Run, Stop
from xpm_tui.domain.tables import PLANNED, PLANS, RUNS, STOPS
from xpm_tui.store.backup import prune_backups
from xpm_tui.store.snapshot import BlockIds
from xpm_tui.store.store import outdated_rows
from xpm_tui.sync.applying.executor import apply
from xpm_tui.sync.applying.recovery import resolve
from xpm_tui.sync.consequences import plan_consequences, record_name
from xpm_tui.sync.journal import SYNC_KINDS
from xpm_tui.sync.manual.plans import keep_review, recount
from xpm_tui.sync.planning.guard import ALWAYS, check, refuse_if_outdated, uncovered_stops
from xpm_tui.sync.planning.planner import ComparedClients


class RetentionResult(msgspec.Struct, frozen=True):
    """The day (UTC) on which the retention settings were last applied."""

    day: str


def apply_retention(practice: OpenPractice) -> int:
    """Delete old days of the log, old runs, plans and backups; return the number of deleted rows."""
    snapshot, now = practice.snapshot(), practice.clock.now()
    today = now.date().isoformat()
    before = read(snapshot, "tidied", RetentionResult)
    if before is not None and before.day == today:
        return 0
    setting = practice.settings.number
    practice.events.drop_older(setting("retention.log_days"))
    prune_backups(practice.data / STORE_FOLDER, setting("retention.backups"))
    writes = outdated_rows(
        snapshot,
        now=now,
        runs_days=setting("retention.runs_days"),
        images_days=setting("retention.images_days"),
    )
    practice.store.commit([*writes, put("tidied", RetentionResult(today))])
    return len(writes)


_MAX_NAMED = 5
"""How many changes that could not be undone are named for each reason at the end of an undo."""

_LEVELS: dict[str, Severity] = {"done": "info", "failed": "error"}
UNFINISHED = ("interrupted", "stopped", "partial", "failed")
"""Outcomes after which a run can be resumed."""


@dataclass(frozen=True)
class RunRequest:
    """The task of a run: to apply the plan ``plan_id``, or to make a plan and apply that.

    Attributes:
        full: Read the complete client list.
        reviewed: A user has agreed to what the run will plan.
        only: The ids of the clients to which the plan is restricted, separated by blanks; empty for all.
        fields: The fields to which the plan is restricted; empty for all.
        held: The held run that a user released.
    """

    plan_id: str = ""
    full: bool = False
    reviewed: bool = False
    only: str = ""
    fields: tuple[str, ...] = ()
    held: Run | None = None


_OUTDATED = (
    "The direction, what to sync or the fields were changed during the sync, so it stopped before "
    "the next client. Changes that were already applied stay. Make a new plan: xpm-tui plan"
)


def _not_restored(snapshot: Snapshot, plan: Plan, run: Run) -> str:
    """Return what an undo could not restore, by record and reason; empty if it restored everything."""
    found: dict[str, list[tuple[str, str]]] = {}
    for each in plan.left:
        found.setdefault(each.sentence, []).append((each.record, each.field))
    lines = []
    for why, pairs in found.items():
        named = [f"{label(field)} of {record_name(snapshot, record)}" for record, field in pairs[:_MAX_NAMED]]
        lines.append(f"{sequence([*named, *[''] * (len(pairs) - len(named))], most=_MAX_NAMED)}: {why}")
    if moved := run.counts.get("moved", 0):
        lines.append(
            f"{count(moved, 'client')} changed after the undo was shown, so nothing was restored there."
        )
    return (
        " ".join([f"Not everything that run {plan.undo_of} wrote could be undone.", *lines]) if lines else ""
    )


class _RunHalted:
    """Tells whether a run has to end before its next client: on request, or after a change of policy."""

    def __init__(self, practice: OpenPractice, plan: Plan, stop: Stopper) -> None:
        self._practice = practice
        self._plan = plan
        self._stop = stop
        self._version = practice.settings.version
        self.outdated = False

    def __call__(self) -> bool:
        version = self._practice.settings.version
        if version != self._version:
            self._version = version
            # An undo restores what was written, whatever the policy is by now.
            if not self._plan.undo_of and self._practice.policy().hash != self._plan.policy:
                self.outdated = True
        return self.outdated or self._stop()


class RunWork:
    """The work of one run, from its row in the store to its end."""

    def __init__(
        self,
        practice: OpenPractice,
        identity: PracticeIdentity,
        run: Run,
        request: RunRequest,
        *,
        report: Report,
        stop: Stopper,
    ) -> None:
        self.practice = practice
        self.identity = identity
        self.request = request
        self.run = run
        self.report = report
        self.stop = stop
        self.xpm: XpmPort | None = None
        self.calls = 0
        # Changes of a resumed run that no user has reviewed, such as edits made since it was stopped.
        self.unreviewed: list[PlannedRecord] | None = None
        self.compared = ComparedClients()
        self.began = practice.clock.monotonic()
        stop.on_signal = lambda: report(Progress("stop"))

    async def carry_out(self) -> Run:
        """Do the work, and record how it ended."""
        try:
            try:
                async with self.practice.wire() as wire:
                    self.xpm = wire.practice(self.identity.tenant, stop=self.stop)
                    self.calls = self.xpm.calls
                    return self.end(await self.work(self.xpm))
            except RunStopped:
                return self.end(msgspec.structs.replace(self.run, outcome="stopped"))
        except AppError as error:
            self.fail(error)
            raise
        except BaseException as error:
            self.fail(AppError(f"An unexpected error ({type(error).__name__}) ended the run."))
            raise

    async def undo_during_run(self) -> Run:
        """Apply an undo that sends nothing to XPM, while another run is in progress.

        It is recorded as an immediate action, so that the other run stays the newest sync, which can be
        stopped and resumed.
        """
        practice = self.practice
        try:
            plan, records = plans.load(practice, self.request.plan_id)
            self.expect(plan_consequences(practice.snapshot(), plan, records, practice.policy()))
            self.keep(plan, reviewed=True)
            ended = await apply(
                plan, records, policy=practice.policy(), run=self.run, store=practice.store, practice=None,
                clock=practice.clock, ids=BlockIds(practice.ids), events=practice.events, reviewed=True,
            )  # fmt: skip
        except AppError as error:
            self.fail(error)
            raise
        return self.end(msgspec.structs.replace(ended, plan="", pid=0))

    async def work(self, xpm: XpmPort) -> Run:
        """Resolve unknown outcomes, plan, ask the guard, and apply."""
        practice = self.practice
        await resolve(
            store=practice.store, practice=xpm, clock=practice.clock, emit=practice.events.emit,
            create_lag=practice.settings.number("sync.create_lag"), stop=self.stop,
        )  # fmt: skip
        self.stop.check()
        looked_up = xpm.calls - self.calls
        plan, records, reviewed = await self.stop.carry_out(self.plan(xpm))
        before = Requests(lookups=looked_up, lists=xpm.calls - self.calls - looked_up)
        expected = plan_consequences(
            practice.snapshot(), plan, records, practice.policy(), before=before, pace=pace(practice)
        )
        self.expect(expected)
        self.keep(plan, reviewed=reviewed)
        self.report_progress(self.run)
        self.report_expected(plan=plan.id, items=plan.counts.get("items", 0), records=self.run.total)
        stops = self.guard_stops(plan, records, reviewed)
        if stops:
            for stop in stops:
                numbers = {"counted": stop.counted, "limit": stop.limit}
                practice.events.emit(
                    Event(key="guard.stop", level="warning", rule=stop.rule, numbers={**numbers})
                )
            return msgspec.structs.replace(self.run, outcome="held", stops=stops)
        self.stop.check()
        if self.unreviewed and not reviewed:
            # The guard has accepted what was edited since, so that the run can be stopped and resumed again.
            reviewed = True
            self.keep(plan, reviewed=True)
        policy = practice.policy()
        refuse_if_outdated(plan, policy, self.identity.tenant, self.identity.scopes)
        halt = _RunHalted(practice, plan, self.stop)
        ended = await apply(
            plan, records, policy=policy, run=self.run, store=practice.store, practice=xpm,
            clock=practice.clock, ids=BlockIds(practice.ids), events=practice.events, stop=halt,
            progress=self.report_progress, reviewed=reviewed,
            create_lag=practice.settings.number("sync.create_lag"), compared=self.compared,
        )  # fmt: skip
        if halt.outdated and ended.outcome == "stopped":
            ended = msgspec.structs.replace(ended, error=_OUTDATED, exit_code=PlanRefused.exit_code)
        undone = plan.undo_of and ended.outcome == "done"
        if undone and (left := _not_restored(practice.store.snapshot(), plan, ended)):
            ended = msgspec.structs.replace(ended, error=left, exit_code=DecisionNeeded.exit_code)
        waiting = [each for each in open_writes(practice.store.snapshot()) if each.kind in SYNC_KINDS]
        # A completed undo has nothing to continue once these writes are decided.
        if waiting and ended.outcome in ("done", "partial", "held") and not plan.undo_of:
            stop = Stop(rule=UNKNOWN, counted=len(waiting), sentence=summary(waiting))
            ended = msgspec.structs.replace(ended, outcome="held", stops=(*ended.stops, stop))
        return ended

    async def plan(self, xpm: XpmPort) -> tuple[Plan, list[PlannedRecord], bool]:
        """Return the requested plan or a new one, and whether a user has reviewed all of it."""
        request, practice = self.request, self.practice
        if request.plan_id:
            plan, records = plans.load(practice, request.plan_id)
            if plan.state != "draft":
                raise BadInput(f"Plan {plan.id} was already applied.", hint="Make a new one: xpm-tui plan")
            plans.refuse_outdated(practice, plan)
            if not timedelta(0) <= practice.clock.now() - plan.made <= plans.FRESH:
                await refresh_lists(practice, xpm, full=request.full, lately=True, report=self.report_list)
            return plan, records, True
        lately = self.run.trigger == "daily"
        await refresh_lists(practice, xpm, full=request.full, lately=lately, report=self.report_list)
        self.report(Progress("plan"))
        plan, records = plans.compute(
            practice, self.identity, only=request.only, fields=request.fields, full=request.full,
            compared=self.compared,
        )  # fmt: skip
        reviewed, before = request.reviewed, self.reviewed_records()
        if before:
            records, unreviewed = keep_review(before, records)
            plan = recount(plan, records)
            practice.store.commit([Put(PLANS, plan), *(Put(PLANNED, record) for record in records)])
            if request.held is None and not reviewed:
                self.unreviewed, reviewed = unreviewed, not unreviewed
        return plan, records, reviewed

    def reviewed_records(self) -> list[PlannedRecord]:
        """Return what a user had reviewed in the run that this one continues; nothing for a new run."""
        last = self.request.held
        if last is None:
            # A run that ended before it had a plan does not change what was reviewed.
            earlier = (run for run in list_runs(self.practice) if run.id != self.run.id and is_sync(run))
            last = next((run for run in earlier if run.plan), None)
            if last is None or not last.reviewed or last.outcome not in UNFINISHED:
                return []
        return self.practice.snapshot().find(PLANNED, "plan", last.plan) if last.plan else []

    def guard_stops(self, plan: Plan, records: list[PlannedRecord], reviewed: bool) -> tuple[Stop, ...]:
        """Return why the run needs the user's decision, without the reasons that a release covers."""
        practice, daily = self.practice, self.run.trigger == "daily"
        stops = check(
            practice.snapshot(),
            plan,
            records if self.unreviewed is None else self.unreviewed,
            guard_limits(practice.settings),
            reviewed=reviewed,
            scheduled=daily,
        )
        items = plan.counts.get("items", 0)
        if daily and plan.direction == "to_xpm" and items and not practice.settings.yes("sync.daily_push"):
            waits = (
                "The daily sync writes to XPM only if sync.daily_push is on; its plan waits for your "
                "approval."
            )
            stops += (Stop(rule="daily-push", counted=items, sentence=waits),)
        if self.request.held is not None:
            always = tuple(stop for stop in stops if stop.rule in ALWAYS)
            stops = always or uncovered_stops(self.request.held.stops, stops)
        return stops

    def report_list(self, progress: Progress) -> None:
        """Report the progress of reading a list. Raises ``Stopped`` if the run was asked to stop."""
        self.stop.check()
        self.report(progress)

    def report_progress(self, run: Run) -> None:
        """Report how far the run has got."""
        expected = self.run.consequences.calls if self.run.consequences is not None else 0
        self.report(Progress("apply", run.done, run.total, run.calls, expected))

    def expect(self, found: Consequences) -> None:
        """Keep what is expected of the run, before its first write."""
        self.run = msgspec.structs.replace(self.run, consequences=found.shortened())

    def keep(self, plan: Plan, *, reviewed: bool) -> None:
        """Store the plan that the run is going to apply in its row."""
        self.run = msgspec.structs.replace(
            self.run,
            plan=plan.id,
            total=plan.counts.get("records", 0),
            reviewed=reviewed,
            direction=plan.direction,
            level=plan.level,
            only=plan.only,
            fields=plan.fields,
        )
        self.practice.store.commit([Put(RUNS, self.run)])

    def fail(self, error: AppError) -> None:
        """Record the error that ended the run; what was already recorded of its end stays."""
        error.logged = True
        found = self.practice.snapshot().get(RUNS, self.run.id) or self.run
        outcome = "failed" if found.outcome in ("running", "done") else found.outcome
        self.end(
            msgspec.structs.replace(
                found,
                outcome=outcome,
                error=found.error or error.message,
                case=found.case or error.case or error.code,
                exit_code=error.exit_code,
            ),
            error,
        )

    def end(self, run: Run, error: AppError | None = None) -> Run:
        """Record and log the end of the run, notify the user, and apply the retention settings."""
        practice = self.practice
        calls = self.xpm.calls - self.calls if self.xpm is not None else run.calls
        run = msgspec.structs.replace(
            run,
            ended=run.ended or practice.clock.now(),
            calls=max(calls, run.calls),
            exit_code=run.exit_code or exit_code(run, self.stop.signal),
        )
        practice.store.commit([Put(RUNS, run), Drop(STOPS, run.id)])
        with suppress(AppError):  # The run's end must be durable now; otherwise closing the store records it.
            practice.store.record_end()
        level = _LEVELS.get(run.outcome, "warning")
        seconds = round(practice.clock.monotonic() - self.began, 1)
        practice.events.emit(
            Event(
                key=f"run.{run.outcome}",
                level=level,
                rule=run.kind,
                case=run.case,
                outcome=run.outcome,
                numbers={**ZERO_COUNTS, **expected_numbers(run), **run.counts, "done": written_records(run),
                         "calls": run.calls, "seconds": seconds, "exit_code": run.exit_code},
            )
        )  # fmt: skip
        creates_jobs = run.kind == "deploy"
        # Jobs that are held need the user's decision even if others of the batch were created.
        if run.outcome in ("held", "failed") or (creates_jobs and run.outcome == "partial"):
            waits = run.outcome == "held" or (creates_jobs and run.counts.get("held"))
            reason: Reason = "held" if waits else "failed"
            reason = "login-needed" if isinstance(error, LoginNeeded) else reason
            why = run.error or " ".join(stop.sentence for stop in run.stops)
            if not is_repeated(list_runs(practice), run):
                text = f"Run {run.id}: {RUN_OUTCOMES[run.outcome].inline}. {why}".strip()
                notify(practice, reason, text, run=run.id)
        apply_retention(practice)
        self.run = run
        return run

    def report_expected(self, **numbers: int | str) -> None:
        """Log, before the first write, what is expected of this run."""
        found = self.run.consequences
        if found is not None:
            data = {**expected_numbers(self.run), "calls": found.calls, **numbers}
            self.practice.events.emit(Event(key="run.planned", rule=found.of, numbers={**data}))


def expected_numbers(run: Run) -> dict[str, int]:
    """Return what is expected of a run, as the numbers of an event."""
    found = run.consequences
    if found is None:
        return {}
    return {
        "to_xpm": found.xpm.changes,
        "saved_here": found.here.changes,
        "replaced": found.replaced.values,
        "conflicts": found.replaced.conflicts,
        "clearings": found.replaced.clearings,
        "lasting": found.not_undoable,
        "freezes": found.freezes,
        "expected_calls": found.calls,
        "minutes": found.minutes,
    }


ZERO_COUNTS = {"changes": 0, "refused": 0, "deployed": 0, "failed": 0}
"""Counts that the log names even if they are 0."""


def written_records(run: Run) -> int:
    """Return how many records a run processed without a refusal or an unsendable value."""
    return max(0, run.done - run.counts.get("refused", 0) - run.counts.get("unsendable", 0))


def exit_code(run: Run, signal: int = 0) -> int:
    """Return the exit code of a run: 0 done, 1 partly done or failed, 4 held, 128 + the signal."""
    if run.exit_code:
        return run.exit_code
    if run.outcome == "stopped":
        return 128 + signal if signal else 1
    return {"done": 0, "skipped": 0, "held": 4}.get(run.outcome, 1)
