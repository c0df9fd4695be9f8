"""Present records as views, also those of XPM that were set aside because they cannot be read.

A presenter belongs to one snapshot, and caches what it looks up for a whole list.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec

from xpm_tui.application.presenters.views import (
    AffectedView,
    ChangeView,
    ClientView,
    ContactView,
    FormerView,
    LinkView,
    PersonView,
    RefView,
    RemovedContactView,
    XpmClientView,
    XpmRefView,
)
from xpm_tui.domain.fields import BY_NAME, CLIENT, Kind, Record, of_record
from xpm_tui.domain.fields import label as field_label
from xpm_tui.domain.formatting import count
from xpm_tui.domain.ignition import Client, Contact
from xpm_tui.domain.links import Link, Value, ValueOrigin
from xpm_tui.domain.plan import Change, PlannedRecord
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import CLIENTS, IGNORED, LINKS, STAFF, TEAM, XPM_CLIENTS
from xpm_tui.domain.xpm import Quarantined, RecordFault, XpmClient
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application.presenters import namesakes
    from xpm_tui.sync import base, canonical, mirror
    from xpm_tui.sync.manual import takeover
    from xpm_tui.sync.planning import links as link_states


if TYPE_CHECKING:
    from xpm_tui.sync.canonical import TeamLinks


def _copied_attributes(record: Record) -> tuple[str, ...]:
    """Return the attributes of Ignition's record that a view copies unchanged."""
    fields = (field for field in of_record(record).values() if field.ignition)
    return tuple(field.attribute for field in fields if field.kind not in ("id", "person", "contacts"))


def _of_kind(record: Record, kind: Kind) -> tuple[str, ...]:
    return tuple(field.attribute for field in of_record(record).values() if field.kind == kind)


_CLIENT_ATTRIBUTES, _CONTACT_ATTRIBUTES = _copied_attributes("client"), _copied_attributes("contact")
_client_values, _contact_values = attrgetter(*_CLIENT_ATTRIBUTES), attrgetter(*_CONTACT_ATTRIBUTES)
_CLIENT_IDS, _CONTACT_IDS = _of_kind("client", "id"), _of_kind("contact", "id")
_PEOPLE = _of_kind("client", "person")
_XPM_SHOWN = {
    name: field.kind
    for name, field in CLIENT.items()
    if field.xpm and name in XpmClientView.__struct_fields__
}
"""The fields of an XPM client in its view, which is a summary."""

_xpm_values = attrgetter(*_XPM_SHOWN)
_XPM_PEOPLE = tuple(name for name, kind in _XPM_SHOWN.items() if kind == "person")
_XPM_NAMES = tuple(name for name, kind in _XPM_SHOWN.items() if kind == "names")


