"""Apply a plan or an undo: Ignition's side in batches, XPM's side one journaled call at a time.

Each batch is one commit with records, links, base, images and the run's progress, so a kill at any point
leaves every client in its old or its new state. Records that changed since the plan are skipped and listed.
An undo restores values, contacts, links and picks of Ignition's side in one commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar

import msgspec

from xpm_tui.domain.errors import AppError, RunStopped
from xpm_tui.domain.events import Event
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.links import Base, Link, Provenance, ValueOrigin
from xpm_tui.domain.plan import Change, Plan, PlannedRecord
from xpm_tui.domain.ports import Clock, Drop, EventSink, IdSource, Put, Snapshot, Store, Write, XpmPort
from xpm_tui.domain.runs import BeforeImage, Relinked, Run
from xpm_tui.domain.tables import (
    BASE,
    BLOCKED_PAIRS,
    CLIENTS,
    FREEZES,
    IGNORED,
    LINKS,
    PROVENANCE,
    XPM_CLIENTS,
)
from xpm_tui.domain.xpm import XpmClient
from xpm_tui.sync.applying.local_writes import (
    LocalCommit,
    Moved,
    VerifiedRecord,
    contacts_wanted,
    local_commit,
    write_local_changes,
)
from xpm_tui.sync.applying.run_recorder import RunRecorder, events_of
from xpm_tui.sync.applying.run_results import (
    changed_writes,
    image_of,
    image_write,
    undo_agreement,
    undo_freeze,
    with_undone_changes,
    written_value,
)
from xpm_tui.sync.applying.xpm_writes import XpmWriter
from xpm_tui.sync.base import (
    base_key,
    block_pair,
    blocked_pair_id,
    known_provenance,
    link_and_row,
    mirror_values,
    normalise_base,
    present_values,
    provenance_writes,
    undone_key,
)
from xpm_tui.sync.canonical import TeamLinks, Values, ignition_fingerprint, xpm_fingerprint
from xpm_tui.sync.consequences import is_wanted, written_records
from xpm_tui.sync.planning.comparison import ClientPair
from xpm_tui.sync.planning.decisions import Rules
from xpm_tui.sync.planning.links import SYNCED_STATES, state_of
from xpm_tui.sync.planning.planner import ComparedClients, compare_client, rules_for
from xpm_tui.sync.policy import Policy
from xpm_tui.sync.undo_freezes import undo_freezes


def undo_here(
    snapshot: Snapshot, record: PlannedRecord, team: TeamLinks, run: Run, now: datetime
) -> LocalCommit | Moved:
    """Return the writes of one client's undo on Ignition's side."""
    client = snapshot.get(CLIENTS, record.client)
    image = image_of(snapshot, run, record.client)
    if client is None or image is None or ignition_fingerprint(client, team) != record.ignition:
        return "ignition"
    ticked = [c for c in record.changes if c.ticked and undone_key(c.record, c.field) not in image.undone]
    whole = next((c for c in ticked if c.field == "client"), None)
    linked = next((c for c in ticked if c.field == "link"), None)
    there = snapshot.get(LINKS, client.id)
    expected = linked.old if linked else record.uuid
    if not ticked or (there.uuid if there else "") != (expected or ""):
        return "link"
    row = snapshot.get(XPM_CLIENTS, record.uuid)
    if row is not None and record.xpm and xpm_fingerprint(row) != record.xpm:
        return "xpm"
    link = there or Link(id=client.id, uuid="")
    base = snapshot.get(BASE, client.id) or Base(id=client.id)
    sides = ClientPair(client, row or XpmClient(uuid=record.uuid, name=client.name), link, base)
    ours = [c for c in ticked if c.side == "ignition" and c.field not in ("client", "link")]
    restored = [c for c in ours if c.field == "contact" and c.new is not None]
    made = write_local_changes(sides, [c for c in ours if c not in restored], team, _no_contact)
    made = msgspec.structs.replace(
        made,
        client=_with_contacts(made.client, image, restored),
        written=made.written + tuple(map(written_value, restored)),
    )
    written = made.written + tuple(written_value(change) for change in (linked, whole) if change is not None)
    writes: list[Write] = []
    if whole is not None:
        writes += [Drop(CLIENTS, client.id), Drop(LINKS, client.id), Drop(BASE, client.id)]
        writes += [Drop(PROVENANCE, client.id), with_undone_changes(image, ticked)]
    else:
        if made.client != client:
            writes.append(Put(CLIENTS, made.client))
        if linked is not None:
            after_undo = present_values(made.client, team)
            writes += _restored_link(
                link, str(linked.new or ""), snapshot, run, now, image.relinked, after_undo, undone=image.run
            )
            writes.append(with_undone_changes(image, [*ours, linked]))
        elif ours:
            after = mirror_values(sides.row, made.link)
            base, more = undo_agreement(snapshot, run, client.id, ours, base, after, now)
            writes += [*more, *(changed_writes(snapshot, made.link, base) if link.uuid else ())]
            writes += _restored_provenance(snapshot, image, ours, made.client, team)
    if written:
        writes.append(image_write(snapshot, run.id, client.id, record.uuid, written))
    rest = tuple(change for change in ticked if change.side == "xpm")
    after_sides = msgspec.structs.replace(sides, client=made.client, link=made.link, base=base)
    return LocalCommit(tuple(writes), written, VerifiedRecord(after_sides, rest))


def _with_contacts(client: Client, image: BeforeImage, restored: Iterable[Change]) -> Client:
    """Return the client with the contacts of its former link; only one contact is primary."""
    wanted = {change.contact for change in restored}
    kept = image.relinked.contacts if image.relinked is not None else ()
    contacts = [*client.contacts]
    for each in kept:
        if each.id in wanted:
            second = each.primary and any(other.primary for other in contacts)
            contacts.append(msgspec.structs.replace(each, primary=False) if second else each)
    return msgspec.structs.replace(client, contacts=tuple(contacts)) if wanted else client


def _restored_provenance(
    snapshot: Snapshot, image: BeforeImage, changes: Iterable[Change], client: Client, team: TeamLinks
) -> list[Write]:
    """Record values that are restored without their link as the former client's again."""
    if image.relinked is None or image.relinked.provenance is None:
        return []
    were, values = image.relinked.provenance.values, present_values(client, team)
    known = snapshot.get(PROVENANCE, client.id) or Provenance(id=client.id)
    keys: set[str] = set()
    for change in changes:
        if change.field == "contact":
            keys |= {each for each in were if each.startswith(f"{change.contact}.")}
        else:
            keys.add(base_key(change.field, change.contact))
    restored = {key: ValueOrigin(were[key].uuid, were[key].value, values[key]) for key in keys & were.keys()}
    return provenance_writes(snapshot, msgspec.structs.replace(known, values={**known.values, **restored}))


