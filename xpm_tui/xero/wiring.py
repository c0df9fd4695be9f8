"""Assembles the objects for a practice's connection to Xero; opening it sends nothing.

The state of the rate limiter and the saved login are in files (:mod:`xpm_tui.xero.rate_limiter`,
:mod:`xpm_tui.xero.auth.token_store`) or, for several machines, in the practice's database. The login is
encrypted before it is stored, with a key that is not in the database.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import msgspec

from xpm_tui.domain.errors import AppError, CaseId, DiskError, LoginNeeded, StoreUnreadable
from xpm_tui.domain.pace import LIMITER_FILE
from xpm_tui.domain.ports import Clock, EventSink, Priority
from xpm_tui.domain.secret import Secret
from xpm_tui.domain.shared_state import RunLock, SharedState
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
from xpm_tui.xero.rate_limiter import LimiterFile, LimiterState, RateLimiter

if TYPE_CHECKING:
    import httpx


LIMITER, LOGIN = "limiter", "login"
"""Names of the shared records."""


class SharedLimiter(LimiterFile):
    """The rate limiter's state in a record that all machines change one at a time.

    ``clock`` is the clock by which all of them compare. A call in flight counts as long as the session of its
    process lives, on whichever machine.
    """

    def __init__(self, shared: SharedState, clock: Clock) -> None:
        self.path = Path("in the database")
        self.damage = ""
        self._record = shared.record(LIMITER)
        self.process = self._record.process
        with _as_disk_error():
            self.clock = self._clock = shared.clock(clock)

    @contextmanager
    def visit(self) -> Iterator[LimiterState]:
        """Read, change and write back, with the record locked. Raises ``Busy`` and ``DiskError``."""
        with _as_disk_error(), self._record.change() as record:
            state = self._decoded(record.data, record.alive.__contains__)
            yield state
            record.data = msgspec.json.encode(state)

    def read(self) -> LimiterState:
        """Return the state in the record; an empty one if the database cannot be reached."""
        self.damage = ""
        try:
            record = self._record.read()
        except StoreUnreadable:
            return LimiterState()
        return self._decoded(record.data, record.alive.__contains__)

    def close(self) -> None:
        """Do nothing: the session belongs to the store."""


class SharedTokenStore(TokenStore):
    """The encrypted login in a record that all machines share. The key is never there.

    Each machine needs the same key: the one named by ``XPM_TUI_KEY_FILE`` or by systemd credentials, or a
    copy of ``token.key`` in its folder of settings. No keyring is used, because it belongs to one machine.
    """

    def __init__(
        self,
        shared: SharedState,
        folder: Path,
        *,
        config_folder: Path,
        environ: Mapping[str, str] | None = None,
        person: str = "",
    ) -> None:
        super().__init__(folder, config_folder=config_folder, use_keyring=False, environ=environ)
        self._record = shared.record(LOGIN)
        self._renewal = shared.login_lock(person)

    def lock(self, clock: Clock, person: str) -> RunLock:
        """Return the lock that lets one process on all machines refresh the tokens."""
        return self._renewal

    def where(self) -> str:
        """Return where the login is stored and how its key is protected, for users."""
        return super().where().replace("encrypted file", "encrypted in the database", 1)

    def forget(self) -> None:
        """Remove the login for all machines."""
        with _as_disk_error(), self._record.change() as record:
            record.data = None

    def _data(self) -> bytes | None:
        with _as_disk_error():
            return self._record.read().data

    def _replace(self, data: bytes) -> None:
        if self._data() is not None:
            try:
                self.read()
            except LoginNeeded as other:
                # Written with our key, the other machines could no longer read it.
                raise LoginNeeded(
                    other.message,
                    hint="Copy the key file from the machine where the practice was connected, or end the "
                    "connection there first: xpm-tui disconnect",
                    case=CaseId.KEYRING,
                ) from None
        with _as_disk_error(), self._record.change() as record:
            record.data = data


@contextmanager
def _as_disk_error() -> Iterator[None]:
    """Translate errors of the database into those that callers expect from a file; the code stays."""
    try:
        yield
    except StoreUnreadable as error:
        translated = DiskError(error.message, hint=error.hint)
        translated.code = error.code
        raise translated from error


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
