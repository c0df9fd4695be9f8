"""The endpoints of staff.api, clientgroup.api, and of templates, categories, tasks and job states."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol, TypeVar

from xpm_tui.sandbox.client_writes import given_texts, read_flag
from xpm_tui.sandbox.endpoint import ApplicationError, Call, Fields, Reply, Route
from xpm_tui.sandbox.records import ClientGroup, ClientRecord, StaffRecord, TaskRecord, with_values
from xpm_tui.sandbox.xml import el, escape, group_xml


class _HasName(Protocol):
    @property
    def uuid(self) -> str: ...
    @property
    def name(self) -> str: ...


Row = TypeVar("Row", bound=_HasName)


def by_name(rows: Iterable[Row]) -> list[Row]:
    """Return the rows sorted by name, case-insensitive, as in every list."""
    return sorted(rows, key=lambda row: (row.name.casefold(), row.uuid))


def staff_xml(row: StaffRecord) -> str:
    """Return the `<Staff>` element."""
    return (
        f"<Staff><UUID>{row.uuid}</UUID>{el('Name', row.name)}{el('Email', row.email)}"
        f"{el('Phone', row.phone)}{el('Mobile', row.mobile)}"
        f"{el('Address', row.address)}{el('PayrollCode', row.payroll)}"
        f"<WebUrl>https://practicemanager.xero.com/app/staff/{row.uuid}/information</WebUrl></Staff>"
    )


def task_xml(row: TaskRecord) -> str:
    """Return the `<Task>` element of a task of the practice."""
    return f"<Task><UUID>{row.uuid}</UUID>{el('Name', row.name)}{el('Description', row.description)}</Task>"


def list_staff(call: Call) -> Reply:
    """List the staff without former members (GET staff.api/list)."""
    rows = (row for row in call.practice.staff.values() if not row.left and row.visible <= call.now)
    return Reply("List", by_name(rows), staff_xml, "StaffList")


def get_staff(call: Call) -> Reply:
    """Return a member of staff (GET staff.api/get/{uuid})."""
    found = call.practice.staff.get(call.path[0].lower())
    if found is None or found.left:
        raise ApplicationError.unknown("Invalid staff identifier")
    return Reply("Get", (found,), staff_xml)


def list_templates(call: Call) -> Reply:
    """List the job templates (GET template.api/list)."""
    return Reply("List", by_name(call.practice.templates.values()), _PlainWriter("Template"), "Templates")


def list_categories(call: Call) -> Reply:
    """List the job categories (GET category.api/list)."""
    return Reply("List", by_name(call.practice.categories.values()), _PlainWriter("Category"), "Categories")


def list_job_states(call: Call) -> Reply:
    """List the job states in the practice's order, without their codes (GET jobstate.api/list)."""
    return Reply("List", call.practice.states, _PlainWriter("JobState"), "JobStates")


def list_tasks(call: Call) -> Reply:
    """List the tasks of the practice (GET task.api/list)."""
    return Reply("List", by_name(call.practice.tasks.values()), task_xml, "TaskList")


def get_task(call: Call) -> Reply:
    """Return a task of the practice (GET task.api/get/{uuid})."""
    found = call.practice.tasks.get(call.path[0].lower())
    if found is None:
        raise ApplicationError.unknown("Invalid task identifier")
    return Reply("Get", (found,), task_xml)


def list_groups(call: Call) -> Reply:
    """List the client groups without their members (GET clientgroup.api/list)."""
    return Reply("List", by_name(call.practice.groups.values()), lambda row: group_xml(row, None), "Groups")


def get_group(call: Call) -> Reply:
    """Return a client group with its members (GET clientgroup.api/get/{uuid})."""
    found = call.practice.groups.get(call.path[0].lower())
    if found is None:
        raise ApplicationError.unknown("Invalid client group identifier")
    return one_group(call, found, "Get")


def one_group(call: Call, group: ClientGroup, method: str) -> Reply:
    """Return a reply of one group with its members."""
    return Reply(method, (group,), lambda row: group_xml(row, call.practice.members(row.uuid)))


class _PlainWriter:
    """Writes UUID and name as an element of the given name."""

    def __init__(self, element: str) -> None:
        self._element = element

    def __call__(self, row: _HasName) -> str:
        return f"<{self._element}><UUID>{row.uuid}</UUID><Name>{escape(row.name)}</Name></{self._element}>"


