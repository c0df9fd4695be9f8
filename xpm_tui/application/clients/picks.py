"""Bring XPM clients into the store: added, linked to an existing client, or skipped with the reason.

Undo of decisions in a review: they are stored client by client, with the place in the review.

This differs from the undo of a run, which blocks the pair permanently: here a mistake is undone soon
afterwards, and the client is restored exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

import msgspec

from xpm_tui.application.clients.links import commit_links
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.lookup import find_client, find_xpm
from xpm_tui.application.presenters.views import PickView
from xpm_tui.domain.errors import BadInput, NotFound
from xpm_tui.domain.events import Event, Scalar
from xpm_tui.domain.names import parse_name
from xpm_tui.domain.plan import Consequences
from xpm_tui.domain.ports import Drop, Put, Snapshot, Write
from xpm_tui.domain.tables import (
    BASE,
    BLOCKED_PAIRS,
    CLIENTS,
    FREEZES,
    IGNORED,
    IMAGES,
    LINKS,
    LOST_CLIENTS,
    META,
    PROVENANCE,
    XPM_CLIENTS,
    Meta,
    TableSchema,
)
from xpm_tui.domain.xpm import XpmClient
from xpm_tui.store.snapshot import BlockIds
from xpm_tui.sync.base import blocked_pair_id, undone_key
from xpm_tui.sync.consequences import pick_consequences
from xpm_tui.sync.manual.picks import PickResult
from xpm_tui.sync.manual.picks import pick as pick_writes
from xpm_tui.sync.matching.proposals import MatchIndex, name_keys
from xpm_tui.sync.planning.links import survivors


def pick(
    practice: OpenPractice, xpm: Iterable[str], *, different: Iterable[str] = (), anyway: bool = False
) -> list[PickView]:
    """Bring XPM clients into the store, by number, UUID or address.

    A client that already exists is linked instead; an unclear one is skipped and reported, unless ``anyway``.
    ``different`` are clients that the user says are different ones: an id or Client ID of Ignition, or the
    number or UUID of the XPM client that it is linked to.
    """
    practice.writable()
    snapshot = practice.snapshot()
    rows = [_referred(find_xpm(snapshot, text)) for text in xpm]
    others = [id_ for text in different for id_ in _ours(snapshot, text)]
    return _pick(practice, snapshot, rows, bulk=False, anyway=anyway, different=others)


def of_number(practice: OpenPractice, text: str) -> tuple[str, XpmClient | None]:
    """Return the client that an XPM number, UUID or web address refers to.

    Returns:
        The linked Ignition client and None, or the XPM client itself if none is linked to it. A text that
        names an Ignition client, or nothing, is returned as it is.
    """
    snapshot = practice.snapshot()
    try:
        find_client(snapshot, text)
        return text, None
    except NotFound:
        pass
    try:
        there = find_xpm(snapshot, text)
    except NotFound:
        return text, None
    links = snapshot.find(LINKS, "uuid", there.uuid)
    return (links[0].id, None) if len(links) == 1 else (text, None if links else there)


def _ours(snapshot: Snapshot, text: str) -> list[str]:
    try:
        return [find_client(snapshot, text).id]
    except NotFound:
        return snapshot.find_ids(LINKS, "uuid", find_xpm(snapshot, text).uuid)


def pick_all(practice: OpenPractice) -> list[PickView]:
    """Bring every unambiguous XPM client into the store, including prospects; report the others."""
    practice.writable()
    snapshot = practice.snapshot()
    return _pick(practice, snapshot, map(_referred, snapshot.rows(XPM_CLIENTS)), bulk=True, anyway=False)


def preview_pick_all(practice: OpenPractice) -> Consequences:
    """Return what picking every unambiguous XPM client would do, without writing or using an id."""
    snapshot = practice.snapshot()
    picked = pick_writes(
        snapshot,
        [row.uuid for row in snapshot.rows(XPM_CLIENTS)],
        ids=_NoIds(),
        policy=practice.policy(),
        now=practice.clock.now(),
        by=practice.person,
        run="r0",
        bulk=True,
        find_likely=_likely_clients(snapshot),
    )
    remaining: dict[str, list[str]] = {}
    for each in picked.skipped:
        if each.why != "linked":
            remaining.setdefault(each.sentence, []).append(each.name or each.uuid)
    return pick_consequences(len(picked.created), len(picked.linked), remaining)


class _NoIds:
    """Ids for a preview: each is different, and none is stored."""

    def __init__(self) -> None:
        self._last = 0

    def new(self, prefix: str, count: int = 1) -> list[str]:
        """Return ``count`` ids that no record has."""
        self._last += count
        return [f"+{prefix}{self._last - count + each}" for each in range(count)]


def _pick(
    practice: OpenPractice,
    snapshot: Snapshot,
    chosen: Iterable[_Referred],
    *,
    bulk: bool,
    anyway: bool,
    different: Collection[str] = (),
) -> list[PickView]:
    (run,) = practice.ids.new("r")
    rows = {row.uuid: row for row in chosen}
    picked = pick_writes(
        snapshot,
        rows,
        ids=BlockIds(practice.ids),
        policy=practice.policy(),
        now=practice.clock.now(),
        by=practice.person,
        run=run,
        bulk=bulk,
        find_likely=_likely_clients(snapshot, different),
        anyway=anyway,
        different=different,
    )
    if picked.writes:
        commit_links(practice, picked.writes, snapshot, {*picked.created, *picked.linked})
        numbers: dict[str, Scalar] = {
            "added": len(picked.created),
            "linked": len(picked.linked),
            "left": len(picked.skipped),
        }
        practice.events.emit(Event(key="client.picked", run=run, numbers=numbers))
    return _pick_views(rows.values(), picked)


class _Referred(NamedTuple):
    """What a report says of an XPM client: 50,000 whole ones would fill the memory."""

    uuid: str
    number: str
    name: str


def _referred(row: XpmClient) -> _Referred:
    return _Referred(row.uuid, row.number, row.name)


def _pick_views(rows: Iterable[_Referred], picked: PickResult) -> list[PickView]:
    left = {skipped.uuid: skipped for skipped in picked.skipped}
    views = []
    for row in rows:
        why = left.get(row.uuid)
        added, linked = picked.created.get(row.uuid), picked.linked.get(row.uuid)
        views.append(
            PickView(
                uuid=row.uuid,
                number=row.number,
                name=row.name,
                outcome="added" if added else "linked" if linked else "left",
                client=added or linked or (why.client if why else "") or None,
                reason=why.sentence if why else "",
                why=why.why if why else "",
            )
        )
    return views


def _likely_clients(snapshot: Snapshot, different: Collection[str] = ()) -> Callable[[XpmClient], str]:
    """Find which Ignition client an XPM client may be, on first use.

    A linked client counts only if the name is the same; an unlinked one also if it is near, or likely by
    other evidence.
    """
    found: dict[str, str] = {}
    linked: dict[str, str] = {}
    looked = False

    def likely(row: XpmClient) -> str:
        nonlocal looked
        if not looked:
            looked = True
            free = []
            for client in snapshot.rows(CLIENTS):
                if client.id in different:
                    continue
                if snapshot.raw(LINKS, client.id) is None:
                    free.append(client)
                else:
                    linked.update(dict.fromkeys(name_keys(parse_name(client.name)), client.id))
            for uuid, successor in _successors(snapshot):
                found.setdefault(uuid, successor)
            index = MatchIndex.build(snapshot) if free else None
            for client in free:
                for proposal in index.propose(client, 20) if index else ():
                    if proposal.level != "weak" or proposal.identity != "different":
                        found.setdefault(proposal.uuid, client.id)
        if row.uuid in found or not linked:
            return found.get(row.uuid, "")
        same = (linked[key] for key in name_keys(parse_name(row.name), row.code) if key in linked)
        return next((id_ for id_ in same if not _settled(snapshot, id_, row.uuid)), "")

    return likely


def _settled(snapshot: Snapshot, client: str, uuid: str) -> bool:
    apart = snapshot.get(BLOCKED_PAIRS, blocked_pair_id(client, uuid))
    return apart is not None and apart.different


def _successors(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """Return the XPM clients that may have replaced a lost one, each with the client linked to that one."""
    for lost in snapshot.ids(LOST_CLIENTS):
        for link in snapshot.find(LINKS, "uuid", lost):
            for each in survivors(snapshot, link.id, link):
                if each.level != "weak":
                    yield each.uuid, link.id


R = TypeVar("R")

MOST = 100
"""The number of decisions that are stored for each user; one may concern many clients."""


class ReviewedState(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one client: ``rows`` are the rows of its link, its base and the decisions on it.

    The client itself is included only if the decision changed it.
    """

    client: str
    name: str
    rows: tuple[tuple[str, Any], ...]


