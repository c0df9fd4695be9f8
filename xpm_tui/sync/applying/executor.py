"""Apply a plan: Ignition's side in batches, XPM's side one journaled call at a time.

Each batch is one commit with records, links, base, images and the run's progress, so a kill at any point
leaves every client in its old or its new state. Records that changed since the plan are skipped and listed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from xpm_tui.domain.errors import AppError, RunStopped
from xpm_tui.domain.events import Event
from xpm_tui.domain.plan import Plan, PlannedRecord
from xpm_tui.domain.ports import Clock, EventSink, IdSource, Put, Snapshot, Store, Write, XpmPort
from xpm_tui.domain.runs import Run
from xpm_tui.domain.tables import CLIENTS, FREEZES, LINKS, XPM_CLIENTS
from xpm_tui.sync.applying.local_writes import VerifiedRecord, is_wanted
from xpm_tui.sync.applying.run_recorder import (
    LocalCommit,
    RunRecorder,
    contacts_wanted,
    events_of,
    local_commit,
)
from xpm_tui.sync.applying.run_results import changed_writes, undo_freeze
from xpm_tui.sync.applying.undo_writes import undo_here
from xpm_tui.sync.applying.xpm_writes import XpmWriter
from xpm_tui.sync.planning.decisions import Rules
from xpm_tui.sync.planning.links import SYNCED_STATES, state_of
from xpm_tui.sync.planning.planner import ComparedClients, compare_client, rules_for, written_records
from xpm_tui.sync.policy import Policy
from xpm_tui.sync.undo_freezes import undo_freezes

BATCH = 100
"""Clients in one commit: few enough for a prompt stop, many enough not to be limited by the disk."""

CREATE_LAG = 300.0
"""Seconds after which a record that XPM does not show after its creation is held for the user."""

T = TypeVar("T")


async def apply(
    plan: Plan,
    records: Sequence[PlannedRecord],
    *,
    policy: Policy,
    run: Run,
    store: Store,
    practice: XpmPort | None,
    clock: Clock,
    ids: IdSource,
    events: EventSink,
    stop: Callable[[], bool] = lambda: False,
    progress: Callable[[Run], None] = lambda _: None,
    reviewed: bool = False,
    create_lag: float = CREATE_LAG,
    compared: ComparedClients | None = None,
) -> Run:
    """Apply the plan's ticked changes; the guard and ``refuse_if_outdated`` come before this.

    ``run`` is already in the store, as running; its progress is in every commit and its end is written here.
    ``stop`` is checked between records; ``practice`` is needed only if XPM is written; ``compared`` are the
    clients that the plan, made by the same process, found in step. Outcomes: ``done``,
    ``partial`` (XPM refused some), ``held`` (a user must decide about one), ``stopped``. Raises the
    ``AppError`` that ended it early (login, allowance, no network, disk), after the run's end (``failed``, or
    ``partial`` if something was done) is in the store.
    """
    recorder = RunRecorder(run, store=store, practice=practice, clock=clock, events=events, progress=progress)
    work = _Apply(plan, policy, recorder, store, clock, ids, stop)
    wanted = [record for record in records if is_wanted(record)]
    recorder.total(len(wanted))
    try:
        await work.protect(records)
        await work.here([record for record in wanted if not written_records(record)])
        there = [record for record in wanted if written_records(record)]
        if there and practice is not None and not work.stopped:
            pusher = XpmWriter(
                work.apply_one_locally, recorder, store, practice, clock, ids, create_lag, policy
            )
            await work.there(there, pusher)
        await work.protect(records, ended=True)
        await work.agree(compared or ComparedClients())
        recorder.set_aside(plan)
    except AppError as error:
        outcome = recorder.outcome(stopped=False, error=error)
        recorder.end(plan, outcome, error, reviewed=reviewed)
        raise
    return recorder.end(plan, recorder.outcome(stopped=work.stopped), None, reviewed=reviewed)


class _Apply:
    """The application of one plan."""

    def __init__(
        self,
        plan: Plan,
        policy: Policy,
        recorder: RunRecorder,
        store: Store,
        clock: Clock,
        ids: IdSource,
        stop: Callable[[], bool],
    ) -> None:
        self._plan = plan
        self._policy = policy
        self._recorder = recorder
        self._store = store
        self._clock = clock
        self._ids = ids
        self._stop = stop
        self.stopped = False

    async def here(self, records: Sequence[PlannedRecord]) -> None:
        """Apply clients whose changes are all on Ignition's side, with one commit for each batch."""
        for batch in _batches(records, BATCH):
            if self._stops():
                return
            self._write_local_changes(batch, done=len(batch))
            await self._clock.sleep(0)

    async def there(self, records: Sequence[PlannedRecord], pusher: XpmWriter) -> None:
        """Apply clients with changes on XPM's side, one after the other, then resolve unknown outcomes."""
        pusher.expect(records)
        try:
            for record in records:
                if self._stops():
                    break
                await pusher.push(record)
            await pusher.resolve(self._stops)
        except RunStopped:
            self.stopped = True

    async def protect(self, records: Sequence[PlannedRecord], *, ended: bool = False) -> None:
        """Freeze the fields of an undo before it restores anything, and afterwards those that it skipped."""
        if not self._plan.undo_of:
            return

        def make(clients: frozenset[str], snapshot: Snapshot) -> list[Write]:
            run, now = self._recorder.run, self._clock.now()
            found = undo_freezes(snapshot, self._plan, records, ended=ended, clients=clients)
            return [
                Put(FREEZES, undo_freeze(client, key, self._plan.undo_of, run.by, now))
                for client, keys in found.items()
                for key in keys
            ]

        for batch in _batches(
            [*undo_freezes(self._store.snapshot(), self._plan, records, ended=ended)], BATCH
        ):
            self._store.transact(partial(make, frozenset(batch)))
            await self._clock.sleep(0)

    async def agree(self, compared: ComparedClients) -> None:
        """Store in base and links what both sides already agree on, for all clients of the plan."""
        if self._plan.undo_of or rules_for(self._store.snapshot(), self._policy, self._plan.fields).idle:
            return
        for batch in _batches(self._plan.only.split() or [*self._store.snapshot().ids(LINKS)], 5 * BATCH):
            if self._stops():
                return
            self._store.transact(partial(self._agreements, batch, compared))
            await self._clock.sleep(0)

    def apply_one_locally(self, record: PlannedRecord) -> VerifiedRecord | None:
        """Apply the changes of one client on Ignition's side, especially its link, in a separate commit.

        Returns the client after that, or None if the record was skipped.
        """
        (verified,) = self._write_local_changes([record], done=0)
        return verified

    def _write_local_changes(
        self, records: Sequence[PlannedRecord], *, done: int
    ) -> list[VerifiedRecord | None]:
        """Compute and write Ignition's part of some clients on the same state."""
        wanted = sum(contacts_wanted(record.changes) for record in records)
        new_ids = iter(self._ids.new("k", wanted) if wanted else ())
        all_verified: list[VerifiedRecord | None] = []

        def make(snapshot: Snapshot) -> tuple[list[Write], list[Event]]:
            rules = rules_for(snapshot, self._policy, self._plan.fields)
            writes: list[Write] = []
            news: list[Event] = []
            for record in records:
                written, new_events, verified = self._record(snapshot, record, rules, new_ids.__next__)
                writes += written
                news += new_events
                all_verified.append(verified)
            return writes, news

        self._recorder.transact(make, done=done)
        return all_verified

    def _record(
        self,
        snapshot: Snapshot,
        record: PlannedRecord,
        rules: Rules,
        new_contact: Callable[[], str],
    ) -> tuple[Sequence[Write], Iterable[Event], VerifiedRecord | None]:
        run, now = self._recorder.run, self._clock.now()
        if self._plan.undo_of:
            made = undo_here(snapshot, record, rules.team, run, now)
        else:
            made = local_commit(snapshot, record, rules, run, now, new_contact)
        if not isinstance(made, LocalCommit):
            self._recorder.drop(record, made)
            return (), (), None
        self._recorder.count(made.written)
        return made.writes, events_of(made.written, record.client, record.uuid), made.verified

    def _agreements(
        self, clients: Sequence[str], compared: ComparedClients, snapshot: Snapshot
    ) -> list[Write]:
        rules = rules_for(snapshot, self._policy, self._plan.fields)
        in_step = compared.unchanged(snapshot)
        return [
            write for id_ in clients if not in_step(id_) for write in self._agreement(snapshot, rules, id_)
        ]

    def _agreement(self, snapshot: Snapshot, rules: Rules, id_: str) -> Iterable[Write]:
        client, link = snapshot.get(CLIENTS, id_), snapshot.get(LINKS, id_)
        row = snapshot.get(XPM_CLIENTS, link.uuid) if link is not None else None
        if client is None or link is None or row is None or link.quiet:
            return ()
        if state_of(snapshot, client, link, row) not in SYNCED_STATES:
            return ()
        met = compare_client(snapshot, rules, client, link, row)
        self._recorder.tally["agreed"] += met.agreed
        return changed_writes(snapshot, met.link, met.base) if met.agreed else ()

    def _stops(self) -> bool:
        self.stopped = self.stopped or self._stop()
        return self.stopped


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
