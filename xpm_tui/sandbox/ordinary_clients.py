"""Ordinary clients in any number, mostly complete and some archived, and the words that they are made of.

All words are common or invented; domains end in .example.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from sys import intern
from typing import TypeVar

from xpm_tui.sandbox.clock import DAY
from xpm_tui.sandbox.records import (
    Address,
    Bank,
    BillingTerms,
    ClientContact,
    ClientRecord,
    ContactRecord,
    Individual,
    Note,
    Relationship,
    SandboxPractice,
    Tax,
)


def _split_at_commas(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(","))


SURNAMES = tuple(
    """
Abbott Aroha Bailey Baxter Bennett Brown Campbell Carter Chen Clarke Cooper Cruz Davies Dawson
Douglas Edwards Ellis Evans Faulkner Fisher Fletcher Foster Fraser Garcia Gibson Gordon Graham Grant
Gray Green Hamilton Harris Harvey Hassan Henare Hughes Hunter Ioane Jackson James Jensen Johnson
Jones Kaur Keane Kelly Khan King Knight Kumar Lambert Lawson Lee Lewis Lin Lloyd Macdonald Mahuta
Marsh Martin Mason Mehta Mitchell Moore Morgan Murphy Murray Nguyen Nolan O'Brien Owen Palmer Parata
Parker Patel Pham Phillips Porter Price Quinn Reid Reihana Roberts Rossi Russell Ryan Santos Schmidt
Scott Sharma Shaw Silva Simpson Singh Smith Stewart Sullivan Takahashi Tane Tau Taylor Thomas Tran
Turner Walker Walsh Wang Ward Watson White Williams Wilson Wong Wright Young Zhang
""".split()
)
FIRST_NAMES = tuple(
    """
Aisha Alex Amelia Ana Andrew Anh Anika Aria Ben Bianca Callum Charlotte Chloe Daniel David Elena
Emily Emma Ethan Finn Grace Hana Hannah Harriet Hemi Henry Isla Jack James Jo Joshua Kate Kiri
Lachlan Leila Liam Lucas Lucy Mia Mei Mere Mohammed Nadia Nathan Ngaire Noah Oliver Olivia Oscar
Priya Rachel Ravi Rosa Ruby Sam Sarah Sina Sophie Tama Thomas Tom Victoria William Xin Zara Zoe
""".split()
)
TRADES = _split_at_commas(
    """
Accounting, Air Conditioning, Apiaries, Architects, Automotive, Bakery, Boatbuilders, Bookshop,
Brewing, Builders, Cabinets, Cafe, Carpentry, Catering, Childcare, Civil, Cleaning, Coffee Roasters,
Concreting, Consulting, Contracting, Cycles, Dairy, Dental, Design, Digital, Drainage, Earthmoving,
Electrical, Engineering, Events, Excavation, Farms, Fencing, Fisheries, Fitness, Flooring, Florist,
Forestry, Freight, Furniture, Glass, Glazing, Horticulture, Hospitality, Imports, Interiors,
Irrigation, Joinery, Kitchens, Landscapes, Laundry, Legal, Logistics, Machinery, Marine, Media,
Medical, Motors, Nurseries, Orchards, Painting, Pharmacy, Physio, Plumbing, Poultry, Print,
Properties, Recruitment, Refrigeration, Removals, Robotics, Roofing, Security, Shearing, Software,
Stone, Surveyors, Tiling, Timber, Tours, Training, Transport, Vineyards, Welding, Windows
"""
)
ENDINGS = {
    "Company": ("Pty Ltd", "Ltd", "Limited", "Holdings Pty Ltd", "Group Ltd", "(Australia) Pty Ltd"),
    "Trust": ("Family Trust", "Trust", "Discretionary Trust", "Unit Trust"),
    "Partnership": ("Partnership", "& Partners"),
    "Superannuation Fund": ("Super Fund", "Superannuation Fund"),
}
STREETS = _split_at_commas(
    """
