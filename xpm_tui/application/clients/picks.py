"""Bring XPM clients into the store: added, linked to an existing client, or skipped with the reason."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import NamedTuple

from xpm_tui.application.clients.links import commit_links
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.lookup import find_client, find_xpm
from xpm_tui.application.presenters.views import PickView
from xpm_tui.domain.errors import NotFound
from xpm_tui.domain.events import Event, Scalar
from xpm_tui.domain.names import parse_name
from xpm_tui.domain.plan import Consequences
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.tables import (
    BLOCKED_PAIRS,
    CLIENTS,
    LINKS,
    LOST_CLIENTS,
    XPM_CLIENTS,
)
from xpm_tui.domain.xpm import XpmClient
from xpm_tui.store.snapshot import BlockIds
from xpm_tui.sync.base import blocked_pair_id
from xpm_tui.sync.consequences import pick_consequences
from xpm_tui.sync.manual.picks import PickResult
from xpm_tui.sync.manual.picks import pick as pick_writes
from xpm_tui.sync.matching.proposals import MatchIndex, name_keys
from xpm_tui.sync.planning.links import survivors


def pick(
    practice: OpenPractice, xpm: Iterable[str], *, different: Iterable[str] = (), anyway: bool = False
) -> list[PickView]:
    """Bring XPM clients into the store, by number, UUID or address.

    A client that already exists is linked instead. One that may exist already is skipped and reported, unless
    ``anyway``. ``different`` are clients of which the user says that they are others: each by its id or
    Client ID in Ignition, or by the number or UUID of the XPM client that it is linked to.
    """
    practice.writable()
    snapshot = practice.snapshot()
    rows = [_referred(find_xpm(snapshot, text)) for text in xpm]
    others = [id_ for text in different for id_ in _ours(snapshot, text)]
    return _pick(practice, snapshot, rows, bulk=False, anyway=anyway, different=others)


def resolve_reference(practice: OpenPractice, text: str) -> tuple[str, XpmClient | None]:
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
    """Bring every unambiguous XPM client into the store, prospects included; report the others."""
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
    """The part of an XPM client that a report shows; 50,000 whole clients would fill the memory."""

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
    """Return a function that returns the Ignition client that an XPM client may be, or an empty text.

    A linked client counts only if its name is the same; an unlinked one also if its name is near, or if other
    evidence makes it likely. Both sides are compared at the first call.
    """
    found: dict[str, str] = {}
    linked: dict[str, str] = {}
    is_compared = False

    def likely(row: XpmClient) -> str:
        nonlocal is_compared
        if not is_compared:
            is_compared = True
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
        return next((id_ for id_ in same if not _are_different(snapshot, id_, row.uuid)), "")

    return likely


def _are_different(snapshot: Snapshot, client: str, uuid: str) -> bool:
    """Return whether a user has said that these two are different clients."""
    blocked = snapshot.get(BLOCKED_PAIRS, blocked_pair_id(client, uuid))
    return blocked is not None and blocked.different


def _successors(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """Return the XPM clients that may have replaced a lost one, each with the client linked to that one."""
    for lost in snapshot.ids(LOST_CLIENTS):
        for link in snapshot.find(LINKS, "uuid", lost):
            for each in survivors(snapshot, link.id, link):
                if each.level != "weak":
                    yield each.uuid, link.id
