"""Edits of a simulated colleague in Practice Manager's own screens, and the control call for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from xpm_tui.sandbox.records import (
    ClientContact,
    ClientRecord,
    ContactRecord,
    Job,
    SandboxPractice,
    StaffRecord,
    Tax,
    with_contact,
    with_values,
)

_TEXTS = ("name", "phone", "fax", "website", "referral", "export_code", "email", "code")
_PLACES = ("street", "city", "region", "post_code", "country")


class Colleague:
    """Edits that do not come through the API. Each of them changes the client's modification time."""

    def __init__(self, practice: SandboxPractice) -> None:
        self._practice = practice
        self._edits = 0

    def edit(self, uuid: str, values: Mapping[str, object], now: float) -> ClientRecord:
        """Set fields of a client.

        The fields are name, phone, fax, website, referral, export_code, email, code; street, city, region,
        post_code, country, the same with `postal_`; archived, deleted, prospect (true or false); partner,
        manager (a staff UUID or null); structure; groups (a list of UUIDs or names).

        Raises:
            ValueError: There is no such field or value.
        """
        client = self._client(uuid)
        for name, value in values.items():
            client = self._set(client, name, value)
        return self._put(replace(client, modified=now))

    def edit_contact(self, uuid: str, values: Mapping[str, object], now: float) -> ContactRecord:
        """Set name, mobile, email, phone, salutation or addressee of a contact.

        Raises:
            ValueError: There is no such field or value.
        """
        contact = self._practice.contacts.get(uuid.lower())
        if contact is None:
            raise ValueError(f"There is no contact {uuid}.")
        for name, value in values.items():
            if name not in ("name", "mobile", "email", "phone", "salutation", "addressee"):
                raise ValueError(f"A contact has no field {name!r} to edit.")
            contact = with_values(contact, {name: str(value)})
        self._practice.contacts[contact.uuid] = contact
        for client in self._practice.clients_of(contact.uuid):
            self._practice.put_client(replace(client, modified=now))
        return contact

    def add_contact(self, uuid: str, name: str, email: str, now: float) -> ContactRecord:
        """Add a contact that is not primary."""
        client = self._client(uuid)
        contact = ContactRecord(self._practice.ids.uuid("contact"), name, email=email)
        self._practice.contacts[contact.uuid] = contact
        links = (*client.contacts, ClientContact(contact.uuid))
        self._practice.put_client(replace(client, contacts=links, modified=now))
        return contact

    def unlink(self, uuid: str, contact: str, now: float) -> ClientRecord:
        """Remove a contact from a client; it stays at other clients."""
        client = self._client(uuid)
        links = tuple(link for link in client.contacts if link.contact != contact.lower())
        if len(links) == len(client.contacts):
            raise ValueError(f"{client.name} has no contact {contact}.")
        return self._put(replace(client, contacts=links, modified=now))

    def make_primary(self, uuid: str, contact: str, now: float) -> ClientRecord:
        """Make a contact the primary one of a client."""
        client = self._client(uuid)
        link = next((link for link in client.contacts if link.contact == contact.lower()), None)
        if link is None:
            raise ValueError(f"{client.name} has no contact {contact}.")
        return self._put(replace(with_contact(client, replace(link, primary=True)), modified=now))

    def edit_staff(self, uuid: str, values: Mapping[str, object]) -> StaffRecord:
        """Set name, email, phone, mobile, address, payroll or left (true or false) of a person."""
        person = self._practice.staff.get(uuid.lower())
        if person is None:
            raise ValueError(f"There is no staff member {uuid}.")
        for name, value in values.items():
            if name not in ("name", "email", "phone", "mobile", "address", "payroll", "left"):
                raise ValueError(f"A staff member has no field {name!r} to edit.")
            person = with_values(person, {name: value is True if name == "left" else str(value)})
        self._practice.staff[person.uuid] = person
        return person

    def edit_job(self, number: str, values: Mapping[str, object]) -> Job:
        """Set name, description, state (by name), start or due (yyyy-MM-dd) of a job."""
        job = self._practice.jobs.get(number)
        if job is None:
            raise ValueError(f"There is no job {number}.")
        for name, value in values.items():
            known = name != "state" or any(state.name == value for state in self._practice.states)
            if name not in ("name", "description", "state", "start", "due") or not known:
                raise ValueError(f"A job has no field {name!r} to edit, or it cannot be {value!r}.")
            job = with_values(job, {name: str(value)})
        self._practice.jobs[number] = job
        return job

    def delete(self, key: str) -> None:
        """Delete a template, category, task or group by UUID, or a job by number."""
        practice = self._practice
        for client in practice.members(key.lower()):
            practice.put_client(
                replace(client, groups=tuple(uuid for uuid in client.groups if uuid != key.lower()))
            )
        removed = [
            practice.templates.pop(key.lower(), None),
            practice.categories.pop(key.lower(), None),
            practice.tasks.pop(key.lower(), None),
            practice.groups.pop(key.lower(), None),
            practice.jobs.pop(key, None),
        ]
        if not any(removed):
            raise ValueError(f"There is no template, category, task, group or job {key}.")

    def add(self, name: str, now: float) -> ClientRecord:
        """Add a client that only has a name."""
        practice = self._practice
        made = ClientRecord(
            practice.ids.uuid("client"), practice.take_client_number(), name, now, visible=now
        )
        practice.put_client(made)
        return made

    def convert(self, uuid: str, now: float) -> ClientRecord:
        """Convert a prospect to a client: it gets a new UUID and number, and the prospect is gone."""
        prospect = self._client(uuid)
        if not prospect.prospect:
            raise ValueError(f"{prospect.name} is no prospect.")
        practice = self._practice
        made = replace(
            prospect,
            uuid=practice.ids.uuid("client"),
            number=practice.take_client_number(),
            prospect=False,
            modified=now,
        )
        practice.put_client(made)
        practice.put_client(replace(prospect, deleted=True, modified=now))
        return made

    def merge(self, uuid: str, into: str, now: float, *, leave: bool = False) -> ClientRecord:
        """Merge a client into another one, which keeps its own values.

        Jobs, contacts, groups, notes and relationships move to it, and so does the client code if it has
        none. The merged client disappears from every list and returns 404; with `leave`, a deleted row of it
        stays.
        """
        merged, survivor = self._client(uuid), self._client(into)
        if merged.uuid == survivor.uuid:
            raise ValueError("A client cannot be merged into itself.")
        if merged.deleted or survivor.deleted:
            raise ValueError("A deleted client cannot be merged.")
        practice = self._practice
        for number, job in list(practice.jobs.items()):
            if job.client == merged.uuid:
                practice.jobs[number] = replace(job, client=survivor.uuid)
        for client in list(practice.clients.values()):
            if client.uuid not in (merged.uuid, survivor.uuid):
                self._point_at(client, merged.uuid, survivor.uuid, now)
        known = {link.contact for link in survivor.contacts}
        arriving = [link for link in merged.contacts if link.contact not in known]
        if any(link.primary for link in survivor.contacts):
            arriving = [replace(link, primary=False) for link in arriving]
        own = {merged.uuid, survivor.uuid}
        related = (*survivor.relationships, *merged.relationships)
        survivor = replace(
            survivor,
            contacts=(*survivor.contacts, *arriving),
            groups=tuple(dict.fromkeys((*survivor.groups, *merged.groups))),
            notes=(*survivor.notes, *merged.notes),
            relationships=tuple(row for row in related if row.related not in own),
            code=survivor.code or merged.code,
            modified=now,
        )
        if leave:
            practice.put_client(replace(merged, deleted=True, contacts=(), groups=(), modified=now))
        else:
            practice.drop_client(merged.uuid)
        return self._put(survivor)

    def _point_at(self, client: ClientRecord, old: str, new: str, now: float) -> None:
        """Replace a client as billing client or relation of another one."""
        if client.billing != old and all(row.related != old for row in client.relationships):
            return
        related = (replace(row, related=new) if row.related == old else row for row in client.relationships)
        billing = new if client.billing == old else client.billing
        self._put(replace(client, billing=billing, relationships=tuple(related), modified=now))

    def remove(self, uuid: str) -> None:
        """Remove a client completely, without even a deleted row."""
        self._practice.drop_client(self._client(uuid).uuid)

    def edit_something(self, now: float, edits: int = 1) -> None:
        """Edit the next clients in turn, to simulate busy colleagues."""
        rows = [row.uuid for row in self._practice.clients_in_order() if not row.archived and not row.deleted]
        for _ in range(edits if rows else 0):
            self._edits += 1
            client = self._client(rows[(self._edits * 7) % len(rows)])
            values: dict[str, object] = {"phone": f"03 5557 {self._edits % 10_000:04d}"}
            if self._edits % 3 == 0:
                values = {"city": f"Colleague's Corner {self._edits}"}
            elif self._edits % 5 == 0:
                values = {"name": f"{client.name} (renamed {self._edits})"}
            self.edit(client.uuid, values, now)

    def _put(self, client: ClientRecord) -> ClientRecord:
        self._practice.put_client(client)
        return client

    def _client(self, uuid: str) -> ClientRecord:
        found = self._practice.clients.get(uuid.lower())
        if found is None:
            raise ValueError(f"There is no client {uuid}.")
        return found

    def _set(self, client: ClientRecord, name: str, value: object) -> ClientRecord:
        if name in _TEXTS:
            nullable = name in ("email", "code")
            text = None if value is None and nullable else str(value if value is not None else "")
            return with_values(client, {name: text})
        if name in _PLACES:
            return replace(client, address=with_values(client.address, {name: str(value)}))
        if name.startswith("postal_") and name.removeprefix("postal_") in _PLACES:
            part = name.removeprefix("postal_")
            return replace(client, postal=with_values(client.postal, {part: str(value)}))
        if name in ("archived", "deleted", "prospect") and isinstance(value, bool):
            return with_values(client, {name: value})
        if name in ("partner", "manager") and (value is None or value in self._practice.staff):
            return with_values(client, {name: value})
        if name == "structure":
            return replace(client, tax=replace(client.tax or Tax(), structure=str(value)))
        if name == "groups" and isinstance(value, list):
            return replace(client, groups=tuple(self._group(str(one)) for one in value))
        raise ValueError(f"A client has no field {name!r} to edit, or it cannot be {value!r}.")

    def _group(self, text: str) -> str:
        for group in self._practice.groups.values():
            if text.lower() in (group.uuid, group.name.lower()):
                return group.uuid
        raise ValueError(f"There is no group {text!r}.")


