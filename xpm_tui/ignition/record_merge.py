"""Merges the rows of a file into the stored client or proposal: only what was edited in Ignition changes it.

A blank cell has no effect. A cell that equals the last import, or what was exported, is not an edit. Nothing
is removed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import msgspec

from xpm_tui.domain.fields import CLIENT, CONTACT, Field
from xpm_tui.domain.formatting import both
from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import Client, Contact, Engagement, Imported, Proposal, ProposalService
from xpm_tui.ignition.cells import (
    CONVERTED,
    EXTRA,
    client_cell,
    contact_cell,
    is_spreadsheet_damage,
    value_of,
)
from xpm_tui.ignition.client_rows import ClientRow, match_contacts
from xpm_tui.ignition.import_steps import CellEdit
from xpm_tui.ignition.parser import RefusedRow

CellsOfFile = dict[str, tuple[str, int]]
"""The cells of a file by field, each with its row."""


@dataclass
class MergedClient:
    """The result of a merge. ``client`` and ``imported`` equal the old ones if nothing has changed."""

    client: Client
    imported: Imported
    edits: list[CellEdit] = field(default_factory=list)
    refused: list[RefusedRow] = field(default_factory=list)
    contacts: int = 0
    repaired: int = 0


@dataclass(frozen=True)
class _Side:
    """A client or contact before merging: its cells, those of the last file, and those exported since."""

    record: str
    prefix: str
    present: Callable[[str], str]
    known: Mapping[str, str]
    out: Mapping[str, str]
    new: bool

    def is_edit(self, key: str, cell: str) -> bool:
        """Return whether Ignition has changed a cell since its last file, as far as that can be known."""
        return cell != self.known.get(key) and cell != self.out.get(key) and not self.is_damaged(key, cell)

    def is_damaged(self, key: str, cell: str) -> bool:
        """Return whether a spreadsheet has removed zeros or a plus sign."""
        if self.new or not cell.isdecimal():
            return False
        return any(
            is_spreadsheet_damage(self.prefix + key, old, cell)
            for old in (self.present(key), self.known.get(key, ""))
        )


class Merge:
    """Merges rows into one client after the other.

    ``new_contact`` returns the id of a new contact. ``own`` means that the file is a spreadsheet written by
    us: its cells do not come from Ignition, so edited ones still have to be exported.
    """

    def __init__(self, now: datetime, new_contact: Callable[[], str], *, own: bool = False) -> None:
        self._now = now
        self._new_contact = new_contact
        self._own = own

    def create(self, client: Client, rows: list[ClientRow]) -> MergedClient:
        """Create ``client`` from rows that agree, with the same result as :meth:`run`."""
        matches = match_contacts((), rows)
        contacts: list[Contact] = []
        known: dict[str, dict[str, str]] = {}
        for row, _ in matches.pairs:
            of_contact = {"primary": not contacts, **_values(row.contact, CONTACT)}
            contact = Contact(id=self._new_contact(), contact_id=row.contact_id, **of_contact)
            contacts.append(contact)
            known[contact.id] = row.contact
        cells = rows[0].client
        made = Client(
            id=client.id,
            client_id=client.client_id,
            created=client.created,
            contacts=tuple(contacts),
            **{"name": "", **_values(cells, CLIENT)},
        )
        imported = Imported(id=client.id)
        if not self._own:
            imported = Imported(id=client.id, at=self._now, cells=cells, contacts=known)
        return MergedClient(made, imported, refused=matches.refused, contacts=len(contacts))

    def run(
        self, client: Client, known: Imported | None, rows: list[ClientRow], *, new: bool, client_id: str = ""
    ) -> MergedClient:
        """Merge ``rows`` into ``client``; if it is ``new``, it was created for them and has no edits."""
        if new and not client.contacts and _is_simple(rows):
            return self.create(client, rows)
        merged = MergedClient(client, known or Imported(id=client.id))
        side = _Side(
            client.id,
            "",
            lambda key: client_cell(client, key),
            merged.imported.cells,
            merged.imported.out,
            new,
        )
        if any(row.faults for row in rows):
            rows = [row for row in rows if not _is_rejected(row, client, merged)]
        rows, agreed = _agreeing(side, rows, merged)
        if client_id and not client.client_id:
            merged.client = msgspec.structs.replace(client, client_id=client_id)
        cells, out, values = self._compare(side, agreed, merged)
        merged.client = _with(merged.client, values, CLIENT)
        merged.imported = msgspec.structs.replace(merged.imported, cells=cells, out=out)
        self._contacts(merged, rows, new)
        if merged.imported.at is None and not self._own:
            merged.imported = msgspec.structs.replace(merged.imported, at=self._now)
        return merged

    def _contacts(self, merged: MergedClient, rows: list[ClientRow], new: bool) -> None:
        matches = match_contacts(merged.client.contacts, rows)
        merged.refused.extend(matches.refused)
        contacts = {contact.id: contact for contact in merged.client.contacts}
        known, out = dict(merged.imported.contacts), dict(merged.imported.out_contacts)
        primary = ""
        for row, found in matches.pairs:
            contact = found or self._contact_of_row(row, first=not contacts)
            merged.contacts += found is None
            if row.contact_id and not contact.contact_id:
                contact = msgspec.structs.replace(contact, contact_id=row.contact_id)
            side = _contact_side(merged, contact, new or found is None)
            cells_by_field = {key: (cell, row.number) for key, cell in row.contact.items()}
            known[contact.id], out[contact.id], values = self._compare(side, cells_by_field, merged)
            contacts[contact.id] = _with(contact, values, CONTACT)
            primary = contact.id if values.get("primary") == "yes" else primary
        all_contacts = _one_primary(contacts.values(), primary)
        if all_contacts != merged.client.contacts:
            merged.client = msgspec.structs.replace(merged.client, contacts=all_contacts)
        merged.imported = msgspec.structs.replace(
            merged.imported,
            contacts={key: cells for key, cells in known.items() if cells},
            out_contacts={key: cells for key, cells in out.items() if cells},
        )

    def _compare(
        self, side: _Side, cells_by_field: CellsOfFile, merged: MergedClient
    ) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
        """Return the cells of the file, those exported but not yet in a file, and those to change."""
        known, out, values = dict(side.known), dict(side.out), {}
        for key, (cell, row) in cells_by_field.items():
            if side.is_damaged(key, cell) and cell != side.known.get(key):
                merged.repaired += 1
                continue
            if not self._own:
                known[key] = cell
                out.pop(key, None)
            old = side.present(key)
            if cell == old or not side.is_edit(key, cell):
                continue
            values[key] = cell
            if not side.new:
                both = key in side.known and side.known[key] != old
                merged.edits.append(CellEdit(side.record, side.prefix + key, old, cell, row, both))
        return known, out, values

    def _contact_of_row(self, row: ClientRow, *, first: bool) -> Contact:
        return Contact(
            id=self._new_contact(), contact_id=row.contact_id, primary=first and "primary" not in row.contact
        )


def _is_simple(rows: list[ClientRow]) -> bool:
    """Return whether rows without faults agree on their client and do not name a primary contact."""
    first = rows[0]
    return not first.faults and all(
        not row.faults and row.client == first.client and "primary" not in row.contact
        for row in (rows if len(rows) > 1 else ())
    )


def _is_rejected(row: ClientRow, client: Client, merged: MergedClient) -> bool:
    """Return whether a row is rejected because a cell is invalid.

    A value that the record already has is accepted, because a file that was written here must import again.
    """
    for key, reason in (row.faults or {}).items():
        of_contact = key.startswith("contact_")
        field_ = key.removeprefix("contact_")
        cell = (row.contact if of_contact else row.client).get(field_, "")
        if of_contact:
            known = [contact_cell(contact, field_) for contact in client.contacts]
            known += [cells.get(field_, "") for cells in merged.imported.contacts.values()]
        else:
            known = [client_cell(client, field_), merged.imported.cells.get(field_, "")]
        if cell not in known:
            merged.refused.append(RefusedRow(row.number, reason))
            return True
    return False


def _agreeing(
    side: _Side, rows: list[ClientRow], merged: MergedClient
) -> tuple[list[ClientRow], CellsOfFile]:
    """Return the rows that do not contradict an earlier one, and their cells for the client.

    Every row of a client repeats its cells; if only one row has an edited cell, that one counts.
    """
    good: list[ClientRow] = []
    agreed: CellsOfFile = {}
    for row in rows:
        edits = {key for key, cell in row.client.items() if key == "name" or side.is_edit(key, cell)}
        other = next(
            (
                key
                for key in sorted(edits)
                if key in agreed
                and agreed[key][0] != row.client[key]
                and (key == "name" or side.is_edit(key, agreed[key][0]))
            ),
            "",
        )
        if other:
            merged.refused.append(
                RefusedRow(row.number, _disagreement(other, row.client[other], agreed[other]))
            )
            continue
        for key, cell in row.client.items():
            if key not in agreed or key in edits:
                agreed[key] = (
                    cell,
                    agreed[key][1] if key in agreed and agreed[key][0] == cell else row.number,
                )
        good.append(row)
    return good, agreed


def _values(cells: Mapping[str, str], fields: Mapping[str, Field]) -> dict[str, Any]:
    """Return the values for a new record from the cells of a row."""
    converted = CONVERTED[next(iter(fields.values())).of]
    values: dict[str, Any] = {}
    extra: dict[str, str] = {}
    for key, cell in cells.items():
        if key in converted:
            values[key] = value_of(fields[key], cell)
        elif key.startswith(EXTRA):
            extra[key.removeprefix(EXTRA)] = cell
        else:
            values[key] = cell
    if extra:
        values["extra"] = extra
    return values


def _with(record: Any, values: Mapping[str, str], fields: Mapping[str, Field]) -> Any:
    """Return the client or contact with some cells changed."""
    if not values:
        return record
    changes = {key: value_of(fields[key], cell) for key, cell in values.items() if not key.startswith(EXTRA)}
    extra = {key.removeprefix(EXTRA): cell for key, cell in values.items() if key.startswith(EXTRA)}
    return msgspec.structs.replace(record, **changes, extra={**record.extra, **extra})


def _contact_side(merged: MergedClient, contact: Contact, new: bool) -> _Side:
    return _Side(
        f"{merged.client.id}/{contact.id}",
        "contact_",
        lambda key: contact_cell(contact, key),
        merged.imported.contacts.get(contact.id, {}),
        merged.imported.out_contacts.get(contact.id, {}),
        new,
    )


def _one_primary(contacts: Iterable[Contact], primary: str) -> tuple[Contact, ...]:
    """Return all contacts, of which only the named one is primary; unchanged if the file names none."""
    return tuple(
        contact
        if not primary or contact.primary == (contact.id == primary)
        else msgspec.structs.replace(contact, primary=contact.id == primary)
        for contact in contacts
    )


def _disagreement(key: str, cell: str, other: tuple[str, int]) -> str:
    one, two = both(cell, other[0], 60)
    return f"{key.removeprefix(EXTRA)} is {one}, and row {other[1]} of the same client says {two}"


_JOB_FIELDS = ("state", "name", "client", "number", "reference", "start", "end", "partner", "manager")
_PROPOSAL_FIELDS = (*_JOB_FIELDS, "client_id", "client_name", "accepted")
_SERVICE_FIELDS = (
    "service", "end", "billing", "price", "quantity", "project", "client", "client_id", "client_name",
)  # fmt: skip


def job_inputs(proposal: Proposal) -> dict[str, object]:
    """Return what a proposal's jobs are created from, each under the name that users see."""
    return {name: getattr(proposal, name) for name in _JOB_FIELDS} | {
        "services": [
            (s.name, s.start, s.end, s.price, s.quantity, s.project, s.client, s.entity)
            for s in proposal.services
        ]
    }


