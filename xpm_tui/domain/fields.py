"""The field registry: one row for each field of a client and of a contact, on either side.

A row says everything that the program needs to know about a field: its label and help, the kind of its value,
its XPM elements in replies and requests, the headings of its column in Ignition's clients form, when it is
synced, and whether users may edit it. The XML decoder, the request builder, the policy, the canonical form,
the JSON views, the CSV form, the edit form, the settings that name fields and the reference pages are derived
from these rows; none of them has a list of its own.

To add a field, add its row here and its attribute to the record types that hold it: the records of
:mod:`xpm_tui.domain.ignition` and :mod:`xpm_tui.domain.xpm`, and the JSON view. ``tests/fields`` checks every
row, and fails where a row and the records disagree, or where a value does not survive a round trip.

Sources: Xero's Practice Manager 3.1 pages for the elements; Ignition's help page "Import and edit your
clients in bulk" for the headings.
"""

from __future__ import annotations

from xpm_tui.domain.field_types import (
    ALSO_NAME_LEVEL,
    AT_CREATION,
    BOTH_WAYS,
    FROM_XPM,
    TEXTS,
    ChoiceOption,
    CsvField,
    Field,
    FieldPart,
    Kind,
    NamesakeDetail,
    Record,
    SyncRule,
    XpmField,
)

__all__ = [
    "BOTH_WAYS",
    "BY_NAME",
    "CLIENT",
    "COLUMNS",
    "CONTACT",
    "DISTINGUISHING_DETAILS",
    "FIELDS",
    "SYNCED",
    "SYNCED_BY_NAME",
    "TEXTS",
    "ChoiceOption",
    "CsvField",
    "Field",
    "Kind",
    "Record",
    "SyncRule",
    "XpmField",
    "editable",
    "in_requests",
    "label",
    "of_record",
]  # fmt: skip


def _contact(
    name: str,
    label: str,
    about: str,
    *,
    kind: Kind = "text",
    xpm: XpmField,
    csv: CsvField,
    required: bool = False,
) -> Field:
    return Field(
        name=name, label=label, help=about, of="contact", kind=kind, xpm=xpm, csv=csv, sync=BOTH_WAYS,
        required=required, editable=True,
    )  # fmt: skip


def _xpm_only(
    name: str, label: str, about: str, element: str, *,
    write: str = "", of: Record = "client", kind: Kind = "text", place: int = 0,
    namesake_detail: NamesakeDetail | None = None,
) -> Field:  # fmt: skip
    return Field(
        name=name,
        label=label,
        help=about,
        of=of,
        kind=kind,
        ignition=False,
        xpm=XpmField((element,), write, place),
        namesake_detail=namesake_detail,
    )


def _address(prefix: str, label_prefix: str, heading_words: tuple[str, ...], place: int) -> tuple[Field, ...]:
    """Return the five fields of an address; ``heading_words`` may precede a field in headings."""
    parts: tuple[tuple[str, str, Kind, tuple[str, ...]], ...] = (
        ("address", "Address", "text", ("address", "street", "address line 1", "address 1",
                                        "address street")),
        ("city", "City", "text", ("city", "town", "suburb", "town city", "suburb city", "address city")),
        ("region", "Region", "text", ("region", "province", "county", "state region", "address state",
                                      "address region")),
        ("postcode", "Postcode", "postcode", ("postcode", "post code", "zip", "zip code", "zipcode",
                                              "address postcode")),
        ("country", "Country", "text", ("country", "address country")),
    )  # fmt: skip
    fields = []
    for offset, (name, label, kind, headings) in enumerate(parts):
        element = label_prefix.strip() + ("PostCode" if name == "postcode" else label)
        also = tuple(f"{before} {word}".strip() for before in heading_words for word in headings)
        if name == "region":  # "Client State" is the client's status, not a part of its address.
            also += tuple(f"{before} state".strip() for before in heading_words if before != "client")
        full_label = f"{label_prefix}{label.lower()}" if label_prefix else label
        fields.append(
            Field(
                name=prefix + name,
                label=full_label,
                help=f"{full_label} of the client; an address may have several lines."
                if name == "address"
                else f"{full_label} in the client's {'postal' if prefix else 'street'} address.",
                kind=kind,
                xpm=XpmField((element,), element),
                csv=CsvField(place + offset, f"{label_prefix}{label}", also),
                sync=BOTH_WAYS,
                editable=True,
                namesake_detail=NamesakeDetail(6, "city") if (prefix, name) == ("", "city") else None,
            )
        )
    return tuple(fields)


