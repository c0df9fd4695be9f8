"""Xero's connections: the practices that a login can access, and their disconnection.

Asks a Xero server for any answer, to check the connection, its certificate and its time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from xpm_tui.domain.errors import AccessDenied, CaseId, XeroError
from xpm_tui.domain.ports import Clock
from xpm_tui.domain.secret import Secret
from xpm_tui.domain.xpm import Tenant
from xpm_tui.xero.auth.session import LoginSession
from xpm_tui.xero.client import error_mapping
from xpm_tui.xero.client.calls import bad_reply
from xpm_tui.xero.client.practice import uuid_piece as uuid_piece
from xpm_tui.xero.client.transport import Network, NoReply, TooLarge, TransportRequest
from xpm_tui.xero.config import WireConfig
from xpm_tui.xero.error_body import ErrorBody, RequestInfo

KIND = "PRACTICEMANAGER"
_LIMIT = 4 * 1024 * 1024
_LIST = RequestInfo("GET /connections")
_TRIES = 3


class ConnectionsClient:
    """Calls to ``/connections``. Every method raises ``XeroError`` or a subclass."""

    def __init__(self, config: WireConfig, network: Network, tokens: LoginSession, clock: Clock) -> None:
        self._config = config
        self._network = network
        self._tokens = tokens
        self._clock = clock

    async def tenants(self) -> list[Tenant]:
        """Return the XPM practices that the login can access, without other kinds of tenants.

        Raises:
            AccessDenied: There is none (known problem T1): the user lacks the permission in XPM, or has
                chosen another tenant on Xero's page.
        """
        body = await self._send("GET", "/connections", _LIST)
        found = [tenant for tenant in _tenants(body, _LIST) if tenant.kind == KIND]
        if not found:
            raise AccessDenied(
                "The login has no access to a practice in Xero Practice Manager.",
                hint="In XPM: Practice settings > Staff > the person who signs in > Permissions > Advanced: "
                'tick "Connect third-party add-ons" and save. Then connect again and choose the practice.',
                case=CaseId.NO_PERMISSION,
                asked=_LIST.call,
                status=200,
            )
        return found

    async def disconnect(self, connection_id: str) -> None:
        """Disconnect a practice; the login stays valid for others. A missing connection is no error."""
        path = f"/connections/{uuid_piece(connection_id)}"
        await self._send("DELETE", path, RequestInfo(f"DELETE {path}"))

    async def _send(self, method: str, path: str, asked: RequestInfo) -> bytes:
        stale: Secret | None = None
        for left in reversed(range(_TRIES)):
            token = await self._tokens.access(stale)
            try:
                status, body, seen = await self._send_once(method, path, asked, token)
            except NoReply as fault:
                # Both calls can be repeated: one reads, the other has the same result.
                error: XeroError = error_mapping.no_reply(fault, asked)
            else:
                if status in (200, 204) or (method == "DELETE" and status == 404):
                    return body
                found = error_mapping.error_body(body, {})
                if status == 401:
                    if stale is not None:
                        raise error_mapping.login_lost(seen)
                    stale = token
                    continue
                error = self._fault(seen, found)
            if not left or not error.repeatable or error.status in (403, 404):
                raise error
            await self._clock.sleep(0.5 * (_TRIES - left))
        raise error_mapping.login_lost(asked)

    def _request(self, method: str, path: str, token: Secret) -> TransportRequest:
        headers = {
            "Authorization": f"Bearer {token.reveal()}",
            "Accept": "application/json",
            "User-Agent": self._config.user_agent,
        }
        return TransportRequest(
            method, self._config.api_url + path, headers, read_timeout=30.0, deadline=60.0
        )

    async def _send_once(
        self, method: str, path: str, asked: RequestInfo, token: Secret
    ) -> tuple[int, bytes, RequestInfo]:
        async with self._network.open(self._request(method, path, token)) as incoming:
            seen = RequestInfo(
                asked.call, False, incoming.status, error_mapping.correlation_of(incoming.headers)
            )
            try:
                return incoming.status, await incoming.body(_LIMIT), seen
            except TooLarge:
                raise bad_reply(seen, "it is larger than any list of connections") from None

    def _fault(self, asked: RequestInfo, found: ErrorBody) -> XeroError:
        if asked.status == 429:
            asked = RequestInfo(asked.call, False, 503, asked.correlation)
        return error_mapping.of_status(asked, found, record=False)


def _tenants(body: bytes, asked: RequestInfo) -> list[Tenant]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = None
    if not isinstance(found, list):
        raise bad_reply(asked, "it is not a list of connections")
    out = []
    for n, entry in enumerate(found, 1):
        if not isinstance(entry, dict) or not all(
            isinstance(entry.get(name), str) and entry[name] for name in ("id", "tenantId", "tenantType")
        ):
            raise bad_reply(asked, f"connection {n} lacks its id, tenantId or tenantType")
        name = entry.get("tenantName")
        out.append(
            Tenant(
                connection_id=entry["id"].lower(),
                tenant_id=entry["tenantId"].lower(),
                kind=entry["tenantType"].upper(),
                name=name if isinstance(name, str) and name.strip() else None,
                created=_moment(entry.get("createdDateUtc")),
                updated=_moment(entry.get("updatedDateUtc")),
            )
        )
    return out


def _moment(value: Any) -> datetime | None:
    # UTC without a zone, with seven decimals; fromisoformat accepts any number from Python 3.11 on.
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


_SECONDS = 20.0


@dataclass(frozen=True)
class PingReply:
    """A server's first answer. ``date`` is its own time (RFC 9110, section 6.6.1), if it has one."""

    status: int
    date: datetime | None
    issuer: str


async def ping(network: Network, origin: str, user_agent: str) -> PingReply:
    """Send ``GET /`` without a login and without retries; any status is accepted.

    Raises:
        XeroUnreachable: There is no connection; it has the known problem.
    """
    headers = {"Accept": "*/*", "User-Agent": user_agent}
    request = TransportRequest("GET", f"{origin}/", headers, read_timeout=_SECONDS, deadline=_SECONDS)
    try:
        async with network.open(request) as incoming:
            return PingReply(incoming.status, _date(incoming.headers.get("date", "")), incoming.issuer)
    except NoReply as fault:
        raise error_mapping.no_reply(fault, RequestInfo(f"GET {origin}/")) from None


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