def engagement_of(proposal: Proposal) -> Engagement:
    """Return what the jobs of a proposal are created from now."""
    return Engagement(**{name: getattr(proposal, name) for name in Engagement.__struct_fields__})


def merge_proposal(
    before: Proposal, made: Proposal, ended_before: date | None
) -> tuple[Proposal, list[ProposalService]]:
    """Return the proposal with the values of the file, and the services that the file no longer names.

    A blank cell changes nothing. Of the services that are not named any more, those that ended before
    ``ended_before``, or before their next term, stay as history; without that day all are removed.
    """
    values: dict[str, Any] = {name: getattr(made, name) for name in _PROPOSAL_FIELDS if getattr(made, name)}
    if made.state:
        values["status"] = made.status
    services, unmatched, moved = list(before.services), list(range(len(before.services))), []
    for service in made.services:
        # A proposal can have a service several times from the same day; such lines are matched in order.
        at = next((at for at in unmatched if service_key(services[at]) == service_key(service)), None)
        if at is None:
            moved.append(service)
        else:
            unmatched.remove(at)
            services[at] = _merged_service(services[at], service)
    for is_alike in (_same_part, _may_be_part):
        rest, moved = moved, []
        for service in rest:
            # A service whose dates overlap was moved to another start; one in another year is a separate one.
            at = next(
                (
                    at
                    for at in unmatched
                    if _overlap(services[at], service) and is_alike(services[at], service)
                ),
                None,
            )
            if at is None:
                moved.append(service)
            else:
                unmatched.remove(at)
                known = _merged_service(services[at], service)
                services[at] = msgspec.structs.replace(known, start=service.start or known.start)
    services += moved
    missing = [
        at
        for at in unmatched
        if ended_before is not None
        and (services[at].end or ended_before) >= ended_before
        and not any(_is_earlier_term(services[at], service) for service in made.services)
    ]
    kept = tuple(each for at, each in enumerate(services) if at not in missing)
    return msgspec.structs.replace(before, **values, services=kept), [services[at] for at in missing]


