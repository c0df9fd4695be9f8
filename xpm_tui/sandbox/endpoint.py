"""Calls of Practice Manager endpoints, their replies, and the encoding of both as XML or flat JSON.

JSON is derived from the same fragments as XML. Practice Manager returns errors in an envelope of its own;
the errors of the gateway before it are in :mod:`~xpm_tui.sandbox.http`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal
from xml.sax.saxutils import quoteattr

from lxml import etree

from xpm_tui.sandbox.clock import SequentialIds
from xpm_tui.sandbox.http import HttpRequest
from xpm_tui.sandbox.records import ClientRecord, Job, SandboxPractice, StaffRecord
from xpm_tui.sandbox.switches import Switches
from xpm_tui.sandbox.xml import el, escape, has_illegal_character, parse, pretty

LISTS = frozenset(
    "Clients Contacts Notes Groups Relationships Jobs Assigned Tasks Milestones Comments Templates Categories"
    " StaffList TaskList JobStates".split()
)
_WHOLE = frozenset(
    "BalanceMonth PaymentDay NumberOfShares EstimatedMinutes ActualMinutes AllocatedMinutes".split()
)
_DECIMAL = frozenset("CostMarkup Percentage ProvisionalTaxRatio Budget".split())
_FLAGS = frozenset("Completed Billable".split())
_SPECIAL = {
    "UUID": "uuid",
    "ID": "id",
    "GSTRegistered": "gstRegistered",
    "PrepareGST": "prepareGst",
    "GSTPeriod": "gstPeriod",
    "GSTBasis": "gstBasis",
    "InternalID": "internalId",
    "Opt-Out": "opt-out",
    "TaskUUID": "taskUuid",
    "TemplateUUID": "templateUuid",
}
_ELEMENT_NAMES = {json_name: name for name, json_name in _SPECIAL.items()}


def to_json_name(name: str) -> str:
    """Return the camelCase name of an element."""
    return _SPECIAL.get(name) or name[0].lower() + name[1:]


def to_element_name(name: str) -> str:
    """Return the element name of a JSON member; lower-case names of assignments are unchanged."""
    if name in _ELEMENT_NAMES:
        return _ELEMENT_NAMES[name]
    if "-" in name or name in ("add", "remove"):
        return name
    upper = name[:1].upper() + name[1:]
    return upper.removesuffix("Uuid") + "UUID" if upper.endswith("Uuid") else upper


def to_json(fragment: str) -> object:
    """Return the JSON value of a record's XML fragment."""
    return _value(etree.fromstring(fragment))


def _value(element: etree._Element) -> object:
    name = str(element.tag)
    if name in LISTS:
        return [_value(child) for child in element]
    if len(element):
        return {to_json_name(str(child.tag)): _value(child) for child in element}
    text = element.text or ""
    if name in _FLAGS:
        return text == "true"
    if text and name in _WHOLE:
        return int(text)
    if text and name in _DECIMAL:
        return float(text)
    return text


CHUNK = 64 * 1024
_WEB_URL = re.compile(r"<WebUrl>[^<]*</WebUrl>(?=</\w+>$)")
DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'


@dataclass(frozen=True, slots=True)
class Reply:
    """The content of a reply.

    `rows` are rendered one by one while the body is read. Without `wrapper` there is one row, or none for
    "status only".
    """

    method: str
    rows: Sequence[Any] = ()
    render: Callable[[Any], str] = str
    wrapper: str | None = None
    first_link: str | None = None
    next_link: str | None = None


def in_chunks(pieces: Iterator[str]) -> Iterator[bytes]:
    """Yield UTF-8 chunks of about 64 KB from small pieces."""
    waiting: list[str] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= CHUNK:
            yield "".join(waiting).encode("utf-8")
            waiting, size = [], 0
    if waiting:
        yield "".join(waiting).encode("utf-8")


def as_xml(reply: Reply, *, url_beside_status: bool = False, indented: bool = False) -> Iterator[str]:
    """Yield the XML of a reply.

    `url_beside_status` moves the WebUrl of a single record next to Status; `indented` adds a declaration and
    white space.
    """
    shape = _indent if indented else str
    yield f'{DECLARATION if indented else ""}<Response api-method="{reply.method}"><Status>OK</Status>'
    if reply.wrapper is None:
        for row in reply.rows:
            fragment = reply.render(row)
            found = _WEB_URL.search(fragment) if url_beside_status else None
            if found:
                fragment = fragment.replace(found.group(), "")
                yield found.group()
            yield shape(fragment)
    elif not reply.rows:
        yield f"<{reply.wrapper} />"
    else:
        yield f"<{reply.wrapper}>"
        for row in reply.rows:
            yield shape(reply.render(row))
        yield f"</{reply.wrapper}>"
    if reply.first_link is not None:
        yield f"<Pagination><Links>{el('First', reply.first_link)}"
        yield f"{el('Next', reply.next_link) if reply.next_link else ''}</Links></Pagination>"
    yield "</Response>"