Jetty Rd, High St, Queen St, Station Rd, Church St, Victoria St, Park Ave, Mill Lane, Beach Rd,
Bridge St, Kowhai Cres, Rata St, Banksia Dr, Wattle Gr, Main North Rd, Ocean View Pde,
King William St, Collins Lane, Harbour Esplanade
"""
)
TOWNS = (
    ("Hobart", "TAS", "7000", "Australia"),
    ("Melbourne", "VIC", "3000", "Australia"),
    ("Darwin", "NT", "0800", "Australia"),
    ("Adelaide", "SA", "5000", "Australia"),
    ("Perth", "WA", "6000", "Australia"),
    ("Brisbane", "QLD", "4000", "Australia"),
    ("Sydney", "NSW", "2000", "Australia"),
    ("Auckland", "Auckland", "1010", "New Zealand"),
    ("Wellington", "Wellington", "6011", "New Zealand"),
    ("Whangārei", "Northland", "0110", "New Zealand"),
    ("Ōtautahi Christchurch", "Canterbury", "8011", "New Zealand"),
    ("Taupō", "Waikato", "3330", "New Zealand"),
    ("Dunedin", "Otago", "9016", "New Zealand"),
)
POSITIONS = (
    "Director",
    "Owner",
    "Office Manager",
    "Trustee",
    "Partner",
    "Bookkeeper",
    "Company Secretary",
    "0",
    "",
)
SOURCES = ("", "", "Referral", "Website", "Word of mouth", "Existing client", "Chamber of commerce")
NOTE_TITLES = ("Phoned", "Meeting", "Year-end papers", "Engagement letter", "Bank feeds", "Reminder sent")
NOTE_TEXTS = (
    "Will send papers Friday.",
    "Met at the office to go through the draft accounts.\nTwo questions about the vehicle are still open.",
    "Engagement letter signed and filed; next review in July.",
    "Asked for the loan statement and the closing stock figure. Prefers e-mail in the mornings.",
    "Wants to change the balance date. Explained what that takes & who has to agree.",
)
CATEGORIES = ("Advisory", "Bookkeeping", "Compliance", "Payroll", "Tax & GST", "Company Secretarial", "audit")
TASKS = (
    ("Prepare workpapers", "Collect the records and draw up the file."),
    ("Draft accounts", ""),
    ("Partner review", "Second pair of eyes.\nNo sign-off without it."),
    ("Lodge return", ""),
    ("GST return", "Two-monthly."),
    ("Bank reconciliation", ""),
    ("Payroll run", ""),
    ("Client meeting", "Agenda & minutes."),
    ("Company review", ""),
    ("Set up in Xero", ""),
)


Item = TypeVar("Item")

STRUCTURES = ("Company",) * 8 + ("Individual",) * 7 + ("Trust",) * 3 + ("Partnership", "Superannuation Fund")
TERMS = (
    None,
    BillingTerms("20th of Month", "30.00", "DayOfMonth", "20"),
    BillingTerms("14 days", "0.00", "WithinDays", "14"),
)
_PERIODS = ("Monthly", "2 Monthly", "6 Monthly")
_BASES = ("Invoice", "Payment", "Hybrid")
_OPT_INS = (("No", "No", "No", "Yes"), ("Yes", "No", "No", "No"), ("No", "No", "Yes", "No"))


def pick(rng: Random, items: Sequence[Item]) -> Item:
    """Return one of the items, using a single random number."""
    return items[int(rng.random() * len(items))]


def make_taxes(structure: str) -> tuple[Tax, ...]:
    """Return tax blocks that clients of one structure share, to save memory."""
    returns = {"Individual": "IR3", "Company": "IR4", "Trust": "IR6", "Partnership": "IR7"}.get(structure, "")
    registered = tuple(
        Tax(
            branch="1",
            structure=structure,
            balance_month=str(month),
            gst_registered="Yes",
            prepare_gst="Yes",
            gst_period=period,
            gst_basis=basis,
            provisional_basis="Standard Option" if returns else None,
            provisional_ratio="0.00" if returns else None,
            signed_authority="Yes",
            agent="Harbour & Hill Accountants",
            agency_status="With EOT",
            return_type=returns,
            prepare_activity="Yes",
            prepare_return="Yes",
            bas_opt_in=_OPT_INS[place % 3],
            active_ato="Yes" if month == 6 else "No",
        )
        for month in (3, 6)
        for place, (period, basis) in enumerate(zip(_PERIODS, _BASES, strict=True))
    )
    return (*registered, Tax(branch="1", structure=structure, return_type=returns, prepare_return="Yes"))


class ClientMaker:
    """A generator of clients whose names rarely repeat.

    Texts that repeat are interned, because a practice of 50,000 clients is held in memory.
    """

    def __init__(self, practice: SandboxPractice, rng: Random, now: float) -> None:
        self._practice = practice
        self._rng = rng
        self._now = now
        self._names = {client.name for client in practice.clients.values()}
        self._taxes = {structure: make_taxes(structure) for structure in STRUCTURES}
        self._people = [uuid for uuid, person in practice.staff.items() if not person.left]
        self._groups = list(practice.groups)
        self._rows: list[str] = list(practice.clients)

    def make(self) -> ClientRecord:
        """Create a client with its contacts, and add it to the practice."""
        rng, practice = self._rng, self._practice
        structure = pick(rng, STRUCTURES)
        first, surname = pick(rng, FIRST_NAMES), pick(rng, SURNAMES)
        individual = structure == "Individual"
        name = self._free_name(
            f"{first} {surname}" if individual else self._business_name(structure, surname)
        )
        number = practice.take_client_number()
        domain = f"{surname.lower().replace(chr(39), '')}{number % 100_000}.example"
        town = pick(rng, TOWNS)
        street = intern(f"{int(rng.random() * 200) + 1} {pick(rng, STREETS)}")
        state = rng.random()
        client = ClientRecord(
            practice.ids.uuid("client"),
            number,
            name,
            self._now - rng.random() * 700 * DAY,
            person=self._person(first, surname) if individual else None,
            email=f"office@{domain}" if rng.random() < 0.85 else None,
            address=Address(
                street if rng.random() < 0.8 else intern(f"Unit {number % 40 + 1}\n{street}"), *town
            ),
            postal=Address(intern(f"PO Box {number % 9000 + 100}"), *town)
            if rng.random() < 0.5
            else Address(),
            phone=intern(f"0{number % 7 + 2} 555{number % 10} {number % 10_000:04d}"),
            fax=f"03 5559 {number % 10_000:04d}" if rng.random() < 0.1 else "",
            website=f"https://www.{domain}" if rng.random() < 0.4 else "",
            referral=pick(rng, SOURCES),
            export_code=str(number % 100_000) if rng.random() < 0.5 else "",
            prospect=state > 0.97,
            archived=state < 0.03,
            deleted=0.03 <= state < 0.04,
            partner=pick(rng, self._people) if rng.random() < 0.8 else None,
            manager=pick(rng, self._people) if rng.random() < 0.9 else None,
            terms=pick(rng, TERMS),
            tax=pick(rng, self._taxes[structure]) if rng.random() < 0.97 else None,
            tax_number=intern(f"{number % 900 + 100} {number * 7 % 900 + 100} {number * 13 % 900 + 100}"),
            company_number=intern(f"{number % 900 + 100} {number * 3 % 900 + 100} {number * 11 % 900 + 100}"),
            business_number=intern(f"{number % 90 + 10} {number * 17 % 900 + 100} 000 {number % 900 + 100}"),
            bank=Bank("067-000", name, f"{number:08d}", "Harbour Bank") if rng.random() < 0.3 else None,
            code=f"{surname[:3].upper()}{number % 100_000:05d}" if rng.random() < 0.7 else None,
            contacts=self._contacts(first, surname, domain, number),
            notes=self._notes(),
            groups=self._some_groups(),
            relationships=self._relationships(),
        )
        practice.put_client(client)
        self._rows.append(client.uuid)
        return client

    def _business_name(self, structure: str, surname: str) -> str:
        return f"{surname} {pick(self._rng, TRADES)} {pick(self._rng, ENDINGS[structure])}"

    def _free_name(self, name: str) -> str:
        """Return the name, with a town or number if it is taken; one in two hundred stays a duplicate."""
        if name in self._names and self._rng.random() > 0.005:
            name = f"{name} {pick(self._rng, TOWNS)[0]}"
            if name in self._names:
                name = f"{name} {len(self._names)}"
        self._names.add(name)
        return name

    def _person(self, first: str, surname: str) -> Individual:
        rng = self._rng
        year, month, day = (int(rng.random() * span) for span in (60, 12, 28))
        born = f"{1940 + year}-{month + 1:02d}-{day + 1:02d}"
        return Individual(
            title=pick(rng, ("Ms", "Mr", "Dr", "")),
            gender=None,
            first=first,
            middle="" if rng.random() < 0.7 else pick(rng, FIRST_NAMES),
            last=surname,
            other="",
            born=born if rng.random() < 0.8 else None,
        )

    def _contacts(self, first: str, surname: str, domain: str, number: int) -> tuple[ClientContact, ...]:
        rng, links = self._rng, []
        count = pick(rng, (0, 1, 1, 1, 1, 2, 2, 3))
        for place in range(count):
            given = first if place == 0 else pick(rng, FIRST_NAMES)
            contact = ContactRecord(
                self._practice.ids.uuid("contact"),
                intern(f"{given} {surname}"),
                mobile=intern(f"04{number % 90 + 10} 5{place}0 {number % 900 + 100}"),
                email=f"{given.lower()}@{domain}" if rng.random() < 0.9 else "",
                phone=intern(f"03 555{place} {number % 10_000:04d}") if rng.random() < 0.4 else "",
                salutation=given,
                addressee=intern(f"{given} {surname}") if rng.random() < 0.5 else "",
            )
            self._practice.contacts[contact.uuid] = contact
            links.append(ClientContact(contact.uuid, pick(rng, POSITIONS), primary=place == 0))
        return tuple(links)

    def _notes(self) -> tuple[Note, ...]:
        rng = self._rng
        return tuple(
            Note(
                pick(rng, NOTE_TITLES),
                pick(rng, NOTE_TEXTS),
                "",
                self._now - rng.random() * 400 * DAY,
                self._practice.staff_name(pick(rng, self._people)),
            )
            for _ in range(pick(rng, (0, 0, 1, 1, 2, 3)))
        )

    def _some_groups(self) -> tuple[str, ...]:
        rng = self._rng
        count = pick(rng, (0, 0, 1, 1, 2))
        return tuple(dict.fromkeys(pick(rng, self._groups) for _ in range(count)))

    def _relationships(self) -> tuple[Relationship, ...]:
        rng = self._rng
        if not self._rows or rng.random() > 0.35:
            return ()
        kind = pick(rng, ("Director", "Shareholder", "Trustee", "Beneficiary", "Spouse"))
        shares = "1000" if kind == "Shareholder" else "0"
        uuid = self._practice.ids.uuid("relationship")
        return (Relationship(uuid, kind, pick(rng, self._rows), shares, "0", "2019-07-01", ""),)
