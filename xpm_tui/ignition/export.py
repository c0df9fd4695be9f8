"""Exports the forms: clients for Ignition's bulk import, and services, team and proposals.

Ignition's help page "Import and edit your clients in bulk" has these rules: a blank Client ID creates a new
client at every import; equal names with blank ids become one client; a row without client name, contact name
or contact e-mail fails. Exports are written so that none of these rules does any damage.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

import msgspec

from xpm_tui.domain.fields import COLUMNS
from xpm_tui.domain.formatting import day
from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import SERVICE_ID, Client, Contact, Imported
from xpm_tui.domain.ports import Put, Snapshot, Write
from xpm_tui.domain.tables import CLIENTS, IMPORTED, META, PROPOSALS, SERVICES, TEAM
from xpm_tui.ignition.cells import EXTRA, PEOPLE, TeamLookup, client_cells, contact_cells
from xpm_tui.ignition.client_import import HEADINGS
from xpm_tui.ignition.forms import CLIENTS as FORM
from xpm_tui.ignition.forms import RECORD
from xpm_tui.ignition.parser import escape_cell
from xpm_tui.ignition.pending_changes import (
    COMPUTED,
    client_pending,
    label,
    last_file_columns,
    rejection_reasons,
)

Flavour = Literal["ignition", "spreadsheet"]

_ALWAYS = tuple(field.name for field in COLUMNS if field.csv is not None and field.csv.always)
_ONLY_IF_IN_FILE = (
    COMPUTED | {RECORD} | {part.name for field in COLUMNS if field.csv for part in field.csv.parts}
)


@dataclass(frozen=True)
class OmittedClient:
    """A client or contact that is not exported, and why; ``record`` is ``c1`` or ``c1/k2``."""

    record: str
    name: str
    reason: str


@dataclass(frozen=True)
class ExportedFile:
    """The result of an export.

    Attributes:
        files: The CSV files: several if clients of the same name must not be in one import.
        rows: The number of rows.
        records: The ids of the clients in them.
        refused: What is not exported.
        splits: The clients that are in another file than the first.
        writes: Record what was exported: commit them once the files are written.
    """

    files: tuple[bytes, ...]
    rows: int
    records: tuple[str, ...]
    refused: tuple[OmittedClient, ...] = ()
    splits: tuple[OmittedClient, ...] = ()
    writes: tuple[Write, ...] = ()


@dataclass
class _Sheet:
    """The rows of a file that is being assembled."""

    rows: list[tuple[Client, Contact]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)


def export_clients(
    snapshot: Snapshot,
    now: datetime,
    *,
    changed_only: bool = False,
    flavour: Flavour = "ignition",
    again: bool = False,
    only: Collection[str] = (),
) -> ExportedFile:
    """Export the clients as Ignition's form.

    Args:
        snapshot: The store.
        now: The time of the export.
        changed_only: Export only what Ignition does not have and what has not been exported yet.
        flavour: ``ignition`` for its import; ``spreadsheet`` for reading and editing. A spreadsheet has all
            clients, even those that Ignition would reject, and is not recorded as exported. Its cells cannot
            be run as formulas, which changes how a phone number such as +64 looks.
        again: Also export clients without a Client ID that were exported before; by default each is exported
            only once.
        only: The ids of the clients to export.
    """
    people, columns = TeamLookup(snapshot.rows(TEAM)), last_file_columns(snapshot)
    sheets = [_Sheet()]
    refused: list[OmittedClient] = []
    splits: list[OmittedClient] = []
    writes: list[Write] = []
    records: list[str] = []
    clients = filter(None, (snapshot.get(CLIENTS, id_) for id_ in only)) if only else snapshot.rows(CLIENTS)
    for client in clients:
        known = snapshot.get(IMPORTED, client.id)
        wanted: Collection[str] | None = None
        if changed_only:
            found = client_pending(client, known, people, columns)
            pending = [change for change in found if again or not change.sent]
            if not pending:
                continue
            wanted = {change.record.partition("/")[2] for change in pending} - {""}
            wanted = None if pending[0].field == "client" else wanted
        if flavour == "spreadsheet":
            contacts = list(client.contacts) or [Contact(id="")]
        else:
            contacts = _contacts(client, known, wanted, again, refused)
        if not contacts:
            continue
        at = _sheet_for(client, sheets) if flavour == "ignition" else 0
        if at:
            reason = f"it has the same name as another client without a Client ID, so it is in file {at + 1}"
            splits.append(OmittedClient(client.id, client.name, reason))
        sheets[at].rows += [(client, contact) for contact in contacts]
        records.append(client.id)
        if flavour == "ignition":
            writes.append(Put(IMPORTED, _sent(client, contacts, known, people, now)))
    if not records:
        return ExportedFile((), 0, (), tuple(refused))
    heads = _columns(snapshot, [client for sheet in sheets for client, _ in sheet.rows])
    if flavour == "spreadsheet":
        # These ids identify the rows when the file is imported again, even those without Ignition's ids.
        heads.append((FORM.by_name[RECORD].heading, RECORD))
    files = tuple(_csv(sheet.rows, heads, people, flavour) for sheet in sheets)
    rows = sum(len(sheet.rows) for sheet in sheets)
    return ExportedFile(files, rows, tuple(records), tuple(refused), tuple(splits), tuple(writes))


def _contacts(
    client: Client,
    known: Imported | None,
    wanted: Collection[str] | None,
    again: bool,
    refused: list[OmittedClient],
) -> list[Contact]:
    """Return the contacts whose rows are written.

    ``wanted`` are their ids, or None for all. If none of them can be written, another contact gets the row
    for the client's own cells.
    """

    def refuse(reason: str, record: str = "") -> None:
        refused.append(OmittedClient(record or client.id, client.name, reason))

    reasons = rejection_reasons(client)
    if reasons.get("") and (not client.contacts or len(reasons) == 1):
        refuse(reasons[""])
        return []
    if not client.client_id and known is not None and known.sent is not None and not again:
        refuse(
            f"it was exported on {day(known.sent)} and has no Client ID yet: a second import would "
            "create it twice in Ignition. First import Ignition's own export here"
        )
        return []
    good = []
    for contact in client.contacts:
        reason = reasons.get(contact.id)
        was_exported = known is not None and contact.id in known.out_contacts and not contact.contact_id
        if reason and (wanted is None or contact.id in wanted):
            refuse(reason, f"{client.id}/{contact.id}")
        elif client.client_id and was_exported and not again and (wanted is None or contact.id in wanted):
            twice = (
                "its contact was exported before and has no Contact ID yet: Ignition would create it twice"
            )
            refuse(twice, f"{client.id}/{contact.id}")
        elif not reason:
            good.append(contact)
    if not good and reasons.get("") and wanted is not None and not reasons.keys() & set(wanted):
        refuse(reasons[""])
    if wanted is None:
        return good
    chosen = [contact for contact in good if contact.id in wanted]
    return chosen or sorted(good, key=lambda contact: (not contact.primary, not contact.contact_id))[:1]


def _sheet_for(client: Client, sheets: list[_Sheet]) -> int:
    """Return the first file without a client of this name, because Ignition would merge the two."""
    if client.client_id:
        return 0
    name = exact(client.name).casefold()
    at = next((at for at, sheet in enumerate(sheets) if name not in sheet.names), len(sheets))
    if at == len(sheets):
        sheets.append(_Sheet())
    sheets[at].names.add(name)
    return at


def _sent(
    client: Client, contacts: Iterable[Contact], known: Imported | None, people: TeamLookup, now: datetime
) -> Imported:
    """Return what was exported and differs from Ignition's files."""
    known = known or Imported(id=client.id)
    cells = client_cells(client, people)
    out = {
        key: cells.get(key, "")
        for key in {*cells, *known.cells}
        if cells.get(key, "") != known.cells.get(key)
    }
    out_contacts = dict(known.out_contacts)
    for contact in contacts:
        imported, own = known.contacts.get(contact.id, {}), contact_cells(contact)
        out_contacts[contact.id] = {key: cell for key, cell in own.items() if cell != imported.get(key)}
    filled = {id_: contact_out for id_, contact_out in out_contacts.items() if contact_out}
    return msgspec.structs.replace(known, sent=now, out=out, out_contacts=filled)


