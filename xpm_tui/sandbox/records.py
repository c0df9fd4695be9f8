"""The records of a practice as immutable values, in memory, with the indexes that the endpoints need.

A change replaces a row, so a streamed list is consistent. Text is stored as Practice Manager sends it; None
is an absent element, an empty text an empty one. Days are `yyyy-MM-dd`, times are seconds since the epoch
(UTC).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

from xpm_tui.sandbox.clock import SequentialIds

Row = TypeVar("Row", bound=Any)


def with_values(row: Row, values: Mapping[str, object]) -> Row:
    """Return a copy of a row with fields whose names are only known at run time."""
    changed: Row = replace(row, **values)
    return changed


@dataclass(frozen=True, slots=True)
class Individual:
    """The values that only individuals have."""

    title: str | None = None
    gender: str | None = None
    first: str | None = None
    middle: str | None = None
    last: str | None = None
    other: str | None = None
    born: str | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """A street or postal address; a street may have several lines."""

    street: str = ""
    city: str = ""
    region: str = ""
    post_code: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class BillingTerms:
    """The billing terms of a client (`Type`)."""

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
    """Annually, Monthly, Quarterly or Opt-Out."""
    active_ato: str = "No"


@dataclass(frozen=True, slots=True)
class Bank:
    """Bank details of a client; each is absent if None."""

    bsb: str | None = None
    account_name: str | None = None
    account_number: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A note of a client or job."""

    title: str
    text: str
    folder: str
    moment: float
    author: str
    uuid: str = ""
    """Notes of jobs have one, notes of clients do not."""


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
    """The link of a contact to a client; position and primary belong here."""

    contact: str
    position: str = ""
    primary: bool = False


@dataclass(frozen=True, slots=True)
class ContactRecord:
    """A contact of one or several clients."""

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
    """A client, including prospects, archived and deleted ones."""

    uuid: str
    number: int
    name: str
    modified: float
    visible: float = 0.0
    """The time from which lists and searches show it."""
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
    """The UUID of a member of staff, `AccountManager` in XML."""
    manager: str | None = None
    """The UUID of a member of staff, `JobManager` in XML."""
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
    """A client group; its members refer to it."""

    uuid: str
    name: str
    taxable: bool = False


@dataclass(frozen=True, slots=True)
class StaffRecord:
    """A current or former member of staff."""

    uuid: str
    name: str
    email: str = ""
    phone: str = ""
    mobile: str = ""
    address: str = ""
    payroll: str = ""
    left: bool = False
    """Whether the person has left: not in staff.api/list, but named on old records."""
    visible: float = 0.0
    """The time from which the list shows it."""


@dataclass(frozen=True, slots=True)
class JobCategory:
    """A job category."""

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
    """A job template; its tasks are visible only on a job to which it was applied."""

    uuid: str
    name: str
    tasks: tuple[tuple[str, int], ...] = ()
    """(task UUID, estimated minutes)."""
    milestones: tuple[tuple[int, str], ...] = ()
    """(days after the job's start, description)."""


@dataclass(frozen=True, slots=True)
class JobState:
    """A job state as named by the practice."""

    uuid: str
    name: str
    code: str
    """The Interface Code that job.api/state takes; no list shows it."""
    closed: bool = False


@dataclass(frozen=True, slots=True)
class JobTask:
    """A task of a job."""

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
    """The tenant of a connection."""

    uuid: str
    name: str
    kind: TenantType


@dataclass
class SandboxPractice:
    """The records of a Practice Manager tenant. Rows are immutable; a change replaces a row."""

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
    """Names of hard cases, with the UUIDs of the records that show them."""
    next_client_number: int = 14_070_001
    next_job_number: int = 1
    _order: list[str] | None = None
    _clients_of: defaultdict[str, set[str]] | None = None

    def put_client(self, client: ClientRecord) -> None:
        """Store a client, and update the order of names and the index of contacts."""
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
        """Remove a row completely; references to it stay, which Practice Manager itself would not allow."""
        del self.clients[uuid]
        self._order = self._clients_of = None

    def take_client_number(self) -> int:
        """Return the next client number, and advance it."""
        self.next_client_number += 1
        return self.next_client_number - 1

    def take_job_number(self) -> str:
        """Return the next job number that was not chosen manually."""
        while True:
            number = f"J{self.next_job_number:06d}"
            self.next_job_number += 1
            if number not in self.jobs:
                return number

    def clients_in_order(self) -> list[ClientRecord]:
        """Return all clients sorted by name, case-insensitive, in their current state."""
        if self._order is None:
            rows = sorted(self.clients.values(), key=lambda row: (row.name.casefold(), row.number))
            self._order = [row.uuid for row in rows]
        return [self.clients[uuid] for uuid in self._order]

    def clients_of(self, contact: str) -> list[ClientRecord]:
        """Return the clients to which a contact is linked."""
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
        """Return the name of a group; empty if it was deleted while a list that names it is read."""
        group = self.groups.get(uuid)
        return group.name if group else ""

    def contact_name(self, uuid: str) -> str:
        """Return the name of a contact, or an empty text."""
        contact = self.contacts.get(uuid)
        return contact.name if contact else ""

    def jobs_in_order(self) -> list[Job]:
        """Return all jobs by client name, start and number: the order of lists of jobs."""
        return sorted(
            self.jobs.values(),
            key=lambda job: (self.client_name(job.client).casefold(), job.start, job.number),
        )

    def state(self, name: str) -> JobState:
        """Return a job state by its name."""
        return next(state for state in self.states if state.name == name)


def with_contact(client: ClientRecord, link: ClientContact) -> ClientRecord:
    """Return the client with this contact, replacing an older link to it; the newest primary wins."""
    others = [
        replace(other, primary=False) if link.primary else other
        for other in client.contacts
        if other.contact != link.contact
    ]
    return replace(client, contacts=(*others, link))
