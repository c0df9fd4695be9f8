"""XPM clients picked for Ignition: added, linked to a client that is there, or left with the reason."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.lookup import find_client, find_xpm
from xpm_tui.application.presenters.views import PickView
from xpm_tui.domain.consequences import Consequences
from xpm_tui.domain.errors import NotFound
from xpm_tui.domain.events import Event, Scalar
from xpm_tui.domain.names import read_name
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.tables import APART, CLIENTS, LINKS, VANISHED, XPM_CLIENTS
from xpm_tui.domain.xpm import XpmClient
from xpm_tui.store.ids import BlockIds
from xpm_tui.sync.base import apart_id
from xpm_tui.sync.consequences import pick_consequences
from xpm_tui.sync.manual.picks import PickedClient
from xpm_tui.sync.manual.picks import pick as pick_writes
from xpm_tui.sync.matching.proposals import MatchIndex, keys
from xpm_tui.sync.planning.links import survivors


def pick(
    practice: OpenPractice, xpm: Iterable[str], *, different: Iterable[str] = (), anyway: bool = False
) -> list[PickView]:
    """Bring some XPM clients into the book, by number, UUID or address.

    One that the book has is linked instead; an unclear one is left and told, unless ``anyway``. ``different``
    are clients of which the user says that they are different ones: an id or Client ID of Ignition, or the
    number or UUID of the XPM client that it is linked to.
    """
    practice.writable()
    snapshot = practice.snapshot()
    rows = [find_xpm(snapshot, text) for text in xpm]
    others = [id_ for text in different for id_ in _ours(snapshot, text)]
    return _pick(practice, snapshot, rows, every=False, anyway=anyway, different=others)


def of_number(practice: OpenPractice, text: str) -> tuple[str, XpmClient | None]:
    """Return which client an XPM number, UUID or web address means.

    Returns:
        The linked Ignition client and None, or the XPM client itself where none is linked to it. A text that
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
        return [link.id for link in snapshot.find(LINKS, "uuid", find_xpm(snapshot, text).uuid)]


def pick_all(practice: OpenPractice) -> list[PickView]:
    """Bring every clear XPM client into the book, prospects too; the unclear ones are left and told."""
    practice.writable()
    snapshot = practice.snapshot()
    return _pick(practice, snapshot, list(snapshot.rows(XPM_CLIENTS)), every=True, anyway=False)


def preview_pick_all(practice: OpenPractice) -> Consequences:
    """What picking every clear XPM client would do. Nothing is written, and no id is given out."""
    snapshot = practice.snapshot()
    picked = pick_writes(
        snapshot,
        [row.uuid for row in snapshot.rows(XPM_CLIENTS)],
        ids=_NoIds(),
        policy=practice.policy(),
        now=practice.clock.now(),
        by=practice.person,
        run="r0",
        every=True,
        likely=_likely(snapshot),
    )
    kept: dict[str, list[str]] = {}
    for each in picked.skipped:
        if each.why != "linked":
            kept.setdefault(each.sentence, []).append(each.name or each.uuid)
    return pick_consequences(len(picked.created), len(picked.linked), kept)


class _NoIds:
    """Ids for a look: each another one, none of them kept."""

    def __init__(self) -> None:
        self._last = 0

    def new(self, prefix: str, count: int = 1) -> list[str]:
        """``count`` ids that no record has."""
        self._last += count
        return [f"+{prefix}{self._last - count + each}" for each in range(count)]


def _pick(
    practice: OpenPractice,
    snapshot: Snapshot,
    rows: list[XpmClient],
    *,
    every: bool,
    anyway: bool,
    different: Collection[str] = (),
) -> list[PickView]:
    (run,) = practice.ids.new("r")
    picked = pick_writes(
        snapshot,
        [row.uuid for row in rows],
        ids=BlockIds(practice.ids),
        policy=practice.policy(),
        now=practice.clock.now(),
        by=practice.person,
        run=run,
        every=every,
        likely=_likely(snapshot, different),
        anyway=anyway,
        different=different,
    )
    if picked.writes:
        practice.book.commit(picked.writes, since=snapshot)
        numbers: dict[str, Scalar] = {
            "added": len(picked.created),
            "linked": len(picked.linked),
            "left": len(picked.skipped),
        }
        practice.events.emit(Event(key="client.picked", run=run, numbers=numbers))
    return _told(rows, picked)


def _told(rows: list[XpmClient], picked: PickedClient) -> list[PickView]:
    left = {skipped.uuid: skipped for skipped in picked.skipped}
    views = []
    for row in {row.uuid: row for row in rows}.values():
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


def _likely(snapshot: Snapshot, different: Collection[str] = ()) -> Callable[[XpmClient], str]:
    """Which client of Ignition an XPM client may be; found out when first asked.

    A linked one only where the name is the same; one that is not linked also where it is near, or likely by
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
                    linked.update(dict.fromkeys(keys(read_name(client.name)), client.id))
            for uuid, heir in _heirs(snapshot):
                found.setdefault(uuid, heir)
            index = MatchIndex.build(snapshot) if free else None
            for client in free:
                for proposal in index.propose(client, 20) if index else ():
                    if proposal.level != "weak" or proposal.identity != "different":
                        found.setdefault(proposal.uuid, client.id)
        if row.uuid in found or not linked:
            return found.get(row.uuid, "")
        same = (linked[key] for key in keys(read_name(row.name), row.code) if key in linked)
        return next((id_ for id_ in same if not _settled(snapshot, id_, row.uuid)), "")

    return likely


def _settled(snapshot: Snapshot, client: str, uuid: str) -> bool:
    apart = snapshot.get(APART, apart_id(client, uuid))
    return apart is not None and apart.different


def _heirs(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """The XPM clients that may have taken over a lost one, each with the client that was linked to that."""
    for lost in snapshot.ids(VANISHED):
        for link in snapshot.find(LINKS, "uuid", lost):
            for each in survivors(snapshot, link.id, link):
                if each.level != "weak":
                    yield each.uuid, link.id
