"""Faults that can be injected: the calls that they hit, and their effects on responses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from fnmatch import fnmatchcase
from itertools import repeat
from typing import Any

from xpm_tui.sandbox.endpoint import Reply, error_xml
from xpm_tui.sandbox.http import (
    BEARER,
    HTML,
    Body,
    Ending,
    Response,
    expired_token_response,
    gateway_error,
    respond,
    respond_json,
)
from xpm_tui.sandbox.switches import too_many

ANSWERS = (
    "401-expired",
    "401-unsuccessful",
    "401-scope",
    "403",
    "404",
    "409",
    "429-minute",
    "429-day",
    "429-concurrent",
    "429-appminute",
    "500",
    "500-broken-json",
    "502",
    "503",
    "invalid-grant",
    "unauthorized-client",
    "reset",
    "hang",
)
"""Faults that replace the response; with `after`, the call takes effect first."""
CORRUPTIONS = (
    "slow",
    "cut",
    "broken-xml",
    "wrong-encoding",
    "doctype",
    "html",
    "status-error",
    "empty",
    "deep-xml",
    "endless",
)
"""Faults that change the real response in transit."""
ODD = (
    "no-name",
    "no-uuid",
    "odd-flag",
    "odd-character",
    "contact-twice",
    "contact-without-uuid",
    "empty-group",
    "manager-without-uuid",
)
"""Faults that change one record in the middle of a list, in its XML."""
ROWS = ("duplicate-uuids", "half-list", "empty-list", "next-loops", "next-leaves", *ODD)
"""Faults that change the records of a list."""
LATE = "late"
"""A fault that delays the visibility of a created record by `seconds`."""
_SHORT = {"401": "401-expired", "429": "429-minute"}
KINDS = (*ANSWERS, *CORRUPTIONS, *ROWS, LATE)


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that is injected into matching calls.

    Attributes:
        endpoint: A pattern over names such as `client.api/list`, `connect/token` or `connections`, with the
            method before it if it matters (`PUT client.api/*`).
        nth: Hit only this one of the matching calls.
        every: Hit every call with a multiple of this number; without `nth` and `every`, all calls are hit.
        times: Hit at most this number of calls; 0 for no limit.
        seconds: The wait in a 429, the pause between chunks of a slow body, or the time until a record is
            visible.
    """

    kind: str
    endpoint: str = "*"
    nth: int = 0
    every: int = 0
    times: int = 0
    seconds: float = 0.0
    after: bool = False

    @classmethod
    def read(cls, values: Mapping[str, object]) -> Fault:
        """Return a fault from JSON or text values.

        Raises:
            ValueError: The values are not a fault; the message says why.
        """
        known = {item.name: item.type for item in fields(cls)}
        for name in values:
            if name not in known:
                raise ValueError(f"A fault has no {name!r}. Known: {', '.join(known)}.")
        kind = str(values.get("kind", ""))
        kind = _SHORT.get(kind, kind)
        if kind not in KINDS:
            raise ValueError(f"There is no fault {kind!r}. Known: {', '.join(KINDS)}.")
        try:
            return cls(
                kind,
                str(values.get("endpoint", "*")),
                int(str(values.get("nth", 0))),
                int(str(values.get("every", 0))),
                int(str(values.get("times", 0))),
                float(str(values.get("seconds", 0))),
                str(values.get("after", "no")).lower() in ("yes", "true", "on", "1"),
            )
        except ValueError as error:
            raise ValueError(f"Fault {kind}: nth, every, times and seconds are numbers ({error}).") from error

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Return a fault from its form on the command line.

        The form is `KIND[,name=value…]`, such as `429-minute,endpoint=client.api/list,nth=2,seconds=30`.

        Raises:
            ValueError: The text is not a fault; the message says why.
        """
        kind, *rest = (part.strip() for part in text.split(","))
        values: dict[str, object] = {"kind": kind}
        for part in rest:
            name, equals, value = part.partition("=")
            if not equals:
                raise ValueError(f"A fault is KIND,name=value,…: {part!r} is no name=value.")
            values[name.strip()] = value.strip()
        return cls.read(values)

    def matches(self, method: str, endpoint: str) -> bool:
        """Return whether the fault applies to calls of this method and endpoint."""
        verb, _, pattern = self.endpoint.rpartition(" ")
        return (not verb or verb.upper() == method) and fnmatchcase(endpoint, pattern)

    def hits(self, seen: int, fired: int) -> bool:
        """Return whether the fault hits the `seen`-th matching call, after `fired` hits."""
        if self.times and fired >= self.times:
            return False
        if self.nth:
            return seen == self.nth
        return not self.every or seen % self.every == 0


@dataclass(frozen=True, slots=True)
class Installed:
    """An active fault, with the numbers of calls that match it and that it has hit."""

    fault: Fault
    seen: int = 0
    fired: int = 0


class Faults:
    """The active faults. A call is hit by the first that applies, and counted by all that match."""

    def __init__(self) -> None:
        self._installed: list[Installed] = []

    def __iter__(self) -> Iterator[Installed]:
        return iter(self._installed)

    def add(self, fault: Fault) -> None:
        """Install a fault."""
        self._installed.append(Installed(fault))

    def clear(self) -> None:
        """Remove all faults."""
        self._installed.clear()

    def take(self, method: str, endpoint: str) -> Fault | None:
        """Count a call and return the fault that hits it."""
        hit = None
        for at, item in enumerate(self._installed):
            if not item.fault.matches(method, endpoint):
                continue
            seen, fired = item.seen + 1, item.fired
            if hit is None and item.fault.hits(seen, fired):
                hit, fired = item.fault, fired + 1
            self._installed[at] = Installed(item.fault, seen, fired)
        return hit


_GATEWAY_ERRORS: dict[str, tuple[Any, ...]] = {
    "401-unsuccessful": (401, "Unauthorized", "AuthenticationUnsuccessful", BEARER),
    "401-scope": (401, "Unauthorized", "AuthorizationUnsuccessful"),
    "403": (403, "Forbidden", "AuthenticationUnsuccessful"),
    "503": (503, "Unavailable", "ServiceNotAvailable"),
}
"""Status, title, detail and headers of faults that are errors of the gateway."""


def replacement_response(fault: Fault, instance: str, now_us: str) -> Response:
    """Return the response of an ANSWERS fault. `now_us` is the time in the gateway's format."""
    kind = fault.kind
    if kind == "401-expired":
        return expired_token_response(now_us, instance)
    if kind in _GATEWAY_ERRORS:
        status, title, detail, *headers = _GATEWAY_ERRORS[kind]
        return gateway_error(status, title, detail, instance, *headers)
    if kind.startswith("429-"):
        problem = kind.removeprefix("429-")
        default = {"minute": 30, "appminute": 30, "day": 7200}.get(problem)
        return too_many(problem, round(fault.seconds) if fault.seconds else default)
    if kind == "502":
        page = (
            b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
        )
        return respond(502, page, "text/html")
    if kind == "500-broken-json":
        return respond(
            500, b'{"Type":null,"Title":"InternalServerError","Status":500,"Det', "application/json"
        )
    if kind in ("reset", "hang"):
        return replace(respond(200), ending=Ending.RESET if kind == "reset" else Ending.HANG)
    if kind in ("invalid-grant", "unauthorized-client"):
        return respond_json(400, {"error": kind.replace("-", "_")})
    status = int(kind)
    words = {404: "The resource was not found", 409: "The record was changed by someone else"}
    text = words.get(status, "An error occurred")
    return respond_json(status, {"status": "ERROR", "errorDescription": text})


