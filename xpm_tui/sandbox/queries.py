"""The endpoints of client.api and job.api that read clients, contacts and jobs.

Page tokens are opaque and url-safe, and any that was not issued here is refused. Jobs have their elements in
Xero's order; category and template are written without their UUIDs, as in Xero.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from math import inf
from typing import TypeVar
from urllib.parse import quote
from zlib import crc32

from xpm_tui.sandbox.clock import day_of, stamp
from xpm_tui.sandbox.endpoint import ApplicationError, Call, Reply, Route, read_day
from xpm_tui.sandbox.records import (
    ClientContact,
    ClientRecord,
    ContactRecord,
    Job,
    JobTask,
    Milestone,
    Note,
    SandboxPractice,
)
from xpm_tui.sandbox.xml import (
    FULL,
    PLAIN,
    ClientWriter,
    Parts,
    contact_xml,
    el,
    many,
    opt,
    ref,
    true_false,
)


def write_token(offset: int) -> str:
    """Return the token of the page that starts at `offset`."""
    body = f"{offset}.{crc32(f'page {offset}'.encode()):08x}"
    return base64.urlsafe_b64encode(body.encode()).rstrip(b"=").decode("ascii")


def read_token(token: str | None) -> int:
    """Return the offset of a token, 0 without one.

    Raises:
        ApplicationError: The token was not issued here.
    """
    if not token:
        return 0
    try:
        body = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode("ascii")
        offset = int(body.partition(".")[0])
    except (binascii.Error, ValueError):
        offset = -1
    if offset < 0 or write_token(offset) != token:
        raise ApplicationError.parameter("Parameter 'pageToken' is not valid")
    return offset


Row = TypeVar("Row")


def writer(call: Call, parts: Parts = FULL, *, now: float = inf) -> ClientWriter:
    """Return a writer of clients; with `now`, as in lists, it leaves out records that are not visible yet."""
    return ClientWriter(call.practice, parts, call.switches.deleted_contacts_listed, now)


def one_client(call: Call, client: ClientRecord, method: str) -> Reply:
    """Return a reply of one full client."""
    return Reply(method, (client,), writer(call))


def list_clients(call: Call) -> Reply:
    """List all clients, even archived or deleted ones (GET client.api/list); no paging."""
    rows = _shown(call)
    since = call.parameters.get("modifiedsince")
    if since:
        moment = _moment(since)
        rows = [row for row in rows if row.modified >= moment]
    return Reply("List", rows, _list_writer(call), "Clients")


def search_clients(call: Call) -> Reply:
    """Find clients by a part of the name, except deleted ones (GET client.api/search)."""
    query = call.parameters.get("query")
    if query is None or not query.strip():
        raise ApplicationError.parameter("Required parameter 'query' should be specified")
    part = query.strip().casefold()
    rows = [row for row in _shown(call) if part in row.name.casefold() and not row.deleted]
    return Reply("Search", rows, _list_writer(call), "Clients")


def get_client(call: Call) -> Reply:
    """Return a full client, even if it is archived or deleted (GET client.api/get/{uuid})."""
    return one_client(call, call.client(call.path[0], in_path=True), "Get")


def page_clients(call: Call) -> Reply:
    """List a page of active clients without contacts and extras (GET client.api/paged-list)."""
    rows = [row for row in _shown(call) if not row.archived and not row.deleted]
    parts = Parts(business=call.switches.paged_list_business_block, contacts=False, extras=False)
    return _page(call, rows, writer(call, parts), "Clients", "client.api/paged-list")


def list_contacts(call: Call) -> Reply:
    """List a page of contacts, each as at its first client (GET client.api/contacts)."""
    rows = sorted(
        (row for row in call.practice.contacts.values() if row.visible <= call.now),
        key=lambda row: (row.name.casefold(), row.uuid),
    )
    if not call.switches.deleted_contacts_listed:
        rows = [row for row in rows if not row.deleted]
    return _page(call, rows, _AtFirstClient(call), "Contacts", "client.api/contacts")


def get_contact(call: Call) -> Reply:
    """Return a contact as at `clientUuid`, or else at its first client (GET client.api/contact/{uuid})."""
    found = find_contact(call, in_path=True)
    link = link_at(call, found)
    return Reply("Contact", (found,), lambda row: contact_xml(row, link))


def find_contact(call: Call, *, in_path: bool = False) -> ContactRecord:
    """Return the contact that the path names.

    Raises:
        ApplicationError: There is none.
    """
    found = call.practice.contacts.get(call.path[0].lower())
    if found is None:
        raise ApplicationError("Invalid contact identifier", "unknown" if in_path else "identifier")
    return found


def link_at(call: Call, found: ContactRecord) -> ClientContact | None:
    """Return the contact's link to the client that the query names.

    Raises:
        ApplicationError: The contact is not linked to it.
    """
    uuid = call.parameters.get("clientuuid")
    if uuid:
        client = call.client(uuid)
        link = next((link for link in client.contacts if link.contact == found.uuid), None)
        if link is None:
            raise ApplicationError.identifier("Invalid contact identifier")
        return link
    return first_link(call, found)


def first_link(call: Call, found: ContactRecord) -> ClientContact | None:
    """Return the contact's link to its first client; None if it has no client."""
    for client in call.practice.clients_of(found.uuid):
        return next(link for link in client.contacts if link.contact == found.uuid)
    return None


