"""A client list as it streams in: its records one at a time, its end the proof that it was whole.

Practice Manager 3.1 as the Practice port: clients, contacts, groups, staff and lists, and jobs.

What XPM offers but the product never does has no method here: archive, delete, merge.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from xpm_tui.domain.links import Value
from xpm_tui.domain.ports import ClientList
from xpm_tui.domain.quarantine import Quarantined, Records
from xpm_tui.domain.xpm import Category, RecordReference, Staff, Template, XpmClient, XpmContact
from xpm_tui.xero.client import error_mapping
from xpm_tui.xero.client.calls import Caller, Spec
from xpm_tui.xero.client.jobs import JobCalls, moment
from xpm_tui.xero.client.jobs import uuid_piece as uuid_piece
from xpm_tui.xero.client.transport import IncomingReply, NoReply
from xpm_tui.xero.codec import listings, request_bodies
from xpm_tui.xero.codec.xml_reader import LIST_LIMIT, Reader, Shape, read_list, read_single
from xpm_tui.xero.error_body import RequestInfo


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
        """The server's own time when it began to answer (its ``Date`` header; ours when it has none)."""
        return self._asked_at

    @property
    def quarantined(self) -> tuple[Quarantined, ...]:
        """What was set aside so far."""
        return tuple(self._reader.quarantined)

    async def __aiter__(self) -> AsyncIterator[XpmClient]:
        """The clients, one at a time; the list is complete only when this ends without an error."""
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
    """An HTTP date (RFC 9110 section 5.6.7), UTC; ``now`` where there is none that can be read."""
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return now
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


R = TypeVar("R")


