"""Queries on clients: those in the store, those of XPM, and proposals to link them. Nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any
from zlib import crc32

import msgspec

from xpm_tui.application.clients.client_lists import list_clients
from xpm_tui.application.derived_data import is_worth_saving, read_saved, save
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.lookup import (
    DifferencePresenter,
    DifferenceView,
    find_client,
    find_xpm,
    show_client,
)
from xpm_tui.application.presenters.presenter import Presenter
from xpm_tui.application.presenters.views import (
    ProposalView,
    ReviewView,
    SideBySide,
    XpmClientView,
)
from xpm_tui.domain.fields import CLIENT
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.links import Link, Successor, Value
from xpm_tui.domain.plan import UndecidedClient
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.reason_labels import DIFFERENCES
from xpm_tui.domain.tables import BASE, BLOCKED_PAIRS, CLIENTS, LINKS, XPM_CLIENTS
from xpm_tui.domain.xpm import WHOLE, XpmClient
from xpm_tui.sync.base import PRIMARY, contact_key, foreign_values, mirror_values, pair
from xpm_tui.sync.canonical import Values, contact_values, ignition_values, is_blank, staff_uuid, xpm_contacts
from xpm_tui.sync.matching.proposals import LinkProposal, MatchIndex
from xpm_tui.sync.matching.search_index import PickerEntry, PickerIndex
from xpm_tui.sync.matching.successors import STRONG
from xpm_tui.sync.planning.decisions import because_held, change_reason
from xpm_tui.sync.planning.links import (
    SameNames,
    link_state,
    lost_links,
    needs_person,
    other_linked_clients,
    planned_link,
    survivors,
)
from xpm_tui.sync.planning.links import decision_reason as needs_reason
from xpm_tui.sync.planning.planner import compare_client, plan_client, rules_for
from xpm_tui.sync.policy import BY_NAME, CLIENT_FIELDS, CONTACT_FIELDS

__all__ = [
    "find_client", "find_xpm", "list_clients", "people_views", "picker_index_steps", "proposals", "review",
    "saved_picker_index", "search_xpm", "show_client", "show_xpm", "side_by_side", "sure_proposals",
]  # fmt: skip

_PICKER = "picker"


def side_by_side(practice: OpenPractice, text: str) -> list[SideBySide]:
    """Return each field of a linked client on both sides, with the base and the reason of a difference.

    Contacts come last. The result is empty for a client that is not linked, or whose XPM client the mirror
    does not have.
    """
    snapshot = practice.snapshot()
    client = find_client(snapshot, text)
    link = snapshot.get(LINKS, client.id)
    row = snapshot.get(XPM_CLIENTS, link.uuid) if link else None
    if link is None or row is None:
        return []
    return _RecordPair(practice, snapshot, client, link, row).all()


def saved_picker_index(practice: OpenPractice) -> tuple[PickerIndex, bool] | None:
    """Return the index that was saved last, and whether it is still that of the mirror; None without one."""
    snapshot = practice.snapshot()
    saved = read_saved(practice, _PICKER) if is_worth_saving(snapshot) else None
    if saved is None:
        return None
    try:
        return PickerIndex.of_pieces(saved.pieces), saved.of == snapshot.fingerprint(XPM_CLIENTS)
    except (msgspec.MsgspecError, ValueError):
        return None


def picker_index(practice: OpenPractice) -> PickerIndex:
    """Return the index of the current mirror: the saved one if it is current, otherwise a new one."""
    snapshot = practice.snapshot()
    saved = read_saved(practice, _PICKER) if is_worth_saving(snapshot) else None
    known: Sequence[PickerEntry] = ()
    with suppress(msgspec.MsgspecError, ValueError):
        if saved is not None and saved.of == snapshot.fingerprint(XPM_CLIENTS):
            return PickerIndex.of_pieces(saved.pieces)
        known = PickerIndex.entries_of(saved.pieces) if saved is not None else ()
    return next(index for index in picker_index_steps(practice, known) if index is not None)


def picker_index_steps(practice: OpenPractice, known: Sequence[PickerEntry]) -> Iterator[PickerIndex | None]:
    """Make the index of the mirror and save it, in short steps; the last one yields it.

    ``known`` are the entries of an earlier index: only what has changed since is read.
    """
    snapshot = practice.snapshot()
    rows = (
        (uuid, crc32(snapshot.raw(XPM_CLIENTS, uuid) or b""), partial(snapshot.get, XPM_CLIENTS, uuid))
        for uuid in snapshot.ids(XPM_CLIENTS)
    )
    for index in PickerIndex.renew(rows, known):
        if index is not None and is_worth_saving(snapshot):
            save(practice, _PICKER, snapshot.fingerprint(XPM_CLIENTS), index.pieces())
        yield index


def search_xpm(
    practice: OpenPractice, query: str, *, limit: int = 50, index: PickerIndex | None = None
) -> list[XpmClientView]:
    """Return clients of the mirror, best first; pass ``index`` to avoid building one for every search."""
    snapshot = practice.snapshot()
    presenter = Presenter(snapshot)
    index = index or picker_index(practice)
    views = []
    for hit in index.search(query, limit):
        row = snapshot.get(XPM_CLIENTS, hit.uuid)
        if row is not None:
            views.append(presenter.xpm(row, why=hit.why, spans=hit.spans))
    return views


def show_xpm(practice: OpenPractice, text: str) -> XpmClientView:
    """Return one XPM client by number, UUID, address or code. Raises ``NotFound`` and ``BadInput``."""
    snapshot = practice.snapshot()
    return Presenter(snapshot).xpm(find_xpm(snapshot, text))


def proposals(
    practice: OpenPractice, client: str, *, limit: int = 5, index: MatchIndex | None = None
) -> tuple[ProposalView, ...]:
    """Return the XPM clients that a client may be, best first, after a converted prospect's new record."""
    snapshot = practice.snapshot()
    index = index or MatchIndex.build(snapshot)
    return _proposals(snapshot, index, find_client(snapshot, client), limit)


