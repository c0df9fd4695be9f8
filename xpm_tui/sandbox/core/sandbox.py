"""The simulator as one object without sockets: it takes requests and returns responses."""

from __future__ import annotations

from dataclasses import replace

from xpm_tui.sandbox.core import identity
from xpm_tui.sandbox.core.clock import http_date
from xpm_tui.sandbox.core.control import CONTROL, control
from xpm_tui.sandbox.core.faults import ANSWERS, CORRUPTIONS, Fault, corrupt, replacement_response
from xpm_tui.sandbox.core.gateway import PREFIX, endpoint_of, us_style, with_api_headers
from xpm_tui.sandbox.core.http import Host, HttpRequest, Response, respond
from xpm_tui.sandbox.core.state import SandboxState


class Sandbox(SandboxState):
    """A local Xero with identity, connections and Practice Manager, for a practice of `clients` clients.

    The same seed, clock and requests return the same responses, byte for byte. Not thread-safe: it must be
    called from one event loop or thread.
    """

    def reset(self) -> None:
        """Restore the initial state, except clock, switches and origins."""
        super().reset()
        self._calls = 0

    async def handle(self, request: HttpRequest) -> Response:
        """Answer one request; never raises.

        The call has taken effect when this returns. The caller then has to wait `delay`, perform `ending`,
        read `body` chunk by chunk with `pace` between them, and call `body.close()`. Until then the call
        counts as in progress.
        """
        if request.path == CONTROL or request.path.startswith(CONTROL + "/"):
            return control(self, request).with_headers(("Date", http_date(self.clock.now())))
        now = self.clock.now()
        endpoint = endpoint_of(request.path)
        fault = self.faults.take(request.method, endpoint)
        response = self._faulty(request, now, fault)
        response = replace(response, delay=response.delay + self.switches.latency)
        response = response.with_headers(("Date", http_date(now)))
        private = role_of(request.path) in ("login", "identity")
        self.log.add(request, now, endpoint, response, fault.kind if fault else "", private=private)
        return response

    def _faulty(self, request: HttpRequest, now: float, fault: Fault | None) -> Response:
        if fault is None or fault.kind not in (*ANSWERS, *CORRUPTIONS):
            return self._answer(request, now, fault)
        if fault.kind in CORRUPTIONS:
            return corrupt(fault, self._answer(request, now, None))
        if fault.after:
            self._answer(request, now, None).body.close()
        instance = self.grants.ids.uuid("correlation")
        response = replacement_response(fault, instance, us_style(now))
        return with_api_headers(response, instance, now) if role_of(request.path) == "api" else response

    def _answer(self, request: HttpRequest, now: float, fault: Fault | None) -> Response:
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

    def _let_colleague_work(self, request: HttpRequest, now: float) -> None:
        if not self.switches.colleague_every or not request.path.startswith(PREFIX):
            return
        self._calls += 1
        if self._calls % self.switches.colleague_every == 0:
            self.colleague.edit_something(now)


def role_of(path: str) -> Host | None:
    """Return the host of Xero to which a path belongs, or None."""
    if path.startswith("/identity/"):
        return "login"
    if path.startswith(("/connect/", "/.well-known/")):
        return "identity"
    if path == identity.PATH or path.startswith((identity.PATH + "/", "/practicemanager/")):
        return "api"
    return None
