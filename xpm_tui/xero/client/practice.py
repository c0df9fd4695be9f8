"""The calls of Practice Manager 3.1 for clients, contacts, groups, staff and lists.

What XPM offers but this program never does has no method here: archive, delete, merge.

The calls for jobs of Practice Manager 3.1; jobs are addressed by their number, never by UUID.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar
from urllib.parse import quote

from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.links import Value
from xpm_tui.domain.ports import ClientList
from xpm_tui.domain.quarantine import Quarantined, Records
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.xpm import Category, RecordReference, Staff, Template, XpmClient, XpmContact, XpmJob
from xpm_tui.xero.client import error_mapping
from xpm_tui.xero.client.calls import Caller, Spec
from xpm_tui.xero.client.transport import IncomingReply, NoReply
from xpm_tui.xero.codec import listings, request_bodies
from xpm_tui.xero.codec.xml_reader import LIST_LIMIT, Reader, Shape, read_list, read_single, read_status
from xpm_tui.xero.error_body import RequestInfo

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def uuid_piece(text: str) -> str:
    """Return a UUID in lower case for use in a path.

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


def job_number_piece(text: str) -> str:
    """Return a job number percent-encoded for use in a path; it is never parsed.

    Raises:
        BadInput: The number is empty.
    """
    text = text.strip()
    if not text.strip("."):
        raise BadInput("A job number is required.", hint="It looks like J000412.")
    return quote(text, safe="")


def moment(when: datetime) -> str:
    """Return ``yyyy-MM-ddTHH:mm:ss`` in UTC, without zone, as ``modifiedsince`` expects it."""
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


class JobCalls:
    """Typed calls for jobs; writes raise ``OutcomeUnknown`` if they may have taken effect."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def current_jobs(self) -> Records[XpmJob]:
        """Return the open jobs (``GET job.api/current``) of any age, without tasks.

        Scope ``practicemanager.job.read`` or more. One list without pages or a range of dates.
        """
        return await self._jobs(Spec("GET", "job.api/current", long=True))

    async def client_jobs(self, client: str, *, detailed: bool = False) -> Records[XpmJob]:
        """Return all jobs of a client in any state (``GET job.api/client/{uuid}``).

        Scope ``practicemanager.job.read`` or more.

        Raises:
            RecordMissing: The client does not exist.
        """
        query = {"detailed": "true"} if detailed else None
        return await self._jobs(Spec("GET", f"job.api/client/{uuid_piece(client)}", query, record=True))

    async def jobs_created(self, first: date, last: date, *, detailed: bool = False) -> Records[XpmJob]:
        """Return the jobs created from one day to another, in any state (``GET job.api/list``).

        Scope ``practicemanager.job.read`` or more. Xero accepts at most one year, both days included.
        """
        query = {"from": f"{first:%Y%m%d}", "to": f"{last:%Y%m%d}"}
        if detailed:
            query["detailed"] = "true"
        return await self._jobs(Spec("GET", "job.api/list", query, long=True))

    async def _jobs(self, spec: Spec) -> Records[XpmJob]:
        return await self._caller.read(spec, lambda body, asked: read_list(listings.JOBS, body, asked)[0])

    async def job(self, number: str) -> XpmJob:
        """Return one complete job with its tasks (``GET job.api/get/{number}``).

        Scope ``practicemanager.job.read`` or more. The category is a name; which template made the job cannot
        be read.

        Raises:
            RecordMissing: The job does not exist.
        """
        spec = Spec("GET", f"job.api/get/{job_number_piece(number)}", record=True)
        return await self._caller.read(spec, _job)

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
        """Create a job in the practice's first state and return it with its number (``POST job.api/add``).

        Scope ``practicemanager.job``. ``number`` is the practice's own job number; what XPM does with one
        that exists is not documented. Manager, partner and staff are set afterwards with :meth:`assign`.

        Raises:
            OutcomeUnknown: Look for the job before sending it again.
        """
        fields: dict[str, str | date] = {
            "Name": name,
            "Description": description,
            "ClientUUID": uuid_piece(client),
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
        """Set a job's state (``PUT job.api/state``).

        Scope ``practicemanager.job``. The reply is only a status in recordings and a job in the
        specification; neither is used.

        Args:
            number: The job number.
            code: The state's Interface Code as the practice set it, not its name.

        Raises:
            Refused: XPM does not know the code (case ``state-code``).
        """
        spec = Spec("PUT", "job.api/state", body=request_bodies.job({"ID": number, "State": code}))
        await self._caller.write(spec, lambda body, asked: read_status(body, asked))

    async def assign(
        self,
        number: str,
        *,
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
        manager: str | None = None,
        partner: str | None = None,
    ) -> XpmJob:
        """Assign staff, manager and partner by UUID (``PUT job.api/assign``); ``""`` removes one.

        Scope ``practicemanager.job``. This is the only way to set a job's manager and partner.
        """
        body = request_bodies.assign(number, add=add, remove=remove, manager=manager, partner=partner)
        return await self._write("PUT", "job.api/assign", body)

    async def apply_template(self, number: str, template: str, *, append: bool = False) -> XpmJob:
        """Add a template's tasks and return the job with them (``POST job.api/applytemplate``).

        Scope ``practicemanager.job``. A second call adds the tasks again, unless ``append`` (XPM's
        ``AppendExisting``).

        Raises:
            Refused: The template does not exist.
        """
        mode = "AppendExisting" if append else "AddNew"
        body = request_bodies.job({"ID": number, "TemplateUUID": uuid_piece(template), "TaskMode": mode})
        return await self._write("POST", "job.api/applytemplate", body)

    async def _write(self, method: str, path: str, body: bytes) -> XpmJob:
        return await self._caller.write(Spec(method, path, body=body), _job)


def _job(body: bytes, asked: RequestInfo) -> XpmJob:
    return read_single(listings.JOB, body, asked)


class ClientListing:
    """The streamed client list of Xero, an implementation of the ClientList port.

    Raises:
        BadReply: The reply cannot be read.
        Refused: XPM refused the call.
        XeroUnreachable: The connection failed while the list was read.
    """

    def __init__(self, incoming: IncomingReply, asked: RequestInfo, now: datetime) -> None:
        self._incoming = incoming
        self._asked = asked
        self._asked_at = server_time(incoming.headers.get("date", ""), now)
        self._reader = Reader(listings.CLIENTS, asked, limit=LIST_LIMIT)

    @property
    def asked_at(self) -> datetime:
        """The server's time when it began to answer (its ``Date`` header, or our time without one)."""
        return self._asked_at

    @property
    def quarantined(self) -> tuple[Quarantined, ...]:
        """The records that were set aside so far."""
        return tuple(self._reader.quarantined)

    async def __aiter__(self) -> AsyncIterator[XpmClient]:
        """Yield the clients one at a time; the list is complete only if this ends without an error."""
        reader = self._reader
        try:
            async for chunk in self._incoming.chunks:
                for client in reader.feed(chunk):
                    yield client
        except NoReply as fault:
            raise error_mapping.no_reply(fault, self._asked) from None
        for client in reader.finish():
            yield client
        reader.close()