FIELDS: tuple[Field, ...] = (
    Field(
        name="name", label="Client name", help="The client's name.", required=True, editable=True,
        xpm=XpmField(("Name",), "Name"), sync=ALSO_NAME_LEVEL,
        csv=CsvField(30, "Client Name", ("client", "name", "company name", "company", "business name",
                                         "organisation", "organization", "entity name"), always=True),
    ),
    Field(
        name="contact", label="Contacts", help="Whether a sync adds and removes whole contacts.",
        kind="contacts", whole=True, sync=BOTH_WAYS,
        xpm=XpmField(("Contacts",), "Contacts", member="Contact"),
    ),
    Field(
        name="contact_primary", label="Primary contact", help="Whether this is the client's first contact.",
        of="contact", kind="flag", whole=True, required=True, editable=True,
        xpm=XpmField(("IsPrimary",), "IsPrimary", 8), sync=BOTH_WAYS,
        csv=CsvField(100, "Primary Contact", ("primary", "is primary"), must_fit=True, computed=True),
    ),
    _contact(
        "contact_name", "Contact name", "The contact's full name.", required=True,
        xpm=XpmField(("Name",), "Name", 1),
        csv=CsvField(40, "Contact Name", ("contact", "full name", "primary contact name", "primary contact"),
                     always=True, parts=(
            FieldPart("contact_first_name", "Contact First Name",
                      ("first name", "given name", "given names")),
            FieldPart("contact_last_name", "Contact Last Name", ("last name", "surname", "family name")),
        )),
    ),
    _contact(
        "contact_email", "Contact e-mail", "The contact's e-mail address.", kind="email",
        xpm=XpmField(("Email",), "Email", 5),
        csv=CsvField(50, "Contact Email", ("email", "e mail", "email address", "contact email address",
                                           "client email", "primary email"), always=True),
    ),
    _contact(
        "contact_phone", "Contact phone", "The contact's own phone number.", kind="phone",
        xpm=XpmField(("Phone",), "Phone", 6),
        csv=CsvField(60, "Contact Phone", ("contact phone number", "direct phone")),
    ),
    _contact(
        "contact_mobile", "Contact mobile", "The contact's mobile number.", kind="phone",
        xpm=XpmField(("Mobile",), "Mobile", 4),
        csv=CsvField(70, "Contact Mobile", ("mobile", "mobile phone", "mobile number", "cell", "cell phone",
                                            "contact mobile number", "contact cell")),
    ),
    _contact(
        "contact_salutation", "Contact salutation", "How the contact is addressed in letters.",
        xpm=XpmField(("Salutation",), "Salutation", 2),
        csv=CsvField(80, "Contact Salutation", ("salutation", "greeting")),
    ),
    _contact(
        "contact_addressee", "Contact addressee", "The name on an envelope to the contact.",
        xpm=XpmField(("Addressee",), "Addressee", 3), csv=CsvField(90, "Contact Addressee", ("addressee",)),
    ),
    Field(
        name="contact_id", label="Contact ID", kind="id", of="contact",
        help="Ignition's id of the contact; empty until Ignition has it.",
        csv=CsvField(20, "Contact ID", ("ignition contact id", "contact identifier"), always=True),
    ),
    _xpm_only("contact_position", "Contact position", "The contact's position at the client, in XPM.",
              "Position", write="Position", of="contact", place=7),
    _xpm_only("contact_deleted", "Contact deleted in XPM", "Whether the contact is deleted in XPM.",
              "IsDeleted", of="contact", kind="flag"),
    _xpm_only("email", "E-mail in XPM", "The client's own e-mail address in XPM.", "Email", write="Email",
              kind="email", namesake_detail=NamesakeDetail(5, "e-mail")),
    *_address("", "", ("", "client", "street", "physical", "business", "company"), 140),
    *_address("postal_", "Postal ", ("postal", "mailing", "post"), 150),
    Field(
        name="phone", label="Phone", help="The client's phone number.", kind="phone", editable=True,
        xpm=XpmField(("Phone",), "Phone"), sync=BOTH_WAYS,
        csv=CsvField(110, "Phone", ("client phone", "phone number", "telephone", "company phone",
                                    "business phone", "office phone")),
    ),
    Field(
        name="fax", label="Fax", help="The client's fax number.", kind="phone", editable=True,
        xpm=XpmField(("Fax",), "Fax"), sync=BOTH_WAYS, csv=CsvField(120, "Fax", ("client fax", "fax number")),
    ),
    Field(
        name="website", label="Website", help="The client's website.", editable=True,
        xpm=XpmField(("Website", "WebSite"), "WebSite"), sync=FROM_XPM,
        csv=CsvField(130, "Website", ("web site", "url", "web address", "client website", "homepage")),
    ),
    Field(
        name="referral_source", label="Referral source", help="How the client came to the practice.",
        editable=True, xpm=XpmField(("ReferralSource",), "ReferralSource"), sync=FROM_XPM,
    ),
    _xpm_only("export_code", "Export code", "The client's code in XPM's exports.", "ExportCode",
              write="ExportCode"),
    Field(
        name="tax_registered", label="Tax registered",
        help="Whether the client is registered for GST or VAT.",
        kind="flag", editable=True, xpm=XpmField(("GSTRegistered",)), sync=FROM_XPM,
        csv=CsvField(160, "Tax Registered", ("gst registered", "vat registered", "is gst registered",
                                             "registered for gst", "registered for tax")),
    ),
    Field(
        name="groups", label="Client groups", help="The groups that the client belongs to.", kind="names",
        editable=True, xpm=XpmField(("Groups",), member="Group"), sync=FROM_XPM,
        namesake_detail=NamesakeDetail(3, "group"),
        csv=CsvField(180, "Client Groups", ("groups", "group", "client group")),
    ),
    Field(
        name="partner", label="Partner", help="The team member who is the client's partner.", kind="person",
        editable=True, xpm=XpmField(("AccountManager",), "AccountManagerUUID"), sync=BOTH_WAYS,
        namesake_detail=NamesakeDetail(4, "partner"),
        csv=CsvField(190, "Partner", ("client partner",)),
    ),
    Field(
        name="manager", label="Manager", help="The team member who manages the client.", kind="person",
        editable=True, xpm=XpmField(("JobManager",), "JobManagerUUID"), sync=BOTH_WAYS,
        csv=CsvField(200, "Manager", ("client manager", "job manager")),
    ),
    _xpm_only("first_name", "First name in XPM", "The first name of a client who is an individual.",
              "FirstName", write="FirstName"),
    _xpm_only("last_name", "Last name in XPM", "The last name of a client who is an individual.",
              "LastName", write="LastName"),
    Field(
        name="structure", label="Business structure", editable=True,
        help="Company, trust, individual and so on; XPM accepts only the names in its own settings.",
        xpm=XpmField(("BusinessStructure",), "BusinessStructure"), sync=AT_CREATION,
        namesake_detail=NamesakeDetail(2, "structure"),
        csv=CsvField(170, "Company Structure", ("structure", "business structure", "entity type",
                                                "legal structure")),
    ),
    Field(
        name="state", label="Client status",
        help="The client's status in Ignition: lead, active or inactive.",
        kind="choice", editable=True,
        choices=(ChoiceOption("lead", "Lead", ("prospect",)), ChoiceOption("active", "Active", ("client",)),
                 ChoiceOption("inactive", "Inactive", ("archived", "lost"))),
        csv=CsvField(210, "Client Status", ("status", "client state", "lifecycle"), ("state",),
                     computed=True),
    ),
    Field(
        name="client_id", label="Client ID", help="Ignition's id of the client; empty until Ignition has it.",
        kind="id", editable=True,
        csv=CsvField(10, "Client ID", ("id", "client identifier", "ignition client id", "ignition id"),
                     always=True),
    ),
    _xpm_only("code", "Client code", "The client's code in XPM.", "ClientCode",
              namesake_detail=NamesakeDetail(1, "code")),
    _xpm_only("company_number", "Company number", "The company's registration number.",
              "CompanyNumber"),
    _xpm_only("business_number", "Business number", "The client's business number.", "BusinessNumber"),
    _xpm_only("tax_number", "Tax number", "The client's tax number; XPM masks it.", "TaxNumber",
              kind="masked"),
    _xpm_only("billing_client", "Billed client", "The XPM client that is billed.", "BillingClient",
              kind="client"),
    _xpm_only("prospect", "Prospect", "Whether the client is a prospect in XPM.", "IsProspect", kind="flag"),
    _xpm_only("archived", "Archived", "Whether the client is archived in XPM.", "IsArchived", kind="flag"),
    _xpm_only("deleted", "Deleted", "Whether the client is deleted in XPM.", "IsDeleted", kind="flag"),
)  # fmt: skip

