"""The calls of Practice Manager 3.1, for clients, contacts, staff, lists and jobs, and the shapes of replies.

What XPM offers but the product never does has no method here: archive, delete, merge. Jobs are addressed by
their number, never by UUID.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from operator import attrgetter
from typing import Final, TypeVar
from urllib.parse import quote

from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.links import Value
from xpm_tui.domain.ports import ClientList
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.xpm import (
    Category,
    Quarantined,
    Records,
    Staff,
    Template,
    XpmClient,
    XpmContact,
    XpmJob,
)
from xpm_tui.xero.client import error_mapping
from xpm_tui.xero.client.calls import Caller, CallSpec
from xpm_tui.xero.client.transport import IncomingReply, NoReply
from xpm_tui.xero.codec import deserializers, request_bodies
from xpm_tui.xero.codec.xml_reader import LIST_LIMIT, Reader, Shape, read_list, read_single, read_status
from xpm_tui.xero.error_body import RequestInfo

_uuid = attrgetter("uuid")

CLIENTS: Final[Shape[XpmClient]] = Shape("Client", deserializers.client, "Clients", _uuid)
CLIENT: Final[Shape[XpmClient]] = Shape("Client", deserializers.client)
CONTACT: Final[Shape[XpmContact]] = Shape("Contact", deserializers.contact)
STAFF: Final[Shape[Staff]] = Shape("Staff", deserializers.staff, "StaffList", _uuid)
STAFF_MEMBER: Final[Shape[Staff]] = Shape("Staff", deserializers.staff)
TEMPLATES: Final[Shape[Template]] = Shape("Template", deserializers.template, "Templates", _uuid)
CATEGORIES: Final[Shape[Category]] = Shape("Category", deserializers.category, "Categories", _uuid)
JOBS: Final[Shape[XpmJob]] = Shape("Job", deserializers.job, "Jobs", attrgetter("number"))
JOB: Final[Shape[XpmJob]] = Shape("Job", deserializers.job)

R = TypeVar("R")


_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def uuid_segment(text: str) -> str:
    """Return a UUID as a segment of a path, in lower case.

    Raises:
        BadInput: The text is not a UUID.
    """
    lowered = text.strip().lower()
    if _UUID.fullmatch(lowered) is None:
        raise BadInput(
            f'"{visible(text, 60)}" is not an XPM UUID.',
            hint="It looks like 6f2b1c50-91d7-4f2e-8a3b-52f0c6b7a101.",
        )
    return lowered


def job_number_segment(text: str) -> str:
    """Return a job number as a percent-encoded segment of a path; it is never parsed.

    Raises:
        BadInput: The number is empty.
    """
    text = text.strip()
    if not text.strip("."):
        raise BadInput("A job number is required.", hint="It looks like J000412.")
    return quote(text, safe="")


def format_moment(when: datetime) -> str:
    """Return a time as ``modifiedsince`` takes it: ``yyyy-MM-ddTHH:mm:ss`` in UTC, without a zone."""
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


class JobCalls:
    """The calls for jobs; a write that may have taken effect raises ``OutcomeUnknown``."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def current_jobs(self) -> Records[XpmJob]:
        """Return the jobs that are neither completed nor cancelled (``GET job.api/current``), without tasks.

        Scope ``practicemanager.job.read`` or more. It is one unpaged list of jobs of any age.
        """
        return await self._list(CallSpec("GET", "job.api/current", long=True), JOBS)

    async def client_jobs(self, client: str, *, detailed: bool = False) -> Records[XpmJob]:
        """Return all jobs of a client in any state (``GET job.api/client/{uuid}``).

        Scope ``practicemanager.job.read`` or more.

        Raises:
            RecordMissing: The client does not exist.
        """
        query = {"detailed": "true"} if detailed else None
        return await self._list(
            CallSpec("GET", f"job.api/client/{uuid_segment(client)}", query, record=True), JOBS
        )

    async def jobs_created(self, first: date, last: date, *, detailed: bool = False) -> Records[XpmJob]:
        """Return the jobs created between two days, in any state (``GET job.api/list``).

        Scope ``practicemanager.job.read`` or more. Xero takes at most one year, including both days.
        """
        query = {"from": f"{first:%Y%m%d}", "to": f"{last:%Y%m%d}"}
        if detailed:
            query["detailed"] = "true"
        return await self._list(CallSpec("GET", "job.api/list", query, long=True), JOBS)

    async def _list(self, spec: CallSpec, shape: Shape[R]) -> Records[R]:
        return await self._caller.read(spec, partial(read_list, shape))

    async def job(self, number: str) -> XpmJob:
        """Return a job with its tasks (``GET job.api/get/{number}``).

        Scope ``practicemanager.job.read`` or more. Its category is a name; its template cannot be read.

        Raises:
            RecordMissing: There is no such job.
        """
        spec = CallSpec("GET", f"job.api/get/{job_number_segment(number)}", record=True)
        return await self._caller.read(spec, partial(read_single, JOB))

    async def add_job(
        self,
        *,
        name: str,
        description: str,
        client: str,
        start: date,
        due: date,
        contact: str = "",
        order_number: str = "",
        number: str = "",
        template: str = "",
        category: str = "",
        budget: str = "",
    ) -> XpmJob:
        """Create a job in the first state, and return it with its number (``POST job.api/add``).

        Scope ``practicemanager.job``. ``number`` is a job number of our own choice; what XPM does if it
        exists is not documented. Manager, partner and staff are set afterwards by :meth:`assign`.

        Raises:
            OutcomeUnknown: Look for the job before sending it again.
        """
        fields: dict[str, str | date] = {
            "Name": name,
            "Description": description,
            "ClientUUID": uuid_segment(client),
            "ContactUUID": contact,
            "StartDate": start,
            "DueDate": due,
            "ClientNumber": order_number,
            "ID": number,
            "TemplateUUID": template,
            "CategoryUUID": category,
            "Budget": budget,
        }
        needed = {"Name", "Description", "ClientUUID", "StartDate", "DueDate"}
        given = {tag: value for tag, value in fields.items() if value or tag in needed}
        return await self._write("POST", "job.api/add", request_bodies.job(given))

    async def set_job_state(self, number: str, code: str) -> None:
        """Set the state of a job by its Interface Code, which is not its name (``PUT job.api/state``).

        Scope ``practicemanager.job``. The reply is a status only in recordings, a job in the specification:
        neither is relied upon.

        Raises:
            Refused: XPM does not know the code (case ``state-code``).
        """
        spec = CallSpec("PUT", "job.api/state", body=request_bodies.job({"ID": number, "State": code}))
        await self._caller.write(spec, read_status)

    async def assign(
        self,
        number: str,
        *,
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
        manager: str | None = None,
        partner: str | None = None,
    ) -> XpmJob:
        """Assign staff, manager and partner (``PUT job.api/assign``); ``""`` removes manager or partner.

        Scope ``practicemanager.job``. This is the only way to set the manager and the partner of a job.
        """
        body = request_bodies.assign(number, add=add, remove=remove, manager=manager, partner=partner)
        return await self._write("PUT", "job.api/assign", body)

    async def apply_template(self, number: str, template: str, *, append: bool = False) -> XpmJob:
        """Add the tasks of a template to a job, and return the job (``POST job.api/applytemplate``).

        Scope ``practicemanager.job``. A second call adds the tasks again, except with ``append`` (XPM's
        ``AppendExisting``).

        Raises:
            Refused: The template does not exist.
        """
        mode = "AppendExisting" if append else "AddNew"
        body = request_bodies.job({"ID": number, "TemplateUUID": uuid_segment(template), "TaskMode": mode})
        return await self._write("POST", "job.api/applytemplate", body)

    async def _write(self, method: str, path: str, body: bytes) -> XpmJob:
        return await self._caller.write(CallSpec(method, path, body=body), partial(read_single, JOB))


