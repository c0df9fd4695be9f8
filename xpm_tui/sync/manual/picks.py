"""Bring XPM clients into the store, after looking for the same client there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Literal

import msgspec

from xpm_tui.domain import identity
from xpm_tui.domain.field_types import is_blank
from xpm_tui.domain.fields import SYNCED_BY_NAME
from xpm_tui.domain.identity import exact, name_key
from xpm_tui.domain.ignition import Client, Contact
from xpm_tui.domain.links import Base, ContactLink, Link, Pair
from xpm_tui.domain.plan import Direction
from xpm_tui.domain.ports import Drop, IdSource, Put, PutRaw, Snapshot, Write
from xpm_tui.domain.runs import BeforeImage, Run, Written
from xpm_tui.domain.tables import BASE, BLOCKED_PAIRS, CLIENTS, IGNORED, IMAGES, LINKS, RUNS, XPM_CLIENTS
from xpm_tui.domain.xpm import XpmClient
from xpm_tui.sync.applying.local_writes import new_contact, own_contact
from xpm_tui.sync.base import (
    block_as_different,
    blocked_pair_id,
    contact_key,
    foreign_values,
    primary_contact,
    record_agreement,
)
from xpm_tui.sync.canonical import TeamLinks, Values, contact_values, write_client, xpm_values
from xpm_tui.sync.planning.comparison import ClientPair, compare
from xpm_tui.sync.planning.decisions import Rules
from xpm_tui.sync.planning.links import exact_name_clients
from xpm_tui.sync.policy import CONTACT_FIELDS, Policy

SkipReason = Literal[
    "missing",
    "deleted",
    "archived",
    "linked",
    "twin",
    "same-name",
    "likely",
    "apart",
    "ignored",
    "unreadable",
    "former",
]

_WHY = {
    "missing": "XPM has no client with this id.",
    "deleted": "It is deleted in XPM.",
    "unreadable": "What XPM sends for it cannot be read: `status` shows what to correct in XPM.",
    "archived": "It is archived in XPM.",
    "linked": "An Ignition client is already linked to it.",
    "twin": "XPM has another client with the same name: link them or bring them in one by one.",
    "same-name": "Ignition has a client with the same name: link to that one, or confirm that they are "
    "different.",
    "likely": "Ignition has a client that may be the same: link to that one, or confirm that they are "
    "different.",
    "ignored": (
        "Someone decided that the client with that name has no XPM client: link that client, or bring in "
        "this one on its own."
    ),
    "former": "The client with that name still has values of another XPM client. Link the two individually: "
    "you see what happens to those values.",
    "apart": "Someone unlinked it from the client with that name: link them again yourself.",
}


class SkippedPick(msgspec.Struct, frozen=True, kw_only=True):
    """An XPM client that was skipped: why, and the client in the store that prevents it."""

    uuid: str
    name: str = ""
    why: SkipReason
    client: str = ""

    @property
    def sentence(self) -> str:
        """Return the reason in words."""
        return _WHY[self.why]


class PickResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of picking: ``created`` and ``linked`` have the ids of clients in the store by XPM UUID."""

    writes: tuple[Write, ...]
    created: dict[str, str]
    linked: dict[str, str]
    skipped: tuple[SkippedPick, ...]


def has_no_lookalike(_: XpmClient) -> str:
    """Return that no client in the store is similar."""
    return ""


def pick(
    snapshot: Snapshot,
    uuids: Iterable[str],
    *,
    ids: IdSource,
    policy: Policy,
    now: datetime,
    by: str,
    run: str,
    bulk: bool = False,
    find_likely: Callable[[XpmClient], str] = has_no_lookalike,
    anyway: bool = False,
    different: Collection[str] = (),
) -> PickResult:
    """Return the writes that bring these XPM clients into the store, as one run that can be undone.

    If exactly one client on each side has the name, and neither is linked, the two are linked instead. A
    ``bulk`` pick skips and lists archived clients, XPM namesakes, and those that a client in the store may be
    (``find_likely`` returns the id of that client if there is a sure or likely proposal). With ``anyway``, as
    a user may say for single clients, these are added, too. ``different`` are clients in the store that the
    user says are different clients; the answer is stored for each pair.
    """
    picking = _PickPlanner(snapshot, ids, policy, now, by, run, different)
    for uuid in dict.fromkeys(uuids):
        picking.add(uuid, bulk=bulk, find_likely=find_likely, anyway=anyway)
    return picking.result()


