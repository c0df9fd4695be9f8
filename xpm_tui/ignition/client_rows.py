"""Rows of the clients form in canonical form, grouped by client, and matched with the client's contacts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from xpm_tui.domain.fields import BY_NAME
from xpm_tui.domain.formatting import count
from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import Client, Contact
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import CLIENTS
from xpm_tui.ignition.cell_readers import ERROR_STARTS, CellError, KnownIds, clean_cell, read_text
from xpm_tui.ignition.cells import EXTRA, TeamLookup, UnknownWord, cell_reader, client_cell, contact_cell
from xpm_tui.ignition.forms import CLIENTS as FORM
from xpm_tui.ignition.forms import RECORD
from xpm_tui.ignition.import_steps import ImportNote
from xpm_tui.ignition.parser import FileRow, ParsedFile, RefusedRow

_NAME = BY_NAME["contact_name"]
_IDS = frozenset(("client_id", "contact_id", RECORD))
_NAME_PARTS = tuple(part.name for part in _NAME.csv.parts) if _NAME.csv else ()

_FEW = 20
"""The most rows of a small file, whose ids are looked up one by one instead of reading all clients."""


@dataclass(slots=True)
class ClientRow:
    """A usable row: the cells of a client and of a contact, by their fields.

    Attributes:
        record: Our own id of the client, if the file is a spreadsheet that was written here.
        record_contact: Our own id of the contact.
        faults: What is wrong with cells, by field (a contact's begins with ``contact_``). Such a cell is
            accepted only if the record already has that value.
    """

    number: int
    client_id: str = ""
    contact_id: str = ""
    record: str = ""
    record_contact: str = ""
    client: dict[str, str] = field(default_factory=dict)
    contact: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] | None = None

    @property
    def name(self) -> str:
        """The client's name; empty if its cell is blank."""
        return self.client.get("name", "")

    @property
    def email(self) -> str:
        """The contact's e-mail for comparison: without regard to case."""
        return self.contact.get("email", "").casefold()

    @property
    def has_contact(self) -> bool:
        """Whether it has any cell of a contact."""
        return bool(self.contact_id or self.record_contact or self.contact.keys() - {"primary"})


class ClientRowReader:
    """Reads the rows of a file, grouped by client, and collects notes on them.

    The rows of a group have the same record, the same Client ID or, if that is blank, exactly the same name.
    """

    def __init__(
        self, snapshot: Snapshot, parsed: ParsedFile, people: TeamLookup, contact_columns: Iterable[str]
    ) -> None:
        self._parsed = parsed
        self._people = people
        self.refused: list[RefusedRow] = []
        self.unknown: Counter[str] = Counter()
        self._labels = {field.name: field.heading for field in FORM.fields}
        self._columns = [self._column(field, heading) for field, heading in parsed.kept]
        self._groups = self._grouped(snapshot)
        self.names = {key[1] for key in self._groups if key[0] == "name"}
        self.notes: list[ImportNote] = []
        self._moved = self._columns_of_contacts(set(contact_columns))
        self.contact_headings: set[str] = set()

    def _column(self, field: str, heading: str) -> tuple[str, str, bool, Callable[[str], str] | None]:
        """Return a column's field or heading, its key, whether it is a contact's, and its reader."""
        if not field:
            return heading, f"{EXTRA}{heading}", heading.casefold().startswith("contact"), None
        if field in _IDS or field in _NAME_PARTS:
            return field, "name" if field in _NAME_PARTS else field, field in _NAME_PARTS, None
        of_contact = field.startswith("contact_")
        return field, field.removeprefix("contact_"), of_contact, cell_reader(field, self._people)

    def groups(self) -> Iterator[list[ClientRow]]:
        """Yield every group of rows, in the order of the file."""
        for places in self._groups.values():
            rows = [self._read(self._parsed.rows[at]) for at in places]
            yield self._moved_to_contacts(rows)

    def names_with_id(self) -> Iterator[tuple[str, int]]:
        """Yield the exact name and the first row number of every group with a Client ID."""
        for key, places in self._groups.items():
            if key[0] == "id":
                names = (self._parsed.rows[at].cells.get("name", "") for at in places)
                yield exact(next(filter(None, names), "")), self._parsed.rows[places[0]].number

    def notes_at_end(self) -> list[ImportNote]:
        """Return the notes, once all groups have been read."""
        return [
            *self.notes,
            *(
                ImportNote(0, f"{text}: skipped in {count(number, 'row')}.")
                for text, number in self.unknown.items()
            ),
        ]

    def _ids_to_compare(self, snapshot: Snapshot) -> Iterable[str]:
        """Return the ids to compare with those of the file; its own ids suffice if all of them are known."""
        if len(self._parsed.rows) <= _FEW:
            ids = set(self._parsed.column("client_id"))
            if all(snapshot.find(CLIENTS, "client_id", id_) for id_ in ids):
                return ids
        return snapshot_ids(snapshot, contacts=False)

    def _grouped(self, snapshot: Snapshot) -> dict[tuple[str, str], list[int]]:
        fields = self._parsed.fields
        clients = KnownIds(self._ids_to_compare(snapshot) if "client_id" in fields else ())
        contacts = KnownIds(snapshot_ids(snapshot, contacts=True) if "contact_id" in fields else ())
        clients.add_from_file(self._parsed.column("client_id"))
        contacts.add_from_file(self._parsed.column("contact_id"))
        places = {field: at for at, (field, _) in enumerate(self._parsed.kept) if field}
        at_id, at_contact, at_name, at_record = (
            places.get(field) for field in ("client_id", "contact_id", "name", RECORD)
        )
        groups: dict[tuple[str, str], list[int]] = {}
        for at, row in enumerate(self._parsed.rows):
            values = row.values
            column = "client_id"
            try:
                client_id = clients.read(values[at_id]) if at_id is not None else ""
                column = "contact_id"
                contact_id = contacts.read(values[at_contact]) if at_contact is not None else ""
            except CellError as error:
                self.refused.append(
                    RefusedRow(row.number, f"{self._labels[column]}: {visible(str(error), 200)}")
                )
                continue
            if at_record is not None and values[at_record]:
                key = ("record", values[at_record].partition("/")[0])
            elif client_id:
                key = ("id", client_id)
            elif at_name is not None and values[at_name]:
                key = ("name", exact(values[at_name]))
            else:
                key = ("contact", f"{contact_id}:{row.number}")
            groups.setdefault(key, []).append(at)
        return groups

    def _read(self, row: FileRow) -> ClientRow:
        made = ClientRow(row.number)
        client, contact = made.client, made.contact
        parts: dict[str, str] = {}
        is_ascii = row.is_ascii
        for (name, key, of_contact, read), text in zip(self._columns, row.values, strict=True):
            if not text:
                continue
            if name in _IDS:
                self._set_id(made, name, text)
                continue
            cell = text
            try:
                if text[0] in ERROR_STARTS or not (is_ascii or text.isascii()):
                    read_text(text)
                if read is not None:
                    cell = read(text)
            except UnknownWord as left_out:
                self.unknown[f"{self._labels[name]}: {visible(str(left_out), 120)}"] += 1
                continue
            except CellError as wrong:
                fault = f"{visible(self._labels.get(name, name), 60)}: {visible(str(wrong), 200)}"
                made.faults = {**(made.faults or {}), f"contact_{key}" if of_contact else key: fault}
            if name in _NAME_PARTS:
                parts[name] = cell
            elif of_contact:
                contact[key] = cell
            elif cell:
                client[key] = cell
        if parts:
            contact.setdefault("name", " ".join(parts[part] for part in _NAME_PARTS if part in parts))
        return made

    @staticmethod
    def _set_id(made: ClientRow, name: str, text: str) -> None:
        if name == "client_id":
            made.client_id = text
        elif name == "contact_id":
            made.contact_id = text
        else:
            made.record, _, made.record_contact = text.partition("/")

    def _columns_of_contacts(self, known: set[str]) -> set[str]:
        """Return columns of clients whose cells differ within one client: they belong to the contact.

        This applies to unknown columns, and to "Phone" in a file without "Contact Phone".
        """
        movable = {f"{EXTRA}{heading}" for heading in self._parsed.unknown}
        if "phone" in self._parsed.fields and "contact_phone" not in self._parsed.fields:
            movable.add("phone")
        moved = {key for key in movable if key.removeprefix(EXTRA) in known}
        undecided = movable - moved
        for places in self._groups.values():
            if len(places) > 1 and undecided:
                rows = [self._parsed.rows[at] for at in places]
                found = {key for key in undecided if len(_values_of(rows, key)) > 1}
                moved |= found
                undecided -= found
        if "phone" in moved:
            self.notes.append(
                ImportNote(
                    0,
                    "Phone differs between contacts of one client, so it is treated as the contact's phone.",
                )
            )
        return moved

    def _moved_to_contacts(self, rows: list[ClientRow]) -> list[ClientRow]:
        if not self._moved and not self._parsed.unknown:
            return rows
        for row in rows:
            for key in self._moved & row.client.keys():
                row.contact[key] = row.client.pop(key)
                if row.faults and key in row.faults:
                    row.faults[f"contact_{key}"] = row.faults.pop(key)
            self.contact_headings.update(
                key.removeprefix(EXTRA) for key in row.contact if key.startswith(EXTRA)
            )
        return rows


def snapshot_ids(snapshot: Snapshot, *, contacts: bool) -> Iterator[str]:
    """Yield Ignition's ids in the store, of clients or of contacts."""
    for client in snapshot.rows(CLIENTS):
        found = (contact.contact_id for contact in client.contacts) if contacts else (client.client_id,)
        yield from filter(None, found)


def _values_of(rows: Iterable[FileRow], key: str) -> set[str]:
    if key.startswith(EXTRA):
        texts = {row.extra.get(key.removeprefix(EXTRA), "") for row in rows}
    else:
        texts = {clean_cell(row.cells.get(key, "")) for row in rows}
    return texts - {""}


def is_untouched(row: ClientRow, client: Client) -> bool:
    """Return whether all cells of a row equal those of the client and of one of its contacts."""
    if not all(cell == client_cell(client, key) for key, cell in row.client.items()):
        return False
    return not row.has_contact or any(is_same_contact(row, contact) for contact in client.contacts)


def is_same_contact(row: ClientRow, contact: Contact) -> bool:
    """Return whether all contact cells of a row equal those of this contact."""
    if row.contact_id and row.contact_id != contact.contact_id:
        return False
    return all(cell == contact_cell(contact, key) for key, cell in row.contact.items())


_NO_IDENTITY = "it cannot be determined whose contact it is: no name, no e-mail"


@dataclass
class Matches:
    """The rows that have a contact, each with its contact, or None for a new one; and the rejected rows."""

    pairs: list[tuple[ClientRow, Contact | None]] = field(default_factory=list)
    refused: list[RefusedRow] = field(default_factory=list)


def match_contacts(contacts: Sequence[Contact], rows: Sequence[ClientRow]) -> Matches:
    """Match the rows of a client with its contacts; each rule applies only where its match is unique.

    The rules, in order: our own id, Contact ID, a row without changes, name and e-mail, e-mail, name. Cells
    without a name belong to the only contact. A contact belongs to one row: a second row for it is skipped if
    it has the same values, and rejected otherwise.
    """
    found: dict[int, Contact | None] = {}
    taken: dict[str, ClientRow] = {}
    matches = Matches()
    unmatched = [row for row in rows if row.has_contact]
    for rule in _RULES if contacts else ():
        if rule is _same_person:
            unmatched = _match_unchanged(unmatched, contacts, found, taken)
        remaining = []
        for row in unmatched:
            contact = _only(row, contacts, rule, {} if rule in (_same_record, _same_id) else taken)
            if contact is None:
                remaining.append(row)
            elif contact.id in taken:
                _skip_repeated(row, taken[contact.id], matches)
            else:
                found[row.number] = contact
                taken[contact.id] = row
        unmatched = remaining
    made: list[ClientRow] = []
    for row in unmatched:
        twin = next((other for other in [*made, *taken.values()] if _repeats(row, other)), None)
        if twin is not None:
            _skip_repeated(row, twin, matches)
        elif row.contact.keys() & {"name", "email"}:
            made.append(row)
            found[row.number] = None
        else:
            matches.refused.append(RefusedRow(row.number, _NO_IDENTITY))
    matches.pairs = [(row, found[row.number]) for row in rows if row.number in found]
    return matches


def _match_unchanged(
    rows: list[ClientRow],
    contacts: Sequence[Contact],
    found: dict[int, Contact | None],
    taken: dict[str, ClientRow],
) -> list[ClientRow]:
    """Assign contacts to rows without changes, those with the fewest candidates first; return the rest."""
    fits = {
        row.number: [contact for contact in contacts if is_same_contact(row, contact)]
        for row in rows
        if not row.contact_id and not row.record_contact
    }
    for number, candidates in sorted(fits.items(), key=lambda item: len(item[1])):
        free = next((contact for contact in candidates if contact.id not in taken), None)
        if free is not None:
            found[number] = free
            taken[free.id] = next(row for row in rows if row.number == number)
    return [row for row in rows if row.number not in found]


Rule = Callable[[ClientRow, Contact], bool]


def _only(
    row: ClientRow, contacts: Sequence[Contact], rule: Rule, taken: dict[str, ClientRow]
) -> Contact | None:
    fits = [contact for contact in contacts if contact.id not in taken and rule(row, contact)]
    return fits[0] if len(fits) == 1 else None


def _ids_agree(row: ClientRow, contact: Contact) -> bool:
    """Return whether the ids of a row and a contact do not contradict each other."""
    return not row.contact_id or contact.contact_id in ("", row.contact_id)


def _same_record(row: ClientRow, contact: Contact) -> bool:
    return bool(row.record_contact) and row.record_contact == contact.id


def _same_id(row: ClientRow, contact: Contact) -> bool:
    return bool(row.contact_id) and contact.contact_id == row.contact_id


def _same_person(row: ClientRow, contact: Contact) -> bool:
    return _ids_agree(row, contact) and _same_email(row, contact) and _same_name(row, contact)


def _same_email(row: ClientRow, contact: Contact) -> bool:
    return _ids_agree(row, contact) and bool(row.email) and clean_cell(contact.email).casefold() == row.email


def _same_name(row: ClientRow, contact: Contact) -> bool:
    name = exact(row.contact.get("name", ""))
    return _ids_agree(row, contact) and bool(name) and exact(clean_cell(contact.name)) == name


def _nameless(row: ClientRow, contact: Contact) -> bool:
    """Return whether cells without a name can belong to the only contact."""
    return _ids_agree(row, contact) and not row.contact.keys() & {"name", "email"}


_RULES = (_same_record, _same_id, _same_person, _same_email, _same_name, _nameless)


def _repeats(row: ClientRow, other: ClientRow) -> bool:
    if row.record_contact and other.record_contact:
        return row.record_contact == other.record_contact
    if row.contact_id or other.contact_id:
        return row.contact_id == other.contact_id
    return (row.email, row.contact.get("name")) == (other.email, other.contact.get("name"))


def _skip_repeated(row: ClientRow, first: ClientRow, matches: Matches) -> None:
    if any(first.contact.get(key, cell) != cell for key, cell in row.contact.items()):
        matches.refused.append(
            RefusedRow(row.number, f"it has the same contact as row {first.number}, with different values")
        )
