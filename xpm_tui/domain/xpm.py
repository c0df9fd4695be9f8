r"""XPM's records as canonical rows of the mirror (Practice Manager API 3.1), and faults in them. All frozen.

Texts are NFC with ``\n`` line ends; an absent and an empty element are both the empty text; UUIDs are lower
case.

A *fault* says what is wrong with one part of a record. The whole record is set aside if its identifying part
is invalid (``ESSENTIAL``), or if it occurs twice; otherwise only the field is, which then keeps its previous
value and is neither compared nor written. All other records are used.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Final, Literal, TypeVar

import msgspec

from xpm_tui.domain.fields import CLIENT
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.secret import Masked

R = TypeVar("R")

WHOLE: Final = "*"
"""The attribute of a fault that concerns the whole record."""

ESSENTIAL: Final = frozenset(
    {
        "uuid",
        "number",
        *(
            field.attribute
            for field in CLIENT.values()
            if field.xpm is not None
            and (field.required or (field.kind == "flag" and not field.sync.is_ever_synced))
        ),
    }
)
"""Attributes that identify a record or say whether it may be written."""

FaultKind = Literal[
    "missing-uuid",
    "bad-uuid",
    "missing-name",
    "missing-number",
    "unnamed-member",
    "twice",
    "two-values",
    "not-text",
    "not-yes-or-no",
    "not-a-number",
    "not-a-date",
    "character",
]


class FaultType(msgspec.Struct, frozen=True):
    """A kind of fault in a few words, and what to do about it in XPM."""

    title: str
    remedy: str


FAULTS: Final[dict[FaultKind, FaultType]] = {
    "missing-uuid": FaultType(
        "a record without a UUID",
        "Open it in XPM and save it again. If XPM still sends no UUID, ask Xero's support.",
    ),
    "bad-uuid": FaultType(
        "an invalid UUID",
        "Open it in XPM and save it again. If XPM still sends the same, ask Xero's support.",
    ),
    "missing-name": FaultType("a record without a name", "Give it a name in XPM."),
    "missing-number": FaultType(
        "a job without a number",
        "Open the job in XPM and save it again; if XPM still sends no number, ask Xero's support.",
    ),
    "unnamed-member": FaultType(
        "an empty entry in a list", "Remove the empty entry in XPM, or choose a record for it."
    ),
    "twice": FaultType("the same record twice", "Merge the two in XPM, or remove one of them."),
    "two-values": FaultType(
        "one field with two different values", "Open the record in XPM, correct the field and save it."
    ),
    "not-text": FaultType(
        "markup instead of text", "Type the text again in XPM, without formatting, and save it."
    ),
    "not-yes-or-no": FaultType("neither Yes nor No", "Choose Yes or No in XPM and save it."),
    "not-a-number": FaultType("not a whole number", "Type a whole number in XPM and save it."),
    "not-a-date": FaultType("not a date", "Choose the date again in XPM and save it."),
    "character": FaultType(
        "a character that is not allowed in text",
        "Delete the text in XPM, type it again by hand and save it.",
    ),
}
"""Everything that can be wrong with one record of a reply. ``docs/input.md`` is generated from it."""


class RecordFault(msgspec.Struct, frozen=True, omit_defaults=True):
    """A fault in one part of a record.

    ``attribute`` is the part of our record that is set aside, ``where`` the element of the reply, such as
    ``Contacts/Contact[2]/UUID``, and ``problem`` the fault observed there.
    """

    attribute: str
    where: str
    problem: str
    kind: str = "not-text"

    @property
    def sentence(self) -> str:
        """Return what is wrong, with the field by its label, and without the record."""
        field = CLIENT.get(self.attribute)
        where = f"{field.label} ({visible(self.where, 60)})" if field is not None else visible(self.where, 60)
        return f"{where} {visible(self.problem, 160)}"

    @property
    def remedy(self) -> str:
        """Return what to do about it in XPM."""
        found = FAULTS.get(self.kind)  # type: ignore[call-overload]
        return found.remedy if found is not None else "Correct it in XPM."


class Quarantined(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One record that was set aside, with its identification; ``place`` is its position in the list."""

    kind: str
    faults: tuple[RecordFault, ...]
    place: int = 0
    uuid: str = ""
    name: str = ""
    number: str = ""

    @property
    def whole(self) -> bool:
        """Return whether the whole record was set aside, not only some of its fields."""
        return any(fault.attribute == WHOLE for fault in self.faults)

    @property
    def key(self) -> str:
        """Return a key that distinguishes it from others of its list."""
        return self.uuid or self.number or f"{self.name}#{self.place}"

    @property
    def description(self) -> str:
        """Return the kind and identification of the record, such as ``Client "Kowhai Ltd" (14071234)``."""
        name = f' "{self.name}"' if self.name else ""
        known = self.number or ("" if self.name and not self.uuid else self.uuid)
        at = f" ({known})" if known else "" if name else f" at position {self.place} in the list"
        return f"{_NOUNS.get(self.kind, self.kind)}{name}{at}"

    @property
    def problem(self) -> str:
        """Return what is wrong with it."""
        return "; ".join(fault.sentence for fault in self.faults)

    @property
    def remedy(self) -> str:
        """Return what to do about it in XPM."""
        return " ".join(dict.fromkeys(fault.remedy for fault in self.faults))

    @property
    def effect(self) -> str:
        """Return what is not done in the meantime."""
        if self.whole:
            return "Until then, the record stays as it was here and is not synced."
        return (
            "Until then, the field keeps the value it had here, and sync does not change it in "
            "Ignition or XPM."
        )