class ClientListing:
    """A client list that is streamed from Xero: the ``ClientList`` port.

    Raises:
        BadReply: The reply cannot be read.
        Refused: XPM refused the call.
        XeroUnreachable: The connection failed while the list was read.
    """

    def __init__(self, incoming: IncomingReply, request: RequestInfo, now: datetime) -> None:
        self._incoming = incoming
        self._request_info = request
        self._asked_at = server_time(incoming.headers.get("date", ""), now)
        self._reader = Reader(CLIENTS, request, limit=LIST_LIMIT)

    @property
    def asked_at(self) -> datetime:
        """When the server started to answer: its ``Date`` header, or our own time without one."""
        return self._asked_at

    @property
    def quarantined(self) -> tuple[Quarantined, ...]:
        """The records that were set aside so far."""
        return tuple(self._reader.quarantined)

    async def __aiter__(self) -> AsyncIterator[XpmClient]:
        """Yield the clients; the list is complete only if this ends without an error."""
        reader = self._reader
        try:
            async for chunk in self._incoming.chunks:
                for client in reader.feed(chunk):
                    yield client
        except NoReply as fault:
            raise error_mapping.no_reply_error(fault, self._request_info) from None
        for client in reader.finish():
            yield client
        reader.close()


def server_time(text: str, now: datetime) -> datetime:
    """Return an HTTP date (RFC 9110, section 5.6.7) in UTC; ``now`` if it cannot be parsed."""
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return now
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


