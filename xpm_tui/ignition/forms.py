"""Ignition's CSV forms: their fields, the headings for export, and the headings that are recognised.

Sources: Ignition's help pages "Import and edit your clients in bulk" (Client ID, Contact ID, Client Name,
Contact Name, Contact Email; the last three are required) and "How to export active services". Other columns
of a practice's file depend on its plan, so every other heading is a synonym or an unknown column.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from xpm_tui.domain import fields
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.safe_text import visible
from xpm_tui.ignition.cells import choice_words
from xpm_tui.ignition.csv_text import normalise_heading
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    import difflib

FormName = Literal["clients", "services", "team", "proposals"]

IGNORE = "ignore"
"""The field name to which a heading is mapped to skip its column."""


@dataclass(frozen=True)
class FormField:
    """A field of a form.

    Attributes:
        also: Its other headings, normalised by :func:`normalise_heading`.
        kind: Selects the reader of its cells.
        doubtful: Headings that count only if ``fits`` accepts the values of the column.
        must_fit: Whether this applies to all headings.
        fits: Returns whether the values of a column can be values of the field.
        like: Matches headings that are read as this field if no other column is, because leaving the column
            out would be worse.
    """

    name: str
    heading: str
    also: tuple[str, ...] = ()
    kind: str = "text"
    doubtful: tuple[str, ...] = ()
    must_fit: bool = False
    fits: Callable[[Sequence[str]], bool] = lambda values: True
    like: re.Pattern[str] | None = None


@dataclass(frozen=True)
class CsvForm:
    """A form: its fields in the order of export; a file must have one of the fields in ``needs``."""

    name: FormName
    fields: tuple[FormField, ...]
    needs: tuple[str, ...]
    by_name: Mapping[str, FormField] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {field.name: field for field in self.fields})

    def headings(self) -> list[str]:
        """Return all headings that are recognised."""
        return [heading for field in self.fields for heading in (field.heading, *field.also)]


_STATUS = re.compile(
    r"^(?!.*\b(client|contact|payment|invoic\w*|billing|tax|job|sync|xero|xpm|address|import|e ?mail)\b)"
    r".*(statu[st]|\b(stage|phase|lifecycle|outcome|acceptance|estado|stato)\b)"
)
"""The headings of a proposal's status; without a status, a proposal counts as accepted."""
_YES_NO = {"yes", "no", "true", "false", "y", "n", "1", "0"}


def _all_in(words: set[str]) -> Callable[[Sequence[str]], bool]:
    def fits(values: Sequence[str]) -> bool:
        filled = [value.strip().casefold() for value in values if value.strip()]
        return bool(filled) and all(value in words for value in filled)

    return fits


def _fits(row: fields.Field) -> Callable[[Sequence[str]], bool]:
    """Return a function that tells whether the values of a column are words of the field's kind."""
    if row.kind == "flag":
        return _all_in(_YES_NO)
    return _all_in(set(choice_words(row))) if row.kind == "choice" else lambda values: True


def _client_columns() -> Iterator[FormField]:
    for row in fields.COLUMNS:
        if row.csv is not None:
            csv = row.csv
            yield FormField(row.name, csv.heading, csv.also, row.kind, csv.doubtful, csv.must_fit, _fits(row))
            yield from (FormField(part.name, part.heading, part.also) for part in csv.parts)


AS_OF = "as_of"
"""The column of any form with the time to which the values of a row apply; it is not a field of a record."""

_AS_OF_HEADINGS = ("as of", "asof")

RECORD = "record"
"""The column with our own ids, which identify the rows of a spreadsheet that was written here."""

CLIENTS = CsvForm(
    "clients",
    (*_client_columns(), FormField(RECORD, "xpm-tui record")),
    ("client_id", "name", "contact_id", RECORD),
)

SERVICES = CsvForm(
    "services",
    (
        FormField("service_id", "Service ID", ("id",), "id"),
        FormField("name", "Service Name", ("service", "name", "title")),
    ),
    ("name",),
)