class Presenter:
    """Presents the records of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._persons: dict[str, PersonView] = {}

    @cached_property
    def frozen(self) -> dict[str, frozenset[str]]:
        """Return frozen fields by client."""
        return link_states.frozen_fields_by_client(self.snapshot)

    @cached_property
    def people(self) -> dict[str, PersonView]:
        """Return team members by id."""
        return {
            m.id: PersonView(id=m.id, name=m.name, staff=m.staff or None) for m in self.snapshot.rows(TEAM)
        }

    @cached_property
    def team(self) -> TeamLinks:
        """Return the links between team members and staff."""
        return canonical.TeamLinks.read(self.snapshot)

    @cached_property
    def unlisted_people(self) -> dict[str, str]:
        """Return by UUID the names of people whom XPM's clients name and no list contains."""
        return mirror.named_people(self.snapshot)

    def client(self, client: Client) -> ClientView:
        """Return a client in the store as a view."""
        snapshot = self.snapshot
        link = snapshot.get(LINKS, client.id)
        row = snapshot.get(XPM_CLIENTS, link.uuid) if link else None
        state = link_states.state_of(snapshot, client, link, row)
        person = link_states.undecided_client(snapshot, client, state)
        ignored = snapshot.get(IGNORED, client.id)
        fields: dict[str, Any] = dict(zip(_CLIENT_ATTRIBUTES, _client_values(client), strict=True))
        fields |= {name: getattr(client, name) or None for name in _CLIENT_IDS}
        fields |= {name: self.person(getattr(client, name)) for name in _PEOPLE}
        former = base.foreign_values(snapshot, client, link.uuid if link else "", self.team)
        removed = removed_contacts(client, link, row) if link and row else ()
        gone = frozenset(each.id for each in removed if each.side == "xpm")
        return ClientView(
            id=client.id,
            link=self.link(link, state, row) if link else None,
            link_state=state,
            needs=link_states.decision_reason(snapshot, person) if person else "",
            contacts=tuple(self._contact(contact, link, former, gone) for contact in client.contacts),
            frozen=tuple(sorted(self.frozen.get(client.id, ()))),
            ignored=ignored.reason if ignored else None,
            origin=client.origin,
            extra=client.extra,
            came_from={key: self.xpm_ref(each.uuid) for key, each in former.items() if "." not in key},
            removed_contacts=removed,
            **fields,
        )

    def xpm_ref(self, uuid: str) -> XpmRefView:
        """Return a reference to an XPM client, which XPM need not have any more."""
        row = self.snapshot.get(XPM_CLIENTS, uuid)
        return XpmRefView(uuid=uuid, number=row.number if row else "", name=row.name if row else uuid)

    def affected(self, uuid: str) -> AffectedView:
        """Return another XPM client that a change affects, with the Ignition client linked to it."""
        there = self.xpm_ref(uuid)
        ids = sorted(self.snapshot.find_ids(LINKS, "uuid", uuid), key=lambda id_: (len(id_), id_))
        client = self.snapshot.get(CLIENTS, ids[0]) if ids else None
        return AffectedView(
            uuid=uuid,
            number=there.number,
            name=there.name,
            client=client.id if client else None,
            client_id=(client.client_id or None) if client else None,
        )

    def link(self, link: Link, state: str, row: XpmClient | None) -> LinkView:
        """Return a link with the XPM client's name in the mirror."""
        return LinkView(
            uuid=link.uuid,
            number=row.number if row and row.number else link.number,
            state=state,  # type: ignore[arg-type]
            name=row.name if row else "",
            origin=link.origin,
            quiet=link.quiet,
            at=link.at,
            by=link.by,
        )

    def xpm(self, row: XpmClient, *, why: str = "", spans: tuple[tuple[int, int], ...] = ()) -> XpmClientView:
        """Return an XPM client as a view, with a contact's e-mail and, if needed, the postal city."""
        fields: dict[str, Any] = dict(zip(_XPM_SHOWN, _xpm_values(row), strict=True))
        for name in _XPM_PEOPLE:
            fields[name] = fields[name].name if fields[name] else ""
        for name in _XPM_NAMES:
            fields[name] = tuple(member.name for member in fields[name] or ())
        fields["email"] = next((c.email for c in row.contacts if c.email and not c.deleted), row.email)
        fields["city"] = row.city or row.postal_city
        return XpmClientView(
            id=row.uuid,
            uuid=row.uuid,
            number=row.number,
            url=row.web_url,
            linked=tuple(self.ref(id_) for id_ in self.snapshot.find_ids(LINKS, "uuid", row.uuid)),
            why=why,
            spans=spans,
            **fields,
        )

    def ref(self, id_: str) -> RefView:
        """Return a reference to a client in the store."""
        client = self.snapshot.get(CLIENTS, id_)
        return RefView(id=id_, name=client.name if client else "")

    def person(self, id_: str) -> PersonView | None:
        """Return a team member whom a client names; an unknown one has the id as its name."""
        if not id_:
            return None
        found = self._persons.get(id_)
        if found is None:
            found = self.people.get(id_) or PersonView(id=id_, name=self.person_name(id_))
            self._persons[id_] = found
        return found

    def person_name(self, id_: str) -> str:
        """Return the name of a team member or XPM staff record; the id itself if it is unknown."""
        member = self.people.get(id_)
        if member:
            return member.name
        staff = self.snapshot.get(STAFF, id_)
        return staff.name if staff else self.unlisted_people.get(id_, id_)

    def value(self, field: str, value: Value) -> Value:
        """Return a value for users, with people and linked clients by name."""
        if not isinstance(value, str) or not value:
            return value
        row = BY_NAME.get(field)
        if row is not None and row.kind == "person":
            return self.person_name(value)
        if field in ("link", "client"):
            there = self.snapshot.get(XPM_CLIENTS, value)
            return f"{there.number} {there.name}".strip() if there else value
        return value

    def shown(self, field: str, value: Value, ours: Client | None, theirs: XpmClient | None) -> Value:
        """Return one of a client's values for users; the primary contact is shown by name."""
        if field != base.PRIMARY:
            return self.value(field, value)
        return namesakes.contact_names(ours, theirs).get(str(value)) or value

    def both_shown(
        self, field: str, old: Value, new: Value, ours: Client | None, theirs: XpmClient | None
    ) -> tuple[Value, Value]:
        """Return two of a client's values for users: of namesakes, with what tells them apart."""
        shown = self.shown(field, old, ours, theirs), self.shown(field, new, ours, theirs)
        return namesakes.distinguish(self.snapshot, (old, new), shown, ours, theirs)

    def _contact(
        self,
        contact: Contact,
        link: Link | None,
        former: Mapping[str, ValueOrigin],
        gone: Collection[str],
    ) -> ContactView:
        linked = next((c.uuid for c in link.contacts if c.contact == contact.id), None) if link else None
        fields: dict[str, Any] = dict(zip(_CONTACT_ATTRIBUTES, _contact_values(contact), strict=True))
        fields |= {name: getattr(contact, name) or None for name in _CONTACT_IDS}
        return ContactView(
            id=contact.id,
            uuid=linked or None,
            removed="xpm" if contact.id in gone else "",
            came_from=self._origin_of_contact(contact, former) if former else None,
            **fields,
        )

    def _origin_of_contact(self, contact: Contact, former: Mapping[str, ValueOrigin]) -> XpmRefView | None:
        start = f"{contact.id}."
        return next((self.xpm_ref(each.uuid) for key, each in former.items() if key.startswith(start)), None)