def export_writes(now: Snapshot, writes: Iterable[Write]) -> list[Write]:
    """Return ``ExportedFile.writes`` for the present state of the store, once the files are written.

    Values that an import has changed since stay, and clients that were removed stay removed.
    """
    out: list[Write] = []
    for row in (write.row for write in writes if isinstance(write, Put)):
        present = now.get(IMPORTED, row.id) or Imported(id=row.id)
        if now.raw(CLIENTS, row.id) is not None:
            out.append(Put(IMPORTED, _with_exported(row, present)))
    return out


def _with_exported(row: Imported, present: Imported) -> Imported:
    """Return ``present`` with the cells that ``row`` exported, unless Ignition's file has them now."""
    contacts = {
        key: {
            field: cell for field, cell in cells.items() if present.contacts.get(key, {}).get(field) != cell
        }
        for key, cells in {**present.out_contacts, **row.out_contacts}.items()
    }
    return msgspec.structs.replace(
        present,
        sent=row.sent,
        out={key: cell for key, cell in row.out.items() if present.cells.get(key, "") != cell},
        out_contacts={key: cells for key, cells in contacts.items() if cells},
    )


def _columns(snapshot: Snapshot, clients: Sequence[Client]) -> list[tuple[str, str]]:
    """Return heading and field: those of Ignition's last file in its order, then others with a value."""
    remembered = snapshot.get(META, HEADINGS)
    heads = [(str(heading), str(name)) for heading, name in (remembered.value if remembered else ())]
    known = {name for _, name in heads if name} | {f"{EXTRA}{heading}" for heading, name in heads if not name}
    used: dict[str, None] = dict.fromkeys(_ALWAYS)
    for client in clients:
        used |= dict.fromkeys(client_cells(client, _NOBODY))
        used |= dict.fromkeys(name for name in sorted(PEOPLE) if getattr(client, name))
        for contact in client.contacts:
            used |= dict.fromkeys(_contact_key(key) for key in contact_cells(contact))
    heads = [
        (heading, name)
        for heading, name in heads
        if name or f"{EXTRA}{heading}" in used or not _NO_HEADING.fullmatch(heading)
    ]
    heads += [
        (field.heading, field.name)
        for field in FORM.fields
        if field.name in used and field.name not in known | _ONLY_IF_IN_FILE
    ]
    return heads + [
        (key.removeprefix(EXTRA), "") for key in used if key.startswith(EXTRA) and key not in known
    ]