TEAM = CsvForm(
    "team",
    (
        FormField("name", "Name", ("full name", "user", "user name", "team member", "staff name", "staff")),
        FormField("first_name", "First Name", ("given name", "given names")),
        FormField("last_name", "Last Name", ("surname", "family name")),
        FormField(
            "email", "Email", ("e mail", "email address", "user email", "login", "login email"), "email"
        ),
        FormField("access", "Access", ("has access", "login access", "can sign in")),
        FormField("active", "Status", ("active", "state", "is active")),
    ),
    ("name", "first_name", "email"),
)

PROPOSALS = CsvForm(
    "proposals",
    (
        FormField("number", "Proposal Number", (
            "proposal id", "proposal ref", "proposal reference", "number", "proposal", "reference",
        ), "id"),
        FormField("name", "Proposal Name", ("proposal title", "title")),
        FormField("client_id", "Client ID", ("ignition client id",), "id"),
        FormField("client_reference", "Client Reference", ("client number", "client ref")),
        FormField("client_name", "Client Name", ("client", "company name", "company")),
        FormField("contact_email", "Contact Email", (
            "email", "client email", "contact email address",
        ), "email"),
        FormField("state", "Proposal Status", (
            "status", "state", "service status", "proposal state",
        ), like=_STATUS),
        FormField("accepted", "Accepted Date", (
            "accepted", "acceptance date", "accepted on", "date accepted",
        ), "date"),
        FormField("start", "Start Date", (
            "start", "service start date", "service start", "starts", "effective date", "proposal start date",
            "effective start date",
        ), "date"),
        FormField("end", "End Date", (
            "end", "service end date", "service end", "ends", "expiry date", "expires", "contract end date",
            "proposal end date", "minimum contract end date",
        ), "date"),
        FormField("project", "Project Name", ("project", "project title")),
        FormField("entity", "Project Client", (
            "project client name", "project entity", "entity", "entity name", "entity client",
            "entity client name", "job client", "client entity",
        )),
        FormField("entity_id", "Project Client ID", (
            "project entity id", "entity id", "entity client id", "job client id",
        ), "id"),
        FormField("service", "Service Name", ("service",)),
        FormField("service_id", "Service ID", (), "id"),
        FormField("billing", "Billing Type", ("billing", "billing frequency", "billing mode", "frequency")),
        FormField("price", "Price", (
            "amount", "value", "service price", "total", "net price", "price ex tax",
        )),
        FormField("quantity", "Quantity", ("qty", "units")),
        FormField("partner", "Partner", ("client partner",)),
        FormField("manager", "Manager", ("client manager", "job manager", "proposal manager")),
    ),
    ("number", "name", "client_name", "client_id"),
)  # fmt: skip

SERVICE_FIELDS = (
    "service", "service_id", "start", "end", "billing", "price", "quantity", "project", "entity", "entity_id",
)  # fmt: skip
"""The fields of a proposal's row that belong to its service."""

FORMS: dict[str, CsvForm] = {form.name: form for form in (CLIENTS, SERVICES, TEAM, PROPOSALS)}


@dataclass(frozen=True)
class FileColumn:
    """A column of a file: ``field`` is empty if unknown; ``heading`` is unique within the file.

    ``guessed``: the heading is only similar to one of the field.
    """

    index: int
    heading: str
    field: str = ""
    ignored: bool = False
    guessed: bool = False


