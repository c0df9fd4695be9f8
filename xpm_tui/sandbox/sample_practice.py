"""Sample practices of any size: clients, staff, groups, categories, tasks, templates, states and jobs.

The first clients of every practice are unusual; practices of 60 clients or more also have rarer cases. Jobs
are in every state and of every age; some have numbers that were entered manually.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from random import Random

from xpm_tui.sandbox import ordinary_clients
from xpm_tui.sandbox.clock import DAY, SequentialIds, day_of, shift_day
from xpm_tui.sandbox.job_writes import milestones_of, tasks_of
from xpm_tui.sandbox.ordinary_clients import TERMS, ClientMaker, make_taxes, pick
from xpm_tui.sandbox.records import (
    Address,
    Bank,
    ClientContact,
    ClientGroup,
    ClientRecord,
    ContactRecord,
    Individual,
    Job,
    JobCategory,
    JobState,
    Note,
    Relationship,
    SandboxPractice,
    SandboxTenant,
    StaffRecord,
    TaskRecord,
    TemplateRecord,
    with_values,
)

STATES = (
    ("Planned", "PLANNED", False),
    ("In Progress", "INPROGRESS", False),
    ("Awaiting Client", "CONFIRMED", False),
    ("On Hold", "ONHOLD", False),
    ("Completed", "COMPLETED", True),
    ("Cancelled", "CANCELLED", True),
)
STAFF = (
    ("Ana Silva", "ana.silva@harbourhill.example", "AS"),
    ("Tom Reid", "tom.reid@harbourhill.example", "TR"),
    ("Mere Parata", "mere.parata@harbourhill.example", "MP"),
    ("Sam Lee", "sam.lee@harbourhill.example", "SL1"),
    ("Sam Lee", "samuel.lee@harbourhill.example", "SL2"),
    ("Hēmi Ōtene-Brown", "hemi@harbourhill.example", ""),
)
FORMER_STAFF = "Gail Former"
GROUPS = ("Kowhai Group", "Smith & Family Group", "Monthly clients", "VIP", "Farms [north]")
TEMPLATES: tuple[tuple[str, tuple[tuple[int, int], ...], tuple[tuple[int, str], ...]], ...] = (
    ("Annual Accounts", ((0, 180), (1, 240), (2, 60), (3, 30)), ((30, "Papers in"), (85, "Draft out"))),
    ("GST Return", ((4, 45), (2, 15)), ()),
    ("Monthly Bookkeeping", ((5, 120), (4, 30)), ()),
    ("Payroll", ((6, 40),), ()),
    ("Onboarding", ((9, 60), (7, 45)), ((7, "Welcome call"),)),
    ("annual company review", ((8, 30),), ()),
    ("Advisory Meeting", ((7, 90),), ()),
    ("Empty template", (), ()),
)


def add_people(practice: SandboxPractice) -> None:
    """Add six members of staff: two of the same name, and one who left but is named on old records."""
    for number, (name, email, payroll) in enumerate(STAFF):
        uuid = practice.ids.uuid("staff")
        phone, address = f"03 5550 00{number:02d}", "Level 2\n9 Harbour St, Hobart"
        mobile = f"0491 570 1{number:02d}"
        practice.staff[uuid] = StaffRecord(uuid, name, email, phone, mobile, address, payroll)
    uuid = practice.ids.uuid("staff")
    practice.staff[uuid] = StaffRecord(uuid, FORMER_STAFF, "gail@harbourhill.example", left=True)
    people = list(practice.staff)
    practice.cases["staff of one name"] = people[3:5]
    practice.cases["staff who left"] = people[6:]


def add_lists(practice: SandboxPractice) -> None:
    """Add groups, categories, tasks, templates and states."""
    ids = practice.ids
    for name in GROUPS:
        uuid = ids.uuid("group")
        practice.groups[uuid] = ClientGroup(uuid, name, taxable=name.startswith("Kowhai"))
    for name in ordinary_clients.CATEGORIES:
        uuid = ids.uuid("category")
        practice.categories[uuid] = JobCategory(uuid, name)
    for name, description in ordinary_clients.TASKS:
        uuid = ids.uuid("task")
        practice.tasks[uuid] = TaskRecord(uuid, name, description)
    tasks = list(practice.tasks)
    for name, parts, milestones in TEMPLATES:
        uuid = ids.uuid("template")
        content = tuple((tasks[place], minutes) for place, minutes in parts)
        practice.templates[uuid] = TemplateRecord(uuid, name, content, milestones)
    practice.cases["templates that are gone"] = [ids.uuid("template")]
    practice.states = tuple(JobState(ids.uuid("state"), name, code, closed) for name, code, closed in STATES)


def add_groups_for_size(practice: SandboxPractice, rng: Random, size: int) -> None:
    """Add family groups to a larger practice, one per about forty clients."""
    for number in range(size // 40):
        uuid = practice.ids.uuid("group")
        surname = ordinary_clients.SURNAMES[int(rng.random() * len(ordinary_clients.SURNAMES))]
        practice.groups[uuid] = ClientGroup(uuid, f"{surname} Group {number + 1}")


LONG_DESCRIPTION = "Services of the engagement:\n" + "\n".join(
    f"{number}. Preparation & review of schedule {number} <see engagement letter>" for number in range(1, 121)
)


def add_jobs(practice: SandboxPractice, rng: Random, now: float) -> None:
    """Add about one job per two clients, at most 5,000.

    The first three are recent and open, and the very first has a number that the practice chose.
    """
    clients = [row for row in practice.clients.values() if not row.deleted and not row.prospect]
    if not clients:
        return
    count = min(5000, max(6, len(clients) // 2))
    for place in range(count):
        _add(practice, rng, clients[place * 7 % len(clients)], place, now)
    numbers = list(practice.jobs)
    practice.cases["job with its own number"] = numbers[:1]


def _add(practice: SandboxPractice, rng: Random, client: ClientRecord, place: int, now: float) -> None:
    template = pick(rng, list(practice.templates.values()))
    people = [uuid for uuid, person in practice.staff.items() if not person.left]
    created = now - rng.random() * (30 if place < 3 else 900) * DAY
    start = day_of(created)
    due = shift_day(start, 30 + int(rng.random() * 200))
    closed = due < day_of(now)
    state = pick(
        rng, ("Completed", "Completed", "Cancelled") if closed else ("Planned", "In Progress", "On Hold")
    )
    number = "Y200417" if place == 0 else practice.take_job_number()
    practice.jobs[number] = Job(
        number,
        practice.ids.uuid("job"),
        f"{start[:4]} {template.name}",
        LONG_DESCRIPTION if place == 1 else "first line\nsecond line & more" if place % 3 else "",
        client.uuid,
        state,
        start,
        due,
        created,
        order_number="PO 7781" if place % 5 == 0 else "",
        budget=f"{int(rng.random() * 5000)}.00" if place % 2 else None,
        category=pick(rng, list(practice.categories)) if place % 4 else None,
        completed=due if state == "Completed" else None,
        contact=client.contacts[0].contact if client.contacts else None,
        manager=client.manager,
        partner=client.partner,
        assigned=(pick(rng, people),) if place % 3 else (),
        tasks=tasks_of(practice, template, start, due),
        milestones=milestones_of(practice, template, start),
        notes=(_note(practice, created),) if place % 6 == 0 else (),
    )


def _note(practice: SandboxPractice, moment: float) -> Note:
    return Note("Started", "Kick-off done.", "", moment, "Ana Silva", practice.ids.uuid("note"))


COMPANY, INDIVIDUAL, TRUST = make_taxes("Company"), make_taxes("Individual"), make_taxes("Trust")
HOBART = Address("Unit 4\n12 Jetty Rd", "Hobart", "TAS", "7000", "Australia")
DARWIN = Address("3 Smith & Co Lane", "Darwin", "NT", "0800", "Australia")
AUCKLAND = Address("Level 1\n88 Queen St\nĀkarana", "Auckland", "", "1010", "New Zealand")

CONTROLS = "Next\u0085line \u009b31mred\u009b0m"
"""C1 control characters, which XML 1.0 allows and a terminal must not receive."""
BIDI = "Ana \u202eavliS\u202c \u2066(x)\u2069"
CLICK = "[@click=app.quit]Click[/]"


class HardCases:
    """Adds unusual records to a practice that already has its staff and lists."""

    def __init__(self, practice: SandboxPractice, now: float) -> None:
        self._practice = practice
        self._now = now
        self._age = 0
        self._staff = [uuid for uuid, person in practice.staff.items() if not person.left]
        self._gone = next(uuid for uuid, person in practice.staff.items() if person.left)
        self._groups = list(practice.groups)

    def add(self, count: int) -> None:
        """Add the first `count` unusual records."""
        makers: list[Callable[[], list[ClientRecord]]] = [
            self._complete,
            self._same_name,
            self._archived_twin,
            self._prospects,
            self._markup_name,
            self._other_scripts,
            self._deleted,
        ]
        rows = [row for maker in makers for row in maker()]
        if count > len(rows):
            rows += self._further()
        for row in rows[:count]:
            self._practice.put_client(row)
        remaining = {row.uuid for row in rows[:count]}
        cases = self._practice.cases
        for name, uuids in list(cases.items()):
            if uuids and uuids[0] in {row.uuid for row in rows}:
                cases[name] = [uuid for uuid in uuids if uuid in remaining]

    def _case(self, name: str, *rows: ClientRecord) -> list[ClientRecord]:
        self._practice.cases[name] = [row.uuid for row in rows]
        return list(rows)

    def _client(self, name: str) -> ClientRecord:
        practice = self._practice
        self._age += 1
        modified = self._now - (3 + self._age * 11 % 300) * DAY
        return ClientRecord(practice.ids.uuid("client"), practice.take_client_number(), name, modified)

    def _contact(self, name: str, email: str, **more: str) -> ContactRecord:
        contact = with_values(ContactRecord(self._practice.ids.uuid("contact"), name, email=email), more)
        self._practice.contacts[contact.uuid] = contact
        return contact

    def _complete(self) -> list[ClientRecord]:
        """Return a company with every field, and a second one that shares its contact.

        The manager of the second one has left the practice: named here, but missing in the list of staff.
        """
        jo = self._contact(
            "Jo Tane", "jo@kowhai.example", mobile="0491 570 156", salutation="Jo", addressee="Ms Jo Tane"
        )
        pat = self._contact("Pat O'Neill", "pat@kowhai.example", phone="03 5550 0102")
        ana, tom = self._staff[0], self._staff[1]
        company = replace(
            self._client("Kowhai Plumbing Pty Ltd"),
            email="office@kowhai.example",
            address=HOBART,
            postal=Address("PO Box 12", "Hobart", "TAS", "7000", "Australia"),
            phone="03 5550 0101",
            fax="03 5550 0109",
            website="https://kowhai.example",
            referral="Word of mouth",
            export_code="1042",
            partner=ana,
            manager=tom,
            terms=TERMS[1],
            tax=COMPANY[1],
            tax_number="123 456 789",
            company_number="123 456 789",
            business_number="51 000 000 000",
            bank=Bank("067-000", "Kowhai Plumbing", "00123456", "Harbour Bank"),
            code="KOW01",
            contacts=(ClientContact(jo.uuid, "Director", True), ClientContact(pat.uuid, "0")),
            notes=(
                Note(
                    "Phoned",
                    "Will send papers Friday.\nAsked <why> & when.",
                    "",
                    self._now - 60 * DAY,
                    "Tom Reid",
                ),
            ),
            groups=(self._groups[0], self._groups[2]),
        )
        holdings = replace(
            self._client("Kowhai Holdings Ltd"),
            address=AUCKLAND,
            tax=COMPANY[3],
            partner=ana,
            manager=self._gone,
            contacts=(ClientContact(jo.uuid, "Shareholder", True),),
            groups=(self._groups[0],),
        )
        company = replace(
            company,
            billing=holdings.uuid,
            relationships=(
                Relationship(
                    self._practice.ids.uuid("relationship"),
                    "Shareholder",
                    holdings.uuid,
                    "1000",
                    "0",
                    "2019-07-01",
                ),
            ),
        )
        self._case("complete", company)
        self._case("manager left", holdings)
        return self._case("shared contact", company, holdings)

    def _same_name(self) -> list[ClientRecord]:
        """Return two active clients with exactly the same name."""
        rows = []
        for number, place in enumerate((HOBART, DARWIN)):
            contact = self._contact(
                "John Smith", f"john{number + 1}@smith.example", mobile=f"0491 570 11{number}"
            )
            rows.append(
                replace(
                    self._client("John Smith"),
                    person=Individual(
                        title="Mr", first="John", middle="", last="Smith", other="", born="1979-04-02"
                    ),
                    email=f"john{number + 1}@smith.example",
                    address=place,
                    phone=f"08 5550 011{number}",
                    manager=self._staff[number],
                    tax=INDIVIDUAL[number],
                    tax_number=f"45{number} 111 22{number}",
                    contacts=(ClientContact(contact.uuid, "", True),),
                )
            )
        return self._case("same name", *rows)

    def _archived_twin(self) -> list[ClientRecord]:
        contact = self._contact("Zoë Müller", "zoe@harbourcafe.example", salutation="Zoë")
        active = replace(
            self._client("Harbour Café Ltd"),
            email="hello@harbourcafe.example",
            address=DARWIN,
            tax=COMPANY[1],
            code="CAF02",
            partner=self._staff[2],
            contacts=(ClientContact(contact.uuid, "Owner", True),),
        )
        old = replace(self._client("Harbour Café Ltd"), archived=True, tax=COMPANY[0], code="CAF01")
        return self._case("archived twin", active, old)

    def _prospects(self) -> list[ClientRecord]:
        """Return a prospect, and one that was converted to a client with a new number."""
        prospect = replace(
            self._client("Tāmaki Rōpū Trust"), prospect=True, email="tari@tamaki.example", tax=TRUST[2]
        )
        before = replace(self._client("Bright Sparks Electrical"), prospect=True, deleted=True)
        after = replace(
            self._client("Bright Sparks Electrical"),
            phone="08 5550 0188",
            tax=COMPANY[6],
            manager=self._staff[1],
        )
        self._case("prospect", prospect)
        self._case("prospect made client", before, after)
        return [prospect, before, after]

    def _markup_name(self) -> list[ClientRecord]:
        """Return a client with markup, bidirectional and C1 characters, which screens have to escape."""
        quit_now = self._contact(CLICK, "click@acme.example", addressee=BIDI)
        row = replace(
            self._client("ACME [/] Pty"),
            address=Address(CONTROLS, 'Smith & Sons <Builders> "Quality"', "", "0800", ""),
            phone="[bold]03[/bold] 5550",
            referral=BIDI,
            tax=COMPANY[2],
            contacts=(ClientContact(quit_now.uuid, "[red]Owner", True),),
        )
        return self._case("markup in the name", row)

    def _other_scripts(self) -> list[ClientRecord]:
        """Return a client that was added through the API with only a name: no tax, e-mail or contact."""
        row = self._client("株式会社さくら & Sons 🌸")
        self._case("no contacts", row)
        return self._case("name only", row)

    def _deleted(self) -> list[ClientRecord]:
        row = replace(self._client("Gone Holdings Ltd"), deleted=True, archived=True, tax=COMPANY[4])
        return self._case("deleted", row)

    def _further(self) -> list[ClientRecord]:
        """Return clients with names that look alike, and clients that are unusual in other ways."""
        names = (
            "kowhai plumbing pty ltd",
            "Kowhai Plumbing Limited",
            "Kowhai  Plumbing Pty Ltd",
            unicodedata.normalize("NFD", "Tāmaki Rōpū Trust"),
            " Padded Name Ltd ",
            CLICK,
            f"Right{BIDI}",
            f"Control {CONTROLS} Ltd",
            "Zero\u200bWidth\u200d Ltd\ufeff",
            'O\'Brien & "Daughters" <Ltd>',
            "Very Long Name " + "and Partners " * 16,
            "=1+1",
            "007 Security",
            "مكتب المحاسبة",
        )
        rows = [replace(self._client(name), tax=COMPANY[place % 7]) for place, name in enumerate(names)]
        self._case("almost the same name", *rows[:4])
        self._case("hostile names", *rows[5:9])
        email = self._contact("First of Two", "both@shared.example")
        other = self._contact("Second of Two", "both@shared.example")
        twice = replace(
            self._client("Two Contacts One Address Ltd"),
            contacts=(ClientContact(email.uuid, "", True), ClientContact(other.uuid, "", False)),
        )
        gone = replace(self._contact("Gone Contact", "gone@contact.example"), deleted=True)
        self._practice.contacts[gone.uuid] = gone
        ghost = replace(self._client("Deleted Contact Ltd"), contacts=(ClientContact(gone.uuid, "", True),))
        self._case("two contacts of one e-mail", twice)
        self._case("deleted contact", ghost)
        return [*rows, twice, ghost]


ALL_HARD_CASES = 60
"""The size from which a practice has the rarer unusual records, too."""
FIRST_HARD_CASES = 12


def make_practice(tenant: SandboxTenant, seed: int, size: int, now: float) -> SandboxPractice:
    """Return a practice of exactly `size` client rows, including archived and deleted ones.

    The same seed and time make the same practice.

    Raises:
        ValueError: The size is negative.
    """
    if size < 0:
        raise ValueError("A practice cannot have fewer than 0 clients.")
    rng = Random(f"{seed} practice")
    practice = SandboxPractice(tenant, SequentialIds(seed))
    add_people(practice)
    add_lists(practice)
    add_groups_for_size(practice, rng, size)
    HardCases(practice, now).add(size if size >= ALL_HARD_CASES else min(size, FIRST_HARD_CASES))
    maker = ClientMaker(practice, rng, now)
    while len(practice.clients) < size:
        maker.make()
    if practice.clients:
        add_jobs(practice, rng, now)
    return practice