def _merged_provenance(before: Provenance, now: Provenance, values: Values) -> Provenance:
    """Return the provenance of a client's values, from before a link and since.

    If both have an entry for a value, the one that applies to the present value counts.
    """
    found: dict[str, ValueOrigin] = {}
    for key in {**before.values, **now.values}:
        both = [each for each in (before.values.get(key), now.values.get(key)) if each is not None]
        applying = [each for each in both if values.get(key) in (each.value, each.stayed)]
        found[key] = (applying or both)[0]
    return msgspec.structs.replace(now, values=found, removed={**before.removed, **now.removed})


def _restored_link(
    link: Link,
    before: str,
    snapshot: Snapshot,
    run: Run,
    now: datetime,
    relinked: Relinked | None,
    values: Values,
    *,
    undone: str,
) -> list[Write]:
    """Return the writes that remove a link or restore the previous one, with its base.

    The present pair is blocked until a user links the two again. If another client is linked to the former
    XPM client by now, the restored link is quiet. ``values`` are the client's future values by base key.
    """
    writes: list[Write] = [Drop(BASE, link.id)]
    known = known_provenance(snapshot, link.id)
    if relinked is not None and relinked.provenance is not None:
        known = _merged_provenance(relinked.provenance, known, values)
    writes += provenance_writes(snapshot, known)
    if relinked is not None:
        writes += [Put(FREEZES, each) for each in relinked.freezes]
        writes += [Put(IGNORED, relinked.ignored)] if relinked.ignored is not None else []
    if link.uuid:
        writes.append(block_pair(link.id, link.uuid, run.by, now, undone=undone))
    if not before:
        return [Drop(LINKS, link.id), *writes]
    row = snapshot.get(XPM_CLIENTS, before)
    was = relinked.link if relinked is not None else None
    if was is not None and was.uuid != before:
        was = None
    if was is not None and relinked is not None and relinked.base is not None:
        writes.append(Put(BASE, normalise_base(snapshot, was, relinked.base)))
    restored = Link(
        id=link.id,
        uuid=before,
        number=row.number if row is not None else "",
        origin="undo",
        contacts=was.contacts if was is not None else (),
        quiet=any(other.id != link.id for other in snapshot.find(LINKS, "uuid", before)),
        at=now,
        by=run.by,
        run=run.id,
    )
    return [Put(LINKS, restored), Drop(BLOCKED_PAIRS, blocked_pair_id(link.id, before)), *writes]


def _no_contact() -> str:
    raise LookupError("an undo creates no contact")


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
            writer = XpmWriter(
                work.apply_one_locally, recorder, store, practice, clock, ids, create_lag, policy
            )
            await work.there(there, writer)
        await work.protect(records, ended=True)
        await work.agree(compared or ComparedClients())
        recorder.count_set_aside(plan)
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
        """Apply the changes to clients without changes in XPM, with one commit for each batch."""
        for batch in _batches(records, BATCH):
            if self._stops():
                return
            self._write_local_changes(batch, done=len(batch))
            await self._clock.sleep(0)

    async def there(self, records: Sequence[PlannedRecord], writer: XpmWriter) -> None:
        """Apply the changes to clients with changes in XPM, one by one, then resolve unknown outcomes."""
        writer.expect(records)
        try:
            for record in records:
                if self._stops():
                    break
                await writer.push(record)
            await writer.resolve(self._stops)
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
            events: list[Event] = []
            for record in records:
                written, new_events, verified = self._record(snapshot, record, rules, new_ids.__next__)
                writes += written
                events += new_events
                all_verified.append(verified)
            return writes, events

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
            self._recorder.count_moved(record, made)
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
        client = snapshot.get(CLIENTS, id_)
        link, row = link_and_row(snapshot, id_)
        if client is None or link is None or row is None or link.quiet:
            return ()
        if state_of(snapshot, client, link, row) not in SYNCED_STATES:
            return ()
        comparison = compare_client(snapshot, rules, client, link, row)
        self._recorder.tally["agreed"] += comparison.agreed
        return changed_writes(snapshot, comparison.link, comparison.base) if comparison.agreed else ()

    def _stops(self) -> bool:
        self.stopped = self.stopped or self._stop()
        return self.stopped


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