Values = Mapping[str, Any]


def apply_edit(colleague: Colleague, values: Values, now: float) -> object:
    """Perform the edit that a key of the object names, and return the control API's answer.

    Raises:
        ValueError: The object names no edit, or a value is wrong.
        KeyError: The object lacks a value.
    """
    for name, edit in _EDITS.items():
        if name in values:
            changed = edit(colleague, values, now)
            if isinstance(changed, Job):
                return {"id": changed.number}
            return changed if isinstance(changed, dict) else {"uuid": changed.uuid}
    raise ValueError(f"Say what to edit: one of {', '.join(_EDITS)}.")


def _add_contact(colleague: Colleague, values: Values, now: float) -> ContactRecord:
    more = values["add_contact"]
    name, email = str(more["name"]), str(more.get("email", ""))
    return colleague.add_contact(str(values["client"]), name, email, now)


def _edit_several(colleague: Colleague, values: Values, now: float) -> dict[str, object]:
    colleague.edit_something(now, int(values["edits"]))
    return {"edits": int(values["edits"])}


def _merge(colleague: Colleague, values: Values, now: float) -> ClientRecord:
    leave = values.get("leave") is True
    return colleague.merge(str(values["merge"]), str(values["into"]), now, leave=leave)


def _remove(colleague: Colleague, values: Values, now: float) -> dict[str, object]:
    colleague.remove(str(values["remove"]))
    return {"removed": values["remove"]}