def removed_contacts(client: Client, link: Link, row: XpmClient) -> tuple[RemovedContactView, ...]:
    """Return the contacts of a linked client that were removed on one side after they were linked."""
    if row.deleted or not link.contacts:
        return ()
    ours = {each.id: each for each in client.contacts}
    theirs = {each.uuid: each for each in row.present_contacts}
    found = []
    for each in link.contacts:
        here, there = ours.get(each.contact), theirs.get(each.uuid)
        if not each.contact or not each.uuid or (here is None) == (there is None):
            continue
        kept = here if here is not None else there
        found.append(
            RemovedContactView(
                side="xpm" if here is not None else "ignition",
                id=each.contact,
                uuid=each.uuid,
                name=(kept.name or kept.email) if kept is not None else "",
            )
        )
    return tuple(found)


def change_views(snapshot: Snapshot, records: Iterable[PlannedRecord]) -> Iterator[ChangeView]:
    """Return all changes of some records as views."""
    presenter = Presenter(snapshot)
    for record in records:
        for change in record.changes:
            yield change_view(presenter, record.client, record.uuid, change)


def change_view(presenter: Presenter, client: str, uuid: str, change: Change) -> ChangeView:
    """Return a change of a client that is, or would be, linked to the XPM client ``uuid``."""
    snapshot = presenter.snapshot
    if change.follows:
        client, uuid = change.record.partition("/")[0], ""
    ours = snapshot.get(CLIENTS, change.record.partition("/")[0])
    if not uuid:
        link = snapshot.get(LINKS, client)
        uuid = link.uuid if link else ""
    theirs = snapshot.get(XPM_CLIENTS, uuid) if uuid else None
    old_shown, new_shown = presenter.both_shown(change.field, change.old, change.new, ours, theirs)
    return ChangeView(
        record=change.record,
        name=ours.name if ours else theirs.name if theirs else "",
        field=change.field,
        side=change.side,
        old=change.old,
        new=change.new,
        rule=change.rule,
        mark=change.mark,
        conflict=change.conflict,
        ticked=change.ticked,
        held=change.held,
        uuid=uuid or None,
        number=theirs.number if theirs else None,
        old_shown=old_shown,
        new_shown=new_shown,
        came_from=presenter.xpm_ref(change.came_from) if change.came_from else None,
        also_affects=tuple(presenter.affected(each) for each in change.also),
        follows=change.follows,
        contact=namesakes.contact_name(change.contact, ours, theirs),
    )


