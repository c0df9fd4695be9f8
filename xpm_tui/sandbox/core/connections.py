"""api.xero.com/connections: which tenants an app has been given."""

from __future__ import annotations

from xpm_tui.sandbox.core.clock import stamp7
from xpm_tui.sandbox.core.grants import AccessToken, Connection, Grants
from xpm_tui.sandbox.core.http import Request, Response, respond, respond_json
from xpm_tui.sandbox.core.practice import Tenant
from xpm_tui.sandbox.core.switches import Switches

PATH = "/connections"


def answer(
    request: Request, token: AccessToken, grants: Grants, tenants: dict[str, Tenant], switches: Switches
) -> Response:
    """GET /connections, with `authEventId` if wanted, and DELETE /connections/{id}."""
    rows = grants.active_connections(token.app, token.user)
    if request.path == PATH:
        if request.method != "GET":
            return respond(405, b"", None, ("Allow", "GET"))
        event = request.parameters.get("autheventid")
        shown = [row for row in rows if event is None or row.event == event.lower()]
        return respond_json(200, [_as_json(row, tenants[row.tenant], switches) for row in shown])
    wanted = request.path.removeprefix(PATH + "/").lower()
    if request.method != "DELETE":
        return respond(405, b"", None, ("Allow", "DELETE"))
    if all(row.uuid != wanted for row in rows):
        return respond(404)
    grants.disconnect(wanted)
    return respond(204)


def _as_json(row: Connection, tenant: Tenant, switches: Switches) -> dict[str, object]:
    nameless = switches.null_tenant_names and tenant.kind == "PRACTICEMANAGER"
    return {
        "id": row.uuid,
        "authEventId": row.event,
        "tenantId": tenant.uuid,
        "tenantType": tenant.kind,
        "tenantName": None if nameless else tenant.name,
        "createdDateUtc": stamp7(row.created),
        "updatedDateUtc": stamp7(row.updated),
    }
