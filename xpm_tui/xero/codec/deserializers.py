"""Converts elements of Practice Manager 3.1 replies to domain values, by name and never by position.

Names and values are those of Xero's Practice Manager 3.1 pages and of recorded replies. Absent and empty
elements are the same, and unknown elements are ignored. An invalid value raises a ``ShapeFault`` with its
place: it is never dropped. Invalid fields of a client are set aside one by one (``XpmClient.unread``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import date
from functools import lru_cache, partial
from typing import Any, TypeAlias

from xpm_tui.domain.fields import CLIENT, CONTACT, Field, Kind
from xpm_tui.domain.secret import Masked, looks_masked
from xpm_tui.domain.xpm import (
    ESSENTIAL,
    Category,
    FaultKind,
    Quarantined,
    RecordFault,
    RecordReference,
    Staff,
    Task,
    Template,
    XpmClient,
    XpmContact,
    XpmJob,
)
from xpm_tui.xero.codec.xml_characters import invalid_characters

Element: TypeAlias = Any
"""An ``lxml.etree._Element``; not imported here, so that these functions need no parser."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NUMBER = re.compile(r"/client/([0-9]+)(?:[/?#]|\Z)", re.IGNORECASE)
_FLAGS = {"Yes": True, "No": False}
_LOOSE_FLAGS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}

Values: TypeAlias = dict[str, Any]
Table: TypeAlias = dict[str, str | tuple[str, Callable[[Element], Any]]]
"""The field for the text of each element, or a field and a reader of the whole element."""


class ShapeFault(Exception):
    """What is wrong with an element and where, relative to the record; the reader adds the rest."""

    def __init__(self, where: str, problem: str, kind: FaultKind) -> None:
        super().__init__(f"{where}: {problem}")
        self.where = where
        self.problem = problem
        self.kind: FaultKind = kind

    def of(self, attribute: str) -> RecordFault:
        """Return it as a fault of an attribute of our record."""
        return RecordFault(attribute, self.where, self.problem, self.kind)


def clean(text: str) -> str:
    r"""Return the canonical text: NFC, line feeds, and the empty text for white space alone."""
    if not text.isascii() or "\r" in text:
        text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    return "" if text.isspace() else text


def read(element: Iterable[Element], table: Table, values: Values) -> None:
    """Read the children of ``element`` that ``table`` names into ``values``, as texts or whole parts."""
    # The hottest loop of the package: about 70 iterations for each client of a detailed list.
    place_of = table.get
    for child in element:
        place = place_of(child.tag)
        if place is None:
            continue
        if place.__class__ is not str:
            _part(child, place, values)
            continue
        text = child.text
        if len(child):
            raise ShapeFault(child.tag, "contains elements instead of a text", "not-text")
        if text:
            if text < "!" or not text.isascii() or "\r" in text:
                text = clean(text)
                if not text:
                    continue
                if not text.isascii() and (problem := invalid_characters(text)):
                    raise ShapeFault(child.tag, f"has {problem}", "character")
            if place in values and values[place] != text:
                raise ShapeFault(child.tag, "occurs twice with different values", "two-values")
            values[place] = text


def _part(child: Element, place: Any, values: Values) -> None:
    field, reader = place
    if field in values:
        raise ShapeFault(child.tag, "occurs twice", "two-values")
    try:
        values[field] = reader(child)
    except ShapeFault as fault:
        if fault.where.startswith(f"{child.tag}/"):
            raise
        raise _inside(child.tag, fault) from None


def _normalise_uuid(values: Values) -> None:
    """Change the UUID in ``values`` to lower case; raise ``ShapeFault`` if it is missing or malformed."""
    values["uuid"] = _uuid(values.get("uuid", ""))


def _uuid(text: str) -> str:
    if _UUID.fullmatch(text) is not None:
        return text
    lowered = text.strip().lower()
    if not lowered:
        raise ShapeFault("UUID", "is missing", "missing-uuid")
    if _UUID.fullmatch(lowered) is None:
        raise ShapeFault("UUID", "is not a UUID", "bad-uuid")
    return lowered


def _identifiers(element: Element) -> tuple[str, str, str]:
    """Return UUID, name and number of a record that cannot be read; each is empty if it is invalid."""
    texts: dict[str, str] = {}
    for child in element.iterchildren("UUID", "Name", "ID", "WebUrl"):
        text = clean(child.text or "").strip()
        if text and (text.isascii() or not invalid_characters(text)):
            texts.setdefault(child.tag, text)
    uuid = texts.get("UUID", "").lower()
    number = _NUMBER.search(texts.get("WebUrl", "")) if element.tag == "Client" else None
    return (
        uuid if _UUID.fullmatch(uuid) else "",
        texts.get("Name", "")[:200],
        number.group(1) if number is not None else texts.get("ID", "")[:40] if element.tag == "Job" else "",
    )


def quarantined(element: Element, *faults: RecordFault) -> Quarantined:
    """Return the record of an element as one that was set aside because of ``faults``."""
    uuid, name, number = _identifiers(element)
    return Quarantined(kind=element.tag, uuid=uuid, name=name, number=number, faults=faults)


def _read_flag(values: Values, field: str, tag: str) -> None:
    """Change a Yes/No text to a bool in place; a missing or empty one keeps the record's default."""
    text = values.get(field)
    if text == "No":
        values[field] = False
        return
    if not text:
        values.pop(field, None)
        return
    value = _FLAGS.get(text)
    if value is None:
        value = _LOOSE_FLAGS.get(text.strip().lower())
    if value is None:
        raise ShapeFault(tag, "is neither Yes nor No", "not-yes-or-no")
    values[field] = value


def _require(values: Values, field: str, tag: str) -> None:
    if not values.get(field):
        kind: FaultKind = "missing-number" if field == "number" else "missing-name"
        raise ShapeFault(tag, "is missing or empty", kind)


_NAMED: Table = {"UUID": "uuid", "Name": "name"}


def record_reference(element: Element) -> RecordReference | None:
    """Return a reference to a staff member, group or client; None for an empty element."""
    values: Values = {}
    read(element, _NAMED, values)
    if not values:
        return None
    return _shared_reference(values.get("uuid", ""), values.get("name", ""))


@lru_cache(maxsize=4096)
def _shared_reference(uuid: str, name: str) -> RecordReference:
    # The same few references occur in thousands of clients, so they share one value.
    return RecordReference(uuid=_uuid(uuid), name=name)


def _element_position(member: Element) -> str:
    n = 1 + sum(1 for _ in member.itersiblings(member.tag, preceding=True))
    return f"{member.getparent().tag}/{member.tag}[{n}]"


def _inside(where: str, fault: ShapeFault) -> ShapeFault:
    return ShapeFault(f"{where}/{fault.where}", fault.problem, fault.kind)


def _references(tag: str, element: Element) -> tuple[RecordReference, ...]:
    """Return the references with this tag in a list, in order and without duplicates."""
    out: dict[str, RecordReference] = {}
    for child in element.iterchildren(tag):
        try:
            member = record_reference(child)
        except ShapeFault as fault:
            raise _inside(_element_position(child), fault) from None
        if member is None:
            raise ShapeFault(_element_position(child), "has neither UUID nor name", "unnamed-member")
        out.setdefault(member.uuid, member)
    return tuple(out.values())


_READERS: dict[Kind, Callable[[Field], Callable[[Element], Any]]] = {
    "person": lambda field: record_reference,
    "client": lambda field: record_reference,
    "names": lambda field: partial(_references, field.xpm.member if field.xpm else ""),
    "contacts": lambda field: contacts,
}
"""Readers of whole elements, for kinds that are more than a text."""


def _table(fields: Iterable[Field], **others: str) -> Table:
    """Return the table of the elements for these fields, and of the ``others`` by element."""
    table: Table = dict(others)
    for field in fields:
        reader = _READERS.get(field.kind)
        for element in field.xpm.read if field.xpm else ():
            table[element] = field.attribute if reader is None else (field.attribute, reader(field))
    return table


def _of_kind(fields: Iterable[Field], kind: Kind) -> tuple[tuple[str, str], ...]:
    """Return attribute and element of the fields of one kind."""
    return tuple((field.attribute, field.xpm.read[0]) for field in fields if field.kind == kind and field.xpm)


_CONTACT: Table = _table(CONTACT.values(), UUID="uuid")
_CONTACT_FLAGS = _of_kind(CONTACT.values(), "flag")


def contact(element: Element, outer_url: str = "") -> XpmContact:
    """Return a ``Contact``, from a client or from the reply to a contact call."""
    values: Values = {}
    read(element, _CONTACT, values)
    _normalise_uuid(values)
    for attribute, element_name in _CONTACT_FLAGS:
        _read_flag(values, attribute, element_name)
    return XpmContact(**values)


def contacts(element: Element) -> tuple[XpmContact, ...]:
    """Return the ``Contacts`` of a client; duplicates are rejected."""
    out: dict[str, XpmContact] = {}
    for child in element.iterchildren("Contact"):
        try:
            member = contact(child)
        except ShapeFault as fault:
            raise _inside(_element_position(child), fault) from None
        if member.uuid in out:
            problem = f"has the same UUID as another contact of the client ({member.uuid})"
            raise ShapeFault(_element_position(child), problem, "twice")
        out[member.uuid] = member
    return tuple(out.values())


_CLIENT: Table = _table(CLIENT.values(), UUID="uuid", WebUrl="web_url")
_CLIENT_FLAGS = _of_kind(CLIENT.values(), "flag")
_CLIENT_MASKED = _of_kind(CLIENT.values(), "masked")


def client(element: Element, outer_url: str = "") -> XpmClient:
    """Return a ``Client``, plain or detailed; ``outer_url`` is a WebUrl next to ``Status``.

    Raises:
        ShapeFault: An essential part of it cannot be read. Other parts that cannot be read are in ``unread``.
    """
    values: Values = {}
    try:
        read(element, _CLIENT, values)
        for attribute, element_name in _CLIENT_FLAGS:
            _read_flag(values, attribute, element_name)
    except ShapeFault:
        values = _sound_parts(element)
    _normalise_uuid(values)
    _require(values, "name", "Name")
    for attribute, _ in _CLIENT_MASKED:
        text = values.pop(attribute, "")
        if text:
            values[attribute] = _masked(text)
    url = values.get("web_url") or outer_url
    if url:
        values["web_url"] = url
        number = _NUMBER.search(url)
        if number is not None:
            values["number"] = number.group(1)
    return XpmClient(**values)


def _sound_parts(element: Element) -> Values:
    """Read a client part by part; those that cannot be read are left out and named in ``unread``."""
    values: Values = {}
    faults: dict[str, RecordFault] = {}

    def set_aside(attribute: str, fault: ShapeFault) -> None:
        if attribute in ESSENTIAL:
            raise fault
        faults.setdefault(attribute, fault.of(attribute))

    for child in element:
        place = _CLIENT.get(child.tag)
        if place is not None:
            try:
                read((child,), _CLIENT, values)
            except ShapeFault as fault:
                set_aside(place if isinstance(place, str) else place[0], fault)
    for attribute, element_name in _CLIENT_FLAGS:
        try:
            _read_flag(values, attribute, element_name)
        except ShapeFault as fault:
            set_aside(attribute, fault)
    for attribute in faults:
        values.pop(attribute, None)
    values["unread"] = tuple(faults[attribute] for attribute in sorted(faults))
    return values


def _masked(text: str) -> Masked:
    # Xero masks tax numbers. An unmasked one is masked here, so that it is never stored.
    return Masked(shown=text.strip() if looks_masked(text) else "******" + text.strip()[-3:])


_STAFF: Table = {"UUID": "uuid", "Name": "name", "Email": "email", "Phone": "phone", "Mobile": "mobile"}


def staff(element: Element, outer_url: str = "") -> Staff:
    """Return a ``Staff`` of ``StaffList``."""
    return Staff(**_record(element, _STAFF))


def template(element: Element, outer_url: str = "") -> Template:
    """Return a job ``Template``."""
    return Template(**_record(element, _NAMED))


def category(element: Element, outer_url: str = "") -> Category:
    """Return a job ``Category``."""
    return Category(**_record(element, _NAMED))


def _record(element: Element, leaves: Table) -> Values:
    values: Values = {}
    read(element, leaves, values)
    _normalise_uuid(values)
    _require(values, "name", "Name")
    return values


_TASK: Table = {
    "UUID": "uuid",
    "Name": "name",
    "TaskUUID": "task_uuid",
    "EstimatedMinutes": "minutes",
    "Completed": "completed",
}


def task(element: Element) -> Task:
    """Return a ``Task`` of a job."""
    values = _record(element, _TASK)
    _read_flag(values, "completed", "Completed")
    if "minutes" in values:
        text = values["minutes"].strip()
        if re.fullmatch(r"[0-9]{1,9}(?:\.0*)?", text) is None:
            raise ShapeFault("EstimatedMinutes", "is not a whole number", "not-a-number")
        values["minutes"] = int(text.partition(".")[0])
    if values.get("task_uuid"):
        values["task_uuid"] = values["task_uuid"].strip().lower()
    return Task(**values)


def tasks(element: Element) -> tuple[Task, ...]:
    """Return the ``Tasks`` of a job."""
    out = []
    for child in element.iterchildren("Task"):
        try:
            out.append(task(child))
        except ShapeFault as fault:
            raise _inside(_element_position(child), fault) from None
    return tuple(out)


_JOB: Table = {
    "ID": "number",
    "UUID": "uuid",
    "Name": "name",
    "Description": "description",
    "ClientOrderNumber": "order_number",
    "Budget": "budget",
    "State": "state",
    "Type": "category",
    "StartDate": "start",
    "DueDate": "due",
    "CompletedDate": "completed",
    "WebUrl": "web_url",
    "Client": ("client", record_reference),
    "Manager": ("manager", record_reference),
    "Partner": ("partner", record_reference),
    "Assigned": ("assigned", partial(_references, "Staff")),
    "Tasks": ("tasks", tasks),
}


def job(element: Element, outer_url: str = "") -> XpmJob:
    """Return a ``Job``, plain or detailed; ``outer_url`` is a WebUrl next to ``Status``."""
    values: Values = {}
    read(element, _JOB, values)
    if values.get("uuid"):
        _normalise_uuid(values)
    values["number"] = values.get("number", "").strip()
    _require(values, "number", "ID")
    _require(values, "name", "Name")
    for field, tag in (("start", "StartDate"), ("due", "DueDate"), ("completed", "CompletedDate")):
        if field in values:
            values[field] = _day(values[field], tag)
    if not values.get("web_url") and outer_url:
        values["web_url"] = outer_url
    return XpmJob(**values)


def _day(text: str, tag: str) -> date | None:
    # yyyy-MM-dd, with or without a time, which has no zone and is always midnight.
    text = text.strip()
    if not text:
        return None
    try:
        if len(text) > 10 and text[10] not in "T ":
            raise ValueError
        return date.fromisoformat(text[:10])
    except ValueError:
        raise ShapeFault(tag, "is not a date (yyyy-MM-dd)", "not-a-date") from None
