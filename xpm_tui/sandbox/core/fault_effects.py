"""What a fault makes of an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import repeat

from xpm_tui.sandbox.core.faults import ODD, Fault
from xpm_tui.sandbox.core.fields import BEARER, expired, gateway_error
from xpm_tui.sandbox.core.http import HTML, Body, Ending, Response, respond, respond_json
from xpm_tui.sandbox.core.limits import too_many
from xpm_tui.sandbox.core.reply import Reply, error_xml


def instead(fault: Fault, instance: str, now_us: str) -> Response:
    """The answer that an ANSWERS fault gives. `now_us` is the time as the gateway writes it."""
    kind = fault.kind
    bearer = BEARER
    if kind == "401-expired":
        return expired(now_us, instance)
    if kind == "401-unsuccessful":
        return gateway_error(401, "Unauthorized", "AuthenticationUnsuccessful", instance, bearer)
    if kind == "401-scope":
        return gateway_error(401, "Unauthorized", "AuthorizationUnsuccessful", instance)
    if kind == "403":
        return gateway_error(403, "Forbidden", "AuthenticationUnsuccessful", instance)
    if kind.startswith("429-"):
        problem = kind.removeprefix("429-")
        default = {"minute": 30, "appminute": 30, "day": 7200}.get(problem)
        return too_many(problem, round(fault.seconds) if fault.seconds else default)
    if kind == "503":
        return gateway_error(503, "Unavailable", "ServiceNotAvailable", instance)
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


def spoil(fault: Fault, response: Response) -> Response:
    """What a SPOILERS fault makes of a true answer."""
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
    return _with_body(response, _torn(body))


def reshape(fault: Fault, reply: Reply, api_url: str) -> Reply:
    """What a ROWS fault makes of a list."""
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
            reply, render=lambda row: odd(fault.kind, render(row)) if row is middle else render(row)
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


def odd(kind: str, fragment: str) -> str:
    """What an ODD fault makes of one record; one that has no such part, as staff have no groups, gets one."""
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
    """The first chunk and half of the second; of an answer of one chunk the half, with the length of all."""
    first = next(response.body, b"")
    second = next(response.body, None)
    response.body.close()
    if second is None:
        return replace(response, body=Body([first[: len(first) // 2]]), length=len(first), ending=Ending.CUT)
    return replace(response, body=Body([first, second[: len(second) // 2]]), length=None, ending=Ending.CUT)


def _endless() -> Iterator[bytes]:
    """Well-formed clients that never stop: what a cap on size is for."""
    yield b'<Response api-method="List"><Status>OK</Status><Clients>'
    yield from repeat(b"<Client><UUID></UUID><Name>Endless</Name></Client>" * 1000)


def _torn(body: bytes) -> bytes:
    """Return the body without its last closing tag of a name, and with a stray ampersand.

    So it is no longer well-formed.
    """
    closings = [found.span() for found in re.finditer(rb"</Name>", body)]
    if not closings:
        return body.replace(b"</", b"<", 1) + b"&"
    start, end = closings[-1]
    return body[:start] + b" & " + body[end:]


def _sliced(body: Body) -> Body:
    """The same bytes in small pieces; closing it closes the body it was made from."""

    def pieces() -> Iterator[bytes]:
        for chunk in body:
            for start in range(0, len(chunk), 1024):
                yield chunk[start : start + 1024]

    return Body(pieces(), body.close)
