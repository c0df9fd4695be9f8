"""The flat camelCase JSON of Practice Manager 3.1, made from the same fragments as the XML.

What a Practice Manager endpoint gives back, and its way onto the wire as XML or JSON, in chunks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lxml import etree

from xpm_tui.sandbox.core.xml import el, escape, pretty

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
_BACK = {json_name: name for name, json_name in _SPECIAL.items()}


def to_json_name(name: str) -> str:
    """The camelCase name of an element."""
    return _SPECIAL.get(name) or name[0].lower() + name[1:]


def to_element_name(name: str) -> str:
    """The element that a JSON member stands for; lower-case names of assignments stay."""
    if name in _BACK:
        return _BACK[name]
    if "-" in name or name in ("add", "remove"):
        return name
    upper = name[:1].upper() + name[1:]
    return upper.removesuffix("Uuid") + "UUID" if upper.endswith("Uuid") else upper


def to_json(fragment: str) -> object:
    """The JSON value of one record's XML fragment."""
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
    """UTF-8 chunks of about 64 KB out of small pieces."""
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


def as_xml(reply: Reply, *, beside: bool = False, indented: bool = False) -> Iterator[str]:
    """`beside` puts one record's WebUrl next to Status; `indented` adds a declaration and white space."""
    shape = _indent if indented else str
    yield f'{DECLARATION if indented else ""}<Response api-method="{reply.method}"><Status>OK</Status>'
    if reply.wrapper is None:
        for row in reply.rows:
            fragment = reply.render(row)
            found = _WEB_URL.search(fragment) if beside else None
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
    """The flat object: `status`, then the record or list under its own name."""
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
    """The envelope of an application error."""
    return (
        f'<Response api-method="{method}"><Status>ERROR</Status>'
        f"<ErrorDescription>{escape(text)}</ErrorDescription></Response>"
    ).encode()


def error_json(text: str) -> bytes:
    """The same as flat JSON."""
    return json.dumps({"status": "ERROR", "errorDescription": text}, ensure_ascii=False).encode()


def _indent(fragment: str) -> str:
    return "\n" + pretty(fragment) + "\n"
