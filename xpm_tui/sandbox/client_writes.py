"""The endpoints of client.api that write clients and contacts.

In an update, absent elements are unchanged and empty ones are cleared. Position and primary belong to the
link between a contact and a client, not to the contact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from xpm_tui.sandbox.endpoint import ApplicationError, Call, Fields, Reply, Route
from xpm_tui.sandbox.queries import find_contact, first_link, link_at, one_client, writer
from xpm_tui.sandbox.records import (
    Address,
    ClientContact,
    ClientRecord,
    ContactRecord,
    Individual,
    Tax,
    with_contact,
    with_values,
)
from xpm_tui.sandbox.xml import contact_xml

_TEXT_FIELDS = {
    "Phone": "phone",
    "Fax": "fax",
    "WebSite": "website",
    "ReferralSource": "referral",
    "ExportCode": "export_code",
}
"""Text elements by name; the request has WebSite where the reply has Website."""
_PLACES = {
    "Address": "street",
    "City": "city",
    "Region": "region",
    "PostCode": "post_code",
    "Country": "country",
}
_PERSON = {
    "Title": "title",
    "Gender": "gender",
    "FirstName": "first",
    "MiddleName": "middle",
    "LastName": "last",
    "OtherName": "other",
}
_NUMBERS = {"TaxNumber": "tax_number", "CompanyNumber": "company_number", "BusinessNumber": "business_number"}
_TAX = {
    "BranchNumber": "branch",
    "BusinessStructure": "structure",
    "BalanceMonth": "balance_month",
    "GSTRegistered": "gst_registered",
    "PrepareGST": "prepare_gst",
    "GSTPeriod": "gst_period",
    "GSTBasis": "gst_basis",
    "ProvisionalTaxBasis": "provisional_basis",
    "ProvisionalTaxRatio": "provisional_ratio",
    "SignedTaxAuthority": "signed_authority",
    "TaxAgent": "agent",
    "AgencyStatus": "agency_status",
    "ReturnType": "return_type",
    "PrepareActivityStatement": "prepare_activity",
    "PrepareTaxReturn": "prepare_return",
    "ActiveAtoClient": "active_ato",
}
_NULLABLE = frozenset("BalanceMonth GSTPeriod GSTBasis ProvisionalTaxBasis ProvisionalTaxRatio".split())
_FLAGS = frozenset(
    "GSTRegistered PrepareGST SignedTaxAuthority PrepareActivityStatement PrepareTaxReturn"
    " ActiveAtoClient".split()
)
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_PERIODS = {"1": "Monthly", "2": "2 Monthly", "6": "6 Monthly"}
_CHOICES = {
    "GSTBasis": ("Invoice", "Payment", "Hybrid"),
    "ProvisionalTaxBasis": ("Standard Option", "Estimate Option", "Ratio Option"),
    "AgencyStatus": ("With EOT", "Without EOT", "Unlinked"),
}


def apply_client_values(call: Call, client: ClientRecord, given: Fields) -> ClientRecord:
    """Return the client with the values of the request.

    Raises:
        ApplicationError: A value is invalid.
    """
    values: dict[str, object] = {"name": given.required("Name").strip()}
    values |= given_texts(given, _TEXT_FIELDS)
    values["address"] = _address(client.address, given, "")
    values["postal"] = _address(client.postal, given, "Postal")
    if "Email" in given:
        values["email"] = given.filled("Email")
    if "IsProspect" in given:
        values["prospect"] = read_flag(given, "IsProspect")
    values["person"] = _person(client.person, given)
    for element, name in (("AccountManagerUUID", "partner"), ("JobManagerUUID", "manager")):
        if element in given:
            uuid = given.uuid(element)
            values[name] = call.staff(uuid).uuid if uuid else None
    if "BillingClientUUID" in given:
        uuid = given.uuid("BillingClientUUID")
        values["billing"] = call.client(uuid).uuid if uuid else None
    values |= given_texts(given, _NUMBERS)
    if "ClientCode" in given:
        values["code"] = given.filled("ClientCode")
    values["tax"] = _tax(client.tax, given)
    return with_values(replace(client, modified=call.now), values)


def read_flag(given: Fields, element: str) -> bool:
    """Return a Yes or No as a boolean.

    Raises:
        ApplicationError: The value is neither.
    """
    text = (given.text(element) or "").strip()
    if text not in ("Yes", "No"):
        raise ApplicationError.parameter(f"Parameter '{element}' should be 'Yes' or 'No'")
    return text == "Yes"


def given_texts(given: Fields, names: dict[str, str]) -> dict[str, object]:
    """Return the texts of those elements of `names` that the request has, by the name of the value."""
    return {name: given.text(element) for element, name in names.items() if element in given}


def _address(before: Address, given: Fields, prefix: str) -> Address:
    names = {f"{prefix}{element}": name for element, name in _PLACES.items()}
    return with_values(before, given_texts(given, names))


def _birth(text: str | None) -> str | None:
    """Return a date of birth in the form `yyyy-MM-dd`, from any of the accepted forms.

    A text that is not a date is stored as it was sent.
    """
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text[:10] if "-" in text else text[:8]).strftime("%Y-%m-%d")
    except ValueError:
        return text


def _person(before: Individual | None, given: Fields) -> Individual | None:
    values = given_texts(given, _PERSON)
    if "DateOfBirth" in given:
        values["born"] = _birth(given.filled("DateOfBirth"))
    if not values or (before is None and not any(values.values())):
        return before
    return with_values(before or Individual(), values)


def _tax(before: Tax | None, given: Fields) -> Tax | None:
    """Return the practice and tax block; it is created with the first of its elements."""
    values: dict[str, object] = {}
    for element, name in _TAX.items():
        if element in given:
            values[name] = _tax_value(element, given)
    opt_in = given.inside("AutoBasOptInCriteria")
    if opt_in is not None:
        names = ("Annually", "Monthly", "Quarterly", "Opt-Out")
        values["bas_opt_in"] = tuple("Yes" if opt_in.text(name) == "Yes" else "No" for name in names)
    if not values and not any(element in given for element in (*_NUMBERS, "ClientCode")):
        return before
    return with_values(before or Tax(), values)


def _tax_value(element: str, given: Fields) -> str | None:
    text = (given.text(element) or "").strip()
    if element in _FLAGS:
        return "Yes" if read_flag(given, element) else "No"
    if not text:
        return None if element in _NULLABLE else ""
    reader = _READERS.get(element)
    read = reader(text) if reader else text
    if read is None or (element in _CHOICES and text not in _CHOICES[element]):
        raise ApplicationError.parameter(f"Parameter '{element}' has the invalid value '{text}'")
    return read


def _month(text: str) -> str | None:
    """Return 1 to 12, from a number or the first three letters of a name."""
    if text.isdecimal() and len(text) <= 2:
        return str(int(text)) if 1 <= int(text) <= 12 else None
    short = text[:3].lower()
    return str(_MONTHS.index(short) + 1) if short in _MONTHS else None


_READERS: dict[str, Callable[[str], str | None]] = {"BalanceMonth": _month, "GSTPeriod": _PERIODS.get}


MOST_LINKS = 10
_TEXTS = {
    "Name": "name",
    "Mobile": "mobile",
    "Email": "email",
    "Phone": "phone",
    "Salutation": "salutation",
    "Addressee": "addressee",
}


def check_contact(given: Fields) -> None:
    """Check the name and the primary flag of a contact.

    Raises:
        ApplicationError: The name is missing, or the flag is neither Yes nor No.
    """
    given.required("Name")
    if given.filled("IsPrimary"):
        read_flag(given, "IsPrimary")


def add_contact(call: Call, client: str, given: Fields) -> ContactRecord:
    """Return a new contact, linked to a client. Raises what `check_contact` raises."""
    check_contact(given)
    contact = apply_contact_values(ContactRecord(call.ids.uuid("contact"), "", visible=call.visible), given)
    call.practice.contacts[contact.uuid] = contact
    _link(call, call.practice.clients[client], contact, given)
    return contact


def apply_contact_values(contact: ContactRecord, given: Fields) -> ContactRecord:
    """Return the contact with the values of the request; absent elements are unchanged."""
    if "Name" in given:
        given.required("Name")
    return with_values(contact, given_texts(given, _TEXTS))


def create_contact(call: Call) -> Reply:
    """Add a contact to the client that the body names (POST client.api/contact)."""
    owner = call.fields.inside("Client")
    client = call.client(owner.uuid("UUID") if owner else None)
    contact = add_contact(call, client.uuid, call.fields)
    link = next(link for link in call.practice.clients[client.uuid].contacts if link.contact == contact.uuid)
    return Reply("Contact", (contact,), lambda row: contact_xml(row, link))


def change_contact(call: Call) -> Reply:
    """Update a contact (PUT client.api/contact/{uuid}).

    Position and primary are set at the client of `clientUuid`, or of the body, or else at the first one.
    """
    before = find_contact(call)
    if before.deleted:
        raise ApplicationError.identifier("Invalid contact identifier")
    given = call.fields
    place = _place(call, before, given)
    contact = apply_contact_values(before, given)
    call.practice.contacts[contact.uuid] = contact
    for client in call.practice.clients_of(contact.uuid):
        if client.uuid == place and ("Position" in given or "IsPrimary" in given):
            _link(call, client, contact, given)
        else:
            call.practice.put_client(replace(client, modified=call.now))
    shown = first_link(call, contact) if place is None else _link_of(call.practice.clients[place], contact)
    return Reply("Contact", (contact,), lambda row: contact_xml(row, shown))


def delete_contact(call: Call) -> Reply:
    """Delete a contact for all its clients (DELETE client.api/contact/{uuid})."""
    contact = replace(find_contact(call), deleted=True)
    link = link_at(call, contact)
    call.practice.contacts[contact.uuid] = contact
    for client in call.practice.clients_of(contact.uuid):
        call.practice.put_client(replace(client, modified=call.now))
    return Reply("Contact", (contact,), lambda row: contact_xml(row, link))


def link_contacts(call: Call) -> Reply:
    """Link one to ten contacts to a client (POST client.api/client/{uuid}/contacts)."""
    client = call.client(call.path[0])
    given = call.fields.elements("Contacts", "Contact")
    if not 1 <= len(given) <= MOST_LINKS:
        raise ApplicationError.parameter(f"Between 1 and {MOST_LINKS} contacts should be specified")
    pairs = [(_known(call, one), one) for one in given]
    for contact, one in pairs:
        _link(call, call.practice.clients[client.uuid], contact, one)
    full = writer(call)

    def shown(row: ClientRecord) -> str:
        whole = full(row)
        contacts = whole[whole.index("<Contacts") : whole.index("<Notes")]
        return f"<Client><UUID>{row.uuid}</UUID>{contacts}</Client>"

    return Reply("Contact", (call.practice.clients[client.uuid],), shown)


def _place(call: Call, contact: ContactRecord, given: Fields) -> str | None:
    """Return the UUID of the client at which the contact is updated.

    Raises:
        ApplicationError: The contact is not linked to it.
    """
    owner = given.inside("Client")
    uuid = call.parameters.get("clientuuid") or (owner.uuid("UUID") if owner else None)
    clients = call.practice.clients_of(contact.uuid)
    if uuid is None:
        return clients[0].uuid if clients else None
    if call.client(uuid) not in clients:
        raise ApplicationError.identifier("Invalid contact identifier")
    return uuid.lower()


def _link(call: Call, client: ClientRecord, contact: ContactRecord, given: Fields) -> None:
    before = _link_of(client, contact) or ClientContact(contact.uuid)
    position = given.text("Position")
    link = replace(
        before,
        position=before.position if position is None else position,
        primary=read_flag(given, "IsPrimary") if given.filled("IsPrimary") else before.primary,
    )
    call.practice.put_client(replace(with_contact(client, link), modified=call.now))


def _link_of(client: ClientRecord, contact: ContactRecord) -> ClientContact | None:
    return next((link for link in client.contacts if link.contact == contact.uuid), None)


def _known(call: Call, given: Fields) -> ContactRecord:
    found = call.practice.contacts.get(given.uuid("UUID") or "")
    if found is None or found.deleted:
        raise ApplicationError.identifier("Invalid contact identifier")
    return found


def add_client(call: Call) -> Reply:
    """Add a client, of which only the name is required (POST client.api/add)."""
    practice, given = call.practice, call.fields
    blank = ClientRecord("", 0, "", call.now, visible=call.visible)
    client = apply_client_values(call, blank, given)
    contacts = given.elements("Contacts", "Contact")
    for contact in contacts:
        check_contact(contact)
    client = replace(client, uuid=call.ids.uuid("client"), number=practice.take_client_number())
    practice.put_client(client)
    for contact in contacts:
        add_contact(call, client.uuid, contact)
    return one_client(call, practice.clients[client.uuid], "Add")


def update_client(call: Call) -> Reply:
    """Update a client without its contacts (PUT client.api/update)."""
    client = _writable(call)
    client = apply_client_values(call, client, call.fields)
    call.practice.put_client(client)
    return one_client(call, client, "Update")


def archive_client(call: Call) -> Reply:
    """Archive a client, which the API cannot undo (PUT client.api/archive)."""
    client = replace(_writable(call), archived=True, modified=call.now)
    call.practice.put_client(client)
    return one_client(call, client, "Archive")


def delete_client(call: Call) -> Reply:
    """Delete a client, which stays in lists as deleted (POST client.api/delete: status only)."""
    call.practice.put_client(replace(_writable(call), deleted=True, modified=call.now))
    return Reply("Delete")


def _writable(call: Call) -> ClientRecord:
    """Return the client that the body names.

    Raises:
        ApplicationError: There is none, or it is deleted.
    """
    client = call.client(call.fields.required("UUID").strip())
    if client.deleted:
        raise ApplicationError.identifier("Invalid client identifier")
    return client


ROUTES = (
    Route("POST", "client.api/contact", "client", create_contact, "Contact", "Contact"),
    Route("PUT", "client.api/contact/{}", "client", change_contact, "Contact", "Contact"),
    Route("DELETE", "client.api/contact/{}", "client", delete_contact, "Contact"),
    Route("POST", "client.api/client/{}/contacts", "client", link_contacts, "Contact", "Client"),
    Route("POST", "client.api/add", "client", add_client, "Add", "Client"),
    Route("PUT", "client.api/update", "client", update_client, "Update", "Client"),
    Route("PUT", "client.api/archive", "client", archive_client, "Archive", "Client"),
    Route("POST", "client.api/delete", "client", delete_client, "Delete", "Client"),
)
