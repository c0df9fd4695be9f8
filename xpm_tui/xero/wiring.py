"""Assembles the objects for a practice's connection to Xero; opening it sends nothing."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from xpm_tui.domain.errors import AppError
from xpm_tui.domain.pace import LIMITER_FILE
from xpm_tui.domain.ports import Clock, EventSink, Priority
from xpm_tui.domain.secret import Secret
from xpm_tui.domain.shared_state import SharedState
from xpm_tui.domain.xpm import Tenant
from xpm_tui.xero.auth.authorization import Authorization, Grant
from xpm_tui.xero.auth.session import LoginSession
from xpm_tui.xero.auth.token_endpoint import TokenEndpoint
from xpm_tui.xero.auth.token_store import TokenStore
from xpm_tui.xero.client.calls import Caller
from xpm_tui.xero.client.practice import XeroPractice
from xpm_tui.xero.client.transport import Network
from xpm_tui.xero.config import WireConfig
from xpm_tui.xero.connections import ConnectionsClient, PingReply, ping
from xpm_tui.xero.rate_limiter import RateLimiter
from xpm_tui.xero.shared_access import SharedLimiter, SharedTokenStore

if TYPE_CHECKING:
    import httpx


class Login:
    """Signing in and out. ``redeem`` saves the tokens before they can be used."""

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
        gate: RateLimiter,
        clock: Clock,
        events: EventSink,
        jitter: random.Random,
    ) -> None:
        self.config = config
        self.tokens = tokens
        self.login = login
        self.gate = gate
        self._network = network
        self._connections = connections
        self._clock = clock
        self._events = events
        self._jitter = jitter

    async def tenants(self) -> list[Tenant]:
        """Return the XPM practices that the login can access.

        Raises:
            AccessDenied: There is none (known problem T1).
        """
        return await self._connections.tenants()

    async def disconnect(self, connection_id: str) -> None:
        """Disconnect a practice at Xero; the login stays."""
        await self._connections.disconnect(connection_id)

    async def reach(self, origin: str) -> PingReply:
        """Return a server's answer to a request without a login.

        Raises:
            XeroUnreachable: There is none.
        """
        return await ping(self._network, origin, self.config.user_agent)

    def practice(
        self,
        tenant_id: str,
        priority: Priority = Priority.BACKGROUND,
        stop: Callable[[], bool] | None = None,
    ) -> XeroPractice:
        """Return the Practice port for a tenant; once ``stop`` returns True, it makes no more calls."""
        return XeroPractice(
            Caller(
                network=self._network,
                tokens=self.tokens,
                gate=self.gate,
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
        self.gate.close()

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
    """Open the wire of one practice; nothing is sent and nothing written yet.

    ``state_folder`` holds login and gate file, ``config_folder`` the key file. ``transport`` takes the place
    of the network; ``notice`` hears of what is wrong and stops nothing. ``shared`` holds login and calls
    where several machines share them, in place of files.

    Raises ``DiskError`` or ``BadInput`` if a folder cannot be made private.
    """
    jitter = jitter or random.Random()
    network = Network(config, transport)
    for each in network.notices():
        notice(each)
    endpoint = TokenEndpoint(config, network, clock)
    limits: Path | SharedLimiter = state_folder / LIMITER_FILE
    if shared is None:
        login_store = TokenStore(
            state_folder, config_folder=config_folder, use_keyring=use_keyring, environ=environ
        )
    else:
        login_store = SharedTokenStore(
            shared, state_folder, config_folder=config_folder, environ=environ, person=person
        )
        limits = SharedLimiter(shared, clock)
    tokens = LoginSession(
        login_store, endpoint, config, clock=clock, events=events, person=person, jitter=jitter
    )
    return Wire(
        config,
        network=network,
        tokens=tokens,
        login=Login(endpoint, tokens),
        connections=ConnectionsClient(config, network, tokens, clock),
        gate=RateLimiter(
            limits,
            limits.clock if isinstance(limits, SharedLimiter) else clock,
            reserve=config.reserve,
            person=person,
            notice=notice,
        ),
        clock=clock,
        events=events,
        jitter=jitter,
    )