def _delete(colleague: Colleague, values: Values, now: float) -> dict[str, object]:
    colleague.delete(str(values["delete"]))
    return {"deleted": values["delete"]}


Edited = ClientRecord | ContactRecord | StaffRecord | Job | dict[str, object]

_EDITS: dict[str, Callable[[Colleague, Values, float], Edited]] = {
    "add_contact": _add_contact,
    "remove_contact": lambda colleague, values, now: colleague.unlink(
        str(values["client"]), str(values["remove_contact"]), now
    ),
    "primary": lambda colleague, values, now: colleague.make_primary(
        str(values["client"]), str(values["primary"]), now
    ),
    "edits": _edit_several,
    "convert": lambda colleague, values, now: colleague.convert(str(values["convert"]), now),
    "merge": _merge,
    "remove": _remove,
    "add": lambda colleague, values, now: colleague.add(str(values["add"]), now),
    "delete": _delete,
    "job": lambda colleague, values, now: colleague.edit_job(str(values["job"]), values["set"]),
    "staff": lambda colleague, values, now: colleague.edit_staff(str(values["staff"]), values["set"]),
    "contact": lambda colleague, values, now: colleague.edit_contact(
        str(values["contact"]), values["set"], now
    ),
    "client": lambda colleague, values, now: colleague.edit(str(values["client"]), values["set"], now),
}
"""The edits by their key, each as a function of the colleague, the object and the time.

Those that go with `client` come before it.
"""
