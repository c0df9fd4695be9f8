"""Exporting services, team and proposals in the forms that are read again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date

from xpm_tui.book.ignition.cells import People
from xpm_tui.book.ignition.export import Exported, Flavour
from xpm_tui.book.ignition.library import SERVICE_ID
from xpm_tui.book.ignition.parse import shield
from xpm_tui.model.ports import Snapshot
from xpm_tui.model.tables import CLIENTS, PROPOSALS, SERVICES, TEAM


def export_services(snapshot: Snapshot, flavour: Flavour = "ignition") -> Exported:
    """The library of services, with the columns that it was imported with."""
    services = list(snapshot.rows(SERVICES))
    extra = _extra_headings(service.extra for service in services)
    rows = [
        [service.extra.get(SERVICE_ID, ""), service.name, *_cells(service.extra, extra)]
        for service in services
    ]
    return _exported([SERVICE_ID, "Service Name", *extra], rows, [each.id for each in services], flavour)


def export_team(snapshot: Snapshot, flavour: Flavour = "ignition") -> Exported:
    """The team members."""
    team = list(snapshot.rows(TEAM))
    extra = _extra_headings(member.extra for member in team)
    rows = [
        [
            each.name,
            each.email,
            _yes(each.access),
            "active" if each.active else "inactive",
            *_cells(each.extra, extra),
        ]
        for each in team
    ]
    return _exported(["Name", "Email", "Access", "Status", *extra], rows, [each.id for each in team], flavour)


def export_proposals(snapshot: Snapshot, flavour: Flavour = "ignition") -> Exported:
    """The proposals, one row for each service."""
    people = People(snapshot.rows(TEAM))
    proposals = list(snapshot.rows(PROPOSALS))
    extra = _extra_headings(service.extra for each in proposals for service in each.services)
    rows = []
    for each in proposals:
        client = snapshot.get(CLIENTS, each.client) if each.client else None
        head = [
            each.number,
            each.name,
            client.client_id if client else each.client_id,
            client.name if client else each.client_name,
            each.reference,
            each.state,
            _day(each.accepted),
            people.label(each.partner),
            people.label(each.manager),
        ]
        for service in each.services:
            cells = [service.name, _day(service.start), _day(service.end), service.billing, service.price]
            rows.append([*head, *cells, service.quantity, *_cells(service.extra, extra)])
        if not each.services:
            rows.append([*head, "", _day(each.start), _day(each.end), "", "", "", *_cells({}, extra)])
    headings = [
        "Proposal Number", "Proposal Name", "Client ID", "Client Name", "Client Reference", "Proposal Status",
        "Accepted Date", "Partner", "Manager", "Service Name", "Start Date", "End Date", "Billing Type",
        "Price", "Quantity",
    ]  # fmt: skip
    return _exported([*headings, *extra], rows, [each.id for each in proposals], flavour)


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
) -> Exported:
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    spreadsheet = flavour == "spreadsheet"
    writer.writerow([shield(heading, spreadsheet) for heading in headings])
    writer.writerows([shield(cell, spreadsheet) for cell in row] for row in rows)
    data = file.getvalue().encode("utf-8-sig" if spreadsheet else "utf-8")
    return Exported((data,) if rows else (), len(rows), tuple(records))
