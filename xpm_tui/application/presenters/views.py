"""What is told of a record: frozen values whose field names are the names in ``--json``, stable for scripts.

Times are UTC and ISO 8601 in JSON; an absent reference is null, an absent text the empty text.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from xpm_tui.domain.fields import Field
from xpm_tui.domain.ignition import ClientState
from xpm_tui.domain.links import LinkOrigin, LinkState, Value
from xpm_tui.domain.plan import Mark, Side


class PersonView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A member of the practice's team named by a client; ``staff`` is the linked XPM staff UUID, or null."""

    id: str
    name: str
    staff: str | None = None


class RefView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A record named in passing: ``id`` and ``name``."""

    id: str
    name: str


class XpmRefView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An XPM client named in passing."""

    uuid: str
    number: str
    name: str


class AffectedView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Another XPM client that a change affects, because the contact belongs to it as well.

    ``client`` and ``client_id`` name the client of Ignition that is linked to it, or are null.
    """

    uuid: str
    number: str
    name: str
    client: str | None = None
    client_id: str | None = None

    @property
    def shown(self) -> str:
        """Name and the id that users know it by."""
        return f"{self.name} ({self.client_id or self.client or self.number})"


class RemovedContactView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A contact that was removed on one side after the two were linked; it is not created there again.

    ``side`` is where it was removed, ``id`` our contact and ``uuid`` XPM's: the one that was removed is no
    longer there.
    """

    side: Side
    id: str
    uuid: str
    name: str


class ContactView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A contact of a client of the book; ``uuid`` is that of the XPM contact it stands for, or null.

    ``removed`` says where its counterpart was removed; ``came_from`` is the XPM client that something of it
    came from, where that is not the linked one.
    """

    id: str
    name: str
    contact_id: str | None = None
    email: str = ""
    phone: str = ""
    mobile: str = ""
    salutation: str = ""
    addressee: str = ""
    primary: bool = False
    uuid: str | None = None
    removed: Literal["", "xpm"] = ""
    came_from: XpmRefView | None = None

    @property
    def summary(self) -> str:
        """The contact on one line."""
        return ", ".join(filter(None, (self.name, self.email, self.phone, self.mobile)))


class LinkView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Which XPM client a client of the book stands for. ``quiet``: the second one there, carries no field."""

    uuid: str
    number: str
    state: LinkState
    name: str = ""
    origin: LinkOrigin = "picked"
    quiet: bool = False
    at: datetime | None = None
    by: str = ""


class ClientView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A client of the book. ``id`` is ours and never changes, ``client_id`` Ignition's.

    ``needs`` says why a person is needed, empty when none is; ``frozen`` are the fields that sync leaves
    alone (``*``: all); ``ignored`` is why it is not meant to have an XPM client, or null. ``came_from``
    names, by field, the XPM client that a value came from, where that is not the linked one;
    ``removed_contacts`` are contacts that were removed on one side.
    """

    id: str
    client_id: str | None
    name: str
    state: ClientState
    link: LinkView | None
    link_state: LinkState
    needs: str
    contacts: tuple[ContactView, ...]
    phone: str
    fax: str
    website: str
    referral_source: str
    address: str
    city: str
    region: str
    postcode: str
    country: str
    postal_address: str
    postal_city: str
    postal_region: str
    postal_postcode: str
    postal_country: str
    tax_registered: bool | None
    structure: str
    groups: tuple[str, ...]
    partner: PersonView | None
    manager: PersonView | None
    frozen: tuple[str, ...] = ()
    ignored: str | None = None
    origin: str = ""
    extra: dict[str, str] = {}
    came_from: dict[str, XpmRefView] = {}
    removed_contacts: tuple[RemovedContactView, ...] = ()

    def shown(self, field: Field) -> Value:
        """The value of a field as users read it: people by name."""
        value: Value | PersonView = getattr(self, field.attribute)
        return value.name if isinstance(value, PersonView) else value


class SideBySide(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a linked client: both sides, what was last agreed, and why they differ.

    ``came_from`` names the XPM client that Ignition's value came from, where that is not the linked one.
    """

    field: str
    label: str
    ignition: Value
    xpm: Value
    agreed: Value
    has_agreed: bool
    reason: str = ""
    frozen: bool = False
    came_from: str = ""