_NO_HEADING = re.compile(r"Column [0-9]+")
"""The heading for a column without one; earlier versions stored empty headings."""

_NOBODY = TeamLookup(())


def _contact_key(key: str) -> str:
    return key if key.startswith(EXTRA) else f"contact_{key}"


def _csv(
    rows: Iterable[tuple[Client, Contact]],
    heads: Sequence[tuple[str, str]],
    people: TeamLookup,
    flavour: Flavour,
) -> bytes:
    lines: list[list[str]] = []
    for client, contact in rows:
        cells = client_cells(client, people)
        cells = {key: label(key, cell, people) for key, cell in cells.items()}
        for key, cell in contact_cells(contact).items():
            cells[_contact_key(key)] = cell
        first, _, last = cells.get("contact_name", "").rpartition(" ")
        cells |= {"contact_first_name": first or last, "contact_last_name": last if first else ""}
        cells |= {"client_id": client.client_id, "contact_id": contact.contact_id}
        cells[RECORD] = f"{client.id}/{contact.id}" if contact.id else client.id
        lines.append([cells.get(name or f"{EXTRA}{heading}", "") for heading, name in heads])
    return _encoded([heading for heading, _ in heads], lines, flavour)


def _encoded(headings: Sequence[str], rows: Iterable[Sequence[str]], flavour: Flavour) -> bytes:
    """Return a CSV file."""
    spreadsheet = flavour == "spreadsheet"
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerows([escape_cell(cell, spreadsheet) for cell in row] for row in (headings, *rows))
    # A byte order mark tells spreadsheets that it is UTF-8, but Ignition would read it as part of a heading.
    return file.getvalue().encode("utf-8-sig" if spreadsheet else "utf-8")


