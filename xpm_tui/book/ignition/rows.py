"""Rows of the clients form with their cells in canonical form, and which of them are about one client."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from xpm_tui.book.ignition.cells import EXTRA, CellError, People, Unknown, canonical
from xpm_tui.book.ignition.parse import Parsed, Refused, Row
from xpm_tui.book.ignition.steps import Note
from xpm_tui.model.fields import BY_NAME
from xpm_tui.model.formatting import count
from xpm_tui.model.names import exact
from xpm_tui.model.text import visible

_NAME = BY_NAME["contact_name"]
_NAME_PARTS = tuple(part.name for part in _NAME.csv.parts) if _NAME.csv else ()
_IDS = ("client_id", "contact_id")


@dataclass
class ClientRow:
    """One usable row: the client's cells, and the contact's by the fields of a contact."""

    number: int
    client_id: str = ""
    contact_id: str = ""
    client: dict[str, str] = field(default_factory=dict)
    contact: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The client's name, empty where the cell is."""
        return self.client.get("name", "")

    @property
    def email(self) -> str:
        """The contact's e-mail as it is compared."""
        return self.contact.get("email", "").casefold()


@dataclass
class Reading:
    """The rows by client, in the order of the file, and what had to be said about them."""

    groups: list[list[ClientRow]]
    refused: list[Refused]
    notes: list[Note]


def read_rows(parsed: Parsed, people: People, contact_level: Iterable[str]) -> Reading:
    """Cells in canonical form, rows grouped by Client ID, or by exact name where it is blank.

    ``contact_level`` are headings of unknown columns known to belong to the contact.
    """
    rows: list[ClientRow] = []
    refused: list[Refused] = []
    unknown: Counter[str] = Counter()
    for row in parsed.rows:
        try:
            rows.append(_client_row(row, people, unknown))
        except CellError as wrong:
            refused.append(Refused(row.number, str(visible(str(wrong), 200))))
    groups: dict[str, list[ClientRow]] = {}
    for each in rows:
        groups.setdefault(_key(each), []).append(each)
    notes = [Note(0, f"{text}: left out in {count(number, 'row')}.") for text, number in unknown.items()]
    _give_to_contacts(groups.values(), set(contact_level), parsed, notes)
    return Reading(list(groups.values()), refused, notes)


def _key(row: ClientRow) -> str:
    if row.client_id:
        return f"id:{row.client_id}"
    return f"name:{exact(row.name)}" if row.name else f"contact:{row.contact_id}:{row.number}"


def _client_row(row: Row, people: People, unknown: Counter[str]) -> ClientRow:
    made = ClientRow(row.number)
    cells = dict(row.cells)
    parts = [cells.pop(part) for part in _NAME_PARTS if part in cells]
    if parts and _NAME.name not in cells:
        cells[_NAME.name] = " ".join(parts)
    made.client_id, made.contact_id = (cells.pop(name, "") for name in _IDS)
    for name, text in cells.items():
        try:
            cell = canonical(name, text, people)
        except Unknown as left_out:
            unknown[f"{name}: {visible(str(left_out), 120)}"] += 1
            continue
        except CellError as wrong:
            raise CellError(f"{name}: {wrong}") from None
        if name.startswith("contact_"):
            made.contact[name.removeprefix("contact_")] = cell
        elif cell:
            made.client[name] = cell
    for heading, text in row.extra.items():
        side = made.contact if heading.casefold().startswith("contact") else made.client
        side[f"{EXTRA}{heading}"] = text
    return made


def _give_to_contacts(
    groups: Iterable[list[ClientRow]], known: set[str], parsed: Parsed, notes: list[Note]
) -> None:
    """Move columns from clients to contacts whose cells differ within one client: they belong to the person.

    That goes for unknown columns, and for a bare "Phone" in a file without "Contact Phone".
    """
    movable = {f"{EXTRA}{heading}" for heading in parsed.unknown}
    if "contact_phone" not in parsed.fields:
        movable.add("phone")
    several = [group for group in groups if len(group) > 1]
    moved = {key for key in movable if key.removeprefix(EXTRA) in known or _disagree(several, key)}
    for group in groups:
        for row in group:
            for key in moved & row.client.keys():
                row.contact[key] = row.client.pop(key)
    if "phone" in moved:
        notes.append(Note(0, "Phone differs between contacts of one client: it is taken as the contact's."))


def _disagree(groups: Iterable[list[ClientRow]], key: str) -> bool:
    return any(len({row.client[key] for row in group if key in row.client}) > 1 for group in groups)


def extra_headings(cells: Mapping[str, str]) -> set[str]:
    """Headings of the unknown columns among some cells."""
    return {key.removeprefix(EXTRA) for key in cells if key.startswith(EXTRA)}