def corrupt(fault: Fault, response: Response) -> Response:
    """Return a response as a CORRUPTIONS fault changes it."""
    kind = fault.kind
    if kind == "slow":
        return replace(response, body=_sliced(response.body), pace=fault.seconds or 0.05)
    if kind == "html":
        page = b"<!DOCTYPE html><html><head><title>Xero</title></head><body>Back soon.<br></body></html>"
        return _with_body(response, page, HTML)
    if kind == "status-error":
        return _with_body(response, error_xml("Error", "The request could not be completed"))
    if kind == "empty":
        return _with_body(response, b"")
    if kind == "deep-xml":
        levels = 20_000
        return _with_body(response, b"<Response>" + b"<a>" * levels + b"</a>" * levels + b"</Response>")
    if kind == "cut":
        return _cut(response)
    if kind == "endless":
        response.body.close()
        return replace(response, body=Body(_endless()), length=None)
    body = response.read()
    if kind == "doctype":
        prefix = b'<!DOCTYPE Response [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
        return _with_body(response, prefix + body.replace(b"<Status>OK", b"<Status>OK<!-- -->&b;", 1))
    if kind == "wrong-encoding":
        text = body.decode("utf-8").replace("</Name>", " caf\u00e9</Name>", 1)
        return _with_body(response, text.encode("cp1252", "replace"))
    return _with_body(response, _malformed(body))


