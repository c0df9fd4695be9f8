"""client.api, reads: list, paged-list, search, get, contacts; and page tokens.

Page tokens are opaque, url-safe, and refused if they were not made here.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from typing import TypeVar
from urllib.parse import quote
from zlib import crc32

from xpm_tui.sandbox.core.call import Call, Route
from xpm_tui.sandbox.core.records import ClientContact, ClientRecord, ContactRecord
from xpm_tui.sandbox.core.reply import ApplicationError, Reply
from xpm_tui.sandbox.core.xml import FULL, PLAIN, ClientWriter, Parts, contact_xml


def write_token(offset: int) -> str:
    """Return the token of a page that starts at `offset`."""
    body = f"{offset}.{crc32(f'page {offset}'.encode()):08x}"
    return base64.urlsafe_b64encode(body.encode()).rstrip(b"=").decode("ascii")


def read_token(token: str | None) -> int:
    """Return the offset of a token, 0 without one.

    Raises:
        ApplicationError: The token was never issued.
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
    """Return the writer; `now` is given for lists, which do not yet show new records."""
    return ClientWriter(call.practice, parts, call.switches.deleted_contacts_listed, now)


def one_client(call: Call, client: ClientRecord, method: str) -> Reply:
    """Return a reply with one full client."""
    return Reply(method, (client,), writer(call))


def listed(call: Call) -> Reply:
    """Return all clients in one reply, including archived and deleted ones, ignoring paging parameters."""
    rows = _shown(call)
    since = call.parameters.get("modifiedsince")
    if since:
        moment = _moment(since)
        rows = [row for row in rows if row.modified >= moment]
    return Reply("List", rows, _list_writer(call), "Clients")


def searched(call: Call) -> Reply:
    """GET client.api/search: part of the name, ignoring case, with archived but without deleted ones."""
    query = call.parameters.get("query")
    if query is None or not query.strip():
        raise ApplicationError.parameter("Required parameter 'query' should be specified")
    part = query.strip().casefold()
    rows = [row for row in _shown(call) if part in row.name.casefold() and not row.deleted]
    return Reply("Search", rows, _list_writer(call), "Clients")


def got(call: Call) -> Reply:
    """GET client.api/get/{uuid}: the full client, also an archived or deleted one."""
    return one_client(call, call.client(call.path[0], in_path=True), "Get")


def paged(call: Call) -> Reply:
    """Return active clients page by page, without contacts, notes, groups and relationships."""
    rows = [row for row in _shown(call) if not row.archived and not row.deleted]
    parts = Parts(business=call.switches.paged_list_business_block, contacts=False, extras=False)
    return _page(call, rows, writer(call, parts), "Clients", "client.api/paged-list")


def contacts(call: Call) -> Reply:
    """Return all contacts of the practice page by page, each as at its first client."""
    rows = sorted(
        (row for row in call.practice.contacts.values() if row.visible <= call.now),
        key=lambda row: (row.name.casefold(), row.uuid),
    )
    if not call.switches.deleted_contacts_listed:
        rows = [row for row in rows if not row.deleted]
    return _page(call, rows, _AtFirstClient(call), "Contacts", "client.api/contacts")


def contact(call: Call) -> Reply:
    """Return one contact; position and primary are those at `clientUuid`, or at its first client."""
    found = find_contact(call, in_path=True)
    link = link_at(call, found)
    return Reply("Contact", (found,), lambda row: contact_xml(row, link))


def find_contact(call: Call, *, in_path: bool = False) -> ContactRecord:
    """Return the contact in the path.

    Raises:
        ApplicationError: There is none.
    """
    found = call.practice.contacts.get(call.path[0].lower())
    if found is None:
        raise ApplicationError("Invalid contact identifier", "unknown" if in_path else "identifier")
    return found


def link_at(call: Call, found: ContactRecord) -> ClientContact | None:
    """Return the contact's link at the client in the query.

    Raises:
        ApplicationError: It has none there.
    """
    asked = call.parameters.get("clientuuid")
    if asked:
        client = call.client(asked)
        link = next((link for link in client.contacts if link.contact == found.uuid), None)
        if link is None:
            raise ApplicationError.identifier("Invalid contact identifier")
        return link
    return first_link(call, found)


def first_link(call: Call, found: ContactRecord) -> ClientContact | None:
    """Return the contact's link at the first of its clients, None if it has no client."""
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


ROUTES = (
    Route("GET", "client.api/list", "client", listed, "List"),
    Route("GET", "client.api/paged-list", "client", paged, "PagedList"),
    Route("GET", "client.api/search", "client", searched, "Search"),
    Route("GET", "client.api/get/{}", "client", got, "Get"),
    Route("GET", "client.api/contacts", "client", contacts, "List"),
    Route("GET", "client.api/contact/{}", "client", contact, "Contact"),
)
