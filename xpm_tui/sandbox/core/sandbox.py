"""The simulator as one object: requests go in, responses come out, no sockets."""

from __future__ import annotations

from dataclasses import dataclass, replace

from xpm_tui.sandbox.core import connections, consent
from xpm_tui.sandbox.core.accounts import DEFAULT_APP, REDIRECT_PORTS
from xpm_tui.sandbox.core.clock import Clock
from xpm_tui.sandbox.core.colleague import Colleague
from xpm_tui.sandbox.core.control import CONTROL, control
from xpm_tui.sandbox.core.fault_effects import instead, spoil
from xpm_tui.sandbox.core.faults import ANSWERS, SPOILERS, Fault, Faults
from xpm_tui.sandbox.core.gateway import PREFIX, Gateway, endpoint_of, us_style
from xpm_tui.sandbox.core.grants import Grants
from xpm_tui.sandbox.core.http import Host, Request, Response, respond
from xpm_tui.sandbox.core.identity import Identity
from xpm_tui.sandbox.core.ids import Ids, uuid_from
from xpm_tui.sandbox.core.limits import Limits
from xpm_tui.sandbox.core.practice import Practice, Tenant
from xpm_tui.sandbox.core.record import RequestLog
from xpm_tui.sandbox.core.seed.make import make_practice
from xpm_tui.sandbox.core.switches import Switches


@dataclass(frozen=True, slots=True)
class Urls:
    """The three origins, without path; they may be one and the same."""

    login: str = "http://127.0.0.1:8799"
    identity: str = "http://127.0.0.1:8799"
    api: str = "http://127.0.0.1:8799"


class Sandbox:
    """A local Xero: identity, connections and Practice Manager for a practice of `clients` clients.

    The same seed, clock and requests give the same responses, byte for byte. Not thread-safe: one event loop
    (or one thread) calls it. `urls` are the origins that it shows in pages and `Next` links.
    """

    def __init__(
        self,
        seed: int = 1,
        clients: int = 12,
        clock: Clock | None = None,
        switches: Switches | None = None,
        urls: Urls | None = None,
    ) -> None:
        self.seed = seed
        self.size = clients
        self.clock = clock or Clock()
        self.switches = switches or Switches()
        self.urls = urls or Urls()
        self.reset()

    def reset(self) -> None:
        """Everything as at the start, but clock, switches and origins."""
        now = self.clock.now()
        self.faults = Faults()
        self.limits = Limits()
        self.log = RequestLog()
        tenants = make_tenants(self.seed)
        self.tenants = {tenant.uuid: tenant for tenant in tenants}
        main, second = tenants[0], tenants[1]
        self.practices: dict[str, Practice] = {
            main.uuid: make_practice(main, self.seed, self.size, now),
            second.uuid: make_practice(second, self.seed + 1_000_003, 12, now),
        }
        self.grants = Grants(Ids(self.seed))
        self.consent = consent.Consent(self.grants, tenants)
        self.colleague = Colleague(self.practice)
        self._calls = 0
        self._wire()

    def move_to(self, urls: Urls) -> None:
        """Take other origins, as a server does once it knows its ports."""
        self.urls = urls
        self._wire()

    def _wire(self) -> None:
        self.identity = Identity(self.grants, self.urls.login, self.urls.identity)
        self.gateway = Gateway(self.identity, self.limits, self.tenants, self.practices, self.urls.api)

    @property
    def practice(self) -> Practice:
        """The first practice, the one that has the asked-for size."""
        return next(iter(self.practices.values()))

    def greeting(self) -> dict[str, object]:
        """What a client has to know: addresses, app, tenants."""
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

    async def handle(self, request: Request) -> Response:
        """Answer one request.

        The call has taken effect when this returns; what is left is to carry the response: wait `delay`,
        enact `ending`, read `body` chunk by chunk with `pace` between them, and `body.close()` at the end or
        when the caller went away. Until then the call counts as in progress. Raises nothing for any request.
        """
        if request.path == CONTROL or request.path.startswith(CONTROL + "/"):
            return control(self, request)
        now = self.clock.now()
        endpoint = endpoint_of(request.path)
        fault = self.faults.take(request.method, endpoint)
        response = self._faulty(request, now, fault)
        response = replace(response, delay=response.delay + self.switches.latency)
        private = role_of(request.path) in ("login", "identity")
        self.log.add(request, now, endpoint, response, fault.kind if fault else "", private=private)
        return response

    def _faulty(self, request: Request, now: float, fault: Fault | None) -> Response:
        if fault is None or fault.kind not in (*ANSWERS, *SPOILERS):
            return self._answer(request, now, fault)
        if fault.kind in SPOILERS:
            return spoil(fault, self._answer(request, now, None))
        if fault.after:
            self._answer(request, now, None).body.close()
        return instead(fault, self.grants.ids.uuid("correlation"), us_style(now))

    def _answer(self, request: Request, now: float, fault: Fault | None) -> Response:
        host = role_of(request.path)
        if host is None or request.host not in ("any", host):
            return respond(404)
        if host == "login":
            return self.consent.answer(request, now, self.switches)
        if host == "identity":
            return self.identity.answer(request, now, self.switches)
        response = self.gateway.answer(request, now, self.switches, fault)
        self._let_colleague_work(request, now)
        return response

    def _let_colleague_work(self, request: Request, now: float) -> None:
        if not self.switches.colleague_every or not request.path.startswith(PREFIX):
            return
        self._calls += 1
        if self._calls % self.switches.colleague_every == 0:
            self.colleague.edit_something(now)


def role_of(path: str) -> Host | None:
    """The host of Xero's that a path belongs to, None if it belongs to none."""
    if path.startswith("/identity/"):
        return "login"
    if path.startswith(("/connect/", "/.well-known/")):
        return "identity"
    if path == connections.PATH or path.startswith((connections.PATH + "/", "/practicemanager/")):
        return "api"
    return None


def make_tenants(seed: int) -> tuple[Tenant, ...]:
    """Two practices (the first is the main one), a ledger and a Xero HQ."""
    return (
        Tenant(uuid_from(seed, "tenant", 1), "Harbour & Hill Accountants", "PRACTICEMANAGER"),
        Tenant(uuid_from(seed, "tenant", 2), "Te Aroha Bookkeeping", "PRACTICEMANAGER"),
        Tenant(uuid_from(seed, "tenant", 3), "Harbour & Hill Accountants (ledger)", "ORGANISATION"),
        Tenant(uuid_from(seed, "tenant", 4), "Harbour & Hill HQ", "PRACTICE"),
    )