BY_NAME: dict[str, Field] = {field.name: field for field in FIELDS}
CLIENT: dict[str, Field] = {field.attribute: field for field in FIELDS if field.of == "client"}
"""The fields of a client by attribute."""

CONTACT: dict[str, Field] = {field.attribute: field for field in FIELDS if field.of == "contact"}
"""The fields of a contact by attribute."""

SYNCED: tuple[Field, ...] = tuple(field for field in FIELDS if field.sync.is_ever_synced)
"""The fields that can be synced: the rows of the policy."""

SYNCED_BY_NAME: dict[str, Field] = {field.name: field for field in SYNCED}

COLUMNS: tuple[Field, ...] = tuple(
    sorted(
        (field for field in FIELDS if field.csv is not None),
        key=lambda field: field.csv.place if field.csv is not None else 0,
    )
)
"""The columns of Ignition's clients form, in its order."""

DISTINGUISHING_DETAILS: tuple[tuple[str, str], ...] = tuple(
    (name, attribute)
    for _, name, attribute in sorted(
        (field.namesake_detail.place, field.namesake_detail.label, field.attribute)
        for field in FIELDS
        if field.namesake_detail
    )
)
"""What distinguishes XPM clients with the same name, in a fixed order: the label and the attribute."""

_OTHER_LABELS = {"link": "Link", "client": "Client", "*": "Everything"}
_JOB_LABELS = {"name": "Job name", "number": "Job number", "state": "Job state"}
_STAFF_LABELS = {"email": "E-mail"}


