"""The two families of error: Practice Manager's own envelope, and the JSON of the gateway before it.

A request body as fields by name, whether it came as XML or as JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Literal
from xml.sax.saxutils import quoteattr

from lxml import etree

from xpm_tui.sandbox.core.http import Response, respond_json
from xpm_tui.sandbox.core.reply import to_element_name
from xpm_tui.sandbox.core.xml import escape, parse, unfit


class ApplicationError(Exception):
    """An error of Practice Manager itself. `kind` decides the HTTP status under the switch `error_status`."""

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
        """A UUID in a path that stands for nothing."""
        return cls(text, "unknown")


def gateway_error(status: int, title: str, detail: str, instance: str, *headers: tuple[str, str]) -> Response:
    """JSON even when XML was asked for."""
    value: dict[str, object] = {
        "Type": None,
        "Title": title,
        "Status": status,
        "Detail": detail,
        "Instance": instance,
        "Extensions": {},
    }
    return respond_json(status, value, *headers)


BEARER = ("WWW-Authenticate", "Bearer error=invalid_token")


def expired(when: str, instance: str) -> Response:
    """Return the 401 for a token that has expired, at `when` in the gateway's form.

    It is the only one without a Content-Type.
    """
    found = gateway_error(401, "Unauthorized", f"TokenExpired: token expired at {when}", instance, BEARER)
    return replace(found, headers=tuple(pair for pair in found.headers if pair[0] != "Content-Type"))


_DAY_IN = re.compile(r"\d{8}")


class Fields:
    """One element of a request.

    Absent is None, empty is an empty text; the two mean different things in an update.
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
        """Return the text of a child, or None where it is absent."""
        found = self._element.find(name)
        return None if found is None else "".join(map(str, found.itertext()))

    def filled(self, name: str) -> str | None:
        """The text, None if it is absent or blank."""
        text = self.text(name)
        return text.strip() or None if text else None

    def required(self, name: str) -> str:
        """The text. Raises ApplicationError (a parameter error) if it is absent or blank."""
        text = self.text(name)
        if text is None or not text.strip():
            raise ApplicationError.parameter(f"Required parameter '{name}' is missing")
        return text

    def uuid(self, name: str) -> str | None:
        """A UUID in lower case, None if absent or blank."""
        text = self.filled(name)
        return None if text is None else text.lower()

    def day(self, name: str) -> str | None:
        """A `yyyyMMdd` day as `yyyy-MM-dd`, None if absent or blank."""
        text = self.filled(name)
        return None if text is None else read_day(name, text)

    def inside(self, *names: str) -> Fields | None:
        """Return the element at the end of a path of children, or None where it is absent."""
        found = self._element.find("/".join(names))
        return None if found is None else Fields(found)

    def each(self, *names: str) -> list[Fields]:
        """Return all elements at a path of children."""
        return [Fields(found) for found in self._element.findall("/".join(names))]

    def children(self) -> Iterator[Fields]:
        """Yield the children in document order."""
        return (Fields(child) for child in self._element)

    def attribute(self, name: str) -> str | None:
        """Return an attribute, trimmed and in lower case, or None where it is absent."""
        value = self._element.get(name)
        return None if value is None else str(value).strip().lower()


def read_day(name: str, text: str) -> str:
    """A day as Practice Manager takes it. Raises ApplicationError naming the parameter and the format."""
    if _DAY_IN.fullmatch(text):
        try:
            return datetime.strptime(text, "%Y%m%d").strftime("%Y-%m-%d")
        except ValueError:
            pass
    raise ApplicationError.parameter(
        f"Required parameter '{name}' should be specified in the format 'yyyyMMdd'"
    )


def read_body(body: bytes, media_type: str, root: str) -> Fields:
    """The request's fields. Raises ApplicationError when the body cannot be read or its root is another."""
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
    """One JSON member as an element; assignments take their members as attributes."""
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
    if unfit(text):
        raise ValueError(f"{name} holds a character that cannot be stored.")
    return f"<{name}>{escape(text)}</{name}>"
