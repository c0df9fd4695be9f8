"""Update the mirror, in commits that include the base.

A row is written only if it has changed. Absence counts only at the end of a complete list, and not if that
list is suspiciously short: then nothing is marked, and the guard asks the user. A record that was set aside
because it cannot be read keeps its row; its absence does not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar

import msgspec

from xpm_tui.domain import tables
from xpm_tui.domain.identity import exact
from xpm_tui.domain.links import LostClient
from xpm_tui.domain.ports import ClientList, Clock, Drop, Put, Snapshot, Store, Write
from xpm_tui.domain.tables import BASE, JOBS, LINKS, LOST_CLIENTS, META, MOVES, XPM_CLIENTS, Meta, TableSchema
from xpm_tui.domain.xpm import (
    Arrival,
    Category,
    Quarantined,
    Staff,
    Template,
    XpmClient,
    XpmJob,
    quarantined_in,
)
from xpm_tui.sync.base import mirror_values, rebase
from xpm_tui.sync.canonical import fill_unreadable
from xpm_tui.sync.policy import DEFAULT_LIMITS, GuardLimits

LISTED = "listed_clients"
"""The id of the row of ``META`` with the :class:`ListCounts`."""

OVERLAP = timedelta(minutes=10)
"""How far a partial list reaches back before the last one, because clocks differ and records appear late."""

QUARANTINED = "quarantined:"
"""The prefix of the ids of rows of ``META`` with what was set aside from a list."""

NAMED_PEOPLE = "named_people"
"""The id of the row of ``META`` with names of people from XPM's clients, by UUID.

No list of XPM has those who left.
"""

CHUNK = 500
"""The number of clients in one commit."""

MOVES_KEPT = timedelta(days=30)
"""How long the arrival of a contact, a group or a job at an XPM client is stored."""

_LISTS: dict[str, TableSchema[Any]] = {
    "clients": XPM_CLIENTS,
    "staff": tables.STAFF,
    "templates": tables.TEMPLATES,
    "categories": tables.CATEGORIES,
    "jobs": JOBS,
}
"""The tables of the lists by their names."""
_LIST_OF = {table.name: name for name, table in _LISTS.items()}

_encode = msgspec.json.Encoder().encode
Row = TypeVar("Row", Staff, Template, Category)


class ListCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the client lists so far.

    ``count`` is the length of the last complete list, ``accepted`` of the last one that was accepted (None
    before the first), ``complete_at`` and ``bookmark`` the server's time of the last complete and of the last
    list of any kind.
    """

    count: int = 0
    accepted: int | None = None
    complete_at: datetime | None = None
    bookmark: datetime | None = None

    @property
    def empty(self) -> bool:
        """Return whether the last complete list was empty although there had been clients."""
        return self.count == 0 and bool(self.accepted)

    def short(self, limits: GuardLimits) -> bool:
        """Return whether the last complete list is much shorter than the one before it."""
        before = self.accepted or 0
        return self.count < limits.list_share * before and before - self.count >= limits.list_fewer


class ClientsRefreshed(msgspec.Struct, frozen=True, kw_only=True):
    """The result of reading one client list.

    It counts rows read, new or changed ones, and removed ones. ``plausible`` is False for a complete
    list that was empty or much too short.
    """

    listed: int
    changed: int
    gone: int
    plausible: bool
    asked_at: datetime
    quarantined: int = 0


def list_counts(snapshot: Snapshot) -> ListCounts:
    """Return what is known of the client lists so far."""
    fact = snapshot.get(META, LISTED)
    return ListCounts() if fact is None else msgspec.convert(fact.value, ListCounts)


def changed_since(snapshot: Snapshot) -> datetime | None:
    """Return the time from which to ask for changes; None if only a complete list is sufficient."""
    mark = list_counts(snapshot).bookmark
    return mark - OVERLAP if mark is not None else None