class XeroPractice(JobCalls):
    """The ``XpmJobsPort`` for one tenant."""

    def __init__(self, caller: Caller) -> None:
        super().__init__(caller)

    @property
    def calls(self) -> int:
        """The number of calls that this object has sent, including retries."""
        return self._caller.calls

    # -- clients -----------------------------------------------------------------------------------------

    @asynccontextmanager
    async def clients(self, *, modified_since: datetime | None = None) -> AsyncIterator[ClientList]:
        """Stream all clients, including archived and deleted ones (``GET client.api/list?detailed=true``).

        Scope ``practicemanager.client.read`` or more. It is one unpaged reply, which may begin only after
        minutes, and which is not retried after its first byte. ``modified_since`` (UTC) refers to XPM's own
        time of change.
        """
        query = {"detailed": "true"}
        if modified_since is not None:
            query["modifiedsince"] = format_moment(modified_since)
        async with self._caller.stream(CallSpec("GET", "client.api/list", query, long=True)) as (
            incoming,
            request,
        ):
            yield ClientListing(incoming, request, self._caller.clock.now())

    async def client(self, uuid: str) -> XpmClient:
        """Return a client with all its fields (``GET client.api/get/{uuid}``).

        Scope ``practicemanager.client.read`` or more.

        Raises:
            RecordMissing: XPM has no such client.
        """
        spec = CallSpec("GET", f"client.api/get/{uuid_segment(uuid)}", record=True)
        return await self._caller.read(spec, partial(read_single, CLIENT))

    async def search(self, query: str) -> Records[XpmClient]:
        """Return the clients whose name contains a text (``GET client.api/search?detailed=true``).

        Scope ``practicemanager.client.read`` or more.
        """
        if not query.strip():
            return Records()
        spec = CallSpec("GET", "client.api/search", {"query": query, "detailed": "true"})
        return await self._list(spec, CLIENTS)

    async def add_client(self, values: Mapping[str, Value], contacts: Sequence[XpmContact]) -> XpmClient:
        """Create a client with its contacts, and return it as stored (``POST client.api/add``).

        Scope ``practicemanager.client``. XPM accepts a second client of the same name.

        Raises:
            OutcomeUnknown: Look for the client before sending it again.
        """
        spec = CallSpec("POST", "client.api/add", body=request_bodies.add_client(values, contacts))
        return await self._caller.write(spec, partial(read_single, CLIENT))

    async def update_client(self, uuid: str, name: str, values: Mapping[str, Value]) -> XpmClient:
        """Change the given fields of a client (``PUT client.api/update``); an empty text clears a field.

        Scope ``practicemanager.client``. Contacts cannot be changed here.

        Raises:
            EditConflict: Someone else is changing the client (409).
            RecordMissing: XPM has no such client.
        """
        body = request_bodies.update_client(uuid_segment(uuid), name, values)
        return await self._caller.write(
            CallSpec("PUT", "client.api/update", body=body), partial(read_single, CLIENT)
        )

    # -- contacts ----------------------------------------------------------------------------------------

    async def contact(self, client: str, uuid: str) -> XpmContact:
        """Return a contact of a client (``GET client.api/contact/{uuid}?clientUuid=``).

        Scope ``practicemanager.client.read`` or more. Position and primary belong to the pair of them.
        """
        path = f"client.api/contact/{uuid_segment(uuid)}"
        spec = CallSpec("GET", path, {"clientUuid": uuid_segment(client)}, record=True)
        return await self._caller.read(spec, partial(read_single, CONTACT))

    async def add_contact(self, client: str, contact: XpmContact) -> XpmContact:
        """Create a contact for a client (``POST client.api/contact``); its ``uuid`` is ignored.

        Scope ``practicemanager.client``.

        Raises:
            OutcomeUnknown: Read the client before sending the contact again.
        """
        spec = CallSpec(
            "POST", "client.api/contact", body=request_bodies.add_contact(uuid_segment(client), contact)
        )
        return await self._caller.write(spec, partial(read_single, CONTACT))

    async def update_contact(self, client: str, uuid: str, values: Mapping[str, Value]) -> XpmContact:
        """Change a contact of a client (``PUT client.api/contact/{uuid}?clientUuid=``).

        Scope ``practicemanager.client``. XPM requires the name: if ``values`` has none, it is read first,
        which costs a call. A contact of several clients changes for all of them.
        """
        given = {request_bodies.contact_field(field): value for field, value in values.items()}
        if not given.get("name"):
            given["name"] = (await self.contact(client, uuid)).name
        body = request_bodies.update_contact(uuid_segment(client), given)
        path = f"client.api/contact/{uuid_segment(uuid)}"
        spec = CallSpec("PUT", path, {"clientUuid": uuid_segment(client)}, body, record=True)
        return await self._caller.write(spec, partial(read_single, CONTACT))

    # -- lists -------------------------------------------------------------------------------------------

    async def staff(self) -> Records[Staff]:
        """Return all staff (``GET staff.api/list``).

        Scope ``practicemanager.staff.read`` or more. Names are not unique, and staff who left are not marked.
        """
        return await self._list(CallSpec("GET", "staff.api/list"), STAFF)

    async def add_staff(self, *, name: str, email: str = "", phone: str = "", mobile: str = "") -> Staff:
        """Create a staff record without a login, only at a user's request (``POST staff.api/add``).

        Scope ``practicemanager.staff``, which is not among the default scopes. The reply has
        ``api-method="Get"``.
        """
        values = {"Name": name, "Phone": phone, "Mobile": mobile, "Email": email}
        spec = CallSpec("POST", "staff.api/add", body=request_bodies.staff(values))
        return await self._caller.write(spec, partial(read_single, STAFF_MEMBER))

    async def templates(self) -> Records[Template]:
        """Return UUID and name of the job templates (``GET template.api/list``).

        Scope ``practicemanager`` or ``practicemanager.read``.

        Raises:
            ScopeMissing: The login has granular scopes only; users can then enter the UUIDs of templates.
        """
        return await self._list(CallSpec("GET", "template.api/list"), TEMPLATES)

    async def categories(self) -> Records[Category]:
        """Return the job categories (``GET category.api/list``). Scopes as for :meth:`templates`."""
        return await self._list(CallSpec("GET", "category.api/list"), CATEGORIES)
