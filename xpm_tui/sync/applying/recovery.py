"""Find out the outcome of writes that were sent without an answer, after a kill or a lost reply.

Nothing is ever sent again here. An update is read again and compared. A creation is looked for repeatedly
until ``create_lag`` is over, because XPM can be slow to show new records, and waiting is better than a
duplicate.

:class:`Recovery` has what all kinds of writes share. Its subclasses look up the kinds: clients, contacts and
staff here, jobs in :mod:`xpm_tui.deploy.recovery`. Where nothing can be found out, the user decides; the
functions at the end apply such a decision.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Literal

import msgspec

from xpm_tui.domain.errors import (
    AccessDenied,
    BadInput,
    NotFound,
    RecordMissing,
    ScopeMissing,
    UnreadableRecord,
)
from xpm_tui.domain.events import Event, Severity
from xpm_tui.domain.identity import exact
from xpm_tui.domain.links import ContactLink
from xpm_tui.domain.ports import Clock, Put, Snapshot, Store, Write, XpmPort
from xpm_tui.domain.runs import Intent
from xpm_tui.domain.tables import INTENTS, LINKS, STAFF, TEAM, XPM_CLIENTS
from xpm_tui.domain.xpm import Staff, XpmClient, XpmContact
from xpm_tui.sync.applying.adoption import (
    adoption_writes,
    created_candidates,
    equals_sent,
    staff_adoption_writes,
)
from xpm_tui.sync.applying.run_results import (
    joined_elsewhere,
    merge_client,
    planned_write_result,
)
from xpm_tui.sync.base import PRIMARY
from xpm_tui.sync.canonical import Values, contact_values, unread_fields, xpm_values
from xpm_tui.sync.journal import (
    ADD_CLIENT,
    ADD_CONTACT,
    ADD_STAFF,
    SYNC_KINDS,
    UPDATE_CLIENT,
    UPDATE_CONTACT,
    is_linked,
    mark_done,
    mark_failed,
    mark_held,
)
from xpm_tui.sync.mirror import OVERLAP, commit_rows, list_writes

LOOK_UP_SECONDS = 30.0
"""Seconds between two look-ups of a record that XPM does not show yet."""


class Resolved(msgspec.Struct, frozen=True):
    """The outcome of the unknown writes.

    ``waiting`` could not be decided yet. ``changes`` counts values that proved to have been written.
    """

    done: tuple[Intent, ...] = ()
    failed: tuple[Intent, ...] = ()
    held: tuple[Intent, ...] = ()
    waiting: tuple[Intent, ...] = ()
    changes: int = 0


def unresolved_intents(snapshot: Snapshot, kinds: Collection[str] = SYNC_KINDS) -> list[Intent]:
    """Return the writes of these kinds (by default sync's) that were sent without an outcome, in any run."""
    return [intent for intent in snapshot.find(INTENTS, "state", "sent") if intent.kind in kinds]


async def resolve(
    *,
    store: Store,
    practice: XpmPort,
    clock: Clock,
    emit: Callable[[Event], None],
    create_lag: float,
    stop: Callable[[], bool] = lambda: False,
    wait: bool = True,
) -> Resolved:
    """Find out the outcome of every unknown write, and store it with everything that follows from it.

    With ``wait``, creations are looked up until ``create_lag`` (seconds after they were sent) is over;
    otherwise, or when ``stop`` returns True, they stay unknown for the next time. Intents that were never
    sent are closed, because XPM cannot have them. Raises ``XeroError`` when XPM cannot be read.
    """
    work = _SyncRecovery(store, clock, emit, create_lag, practice)
    await work.run(stop, wait=wait)
    return work.result()


class Recovery(ABC):
    """The look-up of unknown writes of some ``kinds``; ``ends`` are the intents with an outcome."""

    kinds: ClassVar[Collection[str]]

    def __init__(self, store: Store, clock: Clock, emit: Callable[[Event], None], create_lag: float) -> None:
        self.store = store
        self.clock = clock
        self.emit = emit
        self.ends: list[Intent] = []
        self.waiting: list[Intent] = []
        self._lag = timedelta(seconds=create_lag)

    @abstractmethod
    async def look_up(self, intents: Sequence[Intent]) -> None:
        """Look up each write once, and close those whose outcome XPM shows."""

    async def run(self, stop: Callable[[], bool], *, wait: bool = True) -> None:
        """Look up all writes until each has an outcome or the time is over; close unsent ones first."""
        self.close_unsent()
        await self._look()
        while self.waiting and wait and not stop():
            await self.clock.sleep(self._pause())
            await self._look()

    def close_unsent(self) -> None:
        """Close intents that were not sent, which certainly did not take effect."""
        unsent = [
            intent
            for intent in self.store.snapshot().find(INTENTS, "state", "intent")
            if intent.kind in self.kinds
        ]
        if unsent:
            self.store.commit([Put(INTENTS, mark_failed(intent, "never sent")) for intent in unsent])

    def is_overdue(self, intent: Intent) -> bool:
        """Return whether it has been looked for long enough."""
        return self.clock.now() >= self._deadline(intent)

    def close(self, intent: Intent, writes: Iterable[Write], key: str, record: str, **numbers: str) -> None:
        """Store the outcome of one write, with what follows from it in the same commit, and log it."""
        self.store.commit([Put(INTENTS, intent), *writes])
        self.ends.append(intent)
        level: Severity = "info" if intent.state == "done" else "warning"
        self.emit(
            Event(
                key=key,
                level=level,
                record=record,
                uuid=intent.found or intent.uuid,
                outcome=intent.state,
                numbers={"intent": intent.id, **numbers},
            )
        )

    async def _look(self) -> None:
        await self.look_up(unresolved_intents(self.store.snapshot(), self.kinds))
        self.waiting = unresolved_intents(self.store.snapshot(), self.kinds)

    def _pause(self) -> float:
        now = self.clock.now()
        rest = min((self._deadline(intent) - now).total_seconds() for intent in self.waiting)
        return min(LOOK_UP_SECONDS, max(rest, 1.0))

    def _deadline(self, intent: Intent) -> datetime:
        return (intent.sent_at or self.clock.now()) + self._lag


class _SyncRecovery(Recovery):
    """The recovery of clients, contacts and staff."""

    kinds = SYNC_KINDS

    def __init__(
        self,
        store: Store,
        clock: Clock,
        emit: Callable[[Event], None],
        create_lag: float,
        practice: XpmPort,
    ) -> None:
        super().__init__(store, clock, emit, create_lag)
        self._practice = practice
        self._changes = 0

    async def look_up(self, intents: Sequence[Intent]) -> None:
        """Look up created clients in one list, staff in another, and the rest by client."""
        await self._clients([intent for intent in intents if intent.kind == ADD_CLIENT])
        await self._staff([intent for intent in intents if intent.kind == ADD_STAFF])
        for intent in intents:
            if intent.kind not in (ADD_CLIENT, ADD_STAFF):
                await self._one(intent)

    def result(self) -> Resolved:
        """Return the outcomes."""
        ends = {
            state: tuple(i for i in self.ends if i.state == state) for state in ("done", "failed", "held")
        }
        return Resolved(ends["done"], ends["failed"], ends["held"], tuple(self.waiting), self._changes)

    async def _one(self, intent: Intent) -> None:
        """Look up an update, or an added contact, in the client itself."""
        try:
            reply = await self._practice.client(intent.uuid)
        except RecordMissing as error:
            self._end(mark_failed(intent, error.words or error.message), None)
            return
        except UnreadableRecord as error:
            self._end(mark_held(intent, error.message), None)
            return
        old = self.store.snapshot().get(XPM_CLIENTS, intent.uuid)
        row = reply if old is None else merge_client(old, reply)
        if unread_fields(row) & {*intent.values, *(["contact"] if intent.kind != UPDATE_CLIENT else [])}:
            self._end(mark_held(intent, f"XPM's record cannot be read: {row.unread[0].sentence}"), None)
            return
        if intent.kind == UPDATE_CLIENT:
            took_effect = _equal(intent.values, xpm_values(row))
        elif intent.kind == UPDATE_CONTACT:
            contact = row.contact(intent.found)
            took_effect = contact is not None and _contact_equal(intent.values, contact)
        else:
            self._added_contact(intent, row)
            return
        if took_effect:
            self._end(mark_done(intent, intent.found), row)
        else:
            self._end(mark_failed(intent, "did not take effect"), row)

    def _added_contact(self, intent: Intent, row: XpmClient) -> None:
        old = {*intent.before, *joined_elsewhere(self.store.snapshot(), intent.record)}
        new = [contact for contact in row.present_contacts if contact.uuid not in old]
        equal = [contact for contact in new if _contact_equal(intent.values, contact)]
        self._found(intent, [contact.uuid for contact in equal], bool(new), row)

    async def _clients(self, intents: Sequence[Intent]) -> None:
        """Look up all creations in one list of what has changed since."""
        if not intents:
            return
        sent = min(intent.sent_at or self.clock.now() for intent in intents)
        async with self._practice.clients(modified_since=sent - OVERLAP) as listing:
            rows = [row async for row in listing]
            unread_names = [exact(one.name) for one in listing.quarantined if one.whole]
        commit_rows(self.store, rows, self.clock.now())
        for intent in intents:
            snapshot = self.store.snapshot()
            name = exact(str(intent.values.get("name") or ""))
            new = [
                row
                for row in rows
                if exact(row.name) == name
                and row.uuid not in intent.before
                and not row.deleted
                and not snapshot.find(LINKS, "uuid", row.uuid)
            ]
            equal = [row for row in new if _equal(intent.values, xpm_values(row))]
            row = equal[0] if len(equal) == 1 else None
            # An unreadable record may be the created one.
            new_there = bool(new) or name in unread_names or "" in unread_names
            self._found(intent, [row.uuid for row in equal], new_there, row)

    async def _staff(self, intents: Sequence[Intent]) -> None:
        """Look up created staff in their list; without the scope only a user can decide."""
        if not intents:
            return
        try:
            rows = await self._practice.staff()
        except (ScopeMissing, AccessDenied):
            for intent in intents:
                self._end(mark_held(intent, "XPM's list of staff cannot be read with this login"), None)
            return
        self.store.commit(list_writes(self.store.snapshot(), STAFF, rows))
        for intent in intents:
            new = created_candidates(self.store.snapshot(), intent, rows)
            equal = [row for row in new if equals_sent(intent, row)]
            row = equal[0] if len(equal) == 1 else None
            self._found(intent, [each.uuid for each in equal], bool(new), row)

    def _found(self, intent: Intent, equal: Sequence[str], new: bool, row: XpmClient | Staff | None) -> None:
        """Adopt exactly one new record equal to what was sent; otherwise wait, or hold it for the user."""
        if len(equal) == 1 and row is not None:
            self._end(mark_done(intent, equal[0]), row)
        elif len(equal) > 1:
            self._end(mark_held(intent, "XPM has several new records that equal what was sent"), None)
        elif new:
            self._end(mark_held(intent, "XPM has a new record, but it differs from what was sent"), None)
        elif self.is_overdue(intent):
            self._end(mark_held(intent, "XPM does not show it"), None)
        else:
            self.emit(Event(key="sync.waiting", record=intent.record, numbers={"intent": intent.id}))

    def _end(self, intent: Intent, row: XpmClient | Staff | None) -> None:
        snapshot, now = self.store.snapshot(), self.clock.now()
        writes: list[Write] = []
        if intent.state == "done" and isinstance(row, Staff):
            writes += staff_adoption_writes(snapshot, intent, row)
            self._changes += 1
        elif intent.state == "done" and isinstance(row, XpmClient):
            if intent.kind == ADD_CLIENT:
                writes += adoption_writes(snapshot, intent, row, now)
                self._changes += 1
            else:
                made = planned_write_result(snapshot, intent, row, now)
                writes += made.writes
                self._changes += len(made.written)
        self.close(intent, writes, "sync.resolved", intent.record)
        if intent.state == "failed" and isinstance(row, XpmClient):
            commit_rows(self.store, [row], now)


def _equal(sent: Mapping[str, object], values: Values) -> bool:
    return all(values.get(field) == value for field, value in sent.items())


def _contact_equal(sent: Mapping[str, object], contact: XpmContact) -> bool:
    own = {field: value for field, value in sent.items() if field != PRIMARY}
    return _equal(own, contact_values(contact)) and (PRIMARY not in sent or contact.primary)


Choice = Literal["adopt", "again", "drop"]

_ADOPT_ANOTHER = "Give the UUID of another record, or decide with --again or --drop."


def held_intents(snapshot: Snapshot) -> list[Intent]:
    """Return the writes that wait for the user's decision; ``note`` says why.

    A creation whose record is linked by now needs no decision.
    """
    return [intent for intent in snapshot.find(INTENTS, "state", "held") if not is_linked(snapshot, intent)]


def decision_writes(
    snapshot: Snapshot, intent_id: str, choice: Choice, now: datetime, uuid: str = ""
) -> list[Write]:
    """Return the writes that apply a user's decision about a held write.

    ``adopt`` accepts an XPM record as the created one (``uuid``: the client's, the staff record's, or the
    contact's if a contact was added); ``again`` allows it to be sent again when it is next requested;
    ``drop`` abandons it. Raises ``NotFound`` and ``BadInput``.
    """
    intent = snapshot.get(INTENTS, intent_id)
    if intent is None or intent.state != "held":
        raise NotFound(
            f"There is no held write with the id {intent_id}.", hint="`runs list` shows what is held."
        )
    if choice == "adopt":
        return [*_adopt(snapshot, intent, uuid, now)]
    if choice == "again":
        return [Put(INTENTS, mark_failed(intent, "to be sent again"))]
    return [Put(INTENTS, mark_failed(intent, "dropped")), *_keep_contact_local(snapshot, intent)]


def _adopt(snapshot: Snapshot, intent: Intent, uuid: str, now: datetime) -> Iterable[Write]:
    if intent.kind == ADD_STAFF:
        return _adopt_staff(snapshot, intent, uuid)
    row = snapshot.get(XPM_CLIENTS, uuid if intent.kind == ADD_CLIENT else intent.uuid)
    if row is None:
        raise NotFound("XPM has no client with this id.", hint="Give the UUID of the client to adopt.")
    if intent.kind == ADD_CLIENT:
        linked = {link.id for link in snapshot.find(LINKS, "uuid", row.uuid)}
        if linked - {intent.record}:
            raise BadInput("Another client is already linked to this XPM client.", hint=_ADOPT_ANOTHER)
        intent = mark_done(intent, row.uuid)
        return [Put(INTENTS, intent), *(() if linked else adoption_writes(snapshot, intent, row, now))]
    if row.contact(uuid) is None:
        raise NotFound("This XPM client has no contact with this id.", hint="Give the contact's UUID.")
    if uuid in joined_elsewhere(snapshot, intent.record):
        raise BadInput("Another contact of this client is already linked to it.", hint=_ADOPT_ANOTHER)
    intent = mark_done(intent, uuid)
    return [Put(INTENTS, intent), *planned_write_result(snapshot, intent, row, now).writes]


def _adopt_staff(snapshot: Snapshot, intent: Intent, uuid: str) -> Iterable[Write]:
    person = snapshot.get(STAFF, uuid)
    if person is None:
        raise NotFound("XPM has no staff record with this id.", hint="Give the UUID of the record to adopt.")
    if any(member.id != intent.record for member in snapshot.find(TEAM, "staff", uuid)):
        raise BadInput("Another team member is already linked to it.", hint=_ADOPT_ANOTHER)
    intent = mark_done(intent, uuid)
    return [Put(INTENTS, intent), *staff_adoption_writes(snapshot, intent, person)]


def _keep_contact_local(snapshot: Snapshot, intent: Intent) -> Iterable[Write]:
    """Mark a dropped contact as Ignition's own, so that no plan creates it in XPM again."""
    client, _, contact = intent.record.partition("/")
    link = snapshot.get(LINKS, client)
    if intent.kind == ADD_CONTACT and link is not None:
        others = tuple(joined for joined in link.contacts if joined.contact != contact)
        own = ContactLink(contact=contact, uuid="", removed="xpm", by_user=True)
        yield Put(LINKS, msgspec.structs.replace(link, contacts=(*others, own)))
