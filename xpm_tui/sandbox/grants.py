"""What users have granted to apps (codes, tokens and connections), and the pages of login.xero.com.

The apps and users are fixed. login.xero.com answers an authorize request with the consent page, or with an
error page that does not redirect.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from html import escape
from urllib.parse import parse_qsl, urlencode

from xpm_tui.sandbox.clock import DAY, MINUTE, SequentialIds
from xpm_tui.sandbox.http import HTML, HttpRequest, Response, respond
from xpm_tui.sandbox.records import SandboxTenant
from xpm_tui.sandbox.switches import Switches

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
    """An app of the developer portal. One without a secret uses PKCE."""

    client_id: str
    name: str
    scopes: frozenset[str]
    secret: str | None = None
    redirects: tuple[str, ...] = REDIRECTS

    def __repr__(self) -> str:
        return f"App({self.client_id!r}, {self.name!r}, {'web' if self.secret else 'pkce'})"


@dataclass(frozen=True, slots=True)
class User:
    """A user who can sign in at the consent page."""

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


CODE_LIFE = 5 * MINUTE
REFRESH_LIFE = 60 * DAY
REFRESH_GRACE = 30 * MINUTE


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code, valid once and for five minutes."""

    app: str
    user: str
    redirect: str
    challenge: str | None
    event: str
    nonce: str | None
    born: float


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What an access token grants; `expires` is in seconds since the epoch."""

    app: str
    user: str
    scopes: frozenset[str]
    expires: float
    event: str
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """What a refresh token grants; `rotated` is when it was first used."""

    app: str
    user: str
    event: str
    born: float
    rotated: float | None = None
    revoked: bool = False

    def is_valid(self, now: float) -> bool:
        """Return whether it is at most 60 days old and, if rotated, within the grace of 30 minutes."""
        if self.revoked or now - self.born > REFRESH_LIFE:
            return False
        return self.rotated is None or now - self.rotated <= REFRESH_GRACE


@dataclass(frozen=True, slots=True)
class Connection:
    """A tenant that a user has connected to an app; inactive after a disconnection."""

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
    """All grants by token. Scopes add up per app and user until they are revoked."""

    ids: SequentialIds
    scopes: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict, repr=False)
    access: dict[str, AccessToken] = field(default_factory=dict, repr=False)
    refresh: dict[str, RefreshToken] = field(default_factory=dict, repr=False)
    connections: dict[str, Connection] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)
    """Users whose permission in Practice Manager was removed."""

    def add_scopes(self, app: App, user: User, scopes: frozenset[str]) -> None:
        """Add scopes to those that a user granted to an app."""
        key = (app.client_id, user.key)
        self.scopes[key] = self.scopes.get(key, frozenset()) | scopes

    def connect(self, app: str, user: str, tenant: str, event: str, now: float) -> Connection:
        """Connect a tenant.

        A tenant that was connected before keeps its id and its creation time; only a connection after a
        disconnection changes its update time.
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

    def is_connected(self, app: str, user: str, tenant: str) -> bool:
        """Return whether a tenant is actively connected for an app and a user."""
        return any(row.tenant == tenant for row in self.active_connections(app, user))

    def disconnect(self, connection: str) -> None:
        """Deactivate a connection."""
        self.connections[connection] = replace(self.connections[connection], active=False)

    def revoke(self, app: str, user: str) -> None:
        """Remove everything between an app and a user: tokens, scopes and connections."""
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
        """Expire every access token; return how many were valid."""
        valid = [text for text, token in self.access.items() if token.expires > now]
        for text in valid:
            self.access[text] = replace(self.access[text], expires=now - 1)
        return len(valid)


