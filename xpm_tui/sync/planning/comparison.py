"""Compare one client with its XPM client: the changes that the policy requires, and new agreements.

Pure, and the inner loop of planning. An agreement (both sides equal, or a blank that the master never filled)
changes nothing visible; applying a plan stores it in the base and the link. On request, what differs and is
not planned is listed with its reason.
"""

from __future__ import annotations

import msgspec

from xpm_tui.domain.field_types import is_blank
from xpm_tui.domain.fields import SYNCED_BY_NAME, Field
from xpm_tui.domain.ignition import Client, Contact
from xpm_tui.domain.links import Base, ContactLink, Link, Pair, Value, ValueOrigin
from xpm_tui.domain.plan import Change
from xpm_tui.domain.xpm import XpmClient, XpmContact
from xpm_tui.sync.base import (
    PRIMARY,
    base_pair,
    came_from_xpm,
    contact_key,
    forget,
    forget_contact,
    own_mirror_values,
    record_agreement,
    with_origin,
)
from xpm_tui.sync.canonical import (
    Values,
    contact_values,
    ignition_values,
    primary_of,
    same_texts,
    unread_fields,
)
from xpm_tui.sync.planning.contacts import (
    ContactMatch,
    keep_in_ignition,
    keep_in_xpm,
    match_contacts,
    valid_contact_links,
)
from xpm_tui.sync.planning.decisions import (
    FORMER,
    NO_NAME,
    Difference,
    DifferenceReason,
    Rules,
    why_not_synced,
)

WHOLE = "*"
"""The field of a freeze of the whole client."""


class ClientPair(msgspec.Struct, frozen=True):
    """One client: both records, the link, the base, and its frozen fields.

    ``former`` are the values, by base key, that came from another XPM client.
    """

    client: Client
    row: XpmClient
    link: Link
    base: Base
    frozen: frozenset[str] = frozenset()
    former: dict[str, ValueOrigin] = {}


class FieldComparison(msgspec.Struct, frozen=True):
    """The result of a comparison.

    ``base`` and ``link`` include the new agreements, and are the given objects if there were none. ``agreed``
    counts them.
    """

    changes: tuple[Change, ...]
    base: Base
    link: Link
    agreed: int = 0


class ClientChanges(msgspec.Struct, frozen=True):
    """The planned changes of one client, and what still differs.

    ``in_step``: there is no change, and nothing new that both sides agree on.
    """

    changes: tuple[Change, ...]
    differences: tuple[Difference, ...]
    in_step: bool = False


def compare_quickly(
    rules: Rules, sides: ClientPair, blocked: DifferenceReason | None = None
) -> ClientChanges:
    """Return the changes and the differences, without computing agreements.

    Args:
        rules: The policy.
        sides: The client on both sides.
        blocked: Why nothing is synced for this client; None if something is.
    """
    work = _compared(rules, sides, listing=True, blocked=blocked)
    in_step = not work.changes and not work.agreed and work.link is sides.link
    return ClientChanges(tuple(work.changes), tuple(work.differences), in_step)


def compare(rules: Rules, sides: ClientPair) -> FieldComparison:
    """Return the changes, and base and link with what the two sides agree on."""
    return _compared(rules, sides).result()


def _compared(
    rules: Rules, sides: ClientPair, *, listing: bool = False, blocked: DifferenceReason | None = None
) -> _ClientComparison:
    """Compare one client. A quiet link, or a client frozen as a whole, is not compared.

    Unreadable values from XPM stay as they are, as if they were frozen.
    """
    if sides.row.unread:
        sides = msgspec.structs.replace(sides, frozen=sides.frozen | unread_fields(sides.row))
    if blocked is None and sides.link.quiet:
        blocked = "second-link"
    elif blocked is None and WHOLE in sides.frozen:
        blocked = "frozen"
    work = _ClientComparison(rules, sides, listing=listing, blocked=blocked)
    if not listing and (rules.idle or blocked is not None):
        return work
    work.own_fields()
    if listing or rules.contact_fields or rules.whole:
        work.contacts()
    return work


