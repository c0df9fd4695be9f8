"""Puts the wire of one practice together: network, login, gate and calls; opening it sends nothing."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from xpm_tui.domain.errors import AppError
from xpm_tui.domain.ports import Clock, EventSink, Priority
from xpm_tui.domain.secret import Secret
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

if TYPE_CHECKING:
    import httpx

GATE_FILE = "gate.json"


class Login:
    """Signing in and out. ``redeem`` saves the pair before anything can use it."""

    def __init__(self, endpoint: TokenEndpoint, tokens: LoginSession) -> None:
        self._endpoint = endpoint
        self._tokens = tokens

    def begin(self) -> Authorization:
        """Start an attempt; open its ``url`` in a browser. Raises ``BadInput`` when no app is named."""
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
        """Revoke the login at Xero, which cuts every practice of it, then take it off this machine."""
        saved = self._tokens.saved()
        if saved is not None and saved.refresh:
            await self._endpoint.revoke(saved.refresh)
        await self._tokens.forget()


class Wire:
    """The way to Xero of one practice; an async context manager."""

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
        """The XPM practices that the login reaches; ``AccessDenied`` (case T1) when there is none."""
        return await self._connections.tenants()

    async def disconnect(self, connection_id: str) -> None:
        """Let one practice go at Xero; the login stays."""
        await self._connections.disconnect(connection_id)

    async def reach(self, origin: str) -> PingReply:
        """Any answer of a server, without a login; ``XeroUnreachable`` where there is none."""
        return await ping(self._network, origin, self.config.user_agent)

    def practice(
        self,
        tenant_id: str,
        priority: Priority = Priority.PUSH,
        stop: Callable[[], bool] | None = None,
    ) -> XeroPractice:
        """The Practice port over one tenant; once ``stop`` says so, it makes no call."""
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
        """Let a renewal end, then close all connections."""
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
) -> Wire:
    """Open the wire of one practice; nothing is sent and nothing written yet.

    ``state_folder`` holds login and gate file, ``config_folder`` the key file. ``transport`` takes the place
    of the network; ``notice`` hears of what is wrong and stops nothing.

    Raises ``DiskError`` or ``BadInput`` where a folder cannot be made private.
    """
    jitter = jitter or random.Random()
    network = Network(config, transport)
    for each in network.notices():
        notice(each)
    endpoint = TokenEndpoint(config, network, clock)
    login_store = TokenStore(
        state_folder, config_folder=config_folder, use_keyring=use_keyring, environ=environ
    )
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
            state_folder / GATE_FILE,
            clock,
            reserve=config.reserve,
            person=person,
            jitter=jitter,
            notice=notice,
        ),
        clock=clock,
        events=events,
        jitter=jitter,
    )