AUTHORIZE = "/identity/connect/authorize"
DECISION = "/identity/connect/consent"
_STYLE = """
:root{color-scheme:light dark;--ground:#fcfcfa;--surface:#f2f4f4;--line:#b9c3ca;--text:#1b2229;
--muted:#56626e;--focus:#0b5fae;--on-focus:#fcfcfa;--good:#22692c;--warn:#855000;--bad:#b02020}
@media(prefers-color-scheme:dark){:root{--ground:#0f1319;--surface:#151b23;--line:#34404f;--text:#dde4ec;
--muted:#8d9aab;--focus:#6db3f2;--on-focus:#0f1319;--good:#82cb8c;--warn:#efbe5f;--bad:#f5827d}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);
font:16px/1.6 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
body::before{content:"xpm-tui";display:block;padding:.5em 1.25em;background:var(--surface);
border-bottom:1px solid var(--line);font-weight:bold}
body.sandbox::before{content:"xpm-tui  SANDBOX"}
main{max-width:42em;margin:3em auto;padding:1.25em 1.75em;border:1px solid var(--line);border-radius:.75em;
background:var(--surface);overflow-wrap:anywhere}
h1{margin:0 0 .5em;font-size:1.3em}
h1.good::before{content:"\\2713  ";color:var(--good)}
h1.warn::before{content:"\\25B2  ";color:var(--warn)}
h1.bad::before{content:"\\2715  ";color:var(--bad)}
p{margin:.75em 0}
.next{font-weight:bold}
ul{margin:.75em 0;padding-left:1.5em;color:var(--muted)}
label{color:var(--muted)}
select,button{max-width:100%;font:inherit;padding:.4em .9em;border:1px solid var(--line);border-radius:.4em;
background:var(--ground);color:var(--text)}
button[value=allow]{background:var(--focus);border-color:var(--focus);color:var(--on-focus);font-weight:bold}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px}
@media(max-width:44em){main{margin:1em;padding:1em}}
"""
"""A copy of the style of xpm-tui's own pages in a browser; a test compares the two."""
_HEAD = (
    '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width,initial-scale=1">'
    f"<style>{_STYLE}</style>"
)
_BODY = '</head><body class="sandbox"><main>'
_FOOT = "</main></body></html>"


class AuthorizeRefused(Exception):
    """An authorize request that ends in an error page, without a redirect to the app."""

    def __init__(self, error: str, text: str) -> None:
        super().__init__(text)
        self.error = error
        self.text = text


@dataclass(frozen=True, slots=True)
class AuthorizeRequest:
    """A valid authorize request."""

    app: App
    redirect: str
    scopes: frozenset[str]
    state: str | None
    challenge: str | None
    nonce: str | None


