"""Views of records: frozen values whose field names are those of ``--json``, stable for scripts.

Times are UTC and ISO 8601 in JSON; an absent reference is null, an absent text is empty.
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
    """A team member named by a client; ``staff`` is the linked XPM staff UUID, or null."""

    id: str
    name: str
    staff: str | None = None


class RefView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A reference to a record: ``id`` and ``name``."""

    id: str
    name: str


class XpmRefView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A reference to an XPM client."""

    uuid: str
    number: str
    name: str


class AffectedView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Another XPM client that a change affects, because the contact belongs to it as well.

    ``client`` and ``client_id`` name the Ignition client that is linked to it, or are null.
    """

    uuid: str
    number: str
    name: str
    client: str | None = None
    client_id: str | None = None

    @property
    def shown(self) -> str:
        """Return the name and the id that users know."""
        return f"{self.name} ({self.client_id or self.client or self.number})"


class RemovedContactView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A contact that was removed on one side after it was linked; it is not created there again.

    ``side`` is where it was removed, ``id`` our contact and ``uuid`` XPM's; the removed one no longer exists.
    """

    side: Side
    id: str
    uuid: str
    name: str


class ContactView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A contact of a client in the store; ``uuid`` is that of the linked XPM contact, or null.

    ``removed`` says where its counterpart was removed; ``came_from`` is the XPM client that one of its values
    came from, if that is not the linked one.
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
        """Return the contact on one line."""
        return ", ".join(filter(None, (self.name, self.email, self.phone, self.mobile)))


class LinkView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The XPM client that a client corresponds to.

    ``quiet``: it is the second client linked there, for which nothing is synced.
    """

    uuid: str
    number: str
    state: LinkState
    name: str = ""
    origin: LinkOrigin = "picked"
    quiet: bool = False
    at: datetime | None = None
    by: str = ""


class ClientView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A client in the store. ``id`` is ours and never changes, ``client_id`` is Ignition's.

    ``needs`` says which decision is needed, empty if none is; ``frozen`` are the frozen fields (``*``: all);
    ``ignored`` is why it has no XPM client, or null. ``came_from`` names, by field, the XPM client that a
    value came from, if that is not the linked one; ``removed_contacts`` are contacts that were removed on one
    side.
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
        """Return the value of a field for users, with people by name."""
        value: Value | PersonView = getattr(self, field.attribute)
        return value.name if isinstance(value, PersonView) else value


class SideBySide(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a linked client: both sides, the last agreed value, and why they differ.

    ``came_from`` names the XPM client that Ignition's value came from, if that is not the linked one.
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
    """An XPM client in the mirror; ``linked`` are the clients in the store linked to it.

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
    """An XPM client that a client may correspond to; score 0 to 100, with reasons in words.

    ``successor``: it may have replaced the lost XPM client of the link, and the reasons say why.
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
    """A client that needs a decision, with its proposals, best first; ``link_state`` is its link's.

    ``planned``: the next plan links it to the first proposal automatically, unless a user decides otherwise.
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
        """Return the client and its first proposal on one line, with the evidence for a successor."""
        best = self.proposals[0]
        why = f"  ({', '.join(best.reasons)})" if best.successor else ""
        return f"{self.client_id or self.id}  {self.name}  →  {best.number}  {best.name}{why}"


class ChangeView(msgspec.Struct, frozen=True, kw_only=True):
    """A change: its record, its field, the old and new value, and its rule.

    ``old_shown`` and ``new_shown`` are the values for users, with people and links by name. ``selector`` is
    its name for ``plan tick`` and ``untick``. ``came_from`` is the XPM client that the value came from, if it
    is another one; ``also_affects`` are the other XPM clients of a shared contact, and ``follows`` the record
    whose change to XPM this one applies to another client here. ``contact`` names the contact that changes.
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
    contact: str = ""

    @property
    def notes(self) -> list[str]:
        """Return where the value came from and who else is affected, in words."""
        found = [f"came from {self.came_from.name}"] if self.came_from is not None else []
        if self.also_affects:
            found.append(f"also changes it for {', '.join(each.shown for each in self.also_affects)}")
        return found

    @property
    def whose(self) -> str:
        """Return `` of NAME`` for a value of a contact; empty for the client's own and whole contacts."""
        return f" of {self.contact}" if self.contact and self.field != "contact" else ""

    @property
    def selector(self) -> str:
        """Return record and field in the form of ``plan tick``."""
        return f"{self.record}:{self.field}"


class FormerView(msgspec.Struct, frozen=True, kw_only=True):
    """A value or a whole contact (field ``contact``) that came from another XPM client than the new one.

    ``outcome`` is ``replaced``, ``removed``, ``same`` (the new client has it, too) or ``kept``, with the
    reason in ``why``.
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
    """The effects of a link, before it is made.

    ``former`` is what came from another XPM client, with what happens to it; ``former_counts`` counts that.
    ``changes`` are the values that the next sync would write, first those that replace a value,
    ``differences`` what would still differ after it, each with its reason; ``warnings`` are sentences;
    ``refused`` says why the link is not possible; ``needs_yes``: it needs an explicit
    confirmation (a second client linked to one XPM client); ``jobs`` are jobs in XPM that stay with the old
    client.
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


class PickView(msgspec.Struct, frozen=True, kw_only=True):
    """The result of bringing in one XPM client: ``added``, ``linked`` or ``left`` with the reason.

    ``client`` is the client in the store, or the one that prevents it; ``why`` is the reason in one word.
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


class SkippedUndoView(msgspec.Struct, frozen=True, kw_only=True):
    """Something that an undo leaves as it is: the value it would have restored, the present one, and why.

    ``address`` is the record's web address in XPM, if it stays there; ``contact`` names the contact.
    """

    record: str
    name: str
    field: str
    wanted: Value
    present: Value
    reason: str
    address: str = ""
    contact: str = ""


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
    """A link that has a problem, or an unlinked client with a proposal."""

    id: str
    name: str
    state: LinkState
    uuid: str | None
    number: str | None
    message: str
    proposal: XpmClientView | None = None


class CreatedView(msgspec.Struct, frozen=True, kw_only=True):
    """A client that was created in XPM; ``left_out`` are fields that could not be sent."""

    client: ClientView
    xpm: XpmClientView
    left_out: tuple[str, ...]
    run: str
