"""Write planned records to XPM through the outbox.

Each answer is compared with what was sent, and each failure affects one client only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec

from xpm_tui.domain.errors import RecordMissing
from xpm_tui.domain.events import Event
from xpm_tui.domain.links import Value
from xpm_tui.domain.plan import Change, PlannedRecord
from xpm_tui.domain.ports import Clock, IdSource, Put, Snapshot, Store, Write, XpmPort
from xpm_tui.domain.runs import Intent
from xpm_tui.domain.tables import CLIENTS, LINKS, XPM_CLIENTS
from xpm_tui.domain.xpm import XpmClient, XpmContact
from xpm_tui.sync.applying.local_writes import Overlay, VerifiedRecord
from xpm_tui.sync.applying.recovery import resolve
from xpm_tui.sync.applying.run_recorder import RunRecorder, events_of
from xpm_tui.sync.applying.run_results import (
    edited_contact_fields,
    edited_fields,
    find_altered_fields,
    merge_client,
    merge_contact,
    write_result,
)
from xpm_tui.sync.base import PRIMARY
from xpm_tui.sync.canonical import TeamLinks, ignition_fingerprint, new_contact_values, xpm_fingerprint
from xpm_tui.sync.consequences import MOVED_CHECK, written_records
from xpm_tui.sync.journal import ADD_CONTACT, UPDATE_CLIENT, UPDATE_CONTACT
from xpm_tui.sync.mirror import OVERLAP, changed_since, commit_rows, refresh_clients
from xpm_tui.sync.outbox import Delivery, Message, Outbox, client_update, contact_creation, contact_update
from xpm_tui.sync.planning.planner import unknown_additions
from xpm_tui.sync.policy import Policy


class XpmWriter:
    """Writes planned records to XPM, one at a time.

    ``apply_one_locally`` applies the part of a record on Ignition's side and returns its new state.
    """

    def __init__(
        self,
        apply_one_locally: Callable[[PlannedRecord], VerifiedRecord | None],
        recorder: RunRecorder,
        store: Store,
        practice: XpmPort,
        clock: Clock,
        ids: IdSource,
        create_lag: float,
        policy: Policy,
    ) -> None:
        self._policy = policy
        self._apply_one_locally = apply_one_locally
        self._recorder = recorder
        self._store = store
        self._practice = practice
        self._clock = clock
        self._create_lag = create_lag
        self._outbox = Outbox(store, practice, clock, ids, recorder.run.id, recorder.transact)
        self._until_check = 0
        self._unknown = 0
        self._planned: dict[str, PlannedRecord] = {}

    def expect(self, records: Sequence[PlannedRecord]) -> None:
        """Register what will be written, so that effects of shared contacts on later records are expected."""
        self._planned = {record.client: record for record in records}

    async def push(self, record: PlannedRecord) -> None:
        """Write one client: its own fields, then each contact. A refusal ends only this client.

        Raises ``XeroError`` if continuing is useless: no login, no allowance, no connection.
        """
        if self._until_check <= 0:
            await self._refresh_changed()
        record = self._planned.get(record.client, record)
        verified = self._apply_one_locally(record)
        if verified is None:
            self._recorder.count_done()
            return
        rest = msgspec.structs.replace(record, changes=verified.changes)
        before = self._recorder.tally["changes"]
        calls, unknown = list(written_records(rest).items()), self._unknown
        for place, (target, changes) in enumerate(calls, 1):
            self._until_check -= 1
            if not await self._send(verified, target, changes):
                if self._unknown > unknown:
                    self._recorder.tally["waiting"] += sum(len(left) for _, left in calls[place:])
                break
        self._recorder.tally["records"] += self._recorder.tally["changes"] > before
        self._recorder.count_done()

    async def resolve(self, stop: Callable[[], bool]) -> None:
        """Find out the outcomes of the writes without an answer."""
        if self._unknown:
            found = await resolve(
                store=self._store,
                practice=self._practice,
                clock=self._clock,
                emit=self._recorder.emit,
                create_lag=self._create_lag,
                stop=stop,
            )
            self._recorder.tally["held"] += len(found.held) + len(found.waiting)
            self._recorder.tally["changes"] += found.changes
            for intent in found.failed:
                self._recorder.count_unapplied(intent.record)

    async def _refresh_changed(self) -> None:
        """Read in one call what has changed in XPM meanwhile; those records are skipped."""
        mark = changed_since(self._store.snapshot()) or self._clock.now() - OVERLAP
        async with self._practice.clients(modified_since=mark) as listing:
            await refresh_clients(listing, store=self._store, clock=self._clock, complete=False)
        self._until_check = MOVED_CHECK

    async def _send(self, verified: VerifiedRecord, target: str, changes: Sequence[Change]) -> bool:
        """Make one call; return False if the client's other calls must wait."""
        call = _Call.of(verified, target, changes, self._store, self._policy)
        if call is None:
            return True
        if call.kind == ADD_CONTACT and target in unknown_additions(self._store.snapshot()):
            self._recorder.tally["held"] += 1
            return True
        row = _row(self._store.snapshot(), verified.sides.row.uuid)
        fields = {change.field for change in changes}
        followers = [c for c in verified.changes if c.follows == target and c.field in fields]
        sent: Delivery[Any] = await self._outbox.send(
            call.message(target, row), partial(self._successful_write, call, [*changes, *followers])
        )
        if sent.ending == "done":
            return True
        if sent.ending == "unknown":
            self._unknown += 1
        elif sent.ending == "refused":
            if isinstance(sent.cause, RecordMissing) and call.kind != UPDATE_CONTACT:
                # XPM has no such client: the next reading of its lists looks for its successor.
                commit_rows(self._store, [msgspec.structs.replace(row, deleted=True)], self._clock.now())
            self._recorder.count_refused(target, sent.intent.note)
        else:
            self._recorder.count_unsendable(target, sent.cause)
        self._recorder.emit(sent.event(f"sync.{sent.ending}"))
        return False

    def _successful_write(
        self,
        call: _Call,
        changes: Sequence[Change],
        snapshot: Snapshot,
        end: Intent,
        reply: XpmClient | XpmContact,
    ) -> tuple[list[Write], list[Event]]:
        """Store record, link, base, mirror and image, and unexpected values in XPM's answer."""
        old = _row(snapshot, end.uuid)
        contact = reply if isinstance(reply, XpmContact) else None
        row = merge_client(old, reply) if isinstance(reply, XpmClient) else merge_contact(old, reply)
        written = write_result(snapshot, self._recorder.run, end, changes, row, self._clock.now())
        self._recorder.tally["changes"] += len(written.written)
        if call.kind == UPDATE_CONTACT:
            self._expect_shared_effects(snapshot, end.record.partition("/")[0], written.writes)
        new_events = [*events_of(written.written, end.record, row.uuid)]
        if contact is None:
            edited = edited_fields(old, row, call.values)
        else:
            edited = edited_contact_fields(old.contact(contact.uuid), contact, call.values)
        for key, fields in (("edited", edited), ("altered", find_altered_fields(call.values, row, contact))):
            self._recorder.tally[key] += len(fields)
            new_events += [
                Event(key=f"sync.{key}", level="warning", record=end.record, uuid=row.uuid, field=field)
                for field in fields
            ]
        return [*written.writes], new_events

    def _expect_shared_effects(self, snapshot: Snapshot, client: str, writes: Sequence[Write]) -> None:
        """Expect the effects of these writes on clients that share a contact."""
        after, team = Overlay(snapshot, writes), TeamLinks.read(snapshot)
        rows = {w.row.uuid for w in writes if isinstance(w, Put) and w.table is XPM_CLIENTS}
        for uuid in rows:
            for link in snapshot.find(LINKS, "uuid", uuid):
                record = self._planned.get(link.id)
                if record is None or link.id == client or record.uuid != uuid:
                    continue
                before = _fingerprints(snapshot, record, team)
                if before == (record.ignition, record.xpm):
                    ignition, xpm = _fingerprints(after, record, team)
                    self._planned[link.id] = msgspec.structs.replace(record, ignition=ignition, xpm=xpm)


