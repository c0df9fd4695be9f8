"""The states of links, automatic links by exact name, and clients that need a decision. Pure.

``relink`` checks every link and matches unlinked clients again; it reports its findings and writes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from xpm_tui.domain import labels
from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.links import Link, LinkState, Successor
from xpm_tui.domain.names import key_of
from xpm_tui.domain.plan import UndecidedClient
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.spelling import spellings
from xpm_tui.domain.tables import (
    BLOCKED_PAIRS,
    CLIENTS,
    FREEZES,
    IGNORED,
    LINKS,
    LOST_CLIENTS,
    PROVENANCE,
    XPM_CLIENTS,
)
from xpm_tui.domain.xpm import XpmClient
from xpm_tui.sync.base import blocked_pair_id, foreign_values, link_and_row, live_link
from xpm_tui.sync.canonical import TeamLinks

SYNCED_STATES: frozenset[LinkState] = frozenset({"linked", "archived"})
"""The states in which values are synced over a link (for an archived one only From XPM)."""

_HOPS = 5
"""How many merges are followed, because a survivor may be merged again."""

_UNDECIDED: frozenset[LinkState] = frozenset({"unlinked", "ambiguous", "converted", "merged", "gone"})


def state_reason(code: str) -> str:
    """Return why a client needs a decision, as a sentence."""
    return labels.label(labels.LINK_STATES, code).help or code


def link_state(snapshot: Snapshot, client: Client) -> LinkState:
    """Return the state of one client's link. O(1)."""
    return state_of(snapshot, client, *link_and_row(snapshot, client.id))


def state_of(snapshot: Snapshot, client: Client, link: Link | None, row: XpmClient | None) -> LinkState:
    """Do what :func:`link_state` does, for a caller that has the link and its mirror row."""
    if snapshot.raw(IGNORED, client.id) is not None:
        return "ignored"
    if link is None:
        return "ambiguous" if _ambiguous(snapshot, client) else "unlinked"
    if (row is None or row.prospect) and _successors(snapshot, client, link, row):
        return "converted"
    if row is None or row.deleted:
        found = survivor(snapshot, client.id, link)
        if found is None:
            return "gone"
        return "converted" if row is not None and row.prospect and found.new else "merged"
    if not link.quiet and competing_links(snapshot, link):
        return "ambiguous"
    return "archived" if row.archived else "linked"


def successor(snapshot: Snapshot, client: Client, link: Link, row: XpmClient | None) -> str:
    """Return the UUID of the client that a prospect became.

    It has the same name, is not a prospect, and is not linked. Empty if there is none, or more
    than one, so that a user has to choose.
    """
    found = _successors(snapshot, client, link, row)
    return found[0] if len(found) == 1 else ""


def survivors(snapshot: Snapshot, client: str, link: Link) -> list[Successor]:
    """Return what may have replaced the XPM client that a link has lost, best first.

    It is stored when the client disappears. Survivors that have disappeared since are replaced
    by their own successors, and those that a user excluded are left out.
    """
    found: dict[str, Successor] = {}
    for each in _followed(snapshot, link.uuid, _HOPS):
        known = found.get(each.uuid)
        excluded = (
            each.uuid == link.uuid
            or snapshot.raw(BLOCKED_PAIRS, blocked_pair_id(client, each.uuid)) is not None
        )
        if not excluded and (known is None or known.score < each.score):
            found[each.uuid] = each
    return sorted(found.values(), key=lambda each: (each.level != "sure", -each.score, each.uuid))


def lost_links(snapshot: Snapshot, client: str) -> list[Link]:
    """Return the links of a client to XPM clients that are gone: the present one, and removed ones."""
    link = snapshot.get(LINKS, client)
    if link is not None:
        return [] if live_link(snapshot, client) is not None else [link]
    return [
        Link(id=client, uuid=each.uuid)
        for each in snapshot.find(BLOCKED_PAIRS, "client", client)
        if not each.different and snapshot.raw(LOST_CLIENTS, each.uuid) is not None
    ]