PLANNED_LINK = "Exactly one client on each side has this name: the next plan links them."


def review(
    practice: OpenPractice, only: Iterable[str] = (), *, limit: int = 5, index: MatchIndex | None = None
) -> list[ReviewView]:
    """Return the clients that need a decision, each with its proposals; ``only`` restricts it to some."""
    snapshot = practice.snapshot()
    chosen = [find_client(snapshot, text) for text in only] or snapshot.rows(CLIENTS)
    found: list[ReviewView] = []
    names = SameNames(snapshot)
    for client in chosen:
        state = link_state(snapshot, client)
        person = needs_person(snapshot, client, state)
        if person is None:
            continue
        index = index or MatchIndex.build(snapshot)
        planned = planned_link(snapshot, client, person, names)
        found.append(
            ReviewView(
                id=client.id,
                client_id=client.client_id or None,
                name=client.name,
                reason=_undone(snapshot, client)
                or (PLANNED_LINK if planned else needs_reason(snapshot, person)),
                proposals=_proposals(snapshot, index, client, limit, first=person.uuid),
                email=next((c.email for c in client.contacts if c.email), ""),
                link_state=state,
                planned=planned,
            )
        )
    return found


def sure_proposals(practice: OpenPractice, only: Iterable[str] = ()) -> list[ReviewView]:
    """Return those of :func:`review` whose first proposal is sure and not that of another client.

    A client with a link, even a broken one, is included only if its XPM client was merged into another.
    """
    links = practice.snapshot()
    found = [
        view
        for view in review(practice, only)
        if view.proposals
        and view.proposals[0].sure
        and (view.link_state == "merged" or links.raw(LINKS, view.id) is None)
    ]
    wanted = Counter(view.proposals[0].uuid for view in found)
    return [view for view in found if wanted[view.proposals[0].uuid] == 1]


