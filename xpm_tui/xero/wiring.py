"""A practice's connection to Xero: sign-in, its connections there, and the objects for calls.

Opening it sends nothing. It can also ping a Xero server, to check the network, the certificate and the time.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import msgspec

from xpm_tui.domain.errors import AccessDenied, AppError, CaseId, XeroError
from xpm_tui.domain.pace import LIMITER_FILE
from xpm_tui.domain.ports import Clock, EventSink, Priority
from xpm_tui.domain.secret import Secret
from xpm_tui.domain.shared_state import SharedState
from xpm_tui.domain.xpm import Tenant
from xpm_tui.xero.auth.authorization import Authorization, Grant
from xpm_tui.xero.auth.session import LoginSession
from xpm_tui.xero.auth.token_endpoint import TokenEndpoint
from xpm_tui.xero.auth.token_store import TokenStore
from xpm_tui.xero.client import error_mapping
from xpm_tui.xero.client.calls import Caller, bad_reply
from xpm_tui.xero.client.practice import XeroPractice, uuid_segment
from xpm_tui.xero.client.transport import Network, NoReply, TooLarge, TransportRequest
from xpm_tui.xero.config import WireConfig
from xpm_tui.xero.error_body import ErrorBody, RequestInfo
from xpm_tui.xero.rate_limiter import RateLimiter
from xpm_tui.xero.shared_access import SharedLimiter, SharedTokenStore

if TYPE_CHECKING:
    import httpx

TENANT_TYPE = "PRACTICEMANAGER"
_LIMIT = 4 * 1024 * 1024
_LIST = RequestInfo("GET /connections")
_TRIES = 3
_PING_SECONDS = 20.0


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
        found = [tenant for tenant in _tenants(body, _LIST) if tenant.kind == TENANT_TYPE]
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
        """Disconnect a practice; the login stays valid for others. A missing connection is not an error."""
        path = f"/connections/{uuid_segment(connection_id)}"
        await self._send("DELETE", path, RequestInfo(f"DELETE {path}"))

    async def _send(self, method: str, path: str, request: RequestInfo) -> bytes:
        stale: Secret | None = None
        for remaining in reversed(range(_TRIES)):
            token = await self._tokens.access(stale)
            try:
                status, body, answered = await self._send_once(method, path, request, token)
            except NoReply as fault:
                # Both calls can be repeated: one only reads, and the other then has the same result.
                error: XeroError = error_mapping.no_reply_error(fault, request)
            else:
                if status in (200, 204) or (method == "DELETE" and status == 404):
                    return body
                found = error_mapping.read_error_body(body)
                if status == 401:
                    if stale is not None:
                        raise error_mapping.login_lost_error(answered)
                    stale = token
                    continue
                error = self._fault(answered, found)
            if not remaining or not error.repeatable or error.status in (403, 404):
                raise error
            await self._clock.sleep(0.5 * (_TRIES - remaining))
        raise error_mapping.login_lost_error(request)

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
        self, method: str, path: str, request: RequestInfo, token: Secret
    ) -> tuple[int, bytes, RequestInfo]:
        async with self._network.open(self._request(method, path, token)) as incoming:
            answered = request.with_reply(incoming.status, incoming.headers)
            try:
                return incoming.status, await incoming.body(_LIMIT), answered
            except TooLarge:
                raise bad_reply(answered, "it is larger than any list of connections") from None

    def _fault(self, request: RequestInfo, found: ErrorBody) -> XeroError:
        if request.status == 429:
            return error_mapping.too_many_calls_error(request)
        return error_mapping.status_error(request, found, record=False)


def _tenants(body: bytes, request: RequestInfo) -> list[Tenant]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = None
    if not isinstance(found, list):
        raise bad_reply(request, "it is not a list of connections")
    out = []
    for n, entry in enumerate(found, 1):
        if not isinstance(entry, dict) or not all(
            isinstance(entry.get(name), str) and entry[name] for name in ("id", "tenantId", "tenantType")
        ):
            raise bad_reply(request, f"connection {n} lacks its id, tenantId or tenantType")
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


@dataclass(frozen=True)
class PingReply:
    """A server's answer to a ping. ``date`` is its own time (RFC 9110, section 6.6.1), if it sends one."""

    status: int
    date: datetime | None
    issuer: str


async def ping(network: Network, origin: str, user_agent: str) -> PingReply:
    """Send ``GET /`` without a login and without retries; any status is accepted.

    Raises:
        XeroUnreachable: There is no connection; the error has its known problem.
    """
    headers = {"Accept": "*/*", "User-Agent": user_agent}
    request = TransportRequest(
        "GET", f"{origin}/", headers, read_timeout=_PING_SECONDS, deadline=_PING_SECONDS
    )
    try:
        async with network.open(request) as incoming:
            return PingReply(incoming.status, _date(incoming.headers.get("date", "")), incoming.issuer)
    except NoReply as fault:
        raise error_mapping.no_reply_error(fault, RequestInfo(f"GET {origin}/")) from None


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


