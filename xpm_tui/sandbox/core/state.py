"""The state of the simulated Xero: practices, logins, faults, limits and recorded requests."""

from __future__ import annotations

from dataclasses import dataclass

from xpm_tui.sandbox.core import grants
from xpm_tui.sandbox.core.clock import SandboxClock, SequentialIds, uuid_from
from xpm_tui.sandbox.core.colleague import Colleague
from xpm_tui.sandbox.core.faults import Faults
from xpm_tui.sandbox.core.gateway import Gateway
from xpm_tui.sandbox.core.grants import DEFAULT_APP, REDIRECT_PORTS, Grants
from xpm_tui.sandbox.core.http import RequestLog
from xpm_tui.sandbox.core.identity import IdentityHost
from xpm_tui.sandbox.core.limits import Limits
from xpm_tui.sandbox.core.records import SandboxPractice, SandboxTenant
from xpm_tui.sandbox.core.seed.sample import make_practice
from xpm_tui.sandbox.core.switches import Switches


@dataclass(frozen=True, slots=True)
class Urls:
    """The three origins without a path; they may be the same."""

    login: str = "http://127.0.0.1:8799"
    identity: str = "http://127.0.0.1:8799"
    api: str = "http://127.0.0.1:8799"


class SandboxState:
    """The state for a practice of `clients` clients, smaller ones, and its reset.

    `urls` are the origins in pages and `Next` links.
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
        self.number = practices
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
        tenants = make_tenants(self.seed, self.number)
        self.tenants = {tenant.uuid: tenant for tenant in tenants}
        offices = [tenant for tenant in tenants if tenant.kind == "PRACTICEMANAGER"]
        self.practices: dict[str, SandboxPractice] = {
            each.uuid: make_practice(each, self.seed + at * 1_000_003, 12 if at else self.size, now)
            for at, each in enumerate(offices)
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
