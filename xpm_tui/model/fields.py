"""The field registry: one row for each field of a client and of a contact, on either side.

A row says everything that the program has to know of a field: its label and help, what kind of value it
holds, the XPM elements that carry it in replies and in requests, the headings of its column in Ignition's
clients form, when sync carries it, and whether users may edit it. The XML decoder, the request builder, the
policy, the canonical form, the JSON views, the CSV form, the edit form, the settings that name fields and
the reference pages are derived from these rows; none of them keeps a list of its own.

To add a field, add its row here and its attribute to the record types that hold it: the records of
:mod:`xpm_tui.model.book` and :mod:`xpm_tui.model.xpm`, and the JSON view. ``tests/fields`` walks the rows and
fails where a row and the records disagree, or where a value is lost on the way.

Sources: Xero's Practice Manager 3.1 pages for the elements; Ignition's help page "Import and edit your
clients in bulk" for the headings.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from xpm_tui.model.plan import Direction

Record = Literal["client", "contact"]

Kind = Literal[
    "text", "email", "phone", "postcode", "choice", "flag", "names", "person", "contacts", "id", "masked",
    "client",
]  # fmt: skip
"""What a field holds.

``text``, ``email``, ``phone`` and ``postcode`` are texts (a spreadsheet spoils the last two), ``choice`` is
one of a few words. ``flag`` is yes, no or, unless the field is required, not known. ``names`` is a list of
names. ``person`` is a team member here and a staff record in XPM. ``contacts`` are the contacts of a client a
s
a whole. ``id`` identifies the record in Ignition. ``masked`` values and the ``client`` that is billed are
only read.
"""

TEXTS: frozenset[Kind] = frozenset({"text", "email", "phone", "postcode", "choice"})
"""The kinds whose value is a text on both sides."""


class Sync(msgspec.Struct, frozen=True, kw_only=True):
    """When sync carries a field: each direction, at the creation of a record and later.

    ``name_level``: carried later also where *What to sync* is "Client name only".
    """

    from_creation: bool = False
    from_later: bool = False
    to_creation: bool = False
    to_later: bool = False
    name_level: bool = False

    @property
    def at_all(self) -> bool:
        """Whether sync ever carries it."""
        return self.from_creation or self.from_later or self.to_creation or self.to_later

    @property
    def to_xpm(self) -> bool:
        """Whether sync ever writes it to XPM."""
        return self.to_creation or self.to_later

    def carries(self, direction: Direction, *, creation: bool) -> bool:
        """Whether the field goes this way, at creation or later."""
        if direction == "from_xpm":
            return self.from_creation if creation else self.from_later
        return self.to_creation if creation else self.to_later


NEVER = Sync()
BOTH_WAYS = Sync(from_creation=True, from_later=True, to_creation=True, to_later=True)
FROM_XPM = Sync(from_creation=True, from_later=True)
AT_CREATION = Sync(from_creation=True, to_creation=True)
ALSO_NAME_LEVEL = msgspec.structs.replace(BOTH_WAYS, name_level=True)


class Xpm(msgspec.Struct, frozen=True):
    """A field in XPM: its elements in replies, and its element in requests (empty: no request carries it).

    ``place`` orders the elements of a request as Xero's page has them; rows of one place keep the order of
    the registry. ``member`` is the element inside a list.
    """

    read: tuple[str, ...]
    write: str = ""
    place: int = 0
    member: str = ""


class Part(msgspec.Struct, frozen=True):
    """A further column that holds a part of a field's value."""

    name: str
    heading: str
    also: tuple[str, ...] = ()


class Csv(msgspec.Struct, frozen=True):
    """A field's column in Ignition's clients form.

    ``place`` orders the columns of an export, ``also`` are other headings for it, in lower case with single
    blanks. ``doubtful`` are headings that mean this field only where the cells fit its kind; with
    ``must_fit`` that holds for all of its headings. ``always``: Ignition's import needs the column.
    ``computed``: Ignition works the value out itself, so that it is neither missing there nor exported
    unless its own file had the column.
    """

    place: int
    heading: str
    also: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()
    must_fit: bool = False
    always: bool = False
    computed: bool = False
    parts: tuple[Part, ...] = ()


