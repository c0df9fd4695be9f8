"""Queries on clients: lists of those in the store, both sides field by field, and a search in XPM's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from functools import partial
from zlib import crc32

import msgspec

from xpm_tui.application.derived_data import is_worth_saving, read_saved, save
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.lookup import (
    CONTACT_NAME,
    DifferencePresenter,
    DifferenceView,
    find_client,
    find_xpm,
)
from xpm_tui.application.presenters.presenter import Presenter
from xpm_tui.application.presenters.views import ClientView, SideBySide, XpmClientView
from xpm_tui.application.runs.plans import newest_draft
from xpm_tui.domain.field_types import is_blank
from xpm_tui.domain.fields import CLIENT, SYNCED_BY_NAME
from xpm_tui.domain.identity import name_key
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.links import Link, Value
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.reason_labels import DIFFERENCES
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import BASE, CLIENTS, LINKS, PLANNED, XPM_CLIENTS
from xpm_tui.domain.xpm import WHOLE, XpmClient
from xpm_tui.sync.base import PRIMARY, base_pair, contact_key, foreign_values, mirror_values
from xpm_tui.sync.canonical import Values, contact_values, ignition_values, staff_uuid
from xpm_tui.sync.matching.search_index import PickerEntry, PickerIndex
from xpm_tui.sync.planning.decisions import because_held, change_reason
from xpm_tui.sync.planning.planner import compare_client, plan_client, rules_for
from xpm_tui.sync.policy import CLIENT_FIELDS, CONTACT_FIELDS

_PICKER = "picker"
_BROKEN = ("gone", "converted", "merged", "ambiguous")


class ClientViews(Collection[ClientView]):
    """Clients of one snapshot in order of arrival, each converted when the iteration reaches it."""

    def __init__(self, snapshot: Snapshot, only: str = "", text: str = "") -> None:
        self._snapshot = snapshot
        self._ids: Sequence[str] | None = None
        if only or text:
            self._ids = [view.id for view in self._matching(_predicate(snapshot, only), text.casefold())]

    def _matching(self, is_wanted: Callable[[ClientView], bool], needle: str) -> Iterator[ClientView]:
        presenter = Presenter(self._snapshot)
        for client in self._snapshot.rows(CLIENTS):
            if not needle or needle in _searched_text(client):
                view = presenter.client(client)
                if is_wanted(view):
                    yield view

    def __iter__(self) -> Iterator[ClientView]:
        presenter, snapshot = Presenter(self._snapshot), self._snapshot
        if self._ids is None:
            yield from map(presenter.client, snapshot.rows(CLIENTS))
            return
        found = (snapshot.get(CLIENTS, id_) for id_ in self._ids)
        yield from (presenter.client(client) for client in found if client is not None)

    def __len__(self) -> int:
        return self._snapshot.count(CLIENTS) if self._ids is None else len(self._ids)

    def __contains__(self, view: object) -> bool:
        return any(view == each for each in self)


def list_clients(practice: OpenPractice, *, only: str = "", text: str = "") -> ClientViews:
    """Return the clients in the store in order of arrival.

    ``only`` restricts them to ``linked``, ``unlinked``, ``needs-link``, ``broken``, ``same-name``,
    ``frozen``, ``ignored``, ``archived``, ``conflict`` (in the newest plan) or ``removed-contact`` (one was
    removed in XPM); ``text`` is searched in names, e-mails and ids, ignoring case.
    """
    return ClientViews(practice.snapshot(), only, text)


def _searched_text(client: Client) -> str:
    parts = [client.id, client.client_id, client.name]
    for contact in client.contacts:
        parts += (contact.name, contact.email)
    return "\n".join(parts).casefold()


def _predicate(snapshot: Snapshot, only: str) -> Callable[[ClientView], bool]:
    """Return the function that says whether a client passes a filter."""
    if only == "same-name":
        keys: Counter[str] = Counter(name_key(client.name) for client in snapshot.rows(CLIENTS))
        theirs = Counter(name_key(row.name) for row in snapshot.rows(XPM_CLIENTS) if not row.deleted)
        return lambda view: keys[name_key(view.name)] > 1 or theirs[name_key(view.name)] > 1
    if only == "conflict":
        clients = _conflicting(snapshot)
        return lambda view: view.id in clients
    predicates: dict[str, Callable[[ClientView], bool]] = {
        "": lambda view: True,
        "linked": lambda view: view.link is not None,
        "unlinked": lambda view: view.link is None,
        "needs-link": lambda view: bool(view.needs),
        "broken": lambda view: view.link_state in _BROKEN,
        "frozen": lambda view: bool(view.frozen),
        "removed-contact": lambda view: any(each.side == "xpm" for each in view.removed_contacts),
        "ignored": lambda view: view.ignored is not None,
        "archived": lambda view: view.link_state == "archived",
    }
    return predicates[only]


def _conflicting(snapshot: Snapshot) -> frozenset[str]:
    newest = newest_draft(snapshot)
    if newest is None:
        return frozenset()
    return frozenset(
        record.client
        for record in snapshot.find(PLANNED, "plan", newest.id)
        if any(change.conflict for change in record.changes)
    )


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
    """Return the index that was saved last, and whether the mirror is still the same; None without one."""
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
    """Make and save the index of the mirror in short steps: yield None, and the index at the end.

    ``known`` are the entries of an earlier index, so that only what has changed since is read.
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
    """Return the XPM clients that match a query, best first; ``index`` saves building one for each search."""
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
            reason = because_held(change.held) if change.held else change_reason(change.rule, change.side)
            self.reasons[change.record, change.field] = reason

    def all(self) -> list[SideBySide]:
        """Return the client's fields, then those of linked contacts, then contacts that only XPM has."""
        ours, theirs = ignition_values(self.client, self.team), self.mirror
        found = [
            self._one(self.client.id, rule.name, rule.name, rule.label, ours, theirs)
            for rule in CLIENT_FIELDS
        ]
        there = {contact.uuid: contact for contact in self.row.present_contacts}
        uuids = {joined.contact: joined.uuid for joined in self.link.contacts}
        several = len(self.client.contacts) > 1
        for contact in self.client.contacts:
            other = there.pop(uuids.get(contact.id, ""), None)
            mine, xpm = contact_values(contact), contact_values(other) if other else {}
            record = f"{self.client.id}/{contact.id}"
            whose = visible(contact.name or contact.email or contact.id, CONTACT_NAME)
            for rule in CONTACT_FIELDS:
                text = f"{rule.label} ({whose})" if several else rule.label
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
        """Return why XPM's value is older than the others; for a whole record, the note is at the name."""
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

    def _one(self, record: str, field: str, key: str, text: str, ours: Values, theirs: Values) -> SideBySide:
        """Return one field of the client or of a linked contact; ``text`` is its label."""
        here, there = ours.get(field), theirs.get(field)
        agreed = base_pair(self.base, key, self.mirror) if self.base else None
        reason = self._unread(field, own=record == self.client.id) or self.reasons.get((record, field), "")
        if not reason and here != there and not is_blank(here):  # The contact is on one side only.
            reason = self.reasons.get((record, "contact"), "")
        if not reason and self.row.deleted and here != there:
            reason = DIFFERENCES["link"].help
        return SideBySide(
            field=key,
            label=text,
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
        return self.views.value(field, staff_uuid(value)) if SYNCED_BY_NAME[field].kind == "person" else value