async def refresh_clients(
    listing: ClientList,
    *,
    store: Store,
    clock: Clock,
    complete: bool,
    limits: GuardLimits = DEFAULT_LIMITS,
    accept: bool = False,
) -> ClientsRefreshed:
    """Store a streamed list in the mirror, in commits of a few hundred rows.

    ``complete``: the list was not restricted, so clients that are not in it are gone. ``accept``: a user has
    confirmed that a short list is right. Raises what reading the list raises; the rows read until then are
    stored, which does no harm, and absence and bookmark wait for the next list.
    """
    seen: set[str] = set()
    chunk: list[XpmClient] = []
    before: dict[str, bytes | None] = {}
    people: dict[str, str] = {}
    changed = 0
    async for row in listing:
        seen.add(row.uuid)
        for person in (row.partner, row.manager):
            if person is not None and person.name:
                people[person.uuid] = person.name
        chunk.append(row)
        if len(chunk) >= CHUNK:
            changed += commit_rows(store, chunk, clock.now(), before)
            chunk.clear()
            await clock.sleep(0)
    changed += commit_rows(store, chunk, clock.now(), before)
    quarantined = listing.quarantined
    if quarantined:
        changed -= _restore_rows(store, [one.uuid for one in quarantined if one.whole], before)
    snapshot = store.snapshot()
    marked, unknown = _rows_set_aside(snapshot, XPM_CLIENTS, quarantined)
    unlisted = sum(1 for one in quarantined if one.whole and one.uuid not in seen)
    counts, gone, plausible = list_counts(snapshot), 0, True
    if complete:
        now = ListCounts(
            count=len(seen) + unlisted,
            accepted=counts.accepted,
            complete_at=listing.asked_at,
            bookmark=listing.asked_at,
        )
        plausible = not now.empty and (accept or not now.short(limits))
        counts = msgspec.structs.replace(now, accepted=now.count) if plausible else now
    else:
        counts = msgspec.structs.replace(counts, bookmark=listing.asked_at)
    writes: list[Write] = [_counts_write(counts)]
    writes += _quarantine_writes(snapshot, "clients", quarantined, seen=None if complete else seen)
    writes += _people_writes(snapshot, people)
    for uuid, one in marked.items():
        old = snapshot.get(XPM_CLIENTS, uuid)
        if old is not None and old.unread != one.faults:
            writes.append(Put(XPM_CLIENTS, msgspec.structs.replace(old, unread=one.faults)))
    if complete and plausible and not unknown:
        absent = [
            msgspec.structs.replace(old, deleted=True)
            for uuid in snapshot.ids(XPM_CLIENTS)
            if uuid not in seen
            and uuid not in marked
            and (old := snapshot.get(XPM_CLIENTS, uuid)) is not None
            and not old.deleted
            and not _is_just_created(snapshot, uuid, listing.asked_at)
        ]
        gone = len(absent)
        writes += client_writes(snapshot, absent, clock.now())
        until = clock.now() - MOVES_KEPT
        writes += [Drop(MOVES, move.id) for move in snapshot.rows(MOVES) if move.at < until]
    store.commit(writes)
    return ClientsRefreshed(
        listed=len(seen) + unlisted,
        changed=changed,
        gone=gone,
        plausible=plausible,
        asked_at=listing.asked_at,
        quarantined=len(quarantined),
    )


def commit_rows(
    store: Store, rows: Sequence[XpmClient], now: datetime, before: dict[str, bytes | None] | None = None
) -> int:
    """Commit XPM clients with their base; return how many changed. ``before`` collects the replaced rows."""
    if not rows:
        return 0
    writes: list[Write] = []

    def make(snapshot: Snapshot) -> list[Write]:
        writes[:] = client_writes(snapshot, rows, now)
        for write in writes:
            if before is not None and write.table is XPM_CLIENTS and isinstance(write, Put):
                before.setdefault(write.row.uuid, snapshot.raw(XPM_CLIENTS, write.row.uuid))
        return writes

    store.transact(make)
    return sum(1 for write in writes if write.table is XPM_CLIENTS)


def _restore_rows(store: Store, uuids: Iterable[str], before: dict[str, bytes | None]) -> int:
    """Restore the rows of records that were stored before it turned out that they occur twice."""
    taken = [uuid for uuid in dict.fromkeys(uuids) if uuid in before]

    def make(snapshot: Snapshot) -> list[Write]:
        writes: list[Write] = []
        for uuid in taken:
            stored, row = before[uuid], snapshot.get(XPM_CLIENTS, uuid)
            if stored is None:
                writes.append(Drop(XPM_CLIENTS, uuid))
            elif row is not None:
                old = msgspec.json.decode(stored, type=XpmClient)
                writes += [*rebased_links(snapshot, row, old), Put(XPM_CLIENTS, old)]
        return writes

    if taken:
        store.transact(make)
    return len(taken)


def set_aside(snapshot: Snapshot) -> dict[str, tuple[Quarantined, ...]]:
    """Return what is set aside from each list, by the name of the list; other lists are left out."""
    found: dict[str, tuple[Quarantined, ...]] = {}
    for name, table in _LISTS.items():
        fact = snapshot.get(META, QUARANTINED + name)
        if fact is not None and fact.value:
            quarantined = msgspec.convert(fact.value, tuple[Quarantined, ...])
            found[name] = tuple(_with_known_name(snapshot, table, one) for one in quarantined)
    return found