def match_columns(
    form: CsvForm, headings: Sequence[str], samples: Sequence[Sequence[str]], mapping: Mapping[str, str]
) -> tuple[FileColumn, ...]:
    """Return the columns of a file with their fields.

    ``mapping`` gives fields by heading. Mapped headings come first, then the form's own headings, synonyms,
    and headings that are only similar. Of two columns for one field, the better match gets it, and the other
    is kept as an unknown column.

    Raises:
        BadInput: The mapping names an unknown field, or the form needs a column that is missing.
    """
    unique = _unique(headings)
    mapped = {normalise_heading(heading): _field(form, name) for heading, name in mapping.items()}
    taken: dict[str, int] = {}
    guessed: set[int] = set()
    words = [normalise_heading(heading) for heading in headings]
    ignored = {at for at, word in enumerate(words) if mapped.get(word) == IGNORE}
    time_column = next(
        (at for at, word in enumerate(words) if word in _AS_OF_HEADINGS and word not in mapped), -1
    )
    ignored |= {time_column}
    for rank in range(4):
        for at, word in enumerate(words):
            if at in ignored or at in taken.values() or (rank and word in mapped):
                continue
            name = _match(form, word, [row[at] for row in samples if at < len(row)], mapped, rank)
            if name and name not in taken:
                taken[name] = at
                guessed |= {at} if rank == 3 else set()
    if not any(name in taken for name in form.needs):
        raise _none_usable(form, headings)
    by_index = {at: name for name, at in taken.items()}
    return tuple(
        FileColumn(
            at, heading, AS_OF if at == time_column else by_index.get(at, ""), at in ignored, at in guessed
        )
        for at, heading in enumerate(unique)
    )


def parse_mapping(text: str) -> tuple[str, str]:
    """Return ``Heading=field`` as a pair.

    Raises:
        BadInput: The text has another form.
    """
    heading, sign, name = text.rpartition("=")
    if not sign or not heading.strip():
        raise BadInput(
            f"{visible(text, 80)} is not a mapping.",
            hint="Write the heading, =, and a field: 'Tel=contact_phone'.",
        )
    return heading.strip(), name.strip()


def _match(form: CsvForm, heading: str, values: Sequence[str], mapped: Mapping[str, str], rank: int) -> str:
    if rank == 0:
        return mapped.get(heading, "")
    if rank == 3:
        return next((field.name for field in form.fields if field.like and field.like.search(heading)), "")
    if rank == 2:
        for field in form.fields:
            if heading in field.doubtful and field.fits(values):
                return field.name
    for field in form.fields:
        if heading not in ({normalise_heading(field.heading)} if rank == 1 else field.also):
            continue
        if not field.must_fit or field.fits(values):
            return field.name
    return ""


def _field(form: CsvForm, field_name: str) -> str:
    if field_name.casefold() in ("", "-", IGNORE):
        return IGNORE
    by_heading = {normalise_heading(field.heading): field.name for field in form.fields}
    name = field_name.strip().casefold()
    found = name if name in form.by_name else by_heading.get(normalise_heading(field_name), "")
    if not found:
        similar = difflib.get_close_matches(name, form.by_name, 1, 0.5)
        raise BadInput(
            f"There is no field {visible(field_name, 60)} in the form for {form.name}.",
            hint=f"Did you mean {similar[0]}?" if similar else f"The fields are {', '.join(form.by_name)}.",
        )
    return found


def _unique(headings: Sequence[str]) -> list[str]:
    seen: dict[str, int] = {}
    unique = []
    for at, heading in enumerate(headings, 1):
        name = heading.strip() or f"Column {at}"
        seen[name.casefold()] = seen.get(name.casefold(), 0) + 1
        number = seen[name.casefold()]
        unique.append(name if number == 1 else f"{name} ({number})")
    return unique


def _none_usable(form: CsvForm, headings: Sequence[str]) -> BadInput:
    found = ", ".join(str(visible(re.sub(r"\s+", " ", heading), 40)) for heading in headings[:12] if heading)
    more = f" and {len(headings) - 12} more" if len(headings) > 12 else ""
    needed = " or ".join(form.by_name[name].heading for name in form.needs)
    example = "name" if "name" in form.needs else form.needs[0]
    return BadInput(
        f"No column of the file can be used for {form.name}. Found: {found or 'no headings'}{more}. "
        f"Needed: {needed}.",
        hint=f"If one of them is the right column, use: --map 'Heading={example}'.",
    )
