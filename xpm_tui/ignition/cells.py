r"""Converts clients and contacts to canonical cells and back: each value has exactly one text.

Canonical cells are compared with those of the last import. They are NFC with ``\n`` line ends and trimmed;
flags are yes or no, groups are joined by ``;``, and people are ids of team members.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Any

from xpm_tui.domain.fields import BY_NAME, COLUMNS, Field, Kind, Record
from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import Client, Contact, TeamMember
from xpm_tui.ignition.cell_readers import READERS, clean_cell, compact, read_cell, read_text

PEOPLE = frozenset(field.name for field in COLUMNS if field.kind == "person")


def _cell_fields(record: Record) -> dict[str, Field]:
    """Return the fields of a record that a cell can contain, by attribute, in the order of the form."""
    return {field.attribute: field for field in COLUMNS if field.of == record and field.kind != "id"}


CLIENT_FIELDS: dict[str, Field] = _cell_fields("client")
"""The fields of a client that a cell can contain, in the order of the form."""

CONTACT_FIELDS: dict[str, Field] = _cell_fields("contact")
"""The fields of a contact that a cell can contain; their columns have the prefix ``contact_``."""

_client_values, _contact_values = attrgetter(*CLIENT_FIELDS), attrgetter(*CONTACT_FIELDS)

EXTRA = "extra:"
"""The prefix of the key of an unknown column's cell; the rest of the key is its heading."""

FLAG_WORDS = {
    **dict.fromkeys(("yes", "true", "y", "1", "on", "registered"), "yes"),
    **dict.fromkeys(("no", "false", "n", "0", "off", "not registered", "unregistered"), "no"),
}
"""All words for yes and no in a cell."""

_LIKE_NUMBERS: frozenset[Kind] = frozenset({"phone", "postcode"})
"""The kinds of text that a spreadsheet may take for a number."""

_ONE_LINE: frozenset[Kind] = _LIKE_NUMBERS | {"email"}
"""The kinds of text without line breaks and hidden characters."""


class TeamLookup:
    """Finds team members by e-mail, or by a name that only one of them has."""

    def __init__(self, members: Iterable[TeamMember]) -> None:
        self.by_id = {member.id: member for member in members}
        self._named: dict[str, set[str]] = {}
        for member in self.by_id.values():
            for word in {member.email.casefold(), exact(member.name).casefold()} - {""}:
                self._named.setdefault(word, set()).add(member.id)

    def find(self, text: str) -> str:
        """Return the member's id; empty if no member, or more than one, matches."""
        found = self._named.get(exact(text).casefold(), set())
        return next(iter(found)) if len(found) == 1 else ""

    def label(self, id: str) -> str:  # noqa: A002
        """Return a member's text in a cell: the name, or the e-mail if another member has the same name."""
        member = self.by_id.get(id)
        if member is None:
            return ""
        return member.name if self.find(member.name) == id or not member.email else member.email


_CACHED = 10_000
"""The most texts of a column whose canonical form is cached; groups, people and statuses repeat."""


def cell_reader(field: str, people: TeamLookup) -> Callable[[str], str] | None:
    """Return the function that makes a field's cells canonical; None if :func:`read_text` is enough.

    It raises what :func:`canonical_cell` raises.
    """
    row = BY_NAME[field]
    if row.kind in READERS:
        return READERS[row.kind]
    if row.kind in ("person", "choice", "flag", "names"):
        cache: dict[str, str] = {}

        def read(text: str) -> str:
            found = cache.get(text)
            if found is None:
                found = canonical_cell(field, text, people)
                if len(cache) < _CACHED:
                    cache[text] = found
            return found

        return read
    return None


def canonical_cell(field: str, text: str, people: TeamLookup) -> str:
    """Return the canonical form of a cell.

    Raises:
        CellError: A spreadsheet has damaged it, or it is not an e-mail address.
        UnknownWord: Its word is not known.
    """
    row = BY_NAME[field]
    if row.kind in ("person", "choice", "flag"):
        read_text(text)
    if row.kind == "person":
        found = people.find(text)
        if not found:
            raise UnknownWord(f"no team member is called {text}")
        return found
    if row.kind == "choice":
        return _known_word(text, choice_words(row), f"is not a valid {row.label.lower()}")
    if row.kind == "flag":
        return _known_word(text, FLAG_WORDS, "is neither yes nor no")
    if row.kind == "names":
        return join_names(map(read_text, map(clean_cell, text.replace("\n", ";").split(";"))))
    return read_cell(row.kind, clean_cell(text))


def choice_words(field: Field) -> dict[str, str]:
    """Return the words for the values of a choice."""
    return {word: choice.value for choice in field.choices for word in (choice.value, *choice.also)}


