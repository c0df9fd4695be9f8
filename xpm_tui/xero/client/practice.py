"""The calls of Practice Manager 3.1: clients, contacts, groups, staff, lists and jobs, and shapes of replies.

What XPM offers but the product never does has no method here: archive, delete, merge. Jobs are addressed by
their number, never by UUID.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar
from urllib.parse import quote

from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.links import Value
from xpm_tui.domain.ports import ClientList
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.xpm import (
    Category,
    Quarantined,
    RecordReference,
    Records,
    Staff,
    Template,
    XpmClient,
    XpmContact,
    XpmJob,
)
from xpm_tui.xero.client import error_mapping
from xpm_tui.xero.client.calls import Caller, Spec
from xpm_tui.xero.client.transport import IncomingReply, NoReply
from xpm_tui.xero.codec import deserializers, request_bodies
from xpm_tui.xero.codec.deserializers import Element
from xpm_tui.xero.codec.xml_reader import LIST_LIMIT, Reader, Shape, read_list, read_single, read_status
from xpm_tui.xero.error_body import RequestInfo


def _contact(element: Element, beside: str) -> XpmContact:
    return deserializers.contact(element)


def _uuid(record: XpmClient | XpmContact | Staff | Template | Category | RecordReference) -> str:
    return record.uuid


CLIENTS: Final[Shape[XpmClient]] = Shape("Client", deserializers.client, "Clients", _uuid)
CLIENT: Final[Shape[XpmClient]] = Shape("Client", deserializers.client)
CONTACT: Final[Shape[XpmContact]] = Shape("Contact", _contact)
STAFF: Final[Shape[Staff]] = Shape("Staff", deserializers.staff, "StaffList", _uuid)
STAFF_MEMBER: Final[Shape[Staff]] = Shape("Staff", deserializers.staff)
TEMPLATES: Final[Shape[Template]] = Shape("Template", deserializers.template, "Templates", _uuid)
CATEGORIES: Final[Shape[Category]] = Shape("Category", deserializers.category, "Categories", _uuid)
JOBS: Final[Shape[XpmJob]] = Shape("Job", deserializers.job, "Jobs", lambda job: job.number)
JOB: Final[Shape[XpmJob]] = Shape("Job", deserializers.job)


_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def uuid_piece(text: str) -> str:
    """Return a UUID in lower case.

    Raises:
        BadInput: The text is no UUID.
    """
    lowered = text.strip().lower()
    if _UUID.fullmatch(lowered) is None:
        raise BadInput(
            f'"{visible(text, 60)}" is not an XPM UUID.',
            hint="It looks like 6f2b1c50-91d7-4f2e-8a3b-52f0c6b7a101.",
        )
    return lowered


def job_number_piece(text: str) -> str:
    """Return a job number as a percent-encoded piece of a path; it is never parsed.

    Raises:
        BadInput: The number is empty.
    """
    text = text.strip()
    if not text.strip("."):
        raise BadInput("A job number is required.", hint="It looks like J000412.")
    return quote(text, safe="")


def format_moment(when: datetime) -> str:
    """Return a time as ``modifiedsince`` takes it: ``yyyy-MM-ddTHH:mm:ss`` in UTC, without zone."""
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


class JobCalls:
    """The calls for jobs; writes raise ``OutcomeUnknown`` if they may have taken effect."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def current_jobs(self) -> Records[XpmJob]:
        """``GET job.api/current``: neither completed nor cancelled, any age, without tasks.

        Scope ``practicemanager.job.read`` or more. One unpaged list, without a range of dates.
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
        """``GET job.api/list``: the jobs created between two days, in any state.

        Scope ``practicemanager.job.read`` or more. Xero takes at most one year, both days included.
        """
        query = {"from": f"{first:%Y%m%d}", "to": f"{last:%Y%m%d}"}
        if detailed:
            query["detailed"] = "true"
        return await self._jobs(Spec("GET", "job.api/list", query, long=True))

    async def _jobs(self, spec: Spec) -> Records[XpmJob]:
        return await self._caller.read(spec, lambda body, asked: read_list(JOBS, body, asked)[0])

    async def job(self, number: str) -> XpmJob:
        """``GET job.api/get/{number}``: one job in full, with its tasks.

        Scope ``practicemanager.job.read`` or more. ``RecordMissing`` if there is none. Its category is a
        name; its template cannot be read.
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
        """``POST job.api/add``: create a job in the first state; return it with its number.

        Scope ``practicemanager.job``. ``number`` is an own job number; what XPM does with an existing one is
        not documented. Manager, partner and staff are set afterwards by :meth:`assign`. ``OutcomeUnknown``:
        look for the job before sending again.
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
        """``PUT job.api/state``: ``code`` is the state's Interface Code, not its name.

        Scope ``practicemanager.job``. ``Refused`` (case ``state-code``) for a code that XPM does not know.
        The reply is a status only in recordings, a job in the specification: neither is relied upon.
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
        """``PUT job.api/assign``: staff, manager and partner by UUID; ``""`` removes manager or partner.

        Scope ``practicemanager.job``. The only way to set a job's manager and partner.
        """
        body = request_bodies.assign(number, add=add, remove=remove, manager=manager, partner=partner)
        return await self._write("PUT", "job.api/assign", body)

    async def apply_template(self, number: str, template: str, *, append: bool = False) -> XpmJob:
        """``POST job.api/applytemplate``: add the template's tasks; return the job with them.

        Scope ``practicemanager.job``. A second call adds the tasks again, unless ``append`` (XPM's
        ``AppendExisting``). ``Refused`` for a template that does not exist.
        """
        mode = "AppendExisting" if append else "AddNew"
        body = request_bodies.job({"ID": number, "TemplateUUID": uuid_piece(template), "TaskMode": mode})
        return await self._write("POST", "job.api/applytemplate", body)

    async def _write(self, method: str, path: str, body: bytes) -> XpmJob:
        return await self._caller.write(Spec(method, path, body=body), _job)


