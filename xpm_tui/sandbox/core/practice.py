"""One tenant's records, in memory, with the few indexes that the endpoints need."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import Literal

from xpm_tui.sandbox.core.clock import SequentialIds
from xpm_tui.sandbox.core.records import (
    ClientContact,
    ClientGroup,
    ClientRecord,
    ContactRecord,
    Job,
    JobCategory,
    JobState,
    StaffRecord,
    TaskRecord,
    TemplateRecord,
)

TenantType = Literal["PRACTICEMANAGER", "ORGANISATION", "PRACTICE"]


@dataclass(frozen=True, slots=True)
class SandboxTenant:
    """What a connection leads to."""

    uuid: str
    name: str
    kind: TenantType


@dataclass
class SandboxPractice:
    """The rows of a Practice Manager tenant. Rows are frozen; to change one, put another in its place."""

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
    """Name of a hard case -> UUIDs of the clients (or what else) that show it."""
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
        """Take a row out, as nothing in Practice Manager does; references to it stay."""
        del self.clients[uuid]
        self._order = self._clients_of = None

    def take_client_number(self) -> int:
        """Return the next client number, and advance it."""
        self.next_client_number += 1
        return self.next_client_number - 1

    def take_job_number(self) -> str:
        """The next of the sequence that nobody took by hand."""
        while True:
            number = f"J{self.next_job_number:06d}"
            self.next_job_number += 1
            if number not in self.jobs:
                return number

    def clients_in_order(self) -> list[ClientRecord]:
        """All clients by name, case-insensitive; the rows as they are now."""
        if self._order is None:
            rows = sorted(self.clients.values(), key=lambda row: (row.name.casefold(), row.number))
            self._order = [row.uuid for row in rows]
        return [self.clients[uuid] for uuid in self._order]

    def clients_of(self, contact: str) -> list[ClientRecord]:
        """The clients that a contact is linked to."""
        if self._clients_of is None:
            index: defaultdict[str, set[str]] = defaultdict(set)
            for client in self.clients.values():
                for link in client.contacts:
                    index[link.contact].add(client.uuid)
            self._clients_of = index
        return [self.clients[uuid] for uuid in sorted(self._clients_of.get(contact, ()))]

    def members(self, group: str) -> list[ClientRecord]:
        """Return the clients of a group, in order of name."""
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
        """Empty if the group is gone, which may be while a list that names it is being read."""
        group = self.groups.get(uuid)
        return group.name if group else ""

    def contact_name(self, uuid: str) -> str:
        """Return the name of a contact, or an empty text."""
        contact = self.contacts.get(uuid)
        return contact.name if contact else ""

    def jobs_in_order(self) -> list[Job]:
        """By client name, start, number: the order in which lists of jobs come."""
        return sorted(
            self.jobs.values(),
            key=lambda job: (self.client_name(job.client).casefold(), job.start, job.number),
        )

    def state(self, name: str) -> JobState:
        """Return a job state by its name."""
        return next(state for state in self.states if state.name == name)


def linked(client: ClientRecord, link: ClientContact) -> ClientRecord:
    """The client with this contact, in place of an older link to it; the newest primary wins."""
    others = [
        replace(other, primary=False) if link.primary else other
        for other in client.contacts
        if other.contact != link.contact
    ]
    return replace(client, contacts=(*others, link))
