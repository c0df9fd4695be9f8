"""The review of links: clients that need a decision, with proposals, and the undo of decisions.

The undo of a run blocks the pair permanently. The undo of a decision does not: here a mistake is undone soon
afterwards, and the client is restored exactly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.lookup import find_client
from xpm_tui.application.presenters.views import ProposalView, ReviewView
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.events import Event
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.links import Link, Successor
from xpm_tui.domain.plan import UndecidedClient
from xpm_tui.domain.ports import Drop, Put, Snapshot, Write
from xpm_tui.domain.tables import (
    BASE,
    BLOCKED_PAIRS,
    CLIENTS,
    FREEZES,
    IGNORED,
    IMAGES,
    LINKS,
    META,
    PROVENANCE,
    XPM_CLIENTS,
    Meta,
    TableSchema,
)
from xpm_tui.domain.xpm import XpmClient
from xpm_tui.sync.base import undone_key
from xpm_tui.sync.matching.proposals import LinkProposal, MatchIndex
from xpm_tui.sync.matching.successors import STRONG
from xpm_tui.sync.planning.links import (
    SameNames,
    link_state,
    lost_links,
    other_linked_clients,
    planned_link,
    survivors,
    undecided_client,
)
from xpm_tui.sync.planning.links import decision_reason as needs_reason

PLANNED_LINK = "Exactly one client on each side has this name: the next plan links them."
MAX_PROPOSALS = 5


def clients_to_review(practice: OpenPractice, only: Iterable[str] = ()) -> list[ReviewView]:
    """Return the clients that need a decision, with their proposals; ``only`` restricts them to some."""
    snapshot = practice.snapshot()
    chosen = [find_client(snapshot, text) for text in only] or snapshot.rows(CLIENTS)
    found: list[ReviewView] = []
    names = SameNames(snapshot)
    index: MatchIndex | None = None
    for client in chosen:
        state = link_state(snapshot, client)
        person = undecided_client(snapshot, client, state)
        if person is None:
            continue
        index = index or MatchIndex.build(snapshot)
        planned = planned_link(snapshot, client, person, names)
        found.append(
            ReviewView(
                id=client.id,
                client_id=client.client_id or None,
                name=client.name,
                reason=_undone_note(snapshot, client)
                or (PLANNED_LINK if planned else needs_reason(snapshot, person)),
                proposals=_proposals(snapshot, index, client, first=person.uuid),
                email=next((c.email for c in client.contacts if c.email), ""),
                link_state=state,
                planned=planned,
            )
        )
    return found


def sure_proposals(practice: OpenPractice, only: Iterable[str] = ()) -> list[ReviewView]:
    """Return the clients to review whose first proposal is sure and is not that of another client.

    A client with a link, even a broken one, is included only if its XPM client was merged into another.
    """
    links = practice.snapshot()
    found = [
        view
        for view in clients_to_review(practice, only)
        if view.proposals
        and view.proposals[0].sure
        and (view.link_state == "merged" or links.raw(LINKS, view.id) is None)
    ]
    wanted = Counter(view.proposals[0].uuid for view in found)
    return [view for view in found if wanted[view.proposals[0].uuid] == 1]


def undecided_views(snapshot: Snapshot, people: Iterable[UndecidedClient]) -> list[dict[str, Any]]:
    """Return the clients of a plan that need a decision, as JSON data."""
    lines = []
    for person in people:
        client = snapshot.get(CLIENTS, person.client)
        lines.append(
            {
                "id": person.client,
                "name": client.name if client else "",
                "client_id": (client.client_id or None) if client else None,
                "reason": person.reason,
                "message": needs_reason(snapshot, person),
                "uuid": person.uuid or None,
            }
        )
    return lines


def _proposals(
    snapshot: Snapshot, index: MatchIndex, client: Client, *, first: str
) -> tuple[ProposalView, ...]:
    """Return the XPM clients that a client may be, best first; ``first`` is the UUID of one that leads."""
    found = index.propose(client, MAX_PROPOSALS)
    lost = lost_links(snapshot, client.id)
    if lost:
        found = _successor_proposals(snapshot, client, lost, found)
    if first:
        found.sort(key=lambda proposal: proposal.uuid != first)
    successors = {each.uuid for link in lost for each in survivors(snapshot, client.id, link)}
    found = [*_undone_links(snapshot, index, client), *found][:MAX_PROPOSALS]
    return tuple(_proposal(snapshot, proposal, proposal.uuid in successors) for proposal in found)


def _successor_proposals(
    snapshot: Snapshot, client: Client, lost: Sequence[Link], alike: Sequence[LinkProposal]
) -> list[LinkProposal]:
    """Return proposals for a client whose XPM client is gone: its possible successors and similar names.

    The name alone never makes a proposal sure, because a namesake is not necessarily the successor.
    """
    by_name = {each.uuid: each for each in alike}
    found = []
    for each in (successor for link in lost for successor in survivors(snapshot, client.id, link)):
        row = snapshot.get(XPM_CLIENTS, each.uuid)
        if row is not None:
            taken = bool(other_linked_clients(snapshot, client.id, each.uuid))
            found.append(_successor(each, row, by_name.pop(each.uuid, None), taken))
    missing = {link.uuid for link in lost}
    found += [
        msgspec.structs.replace(each, sure=False, level="weak" if each.level == "weak" else "likely")
        for each in by_name.values()
        if each.uuid not in missing
    ]
    return sorted(found, key=lambda each: (not each.sure, -each.score))[:MAX_PROPOSALS]


def _successor(found: Successor, row: XpmClient, named: LinkProposal | None, taken: bool) -> LinkProposal:
    """Return the proposal to link a possible successor.

    ``named`` is the proposal by the name alone. ``taken`` says that another Ignition client is linked to the
    successor, or has lost its own XPM client to it.
    """
    strong = found.level == "sure"
    likely = strong or found.level == "likely" or (named is not None and named.level != "weak")
    reasons = [*found.evidence, *(named.reasons if named is not None else ())]
    if taken:
        reasons.append("already linked to another client")
    return LinkProposal(
        uuid=row.uuid,
        number=row.number,
        name=row.name,
        score=found.score if strong or named is None else _combined_score(found.score, named.score),
        sure=strong and not taken,
        level="sure" if strong and not taken else "likely" if likely else "weak",
        reasons=tuple(dict.fromkeys(reasons)),
        identity=named.identity if named is not None else "different",
    )


def _combined_score(one: int, other: int) -> int:
    """Return the score of two kinds of evidence that agree, below that of strong evidence."""
    return min(STRONG - 1, round(max(one, other) + 0.4 * min(one, other)))


def _undone_note(snapshot: Snapshot, client: Client) -> str:
    """Return the note that an undo removed the link of an unlinked client; empty otherwise."""
    if snapshot.raw(LINKS, client.id) is not None:
        return ""
    blocked = snapshot.find(BLOCKED_PAIRS, "client", client.id)
    run = next((each.undone for each in blocked if each.undone), "")
    return f"Its link was removed when run {run} was undone." if run else ""


def _undone_links(snapshot: Snapshot, index: MatchIndex, client: Client) -> Iterator[LinkProposal]:
    """Return the pairs that an undo unlinked, each with a note, to come before other proposals."""
    for pair in snapshot.find(BLOCKED_PAIRS, "client", client.id):
        if pair.undone and not snapshot.find(LINKS, "uuid", pair.uuid):
            proposal = index.proposal_for(client, pair.uuid)
            if proposal is not None:
                yield msgspec.structs.replace(proposal, reasons=(pair.sentence, *proposal.reasons))


def _proposal(snapshot: Snapshot, proposal: LinkProposal, successor: bool) -> ProposalView:
    row = snapshot.get(XPM_CLIENTS, proposal.uuid)
    return ProposalView(
        uuid=proposal.uuid,
        number=proposal.number,
        name=proposal.name,
        score=proposal.score,
        sure=proposal.sure,
        level=proposal.level,
        reasons=proposal.reasons,
        archived=bool(row and row.archived),
        prospect=bool(row and row.prospect),
        email=next((c.email for c in row.contacts if c.email), row.email) if row else "",
        city=(row.city or row.postal_city) if row else "",
        code=row.code if row else "",
        successor=successor,
    )


R = TypeVar("R")

MAX_DECISIONS = 100
"""How many decisions are stored for each user; one may concern many clients."""


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
_TABLES_BY_CLIENT: dict[str, TableSchema[Any]] = {"apart": BLOCKED_PAIRS, "freezes": FREEZES}
"""Tables that may have several rows for a client."""


def current_state(snapshot: Snapshot, client: str) -> ReviewedState:
    """Return the present state of a client."""
    rows: list[tuple[str, Any]] = [
        (name, row) for name, table in _TABLES.items() if (row := snapshot.get(table, client)) is not None
    ]
    for name, table in _TABLES_BY_CLIENT.items():
        rows += [(name, row) for row in snapshot.find(table, "client", client)]
    return ReviewedState(client=client, name=find_client(snapshot, client).name, rows=tuple(rows))


def undo_decision(practice: OpenPractice, clients: Collection[str] = ()) -> list[str]:
    """Undo this user's last decision, or the last one about exactly these clients; return their names.

    Raises ``BadInput`` if there is none, or if one of its clients has changed since: that decision stays and
    is not offered again. After any other error the undo can be tried again.
    """
    practice.writable()
    snapshot = practice.snapshot()
    for id_ in reversed(_decisions(practice, snapshot)):
        decided = _read(snapshot, id_)
        if decided and (not clients or {each.after.client for each in decided} == set(clients)):
            break
    else:
        raise BadInput("There is no decision to undo.", hint=f"Only your last {MAX_DECISIONS} can be undone.")
    try:
        return restore_states(practice, decided, Drop(META, id_))
    except BadInput:
        practice.store.commit([Drop(META, id_)])
        raise


def restore_states(practice: OpenPractice, decided: Iterable[ReviewDecision], *more: Write) -> list[str]:
    """Restore clients to their former state, in one commit with ``more``; return their names.

    Raises ``BadInput``, and changes nothing, if one of them has changed since: a sync wrote to it, or someone
    changed its link.
    """
    practice.writable()
    snapshot = practice.snapshot()
    decisions = list(decided)
    for each in decisions:
        if not _is_in_state(current_state(snapshot, each.after.client), each.after):
            raise BadInput(
                f"{each.after.name} ({each.after.client}) has changed since then, so the decision "
                "was not undone.",
                hint="See its state under Clients; press u there to undo what a run wrote.",
            )
    writes = [*(write for each in decisions for write in _restore_writes(snapshot, each)), *more]
    practice.store.commit(writes, since=snapshot)
    for each in decisions:
        practice.events.emit(Event(key="review.taken_back", record=each.after.client))
    return [each.after.name for each in decisions]


def _is_in_state(now: ReviewedState, after: ReviewedState) -> bool:
    """Return whether a client is in the state after a decision; values matter if that changed them."""
    has_values = any(name == "clients" for name, _ in after.rows)
    return (now if has_values else _without_client(now)) == after


def _without_client(each: ReviewedState) -> ReviewedState:
    rows = tuple((name, row) for name, row in each.rows if name != "clients")
    return msgspec.structs.replace(each, rows=rows)


def _restore_writes(snapshot: Snapshot, each: ReviewDecision) -> Iterable[Write]:
    tables = {**_TABLES, **_TABLES_BY_CLIENT}
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
    """Make a decision on clients, and store how to undo it.

    Args:
        practice: The open practice.
        clients: The ids of the clients that may change.
        decide: Makes the decision.
        changed: Returns the ids of the changed clients from the result of ``decide``, so that what someone
            else changed meanwhile is not taken for a decision of this user.

    Returns:
        The result of ``decide``, and the clients that it changed, each with its state before and after.
    """
    snapshot = practice.snapshot()
    before = [current_state(snapshot, client) for client in clients]
    result = decide()
    if changed is not None:
        own = set(changed(result))
        before = [each for each in before if each.client in own]
    snapshot = practice.snapshot()
    now = [(each, current_state(snapshot, each.client)) for each in before]
    decided = tuple(_decision(each, after) for each, after in now if after != each)
    if decided:
        _store(practice, decided)
    return result, decided


def _decision(before: ReviewedState, after: ReviewedState) -> ReviewDecision:
    """Return both states, without the client itself if it is unchanged."""
    own_rows = [[row for name, row in each.rows if name == "clients"] for each in (before, after)]
    if own_rows[0] == own_rows[1]:
        before, after = _without_client(before), _without_client(after)
    return ReviewDecision(before=before, after=after)


def _store(practice: OpenPractice, decided: tuple[ReviewDecision, ...]) -> None:
    known = _decisions(practice, practice.snapshot())
    number = int(known[-1].rpartition("/")[2]) + 1 if known else 1
    row = Meta(id=f"{_key(practice, 'decided')}/{number:09}", value=msgspec.to_builtins(decided))
    practice.store.commit([Put(META, row), *(Drop(META, id_) for id_ in known[: -MAX_DECISIONS + 1])])


def _decisions(practice: OpenPractice, snapshot: Snapshot) -> list[str]:
    """Return the ids of the rows with this user's decisions, the oldest first."""
    before = f"{_key(practice, 'decided')}/"
    return sorted(id_ for id_ in snapshot.ids(META) if id_.startswith(before))