def server_time(text: str, now: datetime) -> datetime:
    """Return an HTTP date (RFC 9110 section 5.6.7) in UTC, or ``now`` if it cannot be read."""
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return now
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


R = TypeVar("R")


class XeroPractice(JobCalls):
    """Implements the Practice port for one tenant, and the calls for jobs."""

    def __init__(self, caller: Caller) -> None:
        super().__init__(caller)
        self._caller = caller

    @property
    def calls(self) -> int:
        """Practice Manager calls sent so far by this object, including retries."""
        return self._caller.calls

    # -- clients -----------------------------------------------------------------------------------------

    def clients(self, *, modified_since: datetime | None = None) -> AbstractAsyncContextManager[ClientList]:
        """Stream all clients, including archived and deleted ones (``GET client.api/list?detailed=true``).

        Scope ``practicemanager.client.read`` or more. One reply without pages, which may start after minutes
        of silence; it is retried only while no byte of the list has arrived. ``modified_since`` (UTC) refers
        to XPM's own time of change.
        """
        return self._clients(modified_since)

    @asynccontextmanager
    async def _clients(self, modified_since: datetime | None) -> AsyncIterator[ClientList]:
        query = {"detailed": "true"}
        if modified_since is not None:
            query["modifiedsince"] = moment(modified_since)
        async with self._caller.stream(Spec("GET", "client.api/list", query, long=True)) as (incoming, asked):
            yield ClientListing(incoming, asked, self._caller.clock.now())

    async def client(self, uuid: str) -> XpmClient:
        """Return one complete client (``GET client.api/get/{uuid}``).

        Scope ``practicemanager.client.read`` or more.

        Raises:
            RecordMissing: XPM has no such client.
        """
        spec = Spec("GET", f"client.api/get/{uuid_piece(uuid)}", record=True)
        return await self._caller.read(spec, _client)

    async def search(self, query: str) -> Records[XpmClient]:
        """Return clients whose name contains ``query``, ignoring case (``GET client.api/search``).

        Scope ``practicemanager.client.read`` or more. The list is empty if none matches.
        """
        if not query.strip():
            return Records()
        spec = Spec("GET", "client.api/search", {"query": query, "detailed": "true"})
        return await self._list(spec, listings.CLIENTS)

    async def add_client(self, values: Mapping[str, Value], contacts: Sequence[XpmContact]) -> XpmClient:
        """Create a client with its contacts and return it as saved in XPM (``POST client.api/add``).

        Scope ``practicemanager.client``. XPM accepts a second client of the same name without a warning.

        Raises:
            OutcomeUnknown: Look for the client before sending it again.
        """
        spec = Spec("POST", "client.api/add", body=request_bodies.add_client(values, contacts))
        return await self._caller.write(spec, _client)

    async def update_client(self, uuid: str, name: str, values: Mapping[str, Value]) -> XpmClient:
        """Change the given fields (``PUT client.api/update``); an empty text clears a field.

        Scope ``practicemanager.client``. Contacts cannot be changed here.

        Raises:
            EditConflict: XPM answered 409.
            RecordMissing: XPM has no such client.
        """
        body = request_bodies.update_client(uuid_piece(uuid), name, values)
        return await self._caller.write(Spec("PUT", "client.api/update", body=body), _client)

    # -- contacts ----------------------------------------------------------------------------------------

    async def contact(self, client: str, uuid: str) -> XpmContact:
        """Return a contact as this client has it (``GET client.api/contact/{uuid}?clientUuid=``).

        Scope ``practicemanager.client.read`` or more. Position and primary belong to the pair.
        """
        path = f"client.api/contact/{uuid_piece(uuid)}"
        spec = Spec("GET", path, {"clientUuid": uuid_piece(client)}, record=True)
        return await self._caller.read(spec, _contact)

    async def add_contact(self, client: str, contact: XpmContact) -> XpmContact:
        """Create a contact for a client (``POST client.api/contact``); its ``uuid`` is ignored.

        Scope ``practicemanager.client``.

        Raises:
            OutcomeUnknown: Read the client before sending it again.
        """
        spec = Spec(
            "POST", "client.api/contact", body=request_bodies.add_contact(uuid_piece(client), contact)
        )
        return await self._caller.write(spec, _contact)

    async def update_contact(self, client: str, uuid: str, values: Mapping[str, Value]) -> XpmContact:
        """Change a contact of a client (``PUT client.api/contact/{uuid}?clientUuid=``).

        Scope ``practicemanager.client``. XPM needs the name: if ``values`` has none, it is read first, which
        costs a call. A contact of several clients changes for all of them.
        """
        given = {request_bodies.contact_field(field): value for field, value in values.items()}
        if not given.get("name"):
            given["name"] = (await self.contact(client, uuid)).name
        body = request_bodies.update_contact(uuid_piece(client), given)
        path = f"client.api/contact/{uuid_piece(uuid)}"
        spec = Spec("PUT", path, {"clientUuid": uuid_piece(client)}, body, record=True)
        return await self._caller.write(spec, _contact)

    # -- lists -------------------------------------------------------------------------------------------

    async def groups(self) -> Records[RecordReference]:
        """Return the client groups without their members (``GET clientgroup.api/list``).

        Scope ``practicemanager.client.read`` or more.
        """
        return await self._list(Spec("GET", "clientgroup.api/list"), listings.GROUPS)

    async def group_members(self, uuid: str) -> tuple[RecordReference, ...]:
        """Return the clients of one group (``GET clientgroup.api/get/{uuid}``).

        Scope ``practicemanager.client.read`` or more.

        Raises:
            RecordMissing: XPM has no such group.
        """
        spec = Spec("GET", f"clientgroup.api/get/{uuid_piece(uuid)}", record=True)
        return await self._caller.read(spec, lambda b, a: read_single(listings.GROUP_MEMBERS, b, a))

    async def staff(self) -> Records[Staff]:
        """Return all staff (``GET staff.api/list``).

        Scope ``practicemanager.staff.read`` or more. Names are not unique, and staff who left are not marked.
        """
        return await self._list(Spec("GET", "staff.api/list"), listings.STAFF)

    async def add_staff(self, *, name: str, email: str = "", phone: str = "", mobile: str = "") -> Staff:
        """Create a staff record without login (``POST staff.api/add``), only after a user asked for it.

        Scope ``practicemanager.staff``, which is not among the granular scopes that are requested by default.
        The reply says ``api-method="Get"``.
        """
        values = {"Name": name, "Phone": phone, "Mobile": mobile, "Email": email}
        spec = Spec("POST", "staff.api/add", body=request_bodies.staff(values))
        return await self._caller.write(spec, lambda b, a: read_single(listings.STAFF_MEMBER, b, a))

    async def templates(self) -> Records[Template]:
        """Return the job templates: a UUID and a name each, no contents (``GET template.api/list``).

        Scope ``practicemanager`` or ``practicemanager.read``: with granular scopes alone it may raise
        ``ScopeMissing``, and templates are then entered by UUID.
        """
        return await self._list(Spec("GET", "template.api/list"), listings.TEMPLATES)

    async def categories(self) -> Records[Category]:
        """Return the job categories (``GET category.api/list``). Scopes as for :meth:`templates`."""
        return await self._list(Spec("GET", "category.api/list"), listings.CATEGORIES)

    async def _list(self, spec: Spec, shape: Shape[R]) -> Records[R]:
        return await self._caller.read(spec, lambda body, asked: read_list(shape, body, asked)[0])


def _client(body: bytes, asked: RequestInfo) -> XpmClient:
    return read_single(listings.CLIENT, body, asked)


def _contact(body: bytes, asked: RequestInfo) -> XpmContact:
    return read_single(listings.CONTACT, body, asked)