class XpmClientView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A client of XPM as the mirror has it; ``linked`` are the clients of the book linked to it.

    ``why`` says why a search found it, ``spans`` which characters of the name to mark.
    """

    id: str
    uuid: str
    number: str
    name: str
    archived: bool
    prospect: bool
    deleted: bool
    code: str = ""
    structure: str = ""
    groups: tuple[str, ...] = ()
    partner: str = ""
    manager: str = ""
    email: str = ""
    phone: str = ""
    city: str = ""
    url: str = ""
    linked: tuple[RefView, ...] = ()
    why: str = ""
    spans: tuple[tuple[int, int], ...] = ()


class ProposalView(msgspec.Struct, frozen=True, kw_only=True):
    """An XPM client that a client of the book may stand for; score 0 to 100, reasons in words.

    ``successor``: it may have taken over the XPM client that the link has lost, and the reasons say why.
    """

    uuid: str
    number: str
    name: str
    score: int
    sure: bool
    level: str
    reasons: tuple[str, ...]
    archived: bool = False
    prospect: bool = False
    email: str = ""
    city: str = ""
    code: str = ""
    successor: bool = False


class ReviewView(msgspec.Struct, frozen=True, kw_only=True):
    """A client that needs a person, with its proposals in order, best first; ``link_state`` is its link's.

    ``planned``: the next plan links it to the first proposal unasked, unless somebody decides otherwise.
    """

    id: str
    client_id: str | None
    name: str
    reason: str
    proposals: tuple[ProposalView, ...]
    email: str = ""
    link_state: LinkState = "unlinked"
    planned: bool = False

    @property
    def first(self) -> str:
        """The client and its first proposal on one line, with the evidence where that is a successor."""
        best = self.proposals[0]
        why = f"  ({', '.join(best.reasons)})" if best.successor else ""
        return f"{self.id}  {self.name}  ->  {best.number}  {best.name}{why}"


class ChangeView(msgspec.Struct, frozen=True, kw_only=True):
    """A change as it is told: which record, which field, what it was and what it becomes, and by which rule.

    ``old_shown`` and ``new_shown`` are the same values as a person reads them: people and links by name.
    ``selector`` is how ``plan tick`` and ``untick`` name it. ``came_from`` is the XPM client that the value
    came from, where that is another one; ``also_affects`` are the other XPM clients of a shared contact, and
    ``follows`` the record whose change to XPM this one brings to another client here.
    """

    record: str
    name: str
    field: str
    side: Side
    old: Value
    new: Value
    rule: str
    mark: Mark
    conflict: bool
    ticked: bool
    held: str = ""
    uuid: str | None = None
    number: str | None = None
    old_shown: Value = None
    new_shown: Value = None
    came_from: XpmRefView | None = None
    also_affects: tuple[AffectedView, ...] = ()
    follows: str = ""

    @property
    def notes(self) -> list[str]:
        """Where the value came from and whom else the change affects, in words."""
        found = [f"came from {self.came_from.name}"] if self.came_from is not None else []
        if self.also_affects:
            found.append(f"also changes it for {', '.join(each.shown for each in self.also_affects)}")
        return found

    @property
    def selector(self) -> str:
        """Record and field, as ``plan tick`` takes them."""
        return f"{self.record}:{self.field}"


class FormerView(msgspec.Struct, frozen=True, kw_only=True):
    """A value or a whole contact (field ``contact``) that came from another XPM client than the one to link.

    ``outcome`` is ``replaced``, ``removed``, ``same`` (the new client has it, too) or ``kept``, and then
    ``why`` says why.
    """

    record: str
    field: str
    label: str
    old: Value
    new: Value
    outcome: str
    why: str = ""
    came_from: XpmRefView
    old_shown: Value = None
    new_shown: Value = None


class EffectView(msgspec.Struct, frozen=True, kw_only=True):
    """What linking would do, before it is done.

    ``former`` is what came from another XPM client, with what becomes of it; ``former_counts`` counts that.
    ``changes`` are the values that would go across at the next sync, ``differences`` what would still differ
    after it, each with its reason; ``warnings`` are sentences; ``refused``
    says why it cannot be done at all; ``needs_yes`` that it is done only on an explicit yes (a second client
    on one XPM client); ``jobs`` are jobs in XPM that stay with the old client.
    """

    client: RefView
    xpm: XpmClientView
    replaces: LinkView | None
    drops_base: bool
    quiet: bool
    needs_yes: str
    refused: str
    warnings: tuple[str, ...]
    changes: tuple[ChangeView, ...]
    jobs: tuple[str, ...] = ()
    former: tuple[FormerView, ...] = ()
    former_counts: dict[str, int] = {}
    differences: tuple[SideBySide, ...] = ()

    @property
    def former_changes(self) -> int:
        """How many values and contacts are replaced or removed."""
        return sum(self.former_counts.get(name, 0) for name in ("replaced", "removed", "contacts_removed"))


class PickView(msgspec.Struct, frozen=True, kw_only=True):
    """What came of picking one XPM client into the book: ``added``, ``linked`` or ``left`` with the reason.

    ``client`` is the client of the book, or the one that stands in the way; ``why`` the reason in one word.
    """

    uuid: str
    number: str
    name: str
    outcome: str
    client: str | None = None
    reason: str = ""
    why: str = ""


class ServiceView(msgspec.Struct, frozen=True, kw_only=True):
    """A service of the library and the job templates it uses.

    Attributes:
        templates: The templates; the name of one is its UUID where the mirror has none.
        no_job: The service creates no job, by choice.
        fields: Its other columns.
    """

    id: str
    name: str
    templates: tuple[RefView, ...]
    no_job: bool
    fields: dict[str, str]


class UnclearView(msgspec.Struct, frozen=True, kw_only=True):
    """What an undo leaves as it is: the value that it would have put back, the one that is there, and why.

    ``address`` is where the record is found in XPM, when it is one that stays there.
    """

    record: str
    name: str
    field: str
    wanted: Value
    present: Value
    reason: str
    address: str = ""


class ConflictView(msgspec.Struct, frozen=True, kw_only=True):
    """A field that was edited on both sides.

    Attributes:
        state: ``planned``, ``held`` (of ``plan``), ``overwritten`` or ``undone`` (by ``run``).
        key: The field as ``clients freeze`` takes it.
        old: The value of the written side.
        new: The value that the master put there.
        ignition: The value in Ignition.
        xpm: The value in XPM.
        agreed: The value when both sides last agreed.
        wins: The side whose value stays.
        why: The rule by which it stays.
        at: When the plan was made or the run ended.
        frozen: Whether the field is frozen for the client.
    """

    state: str
    record: str
    client: str
    name: str
    field: str
    key: str
    side: Side
    old: Value
    new: Value
    ignition: Value
    xpm: Value
    agreed: Value
    wins: Side
    why: str
    at: datetime
    by: str
    frozen: bool = False
    plan: str | None = None
    run: str | None = None


class RelinkView(msgspec.Struct, frozen=True, kw_only=True):
    """A link that wants a look, or an unlinked client that a rule has a proposal for."""

    id: str
    name: str
    state: LinkState
    uuid: str | None
    number: str | None
    message: str
    proposal: XpmClientView | None = None


class CreatedView(msgspec.Struct, frozen=True, kw_only=True):
    """A client that was made in XPM; ``left_out`` are fields that could not go along."""

    client: ClientView
    xpm: XpmClientView
    left_out: tuple[str, ...]
    run: str
