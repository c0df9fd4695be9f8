"""One client beside its XPM client: the changes that the policy asks for, and what the two agree on anyway.

Pure, and the inner loop of planning. Agreements (both sides equal, or a blank that the master never filled)
write nothing that anybody sees; applying a plan takes them into the base and the link.
"""

from __future__ import annotations

import msgspec

from xpm_tui.domain.ignition import Client, Contact
from xpm_tui.domain.links import Base, ContactLink, Link, Pair, Value
from xpm_tui.domain.plan import Change
from xpm_tui.domain.xpm import XpmClient, XpmContact
from xpm_tui.sync.base import PRIMARY, agree, contact_key, forget_contact, own_mirror_values, pair
from xpm_tui.sync.canonical import (
    book_values,
    contact_values,
    primary_of,
    same_texts,
    unread_fields,
    xpm_contacts,
)
from xpm_tui.sync.planning.contacts import ContactMatch, match_contacts, ours_alone, theirs_alone
from xpm_tui.sync.planning.decisions import NO_NAME, Rules
from xpm_tui.sync.policy import BY_NAME, FieldRule

WHOLE = "*"
"""As a frozen field: the client as a whole."""


class Sides(msgspec.Struct, frozen=True):
    """One client as it is: both records, the link, the base, and the fields frozen for it."""

    client: Client
    row: XpmClient
    link: Link
    base: Base
    frozen: frozenset[str] = frozenset()


class Compared(msgspec.Struct, frozen=True):
    """What came of it. ``base`` and ``link`` have the agreements in them: the very objects given, where there
    were none. ``agreed`` counts them."""

    changes: tuple[Change, ...]
    base: Base
    link: Link
    agreed: int = 0


def changes_of(rules: Rules, sides: Sides) -> tuple[Change, ...]:
    """The changes alone: what planning wants, without the work of remembering agreements."""
    return _compared(rules, sides).found


def compare(rules: Rules, sides: Sides) -> Compared:
    """The changes, and base and link with what the two sides agree on."""
    return _compared(rules, sides).result()


def _compared(rules: Rules, sides: Sides) -> _Work:
    """Compare one client. A quiet link, or a client frozen as a whole, has nothing to compare; what XPM sent
    of it and nobody can read is left alone as if it were frozen."""
    if sides.row.unread:
        sides = msgspec.structs.replace(sides, frozen=sides.frozen | unread_fields(sides.row))
    work = _Work(rules, sides)
    if rules.idle or sides.link.quiet or WHOLE in sides.frozen:
        return work
    work.own_fields()
    if rules.contact_fields or rules.whole:
        work.contacts()
    return work


