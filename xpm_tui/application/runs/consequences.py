"""Consequences of a plan or an undo of an open practice.

They include the calls before its writes, at the pace that the rate limiter allows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.runs import plans
from xpm_tui.application.runs.xpm_refresh import is_filled
from xpm_tui.domain.pace import LIMITER_FILE, Pace
from xpm_tui.domain.plan import Consequences, Plan, PlannedRecord, Requests
from xpm_tui.domain.runs import Run
from xpm_tui.domain.tables import PLANS, STOPS
from xpm_tui.lazy import lazy_imports
from xpm_tui.sync.consequences import LISTS, lookups, plan_consequences
from xpm_tui.sync.policy import Policy
from xpm_tui.xero.rate_limiter import RateLimiter

with lazy_imports():
    from xpm_tui.xero import shared_access


def stored_plan_consequences(practice: OpenPractice, plan_id: str = "") -> Consequences:
    """Return what applying a stored plan would do. Raises ``NotFound``."""
    return consequences(practice, *plans.load(practice, plan_id))


def consequences(
    practice: OpenPractice, plan: Plan, records: Iterable[PlannedRecord], *, beside: bool = False
) -> Consequences:
    """Return what applying a plan or an undo would do; ``beside`` a run in progress, nothing is looked up."""
    snapshot = practice.snapshot()
    if beside:
        return plan_consequences(snapshot, plan, records)
    young = timedelta(0) <= practice.clock.now() - plan.made <= plans.FRESH
    before = lookups(snapshot) + Requests(lists=0 if young else LISTS)
    return plan_consequences(snapshot, plan, records, before=before, pace=pace(practice))


def plan_under_policy(practice: OpenPractice, policy: Policy) -> tuple[Plan, Consequences] | None:
    """Return the first plan under another policy, from the stored data, and its consequences.

    None if there is nothing to plan from: the practice is not connected, or XPM was never read.
    """
    identity = practice.identity()
    if identity is None or not is_filled(practice):
        return None
    plan, records = plans.plan_trial(practice, policy, identity)
    return plan, consequences(practice, plan, records)


def remaining_consequences(practice: OpenPractice, run: Run) -> Consequences | None:
    """Return what is left of a run that is held or ended early, according to the data stored here.

    None if that is unknown: for jobs, for immediate actions of a user, and if the plan is gone.
    """
    snapshot, identity = practice.snapshot(), practice.identity()
    plan = snapshot.get(PLANS, run.plan) if run.plan else None
    if plan is None or run.kind or identity is None:
        return None
    if plan.undo_of or run.outcome == "held":
        return stored_plan_consequences(practice, plan.id)
    return consequences(
        practice, *plans.plan_trial(practice, practice.policy(), identity, only=run.only, fields=run.fields)
    )


class RunForecast(msgspec.Struct, frozen=True, kw_only=True):
    """The rest of a run in progress.

    ``seconds`` is how long it is likely to take, including waits for Xero's limit (None: unknown); ``waits``
    for how many seconds it makes no call because of that limit. ``beyond_today`` of its calls exceed the
    day's allowance, which is renewed at ``day_until``. ``stopping``: someone asked it to stop.
    """

    seconds: float | None = None
    waits: int = 0
    beyond_today: int = 0
    day_until: datetime | None = None
    stopping: bool = False


def forecast(practice: OpenPractice, run: Run) -> RunForecast:
    """Return the rest of a run, simulated by the rate limiter's own rule. No network."""
    if run.outcome != "running":
        return RunForecast()
    stopping = practice.snapshot().raw(STOPS, run.id) is not None
    expected = run.consequences.calls if run.consequences is not None else None
    if stopping or (expected is not None and expected <= run.calls):
        return RunForecast(stopping=stopping)
    found, left = pace(practice), (expected or 0) - run.calls
    beyond = found.beyond_today(left)
    return RunForecast(
        seconds=found.likely_seconds(left) if expected is not None else None,
        waits=math.ceil(found.wait) if found.wait >= 1 else 0,
        beyond_today=beyond,
        day_until=found.day_until if beyond else None,
    )


def pace(practice: OpenPractice) -> Pace:
    """Return how fast a run may call from now on, by the rate limiter's file. No network."""
    path, shared = practice.state / LIMITER_FILE, practice.shared
    if shared is None and not path.exists():
        return Pace()
    place = path if shared is None else shared_access.SharedLimiter(shared, practice.clock)
    gate = RateLimiter(place, practice.clock, reserve=practice.settings.number("gate.day_reserve"))
    try:
        return gate.pace()
    finally:
        gate.close()