class XeroPractice(JobCalls):
    """Implements the Practice port over one tenant, with the calls for jobs beside it."""

    def __init__(self, caller: Caller) -> None:
        super().__init__(caller)
        self._caller = caller

    @property
    def calls(self) -> int:
        """Practice Manager calls sent so far by this object, repeats included."""
        return self._caller.calls

    # -- clients -----------------------------------------------------------------------------------------

    def clients(self, *, modified_since: datetime | None = None) -> AbstractAsyncContextManager[ClientList]:
        """``GET client.api/list?detailed=true``: all clients, archived and deleted ones too, streamed.

        Scope ``practicemanager.client.read`` or more. One unpaged reply, minutes of silence possible;
        repeated only as long as no byte of the list has come. ``modified_since`` (UTC) is by XPM's own
        time of change.
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
        """``GET client.api/get/{uuid}``: one client in full.

        Scope ``practicemanager.client.read`` or more. ``RecordMissing`` when XPM has none.
        """
        spec = Spec("GET", f"client.api/get/{uuid_piece(uuid)}", record=True)
        return await self._caller.read(spec, _client)

    async def search(self, query: str) -> Records[XpmClient]:
        """``GET client.api/search?detailed=true``: clients whose name holds ``query``, any case.

        Scope ``practicemanager.client.read`` or more. No hit is an empty list.
        """
        if not query.strip():
            return Records()
        spec = Spec("GET", "client.api/search", {"query": query, "detailed": "true"})
        return await self._list(spec, listings.CLIENTS)

    async def add_client(self, values: Mapping[str, Value], contacts: Sequence[XpmContact]) -> XpmClient:
        """``POST client.api/add``: create a client, its contacts with it; gives it as XPM keeps it.

        Scope ``practicemanager.client``. XPM takes a second client of the same name without a word.
        ``OutcomeUnknown``: look for it before sending again.
        """
        spec = Spec("POST", "client.api/add", body=request_bodies.add_client(values, contacts))
        return await self._caller.write(spec, _client)

    async def update_client(self, uuid: str, name: str, values: Mapping[str, Value]) -> XpmClient:
        """``PUT client.api/update``: change the given fields; an empty text clears one.

        Scope ``practicemanager.client``. Contacts cannot be changed here. ``EditConflict`` on 409,
        ``RecordMissing`` when XPM has no such client.
        """
        body = request_bodies.update_client(uuid_piece(uuid), name, values)
        return await self._caller.write(Spec("PUT", "client.api/update", body=body), _client)

    # -- contacts ----------------------------------------------------------------------------------------

    async def contact(self, client: str, uuid: str) -> XpmContact:
        """``GET client.api/contact/{uuid}?clientUuid=``: a contact as this client has it.

        Scope ``practicemanager.client.read`` or more. Position and primary belong to the pair.
        """
        path = f"client.api/contact/{uuid_piece(uuid)}"
        spec = Spec("GET", path, {"clientUuid": uuid_piece(client)}, record=True)
        return await self._caller.read(spec, _contact)

    async def add_contact(self, client: str, contact: XpmContact) -> XpmContact:
        """``POST client.api/contact``: create a contact for a client (its ``uuid`` is ignored).

        Scope ``practicemanager.client``. ``OutcomeUnknown``: read the client before sending again.
        """
        spec = Spec(
            "POST", "client.api/contact", body=request_bodies.add_contact(uuid_piece(client), contact)
        )
        return await self._caller.write(spec, _contact)

    async def update_contact(self, client: str, uuid: str, values: Mapping[str, Value]) -> XpmContact:
        """``PUT client.api/contact/{uuid}?clientUuid=``: change a contact, addressed with its client.

        Scope ``practicemanager.client``. XPM needs the name: when ``values`` has none, it is read first,
        which costs a call. A contact of several clients changes for all of them.
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
        """``GET clientgroup.api/list``: client groups, without their members.

        Scope ``practicemanager.client.read`` or more.
        """
        return await self._list(Spec("GET", "clientgroup.api/list"), listings.GROUPS)

    async def group_members(self, uuid: str) -> tuple[RecordReference, ...]:
        """``GET clientgroup.api/get/{uuid}``: the clients of one group.

        Scope ``practicemanager.client.read`` or more. ``RecordMissing`` when XPM has no such group.
        """
        spec = Spec("GET", f"clientgroup.api/get/{uuid_piece(uuid)}", record=True)
        return await self._caller.read(spec, lambda b, a: read_single(listings.GROUP_MEMBERS, b, a))

    async def staff(self) -> Records[Staff]:
        """``GET staff.api/list``: all staff; names are not unique, and there is no flag for those who left.

        Scope ``practicemanager.staff.read`` or more.
        """
        return await self._list(Spec("GET", "staff.api/list"), listings.STAFF)

    async def add_staff(self, *, name: str, email: str = "", phone: str = "", mobile: str = "") -> Staff:
        """``POST staff.api/add``: a staff record without login; only after a person asked for it.

        Scope ``practicemanager.staff`` (not among the granular ones that we ask for by default). The reply
        says ``api-method="Get"``.
        """
        values = {"Name": name, "Phone": phone, "Mobile": mobile, "Email": email}
        spec = Spec("POST", "staff.api/add", body=request_bodies.staff(values))
        return await self._caller.write(spec, lambda b, a: read_single(listings.STAFF_MEMBER, b, a))

    async def templates(self) -> Records[Template]:
        """``GET template.api/list``: job templates, a UUID and a name each, no contents.

        Scope ``practicemanager`` or ``practicemanager.read``: with granular scopes alone it may raise
        ``ScopeMissing``, and templates are then typed by UUID.
        """
        return await self._list(Spec("GET", "template.api/list"), listings.TEMPLATES)

    async def categories(self) -> Records[Category]:
        """``GET category.api/list``: job categories. Scopes as for :meth:`templates`."""
        return await self._list(Spec("GET", "category.api/list"), listings.CATEGORIES)

    async def _list(self, spec: Spec, shape: Shape[R]) -> Records[R]:
        return await self._caller.read(spec, lambda body, asked: read_list(shape, body, asked)[0])


def _client(body: bytes, asked: RequestInfo) -> XpmClient:
    return read_single(listings.CLIENT, body, asked)


def _contact(body: bytes, asked: RequestInfo) -> XpmContact:
    return read_single(listings.CONTACT, body, asked)