def service_key(service: ProposalService) -> tuple[str, date | None, str, str]:
    """Return what identifies a service: rows with the same key are of the same project and entity."""
    return exact(service.name), service.start, exact(service.project), service.entity


def _same_part(old: ProposalService, new: ProposalService) -> bool:
    """Return whether two services have the same project and entity."""
    return service_key(old)[2:] == service_key(new)[2:]


def _may_be_part(old: ProposalService, new: ProposalService) -> bool:
    """Return whether two services may have the same project and entity, if one of them is blank."""
    return all(not one or not other or one == other for one, other in zip(
        service_key(old)[2:], service_key(new)[2:], strict=True
    ))  # fmt: skip


def _is_earlier_term(old: ProposalService, new: ProposalService) -> bool:
    """Return whether a service ended before the same one started again."""
    same = exact(old.name) == exact(new.name) and _may_be_part(old, new)
    return same and old.end is not None and new.start is not None and old.end < new.start


def _overlap(old: ProposalService, new: ProposalService) -> bool:
    """Return whether two services of the same name overlap; one without dates overlaps any."""
    if exact(old.name) != exact(new.name):
        return False
    ends_first = old.end is not None and new.start is not None and old.end < new.start
    return not ends_first and not (new.end is not None and old.start is not None and new.end < old.start)


def _merged_service(old: ProposalService, new: ProposalService) -> ProposalService:
    values = {name: getattr(new, name) for name in _SERVICE_FIELDS if getattr(new, name)}
    return msgspec.structs.replace(old, **values, extra={**old.extra, **new.extra})