class ReviewDecision(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a client before and right after a decision."""

    before: ReviewedState
    after: ReviewedState


_TABLES: dict[str, TableSchema[Any]] = {
    "links": LINKS,
    "base": BASE,
    "ignored": IGNORED,
    "provenance": PROVENANCE,
    "clients": CLIENTS,
}
_MANY: dict[str, TableSchema[Any]] = {"apart": BLOCKED_PAIRS, "freezes": FREEZES}


def current_state(snapshot: Snapshot, client: str) -> ReviewedState:
    """Return the present state of a client."""
    rows: list[tuple[str, Any]] = [
        (name, row) for name, table in _TABLES.items() if (row := snapshot.get(table, client)) is not None
    ]
    for name, table in _MANY.items():
        rows += [(name, row) for row in snapshot.find(table, "client", client)]
    return ReviewedState(client=client, name=find_client(snapshot, client).name, rows=tuple(rows))


def undo(practice: OpenPractice, clients: Collection[str] = ()) -> list[str]:
    """Undo this user's last decision, or the last one about exactly these clients; return the names.

    Raises ``BadInput`` if there is none, or if one of its clients has changed since: that decision stays and
    is not offered again. After any other error the undo can be tried again.
    """
    practice.writable()
    snapshot = practice.snapshot()
    for id_ in reversed(_decisions(practice, snapshot)):
        settled = _read(snapshot, id_)
        if settled and (not clients or {each.after.client for each in settled} == set(clients)):
            break
    else:
        raise BadInput("There is no decision to undo.", hint=f"Only your last {MOST} can be undone.")
    try:
        return restore_states(practice, settled, Drop(META, id_))
    except BadInput:
        practice.store.commit([Drop(META, id_)])
        raise


def restore_states(practice: OpenPractice, settled: Iterable[ReviewDecision], *more: Write) -> list[str]:
    """Restore clients to their former state, in one commit with ``more``; return their names.

    Raises ``BadInput``, and changes nothing, if one of them has changed since: a sync wrote to it, or someone
    changed its link.
    """
    practice.writable()
    snapshot = practice.snapshot()
    wanted = list(settled)
    for each in wanted:
        if not _is_in_state(current_state(snapshot, each.after.client), each.after):
            raise BadInput(
                f"{each.after.name} ({each.after.client}) has changed since then, so the decision "
                "was not undone.",
                hint="See its state under Clients; press u there to undo what a run wrote.",
            )
    writes = [*(write for each in wanted for write in _restore_writes(snapshot, each)), *more]
    practice.store.commit(writes, since=snapshot)
    for each in wanted:
        practice.events.emit(Event(key="review.taken_back", record=each.after.client))
    return [each.after.name for each in wanted]


def _is_in_state(now: ReviewedState, after: ReviewedState) -> bool:
    """Return whether a client's state equals that after a decision; its values count if that changed them."""
    counts = any(name == "clients" for name, _ in after.rows)
    return (now if counts else _without_client(now)) == after


def _without_client(each: ReviewedState) -> ReviewedState:
    rows = tuple((name, row) for name, row in each.rows if name != "clients")
    return msgspec.structs.replace(each, rows=rows)


def _restore_writes(snapshot: Snapshot, each: ReviewDecision) -> Iterable[Write]:
    tables = {**_TABLES, **_MANY}
    for name, row in each.after.rows:
        if (name, row) not in each.before.rows:
            yield Drop(tables[name], row.id)
    yield from (Put(tables[name], row) for name, row in each.before.rows)
    link = next((row for name, row in each.after.rows if name == "links"), None)
    image = snapshot.get(IMAGES, f"{link.run}/{link.id}") if link is not None and link.run else None
    if image is not None:
        undone = tuple(undone_key(written.record, written.field) for written in image.written)
        yield Put(IMAGES, msgspec.structs.replace(image, undone=undone))


def store_decision(
    practice: OpenPractice,
    clients: Iterable[str],
    decide: Callable[[], R],
    changed: Callable[[R], Collection[str]] | None = None,
) -> tuple[R, tuple[ReviewDecision, ...]]:
    """Run a function on clients and store their state before; return those that it changed.

    ``changed`` returns the ids of those from what the function returned, so that what someone else changed
    meanwhile is not taken for a decision of this user.
    """
    snapshot = practice.snapshot()
    before = [current_state(snapshot, client) for client in clients]
    done = decide()
    own = None if changed is None else set(changed(done))
    settled = since(practice, (each for each in before if own is None or each.client in own))
    if settled:
        _remember(practice, settled)
    return done, settled


def since(practice: OpenPractice, before: Iterable[ReviewedState]) -> tuple[ReviewDecision, ...]:
    """Return those of some clients whose state has changed."""
    snapshot = practice.snapshot()
    now = ((each, current_state(snapshot, each.client)) for each in before)
    return tuple(_settled_review(each, after) for each, after in now if after != each)


def _settled_review(before: ReviewedState, after: ReviewedState) -> ReviewDecision:
    """Return both states, without the client itself if it is unchanged."""
    client = [[row for name, row in each.rows if name == "clients"] for each in (before, after)]
    if client[0] == client[1]:
        before, after = _without_client(before), _without_client(after)
    return ReviewDecision(before=before, after=after)


def _remember(practice: OpenPractice, settled: tuple[ReviewDecision, ...]) -> None:
    known = _decisions(practice, practice.snapshot())
    number = int(known[-1].rpartition("/")[2]) + 1 if known else 1
    row = Meta(id=f"{_key(practice, 'decided')}/{number:09}", value=msgspec.to_builtins(settled))
    practice.store.commit([Put(META, row), *(Drop(META, id_) for id_ in known[: -MOST + 1])])


def _decisions(practice: OpenPractice, snapshot: Snapshot) -> list[str]:
    """Return the rows of this user's decisions, the oldest first."""
    before = f"{_key(practice, 'decided')}/"
    return sorted(id_ for id_ in snapshot.ids(META) if id_.startswith(before))


def _read(snapshot: Snapshot, id_: str) -> tuple[ReviewDecision, ...]:
    """Return a stored decision, or None if this version cannot read it."""
    row = snapshot.get(META, id_)
    try:
        settled = msgspec.convert(row.value if row is not None else (), tuple[ReviewDecision, ...])
        return tuple(ReviewDecision(before=_typed(each.before), after=_typed(each.after)) for each in settled)
    except (msgspec.ValidationError, KeyError):
        return ()


def _typed(stored: ReviewedState) -> ReviewedState:
    tables = {**_TABLES, **_MANY}
    rows = tuple((name, msgspec.convert(row, tables[name].row)) for name, row in stored.rows)
    return msgspec.structs.replace(stored, rows=rows)


def place(practice: OpenPractice) -> str:
    """Return the client at which this user left the review, or an empty text."""
    row = practice.snapshot().get(META, _key(practice, "place"))
    return str(row.value) if row is not None else ""


def keep_place(practice: OpenPractice, client: str) -> None:
    """Store where this user leaves the review. A read-only console stores nothing."""
    if practice.read_only or place(practice) == client:
        return
    key = _key(practice, "place")
    write: Write = Put(META, Meta(id=key, value=client)) if client else Drop(META, key)
    practice.store.commit([write])


def _key(practice: OpenPractice, what: str) -> str:
    return f"review.{what}.{practice.person}"
