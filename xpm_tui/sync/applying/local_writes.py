"""Ignition's side of a plan: check each record just before writing, and compute its writes. Pure.

A record that has changed since the plan was made is skipped. An overlay is a snapshot with pending writes on
top: what the store would contain after them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal, TypeVar

import msgspec

from xpm_tui.domain.field_types import is_blank
from xpm_tui.domain.fields import SYNCED_BY_NAME
from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import Client, Contact
from xpm_tui.domain.links import Base, ContactLink, Link, Value
from xpm_tui.domain.plan import Change, PlannedRecord
from xpm_tui.domain.ports import Put, Snapshot, Write
from xpm_tui.domain.runs import Run, Written
from xpm_tui.domain.tables import BASE, CLIENTS, LINKS, XPM_CLIENTS, TableSchema
from xpm_tui.domain.xpm import XpmClient, XpmContact
from xpm_tui.sync.applying.run_results import changed_writes, image_write, written_value
from xpm_tui.sync.base import (
    PRIMARY,
    base_key,
    base_pair,
    came_from_xpm,
    foreign_values,
    frozen_fields,
    mirror_values,
    with_origin,
)
from xpm_tui.sync.canonical import (
    TeamLinks,
    contact_values,
    ignition_fingerprint,
    unread_fields,
    write_client,
    write_contact,
    xpm_fingerprint,
)
from xpm_tui.sync.consequences import possible_changes
from xpm_tui.sync.planning.comparison import WHOLE, ClientPair, compare
from xpm_tui.sync.planning.decisions import Rules
from xpm_tui.sync.planning.links import exact_match, state_of


class LocalWriteResult(msgspec.Struct, frozen=True):
    """The new client and its link, and what undo needs to know of it."""

    client: Client
    link: Link
    written: tuple[Written, ...]


def write_local_changes(
    sides: ClientPair,
    changes: Iterable[Change],
    team: TeamLinks,
    new_contact_id: Callable[[], str],
    contact_fields: Collection[str] = (),
) -> LocalWriteResult:
    """Apply the changes that are written to Ignition's side.

    ``new_contact_id`` returns the id of a contact that is added; it is created with ``contact_fields``.
    """
    work = _ClientWriter(sides, new_contact_id, contact_fields)
    values: dict[str, Value] = {}
    of_contacts: dict[str, dict[str, Value]] = {}
    primary: Change | None = None
    for change in changes:
        if change.field == "contact" and change.new is None:
            work.remove(change)
        elif change.field == "contact":
            work.add(change)
        elif change.field == PRIMARY:
            primary = change
        elif change.field in SYNCED_BY_NAME:
            if change.contact:
                of_contacts.setdefault(change.contact, {})[change.field] = change.new
            else:
                values[change.field] = change.new
            work.note(change)
    work.client = write_client(work.client, values, team)
    work.edit_contacts(of_contacts)
    if primary is not None:
        work.make_primary(primary)
    return LocalWriteResult(work.client, work.link, tuple(work.written))


def new_contact(id_: str, theirs: XpmContact, fields: Collection[str], *, primary: bool) -> Contact:
    """Return a contact of the store from the synced fields of XPM's."""
    values = {name: value for name, value in contact_values(theirs).items() if name in fields}
    return write_contact(Contact(id=id_, primary=primary), values)


def own_contact(id_: str, row: XpmClient, fields: Collection[str]) -> Contact:
    """Return the contact that a client without contacts gets from XPM's own first and last name."""
    own = XpmContact(
        uuid="", name=exact(f"{row.first_name} {row.last_name}"), email=row.email, phone=row.phone
    )
    return new_contact(id_, own, fields, primary=True)


