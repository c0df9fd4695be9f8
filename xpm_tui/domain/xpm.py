r"""XPM's records, as canonical rows of the mirror (Practice Manager API 3.1). All frozen.

Texts are NFC with ``\n`` line ends; an absent and an empty element are both the empty text; UUIDs are lower
case.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

from xpm_tui.domain.quarantine import WHOLE, RecordFault
from xpm_tui.domain.secret import Masked


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


class MovedJob(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A record that the mirror has seen arrive at an XPM client; ``id`` is ``<kind>/<what>/<to>``.

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