def people_views(snapshot: Snapshot, people: Iterable[UndecidedClient]) -> list[dict[str, Any]]:
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
    snapshot: Snapshot, index: MatchIndex, client: Client, limit: int, *, first: str = ""
) -> tuple[ProposalView, ...]:
    found = index.propose(client, limit)
    lost = lost_links(snapshot, client.id)
    if lost:
        found = _successor_proposals(snapshot, client, lost, found, limit)
    if first:
        found.sort(key=lambda proposal: proposal.uuid != first)
    successors = {each.uuid for link in lost for each in survivors(snapshot, client.id, link)}
    found = [*_set_aside(snapshot, index, client), *found][:limit]
    return tuple(_proposal(snapshot, proposal, proposal.uuid in successors) for proposal in found)


def _successor_proposals(
    snapshot: Snapshot, client: Client, lost: Sequence[Link], alike: Sequence[LinkProposal], limit: int
) -> list[LinkProposal]:
    """Return proposals for a client whose XPM client is gone: possible successors, then similar names.

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
    return sorted(found, key=lambda each: (not each.sure, -each.score))[:limit]


def _successor(found: Successor, row: XpmClient, named: LinkProposal | None, taken: bool) -> LinkProposal:
    """Return the proposal to link a possible successor.

    ``named`` is what the name alone proposes. ``taken``: another Ignition client is linked to it, or has lost
    its own XPM client to it.
    """
    strong = found.level == "sure"
    likely = strong or found.level == "likely" or (named is not None and named.level != "weak")
    words = dict.fromkeys((*found.evidence, *(named.reasons if named is not None else ())))
    if taken:
        words["already linked to another client"] = None
    return LinkProposal(
        uuid=row.uuid,
        number=row.number,
        name=row.name,
        score=found.score if strong or named is None else _combined_score(found.score, named.score),
        sure=strong and not taken,
        level="sure" if strong and not taken else "likely" if likely else "weak",
        reasons=tuple(words),
        identity=named.identity if named is not None else "different",
    )


def _combined_score(one: int, other: int) -> int:
    """Return the score of two kinds of evidence that agree, below that of strong evidence."""
    return min(STRONG - 1, round(max(one, other) + 0.4 * min(one, other)))


def _undone(snapshot: Snapshot, client: Client) -> str:
    """Return the note that an undo removed the link of an unlinked client; empty otherwise."""
    apart = (
        snapshot.find(BLOCKED_PAIRS, "client", client.id) if snapshot.raw(LINKS, client.id) is None else []
    )
    run = next((each.undone for each in apart if each.undone), "")
    return f"Its link was removed when run {run} was undone." if run else ""


def _set_aside(snapshot: Snapshot, index: MatchIndex, client: Client) -> Iterator[LinkProposal]:
    """Return the pairs that an undo unlinked, each with a note: they come before other proposals."""
    for pair_ in snapshot.find(BLOCKED_PAIRS, "client", client.id):
        if pair_.undone and not snapshot.find(LINKS, "uuid", pair_.uuid):
            proposal = index.one(client, pair_.uuid)
            if proposal is not None:
                yield msgspec.structs.replace(proposal, reasons=(pair_.sentence, *proposal.reasons))


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


class _RecordPair:
    """Both records of one linked client, field by field."""

    def __init__(
        self, practice: OpenPractice, snapshot: Snapshot, client: Client, link: Link, row: XpmClient
    ) -> None:
        self.client, self.row = client, row
        policy = practice.policy()
        rules = rules_for(snapshot, policy)
        planned = plan_client(snapshot, policy, client)
        self.team = rules.team
        self.base = snapshot.get(BASE, client.id)
        self.link = compare_client(snapshot, rules, client, link, row).link
        self.mirror = mirror_values(row, self.link)
        self.views = Presenter(snapshot)
        self.frozen = self.views.frozen.get(client.id, frozenset())
        self.former = foreign_values(snapshot, client, link.uuid, self.views.team)
        self.reasons: dict[tuple[str, str], str] = {}
        presenter = DifferencePresenter(snapshot, policy.direction)
        self.differences = [presenter.view(row.uuid, each) for each in planned.differences]
        for view in self.differences:
            self.reasons[view.record, view.field] = " ".join(filter(None, (view.reason, view.hint)))
        for change in planned.changes:
            said = because_held(change.held) if change.held else change_reason(change.rule, change.side)
            self.reasons[change.record, change.field] = said

    def all(self) -> list[SideBySide]:
        """Return the client's fields, then those of linked contacts, then contacts that only XPM has."""
        ours, theirs = ignition_values(self.client, self.team), self.mirror
        found = [
            self._one(self.client.id, rule.name, rule.name, rule.label, ours, theirs)
            for rule in CLIENT_FIELDS
        ]
        there = {contact.uuid: contact for contact in xpm_contacts(self.row)}
        stands = {joined.contact: joined.uuid for joined in self.link.contacts}
        for contact in self.client.contacts:
            other = there.pop(stands.get(contact.id, ""), None)
            mine, xpm = contact_values(contact), contact_values(other) if other else {}
            record = f"{self.client.id}/{contact.id}"
            for rule in CONTACT_FIELDS:
                text = f"{rule.label} ({contact.id})"
                found.append(
                    self._one(record, rule.name, contact_key(contact.id, rule.name), text, mine, xpm)
                )
        for alone in there.values():
            record = f"{self.client.id}/{alone.uuid}"
            found.append(
                SideBySide(
                    field=contact_key(alone.uuid, "contact"),
                    label="Contact in XPM",
                    ignition=None,
                    xpm=alone.name or alone.email,
                    agreed=None,
                    has_agreed=False,
                    reason=self.reasons.get((record, "contact"), ""),
                    frozen=not self.frozen.isdisjoint(("contact", "*")),
                )
            )
        return found + [self._primary(view) for view in self.differences if view.field == PRIMARY]

    def _unread(self, field: str, *, own: bool) -> str:
        """Return why XPM's value is older than the others; for a whole record, the note is on its name."""
        for fault in self.row.unread:
            whole = fault.attribute == WHOLE
            named = CLIENT.get(fault.attribute)
            theirs = named is not None and (named.name == field if own else named.kind == "contacts")
            if (own and field == "name") if whole else theirs:
                what = "record" if whole else "value"
                old = f"XPM's {what} cannot be read, so its previous value is shown"
                return f"{old}: {fault.sentence}. {fault.remedy}"
        return ""

    def _primary(self, view: DifferenceView) -> SideBySide:
        return SideBySide(
            field=PRIMARY,
            label=view.label,
            ignition=view.ignition_shown,
            xpm=view.xpm_shown,
            agreed=None,
            has_agreed=False,
            reason=view.reason,
            frozen=view.rule == "frozen",
        )

    def _one(self, record: str, field: str, key: str, said: str, ours: Values, theirs: Values) -> SideBySide:
        here, there = ours.get(field), theirs.get(field)
        agreed = pair(self.base, key, self.mirror) if self.base else None
        reason = self._unread(field, own=record == self.client.id) or self.reasons.get((record, field), "")
        if not reason and here != there and not is_blank(here):  # The contact is on one side only.
            reason = self.reasons.get((record, "contact"), "")
        if not reason and self.row.deleted and here != there:
            reason = DIFFERENCES["link"].help
        return SideBySide(
            field=key,
            label=said,
            ignition=self._text(field, here),
            xpm=self._text(field, there),
            agreed=self._text(field, agreed.ignition) if agreed else None,
            has_agreed=agreed is not None,
            reason=reason,
            frozen=bool({field, key, "*"} & self.frozen),
            came_from=self.views.xpm_ref(self.former[key].uuid).name if key in self.former else "",
        )

    def _text(self, field: str, value: Value) -> Value:
        """Return a value for users, with people by name."""
        return self.views.value(field, staff_uuid(value)) if BY_NAME[field].kind == "person" else value