class _ClientWriter:
    """The changes to one client."""

    def __init__(self, sides: ClientPair, new_id: Callable[[], str], contact_fields: Collection[str]) -> None:
        self.client = sides.client
        self.link = sides.link
        self.row: XpmClient = sides.row
        self.written: list[Written] = []
        self._base = sides.base
        self._mirror: Mapping[str, Value] = mirror_values(sides.row, sides.link)
        self._new_id = new_id
        self._contact_fields = contact_fields

    def note(self, change: Change, record: str = "") -> None:
        """Record what undo needs: both values, and the base."""
        key = base_key(change.field, change.contact)
        before = base_pair(self._base, key, self._mirror)
        came = before is not None and came_from_xpm(self._base, key)
        value = written_value(change, before, came=came)
        self.written.append(msgspec.structs.replace(value, record=record or change.record))

    def add(self, change: Change) -> None:
        """Add a contact that only XPM has; whether it is primary is a separate change."""
        uuid = change.contact
        theirs = next((each for each in self.row.present_contacts if each.uuid == uuid), None)
        if theirs is None:
            return
        made = new_contact(self._new_id(), theirs, self._contact_fields, primary=False)
        self.client = msgspec.structs.replace(self.client, contacts=(*self.client.contacts, made))
        self._join(ContactLink(contact=made.id, uuid=uuid))
        self.written.append(
            msgspec.structs.replace(written_value(change), record=f"{self.client.id}/{made.id}")
        )

    def remove(self, change: Change) -> None:
        """Remove a contact; the link records that, so that it is not created again."""
        contact = change.contact
        kept = tuple(each for each in self.client.contacts if each.id != contact)
        self.client = msgspec.structs.replace(self.client, contacts=kept)
        for joined in self.link.contacts:
            if joined.contact == contact and joined.uuid:
                self._join(ContactLink(contact=contact, uuid=joined.uuid, removed="ignition"))
        self.note(change)

    def edit_contacts(self, values: Mapping[str, Mapping[str, Value]]) -> None:
        """Set new values of existing contacts."""
        if values:
            edited = tuple(
                write_contact(each, values[each.id]) if each.id in values else each
                for each in self.client.contacts
            )
            self.client = msgspec.structs.replace(self.client, contacts=edited)

    def make_primary(self, change: Change) -> None:
        """Make one contact primary, by its XPM UUID or its own id (empty: none is)."""
        verified = str(change.new or "")
        joined = {each.uuid: each.contact for each in self.link.contacts if each.uuid and each.contact}
        mine = joined.get(verified, verified)
        self.note(change, f"{self.client.id}/{mine}" if mine else "")
        contacts = tuple(
            msgspec.structs.replace(each, primary=each.id == mine)
            if each.primary != (each.id == mine)
            else each
            for each in self.client.contacts
        )
        self.client = msgspec.structs.replace(self.client, contacts=contacts)

    def _join(self, joined: ContactLink) -> None:
        others = tuple(
            each
            for each in self.link.contacts
            if each.uuid != joined.uuid or (not joined.uuid and each.contact != joined.contact)
        )
        self.link = msgspec.structs.replace(self.link, contacts=(*others, joined))


Moved = Literal["ignition", "xpm", "link", "frozen"]
"""What has changed since the plan: the client in Ignition, the one in XPM, the link, or a freeze."""


class VerifiedRecord(msgspec.Struct, frozen=True):
    """A planned record that has not changed since: both sides, its ticked changes, and its new link."""

    sides: ClientPair
    changes: tuple[Change, ...]
    linking: Change | None = None


def verify_record(
    snapshot: Snapshot, record: PlannedRecord, team: TeamLinks, run: Run, now: datetime
) -> VerifiedRecord | Moved:
    """Check one planned record against the present store and mirror."""
    client = snapshot.get(CLIENTS, record.client)
    row = snapshot.get(XPM_CLIENTS, record.uuid)
    if client is None:
        return "ignition"
    if row is None:
        return "xpm"
    linking = next((change for change in record.changes if change.field == "link"), None)
    if linking is None:
        link = snapshot.get(LINKS, record.client)
    elif exact_match(snapshot, client) == record.uuid:
        link = Link(
            id=client.id, uuid=row.uuid, number=row.number, origin="name", at=now, by=run.by, run=run.id
        )
    else:
        link = None
    if link is None or link.uuid != record.uuid or link.quiet:
        return "link"
    if ignition_fingerprint(client, team) != record.ignition:
        return "ignition"
    if xpm_fingerprint(row) != record.xpm:
        return "xpm"
    if linking is None and state_of(snapshot, client, link, row) not in ("linked", "archived"):
        return "link"
    if any(_is_person_unlinked(change, team) or _is_overtaken(change, client) for change in record.changes):
        return "ignition"
    frozen = frozen_fields(snapshot, client.id) | unread_fields(row)
    changes = possible_changes(
        record.changes,
        tuple(
            change
            for change in record.changes
            if change.ticked and change.field != "link" and (change.follows or not _is_frozen(change, frozen))
        ),
    )
    if WHOLE in frozen or (linking is None and not changes):
        return "frozen"
    base = snapshot.get(BASE, client.id) or Base(id=client.id)
    former = foreign_values(snapshot, client, link.uuid, team)
    return VerifiedRecord(ClientPair(client, row, link, base, frozen, former), changes, linking)


def _is_person_unlinked(change: Change, team: TeamLinks) -> bool:
    """Return whether a person of XPM was linked to a team member in the plan and is no longer."""
    rule = SYNCED_BY_NAME.get(change.field)
    person = rule is not None and rule.kind == "person" and change.ticked and change.side == "ignition"
    return person and bool(change.new) and change.new not in team.member


def _is_overtaken(change: Change, client: Client) -> bool:
    """Return whether a shared contact's value is out of date, because another copy was sent first."""
    if not (change.shared and change.ticked and change.side == "xpm"):
        return False
    ours = client.contact(change.contact)
    return ours is None or contact_values(ours).get(change.field) != change.new


def _is_frozen(change: Change, frozen: frozenset[str]) -> bool:
    return change.field in frozen or base_key(change.field, change.contact) in frozen


class LocalCommit(msgspec.Struct, frozen=True):
    """The writes on Ignition's side, what they change, and the record with the changes that go to XPM."""

    writes: tuple[Write, ...]
    written: tuple[Written, ...]
    verified: VerifiedRecord | None


