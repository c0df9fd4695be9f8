"""Contacts that several XPM clients share: one record in XPM, so one change to it, whichever copy was edited.

Pure. Only where XPM is written: From XPM, every copy is compared with the one record by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from xpm_tui.domain.links import Base, Link, Value
from xpm_tui.domain.plan import Change
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.tables import BASE, CLIENTS, LINKS, XPM_CLIENTS
from xpm_tui.domain.xpm import XpmClient
from xpm_tui.sync.base import contact_key, mirror_values, pair
from xpm_tui.sync.canonical import contact_values, xpm_contacts
from xpm_tui.sync.planning.contacts import match_contacts
from xpm_tui.sync.planning.decisions import FOLLOWS, SHARED_EDITS, Rules
from xpm_tui.sync.policy import BY_NAME

Frozen = Callable[[str], frozenset[str]]
Changes = tuple[Change, ...]


class Copy(msgspec.Struct, frozen=True):
    """One copy of a shared contact here: the client that has it, and the XPM client that it is linked to."""

    client: str
    contact: str
    link: Link
    row: XpmClient

    @property
    def record(self) -> str:
        """The record that a change of it names."""
        return f"{self.client}/{self.contact}"


def owners(snapshot: Snapshot, contact: str) -> list[XpmClient]:
    """Return the XPM clients that a contact belongs to."""
    return [row for row in snapshot.find(XPM_CLIENTS, "contact_uuid", contact) if not row.deleted]


def copies(snapshot: Snapshot, contact: str) -> Iterator[Copy]:
    """Return the copies of an XPM contact here, those of links that sync values alone."""
    for row in owners(snapshot, contact):
        for link in snapshot.find(LINKS, "uuid", row.uuid):
            client = None if link.quiet else snapshot.get(CLIENTS, link.id)
            if client is None:
                continue
            match = match_contacts(client.contacts, xpm_contacts(row), link.contacts)
            for ours, theirs in match.pairs:
                if theirs.uuid == contact:
                    yield Copy(client.id, ours.id, link, row)


def value_of(snapshot: Snapshot, copy: Copy, field: str) -> Value:
    """Return what a copy says now."""
    client = snapshot.get(CLIENTS, copy.client)
    ours = next((each for each in client.contacts if each.id == copy.contact), None) if client else None
    return contact_values(ours).get(field) if ours is not None else None


def one_change_each(
    snapshot: Snapshot, rules: Rules, frozen: Frozen, planned: Mapping[str, Changes]
) -> dict[str, Changes]:
    """Return the planned changes, by client, with one change to XPM for each field of a shared contact.

    The change names the other XPM clients, and the changes that bring it to the other copies here follow it.
    Where copies were edited to different values, all of them are held: the user ticks one.
    """
    groups: dict[tuple[str, str], list[Change]] = defaultdict(list)
    for changes in planned.values():
        for change in changes:
            if change.shared:
                groups[change.shared, change.field].append(change)
    become: dict[tuple[str, str], Changes] = {}
    for (contact, field), group in groups.items():
        work = _Group(snapshot, rules, frozen, contact, field, group)
        for change in group:
            become[change.record, field] = work.instead(change)
    if not become:
        return dict(planned)
    return {
        client: tuple(
            new
            for change in changes
            for new in (become[change.record, change.field] if change.shared else (change,))
        )
        for client, changes in planned.items()
    }


class _Group:
    """One field of one shared contact: what every copy wants it to be."""

    def __init__(
        self,
        snapshot: Snapshot,
        rules: Rules,
        frozen: Frozen,
        contact: str,
        field: str,
        group: Iterable[Change],
    ) -> None:
        self._snapshot = snapshot
        self._rules = rules
        self._field = field
        self._contact = contact
        self._group = {change.record: change for change in group}
        self._rows = [row.uuid for row in owners(snapshot, contact)]
        self._copies = {
            copy.record: copy
            for copy in copies(snapshot, contact)
            if frozen(copy.client).isdisjoint({"*", field, contact_key(copy.contact, field)})
        }
        edited = {record: new for record, change in self._group.items() if change.rule != "drift"
                  for new in (change.new,)}  # fmt: skip
        for record, copy in self._copies.items():
            if record not in self._group and self._is_edited(copy):
                edited[record] = value_of(snapshot, copy, field)
        self._wanted = edited or {record: change.new for record, change in self._group.items()}
        self._conflict = len(set(self._wanted.values())) > 1
        self._main = next((record for record in self._group if record in self._wanted), "")

    def instead(self, change: Change) -> Changes:
        """What is planned in place of one copy's change."""
        if change.record not in self._wanted:
            return ()
        if not self._conflict and change.record != self._main:
            return ()
        if self._conflict:
            change = msgspec.structs.replace(change, ticked=False, held=SHARED_EDITS, mark="conflict")
        here = self._copies.get(change.record)
        own = here.row.uuid if here is not None else ""
        change = msgspec.structs.replace(change, also=tuple(uuid for uuid in self._rows if uuid != own))
        return (change, *self._followers(change))

    def _followers(self, change: Change) -> Iterator[Change]:
        for record, copy in self._copies.items():
            old = value_of(self._snapshot, copy, self._field)
            if record == change.record or old == change.new:
                continue
            yield Change(
                record=record,
                field=self._field,
                side="ignition",
                rule=FOLLOWS,
                old=old,
                new=change.new,
                ticked=change.ticked,
                held=change.held,
                shared=self._contact,
                follows=change.record,
            )

    def _is_edited(self, copy: Copy) -> bool:
        """Whether a copy that is not part of the plan was edited here since it last agreed."""
        base = self._snapshot.get(BASE, copy.client) or Base(id=copy.client)
        mirror = mirror_values(copy.row, copy.link)
        key = contact_key(copy.contact, self._field)
        there = next(each for each in copy.row.contacts if each.uuid == self._contact)
        theirs = contact_values(there).get(self._field)
        ours = value_of(self._snapshot, copy, self._field)
        verdict = self._rules.verdict(BY_NAME[self._field], ours, theirs, pair(base, key, mirror))
        return verdict not in ("same", "agree", "drift")
