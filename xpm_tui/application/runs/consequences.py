"""What a plan or an undo of an open practice would do: with the calls that come before its writes, and at the
pace that the rate limiter has left."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.runs import plans
from xpm_tui.domain.consequences import Consequences, Requests
from xpm_tui.domain.pace import Pace
from xpm_tui.domain.plan import Plan, PlannedRecord
from xpm_tui.sync.consequences import LISTS, lookups, of_plan
from xpm_tui.xero.rate_limiter import FileGate

GATE_FILE = "gate.json"


def of_stored(practice: OpenPractice, plan_id: str = "") -> Consequences:
    """Return what applying a stored plan would do. Raises ``NotFound``."""
    return consequences(practice, *plans.load(practice, plan_id))


def consequences(practice: OpenPractice, plan: Plan, records: Iterable[PlannedRecord]) -> Consequences:
    """Return what applying a plan or an undo would do."""
    snapshot = practice.snapshot()
    young = timedelta(0) <= practice.clock.now() - plan.made <= plans.FRESH
    before = lookups(snapshot) + Requests(lists=0 if young else LISTS)
    return of_plan(snapshot, plan, records, before=before, pace=pace(practice))


def pace(practice: OpenPractice) -> Pace:
    """Return how fast a run may call from now on, by the rate limiter's own file. No network."""
    path = practice.state / GATE_FILE
    if not path.exists():
        return Pace()
    gate = FileGate(path, practice.clock, reserve=practice.settings.number("gate.day_reserve"))
    try:
        return gate.pace()
    finally:
        gate.close()