def takes_over(snapshot: Snapshot, client: str, uuid: str) -> bool:
    """Return whether an XPM client is the lost one under another id, with the lost one's values."""
    ours = snapshot.get(CLIENTS, client)
    for link in lost_links(snapshot, client):
        if any(each.uuid == uuid and each.level != "weak" for each in survivors(snapshot, client, link)):
            return True
        row = snapshot.get(XPM_CLIENTS, link.uuid)
        if ours is not None and (row is None or row.prospect):
            return uuid in _successors(snapshot, ours, link, row)
    return False


def survivor(snapshot: Snapshot, client: str, link: Link) -> Successor | None:
    """Return the XPM client into which the lost one was merged, if the evidence is strong and unique."""
    found = [each for each in survivors(snapshot, client, link) if each.level == "sure"]
    return found[0] if len(found) == 1 else None


def _followed(snapshot: Snapshot, uuid: str, hops: int) -> Iterator[Successor]:
    lost = snapshot.get(LOST_CLIENTS, uuid)
    for each in lost.found if lost is not None else ():
        row = snapshot.get(XPM_CLIENTS, each.uuid)
        if row is not None and not row.deleted:
            yield each
        elif hops > 0:
            for further in _followed(snapshot, each.uuid, hops - 1):
                level = "likely" if each.level != "sure" and further.level == "sure" else further.level
                score = min(each.score, further.score)
                yield msgspec.structs.replace(further, level=level, score=score)


def _successors(snapshot: Snapshot, client: Client, link: Link, row: XpmClient | None) -> list[str]:
    name = exact(row.name if row is not None else client.name)
    found = [
        other.uuid
        for other in exact_name_clients(snapshot, name)
        if other.uuid != link.uuid and not other.prospect and not other.archived
    ]
    return [
        uuid
        for uuid in found
        if not snapshot.find_ids(LINKS, "uuid", uuid)
        and snapshot.raw(BLOCKED_PAIRS, blocked_pair_id(client.id, uuid)) is None
    ]


def competing_links(snapshot: Snapshot, link: Link) -> list[Link]:
    """Return other clients' synced links to the same XPM client."""
    if snapshot.find_ids(LINKS, "uuid", link.uuid) == [link.id]:
        return []
    return [
        other for other in snapshot.find(LINKS, "uuid", link.uuid) if other.id != link.id and not other.quiet
    ]


def exact_name_clients(snapshot: Snapshot, name: str) -> list[XpmClient]:
    """Return the XPM clients with exactly this name, without deleted ones."""
    if not name:
        return []
    return [row for row in snapshot.find(XPM_CLIENTS, "name", name) if not row.deleted]