def as_json(reply: Reply) -> Iterator[str]:
    """Yield the flat JSON object: `status`, then the record or list under its own name."""
    yield '{"status":"OK"'
    if reply.wrapper is None:
        for row in reply.rows:
            fragment = reply.render(row)
            name = to_json_name(fragment[1 : fragment.index(">")])
            yield f',"{name}":{json.dumps(to_json(fragment), ensure_ascii=False)}'
    else:
        yield f',"{to_json_name(reply.wrapper)}":['
        for index, row in enumerate(reply.rows):
            yield ("," if index else "") + json.dumps(to_json(reply.render(row)), ensure_ascii=False)
        yield "]"
    if reply.first_link is not None:
        links = {"first": reply.first_link} | ({"next": reply.next_link} if reply.next_link else {})
        yield f',"pagination":{json.dumps({"links": links})}'
    yield "}"


def error_xml(method: str, text: str) -> bytes:
    """Return the XML envelope of an application error."""
    return (
        f'<Response api-method="{method}"><Status>ERROR</Status>'
        f"<ErrorDescription>{escape(text)}</ErrorDescription></Response>"
    ).encode()


def error_json(text: str) -> bytes:
    """Return an application error as flat JSON."""
    return json.dumps({"status": "ERROR", "errorDescription": text}, ensure_ascii=False).encode()


def _indent(fragment: str) -> str:
    return "\n" + pretty(fragment) + "\n"


class ApplicationError(Exception):
    """An error of Practice Manager. `kind` determines the HTTP status under the switch `error_status`."""

    def __init__(self, text: str, kind: Literal["identifier", "parameter", "conflict", "unknown"]) -> None:
        super().__init__(text)
        self.text = text
        self.kind = kind

    @classmethod
    def parameter(cls, text: str) -> ApplicationError:
        """Return the error for an invalid parameter."""
        return cls(text, "parameter")

    @classmethod
    def identifier(cls, text: str) -> ApplicationError:
        """Return the error for an unknown identifier."""
        return cls(text, "identifier")

    @classmethod
    def unknown(cls, text: str) -> ApplicationError:
        """Return the error for a UUID in a path that does not exist."""
        return cls(text, "unknown")


_DAY_IN = re.compile(r"\d{8}")


class Fields:
    """An element of a request.

    An absent child is None, an empty one is an empty text: in an update the two mean different things.
    """

    def __init__(self, element: etree._Element) -> None:
        self._element = element

    def __contains__(self, name: str) -> bool:
        return self._element.find(name) is not None

    @property
    def name(self) -> str:
        """The element's tag."""
        return str(self._element.tag)

    def text(self, name: str) -> str | None:
        """Return the text of a child, or None if it is absent."""
        found = self._element.find(name)
        return None if found is None else "".join(map(str, found.itertext()))

    def filled(self, name: str) -> str | None:
        """Return the text of a child, or None if it is absent or blank."""
        text = self.text(name)
        return text.strip() or None if text else None

    def required(self, name: str) -> str:
        """Return the text of a child.

        Raises:
            ApplicationError: It is absent or blank (a parameter error).
        """
        text = self.text(name)
        if text is None or not text.strip():
            raise ApplicationError.parameter(f"Required parameter '{name}' is missing")
        return text

    def uuid(self, name: str) -> str | None:
        """Return a UUID in lower case, or None if it is absent or blank."""
        text = self.filled(name)
        return None if text is None else text.lower()

    def day(self, name: str) -> str | None:
        """Return a `yyyyMMdd` day as `yyyy-MM-dd`, or None if it is absent or blank."""
        text = self.filled(name)
        return None if text is None else read_day(name, text)

    def inside(self, *names: str) -> Fields | None:
        """Return the element at the end of a path of children, or None if it is absent."""
        found = self._element.find("/".join(names))
        return None if found is None else Fields(found)

    def elements(self, *names: str) -> list[Fields]:
        """Return all elements at a path of children."""
        return [Fields(found) for found in self._element.findall("/".join(names))]

    def children(self) -> Iterator[Fields]:
        """Yield the children in document order."""
        return (Fields(child) for child in self._element)

    def attribute(self, name: str) -> str | None:
        """Return an attribute, trimmed and in lower case, or None if it is absent."""
        value = self._element.get(name)
        return None if value is None else str(value).strip().lower()


