"""Find the successors of linked clients that XPM no longer has, whenever the lists are read.

The result is stored, so that every place that shows a link shows the same without a search.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from xpm_tui.application.practice import OpenPractice
from xpm_tui.domain.errors import AllowanceUsedUp, LoginNeeded, XeroError
from xpm_tui.domain.events import Event, Scalar
from xpm_tui.domain.links import Link, LostClient, Successor
from xpm_tui.domain.ports import Put, Snapshot, XpmPort
from xpm_tui.domain.tables import CLIENTS, JOBS, LINKS, LOST_CLIENTS, MOVES, XPM_CLIENTS
from xpm_tui.sync.matching.successors import SuccessorIndex
from xpm_tui.sync.mirror import job_moves

MAX_CALLS = 6
"""How many calls one reading of the lists may spend on the jobs of possible successors."""


async def search(practice: OpenPractice, xpm: XpmPort, *, complete: bool, jobs_open: bool) -> int:
    """Look for the successors of linked XPM clients that disappeared; return how many became known.

    A client is included if it was not searched for yet, or if jobs have moved since. Where the evidence is
    not strong and the lost client had jobs that are no longer current, XPM is asked once for the jobs of the
    best candidates, in at most ``MAX_CALLS`` calls.

    Args:
        practice: The practice, whose lists were just read.
        xpm: The open connection.
        complete: Whether the client list was complete, so that every link is checked.
        jobs_open: Whether the login may list jobs.
    """
    snapshot = practice.snapshot()
    newest = max((move.at for move in snapshot.rows(MOVES)), default=None)
    due = [
        (link, each)
        for link, each in _lost(snapshot, complete)
        if each.searched is None or (newest is not None and newest >= each.searched)
    ]
    if not due:
        return 0
    found = _find(practice, snapshot, due)
    if jobs_open:
        were = {job.client.uuid for job in snapshot.rows(JOBS) if job.gone and job.client is not None}
        ask = [each for _, each in found if not each.asked and each.id in were and _is_open(each)]
        if ask:
            await _ask(practice, xpm, ask)
            ids = {each.id for each in ask}
            again = [
                (link, msgspec.structs.replace(each, asked=each.asked or each.id in ids))
                for link, each in found
            ]
            found = _find(practice, practice.snapshot(), again)
    practice.store.commit([Put(LOST_CLIENTS, each) for each in {each.id: each for _, each in found}.values()])
    old = {link.id: each.found for link, each in due}
    return sum(_log_successor(practice, link, each, old[link.id]) for link, each in found)


def _lost(snapshot: Snapshot, complete: bool) -> Iterator[tuple[Link, LostClient]]:
    """Return the links whose XPM client is gone, with what is known about it."""
    if complete:
        links: Iterable[Link] = snapshot.rows(LINKS)
    else:
        links = (link for id_ in snapshot.ids(LOST_CLIENTS) for link in snapshot.find(LINKS, "uuid", id_))
    for link in links:
        raw = snapshot.raw(XPM_CLIENTS, link.uuid)
        if raw is not None and b'"deleted":true' not in raw:
            continue
        row = snapshot.get(XPM_CLIENTS, link.uuid)
        if row is None or row.deleted:
            yield link, snapshot.get(LOST_CLIENTS, link.uuid) or LostClient(id=link.uuid)


def _find(
    practice: OpenPractice, snapshot: Snapshot, lost: Sequence[tuple[Link, LostClient]]
) -> list[tuple[Link, LostClient]]:
    now = practice.clock.now()
    clients = {link.id: client for link, _ in lost if (client := snapshot.get(CLIENTS, link.id)) is not None}
    index = SuccessorIndex(snapshot, [(clients[link.id], link) for link, _ in lost if link.id in clients])
    return [
        (link, msgspec.structs.replace(each, searched=now, found=index.find(clients[link.id], link, each)))
        for link, each in lost
        if link.id in clients
    ]


def _is_open(lost: LostClient) -> bool:
    """Return whether there are candidates, none of them with strong evidence."""
    return bool(lost.found) and lost.found[0].level != "sure"


async def _ask(practice: OpenPractice, xpm: XpmPort, lost: Sequence[LostClient]) -> None:
    """Read the jobs of the best candidates, and record which of them belonged to a lost client."""
    wanted = list(dict.fromkeys(found.uuid for each in lost for found in each.found[:2]))[:MAX_CALLS]
    numbers: dict[str, Scalar] = {"lost": len(lost), "calls": len(wanted)}
    practice.events.emit(Event(key="list.successors", numbers=numbers))
    for uuid in wanted:
        try:
            jobs = await xpm.client_jobs(uuid)
        except (LoginNeeded, AllowanceUsedUp):
            raise
        except XeroError:
            continue
        practice.store.commit([*job_moves(practice.snapshot(), jobs, practice.clock.now())])


def _log_successor(practice: OpenPractice, link: Link, lost: LostClient, before: Sequence[Successor]) -> bool:
    """Log the successor of one client unless it was known before; return whether it was logged."""
    best = lost.found[0] if lost.found else None
    known = before[0] if before else None
    if best is None or best.level == "weak" or (known is not None and known.uuid == best.uuid):
        return False
    key = "client.merged" if best.level == "sure" else "client.successor"
    practice.events.emit(Event(key=key, record=link.id, uuid=best.uuid, field="link"))
    return True