class SameNames:
    """The names that several clients of one side have, in any form; counted on first use."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._counts: list[Counter[str]] = []

    def several(self, name: str) -> bool:
        """Return whether more than one client of Ignition, or of XPM, has the same name as this one."""
        if not self._counts:
            theirs = (row.name for row in self._snapshot.rows(XPM_CLIENTS) if not row.deleted)
            for names in ((client.name for client in self._snapshot.rows(CLIENTS)), theirs):
                self._counts.append(Counter(key for each in names for key in spellings(key_of(each))))
        return any(count[key] > 1 for count in self._counts for key in spellings(key_of(name)))


def exact_match(snapshot: Snapshot, client: Client, names: SameNames | None = None) -> str:
    """Return the UUID of the XPM client to which a client may be linked by name alone, or empty.

    Exactly one client on each side has that name, linked or not; XPM's is neither archived nor a prospect nor
    linked; no user ignored this client or blocked the pair. With ``names``, no second client of either side
    has the same name in another form. A client that still has values of another XPM client is linked by a
    user, who sees what happens to them.
    """
    name = exact(client.name)
    found = exact_name_clients(snapshot, name)
    if len(found) != 1 or found[0].archived or found[0].prospect:
        return ""
    uuid = found[0].uuid
    if (
        snapshot.raw(LINKS, client.id) is not None
        or snapshot.raw(IGNORED, client.id) is not None
        or len(snapshot.find_ids(CLIENTS, "name", name)) != 1
        or snapshot.find_ids(LINKS, "uuid", uuid)
        or snapshot.raw(BLOCKED_PAIRS, blocked_pair_id(client.id, uuid)) is not None
        or (names is not None and names.several(name))
        or _has_values_of_another(snapshot, client, uuid)
    ):
        return ""
    return uuid


def _has_values_of_another(snapshot: Snapshot, client: Client, uuid: str) -> bool:
    known = snapshot.get(PROVENANCE, client.id)
    if known is None or all(each.uuid == uuid for each in known.values.values()):
        return False
    found = foreign_values(snapshot, client, "", TeamLinks.read(snapshot))
    return any(each.uuid != uuid for each in found.values())


def undecided_client(snapshot: Snapshot, client: Client, state: LinkState) -> UndecidedClient | None:
    """Return why a client needs a decision; leads and inactive clients do not."""
    if state not in _UNDECIDED or client.state in ("lead", "inactive"):
        return None
    uuid = ""
    if state == "converted":
        link = snapshot.get(LINKS, client.id)
        if link is not None:
            row = snapshot.get(XPM_CLIENTS, link.uuid)
            uuid = successor(snapshot, client, link, row) or _survivor_uuid(snapshot, client.id, link)
    elif state in ("merged", "gone"):
        link = snapshot.get(LINKS, client.id)
        found = survivors(snapshot, client.id, link) if link is not None else []
        uuid = found[0].uuid if found and found[0].level != "weak" else ""
    elif state == "unlinked":
        uuid = exact_match(snapshot, client)
    return UndecidedClient(client=client.id, reason=state, uuid=uuid)


def planned_link(
    snapshot: Snapshot, client: Client, undecided: UndecidedClient | None, names: SameNames
) -> bool:
    """Return whether the next plan links a client automatically, so that no decision is needed.

    ``undecided`` is what :func:`undecided_client` returned for it.
    """
    if (
        undecided is None
        or undecided.reason != "unlinked"
        or not undecided.uuid
        or names.several(client.name)
    ):
        return False
    row = snapshot.get(XPM_CLIENTS, undecided.uuid)
    frozen = any(freeze.field == "*" for freeze in snapshot.find(FREEZES, "client", client.id))
    return row is not None and not row.is_set_aside and not frozen


def decision_reason(snapshot: Snapshot, undecided: UndecidedClient) -> str:
    """Return why a client needs a decision, naming what may have replaced a lost XPM client."""
    link = snapshot.get(LINKS, undecided.client)
    row = snapshot.get(XPM_CLIENTS, undecided.uuid) if undecided.uuid else None
    if undecided.reason not in ("merged", "gone") or link is None or row is None:
        return state_reason(undecided.reason)
    found = next((s for s in survivors(snapshot, undecided.client, link) if s.uuid == undecided.uuid), None)
    evidence = ", ".join(found.evidence) if found is not None else ""
    named = f"{row.name} ({row.number})" if row.number else row.name
    if undecided.reason == "gone":
        return f"{state_reason('gone')} It may have been merged into {named}: {evidence}."
    text = f"Merged in XPM, survivor: {named}: {evidence}."
    return f"{text} {survivor_conflict_advice(snapshot, undecided.client, undecided.uuid)}".strip()


def survivor_conflict_advice(snapshot: Snapshot, client: str, uuid: str) -> str:
    """Return what to do if the survivor is also another client's, as a sentence; otherwise empty."""
    others = other_linked_clients(snapshot, client, uuid)
    if not others:
        return ""
    other = snapshot.get(CLIENTS, others[0])
    named = f"{other.name} ({other.id})" if other is not None else others[0]
    how = "is linked to it" if snapshot.find_ids(LINKS, "uuid", uuid) else "was merged into it, too"
    return (
        f"{named} {how}, so two Ignition clients are now one client in XPM: link the one that stays, and "
        "ignore the other."
    )


