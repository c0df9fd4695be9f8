"""The simulator as one object without sockets: it answers requests, and has a control API."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from xpm_tui.sandbox import grants
from xpm_tui.sandbox.audit_cases import add_audit_cases
from xpm_tui.sandbox.clock import SandboxClock, SequentialIds, http_date, stamp, uuid_from
from xpm_tui.sandbox.colleague import Colleague, apply_edit
from xpm_tui.sandbox.faults import ANSWERS, CORRUPTIONS, Fault, Faults, corrupt, replacement_response
from xpm_tui.sandbox.gateway import PREFIX, Gateway, endpoint_of, host_of, us_style, with_api_headers
from xpm_tui.sandbox.grants import APPS, DEFAULT_APP, REDIRECT_PORTS, USERS, AuthorizeRefused, Grants
from xpm_tui.sandbox.http import JSON, HttpRequest, Recorded, RequestLog, Response, respond, respond_json
from xpm_tui.sandbox.identity import IdentityHost
from xpm_tui.sandbox.records import SandboxPractice, SandboxTenant
from xpm_tui.sandbox.sample_practice import make_practice
from xpm_tui.sandbox.switches import Limits, Switches, Usage


@dataclass(frozen=True, slots=True)
class Urls:
    """The three origins without a path; they may be the same."""

    login: str = "http://127.0.0.1:8799"
    identity: str = "http://127.0.0.1:8799"
    api: str = "http://127.0.0.1:8799"


class Sandbox:
    """A local Xero with identity, connections and Practice Manager.

    Its first practice has `clients` clients, the others are smaller; `urls` are the origins in pages and
    `Next` links. The same seed, clock and requests return the same responses, byte for byte. Not thread-safe:
    it must be called from one event loop or thread.
    """

    def __init__(
        self,
        seed: int = 1,
        clients: int = 12,
        clock: SandboxClock | None = None,
        switches: Switches | None = None,
        urls: Urls | None = None,
        practices: int = 2,
    ) -> None:
        self.seed = seed
        self.practice_count = practices
        self.size = clients
        self.clock = clock or SandboxClock()
        self.switches = switches or Switches()
        self.urls = urls or Urls()
        self.reset()

    def reset(self) -> None:
        """Restore the initial state, except clock, switches and origins."""
        now = self.clock.now()
        self.faults = Faults()
        self.limits = Limits()
        self.log = RequestLog()
        self._calls = 0
        tenants = make_tenants(self.seed, self.practice_count)
        self.tenants = {tenant.uuid: tenant for tenant in tenants}
        offices = [tenant for tenant in tenants if tenant.kind == "PRACTICEMANAGER"]
        self.practices: dict[str, SandboxPractice] = {
            tenant.uuid: make_practice(tenant, self.seed + at * 1_000_003, 12 if at else self.size, now)
            for at, tenant in enumerate(offices)
        }
        self.grants = Grants(SequentialIds(self.seed))
        self.consent = grants.Consent(self.grants, tenants)
        self.colleague = Colleague(self.practice)
        self._wire()

    def move_to(self, urls: Urls) -> None:
        """Use other origins, once a server knows its ports."""
        self.urls = urls
        self._wire()

    def _wire(self) -> None:
        self.identity = IdentityHost(self.grants, self.urls.login, self.urls.identity)
        self.gateway = Gateway(self.identity, self.limits, self.tenants, self.practices, self.urls.api)

    @property
    def practice(self) -> SandboxPractice:
        """The first practice, which has the requested size."""
        return next(iter(self.practices.values()))

    def greeting(self) -> dict[str, object]:
        """Return what a client needs: addresses, app and tenants."""
        return {
            "login_url": self.urls.login,
            "identity_url": self.urls.identity,
            "api_url": self.urls.api,
            "client_id": DEFAULT_APP.client_id,
            "redirect_port": REDIRECT_PORTS[0],
            "tenants": [
                {"id": tenant.uuid, "name": tenant.name, "type": tenant.kind}
                for tenant in self.tenants.values()
            ],
        }

    async def handle(self, request: HttpRequest) -> Response:
        """Answer one request; never raises.

        The call has taken effect when this returns. The caller then has to wait for `delay`, read `body`
        chunk by chunk with `pace` between them, perform `ending`, and call `body.close()`. Until then the
        call counts as in progress.
        """
        if request.path == CONTROL or request.path.startswith(CONTROL + "/"):
            return control(self, request).with_headers(("Date", http_date(self.clock.now())))
        now = self.clock.now()
        endpoint = endpoint_of(request.path)
        fault = self.faults.take(request.method, endpoint)
        response = self._answer_with_fault(request, now, fault)
        response = replace(response, delay=response.delay + self.switches.latency)
        response = response.with_headers(("Date", http_date(now)))
        private = host_of(request.path) in ("login", "identity")
        self.log.add(request, now, endpoint, response, fault.kind if fault else "", private=private)
        return response

    def _answer_with_fault(self, request: HttpRequest, now: float, fault: Fault | None) -> Response:
        if fault is None or fault.kind not in (*ANSWERS, *CORRUPTIONS):
            return self._answer(request, now, fault)
        if fault.kind in CORRUPTIONS:
            return corrupt(fault, self._answer(request, now, None))
        if fault.after:
            self._answer(request, now, None).body.close()
        instance = self.grants.ids.uuid("correlation")
        response = replacement_response(fault, instance, us_style(now))
        return with_api_headers(response, instance, now) if host_of(request.path) == "api" else response

    def _answer(self, request: HttpRequest, now: float, fault: Fault | None) -> Response:
        host = host_of(request.path)
        if host is None or request.host not in ("any", host):
            return respond(404)
        if host == "login":
            return self.consent.answer(request, now, self.switches)
        if host == "identity":
            return self.identity.answer(request, now, self.switches)
        response = self.gateway.answer(request, now, self.switches, fault)
        self._let_colleague_work(request, now)
        return response

    def _let_colleague_work(self, request: HttpRequest, now: float) -> None:
        if not self.switches.colleague_every or not request.path.startswith(PREFIX):
            return
        self._calls += 1
        if self._calls % self.switches.colleague_every == 0:
            self.colleague.edit_something(now)


def make_tenants(seed: int, practices: int = 2) -> tuple[SandboxTenant, ...]:
    """Return two practices (the first is the main one), a ledger and a Xero HQ, then more practices."""
    more = (
        SandboxTenant(uuid_from(seed, "tenant", at + 2), f"Harbour & Hill, office {at}", "PRACTICEMANAGER")
        for at in range(3, practices + 1)
    )
    return (
        SandboxTenant(uuid_from(seed, "tenant", 1), "Harbour & Hill Accountants", "PRACTICEMANAGER"),
        SandboxTenant(uuid_from(seed, "tenant", 2), "Te Aroha Bookkeeping", "PRACTICEMANAGER"),
        SandboxTenant(uuid_from(seed, "tenant", 3), "Harbour & Hill Accountants (ledger)", "ORGANISATION"),
        SandboxTenant(uuid_from(seed, "tenant", 4), "Harbour & Hill HQ", "PRACTICE"),
        *more,
    )


CONTROL = "/_sandbox"
Values = Mapping[str, Any]


def control(sandbox: Sandbox, request: HttpRequest) -> Response:
    """Answer a call to /_sandbox. Errors are `{"error": sentence}` with 400, 403, 404, 405 or 415."""
    refusal = _refusal(request)
    if refusal is not None:
        return refusal
    name = request.path.removeprefix(CONTROL).strip("/")
    handlers = _HANDLERS.get(name)
    if handlers is None:
        return respond_json(404, {"error": f"There is no /_sandbox/{name}. Known: {', '.join(_HANDLERS)}."})
    handler = handlers.get(request.method)
    if handler is None:
        return respond_json(405, {"error": f"/_sandbox/{name} takes {', '.join(handlers)}."})
    try:
        values = json.loads(request.body) if request.body.strip() else {}
        if not isinstance(values, dict):
            raise ValueError("The body must be a JSON object.")
        return respond_json(200, handler(sandbox, {**request.parameters, **values}))
    except (ValueError, KeyError, TypeError) as error:
        text = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
        return respond_json(400, {"error": text})


def _refusal(request: HttpRequest) -> Response | None:
    """Return the refusal of a request that a web page open in a browser on this machine could have sent.

    A foreign name that resolves to loopback is visible in `Host`, a foreign page in `Origin`, and a form,
    which may be posted anywhere without permission, in `Content-Type`.
    """
    host = request.headers.get("host", "")
    if host and not _is_loopback(host):
        return respond_json(403, {"error": f"/_sandbox is for this machine only, not for {host!r}."})
    origin = request.headers.get("origin")
    if origin is not None and origin.lower() not in (f"http://{host}".lower(), f"https://{host}".lower()):
        return respond_json(403, {"error": f"/_sandbox takes no call from a page of {origin!r}."})
    if request.body.strip() and request.headers.get("content-type") and request.media_type != JSON:
        return respond_json(415, {"error": "/_sandbox takes JSON: send Content-Type: application/json."})
    return None


def _is_loopback(host: str) -> bool:
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


def _about(sandbox: Sandbox, values: Values) -> object:
    practice = sandbox.practice
    return {
        **sandbox.greeting(),
        "seed": sandbox.seed,
        "clients": len(practice.clients),
        "contacts": len(practice.contacts),
        "staff": len(practice.staff),
        "jobs": len(practice.jobs),
        "apps": [
            {"client_id": app.client_id, "name": app.name, "kind": "web" if app.secret else "pkce"}
            for app in APPS.values()
        ],
        "users": [asdict(user) for user in USERS.values()],
        "cases": practice.cases,
    }


def _consent(sandbox: Sandbox, values: Values) -> object:
    """Decide like a user on the consent page.

    `tenant` is an id or a name; without it, and without `deny`, it is the practice that the page preselects.
    """
    query = urlsplit(str(values["authorize_url"])).query
    user = USERS[str(values.get("user", sandbox.switches.user))]
    tenant: str | None
    if str(values.get("deny", "")).lower() in ("true", "yes", "1"):
        tenant = None
    elif "tenant" in values:
        tenant = _tenant(sandbox, str(values["tenant"]))
    else:
        offered = sandbox.consent.offered(sandbox.switches.changed({"user": user.key}))
        if not offered:
            raise ValueError("The consent page offers no practice to this person; only deny is left.")
        tenant = offered[0].uuid
    try:
        return {"redirect": sandbox.consent.decide(query, tenant, user, sandbox.clock.now())}
    except AuthorizeRefused as refused:
        raise ValueError(f"{refused.error} : {refused.text}") from refused


def _faults(sandbox: Sandbox, values: Values) -> object:
    return {
        "faults": [{**asdict(item.fault), "seen": item.seen, "fired": item.fired} for item in sandbox.faults]
    }


def _add_fault(sandbox: Sandbox, values: Values) -> object:
    for fault in values.get("faults", [values]):
        sandbox.faults.add(Fault.read(fault))
    return _faults(sandbox, values)


def _clear_faults(sandbox: Sandbox, values: Values) -> object:
    sandbox.faults.clear()
    return _faults(sandbox, values)


def _switches(sandbox: Sandbox, values: Values) -> object:
    return sandbox.switches.as_dict()


def _set_switches(sandbox: Sandbox, values: Values) -> object:
    sandbox.switches = sandbox.switches.changed(values)
    return sandbox.switches.as_dict()


def _clock(sandbox: Sandbox, values: Values) -> object:
    now = sandbox.clock.now()
    return {"now": now, "utc": stamp(now) + "Z"}


def _advance(sandbox: Sandbox, values: Values) -> object:
    sandbox.clock.advance(float(values["advance"]))
    return _clock(sandbox, values)


def _requests(sandbox: Sandbox, values: Values) -> object:
    """Return recorded requests, newest last.

    `after` selects those with a higher number, `endpoint` those of one endpoint.
    """
    after, endpoint = int(values.get("after", 0)), values.get("endpoint")

    def wanted(row: Recorded) -> bool:
        return row.number > after and endpoint in (None, row.endpoint)

    rows = sandbox.log.as_json(wanted)
    return {"count": len(rows), "requests": rows}


def _forget_requests(sandbox: Sandbox, values: Values) -> object:
    sandbox.log.clear()
    return {"count": 0, "requests": []}


def _colleague(sandbox: Sandbox, values: Values) -> object:
    return apply_edit(sandbox.colleague, values, sandbox.clock.now())


def _tokens(sandbox: Sandbox, values: Values) -> object:
    """Expire or revoke tokens.

    With `{"expire": true}` every access token expires. With `{"revoke": true}` the user disconnects the app,
    so that the refresh token is invalid, too.
    """
    now, user = sandbox.clock.now(), str(values.get("user", sandbox.switches.user))
    if values.get("revoke"):
        app = str(values.get("client_id", DEFAULT_APP.client_id))
        sandbox.grants.revoke(app, user)
        return {"revoked": app}
    if values.get("expire"):
        return {"expired": sandbox.grants.expire_access(now)}
    raise ValueError('Say {"expire": true} or {"revoke": true}.')


def _permission(sandbox: Sandbox, values: Values) -> object:
    """Remove the privilege "Connect third-party add-ons" from a user, or restore it."""
    user = USERS[str(values.get("user", sandbox.switches.user))].key
    if values["allowed"]:
        sandbox.grants.denied.discard(user)
    else:
        sandbox.grants.denied.add(user)
    return {"user": user, "allowed": user not in sandbox.grants.denied}


def _connection(sandbox: Sandbox, values: Values, *, on: bool) -> object:
    app, user = (
        str(values.get("client_id", DEFAULT_APP.client_id)),
        str(values.get("user", sandbox.switches.user)),
    )
    tenant = _tenant(sandbox, str(values["tenant"]))
    grants = sandbox.grants
    if on:
        event = grants.ids.uuid("authentication event")
        return {"connection": grants.connect(app, user, tenant, event, sandbox.clock.now()).uuid}
    for row in grants.active_connections(app, user):
        if row.tenant == tenant:
            grants.disconnect(row.uuid)
    return {"disconnected": tenant}


def _usage(sandbox: Sandbox, values: Values) -> Usage:
    app = str(values.get("client_id", DEFAULT_APP.client_id))
    tenant = _tenant(sandbox, str(values["tenant"])) if "tenant" in values else sandbox.practice.tenant.uuid
    return sandbox.limits.usage(app, tenant)


def _limits(sandbox: Sandbox, values: Values) -> object:
    usage, now = _usage(sandbox, values), sandbox.clock.now()
    return {"minute": usage.minute.used(now), "day": usage.day.used(now), "in_flight": usage.in_flight}


def _spend(sandbox: Sandbox, values: Values) -> object:
    """Set the calls used: `{"clear": true}`, or `{"day": n, "minute": n}` for calls made just now."""
    usage, now = _usage(sandbox, values), sandbox.clock.now()
    if values.get("clear"):
        sandbox.limits.clear()
    usage.day.add(now, int(values.get("day", 0)))
    usage.minute.add(now, int(values.get("minute", 0)))
    return _limits(sandbox, values)


def _audit(sandbox: Sandbox, values: Values) -> object:
    """Add proposals with jobs, some of them faulty; return Ignition's files and the faults to be found."""
    proposals, faults = int(values.get("proposals", 600)), int(values.get("faults", 200))
    cases = add_audit_cases(
        sandbox.practice, sandbox.seed, sandbox.clock.now(), proposals=proposals, faults=faults
    )
    return asdict(cases)