def local_commit(
    snapshot: Snapshot,
    record: PlannedRecord,
    rules: Rules,
    run: Run,
    now: datetime,
    new_contact_id: Callable[[], str],
) -> LocalCommit | Moved:
    """Create the link, if the record has one, and write the changes of Ignition's side."""
    verified = verify_record(snapshot, record, rules.team, run, now)
    if not isinstance(verified, VerifiedRecord):
        return verified
    matched = compare(rules, verified.sides).link
    sides = msgspec.structs.replace(verified.sides, link=matched)
    ours = [change for change in verified.changes if change.side == "ignition" and not change.follows]
    made = write_local_changes(
        sides, ours, rules.team, new_contact_id, rules.policy.new_contact_fields(sides.frozen)
    )
    agreement = compare(rules, msgspec.structs.replace(sides, client=made.client, link=made.link))
    base = with_origin(agreement.base, _keys_from_xpm(made.written, agreement.base), came=True)
    linked = () if verified.linking is None else (written_value(verified.linking),)
    written = (*linked, *made.written)
    writes: list[Write] = []
    if made.client != sides.client:
        writes.append(Put(CLIENTS, made.client))
    writes += changed_writes(snapshot, agreement.link, base)
    if written:
        writes.append(image_write(snapshot, run.id, sides.client.id, sides.row.uuid, written))
    after = msgspec.structs.replace(sides, client=made.client, link=agreement.link, base=base)
    rest = tuple(change for change in verified.changes if change.side == "xpm" or change.follows)
    return LocalCommit(tuple(writes), written, VerifiedRecord(after, rest))


def _keys_from_xpm(written: Iterable[Written], base: Base) -> list[str]:
    """Return the base keys of what XPM's values wrote to Ignition; for a new contact, all its fields."""
    keys: list[str] = []
    for each in written:
        if each.field == "contact":
            keys += [key for key in base.agreed if key.startswith(f"{each.contact}.")]
        elif each.side == "ignition" and not is_blank(each.new):
            keys.append(base_key(each.field, each.contact))
    return keys


def contacts_wanted(changes: Iterable[Change]) -> int:
    """Return how many new contact ids these changes need."""
    return sum(
        1 for c in changes if c.ticked and c.field == "contact" and c.side == "ignition" and c.new is not None
    )


T = TypeVar("T", bound=msgspec.Struct)


class Overlay:
    """Implements the Snapshot port over another snapshot and some writes."""

    def __init__(self, below: Snapshot, writes: Iterable[Write]) -> None:
        self._below = below
        self._rows: dict[str, dict[str, Any]] = {}
        for write in writes:
            rows = self._rows.setdefault(write.table.name, {})
            if isinstance(write, Put):
                rows[write.table.key(write.row)] = write.row
            else:
                rows[write.id] = None

    @property
    def position(self) -> int:
        """Return the position of the underlying snapshot."""
        return self._below.position

    def fingerprint(self, *tables: TableSchema[Any]) -> str:
        """None: no store is in this state."""
        return ""

    def get(self, table: TableSchema[T], id: str) -> T | None:  # noqa: A002
        """Return the row as it would be, or None."""
        rows = self._rows.get(table.name, {})
        found: T | None = rows[id] if id in rows else self._below.get(table, id)
        return found

    def find(self, table: TableSchema[T], index: str, value: str) -> list[T]:
        """Return rows by an index of the table, in order of id."""
        changed, values = self._rows.get(table.name, {}), table.indexes[index]
        below = [row for row in self._below.find(table, index, value) if table.key(row) not in changed]
        above = [row for row in changed.values() if row is not None and value in values(row)]
        return sorted([*below, *above], key=lambda row: (len(table.key(row)), table.key(row)))

    def find_ids(self, table: TableSchema[Any], index: str, value: str) -> list[str]:
        """Return the ids of the rows that :meth:`find` returns."""
        return [table.key(row) for row in self.find(table, index, value)]

    def rows(self, table: TableSchema[T]) -> Iterator[T]:
        """Yield all rows as they would be."""
        changed = self._rows.get(table.name, {})
        yield from (row for row in self._below.rows(table) if table.key(row) not in changed)
        yield from (row for row in changed.values() if row is not None)

    def ids(self, table: TableSchema[Any]) -> Collection[str]:
        """Return all ids of a table."""
        changed = self._rows.get(table.name, {})
        return {id_ for id_ in self._below.ids(table) if id_ not in changed} | {
            id_ for id_, row in changed.items() if row is not None
        }

    def raw(self, table: TableSchema[Any], id: str) -> bytes | None:  # noqa: A002
        """Return the row's bytes."""
        rows = self._rows.get(table.name, {})
        if id not in rows:
            return self._below.raw(table, id)
        return None if rows[id] is None else msgspec.json.encode(rows[id])

    def count(self, table: TableSchema[Any]) -> int:
        """Return the number of rows."""
        return len(self.ids(table))
