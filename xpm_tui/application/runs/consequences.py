"""The consequences of a plan or an undo, and the forecast of a run in progress.

They include the calls before the first write, at the pace that the rate limiter allows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.runs import plans, undo_plans
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
    practice: OpenPractice,
    plan: Plan,
    records: Iterable[PlannedRecord],
    *,
    policy: Policy | None = None,
    during_run: bool = False,
) -> Consequences:
    """Return what applying a plan or an undo would do, under another policy if one is given.

    With ``during_run`` it is applied while another run is in progress, without calls to XPM.
    """
    snapshot, policy = practice.snapshot(), policy or practice.policy()
    if during_run:
        return plan_consequences(snapshot, plan, records, policy)
    is_fresh = timedelta(0) <= practice.clock.now() - plan.made <= plans.FRESH
    before = lookups(snapshot) + Requests(lists=0 if is_fresh else LISTS)
    return plan_consequences(snapshot, plan, records, policy, before=before, pace=pace(practice))


def plan_under_policy(practice: OpenPractice, policy: Policy) -> tuple[Plan, Consequences] | None:
    """Return the first plan under another policy, from the stored data, and its consequences.

    It is None if there is nothing to plan from: the practice is not connected, or XPM was never read.
    """
    identity = practice.identity()
    if identity is None or not is_filled(practice):
        return None
    plan, records = plans.plan_trial(practice, policy, identity)
    return plan, consequences(practice, plan, records, policy=policy)


def remaining_consequences(practice: OpenPractice, run: Run) -> Consequences | None:
    """Return what is left of a run that is held or ended early, according to the data stored here.

    It is None if that is unknown: for jobs, for immediate actions of a user, and if the plan was deleted.
    """
    snapshot, identity = practice.snapshot(), practice.identity()
    plan = snapshot.get(PLANS, run.plan) if run.plan else None
    if plan is None or run.kind or identity is None:
        return None
    if plan.undo_of:
        return consequences(practice, *undo_plans.rest_of_undo(practice, plan, keep=False))
    if run.outcome == "held":
        return stored_plan_consequences(practice, plan.id)
    return consequences(
        practice, *plans.plan_trial(practice, practice.policy(), identity, only=run.only, fields=run.fields)
    )


class RunForecast(msgspec.Struct, frozen=True, kw_only=True):
    """The rest of a run in progress.

    Attributes:
        seconds: How long it is likely to take, including waits for Xero's limit; None if unknown.
        waits: The seconds for which it makes no call because of that limit.
        beyond_today: The number of its calls that exceed the day's allowance.
        day_until: When that allowance is renewed.
        stopping: Whether someone asked it to stop.
    """

    seconds: float | None = None
    waits: int = 0
    beyond_today: int = 0
    day_until: datetime | None = None
    stopping: bool = False


def forecast(practice: OpenPractice, run: Run) -> RunForecast:
    """Return the rest of a run, simulated by the rate limiter's own rule without a call."""
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
    """Return how fast a run may call XPM from now on, from what the rate limiter has stored."""
    path, shared = practice.state / LIMITER_FILE, practice.shared
    if shared is None and not path.exists():
        return Pace()
    place = path if shared is None else shared_access.SharedLimiter(shared, practice.clock)
    limiter = RateLimiter(place, practice.clock, reserve=practice.settings.number("gate.day_reserve"))
    try:
        return limiter.pace()
    finally:
        limiter.close()
