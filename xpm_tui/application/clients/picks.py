"""XPM clients picked for Ignition: added, linked to a client that is there, or left with the reason.

What a review settles, client by client: stored so that the last can be undone, and where one was.

Undo of a run keeps a pair apart for good. This is something else: a slip of the finger, taken back at once,
after which the client stands exactly as it stood before.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, TypeVar

import msgspec

from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.lookup import find_client, find_xpm
from xpm_tui.application.presenters.views import PickView
from xpm_tui.domain.errors import BadInput, NotFound
from xpm_tui.domain.events import Event, Scalar
from xpm_tui.domain.names import read_name
from xpm_tui.domain.plan import Consequences
from xpm_tui.domain.ports import Drop, Put, Snapshot, Write
from xpm_tui.domain.tables import (
    APART,
    BASE,
    CLIENTS,
    FREEZES,
    IGNORED,
    IMAGES,
    LINKS,
    META,
    PROVENANCE,
    VANISHED,
    XPM_CLIENTS,
    Meta,
    TableSchema,
)
from xpm_tui.domain.xpm import XpmClient
from xpm_tui.store.ids import BlockIds
from xpm_tui.sync.applying.run_results import mark
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


R = TypeVar("R")

MOST = 100
"""Decisions of one person that are remembered; one may be about many clients."""


class ReviewedState(msgspec.Struct, frozen=True, kw_only=True):
    """How one client stood: ``rows`` are table and row of its link, what was agreed, what was settled.

    The client itself is among them only where the decision changed it.
    """

    client: str
    name: str
    rows: tuple[tuple[str, Any], ...]


class ReviewDecision(msgspec.Struct, frozen=True, kw_only=True):
    """How a client stood before it was settled, and how it stood right after."""

    before: ReviewedState
    after: ReviewedState


_TABLES: dict[str, TableSchema[Any]] = {
    "links": LINKS,
    "base": BASE,
    "ignored": IGNORED,
    "provenance": PROVENANCE,
    "clients": CLIENTS,
}
_MANY: dict[str, TableSchema[Any]] = {"apart": APART, "freezes": FREEZES}


def current_state(snapshot: Snapshot, client: str) -> ReviewedState:
    """How a client stands now."""
    rows: list[tuple[str, Any]] = [
        (name, row) for name, table in _TABLES.items() if (row := snapshot.get(table, client)) is not None
    ]
    for name, table in _MANY.items():
        rows += [(name, row) for row in snapshot.find(table, "client", client)]
    return ReviewedState(client=client, name=find_client(snapshot, client).name, rows=tuple(rows))


def undo(practice: OpenPractice, clients: Collection[str] = ()) -> list[str]:
    """Undo this person's last decision, or their last one about exactly these clients; gives the names.

    Raises ``BadInput`` where there is none, or where a client of it has moved since: that decision stays and
    is not offered again. After any other error it can be undone once more.
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
        practice.book.commit([Drop(META, id_)])
        raise


def restore_states(practice: OpenPractice, settled: Iterable[ReviewDecision], *more: Write) -> list[str]:
    """Put clients back to where they stood, in one commit with ``more``; gives their names.

    Raises ``BadInput``, and changes nothing, where one of them has moved since: a sync wrote by its link, or
    somebody linked it otherwise.
    """
    practice.writable()
    snapshot = practice.snapshot()
    wanted = list(settled)
    for each in wanted:
        if not _stands_as(current_state(snapshot, each.after.client), each.after):
            raise BadInput(
                f"{each.after.name} ({each.after.client}) has changed since then, so the decision "
                "was not undone.",
                hint="See its state under Clients; press u there to undo what a run wrote.",
            )
    practice.book.commit([*(write for each in wanted for write in _back(snapshot, each)), *more])
    for each in wanted:
        practice.events.emit(Event(key="review.taken_back", record=each.after.client))
    return [each.after.name for each in wanted]


def _stands_as(now: ReviewedState, after: ReviewedState) -> bool:
    """Whether a client stands as it did after a decision; its own values count where that changed them."""
    counts = any(name == "clients" for name, _ in after.rows)
    return (now if counts else _without_client(now)) == after


def _without_client(each: ReviewedState) -> ReviewedState:
    rows = tuple((name, row) for name, row in each.rows if name != "clients")
    return msgspec.structs.replace(each, rows=rows)


def _back(snapshot: Snapshot, each: ReviewDecision) -> Iterable[Write]:
    tables = {**_TABLES, **_MANY}
    for name, row in each.after.rows:
        if (name, row) not in each.before.rows:
            yield Drop(tables[name], row.id)
    yield from (Put(tables[name], row) for name, row in each.before.rows)
    link = next((row for name, row in each.after.rows if name == "links"), None)
    image = snapshot.get(IMAGES, f"{link.run}/{link.id}") if link is not None and link.run else None
    if image is not None:
        undone = tuple(mark(written.record, written.field) for written in image.written)
        yield Put(IMAGES, msgspec.structs.replace(image, undone=undone))


def store_decision(
    practice: OpenPractice, clients: Iterable[str], act: Callable[[], R]
) -> tuple[R, tuple[ReviewDecision, ...]]:
    """Do something to clients and store how they stood; gives those that stand otherwise afterwards."""
    snapshot = practice.snapshot()
    before = [current_state(snapshot, client) for client in clients]
    done = act()
    settled = since(practice, before)
    if settled:
        _remember(practice, settled)
    return done, settled


def since(practice: OpenPractice, before: Iterable[ReviewedState]) -> tuple[ReviewDecision, ...]:
    """Those of some clients that stand otherwise now."""
    snapshot = practice.snapshot()
    now = ((each, current_state(snapshot, each.client)) for each in before)
    return tuple(_settled_review(each, after) for each, after in now if after != each)


def _settled_review(before: ReviewedState, after: ReviewedState) -> ReviewDecision:
    """The two, without the client itself where it is the same."""
    client = [[row for name, row in each.rows if name == "clients"] for each in (before, after)]
    if client[0] == client[1]:
        before, after = _without_client(before), _without_client(after)
    return ReviewDecision(before=before, after=after)


def _remember(practice: OpenPractice, settled: tuple[ReviewDecision, ...]) -> None:
    known = _decisions(practice, practice.snapshot())
    number = int(known[-1].rpartition("/")[2]) + 1 if known else 1
    row = Meta(id=f"{_key(practice, 'decided')}/{number:09}", value=msgspec.to_builtins(settled))
    practice.book.commit([Put(META, row), *(Drop(META, id_) for id_ in known[: -MOST + 1])])


def _decisions(practice: OpenPractice, snapshot: Snapshot) -> list[str]:
    """The rows of this person's decisions, the oldest first."""
    before = f"{_key(practice, 'decided')}/"
    return sorted(id_ for id_ in snapshot.ids(META) if id_.startswith(before))


def _read(snapshot: Snapshot, id_: str) -> tuple[ReviewDecision, ...]:
    """A stored decision; nothing where this version cannot read it."""
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
    """The client at which this person left the review; empty when there is none."""
    row = practice.snapshot().get(META, _key(practice, "place"))
    return str(row.value) if row is not None else ""


def keep_place(practice: OpenPractice, client: str) -> None:
    """Remember where this person leaves the review. Nothing is kept by a console that may not write."""
    if practice.read_only or place(practice) == client:
        return
    key = _key(practice, "place")
    write: Write = Put(META, Meta(id=key, value=client)) if client else Drop(META, key)
    practice.book.commit([write])


def _key(practice: OpenPractice, what: str) -> str:
    return f"review.{what}.{practice.person}"