class _ClientComparison:
    """The comparison of one client."""

    def __init__(
        self, rules: Rules, sides: ClientPair, *, listing: bool, blocked: DifferenceReason | None
    ) -> None:
        self.rules = rules
        self.client = sides.client
        self.row = sides.row
        self.link = sides.link
        self.base = sides.base
        self.frozen = sides.frozen
        self.unread = unread_fields(sides.row) if sides.row.unread else frozenset()
        self.former = sides.former if rules.side == "xpm" else {}
        self.from_xpm: set[str] = set()
        self.before = sides
        self.mirror = own_mirror_values(sides.row)
        self.known = frozenset(sides.base.agreed)
        self.changes: list[Change] = []
        self.agreed: dict[str, Pair] = {}
        self.listing = listing
        self.blocked = blocked
        self.differences: list[Difference] = []

    def own_fields(self) -> None:
        """Compare the client's own fields."""
        ours, theirs = ignition_values(self.client, self.rules.team), self.mirror
        blocked = self.blocked is not None
        for rule in self.rules.client_fields:
            name = rule.name
            if blocked or name in self.frozen:
                self._leave_value(rule, name, ours, theirs, self._why_frozen(name))
            elif name in ours and name in theirs:
                value = theirs[name]
                if rule.kind == "person":
                    value = self._comparable(rule, value)
                self._field(self.client.id, rule, name, ours[name], value)
            else:
                self._leave_value(rule, name, ours, theirs, "unreadable")
        if self.listing:
            for rule in self.rules.other_client_fields:
                if ours.get(rule.name) != theirs.get(rule.name):
                    self._leave_value(rule, rule.name, ours, theirs, why_not_synced(self.rules.policy, rule))

    def contacts(self) -> None:
        """Compare the contacts: linked ones field by field, the others as a whole."""
        active = self.blocked is None and bool(self.rules.contact_fields or self.rules.whole)
        whole = self._whole_is_synced("contact")
        links = self.link.contacts
        if whole:
            links = valid_contact_links(links, self.client.contacts, self.row, self.rules.side)
        match = match_contacts(self.client.contacts, self.row.present_contacts, links)
        if active:
            for fresh in match.newly_paired:
                self.from_xpm |= self._unchanged_values(fresh)
                self.base = forget_contact(self.base, fresh)
            if match.newly_paired:
                self.known = frozenset(self.base.agreed)
        for ours, theirs in match.pairs:
            if not self._is_equal_and_agreed(ours, theirs, active=active):
                self._pair(ours, theirs)
        links = match.links
        if self.listing and not len(match.pairs) == len(self.client.contacts) == len(self.row.contacts):
            self._leave_contacts(match, synced=whole)
        if whole:
            links += self._unmatched(match)
        self._primary(match)
        links = tuple(sorted(links, key=lambda joined: (len(joined.contact), joined.contact, joined.uuid)))
        if active and links != self.link.contacts:
            self.link = msgspec.structs.replace(self.link, contacts=links)

    def result(self) -> FieldComparison:
        """Return the comparison."""
        base = record_agreement(self.base, self.agreed, self.mirror)
        if self.from_xpm:
            base = with_origin(base, self.from_xpm.intersection(self.agreed), came=True)
        settled = len(self.agreed) + (self.link is not self.before.link)
        return FieldComparison(tuple(self.changes), base, self.link, settled)

    def _comparable(self, rule: Field, value: Value) -> Value:
        return self.rules.team.known(str(value)) if rule.kind == "person" else value

    def _why_frozen(self, *names: str) -> DifferenceReason:
        return "frozen" if self.unread.isdisjoint(names) else "unreadable"

    def _whole_is_synced(self, name: str) -> bool:
        return self.blocked is None and name in self.rules.whole and name not in self.frozen

    def _pair(self, ours: Contact, theirs: XpmContact) -> None:
        """Compare the fields of two linked contacts."""
        values, xpm = contact_values(ours), contact_values(theirs)
        record = f"{self.client.id}/{ours.id}"
        for rule in self.rules.contact_fields:
            name, key = rule.name, contact_key(ours.id, rule.name)
            if self.blocked is not None or not self.frozen.isdisjoint((name, key)):
                self._leave_value(rule, name, values, xpm, self._why_frozen(name, key), record)
            elif name in values and name in xpm:
                self.mirror[key] = xpm[name]
                self._field(record, rule, key, values[name], xpm[name], theirs.uuid)
            else:
                self._leave_value(rule, name, values, xpm, "unreadable", record)
        if self.listing:
            for rule in self.rules.other_contact_fields:
                why = why_not_synced(self.rules.policy, rule)
                self._leave_value(rule, rule.name, values, xpm, why, record)

    def _field(
        self, record: str, rule: Field, key: str, ours: Value, theirs: Value, contact: str = ""
    ) -> None:
        if ours == theirs and key in self.known and key not in self.base.pairs:
            return
        agreed = base_pair(self.base, key, self.mirror) if key in self.known else None
        if ours == theirs and agreed is None and rule.kind != "person":  # most fields of a new link
            self.agreed[key] = Pair(ours, theirs)
            return
        verdict = self.rules.verdict(rule, ours, theirs, agreed)
        if verdict not in ("agree", "same"):
            change = self.rules.change(record, rule, ours, theirs, verdict, contact)
            self.changes.append(self._held_back(change, key) if key in self.former else change)
            return
        if verdict == "agree":
            self.agreed[key] = self.rules.settle(ours, theirs)
        if self.listing and ours != theirs:
            self._list_difference(record, rule, ours, theirs, self.rules.why_kept(rule, ours, theirs, agreed))

    def _held_back(self, change: Change, key: str) -> Change:
        """Hold a value of another XPM client until a user confirms that it may be sent to this one."""
        return msgspec.structs.replace(
            change,
            mark=change.mark if change.conflict else "former",
            ticked=False,
            held=FORMER,
            came_from=self.former[key].uuid,
        )

    def _unchanged_values(self, contact: str) -> set[str]:
        """Return the unchanged values from XPM of a contact that is matched with another one now."""
        ours = next(each for each in self.client.contacts if each.id == contact)
        now = {contact_key(contact, name): value for name, value in contact_values(ours).items()}
        found = set()
        for key in now.keys() & self.known:
            agreed = self.base.pairs.get(key)
            if came_from_xpm(self.base, key) and agreed is not None and agreed.ignition == now[key]:
                found.add(key)
        return found

    def _list_difference(
        self, record: str, rule: Field, ours: Value, theirs: Value, why: DifferenceReason
    ) -> None:
        """List a difference; what blocks the whole client takes precedence as the reason."""
        if self.listing:
            why = self.blocked or why
            self.differences.append(Difference(record, rule.name, why, ours, theirs))

    def _leave_value(
        self,
        rule: Field,
        name: str,
        ours: Values,
        theirs: Values,
        why: DifferenceReason,
        record: str = "",
    ) -> None:
        """List a field that is not synced, if it differs."""
        if not self.listing or (name not in ours and name not in theirs):
            return
        here, there = ours.get(name), theirs.get(name)
        if name in theirs:
            there = self._comparable(rule, there)
        if here == there or (name not in theirs and is_blank(here) and rule.kind == "names"):
            return
        self._list_difference(record or self.client.id, rule, here, there, why)

    def _leave_contacts(self, match: ContactMatch, *, synced: bool) -> None:
        """List the contacts of one side only, except those that are planned for the other."""
        rule = SYNCED_BY_NAME["contact"]
        if rule not in self.rules.other_whole and "contact" not in self.rules.whole:
            return  # The plan is restricted to other fields.
        frozen: DifferenceReason = (
            "frozen" if "contact" in self.rules.whole else why_not_synced(self.rules.policy, rule)
        )
        marks = {link.contact or link.uuid: link for link in match.links if link.removed}
        marks |= {link.uuid: link for link in match.links if link.removed == "ignition"}
        here, there = {k.id for k, _ in match.pairs}, {x.uuid for _, x in match.pairs}
        if synced and self.rules.side == "xpm":
            here |= {contact.id for contact in match.ours}
        elif synced:
            there |= {contact.uuid for contact in match.theirs}
        for ours in self.client.contacts:
            if ours.id in here:
                continue
            link = marks.get(ours.id)
            why: DifferenceReason = "contact-own" if synced else frozen
            if link is not None and link.by_user:
                why = "contact-dropped"
            elif link is not None and link.uuid:
                why = "removed-in-xpm"
            elif synced and self.rules.side == "xpm":
                why = "contact-from-name"
            self._list_difference(f"{self.client.id}/{ours.id}", rule, _shown(ours), None, why)
        for theirs in self.row.present_contacts:
            if theirs.uuid in there:
                continue
            link = marks.get(theirs.uuid)
            why = "contact-own" if synced else frozen
            if link is not None and link.contact:
                why = "removed-in-ignition"
            self._list_difference(f"{self.client.id}/{theirs.uuid}", rule, None, _shown(theirs), why)

    def _is_equal_and_agreed(self, ours: Contact, theirs: XpmContact, *, active: bool) -> bool:
        """Handle the usual case, in which everything is equal and agreed, without comparing fields."""
        if not same_texts(ours, theirs):
            return False
        keys = [contact_key(ours.id, rule.name) for rule in self.rules.contact_fields] if active else []
        return self.known.issuperset(keys) and self.base.pairs.keys().isdisjoint(keys)

    def _unmatched(self, match: ContactMatch) -> tuple[ContactLink, ...]:
        """Plan the creation of the master's new contacts; the other side's own stay."""
        if self.rules.side == "ignition":
            for theirs in match.theirs:
                self._whole_contact(theirs.uuid, _shown(theirs))
            return keep_in_ignition(match.ours)
        for ours in match.ours:
            name = str(contact_values(ours).get("contact_name") or "")
            self._whole_contact(ours.id, name, held="" if name else NO_NAME)
        return keep_in_xpm(match.theirs)

    def _whole_contact(self, contact: str, name: str, held: str = "") -> None:
        change = Change(
            record=f"{self.client.id}/{contact}",
            field="contact",
            side=self.rules.side,
            rule="contact",
            new=name,
            ticked=not held,
            held=held,
        )
        former = next((key for key in self.former if key.startswith(f"{contact}.")), "")
        self.changes.append(self._held_back(change, former) if former and not held else change)

    def _primary(self, match: ContactMatch) -> None:
        """Compare which contact is primary, by XPM's UUID, or by id if the contact is still to be created."""
        rule = SYNCED_BY_NAME[PRIMARY]
        synced = self._whole_is_synced(PRIMARY)
        if not synced and not self.listing:
            return
        if synced and self._removed_primary(match):
            return
        joined = {ours.id: theirs.uuid for ours, theirs in match.pairs}
        first = primary_of(self.client)
        ours, theirs = joined.get(first, first), self.mirror[PRIMARY]
        if not synced:
            if ours != theirs and PRIMARY in self.rules.whole:
                self._list_difference(self.client.id, rule, ours, theirs, "frozen")
            elif ours != theirs and rule in self.rules.other_whole:
                self._list_difference(
                    self.client.id, rule, ours, theirs, why_not_synced(self.rules.policy, rule)
                )
            return
        master, _ = self.rules.master_first(ours, theirs)
        if self.rules.side == "xpm" and not master:
            self._forget_gone_primary()
        mine = {uuid: contact for contact, uuid in joined.items()}
        coming = f"{self.client.id}/{master}"
        if master == "":
            record = self.client.id
        elif master in mine:
            record = f"{self.client.id}/{mine[str(master)]}"
        elif any(c.record == coming and c.field == "contact" and c.ticked for c in self.changes):
            record = coming
        else:
            if ours != theirs:
                self._list_difference(self.client.id, rule, ours, theirs, "primary-unmatched")
            return
        self._field(record, rule, PRIMARY, ours, theirs)

    def _removed_primary(self, match: ContactMatch) -> bool:
        """Replace a primary contact that was removed in XPM by XPM's, or by none."""
        first = primary_of(self.client)
        if not any(each.contact == first and each.uuid and each.removed == "xpm" for each in match.links):
            return False
        mine = {theirs.uuid: ours.id for ours, theirs in match.pairs}
        new = str(self.mirror[PRIMARY] or "")
        coming = f"{self.client.id}/{new}"
        is_coming = any(c.record == coming and c.side == "ignition" and c.ticked for c in self.changes)
        record = f"{self.client.id}/{mine[new]}" if new in mine else coming
        if new not in mine and not is_coming:
            record, new = self.client.id, ""
        change = Change(record=record, field=PRIMARY, side="ignition", rule="removed", old=first, new=new)
        self.changes.append(change)
        return True

    def _forget_gone_primary(self) -> None:
        """Forget the agreement on a primary contact that XPM no longer has."""
        agreed = base_pair(self.base, PRIMARY, self.mirror) if PRIMARY in self.known else None
        if agreed is None or not agreed.ignition:
            return
        if agreed.ignition not in {each.uuid for each in self.row.present_contacts}:
            self.base = forget(self.base, [PRIMARY])
            self.known = frozenset(self.base.agreed)


def _shown(contact: Contact | XpmContact) -> str:
    """Return the name by which a contact is listed."""
    values = contact_values(contact)
    return str(values.get("contact_name") or values.get("contact_email") or "")
