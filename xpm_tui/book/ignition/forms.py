"""Ignition's CSV forms: their fields, the headings they are exported under, and the headings they go by.

Sources: Ignition's help pages "Import and edit your clients in bulk" (Client ID, Contact ID, Client Name,
Contact Name, Contact Email; the last three must be filled) and "How to export active services". What else a
practice's file holds differs by plan, so that every other heading is a synonym or an unknown column.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from xpm_tui.book.ignition.text import squeezed
from xpm_tui.model.errors import BadInput
from xpm_tui.model.text import visible

FormName = Literal["clients", "services", "team", "proposals"]
IGNORE = "ignore"
"""What a heading is mapped to so that its column is passed over."""


@dataclass(frozen=True)
class Field:
    """A field of a form; ``also`` are other headings for it, as :func:`squeezed` gives them.

    ``looks`` decides by a column's values where a heading could mean two things.
    """

    name: str
    heading: str
    also: tuple[str, ...] = ()
    looks: Callable[[Sequence[str]], bool] | None = None


@dataclass(frozen=True)
class Form:
    """A form: its fields in the order of export; a file must have one of the fields in ``needs``."""

    name: FormName
    fields: tuple[Field, ...]
    needs: tuple[str, ...]
    by_name: Mapping[str, Field] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {each.name: each for each in self.fields})

    def headings(self) -> list[str]:
        """Every heading that is understood."""
        return [heading for each in self.fields for heading in (each.heading, *each.also)]


_STATES = {"lead", "prospect", "active", "inactive", "archived", "client", "lost"}
_YES_NO = {"yes", "no", "true", "false", "y", "n", "1", "0"}


def _all_in(words: set[str]) -> Callable[[Sequence[str]], bool]:
    def looks(values: Sequence[str]) -> bool:
        filled = [value.strip().casefold() for value in values if value.strip()]
        return bool(filled) and all(value in words for value in filled)

    return looks


def _address(prefix: str, spoken: str, kinds: tuple[str, ...]) -> tuple[Field, ...]:
    parts = {
        "address": ("Address", ("address", "street", "address line 1", "address 1", "address street")),
        "city": ("City", ("city", "town", "suburb", "town city", "suburb city", "address city")),
        "region": (
            "Region",
            ("region", "province", "county", "state region", "address state", "address region"),
        ),
        "postcode": ("Postcode", ("postcode", "post code", "zip", "zip code", "zipcode", "address postcode")),
        "country": ("Country", ("country", "address country")),
    }
    return tuple(
        Field(
            prefix + name,
            f"{spoken}{heading}",
            tuple(f"{kind} {word}".strip() for kind in kinds for word in words)
            + tuple(f"{kind} state" for kind in kinds if name == "region" and kind not in ("", "client")),
        )
        for name, (heading, words) in parts.items()
    )


CLIENTS = Form(
    "clients",
    (
        Field("client_id", "Client ID", ("id", "client identifier", "ignition client id", "ignition id")),
        Field("contact_id", "Contact ID", ("ignition contact id", "contact identifier")),
        Field("name", "Client Name", ("client", "name", "company name", "company", "business name",
                                      "organisation", "organization", "entity name")),
        Field("contact_name", "Contact Name", ("contact", "full name", "primary contact name")),
        Field("contact_first_name", "Contact First Name", ("first name", "given name", "given names")),
        Field("contact_last_name", "Contact Last Name", ("last name", "surname", "family name")),
        Field("contact_email", "Contact Email", ("email", "e mail", "email address", "contact email address",
                                                 "client email", "primary email")),
        Field("contact_phone", "Contact Phone", ("contact phone number", "direct phone")),
        Field("contact_mobile", "Contact Mobile", ("mobile", "mobile phone", "mobile number", "cell",
                                                   "cell phone", "contact mobile number", "contact cell")),
        Field("contact_salutation", "Contact Salutation", ("salutation", "greeting")),
        Field("contact_addressee", "Contact Addressee", ("addressee",)),
        Field("contact_primary", "Primary Contact", ("primary", "is primary"), _all_in(_YES_NO)),
        Field("phone", "Phone", ("client phone", "phone number", "telephone", "company phone",
                                 "business phone", "office phone")),
        Field("fax", "Fax", ("client fax", "fax number")),
        Field("website", "Website", ("web site", "url", "web address", "client website", "homepage")),
        *_address("", "", ("", "client", "street", "physical", "business", "company")),
        *_address("postal_", "Postal ", ("postal", "mailing", "post")),
        Field("tax_registered", "Tax Registered", ("gst registered", "vat registered", "is gst registered",
                                                   "registered for gst", "registered for tax")),
        Field("structure", "Company Structure", ("structure", "business structure", "entity type",
                                                 "legal structure")),
        Field("groups", "Client Groups", ("groups", "group", "client group")),
        Field("partner", "Partner", ("client partner",)),
        Field("manager", "Manager", ("client manager", "job manager")),
        Field("state", "Client Status", ("status", "client state", "lifecycle")),
    ),
    ("client_id", "name", "contact_id"),
)  # fmt: skip

SERVICES = Form(
    "services",
    (
        Field("service_id", "Service ID", ("id",)),
        Field("name", "Service Name", ("service", "name", "title")),
    ),
    ("name",),
)

TEAM = Form(
    "team",
    (
        Field("name", "Name", ("full name", "user", "user name", "team member", "staff name", "staff")),
        Field("first_name", "First Name", ("given name", "given names")),
        Field("last_name", "Last Name", ("surname", "family name")),
        Field("email", "Email", ("e mail", "email address", "user email", "login", "login email")),
        Field("access", "Access", ("has access", "login access", "can sign in")),
        Field("active", "Status", ("active", "state", "is active")),
    ),
    ("name", "first_name", "email"),
)

PROPOSALS = Form(
    "proposals",
    (
        Field("number", "Proposal Number", ("proposal id", "proposal ref", "proposal reference", "number",
                                            "proposal", "reference")),
        Field("name", "Proposal Name", ("proposal title", "title")),
        Field("client_id", "Client ID", ("ignition client id",)),
        Field("client_reference", "Client Reference", ("client number", "client ref")),
        Field("client_name", "Client Name", ("client", "company name", "company")),
        Field("contact_email", "Contact Email", ("email", "client email", "contact email address")),
        Field("state", "Proposal Status", ("status", "state", "service status", "proposal state")),
        Field("accepted", "Accepted Date", ("accepted", "acceptance date", "accepted on", "date accepted")),
        Field("start", "Start Date", ("start", "service start date", "service start", "starts",
                                      "effective date", "proposal start date", "effective start date")),
        Field("end", "End Date", ("end", "service end date", "service end", "ends", "expiry date", "expires",
                                  "contract end date", "proposal end date", "minimum contract end date")),
        Field("service", "Service Name", ("service",)),
        Field("service_id", "Service ID", ()),
        Field("billing", "Billing Type", ("billing", "billing frequency", "billing mode", "frequency")),
        Field("price", "Price", ("amount", "value", "service price", "total", "net price", "price ex tax")),
        Field("quantity", "Quantity", ("qty", "units")),
        Field("partner", "Partner", ("client partner",)),
        Field("manager", "Manager", ("client manager", "job manager", "proposal manager")),
    ),
    ("number", "name", "client_name", "client_id"),
)  # fmt: skip

FORMS: dict[str, Form] = {form.name: form for form in (CLIENTS, SERVICES, TEAM, PROPOSALS)}


@dataclass(frozen=True)
class Column:
    """A column of a file: ``field`` is empty where it is unknown; ``heading`` is unique within the file."""

    index: int
    heading: str
    field: str = ""
    ignored: bool = False


def columns(
    form: Form, headings: Sequence[str], samples: Sequence[Sequence[str]], mapping: Mapping[str, str]
) -> tuple[Column, ...]:
    """Which column is which field.

    A mapped heading goes first, then the form's own headings, then synonyms; of two columns for one field the
    better one takes it, and the other is kept as an unknown column. Raises ``BadInput`` for a mapping that
    names no field, and when no column is one that the form needs.
    """
    unique = _unique(headings)
    told = {squeezed(heading): _field(form, name) for heading, name in mapping.items()}
    taken: dict[str, int] = {}
    ignored = {at for at, heading in enumerate(headings) if told.get(squeezed(heading)) == IGNORE}
    for rank in range(3):
        for at, heading in enumerate(headings):
            if at in ignored or at in taken.values() or (rank and squeezed(heading) in told):
                continue
            name = _match(form, squeezed(heading), [row[at] for row in samples if at < len(row)], told, rank)
            if name and name not in taken:
                taken[name] = at
    if not any(name in taken for name in form.needs):
        raise _none_usable(form, headings)
    by_index = {at: name for name, at in taken.items()}
    return tuple(
        Column(at, heading, by_index.get(at, ""), at in ignored) for at, heading in enumerate(unique)
    )


def mapped(text: str) -> tuple[str, str]:
    """``Heading=field`` as a pair; raises ``BadInput``."""
    heading, sign, name = text.rpartition("=")
    if not sign or not heading.strip():
        raise BadInput(
            f"{visible(text, 80)} is no mapping.",
            hint="Write the heading, =, and a field: 'Tel=contact_phone'.",
        )
    return heading.strip(), name.strip()


def _match(form: Form, heading: str, values: Sequence[str], told: Mapping[str, str], rank: int) -> str:
    if rank == 0:
        return told.get(heading, "")
    for each in form.fields:
        if heading not in ({squeezed(each.heading)} if rank == 1 else each.also):
            continue
        if each.looks is None or each.looks(values):
            return each.name
    if form is CLIENTS and rank == 2:
        # "State": part of an address, or the client's. "Primary Contact": a name, or yes and no.
        if heading == "state":
            return "state" if _all_in(_STATES)(values) else "region"
        if heading == "primary contact":
            return "contact_name"
    return ""


def _field(form: Form, told: str) -> str:
    if told.casefold() in ("", "-", IGNORE):
        return IGNORE
    by_heading = {squeezed(each.heading): each.name for each in form.fields}
    name = told.strip().casefold()
    found = name if name in form.by_name else by_heading.get(squeezed(told), "")
    if not found:
        import difflib

        near = difflib.get_close_matches(name, form.by_name, 1, 0.5)
        raise BadInput(
            f"There is no field {visible(told, 60)} in the form for {form.name}.",
            hint=f"Did you mean {near[0]}?" if near else f"The fields are {', '.join(form.by_name)}.",
        )
    return found


def _unique(headings: Sequence[str]) -> list[str]:
    seen: dict[str, int] = {}
    unique = []
    for at, heading in enumerate(headings, 1):
        name = heading.strip() or f"Column {at}"
        seen[name.casefold()] = seen.get(name.casefold(), 0) + 1
        again = seen[name.casefold()]
        unique.append(name if again == 1 else f"{name} ({again})")
    return unique


def _none_usable(form: Form, headings: Sequence[str]) -> BadInput:
    found = ", ".join(str(visible(re.sub(r"\s+", " ", heading), 40)) for heading in headings[:12] if heading)
    more = f" and {len(headings) - 12} more" if len(headings) > 12 else ""
    needed = " or ".join(form.by_name[name].heading for name in form.needs)
    example = "name" if "name" in form.needs else form.needs[0]
    return BadInput(
        f"No column of the file can be used for {form.name}. Found: {found or 'no headings'}{more}. "
        f"Needed: {needed}.",
        hint=f"If one of them is it, say which: --map 'Heading={example}'.",
    )
