"""Rows of a practice: frozen values. A change replaces a row, so a list being streamed is a snapshot.

Texts are kept as Practice Manager sends them; None is an absent element, an empty text an empty element. Days
are `yyyy-MM-dd`, times are seconds since the epoch, UTC.

One tenant's records in memory, with the few indexes that the endpoints need.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

from xpm_tui.sandbox.core.clock import SequentialIds

Row = TypeVar("Row", bound=Any)


def with_values(row: Row, values: Mapping[str, object]) -> Row:
    """Return a copy of a row with fields whose names are only known at run time."""
    changed: Row = replace(row, **values)
    return changed


@dataclass(frozen=True, slots=True)
class Individual:
    """The fields of an individual client only."""

    title: str | None = None
    gender: str | None = None
    first: str | None = None
    middle: str | None = None
    last: str | None = None
    other: str | None = None
    born: str | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """A street or postal address; the street may have several lines."""

    street: str = ""
    city: str = ""
    region: str = ""
    post_code: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class BillingTerms:
    """`Type` of a client: its billing terms."""

    name: str
    cost_markup: str
    payment_term: str
    payment_day: str


@dataclass(frozen=True, slots=True)
class Tax:
    """The practice and tax block without the client's own numbers, so that clients can share it."""

    branch: str = ""
    structure: str = ""
    balance_month: str | None = None
    gst_registered: str = "No"
    prepare_gst: str = "No"
    gst_period: str | None = None
    gst_basis: str | None = None
    provisional_basis: str | None = None
    provisional_ratio: str | None = None
    signed_authority: str = "No"
    agent: str = ""
    agency_status: str = "Unlinked"
    return_type: str = ""
    prepare_activity: str = "No"
    prepare_return: str = "No"
    bas_opt_in: tuple[str, str, str, str] = ("No", "No", "No", "No")
    """Annually, Monthly, Quarterly, Opt-Out."""
    active_ato: str = "No"


@dataclass(frozen=True, slots=True)
class Bank:
    """Bank details of a client, each absent when null."""

    bsb: str | None = None
    account_name: str | None = None
    account_number: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A note at a client or job."""

    title: str
    text: str
    folder: str
    moment: float
    author: str
    uuid: str = ""
    """Notes of a job have one, those of a client do not."""


@dataclass(frozen=True, slots=True)
class Relationship:
    """A client's relation to another one, by its UUID."""

    uuid: str
    kind: str
    related: str
    shares: str = "0"
    percentage: str = "0"
    start: str = ""
    end: str = ""


@dataclass(frozen=True, slots=True)
class ClientContact:
    """A contact at a client, with position and primary."""

    contact: str
    position: str = ""
    primary: bool = False


@dataclass(frozen=True, slots=True)
class ContactRecord:
    """A person at one client or several."""

    uuid: str
    name: str
    mobile: str = ""
    email: str = ""
    phone: str = ""
    salutation: str = ""
    addressee: str = ""
    deleted: bool = False
    visible: float = 0.0


@dataclass(frozen=True, slots=True)
class ClientRecord:
    """A client row, including prospects, archived and deleted ones."""

    uuid: str
    number: int
    name: str
    modified: float
    visible: float = 0.0
    """From when lists and searches contain it."""
    person: Individual | None = None
    email: str | None = None
    address: Address = Address()
    postal: Address = Address()
    phone: str = ""
    fax: str = ""
    website: str = ""
    referral: str = ""
    export_code: str = ""
    prospect: bool = False
    archived: bool = False
    deleted: bool = False
    partner: str | None = None
    """Staff UUID, `AccountManager` in XML."""
    manager: str | None = None
    """Staff UUID, `JobManager` in XML."""
    terms: BillingTerms | None = None
    billing: str | None = None
    tax: Tax | None = None
    tax_number: str = ""
    company_number: str = ""
    business_number: str = ""
    bank: Bank | None = None
    code: str | None = None
    contacts: tuple[ClientContact, ...] = ()
    notes: tuple[Note, ...] = ()
    groups: tuple[str, ...] = ()
    relationships: tuple[Relationship, ...] = ()


@dataclass(frozen=True, slots=True)
class ClientGroup:
    """A client group; the clients refer to it."""

    uuid: str
    name: str
    taxable: bool = False


@dataclass(frozen=True, slots=True)
class StaffRecord:
    """Someone who works, or worked, in the practice."""

    uuid: str
    name: str
    email: str = ""
    phone: str = ""
    mobile: str = ""
    address: str = ""
    payroll: str = ""
    left: bool = False
    """Not in staff.api/list any more, but still on old records."""
    visible: float = 0.0
    """From when the list contains it."""


@dataclass(frozen=True, slots=True)
class JobCategory:
    """A category."""

    uuid: str
    name: str


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """A task of the practice, as task.api lists it."""

    uuid: str
    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class TemplateRecord:
    """A job template; its tasks are visible only on jobs to which it was applied."""

    uuid: str
    name: str
    tasks: tuple[tuple[str, int], ...] = ()
    """(task UUID, estimated minutes)."""
    milestones: tuple[tuple[int, str], ...] = ()
    """(days after the job's start, description)."""


@dataclass(frozen=True, slots=True)
class JobState:
    """A state of jobs, as the practice named it."""

    uuid: str
    name: str
    code: str
    """Interface Code, used by job.api/state and not shown."""
    closed: bool = False


@dataclass(frozen=True, slots=True)
class JobTask:
    """A task on one job."""

    uuid: str
    name: str
    task: str
    minutes: int = 0
    actual: int = 0
    description: str = ""
    completed: bool = False
    billable: bool = True
    folder: str = ""
    start: str | None = None
    due: str | None = None
    assigned: tuple[tuple[str, int], ...] = ()
    """(staff UUID, allocated minutes)."""


