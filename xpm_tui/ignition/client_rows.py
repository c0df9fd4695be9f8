"""Rows of the clients form with their cells in canonical form, and which of them are about one client.

Which contact of a client each of its rows is about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from xpm_tui.domain.fields import BY_NAME
from xpm_tui.domain.formatting import count
from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import Contact
from xpm_tui.domain.safe_text import visible
from xpm_tui.ignition.cells import EXTRA, CellError, People, Unknown, canonical
from xpm_tui.ignition.import_steps import Note
from xpm_tui.ignition.parser import Parsed, Refused, Row

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


@dataclass
class Matches:
    """Rows with their contact, None for a new one; rows without a contact are left out."""

    pairs: list[tuple[ClientRow, Contact | None]] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


def match_contacts(contacts: Sequence[Contact], rows: Sequence[ClientRow]) -> Matches:
    """By Contact ID, then name and e-mail together, then e-mail, then name; each only where it is unique.

    Cells without a name are about the only contact. A contact is one row's: a second row for it is passed
    over when it says the same, else refused.
    """
    found: dict[int, Contact | None] = {}
    taken: dict[str, ClientRow] = {}
    matches = Matches()
    waiting = [row for row in rows if row.contact_id or row.contact.keys() - {"primary"}]
    for rule in (_same_id, _same_person, _same_email, _same_name, _nameless):
        left = []
        for row in waiting:
            contact = _only(row, contacts, rule, {} if rule is _same_id else taken)
            if contact is None:
                left.append(row)
            elif contact.id in taken:
                _again(row, taken[contact.id], matches)
            else:
                found[row.number] = contact
                taken[contact.id] = row
        waiting = left
    made: list[ClientRow] = []
    for row in waiting:
        twin = next((other for other in [*made, *taken.values()] if _repeats(row, other)), None)
        if twin is not None:
            _again(row, twin, matches)
        elif row.contact.keys() & {"name", "email"}:
            made.append(row)
            found[row.number] = None
        else:
            matches.refused.append(
                Refused(row.number, "whose contact it is cannot be told: no name, no e-mail")
            )
    matches.pairs = [(row, found[row.number]) for row in rows if row.number in found]
    return matches


Rule = Callable[[ClientRow, Contact], bool]


def _only(
    row: ClientRow, contacts: Sequence[Contact], rule: Rule, taken: dict[str, ClientRow]
) -> Contact | None:
    fits = [contact for contact in contacts if contact.id not in taken and rule(row, contact)]
    return fits[0] if len(fits) == 1 else None


def _may(row: ClientRow, contact: Contact) -> bool:
    """A row with an id of its own is never about a contact that has another one."""
    return not row.contact_id or contact.contact_id in ("", row.contact_id)


def _same_id(row: ClientRow, contact: Contact) -> bool:
    return bool(row.contact_id) and contact.contact_id == row.contact_id


def _same_person(row: ClientRow, contact: Contact) -> bool:
    return _may(row, contact) and _same_email(row, contact) and _same_name(row, contact)


def _same_email(row: ClientRow, contact: Contact) -> bool:
    return _may(row, contact) and bool(row.email) and contact.email.casefold() == row.email


def _same_name(row: ClientRow, contact: Contact) -> bool:
    name = exact(row.contact.get("name", ""))
    return _may(row, contact) and bool(name) and exact(contact.name) == name


def _nameless(row: ClientRow, contact: Contact) -> bool:
    """Cells without a name go to the only contact that there is."""
    return _may(row, contact) and not row.contact.keys() & {"name", "email"}


def _repeats(row: ClientRow, other: ClientRow) -> bool:
    if row.contact_id or other.contact_id:
        return row.contact_id == other.contact_id
    return (row.email, row.contact.get("name")) == (other.email, other.contact.get("name"))


def _again(row: ClientRow, first: ClientRow, matches: Matches) -> None:
    if any(first.contact.get(key, cell) != cell for key, cell in row.contact.items()):
        matches.refused.append(
            Refused(row.number, f"it is about the same contact as row {first.number} and says something else")
        )
