"""Clients and contacts as cells, and cells as clients and contacts: one text for each value.

The canonical cell is what is compared with the last import: NFC, ``\\n`` line ends, trimmed; yes or no;
groups joined by ``;``; people as ids of team members.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from xpm_tui.model.book import Client, ClientState, Contact, TeamMember
from xpm_tui.model.names import exact

PEOPLE = frozenset(["partner", "manager"])

CLIENT_FIELDS = (
    "name", "phone", "fax", "website", "address", "city", "region", "postcode", "country", "postal_address",
    "postal_city", "postal_region", "postal_postcode", "postal_country", "tax_registered", "structure",
    "groups", "partner", "manager", "state",
)  # fmt: skip
"""Fields of a client that a cell can hold, in the order of the form."""

CONTACT_FIELDS = ("name", "email", "phone", "mobile", "salutation", "addressee", "primary")
"""Fields of a contact that a cell can hold; their columns are ``contact_`` and this."""

EXTRA = "extra:"
"""What the key of an unknown column's cell begins with; the rest is its heading."""

_STATES: dict[str, ClientState] = {
    "lead": "lead",
    "prospect": "lead",
    "active": "active",
    "client": "active",
    "inactive": "inactive",
    "archived": "inactive",
    "lost": "inactive",
}
_YES = {"yes", "true", "y", "1", "on", "registered"}
_NO = {"no", "false", "n", "0", "off", "not registered", "unregistered"}
_PHONES = frozenset(["phone", "fax", "contact_phone", "contact_mobile", "postcode", "postal_postcode"])


class CellError(ValueError):
    """A cell that cannot be taken; its text completes "row 7: ..."."""


class People:
    """Team members by what a cell may call them: e-mail, or a name that only one of them has."""

    def __init__(self, members: Iterable[TeamMember]) -> None:
        self.by_id = {member.id: member for member in members}
        self._named: dict[str, set[str]] = {}
        for member in self.by_id.values():
            for word in {member.email.casefold(), exact(member.name).casefold()} - {""}:
                self._named.setdefault(word, set()).add(member.id)

    def find(self, text: str) -> str:
        """The member's id, or empty when nobody, or more than one, is called so."""
        found = self._named.get(exact(text).casefold(), set())
        return next(iter(found)) if len(found) == 1 else ""

    def label(self, id: str) -> str:  # noqa: A002
        """What a cell calls a member: the name, or the e-mail where another one has the name too."""
        member = self.by_id.get(id)
        if member is None:
            return ""
        return member.name if self.find(member.name) == id or not member.email else member.email


def plain(text: str) -> str:
    """A text as a cell: NFC, ``\\n`` line ends, trimmed."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return (text if text.isascii() else unicodedata.normalize("NFC", text)).strip()


def canonical(field: str, text: str, people: People) -> str:
    """A cell of a file in its canonical form.

    Raises :class:`CellError` for one that a spreadsheet has spoilt or that is no e-mail address, and
    :class:`Unknown` for a word that stands for nothing here.
    """
    if field in PEOPLE:
        found = people.find(text)
        if not found:
            raise Unknown(f"nobody in the team is called {text}")
        return found
    if field == "state":
        return _word(text, _STATES, "is no client status")
    if field in ("tax_registered", "contact_primary"):
        word = text.casefold()
        return _word(
            word, {**dict.fromkeys(_YES, "yes"), **dict.fromkeys(_NO, "no")}, "is neither yes nor no"
        )
    if field == "groups":
        return joined(text.replace("\n", ";").split(";"))
    if field == "contact_email":
        check_email(text)
    if field in _PHONES and re.fullmatch(r"\d(?:[.,]\d+)?E\+\d{2}", text, re.IGNORECASE):
        raise CellError(f"{text} is a number that a spreadsheet has shortened; format the column as text")
    return plain(text)


class Unknown(ValueError):
    """A word that stands for nothing here: the cell is left out and reported, the row is taken."""


def _word(text: str, words: Mapping[str, str], wrong: str) -> str:
    found = words.get(text.casefold())
    if found is None:
        raise Unknown(f"{text} {wrong}")
    return found


def check_email(text: str) -> None:
    """Raise :class:`CellError` unless the text has the shape of an e-mail address (RFC 5321, roughly)."""
    if not re.fullmatch(r"[^\s@,;<>\"]+@[^\s@,;<>\"]+\.[^\s@,;<>\".]+", text) or len(text) > 254:
        raise CellError(f"{text} is no e-mail address")


def joined(names: Iterable[str]) -> str:
    """Group names as one cell."""
    return "; ".join(dict.fromkeys(name for name in map(plain, names) if name))


def spoilt(field: str, old: str, new: str) -> bool:
    """Whether ``new`` is ``old`` as a spreadsheet spoils it: a number without its ``+`` or leading zeros."""
    if field not in _PHONES or not re.fullmatch(r"\+?\d+", old) or old == new:
        return False
    return new == (old.lstrip("+").lstrip("0") or "0")


def client_cell(client: Client, field: str) -> str:
    """A client's field as a canonical cell."""
    value = getattr(client, field)
    if field == "groups":
        return joined(value)
    if field == "tax_registered":
        return "" if value is None else "yes" if value else "no"
    return plain(value)


def contact_cell(contact: Contact, field: str) -> str:
    """A contact's field as a canonical cell."""
    if field == "primary":
        return "yes" if contact.primary else "no"
    return plain(getattr(contact, field))


def client_value(field: str, cell: str) -> Any:
    """What a canonical cell puts into a client."""
    if field == "groups":
        return tuple(filter(None, (name.strip() for name in cell.split(";"))))
    return cell == "yes" if field == "tax_registered" else cell


def contact_value(field: str, cell: str) -> Any:
    """What a canonical cell puts into a contact."""
    return cell == "yes" if field == "primary" else cell


def client_cells(client: Client, people: People) -> dict[str, str]:
    """All cells of a client, unknown columns among them (keys :data:`EXTRA`); blank ones left out."""
    cells = {field: client_cell(client, field) for field in CLIENT_FIELDS}
    cells |= {f"{EXTRA}{heading}": plain(text) for heading, text in client.extra.items()}
    return {key: text for key, text in cells.items() if text and (key not in PEOPLE or text in people.by_id)}


def contact_cells(contact: Contact) -> dict[str, str]:
    """All cells of a contact; blank ones left out."""
    cells = {field: contact_cell(contact, field) for field in CONTACT_FIELDS}
    cells |= {f"{EXTRA}{heading}": plain(text) for heading, text in contact.extra.items()}
    return {key: text for key, text in cells.items() if text}