def _with_known_name(snapshot: Snapshot, table: TableSchema[Any], one: Quarantined) -> Quarantined:
    """Return a record without a readable name with the name that the mirror has of it."""
    rows = {row.name for id_ in _rows_of(snapshot, table, one) if (row := snapshot.get(table, id_))}
    return msgspec.structs.replace(one, name=rows.pop()) if not one.name and len(rows) == 1 else one


def named_people(snapshot: Snapshot) -> dict[str, str]:
    """Return the names of people by UUID, from XPM's clients."""
    fact = snapshot.get(META, NAMED_PEOPLE)
    return dict(fact.value) if fact is not None else {}


def _people_writes(snapshot: Snapshot, people: dict[str, str]) -> list[Write]:
    before = named_people(snapshot)
    now = {**before, **people}
    return [Put(META, Meta(id=NAMED_PEOPLE, value=now))] if now != before else []


def _quarantine_writes(
    snapshot: Snapshot, name: str, quarantined: Sequence[Quarantined], seen: set[str] | None = None
) -> list[Write]:
    """Return the write that records what is set aside; ``seen`` are the records of a list of changes."""
    before = snapshot.get(META, QUARANTINED + name)
    remaining: list[Quarantined] = []
    if seen is not None and before is not None:
        new = {one.key for one in quarantined}
        remaining = [
            one
            for one in msgspec.convert(before.value, list[Quarantined])
            if one.key not in new and one.uuid not in seen
        ]
    value = msgspec.to_builtins([*remaining, *quarantined])
    if value == (before.value if before is not None else []):
        return []
    return [Put(META, Meta(id=QUARANTINED + name, value=value))]


def _rows_set_aside(
    snapshot: Snapshot, table: TableSchema[Any], quarantined: Iterable[Quarantined]
) -> tuple[dict[str, Quarantined], bool]:
    """Return the rows of records that were set aside as a whole, and whether some cannot be assigned to rows.

    Rows are found by UUID, number, or a name that only one row has.
    """
    found: dict[str, Quarantined] = {}
    unknown = False
    for one in quarantined:
        if not one.whole:
            continue
        ids = _rows_of(snapshot, table, one)
        found |= dict.fromkeys(ids, one)
        unknown = unknown or not (ids or one.uuid)
    return found, unknown


def _rows_of(snapshot: Snapshot, table: TableSchema[Any], one: Quarantined) -> set[str]:
    """Return the rows that a record may be: by UUID, and by number or name, as its UUID may be wrong."""
    found = {id_ for id_ in (one.uuid, one.number) if id_ and snapshot.raw(table, id_) is not None}
    if one.uuid and not found and table is JOBS:  # their rows are identified by number
        found = {job.number for job in snapshot.rows(JOBS) if job.uuid == one.uuid}
    if one.number and "number" in table.indexes:
        found |= {table.key(row) for row in snapshot.find(table, "number", one.number)}
    elif one.name and not one.uuid and not found:
        rows = [row for row in snapshot.rows(table) if exact(row.name) == exact(one.name)]
        found = {table.key(rows[0])} if len(rows) == 1 else set()
    return found


def client_writes(snapshot: Snapshot, rows: Iterable[XpmClient], now: datetime) -> list[Write]:
    """Return the writes that store these rows in the mirror: none for an unchanged row."""
    writes: list[Write] = []
    counts = list_counts(snapshot)
    for row in rows:
        old = snapshot.get(XPM_CLIENTS, row.uuid)
        if old is not None and row.deleted:
            row = _as_last_known(old, row)
        if old is not None:
            row = fill_unreadable(old, row) if row.unread else row
            same = msgspec.structs.replace(row, seen_at=old.seen_at)
            if _encode(same) == _encode(old):
                continue
            writes.extend(rebased_links(snapshot, old, row))
            writes.extend(_loss_writes(snapshot, old, row, counts))
        if old is not None or counts.accepted is not None:
            writes.extend(_gained_records(old, row, now))
        writes.append(Put(XPM_CLIENTS, msgspec.structs.replace(row, seen_at=now)))
    return writes


def _as_last_known(old: XpmClient, row: XpmClient) -> XpmClient:
    """Return a deleted client with XPM's last values where the list has none, to find its successor by."""
    remaining = {
        field: value
        for field in XpmClient.__struct_fields__
        if (value := getattr(old, field)) and not getattr(row, field)
    }
    remaining.pop("archived", None)
    return msgspec.structs.replace(row, **remaining)