_STAFF = {
    "Name": "name",
    "Address": "address",
    "Phone": "phone",
    "Mobile": "mobile",
    "Email": "email",
    "PayrollCode": "payroll",
}


def add_group(call: Call) -> Reply:
    """Add a group with its first client, because groups are never empty (POST clientgroup.api/add)."""
    given = call.fields
    name = given.required("Name").strip()
    client = call.client(given.required("ClientUUID").strip())
    taxable = read_flag(given, "Taxable") if given.filled("Taxable") else False
    group = ClientGroup(call.ids.uuid("group"), name, taxable)
    call.practice.groups[group.uuid] = group
    _join(call, client, group)
    return one_group(call, group, "Add")


def change_members(call: Call) -> Reply:
    """Add clients to a group and remove them (PUT clientgroup.api/members)."""
    group = _group(call)
    changes = [
        (one.name, call.client(one.attribute("uuid")))
        for one in call.fields.children()
        if one.name in ("add", "remove")
    ]
    for name, client in changes:
        (_join if name == "add" else _leave)(call, call.practice.clients[client.uuid], group)
    return one_group(call, group, "Members")


def delete_group(call: Call) -> Reply:
    """Delete a group; its clients stay (POST clientgroup.api/delete: status only)."""
    group = _group(call)
    for client in call.practice.members(group.uuid):
        _leave(call, client, group)
    del call.practice.groups[group.uuid]
    return Reply("Delete")


def add_staff(call: Call) -> Reply:
    """Add a member of staff (POST staff.api/add); the reply has `api-method="Get"`, as Xero's does."""
    person = _staff_values(StaffRecord(call.ids.uuid("staff"), "", visible=call.visible), call.fields)
    call.practice.staff[person.uuid] = person
    return Reply("Get", (person,), staff_xml)


def update_staff(call: Call) -> Reply:
    """Update a member of staff (PUT staff.api/update)."""
    person = _staff_values(call.staff(call.fields.required("UUID").strip()), call.fields)
    call.practice.staff[person.uuid] = person
    return Reply("Get", (person,), staff_xml)


def delete_staff(call: Call) -> Reply:
    """Remove a member of staff, whom old records still name (POST staff.api/delete: status only)."""
    person = call.staff(call.fields.required("UUID").strip())
    call.practice.staff[person.uuid] = replace(person, left=True)
    return Reply("Delete")


def _staff_values(person: StaffRecord, given: Fields) -> StaffRecord:
    given.required("Name")
    return with_values(person, given_texts(given, _STAFF))


def _group(call: Call) -> ClientGroup:
    found = call.practice.groups.get(call.fields.uuid("UUID") or "")
    if found is None:
        raise ApplicationError.identifier("Invalid client group identifier")
    return found


def _join(call: Call, client: ClientRecord, group: ClientGroup) -> None:
    if group.uuid not in client.groups:
        call.practice.put_client(replace(client, groups=(*client.groups, group.uuid), modified=call.now))


def _leave(call: Call, client: ClientRecord, group: ClientGroup) -> None:
    rest = tuple(uuid for uuid in client.groups if uuid != group.uuid)
    call.practice.put_client(replace(client, groups=rest, modified=call.now))


ROUTES = (
    Route("GET", "staff.api/list", "staff", list_staff, "List"),
    Route("GET", "staff.api/get/{}", "staff", get_staff, "Get"),
    Route("GET", "template.api/list", "list", list_templates, "List"),
    Route("GET", "category.api/list", "list", list_categories, "List"),
    Route("GET", "task.api/list", "list", list_tasks, "List"),
    Route("GET", "task.api/get/{}", "list", get_task, "Get"),
    Route("GET", "jobstate.api/list", "job", list_job_states, "List"),
    Route("GET", "clientgroup.api/list", "client", list_groups, "List"),
    Route("GET", "clientgroup.api/get/{}", "client", get_group, "Get"),
    Route("POST", "clientgroup.api/add", "client", add_group, "Add", "Group"),
    Route("PUT", "clientgroup.api/members", "client", change_members, "Members", "Group"),
    Route("POST", "clientgroup.api/delete", "client", delete_group, "Delete", "Group"),
    Route("POST", "staff.api/add", "staff", add_staff, "Get", "Staff"),
    Route("PUT", "staff.api/update", "staff", update_staff, "Get", "Staff"),
    Route("POST", "staff.api/delete", "staff", delete_staff, "Delete", "Staff"),
)