class Login:
    """Signs in and out. ``redeem`` saves the tokens before they can be used."""

    def __init__(self, endpoint: TokenEndpoint, tokens: LoginSession) -> None:
        self._endpoint = endpoint
        self._tokens = tokens

    def begin(self) -> Authorization:
        """Start an attempt; open its ``url`` in a browser.

        Raises:
            BadInput: No client id is set.
        """
        return self._endpoint.begin()

    async def redeem(self, authorization: Authorization, code: Secret) -> Grant:
        """Exchange the code for a login and save it.

        Raises:
            LoginNeeded: Xero did not accept the code.
            XeroUnreachable: Xero did not answer.
            BadReply: The answer cannot be read.
        """
        grant = await self._endpoint.redeem(authorization, code)
        await self._tokens.keep(grant)
        return grant

    async def revoke(self) -> None:
        """Revoke the login at Xero, which disconnects all its practices, then remove it from this machine."""
        saved = self._tokens.saved()
        if saved is not None and saved.refresh:
            await self._endpoint.revoke(saved.refresh)
        await self._tokens.forget()


class Wire:
    """A practice's connection to Xero; an async context manager."""

    def __init__(
        self,
        config: WireConfig,
        *,
        network: Network,
        tokens: LoginSession,
        login: Login,
        connections: ConnectionsClient,
        limiter: RateLimiter,
        clock: Clock,
        events: EventSink,
        jitter: random.Random,
    ) -> None:
        self.config = config
        self.tokens = tokens
        self.login = login
        self.connections = connections
        self.limiter = limiter
        self._network = network
        self._clock = clock
        self._events = events
        self._jitter = jitter

    async def ping(self, origin: str) -> PingReply:
        """Return a server's answer to ``GET /``. Raises what :func:`ping` raises."""
        return await ping(self._network, origin, self.config.user_agent)

    def practice(
        self,
        tenant_id: str,
        priority: Priority = Priority.BACKGROUND,
        stop: Callable[[], bool] | None = None,
    ) -> XeroPractice:
        """Return the practice of a tenant; once ``stop`` returns True, it makes no more calls."""
        return XeroPractice(
            Caller(
                network=self._network,
                tokens=self.tokens,
                limiter=self.limiter,
                config=self.config,
                tenant=tenant_id,
                priority=priority,
                clock=self._clock,
                events=self._events,
                jitter=self._jitter,
                stop=stop,
            )
        )

    async def aclose(self) -> None:
        """Wait for a renewal in progress, then close all connections."""
        await self.tokens.aclose()
        await self._network.aclose()
        self.limiter.close()

    async def __aenter__(self) -> Wire:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def open_wire(
    config: WireConfig,
    *,
    state_folder: Path,
    config_folder: Path,
    use_keyring: bool,
    clock: Clock,
    events: EventSink,
    transport: httpx.AsyncBaseTransport | None = None,
    person: str = "",
    environ: Mapping[str, str] | None = None,
    jitter: random.Random | None = None,
    notice: Callable[[AppError], None] = lambda _: None,
    shared: SharedState | None = None,
) -> Wire:
    """Open the connection of one practice; nothing is sent, and nothing is written yet.

    Args:
        config: Its settings.
        state_folder: The folder of the saved login and the rate limiter's file.
        config_folder: The folder of the key file.
        use_keyring: Whether the key of the login may be in the desktop's keyring.
        clock: The time.
        events: Where calls are logged.
        transport: Replaces the network.
        person: Who is named as the holder of locks.
        environ: The environment variables, if not those of the process.
        jitter: Random numbers for waits.
        notice: Called with warnings.
        shared: The login and the calls that several machines share; then no files are used for them.

    Raises:
        DiskError: A folder cannot be made private.
        BadInput: A folder cannot be made private.
    """
    jitter = jitter or random.Random()
    network = Network(config, transport)
    for warning in network.notices():
        notice(warning)
    endpoint = TokenEndpoint(config, network, clock)
    limiter_file: Path | SharedLimiter = state_folder / LIMITER_FILE
    if shared is None:
        login_store = TokenStore(
            state_folder, config_folder=config_folder, use_keyring=use_keyring, environ=environ
        )
    else:
        login_store = SharedTokenStore(
            shared, state_folder, config_folder=config_folder, environ=environ, person=person
        )
        limiter_file = SharedLimiter(shared, clock)
    tokens = LoginSession(
        login_store, endpoint, config, clock=clock, events=events, person=person, jitter=jitter
    )
    return Wire(
        config,
        network=network,
        tokens=tokens,
        login=Login(endpoint, tokens),
        connections=ConnectionsClient(config, network, tokens, clock),
        limiter=RateLimiter(
            limiter_file,
            limiter_file.clock if isinstance(limiter_file, SharedLimiter) else clock,
            reserve=config.reserve,
            person=person,
            notice=notice,
        ),
        clock=clock,
        events=events,
        jitter=jitter,
    )