def export_services(snapshot: Snapshot, flavour: Flavour = "ignition") -> ExportedFile:
    """Export the services, with the columns of their import."""
    services = list(snapshot.rows(SERVICES))
    extra = _extra_headings(service.extra for service in services)
    rows = [
        [service.extra.get(SERVICE_ID, ""), service.name, *_cells(service.extra, extra)]
        for service in services
    ]
    return _exported(
        [SERVICE_ID, "Service Name", *extra], rows, [service.id for service in services], flavour
    )


def export_team(snapshot: Snapshot, flavour: Flavour = "ignition") -> ExportedFile:
    """Export the team members."""
    team = list(snapshot.rows(TEAM))
    extra = _extra_headings(member.extra for member in team)
    rows = [
        [
            member.name,
            member.email,
            _yes(member.access),
            "active" if member.active else "inactive",
            *_cells(member.extra, extra),
        ]
        for member in team
    ]
    return _exported(
        ["Name", "Email", "Access", "Status", *extra], rows, [member.id for member in team], flavour
    )


def export_proposals(snapshot: Snapshot, flavour: Flavour = "ignition") -> ExportedFile:
    """Export the proposals, one row for each service."""
    people = TeamLookup(snapshot.rows(TEAM))
    proposals = list(snapshot.rows(PROPOSALS))
    extra = _extra_headings(service.extra for proposal in proposals for service in proposal.services)
    rows = []
    for proposal in proposals:
        client = snapshot.get(CLIENTS, proposal.client) if proposal.client else None
        head = [
            proposal.number,
            proposal.name,
            client.client_id if client else proposal.client_id,
            client.name if client else proposal.client_name,
            proposal.reference,
            proposal.status or ("" if proposal.state == "unknown" else proposal.state),
            _day(proposal.accepted),
            people.label(proposal.partner),
            people.label(proposal.manager),
        ]
        for service in proposal.services:
            cells = [service.name, _day(service.start), _day(service.end), service.billing, service.price]
            rows.append([*head, *cells, service.quantity, *_cells(service.extra, extra)])
        if not proposal.services:
            rows.append([*head, "", _day(proposal.start), _day(proposal.end), "", "", "", *_cells({}, extra)])
    headings = [
        "Proposal Number", "Proposal Name", "Client ID", "Client Name", "Client Reference", "Proposal Status",
        "Accepted Date", "Partner", "Manager", "Service Name", "Start Date", "End Date", "Billing Type",
        "Price", "Quantity",
    ]  # fmt: skip
    return _exported([*headings, *extra], rows, [proposal.id for proposal in proposals], flavour)


def _extra_headings(extras: Iterable[dict[str, str]]) -> list[str]:
    return [
        heading for heading in dict.fromkeys(h for extra in extras for h in extra) if heading != SERVICE_ID
    ]


def _cells(extra: dict[str, str], headings: Sequence[str]) -> list[str]:
    return [extra.get(heading, "") for heading in headings]


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _exported(
    headings: Sequence[str], rows: Sequence[Sequence[str]], records: Sequence[str], flavour: Flavour
) -> ExportedFile:
    data = _encoded(headings, rows, flavour)
    return ExportedFile((data,) if rows else (), len(rows), tuple(records))
