"""Which contact of a client each of its rows is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from xpm_tui.book.ignition.parse import Refused
from xpm_tui.book.ignition.rows import ClientRow
from xpm_tui.model.book import Contact
from xpm_tui.model.names import exact


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
