"""What changed here and is not in Ignition yet, since nothing but a file takes it there."""

from __future__ import annotations

from collections.abc import Mapping

from xpm_tui.book.ignition_cells import People, client_cells, contact_cells
from xpm_tui.model.book import Client, Imported
from xpm_tui.model.ports import Snapshot
from xpm_tui.model.tables import CLIENTS, IMPORTED, TEAM


def to_ignition(snapshot: Snapshot) -> int:
    """How many clients have values that neither came from Ignition's last file nor went out since."""
    people = People(snapshot.rows(TEAM))
    return sum(_waits(client, snapshot.get(IMPORTED, client.id), people) for client in snapshot.rows(CLIENTS))


def _waits(client: Client, known: Imported | None, people: People) -> bool:
    if known is None:
        return True
    if _differs(client_cells(client, people), known.cells, known.out):
        return True
    return any(
        _differs(contact_cells(c), known.contacts.get(c.id, {}), known.out_contacts.get(c.id, {}))
        for c in client.contacts
    )


def _differs(cells: Mapping[str, str], known: Mapping[str, str], out: Mapping[str, str]) -> bool:
    return any(cell not in (known.get(key, ""), out.get(key, "")) for key, cell in cells.items())