def _job(body: bytes, asked: RequestInfo) -> XpmJob:
    return read_single(JOB, body, asked)


class ClientListing:
    """A streamed client list of Xero, an implementation of the ClientList port.

    Raises:
        BadReply: The reply cannot be read.
        Refused: XPM refused the call.
        XeroUnreachable: The connection failed while the list was read.
    """

    def __init__(self, incoming: IncomingReply, asked: RequestInfo, now: datetime) -> None:
        self._incoming = incoming
        self._asked = asked
        self._asked_at = server_time(incoming.headers.get("date", ""), now)
        self._reader = Reader(CLIENTS, asked, limit=LIST_LIMIT)

    @property
    def asked_at(self) -> datetime:
        """The server's time when it started to answer (its ``Date`` header, or our time without one)."""
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
            raise error_mapping.no_reply(fault, self._asked) from None
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


R = TypeVar("R")


class XeroPractice(JobCalls):
    """The Practice port for one tenant, including the calls for jobs."""

    def __init__(self, caller: Caller) -> None:
        super().__init__(caller)
        self._caller = caller

    @property
    def calls(self) -> int:
        """The number of calls that this object has sent, including retries."""
        return self._caller.calls

    # -- clients -----------------------------------------------------------------------------------------

    def clients(self, *, modified_since: datetime | None = None) -> AbstractAsyncContextManager[ClientList]:
        """``GET client.api/list?detailed=true``: all clients, archived and deleted ones too, streamed.

        Scope ``practicemanager.client.read`` or more. One unpaged reply, possibly after minutes of silence;
        retried only until its first byte. ``modified_since`` (UTC) refers to XPM's own time of change.
        """
        return self._clients(modified_since)

    @asynccontextmanager
    async def _clients(self, modified_since: datetime | None) -> AsyncIterator[ClientList]:
        query = {"detailed": "true"}
        if modified_since is not None:
            query["modifiedsince"] = format_moment(modified_since)
        async with self._caller.stream(Spec("GET", "client.api/list", query, long=True)) as (incoming, asked):
            yield ClientListing(incoming, asked, self._caller.clock.now())

    async def client(self, uuid: str) -> XpmClient:
        """``GET client.api/get/{uuid}``: one client in full.

        Scope ``practicemanager.client.read`` or more. ``RecordMissing`` if XPM has none.
        """
        spec = Spec("GET", f"client.api/get/{uuid_piece(uuid)}", record=True)
        return await self._caller.read(spec, _client)

    async def search(self, query: str) -> Records[XpmClient]:
        """``GET client.api/search?detailed=true``: clients whose name contains ``query`` in any case.

        Scope ``practicemanager.client.read`` or more. No hit is an empty list.
        """
        if not query.strip():
            return Records()
        spec = Spec("GET", "client.api/search", {"query": query, "detailed": "true"})
        return await self._list(spec, CLIENTS)

    async def add_client(self, values: Mapping[str, Value], contacts: Sequence[XpmContact]) -> XpmClient:
        """``POST client.api/add``: create a client with its contacts; return it as stored.

        Scope ``practicemanager.client``. XPM accepts a second client of the same name. ``OutcomeUnknown``:
        look for it before sending again.
        """
        spec = Spec("POST", "client.api/add", body=request_bodies.add_client(values, contacts))
        return await self._caller.write(spec, _client)

    async def update_client(self, uuid: str, name: str, values: Mapping[str, Value]) -> XpmClient:
        """``PUT client.api/update``: change the given fields; an empty text clears one.

        Scope ``practicemanager.client``. Contacts cannot be changed here. ``EditConflict`` on 409,
        ``RecordMissing`` if XPM has no such client.
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
        return await self._caller.read(spec, _practice_contact)

    async def add_contact(self, client: str, contact: XpmContact) -> XpmContact:
        """``POST client.api/contact``: create a contact for a client; its ``uuid`` is ignored.

        Scope ``practicemanager.client``. ``OutcomeUnknown``: read the client before sending again.
        """
        spec = Spec(
            "POST", "client.api/contact", body=request_bodies.add_contact(uuid_piece(client), contact)
        )
        return await self._caller.write(spec, _practice_contact)

    async def update_contact(self, client: str, uuid: str, values: Mapping[str, Value]) -> XpmContact:
        """``PUT client.api/contact/{uuid}?clientUuid=``: change a contact, addressed with its client.

        Scope ``practicemanager.client``. XPM requires the name: if ``values`` has none, it is read first,
        which costs a call. A contact of several clients changes for all of them.
        """
        given = {request_bodies.contact_field(field): value for field, value in values.items()}
        if not given.get("name"):
            given["name"] = (await self.contact(client, uuid)).name
        body = request_bodies.update_contact(uuid_piece(client), given)
        path = f"client.api/contact/{uuid_piece(uuid)}"
        spec = Spec("PUT", path, {"clientUuid": uuid_piece(client)}, body, record=True)
        return await self._caller.write(spec, _practice_contact)

    # -- lists -------------------------------------------------------------------------------------------

    async def staff(self) -> Records[Staff]:
        """Return all staff (``GET staff.api/list``).

        Scope ``practicemanager.staff.read`` or more. Names are not unique, and staff who left are not marked.
        """
        return await self._list(Spec("GET", "staff.api/list"), STAFF)

    async def add_staff(self, *, name: str, email: str = "", phone: str = "", mobile: str = "") -> Staff:
        """``POST staff.api/add``: create a staff record without login, only on a user's request.

        Scope ``practicemanager.staff`` (not among the granular ones that we ask for by default). The reply
        says ``api-method="Get"``.
        """
        values = {"Name": name, "Phone": phone, "Mobile": mobile, "Email": email}
        spec = Spec("POST", "staff.api/add", body=request_bodies.staff(values))
        return await self._caller.write(spec, lambda b, a: read_single(STAFF_MEMBER, b, a))

    async def templates(self) -> Records[Template]:
        """``GET template.api/list``: job templates with UUID and name, without their contents.

        Scope ``practicemanager`` or ``practicemanager.read``: with granular scopes alone it may raise
        ``ScopeMissing``, and templates are then typed by UUID.
        """
        return await self._list(Spec("GET", "template.api/list"), TEMPLATES)

    async def categories(self) -> Records[Category]:
        """Return the job categories (``GET category.api/list``). Scopes as for :meth:`templates`."""
        return await self._list(Spec("GET", "category.api/list"), CATEGORIES)

    async def _list(self, spec: Spec, shape: Shape[R]) -> Records[R]:
        return await self._caller.read(spec, lambda body, asked: read_list(shape, body, asked)[0])


def _client(body: bytes, asked: RequestInfo) -> XpmClient:
    return read_single(CLIENT, body, asked)


def _practice_contact(body: bytes, asked: RequestInfo) -> XpmContact:
    return read_single(CONTACT, body, asked)