def reshape(fault: Fault, reply: Reply, api_url: str) -> Reply:
    """Return a list as a ROWS fault changes it."""
    rows = list(reply.rows)
    if fault.kind == "half-list":
        return replace(reply, rows=rows[: len(rows) // 2])
    if fault.kind == "empty-list":
        return replace(reply, rows=())
    if fault.kind == "duplicate-uuids" and len(rows) > 1:
        return replace(reply, rows=[rows[0], replace(rows[1], uuid=rows[0].uuid), *rows[2:]])
    if fault.kind == "next-loops" and reply.first_link:
        return replace(reply, next_link=reply.first_link)
    if fault.kind == "next-leaves" and reply.first_link:
        return replace(reply, next_link=reply.first_link.replace(api_url, "https://elsewhere.example"))
    if fault.kind in ODD and rows:
        middle, render = rows[len(rows) // 2], reply.render
        return replace(
            reply, render=lambda row: make_odd(fault.kind, render(row)) if row is middle else render(row)
        )
    return reply


_CHANGES = {
    "no-name": (r"<Name>[^<]*</Name>", "<Name></Name>"),
    "no-uuid": (r"<UUID>[^<]*</UUID>", ""),
    "odd-flag": (r"<GSTRegistered>[^<]*</GSTRegistered>", "<GSTRegistered>Perhaps</GSTRegistered>"),
    "odd-character": (r"<City>([^<]*)</City>", r"<City>\1&#x0B;</City>"),
    "contact-twice": (r"(<Contact>.*?</Contact>)", r"\1\1"),
    "contact-without-uuid": (r"<Contact><UUID>[^<]*</UUID>", "<Contact>"),
    "empty-group": (r"<Groups(?: />|>.*?</Groups>)", "<Groups><Group /></Groups>"),
    "manager-without-uuid": (
        r"(?:<JobManager>.*?</JobManager>)?(?=<Type>|<TaxNumber>|<IsProspect>|</Client>)",
        "<JobManager><Name>Sam Ray</Name></JobManager>",
    ),
}


def make_odd(kind: str, fragment: str) -> str:
    """Return a record as an ODD fault changes it; a missing part, such as groups of staff, is added first."""
    pattern, becomes = _CHANGES[kind]
    changed, times = re.subn(pattern, becomes, fragment, count=1, flags=re.DOTALL)
    if times:
        return changed
    part = {"odd-flag": "GSTRegistered", "odd-character": "City", "empty-group": "Groups"}.get(kind)
    if part is None:
        return fragment
    inside = {"odd-flag": "Perhaps", "odd-character": "&#x0B;", "empty-group": "<Group />"}[kind]
    at = fragment.rindex("</")
    return f"{fragment[:at]}<{part}>{inside}</{part}>{fragment[at:]}"


def _with_body(response: Response, body: bytes, content_type: str | None = None) -> Response:
    response.body.close()
    headers = tuple(
        (name, content_type if content_type and name.lower() == "content-type" else value)
        for name, value in response.headers
    )
    return replace(response, headers=headers, body=Body([body] if body else []), length=len(body))


def _cut(response: Response) -> Response:
    """Send the first chunk and half of the second; for a single chunk, half of it with the full length."""
    first = next(response.body, b"")
    second = next(response.body, None)
    response.body.close()
    if second is None:
        return replace(response, body=Body([first[: len(first) // 2]]), length=len(first), ending=Ending.CUT)
    return replace(response, body=Body([first, second[: len(second) // 2]]), length=None, ending=Ending.CUT)


def _endless() -> Iterator[bytes]:
    """Yield well-formed clients without end, to test a limit on the size of a response."""
    yield b'<Response api-method="List"><Status>OK</Status><Clients>'
    yield from repeat(b"<Client><UUID></UUID><Name>Endless</Name></Client>" * 1000)


def _malformed(body: bytes) -> bytes:
    """Return the body without its last closing tag, and with a stray ampersand, so that it is malformed."""
    closings = [found.span() for found in re.finditer(rb"</Name>", body)]
    if not closings:
        return body.replace(b"</", b"<", 1) + b"&"
    start, end = closings[-1]
    return body[:start] + b" & " + body[end:]


def _sliced(body: Body) -> Body:
    """Return the same bytes in small chunks; closing it closes the original body."""

    def pieces() -> Iterator[bytes]:
        for chunk in body:
            for start in range(0, len(chunk), 1024):
                yield chunk[start : start + 1024]

    return Body(pieces(), body.close)
