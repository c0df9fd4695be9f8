"""client.api, the writing half: add, update, archive, delete."""

from __future__ import annotations

from dataclasses import replace

from xpm_tui.sandbox.core.call import Call, Route
from xpm_tui.sandbox.core.client_fields import applied
from xpm_tui.sandbox.core.clients import one_client
from xpm_tui.sandbox.core.contact_writes import add_contact, check_contact
from xpm_tui.sandbox.core.errors import ApplicationError
from xpm_tui.sandbox.core.records import Client
from xpm_tui.sandbox.core.reply import Reply


def added(call: Call) -> Reply:
    """A new client; a name is enough. Of several primary contacts the last wins."""
    practice, given = call.practice, call.fields
    blank = Client("", 0, "", call.now, visible=call.visible)
    client = applied(call, blank, given)
    contacts = given.each("Contacts", "Contact")
    for contact in contacts:
        check_contact(contact)
    client = replace(client, uuid=call.ids.uuid("client"), number=practice.take_client_number())
    practice.put_client(client)
    for contact in contacts:
        add_contact(call, client.uuid, contact)
    return one_client(call, practice.clients[client.uuid], "Add")


def updated(call: Call) -> Reply:
    """What is not sent stays, what is sent empty is cleared; contacts are left alone."""
    client = _writable(call)
    client = applied(call, client, call.fields)
    call.practice.put_client(client)
    return one_client(call, client, "Update")


def archived(call: Call) -> Reply:
    """PUT client.api/archive. There is no way back by API."""
    client = replace(_writable(call), archived=True, modified=call.now)
    call.practice.put_client(client)
    return one_client(call, client, "Archive")


def deleted(call: Call) -> Reply:
    """POST client.api/delete: status only; the row stays in lists, marked."""
    call.practice.put_client(replace(_writable(call), deleted=True, modified=call.now))
    return Reply("Delete")


def _writable(call: Call) -> Client:
    """The client that the body names. Raises ApplicationError if there is none or it is deleted."""
    client = call.client(call.fields.required("UUID").strip())
    if client.deleted:
        raise ApplicationError.identifier("Invalid client identifier")
    return client


ROUTES = (
    Route("POST", "client.api/add", "client", added, "Add", "Client"),
    Route("PUT", "client.api/update", "client", updated, "Update", "Client"),
    Route("PUT", "client.api/archive", "client", archived, "Archive", "Client"),
    Route("POST", "client.api/delete", "client", deleted, "Delete", "Client"),
)