class Choice(msgspec.Struct, frozen=True):
    """One value of a ``choice``: the word that is kept, its label, and other words for it in a file."""

    value: str
    label: str
    also: tuple[str, ...] = ()


class Apart(msgspec.Struct, frozen=True):
    """Lists of XPM clients show the field to tell namesakes apart: in which place, and after which word."""

    place: int
    word: str


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the registry.

    ``name`` is what the policy, settings and plans call the field: the attribute, with ``contact_`` before it
    for a contact's. ``ignition``: Ignition's record has it. ``required``: XPM has no record without it, so it
    is never cleared. ``whole``: it is compared for all contacts of a client together.
    """

    name: str
    label: str
    help: str
    of: Record = "client"
    kind: Kind = "text"
    ignition: bool = True
    xpm: Xpm | None = None
    csv: Csv | None = None
    sync: Sync = NEVER
    required: bool = False
    whole: bool = False
    editable: bool = False
    choices: tuple[Choice, ...] = ()
    apart: Apart | None = None

    def __post_init__(self) -> None:
        """Refuse a row that promises what nothing could keep."""
        if self.sync.at_all and (not self.ignition or self.xpm is None):
            raise ValueError(f"{self.name} is synced, so both sides have to have it")
        if self.sync.to_xpm and not (self.xpm and self.xpm.write):
            raise ValueError(f"{self.name} goes to XPM, so it needs an element for requests")
        if (self.editable or self.csv is not None) and not self.ignition:
            raise ValueError(f"{self.name} is edited or imported, so Ignition's record has to have it")
        if bool(self.choices) != (self.kind == "choice"):
            raise ValueError(f"{self.name}: a choice, and nothing else, has choices")

    @property
    def attribute(self) -> str:
        """Name of the attribute in the records that hold it."""
        if self.kind in ("contacts", "id"):
            return "contacts" if self.kind == "contacts" else self.name
        return self.name.removeprefix("contact_") if self.of == "contact" else self.name

    @property
    def contact(self) -> bool:
        """Whether it is a field of a contact, compared contact by contact."""
        return self.of == "contact" and not self.whole

    @property
    def element(self) -> str:
        """XPM's word for it, with the element it stands in; empty where XPM has none."""
        word = self.xpm.read[0] if self.xpm else ""
        return f"Contact/{word}" if word and self.of == "contact" else word

    @property
    def short_label(self) -> str:
        """The label beside a contact that is named already: ``e-mail``."""
        short = self.label.removeprefix("Contact ") if self.of == "contact" else self.label
        return short[:1].lower() + short[1:]


def _contact(
    name: str, label: str, about: str, *, kind: Kind = "text", xpm: Xpm, csv: Csv, required: bool = False
) -> Field:
    return Field(
        name=name, label=label, help=about, of="contact", kind=kind, xpm=xpm, csv=csv, sync=BOTH_WAYS,
        required=required, editable=True,
    )  # fmt: skip


def _xpm_only(
    name: str, label: str, about: str, element: str, *,
    write: str = "", of: Record = "client", kind: Kind = "text", place: int = 0, apart: Apart | None = None,
) -> Field:  # fmt: skip
    return Field(
        name=name,
        label=label,
        help=about,
        of=of,
        kind=kind,
        ignition=False,
        xpm=Xpm((element,), write, place),
        apart=apart,
    )


