"""api.xero.com: the checks before any endpoint, the routing, and the encoding of replies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from xpm_tui.sandbox import client_writes, directory, identity, job_writes, queries
from xpm_tui.sandbox.clock import http_date, utc
from xpm_tui.sandbox.endpoint import (
    ApplicationError,
    Call,
    Family,
    Reply,
    Route,
    as_json,
    as_xml,
    error_json,
    error_xml,
    in_chunks,
)
from xpm_tui.sandbox.faults import LATE, ROWS, Fault, reshape
from xpm_tui.sandbox.grants import AccessToken, Grants
from xpm_tui.sandbox.http import (
    BEARER,
    XML,
    Body,
    Headers,
    Host,
    HttpRequest,
    Response,
    expired_token_response,
    gateway_error,
    respond,
)
from xpm_tui.sandbox.identity import IdentityHost
from xpm_tui.sandbox.records import SandboxPractice, SandboxTenant
from xpm_tui.sandbox.switches import Limits, Switches

PREFIX = "/practicemanager/3.1/"
ROUTES: tuple[Route, ...] = (
    *queries.ROUTES,
    *client_writes.ROUTES,
    *directory.ROUTES,
    *job_writes.ROUTES,
)
JSON_UTF8 = "application/json; charset=utf-8"
STRICT_FEATURE = "practice-strict-content-type"
UNSUPPORTED = "The server only accepts the following media types: application/json, application/xml"
_NO_CACHE: Headers = (
    ("Cache-Control", "max-age=0, no-cache, no-store"),
    ("Pragma", "no-cache"),
)

Form = Literal["xml", "json"]


@dataclass(frozen=True)
class Gateway:
    """The API host."""

    identity: IdentityHost
    limits: Limits
    tenants: dict[str, SandboxTenant]
    practices: dict[str, SandboxPractice]
    api_url: str

    def answer(self, request: HttpRequest, now: float, switches: Switches, fault: Fault | None) -> Response:
        """Answer a request; the order of the checks is token, expiry, tenant, scope, limits, path, body."""
        instance = self.grants.ids.uuid("correlation")
        return with_api_headers(self._answer(request, now, switches, fault, instance), instance, now)

    @property
    def grants(self) -> Grants:
        """The grants of the identity host."""
        return self.identity.grants

    def _answer(
        self, request: HttpRequest, now: float, switches: Switches, fault: Fault | None, instance: str
    ) -> Response:
        token = self.identity.check(request.bearer, now)
        if isinstance(token, str):
            return gateway_error(401, "Unauthorized", token, instance, BEARER)
        if token.expires <= now:
            return expired_token_response(us_style(token.expires), instance)
        if identity.is_connections_path(request.path):
            headers = self.limits.headers(token.app, None, now, switches)
            reply = identity.answer_connections(request, token, self.grants, self.tenants, switches)
            return reply.with_headers(*headers)
        practice = self._practice(request, token)
        if practice is None:
            headers = self.limits.headers(token.app, None, now, switches)
            return gateway_error(403, "Forbidden", "AuthenticationUnsuccessful", instance, *headers)
        found = find_routes(request.path)
        if found and not _is_allowed(token.scopes, found[0][0].family, request.method, switches):
            return gateway_error(401, "Unauthorized", "AuthorizationUnsuccessful", instance)
        tenant = practice.tenant.uuid
        refusal = self.limits.admit(token.app, tenant, now, switches)
        if refusal is not None:
            return refusal
        headers = self.limits.headers(token.app, tenant, now, switches)
        response = self._routed(request, practice, found, now, switches, fault, instance)
        body = Body(response.body, lambda: self.limits.leave(token.app, tenant))
        return replace(response, body=body).with_headers(*headers)

    def _practice(self, request: HttpRequest, token: AccessToken) -> SandboxPractice | None:
        """Return the practice of the tenant header, if this user is still connected to it."""
        tenant = request.headers.get("xero-tenant-id", "").strip().lower()
        if token.user in self.grants.denied or not self.grants.is_connected(token.app, token.user, tenant):
            return None
        return self.practices.get(tenant)

    def _routed(
        self,
        request: HttpRequest,
        practice: SandboxPractice,
        found: list[tuple[Route, tuple[str, ...]]] | None,
        now: float,
        switches: Switches,
        fault: Fault | None,
        instance: str,
    ) -> Response:
        if not found:
            return gateway_error(404, "NotFound", "The resource was not found", instance)
        match = next(((route, values) for route, values in found if route.method == request.method), None)
        if match is None:
            return respond(405, b"", None, ("Allow", ", ".join(sorted({route.method for route, _ in found}))))
        route, values = match
        form = accepted_form(request, switches)
        if form is None:
            return respond(406)
        if is_unreadable(request, switches):
            return respond(415, error_json(UNSUPPORTED), JSON_UTF8)
        if fault and fault.kind == LATE:
            switches = replace(switches, create_lag=fault.seconds or 180.0)
        call = Call(request, practice, switches, now, self.api_url, values, route.root)
        try:
            reply = route.handler(call)
        except ApplicationError as error:
            return _error_response(error, route, form, switches, instance)
        if fault and fault.kind in ROWS:
            reply = reshape(fault, reply, self.api_url)
        return _response(reply, form, switches)


def with_api_headers(response: Response, instance: str, now: float) -> Response:
    """Return the response with the headers of every API response; `Expires` equals `Date`."""
    expires = ("Expires", http_date(now))
    return response.with_headers(("xero-correlation-id", instance), *_NO_CACHE, expires)


def find_routes(path: str) -> list[tuple[Route, tuple[str, ...]]]:
    """Return all routes of a path for any method, each with the values of its `{}`."""
    if not path.startswith(PREFIX):
        return []
    segments = path.removeprefix(PREFIX).split("/")
    return [(route, values) for route in ROUTES if (values := _path_values(route, segments)) is not None]


def host_of(path: str) -> Host | None:
    """Return the host of Xero that serves a path, or None."""
    if path.startswith("/identity/"):
        return "login"
    if path.startswith(("/connect/", "/.well-known/")):
        return "identity"
    if identity.is_connections_path(path) or path.startswith("/practicemanager/"):
        return "api"
    return None


def endpoint_of(path: str) -> str:
    """Return the name of an endpoint in faults and recorded requests: `client.api/get`, `connect/token`."""
    matches = find_routes(path)
    if matches:
        return matches[0][0].path.replace("/{}", "")
    return path.removeprefix(PREFIX).strip("/")


def us_style(moment: float) -> str:
    """Return a time in the US format (UTC) that the gateway uses."""
    return utc(moment).strftime("%m/%d/%Y %H:%M:%S")


def accepted_form(request: HttpRequest, switches: Switches) -> Form | None:
    """Return the format of the reply, or None for 406.

    `*/*` is served only if negotiation is not strict: whether Xero serves it is unknown, and a client should
    not depend on it.
    """
    if not _is_strict(request, switches):
        return "xml"
    for part in request.headers.get("accept", "").split(","):
        kind = part.partition(";")[0].strip().lower()
        if kind in ("application/xml", "text/xml"):
            return "xml"
        if kind == "application/json":
            return "json"
    return None


def is_unreadable(request: HttpRequest, switches: Switches) -> bool:
    """Return whether the body has a type that is answered with 415."""
    return bool(
        request.body
        and _is_strict(request, switches)
        and request.media_type not in ("application/xml", "application/json")
    )


def _is_strict(request: HttpRequest, switches: Switches) -> bool:
    if switches.content_negotiation == "feature":
        return STRICT_FEATURE in request.headers.get("xero-features", "")
    return switches.content_negotiation == "strict"


def _path_values(route: Route, segments: list[str]) -> tuple[str, ...] | None:
    if len(route.segments) != len(segments):
        return None
    pairs = list(zip(route.segments, segments, strict=True))
    if any(expected != "{}" and expected != given.lower() for expected, given in pairs):
        return None
    return tuple(given for expected, given in pairs if expected == "{}")


def _is_allowed(scopes: frozenset[str], family: Family, method: str, switches: Switches) -> bool:
    """Return whether a scope opens an endpoint of this family (OpenAPI file of 3.1, "any one of")."""
    reading = method == "GET"
    opening = {"practicemanager"} | ({"practicemanager.read"} if reading else set())
    if family == "list" and switches.granular_scopes_open_lists:
        areas: tuple[str, ...] = ("client", "job", "staff", "time")
    else:
        areas = () if family == "list" else (family,)
    for area in areas:
        opening |= {f"practicemanager.{area}"} | ({f"practicemanager.{area}.read"} if reading else set())
    return not opening.isdisjoint(scopes)


def _response(reply: Reply, form: Form, switches: Switches) -> Response:
    pieces: Iterator[str]
    if form == "json":
        pieces = as_json(reply)
    else:
        pieces = as_xml(
            reply, url_beside_status=switches.web_url_place == "beside", indented=switches.pretty_xml
        )
    return Response(200, (("Content-Type", JSON_UTF8 if form == "json" else XML),), Body(in_chunks(pieces)))


def _error_response(
    error: ApplicationError, route: Route, form: Form, switches: Switches, instance: str
) -> Response:
    if error.kind == "unknown" and switches.unknown_uuid == "404-json":
        return gateway_error(404, "NotFound", error.text, instance)
    if switches.error_status != "mixed":
        status = int(switches.error_status)
    elif error.kind == "unknown":
        status = int(switches.unknown_uuid)
    else:
        status = {"identifier": 200, "parameter": 400, "conflict": 409}[error.kind]
    if form == "json":
        return respond(status, error_json(error.text), JSON_UTF8)
    return respond(status, error_xml(route.api_method, error.text), XML)
