"""Amounts, dates and proposals as users type, edit and import them."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.fixtures import JobsFixture
from tests.deploy.test_changed_proposals import HEAD, ChangedJobsFixture
from xpm_tui.application.csv_io.imports import import_file
from xpm_tui.application.jobs import deployment, proposals
from xpm_tui.application.jobs import queries as jobs
from xpm_tui.application.jobs import workflow_edits as job_editing
from xpm_tui.deploy.job_spec import budget_of
from xpm_tui.domain.errors import AppError, BadInput
from xpm_tui.domain.ignition import ProposalService
from xpm_tui.domain.tables import CLIENTS, PROPOSALS
from xpm_tui.sandbox.faults import Fault


async def test_one_proposal_named_twice_is_accepted_once(env: JobsFixture) -> None:
    made = proposals.new_proposal(
        env.practice, "Compliance 2026", env.client, ["Annual accounts"], {"number": "PROP-9"}
    )
    views = proposals.accept(env.practice, [made.id, "PROP-9"])
    assert [view.workflows for view in views] == [("w1",)]


async def test_a_held_one_time_job_uses_the_edited_start(env: JobsFixture) -> None:
    env.practice.settings.set("jobs.missing_person", "hold", practice=True)
    env.accepted(manager="")
    env.practice.settings.set("jobs.default_category", "Nonsense", practice=True)
    assert (await env.deploy("w1")).outcome == "held"
    env.practice.settings.set("jobs.default_category", "", practice=True)
    shown = job_editing.edit_workflow(env.practice, "w1", {"start": "2026-09-15"})
    assert str(shown.start) == "2026-09-15"
    await env.retry()
    await env.deploy("w1")
    (made,) = env.made()
    assert str(made.start)[:10] == "2026-09-15"


async def test_a_held_recurrence_that_moves_leaves_no_second_job(env: JobsFixture) -> None:
    env.practice.settings.set("jobs.default_category", "Nonsense", practice=True)
    env.accepted(repeat="monthly", start="2026-07-01")
    env.clock.move(timedelta(days=60))
    await env.deploy("w1")
    job_editing.edit_workflow(env.practice, "w1", {"start": "2026-07-15"})
    assert len({o.date.month for o in jobs.list_jobs(env.practice)}) == len(jobs.list_jobs(env.practice))


async def test_a_deleted_job_does_not_hold_the_others(env: JobsFixture) -> None:
    """Made, its second template refused; someone deletes it in XPM; every later run ends at it."""
    env.accepted("First")
    await _template_refused(env)
    row = jobs.row_of(env.practice, "w1")
    assert row.state == "failed"
    assert row.number
    (made,) = env.made("First")
    _delete(env, made)
    (workflow,) = env.accepted("Second", env.clients[1]).workflows
    chosen = [*jobs.list_unfinished(env.practice), jobs.find_job(env.practice, workflow)]
    for _ in range(1):
        with suppress(AppError):
            await deployment.deploy_jobs(env.practice, chosen, reviewed=True)
    assert jobs.row_of(env.practice, workflow).state == "deployed"
    assert jobs.row_of(env.practice, "w1").cause == "job-gone"


def _delete(env: JobsFixture, made: Any) -> None:
    all_ = env.sandbox.practice.jobs
    key = next(key for key, job in all_.items() if job is made)
    del all_[key]


async def _template_refused(env: JobsFixture) -> None:
    env.sandbox.faults.add(Fault("status-error", endpoint="job.api/applytemplate", times=1))
    await env.deploy("w1")


async def test_people_on_whom_xpm_always_fails_are_not_sent_forever(env: JobsFixture) -> None:
    env.accepted(manager=env.people[1])
    env.sandbox.faults.add(Fault("500", endpoint="job.api/assign", times=1000))
    run = await env.deploy("w1")
    assert run.calls < 20
    row = jobs.row_of(env.practice, "w1")
    assert (row.state, row.cause) == ("failed", "no-answer")
    env.sandbox.faults.clear()
    assert (await env.retry()).outcome == "done"


@pytest.mark.parametrize(
    ("price", "quantity", "wanted"),
    [
        ("1,200.50", "1", "1200.50"),
        ("$1,200", "2", "2400.00"),
        ("1200,50", "1", "1200.50"),
        ("1.200,50 EUR", "1", "1200.50"),
        ("1 200,50", "1", "1200.50"),
        ("100", "1,5", "150.00"),
        ("100", "NaN", ""),
        ("100", "Infinity", ""),
        ("(50.00)", "1", ""),
    ],
)
def test_budgets(price: str, quantity: str, wanted: str) -> None:
    total, wrong = budget_of((ProposalService(name="A", price=price, quantity=quantity),))
    assert total in (wanted, ""), total
    assert total or wrong or price.startswith("(")


@pytest.mark.parametrize("typed", ["1200,50", "12,5", "1,2,3"])
async def test_a_budget_with_a_decimal_comma(env: JobsFixture, typed: str) -> None:
    env.accepted()
    with pytest.raises(BadInput):
        job_editing.edit_workflow(env.practice, "w1", {"budget": typed})


@pytest.mark.parametrize("values", [{"due_days": "²"}, {"days_early": "²"}])
async def test_odd_values(env: JobsFixture, values: dict[str, str]) -> None:
    env.accepted(repeat="monthly") if "start" in values else env.accepted()
    with pytest.raises(BadInput):
        job_editing.edit_workflow(env.practice, "w1", values)
    jobs.list_jobs(env.practice)
    jobs.counts(env.practice)


async def test_a_date_at_the_calendars_end_does_not_break_the_list(env: JobsFixture) -> None:
    env.accepted(start="9999-12-30", end="")
    jobs.list_jobs(env.practice)
    jobs.counts(env.practice)


async def test_two_lines_of_one_service_stay_two(tmp_path: Path) -> None:
    env = ChangedJobsFixture(tmp_path)
    await env.ready()
    client = env.practice.snapshot().get(CLIENTS, env.client)
    assert client is not None
    row = f'PROP-7,Compliance 2026,"{client.name}",Annual accounts,1200,2026-07-01,2027-06-30,Accepted\n'
    path = env.practice.state / "two.csv"
    path.write_text(HEAD + row + row.replace("1200", "300"), encoding="utf-8")
    import_file(env.practice, "proposals", path)
    (before,) = env.practice.snapshot().rows(PROPOSALS)
    proposals.take_over(env.practice, ["PROP-7"])
    report = import_file(env.practice, "proposals", path)
    (after,) = env.practice.snapshot().rows(PROPOSALS)
    assert budget_of(after.services) == budget_of(before.services) == ("1500.00", "")
    assert report.counts["stopped"] == 0
    env.close()
