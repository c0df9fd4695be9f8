"""Who may log in with what: the registered apps, the people, and what each app may ask for."""

from __future__ import annotations

from dataclasses import dataclass

IDENTITY_SCOPES = ("openid", "profile", "email", "offline_access")
BROAD_SCOPES = ("practicemanager", "practicemanager.read")
GRANULAR_SCOPES = tuple(
    f"practicemanager.{area}{suffix}"
    for area in ("client", "job", "staff", "time")
    for suffix in ("", ".read")
)
ACCOUNTING_SCOPES = ("accounting.settings.read", "accounting.contacts", "accounting.contacts.read")
KNOWN_SCOPES = frozenset((*IDENTITY_SCOPES, *BROAD_SCOPES, *GRANULAR_SCOPES, *ACCOUNTING_SCOPES))

REDIRECT_PORTS = (8765, 8766, 8767, 8768, 8769)
REDIRECTS = tuple(f"http://localhost:{port}/callback" for port in REDIRECT_PORTS)


@dataclass(frozen=True, slots=True)
class App:
    """An app of the developer portal. Without a secret it is of the PKCE kind."""

    client_id: str
    name: str
    scopes: frozenset[str]
    secret: str | None = None
    redirects: tuple[str, ...] = REDIRECTS

    def __repr__(self) -> str:
        return f"App({self.client_id!r}, {self.name!r}, {'web' if self.secret else 'pkce'})"


@dataclass(frozen=True, slots=True)
class User:
    """A person who can sit at the consent page."""

    key: str
    name: str
    email: str
    may_connect: bool = True
    """The privilege "Connect third-party add-ons" in Practice Manager."""


_ALL = frozenset((*IDENTITY_SCOPES, *BROAD_SCOPES, *GRANULAR_SCOPES))

DEFAULT_APP = App("4C0FFEE5A3B14D2E9F60718293A4B5C6", "xpm-tui (sandbox)", _ALL)
WEB_APP = App(
    "7B1D0A55C2E84F36A90B1C2D3E4F5061",
    "Web app with a secret (sandbox)",
    _ALL,
    secret="sandbox-web-app-secret-not-a-real-one",
    redirects=(*REDIRECTS, "https://app.example/callback"),
)
UNATTACHED_APP = App(
    "0DD5C09E11112222333344445555AAAA",
    "App without Practice Manager scopes (sandbox)",
    frozenset((*IDENTITY_SCOPES, *ACCOUNTING_SCOPES)),
)
GRANULAR_APP = App(
    "6A4E0000B5C64D7E8F90A1B2C3D4E5F6",
    "App with granular scopes only (sandbox)",
    frozenset((*IDENTITY_SCOPES, *GRANULAR_SCOPES)),
)
BROAD_APP = App(
    "B40AD000B5C64D7E8F90A1B2C3D4E5F6",
    "App with broad scopes only (sandbox)",
    frozenset((*IDENTITY_SCOPES, *BROAD_SCOPES)),
)
APPS = {app.client_id: app for app in (DEFAULT_APP, WEB_APP, UNATTACHED_APP, GRANULAR_APP, BROAD_APP)}

USERS = {
    user.key: user
    for user in (
        User("ana", "Ana Silva", "ana.silva@harbourhill.example"),
        User("tom", "Tom Reid", "tom.reid@harbourhill.example", may_connect=False),
        User("mere", "Mere Parata", "mere.parata@harbourhill.example"),
    )
}
