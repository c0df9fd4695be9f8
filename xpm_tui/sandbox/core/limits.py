"""The four limits of Xero's API, counted per app and tenant in rolling windows."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from dataclasses import dataclass, field

from xpm_tui.sandbox.core.clock import DAY, MINUTE
from xpm_tui.sandbox.core.http import Headers, Response, respond
from xpm_tui.sandbox.core.switches import Switches


class Window:
    """The times of calls within the last `span` seconds."""

    def __init__(self, span: float) -> None:
        self.span = span
        self._moments: deque[float] = deque()

    def used(self, now: float) -> int:
        """Return how many calls are within the window."""
        while self._moments and self._moments[0] <= now - self.span:
            self._moments.popleft()
        return len(self._moments)

    def add(self, now: float, times: int = 1) -> None:
        """Count calls at a time."""
        self._moments.extend([now] * times)

    def wait(self, now: float, limit: int) -> int:
        """Return the whole seconds until another call fits under `limit`."""
        surplus = self.used(now) - limit
        if surplus < 0:
            return 0
        if limit == 0:
            return math.ceil(self.span)
        return max(1, math.ceil(self._moments[surplus] + self.span - now))

    def clear(self) -> None:
        """Delete all calls."""
        self._moments.clear()


@dataclass
class Usage:
    """The calls of one app to one tenant."""

    minute: Window = field(default_factory=lambda: Window(MINUTE))
    day: Window = field(default_factory=lambda: Window(DAY))
    in_flight: int = 0


class Limits:
    """Admits calls, or returns the 429 that refuses them."""

    def __init__(self) -> None:
        self._usage: defaultdict[tuple[str, str], Usage] = defaultdict(Usage)
        self._apps: defaultdict[str, Window] = defaultdict(lambda: Window(MINUTE))

    def usage(self, app: str, tenant: str) -> Usage:
        """Return what an app has used of a tenant's limits."""
        return self._usage[app, tenant]

    def admit(self, app: str, tenant: str, now: float, switches: Switches) -> Response | None:
        """Count the call and return None, or return the refusal. The call is in progress until `leave`."""
        usage, all_tenants = self._usage[app, tenant], self._apps[app]
        refusal = None
        if usage.in_flight >= switches.concurrent_limit:
            refusal = too_many("concurrent", None)
        elif usage.day.used(now) >= switches.day_limit:
            refusal = too_many("day", usage.day.wait(now, switches.day_limit))
        elif usage.minute.used(now) >= switches.minute_limit:
            refusal = too_many("minute", usage.minute.wait(now, switches.minute_limit))
        elif all_tenants.used(now) >= switches.app_minute_limit:
            refusal = too_many("appminute", all_tenants.wait(now, switches.app_minute_limit))
        if refusal is None or switches.rejected_calls_count:
            for window in (usage.minute, usage.day, all_tenants):
                window.add(now)
        if refusal is None:
            usage.in_flight += 1
            return None
        return refusal.with_headers(*self.headers(app, tenant, now, switches))

    def leave(self, app: str, tenant: str) -> None:
        """End a call in progress."""
        self._usage[app, tenant].in_flight -= 1

    def headers(self, app: str, tenant: str | None, now: float, switches: Switches) -> Headers:
        """Return the limit headers; a call without a tenant only has the app's own limit."""
        if not switches.limit_headers:
            return ()
        left = max(0, switches.app_minute_limit - self._apps[app].used(now))
        shown: Headers = (("X-AppMinLimit-Remaining", str(left)),)
        if tenant is None:
            return shown
        usage = self._usage[app, tenant]
        return (
            ("X-DayLimit-Remaining", str(max(0, switches.day_limit - usage.day.used(now)))),
            ("X-MinLimit-Remaining", str(max(0, switches.minute_limit - usage.minute.used(now)))),
            *shown,
        )

    def clear(self) -> None:
        """Forget all past calls; those in progress stay counted."""
        for usage in self._usage.values():
            usage.minute.clear()
            usage.day.clear()
        for window in self._apps.values():
            window.clear()


def too_many(problem: str, wait: int | None) -> Response:
    """Return a 429 with an empty body, the name of the limit, and the whole seconds to wait, if known."""
    more: Headers = (("X-Rate-Limit-Problem", problem),)
    if wait is not None:
        more += (("Retry-After", str(wait)),)
    return respond(429, b"", None, *more)
