"""Writes of clientgroup.api and staff.api."""

from __future__ import annotations

from dataclasses import replace

from xpm_tui.sandbox.core.call import Call, Route
from xpm_tui.sandbox.core.client_fields import flag
from xpm_tui.sandbox.core.directory import one_group, staff_xml
from xpm_tui.sandbox.core.errors import ApplicationError
from xpm_tui.sandbox.core.fields import Fields
from xpm_tui.sandbox.core.records import Client, Group, Staff, with_values
from xpm_tui.sandbox.core.reply import Reply

_STAFF = {
    "Name": "name",
    "Address": "address",
    "Phone": "phone",
    "Mobile": "mobile",
    "Email": "email",
    "PayrollCode": "payroll",
}


def group_added(call: Call) -> Reply:
    """A group with its first client: there are no empty ones."""
    given = call.fields
    name = given.required("Name").strip()
    client = call.client(given.required("ClientUUID").strip())
    taxable = flag(given, "Taxable") if given.filled("Taxable") else False
    group = Group(call.ids.uuid("group"), name, taxable)
    call.practice.groups[group.uuid] = group
    _join(call, client, group)
    return one_group(call, group, "Add")


def members_changed(call: Call) -> Reply:
    """`add` and `remove` elements, the client in the attribute `uuid`."""
    group = _group(call)
    changes = [
        (one.name, call.client(one.attribute("uuid")))
        for one in call.fields.children()
        if one.name in ("add", "remove")
    ]
    for name, client in changes:
        (_join if name == "add" else _leave)(call, call.practice.clients[client.uuid], group)
    return one_group(call, group, "Members")


def group_deleted(call: Call) -> Reply:
    """POST clientgroup.api/delete: status only; the clients stay."""
    group = _group(call)
    for client in call.practice.members(group.uuid):
        _leave(call, client, group)
    del call.practice.groups[group.uuid]
    return Reply("Delete")


def staff_added(call: Call) -> Reply:
    """Answers `api-method="Get"`, as Xero does."""
    person = _staff_values(Staff(call.ids.uuid("staff"), "", visible=call.visible), call.fields)
    call.practice.staff[person.uuid] = person
    return Reply("Get", (person,), staff_xml)


def staff_updated(call: Call) -> Reply:
    """PUT staff.api/update."""
    person = _staff_values(call.staff(call.fields.required("UUID").strip()), call.fields)
    call.practice.staff[person.uuid] = person
    return Reply("Get", (person,), staff_xml)


def staff_deleted(call: Call) -> Reply:
    """POST staff.api/delete: status only; old records go on naming the person."""
    person = call.staff(call.fields.required("UUID").strip())
    call.practice.staff[person.uuid] = replace(person, left=True)
    return Reply("Delete")


def _staff_values(person: Staff, given: Fields) -> Staff:
    given.required("Name")
    return with_values(
        person, {name: given.text(element) for element, name in _STAFF.items() if element in given}
    )


def _group(call: Call) -> Group:
    found = call.practice.groups.get(call.fields.uuid("UUID") or "")
    if found is None:
        raise ApplicationError.identifier("Invalid client group identifier")
    return found


def _join(call: Call, client: Client, group: Group) -> None:
    if group.uuid not in client.groups:
        call.practice.put_client(replace(client, groups=(*client.groups, group.uuid), modified=call.now))


def _leave(call: Call, client: Client, group: Group) -> None:
    rest = tuple(uuid for uuid in client.groups if uuid != group.uuid)
    call.practice.put_client(replace(client, groups=rest, modified=call.now))


ROUTES = (
    Route("POST", "clientgroup.api/add", "client", group_added, "Add", "Group"),
    Route("PUT", "clientgroup.api/members", "client", members_changed, "Members", "Group"),
    Route("POST", "clientgroup.api/delete", "client", group_deleted, "Delete", "Group"),
    Route("POST", "staff.api/add", "staff", staff_added, "Get", "Staff"),
    Route("PUT", "staff.api/update", "staff", staff_updated, "Get", "Staff"),
    Route("POST", "staff.api/delete", "staff", staff_deleted, "Delete", "Staff"),
)