class _Work:
    """The comparison of one client while it is made."""

    def __init__(self, rules: Rules, sides: Sides) -> None:
        self.rules = rules
        self.client = sides.client
        self.row = sides.row
        self.link = sides.link
        self.base = sides.base
        self.frozen = sides.frozen
        self.before = sides
        self.mirror = own_mirror_values(sides.row)
        self.known = frozenset(sides.base.agreed)
        self.changes: list[Change] = []
        self.agreed: dict[str, Pair] = {}

    def own_fields(self) -> None:
        """The client's own fields."""
        ours, theirs = book_values(self.client, self.rules.team), self.mirror
        for rule in self.rules.client_fields:
            name = rule.name
            if name in ours and name in theirs and name not in self.frozen:
                value = theirs[name]
                if rule.kind == "person":
                    value = self.rules.team.known(str(value))
                self._field(self.client.id, rule, name, ours[name], value)

    def contacts(self) -> None:
        """The contacts: those that stand for each other field by field, the others as a whole."""
        match = match_contacts(self.client.contacts, xpm_contacts(self.row), self.link.contacts)
        for fresh in match.fresh:
            self.base = forget_contact(self.base, fresh)
        if match.fresh:
            self.known = frozenset(self.base.agreed)
        for ours, theirs in match.pairs:
            if self._in_step(ours, theirs):
                continue
            values, xpm = contact_values(ours), contact_values(theirs)
            for rule in self.rules.contact_fields:
                name, key = rule.name, contact_key(ours.id, rule.name)
                if name in values and name in xpm and self.frozen.isdisjoint((name, key)):
                    self.mirror[key] = xpm[name]
                    record = f"{self.client.id}/{ours.id}"
                    self._field(record, rule, key, values[name], xpm[name], theirs.uuid)
        links = match.links
        if "contact" in self.rules.whole and "contact" not in self.frozen:
            links += self._unmatched(match)
        if PRIMARY in self.rules.whole and PRIMARY not in self.frozen:
            self._primary(match)
        links = tuple(sorted(links, key=lambda joined: (len(joined.contact), joined.contact, joined.uuid)))
        if links != self.link.contacts:
            self.link = msgspec.structs.replace(self.link, contacts=links)

    @property
    def found(self) -> tuple[Change, ...]:
        """The changes that the policy asks for."""
        return tuple(self.changes)

    def result(self) -> Compared:
        """The comparison made."""
        base = agree(self.base, self.agreed, self.mirror)
        settled = len(self.agreed) + (self.link is not self.before.link)
        return Compared(tuple(self.changes), base, self.link, settled)

    def _field(
        self, record: str, rule: FieldRule, key: str, ours: Value, theirs: Value, contact: str = ""
    ) -> None:
        if ours == theirs and key in self.known and key not in self.base.pairs:
            return
        agreed = pair(self.base, key, self.mirror) if key in self.known else None
        verdict = self.rules.verdict(rule, ours, theirs, agreed)
        if verdict == "agree":
            self.agreed[key] = Pair(ours, theirs)
        elif verdict != "same":
            self.changes.append(self.rules.change(record, rule, ours, theirs, verdict, contact))

    def _in_step(self, ours: Contact, theirs: XpmContact) -> bool:
        """The usual case, told without a look at the single fields: all the same, and agreed to be so."""
        return same_texts(ours, theirs) and all(
            key in self.known and key not in self.base.pairs
            for key in (contact_key(ours.id, rule.name) for rule in self.rules.contact_fields)
        )

    def _unmatched(self, match: ContactMatch) -> tuple[ContactLink, ...]:
        """New contacts of the master are to be made on the other side; the other side's own are settled."""
        if self.rules.side == "ignition":
            for theirs in match.theirs:
                shown = contact_values(theirs)
                name = shown.get("contact_name") or shown.get("contact_email") or ""
                self._whole_contact(theirs.uuid, str(name))
            return ours_alone(match.ours)
        for ours in match.ours:
            name = str(contact_values(ours).get("contact_name") or "")
            self._whole_contact(ours.id, name, held="" if name else NO_NAME)
        return theirs_alone(match.theirs)

    def _whole_contact(self, contact: str, name: str, held: str = "") -> None:
        self.changes.append(
            Change(
                record=f"{self.client.id}/{contact}",
                field="contact",
                side=self.rules.side,
                rule="contact",
                new=name,
                ticked=not held,
                held=held,
            )
        )

    def _primary(self, match: ContactMatch) -> None:
        """Who is primary: XPM's UUID, or what stands in for it where the contact is still to be made."""
        standing = {ours.id: theirs.uuid for ours, theirs in match.pairs}
        first = primary_of(self.client)
        ours, theirs = standing.get(first, first), self.mirror[PRIMARY]
        master, _ = self.rules.master_first(ours, theirs)
        mine = {uuid: contact for contact, uuid in standing.items()}
        coming = f"{self.client.id}/{master}"
        if master == "":
            record = self.client.id
        elif master in mine:
            record = f"{self.client.id}/{mine[str(master)]}"
        elif any(c.record == coming and c.field == "contact" and c.ticked for c in self.changes):
            record = coming
        else:
            return
        self._field(record, BY_NAME[PRIMARY], PRIMARY, ours, theirs)