def _loss_writes(snapshot: Snapshot, old: XpmClient, row: XpmClient, counts: ListCounts) -> Iterator[Write]:
    """Yield the write that records that a linked client has disappeared, or has come back."""
    if row.deleted and not old.deleted and snapshot.find(LINKS, "uuid", row.uuid):
        yield Put(LOST_CLIENTS, LostClient(id=row.uuid, since=counts.complete_at))
    elif old.deleted and not row.deleted and snapshot.raw(LOST_CLIENTS, row.uuid) is not None:
        yield Drop(LOST_CLIENTS, row.uuid)


def _gained_records(old: XpmClient | None, row: XpmClient, now: datetime) -> Iterator[Write]:
    """Yield the writes that record which contacts and groups a client has gained: a merge moves them."""
    if row.deleted:
        return
    contacts = {each.uuid for each in row.present_contacts}
    groups = {each.uuid for each in row.groups or ()}
    if old is not None:
        contacts -= {each.uuid for each in old.present_contacts}
        groups = groups - {each.uuid for each in old.groups} if old.groups is not None else set()
    gained: dict[Literal["contact", "group"], set[str]] = {"contact": contacts, "group": groups}
    for kind, found in gained.items():
        for what in sorted(found):
            id_ = f"{kind}/{what}/{row.uuid}"
            yield Put(MOVES, Arrival(id=id_, kind=kind, what=what, to=row.uuid, at=now, new=old is None))


def rebased_links(snapshot: Snapshot, old: XpmClient, new: XpmClient) -> Iterator[Write]:
    """Yield the writes of the bases of all clients linked to a changed row, relative to the future row."""
    for link in snapshot.find(LINKS, "uuid", new.uuid):
        base = snapshot.get(BASE, link.id)
        if base is not None:
            kept = rebase(base, mirror_values(old, link), mirror_values(new, link))
            if kept is not base:
                yield Put(BASE, kept)


def _is_just_created(snapshot: Snapshot, uuid: str, asked_at: datetime) -> bool:
    """Return whether it was created here so recently that this list may not show it yet."""
    links = snapshot.find(LINKS, "uuid", uuid)
    return any(
        link.origin == "created" and link.at is not None and link.at > asked_at - OVERLAP for link in links
    )


def accept_list(snapshot: Snapshot) -> list[Write]:
    """Return the write that accepts the last complete list, because a user has reviewed its effects."""
    counts = list_counts(snapshot)
    if counts.accepted is None or counts.accepted == counts.count or counts.empty:
        return []
    return [_counts_write(msgspec.structs.replace(counts, accepted=counts.count))]


def list_writes(snapshot: Snapshot, table: TableSchema[Row], rows: Sequence[Row]) -> list[Write]:
    """Return the writes for a complete list of staff, templates or categories.

    Missing records are marked as gone, and unmarked when they return; an empty list marks nothing, and
    neither does one with a record that cannot be identified.
    """
    return _with_absent(snapshot, table, rows)


def job_writes(snapshot: Snapshot, rows: Sequence[XpmJob], now: datetime) -> list[Write]:
    """Return the writes for the list of current jobs; one that is gone is completed, cancelled or deleted."""
    return [
        *_with_absent(snapshot, JOBS, rows),
        *job_moves(snapshot, rows, now),
    ]


def job_moves(snapshot: Snapshot, rows: Iterable[XpmJob], now: datetime) -> Iterator[Write]:
    """Yield the writes that record which jobs are now on a different client."""
    for row in rows:
        old = snapshot.get(JOBS, row.number)
        if old is None or old.client is None or row.client is None or old.client.uuid == row.client.uuid:
            continue
        id_, to = f"job/{row.number}/{row.client.uuid}", row.client.uuid
        yield Put(MOVES, Arrival(id=id_, kind="job", what=row.number, to=to, at=now, was=old.client.uuid))


def _with_absent(snapshot: Snapshot, table: TableSchema[Any], rows: Sequence[Any]) -> list[Write]:
    writes: list[Write] = []
    listed = {table.key(row) for row in rows}
    for row in rows:
        old = snapshot.get(table, table.key(row))
        if old is None or _encode(old) != _encode(row):
            writes.append(Put(table, row))
    quarantined = quarantined_in(rows)
    marked, unknown = _rows_set_aside(snapshot, table, quarantined)
    writes += _quarantine_writes(snapshot, _LIST_OF[table.name], quarantined)
    if rows and not unknown:
        for id_ in snapshot.ids(table):
            if id_ not in listed and id_ not in marked:
                old = snapshot.get(table, id_)
                if old is not None and not old.gone:
                    writes.append(Put(table, msgspec.structs.replace(old, gone=True)))
    return writes


def _counts_write(counts: ListCounts) -> Put:
    return Put(META, Meta(id=LISTED, value=msgspec.to_builtins(counts)))
