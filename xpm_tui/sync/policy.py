"""The policy: which field goes which way, when, and at which level. Only this table says so.

A practice narrows it (``off``); a client narrows it further by a freeze. Never carried, in no table: tax,
company and business numbers, relationships, status, custom fields.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from functools import cached_property
from typing import Literal

import msgspec

from xpm_tui.model.plan import Direction, Level

Kind = Literal["text", "flag", "names", "person", "contact"]
OnConflict = Literal["overwrite", "hold"]
Clear = Literal["never", "ask", "yes"]


class FieldRule(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the policy.

    ``name`` is the attribute of the book's client or, for the fields of a contact, ``contact_`` and the
    attribute of its contact; ``element`` is XPM's word. ``required``: XPM has no record without it, so it is
    never cleared. ``name_level``: carried at level Client name too.
    """

    name: str
    label: str
    element: str
    kind: Kind = "text"
    contact: bool = False
    required: bool = False
    from_creation: bool = True
    from_ongoing: bool = True
    to_creation: bool = True
    to_ongoing: bool = True
    name_level: bool = False

    @property
    def attribute(self) -> str:
        """The attribute's name in the record that holds it."""
        return self.name.removeprefix("contact_") if self.contact else self.name

    def carries(self, direction: Direction, *, creation: bool) -> bool:
        """Whether the field goes this way, at creation or afterwards."""
        if direction == "from_xpm":
            return self.from_creation if creation else self.from_ongoing
        return self.to_creation if creation else self.to_ongoing


def _contact(name: str, label: str, element: str, *, required: bool = False) -> FieldRule:
    return FieldRule(name=name, label=label, element=element, contact=True, required=required)


def _from_only(name: str, label: str, element: str, kind: Kind = "text") -> FieldRule:
    return FieldRule(name=name, label=label, element=element, kind=kind, to_creation=False, to_ongoing=False)


FIELDS: tuple[FieldRule, ...] = (
    FieldRule(name="name", label="Client name", element="Name", required=True, name_level=True),
    FieldRule(name="contact", label="Contacts", element="Contacts", kind="contact"),
    FieldRule(
        name="contact_primary",
        label="Primary contact",
        element="Contact/IsPrimary",
        kind="contact",
        required=True,
    ),
    _contact("contact_name", "Contact name", "Contact/Name", required=True),
    _contact("contact_email", "Contact e-mail", "Contact/Email"),
    _contact("contact_phone", "Contact phone", "Contact/Phone"),
    _contact("contact_mobile", "Contact mobile", "Contact/Mobile"),
    _contact("contact_salutation", "Contact salutation", "Contact/Salutation"),
    _contact("contact_addressee", "Contact addressee", "Contact/Addressee"),
    FieldRule(name="address", label="Address", element="Address"),
    FieldRule(name="city", label="City", element="City"),
    FieldRule(name="region", label="Region", element="Region"),
    FieldRule(name="postcode", label="Postcode", element="PostCode"),
    FieldRule(name="country", label="Country", element="Country"),
    FieldRule(name="postal_address", label="Postal address", element="PostalAddress"),
    FieldRule(name="postal_city", label="Postal city", element="PostalCity"),
    FieldRule(name="postal_region", label="Postal region", element="PostalRegion"),
    FieldRule(name="postal_postcode", label="Postal postcode", element="PostalPostCode"),
    FieldRule(name="postal_country", label="Postal country", element="PostalCountry"),
    FieldRule(name="phone", label="Phone", element="Phone"),
    FieldRule(name="fax", label="Fax", element="Fax"),
    _from_only("website", "Website", "Website"),
    _from_only("tax_registered", "Tax registered", "GSTRegistered", "flag"),
    _from_only("groups", "Client groups", "Groups", "names"),
    FieldRule(name="partner", label="Partner", element="AccountManager", kind="person"),
    FieldRule(name="manager", label="Manager", element="JobManager", kind="person"),
    FieldRule(
        name="structure",
        label="Business structure",
        element="BusinessStructure",
        from_ongoing=False,
        to_ongoing=False,
    ),
)

BY_NAME: dict[str, FieldRule] = {rule.name: rule for rule in FIELDS}
CLIENT_FIELDS: tuple[FieldRule, ...] = tuple(
    rule for rule in FIELDS if not rule.contact and rule.kind != "contact"
)
CONTACT_FIELDS: tuple[FieldRule, ...] = tuple(rule for rule in FIELDS if rule.contact)
ORDER: dict[str, int] = {rule.name: place for place, rule in enumerate(FIELDS)}


class Policy(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """The table as a practice uses it: direction, level, and what it switched off."""

    direction: Direction = "from_xpm"
    level: Level = "everything"
    off: frozenset[str] = frozenset()
    on_conflict: OnConflict = "overwrite"
    clear: Clear = "ask"

    def fields(self, *, creation: bool = False) -> tuple[FieldRule, ...]:
        """What is carried: at creation whatever the level is, afterwards what the level allows."""
        return tuple(
            rule
            for rule in FIELDS
            if rule.carries(self.direction, creation=creation)
            and (rule.name not in self.off or (creation and rule.required))
            and (creation or self._at_level(rule))
        )

    def of_new_contact(self, frozen: Collection[str] = ()) -> frozenset[str]:
        """The fields that a contact is made with, whatever the level: those neither switched off nor frozen.
        There is none without a name."""
        made = (rule for rule in self.fields(creation=True) if rule.contact)
        return frozenset(rule.name for rule in made if rule.required or rule.name not in frozen)

    @cached_property
    def hash(self) -> str:
        """Changes whenever another plan could come out: the settings and the table itself."""
        said = (self.direction, self.level, sorted(self.off), self.on_conflict, self.clear, FIELDS)
        return hashlib.blake2b(msgspec.json.encode(said), digest_size=8).hexdigest()

    def _at_level(self, rule: FieldRule) -> bool:
        return self.level == "everything" or (self.level == "name" and rule.name_level)


def label(field: str) -> str:
    """A field in a person's words; ``k3.contact_email`` reads like ``contact_email``."""
    rule = BY_NAME.get(field.rpartition(".")[2])
    if rule is not None:
        return rule.label
    return {"link": "Link", "client": "Client", "*": "Everything"}.get(field, field)