_NOUNS = {
    "Client": "Client",
    "Group": "Client group",
    "Staff": "Staff member",
    "Template": "Job template",
    "Category": "Job category",
    "Job": "Job",
}


class Records(list[R]):
    """The valid records of a list, and those that were ``quarantined``.

    A record with a field that was set aside is in both.
    """

    def __init__(self, records: Iterable[R] = (), quarantined: Sequence[Quarantined] = ()) -> None:
        super().__init__(records)
        self.quarantined: tuple[Quarantined, ...] = tuple(quarantined)


def quarantined_in(records: object) -> tuple[Quarantined, ...]:
    """Return what was set aside from a list; a plain list has nothing."""
    return tuple(getattr(records, "quarantined", ()))


class RecordReference(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A record that another record refers to: a person, a group, a client."""

    uuid: str
    name: str = ""


class XpmContact(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """A contact; it may belong to several clients, so it is always addressed together with one of them."""

    uuid: str
    name: str = ""
    email: str = ""
    phone: str = ""
    mobile: str = ""
    salutation: str = ""
    addressee: str = ""
    position: str = ""
    primary: bool = False
    deleted: bool = False


class XpmClient(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """One client of XPM. ``number`` is the number in its web address (empty if the reply had none).

    ``partner`` is XPM's AccountManager, ``manager`` its JobManager. ``groups`` is None if the reply does not
    contain groups (the plain list, search without detail). ``seen_at`` is when this content was first
    received. ``unread`` are the fields that XPM sent in an unreadable form: they keep their previous value,
    and are neither compared nor written.
    """

    uuid: str
    name: str
    number: str = ""
    archived: bool = False
    prospect: bool = False
    deleted: bool = False
    contacts: tuple[XpmContact, ...] = ()
    email: str = ""
    phone: str = ""
    fax: str = ""
    website: str = ""
    referral_source: str = ""
    address: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""
    postal_address: str = ""
    postal_city: str = ""
    postal_region: str = ""
    postal_postcode: str = ""
    postal_country: str = ""
    tax_registered: bool | None = None
    structure: str = ""
    groups: tuple[RecordReference, ...] | None = None
    partner: RecordReference | None = None
    manager: RecordReference | None = None
    billing_client: RecordReference | None = None
    code: str = ""
    export_code: str = ""
    company_number: str = ""
    business_number: str = ""
    tax_number: Masked | None = None
    first_name: str = ""
    last_name: str = ""
    web_url: str = ""
    seen_at: datetime | None = None
    unread: tuple[RecordFault, ...] = ()

    def contact(self, uuid: str) -> XpmContact | None:
        """Return the contact with this UUID, deleted or not, or None."""
        return next((contact for contact in self.contacts if contact.uuid == uuid), None)

    @property
    def present_contacts(self) -> tuple[XpmContact, ...]:
        """Return the contacts that are not deleted."""
        return tuple(contact for contact in self.contacts if not contact.deleted)

    @property
    def is_set_aside(self) -> bool:
        """Return whether the whole record could not be read."""
        return any(fault.attribute == WHOLE for fault in self.unread)


class Staff(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A staff record of XPM; XPM has no flag for staff who left, they are missing from the list."""

    uuid: str
    name: str
    email: str = ""
    phone: str = ""
    mobile: str = ""
    gone: bool = False


class Template(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A job template: XPM gives only its UUID and name. ``gone``: no longer in a complete list."""

    uuid: str
    name: str
    gone: bool = False


class Category(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A job category."""

    uuid: str
    name: str
    gone: bool = False


class Task(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A task on a job."""

    uuid: str
    name: str
    task_uuid: str = ""
    minutes: int = 0
    completed: bool = False


class XpmJob(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A job. ``number`` (XPM's ``ID``, for example ``J000412``) is its address; never parse it.

    ``state`` and ``category`` are display names, because XPM gives no UUID for either. ``tasks`` is None if
    the reply does not contain them.
    """

    number: str
    name: str
    uuid: str = ""
    description: str = ""
    client: RecordReference | None = None
    order_number: str = ""
    budget: str = ""
    state: str = ""
    category: str = ""
    start: date | None = None
    due: date | None = None
    completed: date | None = None
    manager: RecordReference | None = None
    partner: RecordReference | None = None
    assigned: tuple[RecordReference, ...] = ()
    tasks: tuple[Task, ...] | None = None
    web_url: str = ""
    gone: bool = False


class Arrival(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The arrival of a record at an XPM client, as the mirror saw it; ``id`` is ``<kind>/<what>/<to>``.

    ``what`` is the UUID of a contact or group, or the number of a job; ``was`` is the client that a job
    belonged to before. ``new``: the XPM client itself was new then.
    """

    id: str
    kind: Literal["contact", "group", "job"]
    what: str
    to: str
    at: datetime
    was: str = ""
    new: bool = False


class Tenant(msgspec.Struct, frozen=True, kw_only=True):
    """One connection of the login (Xero ``/connections``). ``name`` may be None: show the id then."""

    connection_id: str
    tenant_id: str
    kind: str
    name: str | None = None
    created: datetime | None = None
    updated: datetime | None = None