def read_day(name: str, text: str) -> str:
    """Return a day in Practice Manager's input format as `yyyy-MM-dd`.

    Raises:
        ApplicationError: It is invalid; the message names the parameter and the format.
    """
    if _DAY_IN.fullmatch(text):
        try:
            return datetime.strptime(text, "%Y%m%d").strftime("%Y-%m-%d")
        except ValueError:
            pass
    raise ApplicationError.parameter(
        f"Required parameter '{name}' should be specified in the format 'yyyyMMdd'"
    )


def read_body(body: bytes, media_type: str, root: str) -> Fields:
    """Return the fields of a request body.

    Raises:
        ApplicationError: It cannot be read, or its root element is another one.
    """
    try:
        element = _from_json(body, root) if media_type == "application/json" else parse(body)
    except ValueError as error:
        raise ApplicationError.parameter(str(error)) from error
    if element.tag != root:
        raise ApplicationError.parameter(f"The request body must have the root element {root}")
    return Fields(element)


def _from_json(body: bytes, root: str) -> etree._Element:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError("The request body is not well-formed JSON.") from error
    if not isinstance(value, dict):
        raise ValueError("The request body must be a JSON object.")
    return parse(_element(root, value).encode("utf-8"))


_SINGULAR = {"Contacts": "Contact", "Tasks": "Task", "Assigned": "Staff"}
_BY_ATTRIBUTE = {"add", "remove", "add-manager", "remove-manager", "add-partner", "remove-partner"}


def _element(name: str, value: object) -> str:
    """Return a JSON member as an element; members of assignments become attributes."""
    if isinstance(value, list):
        if name in _BY_ATTRIBUTE:
            return "".join(_element(name, item) for item in value)
        return f"<{name}>{''.join(_element(_SINGULAR.get(name, name), item) for item in value)}</{name}>"
    if isinstance(value, Mapping):
        if name in _BY_ATTRIBUTE:
            return f"<{name} {' '.join(f'{key}={quoteattr(str(item))}' for key, item in value.items())}/>"
        return (
            f"<{name}>{''.join(_element(to_element_name(key), item) for key, item in value.items())}</{name}>"
        )
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    if has_illegal_character(text):
        raise ValueError(f"{name} holds a character that cannot be stored.")
    return f"<{name}>{escape(text)}</{name}>"


Family = Literal["client", "job", "staff", "list"]
"""The group of scopes that opens an endpoint; `list` needs a broad one."""


@dataclass(frozen=True)
class Call:
    """A call that has passed the gateway: the request, the practice and the time."""

    request: HttpRequest
    practice: SandboxPractice
    switches: Switches
    now: float
    api_url: str
    path: tuple[str, ...] = ()
    """The values of `{}` in the route, in order."""
    root: str = ""

    @property
    def parameters(self) -> dict[str, str]:
        """The query parameters of the request."""
        return self.request.parameters

    @property
    def ids(self) -> SequentialIds:
        """The practice's generator of ids."""
        return self.practice.ids

    @property
    def visible(self) -> float:
        """The time from which a record created now appears in lists and searches."""
        return self.now + self.switches.create_lag

    @cached_property
    def fields(self) -> Fields:
        """Return the body.

        Raises:
            ApplicationError: It cannot be read.
        """
        return read_body(self.request.body, self.request.media_type, self.root)

    def flag(self, name: str) -> bool:
        """Return whether a query parameter is `true`."""
        return self.parameters.get(name, "").strip().lower() == "true"

    def client(self, uuid: str | None, *, in_path: bool = False) -> ClientRecord:
        """Return a client.

        Raises:
            ApplicationError: There is no client of that UUID.
        """
        found = self.practice.clients.get((uuid or "").lower())
        if found is None:
            raise ApplicationError("Invalid client identifier", "unknown" if in_path else "identifier")
        return found

    def staff(self, uuid: str | None, message: str = "Invalid staff identifier") -> StaffRecord:
        """Return an active member of staff, or raise the API's error for an unknown identifier."""
        found = self.practice.staff.get((uuid or "").lower())
        if found is None or found.left:
            raise ApplicationError.identifier(message)
        return found

    def job(self, number: str | None, *, in_path: bool = False) -> Job:
        """Return a job.

        Raises:
            ApplicationError: There is none; the message is another one for a number `in_path`.
        """
        found = self.practice.jobs.get((number or "").strip())
        if found is None:
            raise ApplicationError("Invalid job identifier", "unknown" if in_path else "identifier")
        return found


@dataclass(frozen=True, slots=True)
class Route:
    """A row of the routing table.

    `path` is below `/practicemanager/3.1/`, with `{}` for one segment. `root` is the root element of the
    body, empty if the call has none.
    """

    method: str
    path: str
    family: Family
    handler: Callable[[Call], Reply]
    api_method: str
    root: str = ""

    @property
    def segments(self) -> tuple[str, ...]:
        """The segments of the path."""
        return tuple(self.path.split("/"))