def _list_writer(call: Call) -> ClientWriter:
    return writer(call, FULL if call.flag("detailed") else PLAIN, now=call.now)


@dataclass(frozen=True, slots=True)
class _AtFirstClient:
    call: Call

    def __call__(self, row: ContactRecord) -> str:
        return contact_xml(row, first_link(self.call, row))


def _shown(call: Call) -> list[ClientRecord]:
    return [row for row in call.practice.clients_in_order() if row.visible <= call.now]


def _moment(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ApplicationError.parameter(
            "Parameter 'modifiedsince' should be specified in the format 'yyyy-MM-ddTHH:mm:ss'"
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _page(call: Call, rows: Sequence[Row], render: Callable[[Row], str], wrapper: str, path: str) -> Reply:
    text = call.parameters.get("pagesize", "50")
    if not (text.isdecimal() and len(text) <= 3 and 1 <= int(text) <= 500):
        raise ApplicationError.parameter("Parameter 'pageSize' should be between 1 and 500")
    size = int(text)
    start = read_token(call.parameters.get("pagetoken"))
    address = f"{call.api_url}/practicemanager/3.1/{path}"
    more = start + size < len(rows)
    return Reply(
        "PagedList" if wrapper == "Clients" else "List",
        rows[start : start + size],
        render,
        wrapper,
        first_link=f"{address}?pageSize={size}",
        next_link=f"{address}?pageToken={quote(write_token(start + size))}&pageSize={size}" if more else None,
    )


@dataclass(frozen=True, slots=True)
class JobWriter:
    """A writer of the jobs of one practice."""

    practice: SandboxPractice
    detailed: bool = True
    """Whether to include tasks, milestones and notes; `Assigned` is always included."""

    def __call__(self, job: Job) -> str:
        """Return the `<Job>` element."""
        practice = self.practice
        category = practice.categories.get(job.category or "")
        return "".join(
            (
                f"<Job>{el('ID', job.number)}<UUID>{job.uuid}</UUID>{el('Name', job.name)}",
                el("Description", job.description),
                ref("Client", job.client, practice.client_name(job.client)),
                el("ClientOrderNumber", job.order_number),
                opt("Budget", job.budget),
                el("State", job.state),
                opt("Type", category.name if category else None),
                f"<StartDate>{job.start}T00:00:00</StartDate><DueDate>{job.due}T00:00:00</DueDate>",
                f"<CompletedDate>{job.completed}T00:00:00</CompletedDate>" if job.completed else "",
                ref("Contact", job.contact, practice.contact_name(job.contact)) if job.contact else "",
                ref("Manager", job.manager, practice.staff_name(job.manager)) if job.manager else "",
                ref("Partner", job.partner, practice.staff_name(job.partner)) if job.partner else "",
                many("Assigned", (ref("Staff", uuid, practice.staff_name(uuid)) for uuid in job.assigned)),
                self._details(job) if self.detailed else "",
                f"<WebUrl>https://app.practicemanager.xero.com/job/jobview.aspx?id={job.number}</WebUrl></Job>",
            )
        )

    def _details(self, job: Job) -> str:
        return (
            many("Tasks", map(self.task, job.tasks))
            + many("Milestones", map(_milestone, job.milestones))
            + many("Notes", map(_note, job.notes))
        )

    def task(self, row: JobTask) -> str:
        """Return a task of a job as XML."""
        return (
            f"<Task><UUID>{row.uuid}</UUID>{el('Name', row.name)}<TaskUUID>{row.task}</TaskUUID>"
            f"<EstimatedMinutes>{row.minutes}</EstimatedMinutes><ActualMinutes>{row.actual}</ActualMinutes>"
            f"{el('Description', row.description)}<Completed>{true_false(row.completed)}</Completed>"
            f"<Billable>{true_false(row.billable)}</Billable>{el('Folder', row.folder)}"
            f"{_day('StartDate', row.start)}{_day('DueDate', row.due)}{self._assigned(row)}</Task>"
        )

    def _assigned(self, row: JobTask) -> str:
        if not row.assigned:
            return ""
        people = (
            f"<Staff><UUID>{uuid}</UUID>{el('Name', self.practice.staff_name(uuid))}"
            f"<AllocatedMinutes>{minutes}</AllocatedMinutes></Staff>"
            for uuid, minutes in row.assigned
        )
        return many("Assigned", people)


def _day(name: str, day: str | None) -> str:
    return f"<{name}>{day}T00:00:00</{name}>" if day else ""


def _milestone(row: Milestone) -> str:
    return (
        f"<Milestone><UUID>{row.uuid}</UUID><Date>{row.day}T00:00:00</Date>"
        f"{el('Description', row.description)}"
        f"<Completed>{true_false(row.completed)}</Completed><Folder></Folder></Milestone>"
    )


def _note(note: Note) -> str:
    return (
        f"<Note><UUID>{note.uuid}</UUID>{el('Title', note.title)}{el('Text', note.text)}"
        f"{el('Folder', note.folder)}<Date>{stamp(note.moment)}</Date>{el('CreatedBy', note.author)}"
        "<Comments /></Note>"
    )


def one_job(call: Call, job: Job, method: str) -> Reply:
    """Return a reply of one full job."""
    return Reply(method, (job,), JobWriter(call.practice))


def list_current_jobs(call: Call) -> Reply:
    """List all jobs in an open state (GET job.api/current)."""
    return _jobs(call, "Current", lambda job: _open(call, job), detailed=call.flag("detailed"))


def list_jobs(call: Call) -> Reply:
    """List the jobs created within at most one year (GET job.api/list); it reports one error at a time."""
    first, last = _required_day(call, "from"), _required_day(call, "to")
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    if end > _year_after(begin):
        raise ApplicationError.parameter("The date range between 'from' and 'to' must be less than one year")
    return _jobs(
        call, "List", lambda job: first <= day_of(job.created) <= last, detailed=call.flag("detailed")
    )


def list_client_jobs(call: Call) -> Reply:
    """List the jobs of a client in any state (GET job.api/client/{uuid})."""
    client = call.client(call.path[0], in_path=True)
    return _jobs(call, "List", lambda job: job.client == client.uuid, detailed=call.flag("detailed"))


def list_staff_jobs(call: Call) -> Reply:
    """List the open jobs to which a person is assigned (GET job.api/staff/{uuid})."""
    person = call.practice.staff.get(call.path[0].lower())
    if person is None:
        raise ApplicationError.unknown("Invalid staff identifier")
    return _jobs(
        call,
        "List",
        lambda job: person.uuid in job.assigned and _open(call, job),
        detailed=call.flag("detailed"),
    )


def get_job(call: Call) -> Reply:
    """Return a job (GET job.api/get/{number})."""
    return one_job(call, call.job(call.path[0], in_path=True), "Get")


def list_jobs_with_tasks(call: Call) -> Reply:
    """List open jobs with those tasks that match `complete`, `due` and `start` (GET job.api/tasks)."""
    complete = call.parameters.get("complete")
    due, start = _optional_day(call, "due"), _optional_day(call, "start")

    def fits(task: JobTask) -> bool:
        return (
            (complete is None or task.completed == (complete.lower() == "true"))
            and (due is None or (task.due is not None and task.due <= due))
            and (start is None or (task.start is not None and task.start >= start))
        )

    narrowed = (
        replace(job, tasks=tuple(filter(fits, job.tasks)))
        for job in call.practice.jobs_in_order()
        if _open(call, job) and job.visible <= call.now
    )
    return Reply("List", [job for job in narrowed if job.tasks], JobWriter(call.practice), "Jobs")


def _jobs(call: Call, method: str, wanted: Callable[[Job], bool], *, detailed: bool) -> Reply:
    rows = [job for job in call.practice.jobs_in_order() if job.visible <= call.now and wanted(job)]
    return Reply(method, rows, JobWriter(call.practice, detailed), "Jobs")


def _open(call: Call, job: Job) -> bool:
    return not call.practice.state(job.state).closed


def _required_day(call: Call, name: str) -> str:
    return read_day(name, call.parameters.get(name, ""))


def _optional_day(call: Call, name: str) -> str | None:
    text = call.parameters.get(name)
    return read_day(name, text) if text else None


def _year_after(day: date) -> date:
    try:
        return day.replace(year=day.year + 1)
    except ValueError:  # 29 February
        return day.replace(year=day.year + 1, day=28)


ROUTES = (
    Route("GET", "client.api/list", "client", list_clients, "List"),
    Route("GET", "client.api/paged-list", "client", page_clients, "PagedList"),
    Route("GET", "client.api/search", "client", search_clients, "Search"),
    Route("GET", "client.api/get/{}", "client", get_client, "Get"),
    Route("GET", "client.api/contacts", "client", list_contacts, "List"),
    Route("GET", "client.api/contact/{}", "client", get_contact, "Contact"),
    Route("GET", "job.api/current", "job", list_current_jobs, "Current"),
    Route("GET", "job.api/list", "job", list_jobs, "List"),
    Route("GET", "job.api/client/{}", "job", list_client_jobs, "List"),
    Route("GET", "job.api/staff/{}", "job", list_staff_jobs, "List"),
    Route("GET", "job.api/tasks", "job", list_jobs_with_tasks, "List"),
    Route("GET", "job.api/get/{}", "job", get_job, "Get"),
)
