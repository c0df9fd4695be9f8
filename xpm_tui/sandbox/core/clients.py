"""The endpoints of client.api that read clients and contacts, and their page tokens.

Page tokens are opaque and url-safe, and any that was not issued here is refused.
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
    """Return a writer of clients. `now` is given for lists, which do not show the newest records yet."""
    return ClientWriter(call.practice, parts, call.switches.deleted_contacts_listed, now)


def one_client(call: Call, client: ClientRecord, method: str) -> Reply:
    """Return a reply of one full client."""
    return Reply(method, (client,), writer(call))


def list_clients(call: Call) -> Reply:
    """GET client.api/list: all clients, even archived or deleted; paging parameters are ignored."""
    rows = _shown(call)
    since = call.parameters.get("modifiedsince")
    if since:
        moment = _moment(since)
        rows = [row for row in rows if row.modified >= moment]
    return Reply("List", rows, _list_writer(call), "Clients")


def search_clients(call: Call) -> Reply:
    """GET client.api/search: by a part of the name; includes archived, but not deleted clients."""
    query = call.parameters.get("query")
    if query is None or not query.strip():
        raise ApplicationError.parameter("Required parameter 'query' should be specified")
    part = query.strip().casefold()
    rows = [row for row in _shown(call) if part in row.name.casefold() and not row.deleted]
    return Reply("Search", rows, _list_writer(call), "Clients")


def get_client(call: Call) -> Reply:
    """GET client.api/get/{uuid}: the full client, even if archived or deleted."""
    return one_client(call, call.client(call.path[0], in_path=True), "Get")


def page_clients(call: Call) -> Reply:
    """GET client.api/paged-list: active clients, without contacts, notes, groups and relationships."""
    rows = [row for row in _shown(call) if not row.archived and not row.deleted]
    parts = Parts(business=call.switches.paged_list_business_block, contacts=False, extras=False)
    return _page(call, rows, writer(call, parts), "Clients", "client.api/paged-list")


def contacts(call: Call) -> Reply:
    """GET client.api/contacts: all contacts by page, each with its position at its first client."""
    rows = sorted(
        (row for row in call.practice.contacts.values() if row.visible <= call.now),
        key=lambda row: (row.name.casefold(), row.uuid),
    )
    if not call.switches.deleted_contacts_listed:
        rows = [row for row in rows if not row.deleted]
    return _page(call, rows, _AtFirstClient(call), "Contacts", "client.api/contacts")


def contact(call: Call) -> Reply:
    """GET client.api/contact/{uuid}: a contact, with its position at `clientUuid` or at its first client."""
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
    asked = call.parameters.get("clientuuid")
    if asked:
        client = call.client(asked)
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


ROUTES = (
    Route("GET", "client.api/list", "client", list_clients, "List"),
    Route("GET", "client.api/paged-list", "client", page_clients, "PagedList"),
    Route("GET", "client.api/search", "client", search_clients, "Search"),
    Route("GET", "client.api/get/{}", "client", get_client, "Get"),
    Route("GET", "client.api/contacts", "client", contacts, "List"),
    Route("GET", "client.api/contact/{}", "client", contact, "Contact"),
)