def _address(prefix: str, spoken: str, kinds: tuple[str, ...], place: int) -> tuple[Field, ...]:
    """The five parts of an address; ``kinds`` are the words before a part's name in headings."""
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
    xpm_prefix = spoken.strip()
    made = []
    for at, (name, label, kind, words) in enumerate(parts):
        element = xpm_prefix + ("PostCode" if name == "postcode" else label)
        also = tuple(f"{before} {word}".strip() for before in kinds for word in words)
        if name == "region":  # "Client State" is the client's status, not a part of its address.
            also += tuple(f"{before} state".strip() for before in kinds if before != "client")
        shown = f"{spoken}{label.lower()}" if spoken else label
        made.append(
            Field(
                name=prefix + name,
                label=shown,
                help=f"{shown} of the client; an address may have several lines."
                if name == "address"
                else f"{shown} in the client's {'postal' if prefix else 'street'} address.",
                kind=kind,
                xpm=Xpm((element,), element),
                csv=Csv(place + at, f"{spoken}{label}", also),
                sync=BOTH_WAYS,
                editable=True,
                apart=Apart(6, "city") if (prefix, name) == ("", "city") else None,
            )
        )
    return tuple(made)


FIELDS: tuple[Field, ...] = (
    Field(
        name="name", label="Client name", help="The client's name.", required=True, editable=True,
        xpm=Xpm(("Name",), "Name"), sync=ALSO_NAME_LEVEL,
        csv=Csv(30, "Client Name", ("client", "name", "company name", "company", "business name",
                                    "organisation", "organization", "entity name"), always=True),
    ),
    Field(
        name="contact", label="Contacts", help="Whether whole contacts come and go with a sync.",
        kind="contacts", whole=True, xpm=Xpm(("Contacts",), "Contacts", member="Contact"), sync=BOTH_WAYS,
    ),
    Field(
        name="contact_primary", label="Primary contact", help="Whether this is the client's first contact.",
        of="contact", kind="flag", whole=True, required=True, editable=True,
        xpm=Xpm(("IsPrimary",), "IsPrimary", 8), sync=BOTH_WAYS,
        csv=Csv(100, "Primary Contact", ("primary", "is primary"), must_fit=True, computed=True),
    ),
    _contact(
        "contact_name", "Contact name", "The contact's full name.", required=True,
        xpm=Xpm(("Name",), "Name", 1),
        csv=Csv(40, "Contact Name", ("contact", "full name", "primary contact name", "primary contact"),
                always=True, parts=(
                    Part("contact_first_name", "Contact First Name",
                         ("first name", "given name", "given names")),
                    Part("contact_last_name", "Contact Last Name", ("last name", "surname", "family name")),
                )),
    ),
    _contact(
        "contact_email", "Contact e-mail", "The contact's e-mail address.", kind="email",
        xpm=Xpm(("Email",), "Email", 5),
        csv=Csv(50, "Contact Email", ("email", "e mail", "email address", "contact email address",
                                      "client email", "primary email"), always=True),
    ),
    _contact(
        "contact_phone", "Contact phone", "The contact's own phone number.", kind="phone",
        xpm=Xpm(("Phone",), "Phone", 6),
        csv=Csv(60, "Contact Phone", ("contact phone number", "direct phone")),
    ),
    _contact(
        "contact_mobile", "Contact mobile", "The contact's mobile number.", kind="phone",
        xpm=Xpm(("Mobile",), "Mobile", 4),
        csv=Csv(70, "Contact Mobile", ("mobile", "mobile phone", "mobile number", "cell", "cell phone",
                                       "contact mobile number", "contact cell")),
    ),
    _contact(
        "contact_salutation", "Contact salutation", "How a letter greets the contact.",
        xpm=Xpm(("Salutation",), "Salutation", 2),
        csv=Csv(80, "Contact Salutation", ("salutation", "greeting")),
    ),
    _contact(
        "contact_addressee", "Contact addressee", "The name on an envelope to the contact.",
        xpm=Xpm(("Addressee",), "Addressee", 3), csv=Csv(90, "Contact Addressee", ("addressee",)),
    ),
    Field(
        name="contact_id", label="Contact ID", kind="id", of="contact",
        help="Ignition's id of the contact; empty until Ignition has it.",
        csv=Csv(20, "Contact ID", ("ignition contact id", "contact identifier"), always=True),
    ),
    _xpm_only("contact_position", "Contact position", "The contact's position at the client, in XPM.",
              "Position",
              write="Position", of="contact", place=7),
    _xpm_only("contact_deleted", "Contact deleted in XPM", "Whether the contact is deleted in XPM.",
              "IsDeleted",
              of="contact", kind="flag"),
    _xpm_only("email", "E-mail in XPM", "The client's own e-mail address in XPM.", "Email", write="Email",
              kind="email", apart=Apart(5, "e-mail")),
    *_address("", "", ("", "client", "street", "physical", "business", "company"), 140),
    *_address("postal_", "Postal ", ("postal", "mailing", "post"), 150),
    Field(
        name="phone", label="Phone", help="The client's phone number.", kind="phone", editable=True,
        xpm=Xpm(("Phone",), "Phone"), sync=BOTH_WAYS,
        csv=Csv(110, "Phone", ("client phone", "phone number", "telephone", "company phone", "business phone",
                               "office phone")),
    ),
    Field(
        name="fax", label="Fax", help="The client's fax number.", kind="phone", editable=True,
        xpm=Xpm(("Fax",), "Fax"), sync=BOTH_WAYS, csv=Csv(120, "Fax", ("client fax", "fax number")),
    ),
    Field(
        name="website", label="Website", help="The client's website.", editable=True,
        xpm=Xpm(("Website", "WebSite"), "WebSite"), sync=FROM_XPM,
        csv=Csv(130, "Website", ("web site", "url", "web address", "client website", "homepage")),
    ),
    Field(
        name="referral_source", label="Referral source", help="How the client came to the practice.",
        editable=True, xpm=Xpm(("ReferralSource",), "ReferralSource"), sync=FROM_XPM,
    ),
    _xpm_only("export_code", "Export code", "The client's code in XPM's exports.", "ExportCode",
              write="ExportCode"),
    Field(
        name="tax_registered", label="Tax registered",
        help="Whether the client is registered for GST or VAT.",
        kind="flag", editable=True, xpm=Xpm(("GSTRegistered",)), sync=FROM_XPM,
        csv=Csv(160, "Tax Registered", ("gst registered", "vat registered", "is gst registered",
                                        "registered for gst", "registered for tax")),
    ),
    Field(
        name="groups", label="Client groups", help="The groups that the client belongs to.", kind="names",
        editable=True, xpm=Xpm(("Groups",), member="Group"), sync=FROM_XPM, apart=Apart(3, "group"),
        csv=Csv(180, "Client Groups", ("groups", "group", "client group")),
    ),
    Field(
        name="partner", label="Partner", help="The team member who is the client's partner.", kind="person",
        editable=True, xpm=Xpm(("AccountManager",), "AccountManagerUUID"), sync=BOTH_WAYS,
        apart=Apart(4, "partner"),
        csv=Csv(190, "Partner", ("client partner",)),
    ),
    Field(
        name="manager", label="Manager", help="The team member who manages the client.", kind="person",
        editable=True, xpm=Xpm(("JobManager",), "JobManagerUUID"), sync=BOTH_WAYS,
        csv=Csv(200, "Manager", ("client manager", "job manager")),
    ),
    _xpm_only("first_name", "First name in XPM", "The client's own first name, of an individual.",
              "FirstName",
              write="FirstName"),
    _xpm_only("last_name", "Last name in XPM", "The client's own last name, of an individual.", "LastName",
              write="LastName"),
    Field(
        name="structure", label="Business structure", editable=True,
        help="Company, trust, individual and so on; XPM takes the names of its own settings only.",
        xpm=Xpm(("BusinessStructure",), "BusinessStructure"), sync=AT_CREATION, apart=Apart(2, "structure"),
        csv=Csv(170, "Company Structure", ("structure", "business structure", "entity type",
                                           "legal structure")),
    ),
    Field(
        name="state", label="Client status",
        help="Where the client stands in Ignition: lead, active or inactive.",
        kind="choice", editable=True,
        choices=(Choice("lead", "Lead", ("prospect",)), Choice("active", "Active", ("client",)),
                 Choice("inactive", "Inactive", ("archived", "lost"))),
        csv=Csv(210, "Client Status", ("status", "client state", "lifecycle"), ("state",), computed=True),
    ),
    Field(
        name="client_id", label="Client ID", help="Ignition's id of the client; empty until Ignition has it.",
        kind="id", editable=True,
        csv=Csv(10, "Client ID", ("id", "client identifier", "ignition client id", "ignition id"),
                always=True),
    ),
    _xpm_only("code", "Client code", "The client's code in XPM.", "ClientCode",
              apart=Apart(1, "code")),
    _xpm_only("company_number", "Company number", "The number of the company's registration.",
              "CompanyNumber"),
    _xpm_only("business_number", "Business number", "The client's business number.", "BusinessNumber"),
    _xpm_only("tax_number", "Tax number", "The client's tax number; XPM masks it.", "TaxNumber",
              kind="masked"),
    _xpm_only("billing_client", "Billed client", "The XPM client that is billed.", "BillingClient",
              kind="client"),
    _xpm_only("prospect", "Prospect", "Whether XPM has it as a prospect.", "IsProspect", kind="flag"),
    _xpm_only("archived", "Archived", "Whether it is archived in XPM.", "IsArchived", kind="flag"),
    _xpm_only("deleted", "Deleted", "Whether it is deleted in XPM.", "IsDeleted", kind="flag"),
)  # fmt: skip