def _read(snapshot: Snapshot, id_: str) -> tuple[ReviewDecision, ...]:
    """Return a stored decision; empty if this version cannot read it."""
    row = snapshot.get(META, id_)
    try:
        stored = msgspec.convert(row.value if row is not None else (), tuple[ReviewDecision, ...])
        return tuple(ReviewDecision(before=_typed(each.before), after=_typed(each.after)) for each in stored)
    except (msgspec.ValidationError, KeyError):
        return ()


def _typed(stored: ReviewedState) -> ReviewedState:
    tables = {**_TABLES, **_TABLES_BY_CLIENT}
    rows = tuple((name, msgspec.convert(row, tables[name].row)) for name, row in stored.rows)
    return msgspec.structs.replace(stored, rows=rows)


def review_position(practice: OpenPractice) -> str:
    """Return the client at which this user left the review, or an empty text."""
    row = practice.snapshot().get(META, _key(practice, "place"))
    return str(row.value) if row is not None else ""


def store_review_position(practice: OpenPractice, client: str) -> None:
    """Store where this user leaves the review. A read-only console stores nothing."""
    if practice.read_only or review_position(practice) == client:
        return
    key = _key(practice, "place")
    write: Write = Put(META, Meta(id=key, value=client)) if client else Drop(META, key)
    practice.store.commit([write])


def _key(practice: OpenPractice, what: str) -> str:
    return f"review.{what}.{practice.person}"
