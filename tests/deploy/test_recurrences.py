"""Months of recurrences in simulated time: each occurrence once, the missed ones listed."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.deploy.fixtures import JobsFixture
from tests.support.profile import count
from xpm_tui.application.jobs import deployment
from xpm_tui.application.jobs import queries as jobs
from xpm_tui.application.runs.unattended_runs import record_sign_in
from xpm_tui.application.scheduled_run import run_if_due
from xpm_tui.deploy.calendar import dates_between
from xpm_tui.domain.errors import AllowanceUsedUp, AppError
from xpm_tui.domain.tables import WORKFLOWS
from xpm_tui.sandbox.switches import Switches

DAYS = count(75, 366)
ZONE = ZoneInfo("Pacific/Auckland")
AWAY = range(20, 34)
"""Days of a fortnight on which nobody signs in."""
OFF = range(43, 47)
"""Days on which the machine is off."""


@pytest.mark.soak
async def test_each_occurrence_once_and_the_missed_ones_listed(tmp_path: Path) -> None:
    env = JobsFixture(tmp_path, jobs__automatic="yes", jobs__days_early="2")
    await env.ready()
    env.sandbox.switches = Switches().changed({"day_limit": 1000})
    started = env.practice.current_day()
    for number, repeat in enumerate(("weekly", "fortnightly", "monthly", "quarterly", "yearly", "monthly")):
        start = started + timedelta(days=3) if number < 5 else date(2026, 5, 31)
        env.accepted(f"W{number}", env.clients[number % 6], repeat=repeat, start=str(start), end="2028-05-04")
    record_sign_in(env.practice)
    off: set[date] = set()
    limited = 0
    for day in range(DAYS):
        today = env.practice.current_day()
        if day in OFF:
            off.add(today)
        else:
            if day not in AWAY:
                record_sign_in(env.practice)
            try:
                await run_if_due(env.practice)
                again = jobs.counts(env.practice)
                await deployment.deploy_due(env.practice)
                assert jobs.counts(env.practice) == again, "a second look on the same day does nothing"
            except AllowanceUsedUp:
                limited += 1
            except AppError as error:
                raise AssertionError((day, error.message)) from error
        if day % 9 == 8:
            env.practice.close()
            env.practice = env.open()
        # The wall clock goes on by a local day, so that the day of the change of time has 23 or 25 hours.
        local = env.clock.now().astimezone(ZONE).replace(tzinfo=None) + timedelta(days=1)
        env.clock.move(local.replace(tzinfo=ZONE) - env.clock.now())
    rows = jobs.list_jobs(env.practice)
    last = env.practice.current_day() - timedelta(days=1)
    deployed, missed = Counter[tuple[str, date]](), set[tuple[str, date]]()
    for row in rows:
        if row.state == "deployed":
            deployed[row.workflow, row.date] += 1
        elif row.state == "missed":
            missed.add((row.workflow, row.date))
    wanted = {
        (workflow.id, each)
        for workflow in env.practice.snapshot().rows(WORKFLOWS)
        for each in dates_between(workflow.start, workflow.repeat, workflow.since, last)
    }
    assert set(deployed) | missed >= wanted
    assert not set(deployed) & missed
    assert set(deployed.values()) == {1}
    made = Counter((job.name, job.start) for job in env.sandbox.practice.jobs.values() if job.name[:1] == "W")
    ours = {(row.name, row.date.isoformat()) for row in rows if row.state == "deployed"}
    assert {name: made[name] for name in ours} == dict.fromkeys(ours, 1)
    # Only what had no day with the machine on between its deploy day and its date was missed.
    wholly_off = {(w, each) for w, each in wanted if {each - timedelta(days=n) for n in range(3)} <= off}
    assert missed == wholly_off
    assert missed
    assert limited == 0
    months = sorted(str(row.date) for row in rows if row.workflow == "w6" and row.state == "deployed")
    assert months[:2] == ["2026-05-31", "2026-06-30"]