BY_NAME: dict[str, Field] = {field.name: field for field in FIELDS}
CLIENT: dict[str, Field] = {field.attribute: field for field in FIELDS if field.of == "client"}
"""The fields of a client by attribute."""

CONTACT: dict[str, Field] = {field.attribute: field for field in FIELDS if field.of == "contact"}
"""The fields of a contact by attribute."""

SYNCED: tuple[Field, ...] = tuple(field for field in FIELDS if field.sync.at_all)
"""The fields that sync may carry: the rows of the policy."""

COLUMNS: tuple[Field, ...] = tuple(
    sorted(
        (field for field in FIELDS if field.csv is not None),
        key=lambda field: field.csv.place if field.csv is not None else 0,
    )
)
"""The columns of Ignition's clients form, in its order."""

APART: tuple[tuple[str, str], ...] = tuple(
    (word, attribute)
    for _, word, attribute in sorted(
        (field.apart.place, field.apart.word, field.attribute) for field in FIELDS if field.apart
    )
)
"""What tells XPM clients of one name apart, in a fixed order: the word for it, and the attribute."""

_OTHER_LABELS = {"link": "Link", "client": "Client", "*": "Everything"}


def of_record(record: Record) -> dict[str, Field]:
    """The fields of a client or of a contact, by attribute."""
    return CLIENT if record == "client" else CONTACT


def editable(record: Record) -> tuple[Field, ...]:
    """The fields that users may edit, in the order of a form."""
    found = [field for field in of_record(record).values() if field.editable]
    return tuple(sorted(found, key=lambda field: field.whole))


def in_requests(record: Record) -> dict[str, str]:
    """Attribute -> element of a request to XPM, in the order of Xero's page. Lists of records have none."""
    written = [
        (field.xpm.place, field.attribute, field.xpm.write)
        for field in of_record(record).values()
        if field.xpm is not None and field.xpm.write and not field.xpm.member
    ]
    return {attribute: element for _, attribute, element in sorted(written, key=lambda each: each[0])}


def label(field: str) -> str:
    """The label of a field as plans, settings and freezes name it, such as ``k3.contact_email``."""
    row = BY_NAME.get(field.rpartition(".")[2])
    return row.label if row is not None else _OTHER_LABELS.get(field, field)