def _reset(sandbox: Sandbox, values: Values) -> object:
    sandbox.reset()
    return sandbox.greeting()


def _tenant(sandbox: Sandbox, text: str) -> str:
    for tenant in sandbox.tenants.values():
        if text.lower() in (tenant.uuid, tenant.name.lower()):
            return tenant.uuid
    raise ValueError(f"There is no tenant {text!r}.")


_Handler = Callable[[Sandbox, Values], object]
_HANDLERS: dict[str, dict[str, _Handler]] = {
    "": {"GET": _about},
    "consent": {"POST": _consent},
    "faults": {"GET": _faults, "POST": _add_fault, "DELETE": _clear_faults},
    "switches": {"GET": _switches, "POST": _set_switches},
    "clock": {"GET": _clock, "POST": _advance},
    "requests": {"GET": _requests, "DELETE": _forget_requests},
    "colleague": {"POST": _colleague},
    "tokens": {"POST": _tokens},
    "permission": {"POST": _permission},
    "connect": {"POST": lambda sandbox, values: _connection(sandbox, values, on=True)},
    "disconnect": {"POST": lambda sandbox, values: _connection(sandbox, values, on=False)},
    "limits": {"GET": _limits, "POST": _spend},
    "audit": {"POST": _audit},
    "reset": {"POST": _reset},
}