def former_view(
    presenter: Presenter, client: Client, row: XpmClient, former: takeover.FormerValue
) -> FormerView:
    """Return a value of the former client, and what happens to it once ``client`` is linked to ``row``."""
    label = "Contact" if former.field == "contact" else field_label(former.field)
    old_shown, new_shown = presenter.both_shown(former.field, former.old, former.new, client, row)
    return FormerView(
        record=former.record,
        field=former.field,
        label=label,
        old=former.old,
        new=former.new,
        outcome=former.outcome,
        why=takeover.WHY.get(former.why, ""),
        came_from=presenter.xpm_ref(former.uuid),
        old_shown=old_shown,
        new_shown=new_shown,
    )


MAX_NAMED = 5
"""How many records that were set aside a summary names."""


class SetAsideView(msgspec.Struct, frozen=True, kw_only=True):
    """One record of XPM that was set aside.

    ``list`` is the list that contained it, ``record`` identifies it in a sentence, ``fields`` are the labels
    of the fields that are set aside (empty: the whole record), ``remedy`` is what to correct in XPM, and
    ``effect`` what is not done in the meantime.
    """

    list: str
    record: str
    uuid: str | None
    number: str | None
    name: str | None
    fields: tuple[str, ...]
    problem: str
    remedy: str
    effect: str

    @property
    def sentence(self) -> str:
        """Return the record, what is wrong with it, and what to do."""
        return f"{self.record}: {self.problem}. {self.remedy}"


def set_aside_views(snapshot: Snapshot, only: Collection[str] | None = None) -> tuple[SetAsideView, ...]:
    """Return what is set aside now; ``only`` restricts it to the XPM clients with these UUIDs."""
    return tuple(
        _view(name, one)
        for name, found in mirror.set_aside(snapshot).items()
        for one in found
        if only is None or (name == "clients" and one.uuid in only)
    )


def set_aside_summary(views: Collection[SetAsideView]) -> str:
    """Return a sentence on how many records were set aside; empty if none was."""
    if not views:
        return ""
    whole = sum(1 for view in views if not view.fields)
    parts = [count(whole, "record")] if whole else []
    parts += [f"fields of {count(len(views) - whole, 'record')}"] if len(views) > whole else []
    verb = "was" if len(views) == whole == 1 else "were"
    return (
        f"Some of XPM's data cannot be read, so {' and '.join(parts)} {verb} set aside. Everything else is "
        "synced as usual."
    )


def set_aside_lines(views: Collection[SetAsideView], shown: int = MAX_NAMED) -> list[str]:
    """Return the summary and the first records, a line each; nothing if none was set aside."""
    if not views:
        return []
    more = len(views) - shown
    return [
        set_aside_summary(views),
        *(f"  {view.sentence}" for view in [*views][:shown]),
        *([f"  and {more:,} more: xpm-tui status"] if more > 0 else []),
    ]


def _view(name: str, one: Quarantined) -> SetAsideView:
    return SetAsideView(
        list=name,
        record=str(visible(one.description, 160)),
        uuid=one.uuid or None,
        number=one.number or None,
        name=str(visible(one.name, 120)) or None,
        fields=() if one.whole else tuple(_labels(one.faults)),
        problem=one.problem,
        remedy=one.remedy,
        effect=one.effect,
    )


def _labels(faults: Iterable[RecordFault]) -> Iterable[str]:
    for fault in faults:
        field = CLIENT.get(fault.attribute)
        yield field.label if field is not None else fault.where