def of_record(record: Record) -> dict[str, Field]:
    """Return the fields of a client or of a contact, by attribute."""
    return CLIENT if record == "client" else CONTACT


def editable(record: Record) -> tuple[Field, ...]:
    """Return the fields that users may edit, in the order of a form."""
    found = [field for field in of_record(record).values() if field.editable]
    return tuple(sorted(found, key=lambda field: field.whole))


def in_requests(record: Record) -> dict[str, str]:
    """Return attribute -> element of an XPM request, in the order of Xero's page.

    Lists of records have no element.
    """
    written = [
        (field.xpm.place, field.attribute, field.xpm.write)
        for field in of_record(record).values()
        if field.xpm is not None and field.xpm.write and not field.xpm.member
    ]
    return {attribute: element for _, attribute, element in sorted(written, key=lambda each: each[0])}


def label(field: str) -> str:
    """Return the label of a field by its name in plans and settings, such as ``k3.contact_email``."""
    row = BY_NAME.get(field.rpartition(".")[2])
    return row.label if row is not None else _OTHER_LABELS.get(field, field)


def sent_label(field: str) -> str:
    """Return the label of a client's field as a request names it.

    Examples are ``phone``, ``contact mobile``, and ``contact 2 mobile`` for the client's second contact.
    """
    of, *place, attribute = ("", field) if " " not in field else field.split(" ")
    row = CONTACT.get(attribute) if of == "contact" else None
    if row is None:
        return label(field)
    return f"{row.label} (contact {place[0]})" if place else row.label


def job_label(field: str) -> str:
    """Return the label of a field of a job."""
    return _JOB_LABELS.get(field, field.capitalize())


def staff_label(field: str) -> str:
    """Return the label of a field of a staff record."""
    return _STAFF_LABELS.get(field, field.capitalize())