def other_linked_clients(snapshot: Snapshot, client: str, uuid: str) -> list[str]:
    """Return the other clients that are linked to an XPM client, or have lost theirs to it by a merge."""
    found = snapshot.find_ids(LINKS, "uuid", uuid)
    for lost in snapshot.rows(LOST_CLIENTS):
        if any(each.uuid == uuid and each.level == "sure" for each in lost.found):
            found += [
                other.id
                for other in snapshot.find(LINKS, "uuid", lost.id)
                if snapshot.raw(IGNORED, other.id) is None
            ]
    return [id_ for id_ in dict.fromkeys(found) if id_ != client]


def frozen_fields_by_client(snapshot: Snapshot) -> dict[str, frozenset[str]]:
    """Return the frozen fields of every client that has any."""
    fields: dict[str, set[str]] = {}
    for freeze in snapshot.rows(FREEZES):
        fields.setdefault(freeze.client, set()).add(freeze.field)
    return {client: frozenset(names) for client, names in fields.items()}


def _survivor_uuid(snapshot: Snapshot, client: str, link: Link) -> str:
    found = survivor(snapshot, client, link)
    return found.uuid if found is not None else ""


def _ambiguous(snapshot: Snapshot, client: Client) -> bool:
    name = exact(client.name)
    found = exact_name_clients(snapshot, name)
    return len(found) > 1 or (len(found) == 1 and len(snapshot.find_ids(CLIENTS, "name", name)) > 1)


class RelinkFinding(msgspec.Struct, frozen=True, kw_only=True):
    """One client in the report.

    ``xpm_name`` is XPM's name if it differs from Ignition's. ``proposal`` is the XPM client that a rule
    proposes: one with the same name, or the successor of the linked one.
    """

    client: str
    state: LinkState
    uuid: str = ""
    number: str = ""
    xpm_name: str = ""
    quiet: bool = False
    proposal: str = ""

    @property
    def healthy(self) -> bool:
        """Return whether there is nothing to do and nothing to report."""
        return self.state in ("linked", "ignored") and not self.xpm_name


def relink(snapshot: Snapshot) -> list[RelinkFinding]:
    """Return a finding for every client in the store, healthy ones included, in order of arrival."""
    names = SameNames(snapshot)
    found = [_relink_finding(snapshot, client, names) for client in snapshot.rows(CLIENTS)]
    wanted = Counter(each.proposal for each in found)
    # An XPM client that is proposed for two clients is not assigned until a user decides.
    return [
        each if wanted[each.proposal] == 1 else msgspec.structs.replace(each, proposal="") for each in found
    ]


def _relink_finding(snapshot: Snapshot, client: Client, names: SameNames) -> RelinkFinding:
    link, row = link_and_row(snapshot, client.id)
    state = state_of(snapshot, client, link, row)
    if link is None:
        return RelinkFinding(client=client.id, state=state, proposal=exact_match(snapshot, client, names))
    renamed = row is not None and exact(row.name) != exact(client.name)
    return RelinkFinding(
        client=client.id,
        state=state,
        uuid=link.uuid,
        number=link.number,
        xpm_name=row.name if row is not None and renamed else "",
        quiet=link.quiet,
        proposal=_unreviewed_successor(snapshot, client, link, row, state),
    )


def _unreviewed_successor(
    snapshot: Snapshot, client: Client, link: Link, row: XpmClient | None, state: LinkState
) -> str:
    """Return the XPM client to which a broken link may be moved without a review; it is not linked."""
    if state not in ("converted", "merged"):
        return ""
    uuid = successor(snapshot, client, link, row) if state == "converted" else ""
    uuid = uuid or _survivor_uuid(snapshot, client.id, link)
    return "" if uuid and other_linked_clients(snapshot, client.id, uuid) else uuid
