"""The changes in the store that Ignition does not have, judging by its files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import msgspec

from xpm_tui.domain.fields import COLUMNS
from xpm_tui.domain.ignition import Client, Imported
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.tables import IMPORTED, IMPORTS, TEAM
from xpm_tui.ignition.cells import PEOPLE, TeamLookup, changed_client_cells, changed_contact_cells

COMPUTED = frozenset(field.name for field in COLUMNS if field.csv is not None and field.csv.computed)
"""Fields that Ignition computes, which are never pending."""


@dataclass(frozen=True)
class PendingChange:
    """A cell that Ignition does not have: ``record`` is ``c1`` or ``c1/k2``.

    Attributes:
        field: ``client`` or ``contact`` for a new record.
        sent: Whether it was exported, but is in no file of Ignition since.
        never: Why Ignition's import cannot accept it.
    """

    record: str
    field: str
    old: str
    new: str
    sent: bool
    never: str = ""

    @property
    def waits(self) -> bool:
        """Whether it still has to be exported, and can be."""
        return not self.sent and not self.never


@dataclass(frozen=True)
class Unsendable:
    """A client or contact (``c1`` or ``c1/k2``) with a change that Ignition's import rejects, and why."""

    record: str
    name: str
    reason: str


def rejection_reasons(client: Client) -> dict[str, str]:
    """Return why Ignition's import rejects a client (under an empty key) or its contacts (by id).

    Its import needs the name of the client, and the name and e-mail of a contact, in every row.
    """
    if not client.name.strip():
        return {"": "it has no name"}
    if b"\\u0000" in msgspec.json.encode(client):
        return {"": "it contains a NUL byte, which CSV files cannot contain"}
    found: dict[str, str] = {}
    for contact in client.contacts:
        missing = "name" if not contact.name.strip() else "e-mail" if not contact.email.strip() else ""
        if missing:
            shown = contact.name.strip() or contact.email.strip() or contact.id
            found[contact.id] = f"its contact {shown} has no {missing}, which Ignition's import requires"
    if not client.contacts:
        found[""] = "it has no contact; Ignition's import requires one with a name and an e-mail"
    elif len(found) == len(client.contacts):
        found[""] = next(iter(found.values()))
    return found


class PendingCount:
    """Counts the clients with changes to be exported, and collects what can never be exported."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._people = TeamLookup(snapshot.rows(TEAM))
        self._columns = last_file_columns(snapshot)
        self.waiting = 0
        self.unsendable: list[Unsendable] = []

    def add(self, client: Client) -> None:
        """Count one client."""
        known = self._snapshot.get(IMPORTED, client.id)
        is_waiting, unsendable = _export_state(client, known, self._people, self._columns)
        self.waiting += is_waiting
        self.unsendable += unsendable


def last_file_columns(snapshot: Snapshot) -> frozenset[str]:
    """Return the fields for which the last clients file had a column; empty before the first file."""
    done = [
        imported
        for imported in snapshot.rows(IMPORTS)
        if imported.form == "clients" and imported.state == "done" and not imported.own and not imported.event
    ]
    return frozenset(max(done, key=lambda imported: imported.at).fields) if done else frozenset()


def client_pending(
    client: Client, known: Imported | None, people: TeamLookup, columns: frozenset[str]
) -> tuple[PendingChange, ...]:
    """Return the pending changes of one client, in the order of the form."""
    known = known or Imported(id=client.id)
    if not client.client_id and not known.cells:
        found = [PendingChange(client.id, "client", "", client.name, known.sent is not None)]
        if found[0].sent:
            return tuple(found)
        # The client is exported with the contacts that can be; the others would still be missing in Ignition.
        never = rejection_reasons(client)
        if "" in never:
            return (replace(found[0], never=never[""]),)
        named = {contact.id: contact.name or contact.email for contact in client.contacts}
        return (
            *found,
            *(
                PendingChange(f"{client.id}/{contact}", "contact", "", named[contact], False, why)
                for contact, why in never.items()
            ),
        )
    found = list(_changed_cells(client, known, people, columns))
    if all(change.sent for change in found):
        return tuple(found)
    never = rejection_reasons(client)
    return (
        tuple(
            replace(change, never=never.get("") or never.get(change.record.partition("/")[2], ""))
            for change in found
        )
        if never
        else tuple(found)
    )


def _export_state(
    client: Client, known: Imported | None, people: TeamLookup, columns: frozenset[str]
) -> tuple[bool, list[Unsendable]]:
    """Return whether a client has changes to be exported, and what can never be exported.

    It agrees with :func:`client_pending`, but does not list all changes if one of them is enough.
    """
    known = known or Imported(id=client.id)
    if not (client.client_id or known.cells) or rejection_reasons(client):
        pending = client_pending(client, known, people, columns)
        never = {
            change.record: change.never for change in reversed(pending) if change.never and not change.sent
        }
        unsendable = [Unsendable(record, client.name, why) for record, why in reversed(never.items())]
        return any(change.waits for change in pending), unsendable
    return any(not change.sent for change in _changed_cells(client, known, people, columns)), []


def _changed_cells(
    client: Client, known: Imported, people: TeamLookup, columns: frozenset[str]
) -> Iterator[PendingChange]:
    """Yield the changed cells of a client that Ignition has, and of its contacts, in the order of the form.

    A new contact is one of these changes.
    """
    changed = changed_client_cells(client, people, known.cells)
    yield from _cells(client.id, "", changed, known.out, columns)
    for contact in client.contacts:
        record, known_cells = f"{client.id}/{contact.id}", known.contacts.get(contact.id)
        out = known.out_contacts.get(contact.id, {})
        if known_cells is None and not contact.contact_id:
            yield PendingChange(record, "contact", "", contact.name or contact.email, bool(out))
        else:
            changed = changed_contact_cells(contact, known_cells or {})
            yield from _cells(record, "contact_", changed, out, columns)


def _cells(
    record: str,
    prefix: str,
    changed: Iterable[tuple[str, str, str]],
    out: Mapping[str, str],
    columns: frozenset[str],
) -> Iterator[PendingChange]:
    for key, old, new in changed:
        if prefix + key in COMPUTED:
            continue
        sent = out.get(key) == new
        # Without a column in Ignition's files a field can never be confirmed: "exported" is its last state.
        if not (sent and columns and prefix + key not in columns):
            yield PendingChange(record, prefix + key, old, new, sent)


def label(field_name: str, cell: str, people: TeamLookup) -> str:
    """Return a canonical cell as a file shows it: people by name."""
    return people.label(cell) if field_name in PEOPLE else cell