@dataclass
class Consent:
    """The consent page and the results of a decision on it."""

    grants: Grants
    tenants: tuple[SandboxTenant, ...]

    def answer(self, request: HttpRequest, now: float, switches: Switches) -> Response:
        """Answer a request of the browser: the consent page, a decision on it, or 404."""
        try:
            if request.path == AUTHORIZE and request.method == "GET":
                return respond(200, self._page(request.query, switches).encode(), HTML)
            if request.path == DECISION and request.method == "POST":
                return self._decided(request, now, switches)
        except AuthorizeRefused as error:
            return respond(400, _error_page(error).encode(), HTML)
        return respond(404)

    def decide(self, query: str, tenant: str | None, user: User, now: float) -> str:
        """Return the address that the browser is redirected to; `tenant` None is Cancel.

        Raises:
            AuthorizeRefused: The authorize page itself would refuse the request, or the tenant does not
                exist.
        """
        request = read_request(query)
        state = {} if request.state is None else {"state": request.state}
        if tenant is None:
            return _with_query(request.redirect, {"error": "access_denied", **state})
        if all(tenant != known.uuid for known in self.tenants):
            raise AuthorizeRefused("invalid_request", "There is no such organisation or practice")
        ids = self.grants.ids
        event = ids.uuid("authentication event")
        self.grants.add_scopes(request.app, user, request.scopes)
        self.grants.connect(request.app.client_id, user.key, tenant, event, now)
        code = ids.opaque("code")
        self.grants.codes[code] = Code(
            request.app.client_id, user.key, request.redirect, request.challenge, event, request.nonce, now
        )
        answer = {"code": code, "scope": " ".join(sorted(request.scopes)), **state}
        return _with_query(request.redirect, answer | {"session_state": ids.opaque("session state")})

    def offered(self, switches: Switches) -> list[SandboxTenant]:
        """Return the tenants that the user can choose from."""
        user = USERS[switches.user]
        allowed = user.may_connect and user.key not in self.grants.denied
        return [
            tenant
            for tenant in self.tenants
            if (allowed if tenant.kind == "PRACTICEMANAGER" else switches.offer_other_tenants)
        ]

    def _decided(self, request: HttpRequest, now: float, switches: Switches) -> Response:
        form = request.form
        offered = self.offered(switches)
        if form.get("decision") == "deny":
            tenant = None
        elif form.get("decision") == "allow" and offered:
            tenant = form.get("tenant", offered[0].uuid)
            if tenant not in {known.uuid for known in offered}:
                raise AuthorizeRefused("invalid_request", "There is no such organisation or practice")
        else:
            raise AuthorizeRefused("invalid_request", "Choose Allow access or Cancel")
        address = self.decide(form.get("request", ""), tenant, USERS[switches.user], now)
        return respond(302, b"", None, ("Location", address))

    def _page(self, query: str, switches: Switches) -> str:
        request = read_request(query)
        user = USERS[switches.user]
        offered = self.offered(switches)
        scopes = "".join(f"<li>{escape(scope)}</li>" for scope in sorted(request.scopes))
        options = "".join(
            f'<option value="{tenant.uuid}"{" selected" if index == 0 else ""}>{escape(tenant.name)}</option>'
            for index, tenant in enumerate(offered)
        )
        choice = (
            '<p><label for="tenant">Practice</label> '
            f'<select id="tenant" name="tenant">{options}</select></p>'
            if offered
            else "<p>You don't have access to connect any Xero Practice Manager accounts.</p>"
        )
        allow = (
            '<button type="submit" name="decision" value="allow">Allow access</button> ' if offered else ""
        )
        return (
            f'{_HEAD}<title>Sandbox: authorise</title>{_BODY}<h1 class="warn">Sandbox: this is not Xero</h1>'
            f"<p>{escape(request.app.name)} wants access to your data. You are {escape(user.name)}.</p>"
            f"<ul>{scopes}</ul>"
            f'<form method="post" action="{DECISION}">'
            f'<input type="hidden" name="request" value="{escape(query)}">{choice}'
            f'<p>{allow}<button type="submit" name="decision" value="deny">Cancel</button></p>'
            f"</form>{_FOOT}"
        )


def read_request(query: str) -> AuthorizeRequest:
    """Return the authorize request of a query.

    Raises:
        AuthorizeRefused: The request is invalid; checks are in Xero's order.
    """
    given = dict(parse_qsl(query, keep_blank_values=True))
    if not given.get("client_id"):
        raise AuthorizeRefused("invalid_request", "Missing client_id")
    app = APPS.get(given["client_id"])
    if app is None:
        raise AuthorizeRefused("unauthorized_client", "Unknown client or client not enabled")
    redirect = given.get("redirect_uri", "")
    if not redirect:
        raise AuthorizeRefused("invalid_request", "Missing redirect_uri")
    if redirect not in app.redirects:
        raise AuthorizeRefused("unauthorized_client", "Invalid redirect_uri")
    if given.get("response_type") != "code":
        raise AuthorizeRefused("invalid_request", "Invalid response_type")
    scopes = frozenset(given.get("scope", "").split())
    if not scopes:
        raise AuthorizeRefused("invalid_request", "Missing scope")
    if scopes - KNOWN_SCOPES:
        raise AuthorizeRefused("invalid_scope", "Invalid scope")
    if scopes - app.scopes:
        raise AuthorizeRefused("unauthorized_client", "Invalid scope for client")
    challenge = given.get("code_challenge")
    if challenge is None and app.secret is None:
        raise AuthorizeRefused("invalid_request", "code challenge required")
    if challenge is not None and given.get("code_challenge_method") != "S256":
        raise AuthorizeRefused("invalid_request", "Transform algorithm not supported")
    return AuthorizeRequest(app, redirect, scopes, given.get("state"), challenge, given.get("nonce"))


def _with_query(address: str, values: dict[str, str]) -> str:
    return f"{address}?{urlencode(values)}"


def _error_page(error: AuthorizeRefused) -> str:
    return (
        f"{_HEAD}<title>Sandbox: error</title>{_BODY}"
        '<h1 class="bad">Sorry, something went wrong</h1><p>Error code: 500</p>'
        f"<p>Error: {escape(error.error)} : {escape(error.text)}</p>{_FOOT}"
    )
