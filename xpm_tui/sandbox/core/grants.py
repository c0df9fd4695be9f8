"""What people have granted to apps: codes, tokens and connections, with their lives."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from xpm_tui.sandbox.core.accounts import App, User
from xpm_tui.sandbox.core.clock import DAY, MINUTE, SequentialIds

CODE_LIFE = 5 * MINUTE
REFRESH_LIFE = 60 * DAY
REFRESH_GRACE = 30 * MINUTE


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code, good once and for five minutes."""

    app: str
    user: str
    redirect: str
    challenge: str | None
    event: str
    nonce: str | None
    born: float


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What an access token stands for; `expires` in seconds since the epoch."""

    app: str
    user: str
    scopes: frozenset[str]
    expires: float
    event: str
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """What a refresh token stands for, and when it was first used."""

    app: str
    user: str
    event: str
    born: float
    rotated: float | None = None
    revoked: bool = False

    def alive(self, now: float) -> bool:
        """Not idle for 60 days, and if rotated already, still within the grace of 30 minutes."""
        if self.revoked or now - self.born > REFRESH_LIFE:
            return False
        return self.rotated is None or now - self.rotated <= REFRESH_GRACE


@dataclass(frozen=True, slots=True)
class Connection:
    """One tenant given to one app by one person; inactive after a disconnection."""

    uuid: str
    app: str
    user: str
    tenant: str
    event: str
    created: float
    updated: float
    active: bool = True


@dataclass
class Grants:
    """All that was granted, by token text. Scopes are additive per app and person until revoked."""

    ids: SequentialIds
    scopes: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict, repr=False)
    access: dict[str, AccessToken] = field(default_factory=dict, repr=False)
    refresh: dict[str, RefreshToken] = field(default_factory=dict, repr=False)
    connections: dict[str, Connection] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)
    """People whose permission in Practice Manager was taken away."""

    def add_scopes(self, app: App, user: User, asked: frozenset[str]) -> None:
        """Add scopes to those that a user granted to an app."""
        key = (app.client_id, user.key)
        self.scopes[key] = self.scopes.get(key, frozenset()) | asked

    def connect(self, app: str, user: str, tenant: str, event: str, now: float) -> Connection:
        """Connect a tenant.

        One that was connected before keeps its id and its creation time; only a connection after a
        disconnection changes the time of its update.
        """
        old = next(
            (
                row
                for row in self.connections.values()
                if (row.app, row.user, row.tenant) == (app, user, tenant)
            ),
            None,
        )
        if old is None:
            made = Connection(self.ids.uuid("connection"), app, user, tenant, event, now, now + 0.001)
        else:
            made = replace(old, event=event, updated=old.updated if old.active else now, active=True)
        self.connections[made.uuid] = made
        return made

    def active_connections(self, app: str, user: str) -> list[Connection]:
        """Return the active connections of an app and a user."""
        return [row for row in self.connections.values() if row.active and (row.app, row.user) == (app, user)]

    def connected(self, app: str, user: str, tenant: str) -> bool:
        """Return whether a tenant is actively connected for an app and a user."""
        return any(row.tenant == tenant for row in self.active_connections(app, user))

    def disconnect(self, connection: str) -> None:
        """Deactivate a connection."""
        self.connections[connection] = replace(self.connections[connection], active=False)

    def revoke(self, app: str, user: str) -> None:
        """End everything between an app and a person: tokens, scopes and connections."""
        self.scopes.pop((app, user), None)
        for text, token in list(self.refresh.items()):
            if (token.app, token.user) == (app, user):
                self.refresh[text] = replace(token, revoked=True)
        for text, access in list(self.access.items()):
            if (access.app, access.user) == (app, user):
                self.access[text] = replace(access, revoked=True)
        for row in self.active_connections(app, user):
            self.disconnect(row.uuid)

    def expire_access(self, now: float) -> int:
        """Make every access token expire a second ago; gives how many were good until then."""
        alive = [text for text, token in self.access.items() if token.expires > now]
        for text in alive:
            self.access[text] = replace(self.access[text], expires=now - 1)
        return len(alive)