@dataclass(frozen=True, slots=True)
class Milestone:
    """A dated milestone of a job."""

    uuid: str
    day: str
    description: str
    completed: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """A job, addressed by its number."""

    number: str
    uuid: str
    name: str
    description: str
    client: str
    state: str
    """Name of the state."""
    start: str
    due: str
    created: float
    visible: float = 0.0
    order_number: str = ""
    budget: str | None = None
    category: str | None = None
    completed: str | None = None
    contact: str | None = None
    manager: str | None = None
    partner: str | None = None
    assigned: tuple[str, ...] = ()
    tasks: tuple[JobTask, ...] = ()
    milestones: tuple[Milestone, ...] = ()
    notes: tuple[Note, ...] = ()


TenantType = Literal["PRACTICEMANAGER", "ORGANISATION", "PRACTICE"]


@dataclass(frozen=True, slots=True)
class SandboxTenant:
    """What a connection leads to."""

    uuid: str
    name: str
    kind: TenantType


@dataclass
class SandboxPractice:
    """The rows of a Practice Manager tenant. Rows are frozen; a change replaces a row."""

    tenant: SandboxTenant
    ids: SequentialIds
    clients: dict[str, ClientRecord] = field(default_factory=dict)
    contacts: dict[str, ContactRecord] = field(default_factory=dict)
    groups: dict[str, ClientGroup] = field(default_factory=dict)
    staff: dict[str, StaffRecord] = field(default_factory=dict)
    templates: dict[str, TemplateRecord] = field(default_factory=dict)
    categories: dict[str, JobCategory] = field(default_factory=dict)
    tasks: dict[str, TaskRecord] = field(default_factory=dict)
    states: tuple[JobState, ...] = ()
    jobs: dict[str, Job] = field(default_factory=dict)
    cases: dict[str, list[str]] = field(default_factory=dict)
    """Maps the name of a difficult case to UUIDs of the clients (or other records) with it."""
    next_client_number: int = 14_070_001
    next_job_number: int = 1
    _order: list[str] | None = None
    _clients_of: defaultdict[str, set[str]] | None = None

    def put_client(self, client: ClientRecord) -> None:
        """Store a client, and update the order of names and the index by contact."""
        before = self.clients.get(client.uuid)
        self.clients[client.uuid] = client
        if before is None or before.name != client.name:
            self._order = None
        if self._clients_of is not None and (before is None or before.contacts != client.contacts):
            for link in before.contacts if before else ():
                self._clients_of[link.contact].discard(client.uuid)
            for link in client.contacts:
                self._clients_of[link.contact].add(client.uuid)

    def drop_client(self, uuid: str) -> None:
        """Remove a row, which Practice Manager never does; references to it stay."""
        del self.clients[uuid]
        self._order = self._clients_of = None

    def take_client_number(self) -> int:
        """Return the next client number, and advance it."""
        self.next_client_number += 1
        return self.next_client_number - 1

    def take_job_number(self) -> str:
        """Return the next number of the sequence that was not used manually."""
        while True:
            number = f"J{self.next_job_number:06d}"
            self.next_job_number += 1
            if number not in self.jobs:
                return number

    def clients_in_order(self) -> list[ClientRecord]:
        """Return all clients by name, ignoring case."""
        if self._order is None:
            rows = sorted(self.clients.values(), key=lambda row: (row.name.casefold(), row.number))
            self._order = [row.uuid for row in rows]
        return [self.clients[uuid] for uuid in self._order]

    def clients_of(self, contact: str) -> list[ClientRecord]:
        """Return the clients that a contact is linked to."""
        if self._clients_of is None:
            index: defaultdict[str, set[str]] = defaultdict(set)
            for client in self.clients.values():
                for link in client.contacts:
                    index[link.contact].add(client.uuid)
            self._clients_of = index
        return [self.clients[uuid] for uuid in sorted(self._clients_of.get(contact, ()))]

    def members(self, group: str) -> list[ClientRecord]:
        """Return the clients of a group, sorted by name."""
        return [client for client in self.clients_in_order() if group in client.groups]

    def staff_name(self, uuid: str) -> str:
        """Return the name of a member of staff, or an empty text."""
        person = self.staff.get(uuid)
        return person.name if person else ""

    def client_name(self, uuid: str) -> str:
        """Return the name of a client, or an empty text."""
        client = self.clients.get(uuid)
        return client.name if client else ""

    def group_name(self, uuid: str) -> str:
        """Return the name of a group, empty if it was deleted while a list is being read."""
        group = self.groups.get(uuid)
        return group.name if group else ""

    def contact_name(self, uuid: str) -> str:
        """Return the name of a contact, or an empty text."""
        contact = self.contacts.get(uuid)
        return contact.name if contact else ""

    def jobs_in_order(self) -> list[Job]:
        """Return jobs by client name, start and number, like lists of jobs."""
        return sorted(
            self.jobs.values(),
            key=lambda job: (self.client_name(job.client).casefold(), job.start, job.number),
        )

    def state(self, name: str) -> JobState:
        """Return a job state by its name."""
        return next(state for state in self.states if state.name == name)


def linked(client: ClientRecord, link: ClientContact) -> ClientRecord:
    """Return the client with this contact instead of an older link to it; the newest primary is used."""
    others = [
        replace(other, primary=False) if link.primary else other
        for other in client.contacts
        if other.contact != link.contact
    ]
    return replace(client, contacts=(*others, link))
