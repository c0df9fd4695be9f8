"""Writes clients, contacts and groups as XML with their elements in Xero's order, and reads request bodies.

The XML is compact: null values are absent, and an empty text is a pair of tags. Each client is written in one
pass, so a list of 50,000 is created while it is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from lxml import etree

from xpm_tui.sandbox.clock import stamp
from xpm_tui.sandbox.records import (
    Address,
    Bank,
    BillingTerms,
    ClientContact,
    ClientGroup,
    ClientRecord,
    ContactRecord,
    Individual,
    Note,
    Relationship,
    SandboxPractice,
    Tax,
)

_CARRIAGE_RETURN = "&#13;"
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def escape(text: str) -> str:
    """Return text for use between tags. A carriage return becomes a reference, or parsers would change it."""
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    if ">" in text:
        text = text.replace(">", "&gt;")
    return text.replace("\r", _CARRIAGE_RETURN) if "\r" in text else text


def el(name: str, text: str) -> str:
    """Return `<Name>text</Name>`, also if the text is empty."""
    return f"<{name}>{escape(text)}</{name}>"


def opt(name: str, text: str | None) -> str:
    """Return an element as `el` does, or nothing for None."""
    return "" if text is None else f"<{name}>{escape(text)}</{name}>"


def many(name: str, fragments: Iterable[str]) -> str:
    """Return a list element; an empty one is self-closed with a blank before the slash."""
    inside = "".join(fragments)
    return f"<{name}>{inside}</{name}>" if inside else f"<{name} />"


def ref(name: str, uuid: str, shown: str) -> str:
    """Return a reference to another record: UUID and name."""
    return f"<{name}><UUID>{uuid}</UUID><Name>{escape(shown)}</Name></{name}>"


def yes_no(flag: bool) -> str:
    """Return a flag as on clients, contacts and groups."""
    return "Yes" if flag else "No"


def true_false(flag: bool) -> str:
    """Return a flag as on tasks and milestones."""
    return "true" if flag else "false"


def has_illegal_character(text: str) -> bool:
    """Return whether a text has a character that XML 1.0 does not allow."""
    return _FORBIDDEN.search(text) is not None


def parse(body: bytes) -> etree._Element:
    """Return the root of a request body.

    Raises:
        ValueError: It is not well-formed XML, or has a DOCTYPE.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise ValueError("The request body is not well-formed XML.") from error
    if b"<!DOCTYPE" in body:
        raise ValueError("The request body must not have a DOCTYPE.")
    return root


def pretty(fragment: str) -> str:
    """Return a fragment of one element, indented by two blanks."""
    element = etree.fromstring(fragment)
    etree.indent(element, space="  ")
    return etree.tostring(element, encoding="unicode")