class UnknownWord(ValueError):
    """A word that is not known: the cell is left out and reported, and the row is imported."""


def _known_word(text: str, words: Mapping[str, str], problem: str) -> str:
    found = words.get(text.casefold())
    if found is None:
        raise UnknownWord(f"{text} {problem}")
    return found


def join_names(names: Iterable[str]) -> str:
    """Return group names as one cell."""
    return "; ".join(dict.fromkeys(name for name in map(clean_cell, names) if name))


def is_spreadsheet_damage(field: str, old: str, new: str) -> bool:
    """Return whether ``new`` is ``old`` as a spreadsheet damages it: without its ``+`` or leading zeros."""
    row = BY_NAME.get(field)
    if row is None or row.kind not in _LIKE_NUMBERS or not re.fullmatch(r"\+?\d+", old) or old == new:
        return False
    return new == (old.lstrip("+").lstrip("0") or "0")


def client_cell(client: Client, key: str) -> str:
    """Return a client's canonical cell, by field or by the key of an unknown column."""
    return _record_cell(client, CLIENT_FIELDS, key)


def contact_cell(contact: Contact, key: str) -> str:
    """Return a contact's canonical cell, by field or by the key of an unknown column."""
    return _record_cell(contact, CONTACT_FIELDS, key)


def _record_cell(record: Client | Contact, fields: Mapping[str, Field], key: str) -> str:
    if key.startswith(EXTRA):
        return clean_cell(record.extra.get(key.removeprefix(EXTRA), ""))
    return _cell(fields[key].kind, getattr(record, key))


CONVERTED = {
    record: frozenset(
        field.attribute for field in COLUMNS if field.of == record and field.kind in ("names", "flag")
    )
    for record in ("client", "contact")
}
"""The fields of each record whose value is not the canonical cell itself."""


def value_of(field: Field, cell: str) -> Any:
    """Return a field's value for a canonical cell; an empty cell clears the field."""
    if field.kind == "names":
        return tuple(filter(None, (name.strip() for name in cell.split(";"))))
    if field.kind == "flag":
        return None if not cell and not field.required else cell == "yes"
    return cell


def _cell(kind: Kind, value: Any) -> str:
    if kind == "names":
        return join_names(value)
    if kind == "flag":
        return "" if value is None else "yes" if value else "no"
    return compact(clean_cell(value)) if kind in _ONE_LINE else clean_cell(value)


def client_cells(client: Client, people: TeamLookup) -> dict[str, str]:
    """Return all cells of a client that are not blank; keys of unknown columns begin with :data:`EXTRA`."""
    cells = _filled(CLIENT_FIELDS, _client_values(client))
    for name in PEOPLE:
        if name in cells and cells[name] not in people.by_id:
            del cells[name]
    return cells | _extra_cells(client.extra) if client.extra else cells


def contact_cells(contact: Contact) -> dict[str, str]:
    """Return all cells of a contact that are not blank."""
    cells = _filled(CONTACT_FIELDS, _contact_values(contact))
    return cells | _extra_cells(contact.extra) if contact.extra else cells


def changed_client_cells(
    client: Client, people: TeamLookup, known: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    """Yield field, old and new cell where a client differs from ``known``, without unknown columns."""
    return _changed(CLIENT_FIELDS, _client_values(client), known, people.by_id)


def changed_contact_cells(contact: Contact, known: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield field, old and new cell where a contact differs from ``known``, without unknown columns."""
    return _changed(CONTACT_FIELDS, _contact_values(contact), known, ())


def _changed(
    fields: Mapping[str, Field], values: Iterable[Any], known: Mapping[str, str], people: Collection[str]
) -> Iterator[tuple[str, str, str]]:
    for (name, field), value in zip(fields.items(), values, strict=True):
        old = known.get(name, "")
        # Known cells are canonical, so a text that equals its cell needs no conversion.
        if value == old and (name not in PEOPLE or not value or value in people):
            continue
        new = "" if value == "" else _cell(field.kind, value)
        if name in PEOPLE and new not in people:
            new = ""
        if new != old:
            yield name, old, new
    for key, old in known.items():
        if key not in fields and not key.startswith(EXTRA):
            yield key, old, ""


def _filled(fields: Mapping[str, Field], values: Iterable[Any]) -> dict[str, str]:
    cells = {}
    for (name, field), value in zip(fields.items(), values, strict=True):
        if value != "" and (cell := _cell(field.kind, value)):
            cells[name] = cell
    return cells


def _extra_cells(extra: Mapping[str, str]) -> dict[str, str]:
    cells = {f"{EXTRA}{heading}": clean_cell(text) for heading, text in extra.items()}
    return {key: text for key, text in cells.items() if text}
