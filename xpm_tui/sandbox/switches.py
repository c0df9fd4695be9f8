"""Switches for behaviour of Xero that is unknown, or that a test changes; and the call limits.

The four limits of Xero's API are counted per app and tenant in rolling windows.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from xpm_tui.sandbox.clock import DAY, MINUTE
from xpm_tui.sandbox.http import Headers, Response, respond


@dataclass(frozen=True, slots=True)
class Switches:
    """The value of each switch. The defaults are "Xero after 3 September 2026"."""

    content_negotiation: Literal["strict", "off", "feature"] = "strict"
    """Strict: 406 and 415 as enforced since September 2026. Off: XML always, any body type. Feature: strict
    only with the header `Xero-Features: practice-strict-content-type`."""
    error_status: Literal["mixed", "200", "400"] = "mixed"
    """The HTTP status of application errors. Mixed: 200 for identifiers and states, 400 for parameters."""
    unknown_uuid: Literal["200", "400", "404-json"] = "200"
    """The reply to a `get` of an unknown UUID."""
    duplicate_job_id: Literal["error", "accept"] = "error"
    """What happens with a job number that exists: an error, or the job gets another number."""
    granular_scopes_open_lists: bool = False
    """Whether granular scopes give access to template.api, category.api and task.api."""
    paged_list_business_block: bool = False
    """Whether the paged list includes the practice and tax block of clients."""
    status_only_replies: bool = True
    """Whether job.api/state and /delete return the status only; otherwise the full job."""
    web_url_place: Literal["inside", "beside"] = "inside"
    """The place of WebUrl: the last child of a record, or beside Status in replies of one record."""
    pretty_xml: bool = False
    """Whether XML is indented with a declaration, as in the documents, or on one line."""
    jobs_inherit_managers: bool = False
    """Whether a new job gets partner and manager from its client."""
    deleted_contacts_listed: bool = False
    null_tenant_names: bool = False
    offer_other_tenants: bool = False
    """Whether the consent page also offers tenants that are not Practice Manager."""
    user: Literal["ana", "tom", "mere"] = "ana"
    """The user at the consent page: ana (may connect), tom (lacks the permission), mere (may connect)."""
    latency: float = 0.0
    """Seconds before each response."""
    minute_limit: int = 60
    day_limit: int = 5000
    concurrent_limit: int = 5
    app_minute_limit: int = 10_000
    rejected_calls_count: bool = False
    """Whether a call that is answered with 429 counts against the limit itself."""
    limit_headers: bool = True
    access_token_life: float = 1800.0
    create_lag: float = 0.0
    """Seconds until a new record appears in lists and searches."""
    colleague_every: int = 0
    """The number of Practice Manager calls after which a colleague edits a record; 0 for never."""

    def changed(self, values: Mapping[str, object]) -> Switches:
        """Return a copy with `values` (JSON values or text from a command line).

        Raises:
            ValueError: A switch does not exist or cannot take its value; the message names it.
        """
        kinds = get_type_hints(Switches)
        known = {item.name for item in fields(self)}
        for name in values:
            if name not in known:
                raise ValueError(f"There is no switch {name!r}. Known: {', '.join(sorted(known))}.")
        read: dict[str, Any] = {name: _read(name, kinds[name], value) for name, value in values.items()}
        return replace(self, **read)

    def as_dict(self) -> dict[str, object]:
        """Return the switches by name."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


_BOOLEANS = {
    "yes": True,
    "true": True,
    "on": True,
    "1": True,
    "no": False,
    "false": False,
    "off": False,
    "0": False,
}


def _read(name: str, kind: object, value: object) -> object:
    if get_origin(kind) is Literal:
        if str(value) not in get_args(kind):
            raise ValueError(f"{name} takes one of {', '.join(get_args(kind))}, not {value!r}.")
        return str(value)
    if kind is bool:
        word = str(value).lower()
        if word not in _BOOLEANS:
            raise ValueError(f"{name} takes yes or no, not {value!r}.")
        return _BOOLEANS[word]
    try:
        number = float(str(value))
    except ValueError:
        raise ValueError(f"{name} takes a number, not {value!r}.") from None
    if not 0 <= number < float("inf"):
        raise ValueError(f"{name} takes a number from 0 upwards, not {value!r}.")
    return int(number) if kind is int else number


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
        remaining = max(0, switches.app_minute_limit - self._apps[app].used(now))
        shown: Headers = (("X-AppMinLimit-Remaining", str(remaining)),)
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