class _PickPlanner:
    """The planning of one pick."""

    def __init__(
        self,
        snapshot: Snapshot,
        ids: IdSource,
        policy: Policy,
        now: datetime,
        by: str,
        run: str,
        different: Collection[str],
    ) -> None:
        self.snapshot = snapshot
        self.ids = ids
        self.now = now
        self.by = by
        self.run = run
        self.different = frozenset(different)
        self.direction: Direction = policy.direction
        self.team = TeamLinks.read(snapshot)
        whole = Policy(direction="from_xpm", level="everything", off=policy.off)
        self.synced_fields = frozenset(rule.name for rule in whole.fields(creation=True))
        self.rules = Rules.of(whole, self.team)
        synced = {rule.name for rule in (*self.rules.client_fields, *self.rules.contact_fields)}
        self.unsynced = self.synced_fields - synced - self.rules.whole
        self.unsynced_of_contacts = self.unsynced.intersection(rule.name for rule in CONTACT_FIELDS)
        self.writes: list[Write] = []
        self.created: dict[str, str] = {}
        self.linked: dict[str, str] = {}
        self.skipped: list[SkippedPick] = []

    def add(self, uuid: str, *, bulk: bool, find_likely: Callable[[XpmClient], str], anyway: bool) -> None:
        """Decide about one XPM client: link, create, or skip."""
        row = self.snapshot.get(XPM_CLIENTS, uuid)
        if row is None:
            self.skipped.append(SkippedPick(uuid=uuid, why="missing"))
            return
        taken = self.snapshot.find(LINKS, "uuid", uuid)
        name = exact(row.name)
        same = self.snapshot.find(CLIENTS, "name", name) if name else []
        same = [client for client in same if not self._different(client.id, uuid)]
        free = [client for client in same if self.snapshot.raw(LINKS, client.id) is None]
        several = bool(name) and len(self.snapshot.find_ids(XPM_CLIENTS, "name", name)) > 1
        twins = several and len(exact_name_clients(self.snapshot, name)) > 1
        if row.deleted:
            self._skip(row, "deleted")
        elif row.is_set_aside:
            self._skip(row, "unreadable")
        elif taken:
            self._skip(row, "linked", taken[0].id)
        elif row.archived and not anyway:
            self._skip(row, "archived")
        elif len(same) == len(free) == 1 and not twins and not anyway:
            blocked = self.snapshot.raw(BLOCKED_PAIRS, blocked_pair_id(free[0].id, uuid)) is not None
            if blocked:
                self._skip(row, "apart", free[0].id)
            elif bulk and self.snapshot.raw(IGNORED, free[0].id) is not None:
                self._skip(row, "ignored", free[0].id)
            elif self._has_former(free[0]):
                self._skip(row, "former", free[0].id)
            else:
                self._link(free[0], row)
        elif not anyway and (found := self._doubtful(row, twins and bulk, find_likely)):
            self.skipped.append(found)
        else:
            self._create(row)
            self.writes += [
                block_as_different(client, uuid, by=self.by, now=self.now)
                for client in sorted(self.different)
            ]

    def result(self) -> PickResult:
        """Return all writes, with the run they belong to."""
        done = len(self.created) + len(self.linked)
        if done:
            self.writes.append(
                Put(
                    RUNS,
                    Run(
                        id=self.run,
                        started=self.now,
                        ended=self.now,
                        by=self.by,
                        direction=self.direction,
                        outcome="done",
                        total=done,
                        done=done,
                        counts={"picked": len(self.created), "links": len(self.linked)},
                    ),
                )
            )
        return PickResult(
            writes=tuple(self.writes),
            created=self.created,
            linked=self.linked,
            skipped=tuple(self.skipped),
        )

    def _doubtful(
        self, row: XpmClient, twins: bool, find_likely: Callable[[XpmClient], str]
    ) -> SkippedPick | None:
        key = name_key(row.name)
        near = self.snapshot.find(CLIENTS, "name_key", key) if key else []
        near = [client for client in near if not self._different(client.id, row.uuid)]
        if near:
            return SkippedPick(uuid=row.uuid, name=row.name, why="same-name", client=near[0].id)
        if twins:
            return SkippedPick(uuid=row.uuid, name=row.name, why="twin")
        found = self.snapshot.get(CLIENTS, find_likely(row))
        if found is None:
            return None
        same = identity.compare(found.name, row.name, row.code).answer == "same"
        why: SkipReason = "same-name" if same else "likely"
        return SkippedPick(uuid=row.uuid, name=row.name, why=why, client=found.id)

    def _different(self, client: str, uuid: str) -> bool:
        """Return whether a user decides, or has decided, that the two are different clients."""
        pair = self.snapshot.get(BLOCKED_PAIRS, blocked_pair_id(client, uuid))
        return client in self.different or (pair is not None and pair.different)

    def _skip(self, row: XpmClient, why: SkipReason, client: str = "") -> None:
        self.skipped.append(SkippedPick(uuid=row.uuid, name=row.name, why=why, client=client))

    def _link(self, client: Client, row: XpmClient) -> None:
        """Create only the link: its values follow with the next plan, where they are visible."""
        self.linked[row.uuid] = client.id
        self.writes += [PutRaw.of(LINKS, self._new_link(client.id, row)), Drop(IGNORED, client.id)]
        written = Written(record=client.id, field="link", side="ignition", rule="pick", new=row.uuid)
        self._image(client.id, row, written, created=False)

    def _has_former(self, client: Client) -> bool:
        """Return whether the client still has values of another XPM client, which need a decision."""
        return bool(foreign_values(self.snapshot, client, "", self.team))

    def _create(self, row: XpmClient) -> None:
        id_ = self.ids.new("c")[0]
        values = {
            name: value
            for name, value in xpm_values(row).items()
            if name in self.synced_fields and not self._unlinked_person(name, value)
        }
        client = write_client(
            Client(id=id_, name=row.name, origin="pick", created=self.now), values, self.team
        )
        contacts, joined = self._contacts(row)
        client = msgspec.structs.replace(client, contacts=contacts)
        link = msgspec.structs.replace(self._new_link(id_, row), contacts=joined)
        base = self._unsynced_pairs(Base(id=id_), client, joined, values)
        agreement = compare(self.rules, ClientPair(client, row, link, base))
        self.created[row.uuid] = id_
        base = msgspec.structs.replace(agreement.base, picked=True, exceptions=())
        self.writes += [PutRaw.of(CLIENTS, client), PutRaw.of(LINKS, agreement.link), PutRaw.of(BASE, base)]
        written = Written(record=id_, field="client", side="ignition", rule="pick", new=row.uuid)
        self._image(id_, row, written, created=True)

    def _unsynced_pairs(
        self, base: Base, client: Client, joined: Collection[ContactLink], values: Values
    ) -> Base:
        """Return the base with the values that are not synced later, so that undo recognises edits.

        A contact that only exists here is not compared, so all of its values are among them.
        """
        given = {name: value for name, value in values.items() if name in self.unsynced}
        mirror = dict(given)
        linked = {each.contact for each in joined if each.uuid}
        for contact in client.contacts:
            if contact.id in linked and not self.unsynced_of_contacts:
                continue
            found = {
                contact_key(contact.id, name): value
                for name, value in contact_values(contact).items()
                if name in self.unsynced or contact.id not in linked
            }
            given |= found
            if contact.id in linked:
                mirror |= found
        agreed = {key: Pair(value, value) for key, value in given.items() if not is_blank(value)}
        return record_agreement(base, agreed, mirror)

    def _contacts(self, row: XpmClient) -> tuple[tuple[Contact, ...], tuple[ContactLink, ...]]:
        """Return XPM's contacts; a client without any gets one from its own first and last name."""
        theirs = row.present_contacts if "contact" in self.synced_fields else ()
        if theirs:
            first = primary_contact(theirs) or theirs[0].uuid
            new_ids = self.ids.new("k", len(theirs))
            contacts = tuple(
                new_contact(id_, each, self.synced_fields, primary=each.uuid == first)
                for id_, each in zip(new_ids, theirs, strict=True)
            )
            joined = tuple(
                ContactLink(contact=id_, uuid=each.uuid) for id_, each in zip(new_ids, theirs, strict=True)
            )
            return contacts, joined
        if not exact(f"{row.first_name} {row.last_name}") or "contact" not in self.synced_fields:
            return (), ()
        own = own_contact(self.ids.new("k")[0], row, self.synced_fields)
        return (own,), (ContactLink(contact=own.id, uuid="", removed="xpm"),)

    def _unlinked_person(self, name: str, value: object) -> bool:
        return SYNCED_BY_NAME[name].kind == "person" and bool(value) and value not in self.team.member

    def _new_link(self, client: str, row: XpmClient) -> Link:
        return Link(
            id=client,
            uuid=row.uuid,
            number=row.number,
            origin="picked",
            at=self.now,
            by=self.by,
            run=self.run,
        )

    def _image(self, client: str, row: XpmClient, written: Written, *, created: bool) -> None:
        self.writes.append(
            PutRaw.of(
                IMAGES,
                BeforeImage(
                    id=f"{self.run}/{client}",
                    run=self.run,
                    client=client,
                    uuid=row.uuid,
                    written=(written,),
                    created=created,
                ),
            )
        )