WEB_ADDRESS = "https://practicemanager.xero.com/Client/{number}/Detail"


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a client that a list includes."""

    business: bool = True
    contacts: bool = True
    extras: bool = True
    """Notes, groups and relationships."""


FULL = Parts()
PLAIN = Parts(extras=False)


@dataclass(frozen=True, slots=True)
class ClientWriter:
    """A writer of the clients of one practice, with the parts that a list includes."""

    practice: SandboxPractice
    parts: Parts = FULL
    deleted_contacts: bool = False
    now: float = inf
    """Contacts that become visible later than this are left out, as in lists."""

    def __call__(self, client: ClientRecord) -> str:
        """Return the `<Client>` element."""
        tax = client.tax
        return "".join(
            (
                f"<Client><UUID>{client.uuid}</UUID><Name>{escape(client.name)}</Name>",
                _names(client.person) if client.person else "",
                opt("Email", client.email),
                opt("DateOfBirth", client.person.born) if client.person else "",
                _address("", client.address),
                _address("Postal", client.postal),
                f"<Phone>{escape(client.phone)}</Phone><Fax>{escape(client.fax)}</Fax>",
                f"<Website>{escape(client.website)}</Website>",
                f"<ReferralSource>{escape(client.referral)}</ReferralSource>",
                f"<ExportCode>{escape(client.export_code)}</ExportCode>",
                f"<IsProspect>{yes_no(client.prospect)}</IsProspect>",
                f"<IsArchived>{yes_no(client.archived)}</IsArchived>",
                f"<IsDeleted>{yes_no(client.deleted)}</IsDeleted>",
                self._staff("AccountManager", client.partner),
                self._staff("JobManager", client.manager),
                _terms(client.terms) if client.terms else "",
                ref("BillingClient", client.billing, self.practice.client_name(client.billing))
                if client.billing
                else "",
                _business(client, tax) if tax and self.parts.business else "",
                many("Contacts", self._contacts(client)) if self.parts.contacts else "",
                self._extras(client) if self.parts.extras else "",
                f"<WebUrl>{WEB_ADDRESS.format(number=client.number)}</WebUrl></Client>",
            )
        )

    def _staff(self, name: str, uuid: str | None) -> str:
        return ref(name, uuid, self.practice.staff_name(uuid)) if uuid else ""

    def _contacts(self, client: ClientRecord) -> list[str]:
        contacts = self.practice.contacts
        return [
            contact_xml(contacts[link.contact], link)
            for link in client.contacts
            if (self.deleted_contacts or not contacts[link.contact].deleted)
            and contacts[link.contact].visible <= self.now
        ]

    def _extras(self, client: ClientRecord) -> str:
        named = ((uuid, self.practice.group_name(uuid)) for uuid in client.groups)
        return (
            many("Notes", map(_note, client.notes))
            + many("Groups", (ref("Group", uuid, name) for uuid, name in named if name))
            + many("Relationships", map(self._relationship, client.relationships))
        )

    def _relationship(self, row: Relationship) -> str:
        return (
            f"<Relationship><UUID>{row.uuid}</UUID>{el('Type', row.kind)}"
            f"{ref('RelatedClient', row.related, self.practice.client_name(row.related))}"
            f"{el('NumberOfShares', row.shares)}{el('Percentage', row.percentage)}"
            f"{el('StartDate', row.start)}{el('EndDate', row.end)}</Relationship>"
        )


def contact_xml(contact: ContactRecord, link: ClientContact | None) -> str:
    """Return a contact as at one client; without a client, its position is empty and primary is No."""
    return (
        f"<Contact><UUID>{contact.uuid}</UUID><Name>{escape(contact.name)}</Name>"
        f"<Mobile>{escape(contact.mobile)}</Mobile><Email>{escape(contact.email)}</Email>"
        f"<Phone>{escape(contact.phone)}</Phone><Salutation>{escape(contact.salutation)}</Salutation>"
        f"<Addressee>{escape(contact.addressee)}</Addressee>"
        f"<Position>{escape(link.position if link else '')}</Position>"
        f"<IsPrimary>{yes_no(link is not None and link.primary)}</IsPrimary>"
        f"<IsDeleted>{yes_no(contact.deleted)}</IsDeleted></Contact>"
    )


def group_xml(group: ClientGroup, members: list[ClientRecord] | None) -> str:
    """Return a group; `members` is None in the list, which does not include them."""
    clients = (
        "" if members is None else many("Clients", (ref("Client", row.uuid, row.name) for row in members))
    )
    return (
        f"<Group><UUID>{group.uuid}</UUID>{el('Name', group.name)}"
        f"<Taxable>{yes_no(group.taxable)}</Taxable>{clients}</Group>"
    )


def _names(person: Individual) -> str:
    return (
        opt("Title", person.title)
        + opt("Gender", person.gender)
        + opt("FirstName", person.first)
        + opt("MiddleName", person.middle)
        + opt("LastName", person.last)
        + opt("OtherName", person.other)
    )


def _address(prefix: str, place: Address) -> str:
    return (
        f"<{prefix}Address>{escape(place.street)}</{prefix}Address><{prefix}City>{escape(place.city)}</{prefix}City>"
        f"<{prefix}Region>{escape(place.region)}</{prefix}Region>"
        f"<{prefix}PostCode>{escape(place.post_code)}</{prefix}PostCode>"
        f"<{prefix}Country>{escape(place.country)}</{prefix}Country>"
    )


def _terms(terms: BillingTerms) -> str:
    return (
        f"<Type>{el('Name', terms.name)}<CostMarkup>{terms.cost_markup}</CostMarkup>"
        f"<PaymentTerm>{terms.payment_term}</PaymentTerm><PaymentDay>{terms.payment_day}</PaymentDay></Type>"
    )


def mask(number: str) -> str:
    """Return a tax number masked to its last three digits."""
    digits = [place for place, letter in enumerate(number) if letter.isdigit()]
    hidden = set(digits[:-3])
    return "".join("*" if place in hidden else letter for place, letter in enumerate(number))


def _business(client: ClientRecord, tax: Tax) -> str:
    annually, monthly, quarterly, opt_out = tax.bas_opt_in
    bank = client.bank or Bank()
    return (
        f"{el('TaxNumber', mask(client.tax_number))}{el('CompanyNumber', client.company_number)}"
        f"{el('BusinessNumber', client.business_number)}{el('BranchNumber', tax.branch)}"
        f"{el('BusinessStructure', tax.structure)}{opt('BalanceMonth', tax.balance_month)}"
        f"<GSTRegistered>{tax.gst_registered}</GSTRegistered><PrepareGST>{tax.prepare_gst}</PrepareGST>"
        f"{opt('GSTPeriod', tax.gst_period)}{opt('GSTBasis', tax.gst_basis)}"
        f"{opt('ProvisionalTaxBasis', tax.provisional_basis)}"
        f"{opt('ProvisionalTaxRatio', tax.provisional_ratio)}"
        f"<SignedTaxAuthority>{tax.signed_authority}</SignedTaxAuthority>{el('TaxAgent', tax.agent)}"
        f"{el('AgencyStatus', tax.agency_status)}{el('ReturnType', tax.return_type)}"
        f"<PrepareActivityStatement>{tax.prepare_activity}</PrepareActivityStatement>"
        f"<PrepareTaxReturn>{tax.prepare_return}</PrepareTaxReturn>"
        f"<AutoBasOptInCriteria><Annually>{annually}</Annually><Monthly>{monthly}</Monthly>"
        f"<Quarterly>{quarterly}</Quarterly><Opt-Out>{opt_out}</Opt-Out></AutoBasOptInCriteria>"
        f"{opt('BankBsb', bank.bsb)}{opt('BankAccountName', bank.account_name)}"
        f"{opt('BankAccountNumber', bank.account_number)}{opt('BankName', bank.name)}"
        f"<ActiveAtoClient>{tax.active_ato}</ActiveAtoClient>{opt('ClientCode', client.code)}"
    )


def _note(note: Note) -> str:
    return (
        f"<Note>{el('Title', note.title)}{el('Text', note.text)}{el('Folder', note.folder)}"
        f"<Date>{stamp(note.moment)}</Date>{el('CreatedBy', note.author)}</Note>"
    )