def _fingerprints(snapshot: Snapshot, record: PlannedRecord, team: TeamLinks) -> tuple[str, str]:
    client, row = snapshot.get(CLIENTS, record.client), snapshot.get(XPM_CLIENTS, record.uuid)
    return (
        ignition_fingerprint(client, team) if client is not None else "",
        xpm_fingerprint(row) if row is not None else "",
    )


def _row(snapshot: Snapshot, uuid: str) -> XpmClient:
    row = snapshot.get(XPM_CLIENTS, uuid)
    if row is None:
        raise LookupError(uuid)
    return row


class _Call(msgspec.Struct, frozen=True):
    """One call to make: its kind, the values by policy field, and the XPM contact concerned."""

    kind: str
    values: dict[str, Value]
    contact: str = ""
    before: tuple[str, ...] = ()

    @staticmethod
    def of(
        verified: VerifiedRecord, target: str, changes: Sequence[Change], store: Store, policy: Policy
    ) -> _Call | None:
        """Return the call that makes these changes; None if its contact no longer exists."""
        client_id, _, contact = target.partition("/")
        values = {change.field: change.new for change in changes if change.field != "contact"}
        if not contact:
            return _Call(UPDATE_CLIENT, values)
        if any(change.field == "contact" for change in changes):
            client = store.snapshot().get(CLIENTS, client_id)
            ours = client.contact(contact) if client is not None else None
            if ours is None:
                return None
            first = PRIMARY in values
            values = new_contact_values(ours, policy.new_contact_fields(verified.sides.frozen))
            if first:
                values[PRIMARY] = True
            there = tuple(each.uuid for each in verified.sides.row.contacts)
            return _Call(ADD_CONTACT, values, before=there)
        joined = {each.contact: each.uuid for each in verified.sides.link.contacts}
        uuid = joined.get(contact, contact)
        return _Call(UPDATE_CONTACT, values, contact=uuid) if uuid else None

    def message(self, target: str, row: XpmClient) -> Message[Any]:
        """Return the outbox message of the call for our record ``target``; ``row`` is the client in XPM."""
        if self.kind == UPDATE_CLIENT:
            return client_update(target, row.uuid, str(self.values.get("name") or row.name), self.values)
        if self.kind == ADD_CONTACT:
            return contact_creation(target, row.uuid, self.values, self.as_contact(), self.before)
        return contact_update(target, row.uuid, self.contact, self.values, self.with_name(row))

    def attributes(self) -> dict[str, Value]:
        """Return the values by the attributes of an XPM contact."""
        named = {field.removeprefix("contact_"): value for field, value in self.values.items()}
        if PRIMARY in self.values:
            named["primary"] = True
        return named

    def with_name(self, row: XpmClient) -> dict[str, Value]:
        """Return the values with the name that XPM requires, from the mirror."""
        known = row.contact(self.contact)
        name = known.name if known is not None else ""
        return {"name": name, **self.attributes()} if name else self.attributes()

    def as_contact(self) -> XpmContact:
        """Return the values as a new contact."""
        return msgspec.convert({**self.attributes(), "uuid": ""}, XpmContact)
