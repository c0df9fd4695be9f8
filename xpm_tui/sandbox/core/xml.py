"""Writing and reading Practice Manager XML: compact, in wire order, absent nulls, empty text as a pair."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lxml import etree

_CARRIAGE_RETURN = "&#13;"
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def escape(text: str) -> str:
    """Text between tags. A carriage return is written as a reference, or a parser would make it a newline."""
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    if ">" in text:
        text = text.replace(">", "&gt;")
    return text.replace("\r", _CARRIAGE_RETURN) if "\r" in text else text


def el(name: str, text: str) -> str:
    """`<Name>text</Name>`, also when the text is empty."""
    return f"<{name}>{escape(text)}</{name}>"


def opt(name: str, text: str | None) -> str:
    """Like `el`, but nothing at all for a null."""
    return "" if text is None else f"<{name}>{escape(text)}</{name}>"


def many(name: str, fragments: Iterable[str]) -> str:
    """A list element; self-closed with a blank when it is empty."""
    inside = "".join(fragments)
    return f"<{name}>{inside}</{name}>" if inside else f"<{name} />"


def ref(name: str, uuid: str, shown: str) -> str:
    """A reference to another record: UUID and name."""
    return f"<{name}><UUID>{uuid}</UUID><Name>{escape(shown)}</Name></{name}>"


def yes_no(flag: bool) -> str:
    """The form of flags on clients, contacts and groups."""
    return "Yes" if flag else "No"


def true_false(flag: bool) -> str:
    """The form of flags on tasks and milestones."""
    return "true" if flag else "false"


def unfit(text: str) -> bool:
    """Whether the text holds a character that XML 1.0 cannot carry."""
    return _FORBIDDEN.search(text) is not None


def parse(body: bytes) -> etree._Element:
    """The root of a request body. Raises ValueError when it is no well-formed XML or has a DOCTYPE."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise ValueError("The request body is not well-formed XML.") from error
    if b"<!DOCTYPE" in body:
        raise ValueError("The request body must not have a DOCTYPE.")
    return root


def pretty(fragment: str) -> str:
    """A fragment of one element, indented by two blanks."""
    element = etree.fromstring(fragment)
    etree.indent(element, space="  ")
    return etree.tostring(element, encoding="unicode")
