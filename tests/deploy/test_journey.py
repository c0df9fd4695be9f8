"""From a service with two templates to exactly one job in XPM, as previewed."""

from __future__ import annotations

import pytest

from tests.deploy.fixtures import JobsFixture
from xpm_tui.application.jobs import deployment, proposals
from xpm_tui.application.jobs import queries as jobs
from xpm_tui.application.jobs import workflow_edits as job_editing
from xpm_tui.application.runs.undo_plans import make_undo
from xpm_tui.domain.errors import BadInput, DecisionNeeded
from xpm_tui.domain.tables import DEPLOYMENTS, STAFF


async def test_exactly_the_previewed_jobs_are_created_once(env: JobsFixture) -> None:
    env.accepted(number="PROP-12")
    partner, manager, staff = env.people
    job_editing.edit_workflow(
        env.practice, "w1",
        {"partner": partner, "manager": manager, "staff": staff, "category": env.category,
         "budget": "1,200"},
    )  # fmt: skip
    shown = jobs.preview_job(env.practice, "w1")
    assert shown.goes, shown.problems
    assert [ref.name for ref in shown.templates] == env.names[:2]
    run = await env.deploy("w1")
    assert run.outcome == "done", run
    assert run.calls == shown.calls
    (job,) = env.made()
    assert (job.start, job.due) == ("2026-07-01", "2027-06-30")
    assert (job.order_number, job.budget, job.description) == ("PROP-12", "1200.00", "Annual accounts")
    assert env.sandbox.practice.categories[job.category or ""].name == env.category
    assert env.tasks_of(job) == env.wanted_tasks()
    named = {row.uuid: row.name for row in env.practice.snapshot().rows(STAFF)}
    assert (named[job.partner or ""], named[job.manager or ""]) == (shown.partner, shown.manager)
    assert [named[uuid] for uuid in job.assigned] == list(shown.staff)
    view = jobs.row_of(env.practice, "w1")
    assert (view.state, view.number) == ("deployed", job.number)
    assert job.number in view.url
    reported = [line.sentence for line in jobs.preview_job(env.practice, "w1").audit]
    assert reported[0] == "the proposal was accepted"
    assert reported[-1] == f"job {job.number} deployed"


async def test_a_deployed_job_is_never_changed_again(env: JobsFixture) -> None:
    env.accepted()
    run = await env.deploy("w1")
    with pytest.raises(BadInput, match="already in XPM"):
        job_editing.edit_workflow(env.practice, "w1", {"name": "Another"})
    with pytest.raises(BadInput, match="already deployed"):
        await env.deploy("w1")
    with pytest.raises(BadInput, match="jobs in XPM cannot be changed"):
        make_undo(env.practice, run.id)
    assert len(env.made()) == 1


async def test_nothing_is_sent_while_ignition_may_deploy(env: JobsFixture) -> None:
    env.accepted()
    for answer in ("unknown", "yes"):
        env.practice.settings.set("jobs.ignition_deploys", answer, practice=True)
        with pytest.raises(DecisionNeeded, match="Ignition"):
            await env.deploy("w1")
        assert await deployment.deploy_due(env.practice) is None
    assert env.made() == []


async def test_a_job_that_xpm_lost_is_created_again_with_its_history(env: JobsFixture) -> None:
    from xpm_tui.application.jobs.deployment import prepare_again

    env.accepted()
    await env.deploy("w1")
    (first,) = env.made()
    with pytest.raises(BadInput, match="still has"):
        await prepare_again(env.practice, "w1")
    await env.control("colleague", delete=first.number)
    waits = await prepare_again(env.practice, "w1")
    assert (waits.state, waits.cause) == ("failed", "job-gone")
    assert await deployment.deploy_due(env.practice) is None, "nothing is made before somebody says yes"
    assert (await env.retry()).outcome == "done"
    (second,) = env.made()
    row = jobs.row_of(env.practice, "w1")
    assert row.number == second.number != first.number
    assert row.earlier == (first.number,)


async def test_one_job_for_each_project(env: JobsFixture) -> None:
    env.practice.settings.set("jobs.per", "project", practice=True)
    view = env.accepted(services=("Tax: Annual accounts", "Payroll: Annual accounts"))
    assert len(view.workflows) == 2
    run = await env.deploy("w1", "w2")
    assert run.counts["deployed"] == 2
    assert len(env.made("Compliance 2026 - Tax")) == len(env.made("Compliance 2026 - Payroll")) == 1


async def test_a_revoked_proposal_stops_what_waits_and_says_so(env: JobsFixture) -> None:
    view = env.accepted()
    proposals.revoke(env.practice, view.id, "client left")
    with pytest.raises(BadInput, match="stopped"):
        await env.deploy("w1")
    assert "client left" in jobs.row_of(env.practice, "w1").why
    assert env.made() == []


async def test_an_own_number_identifies_the_job(env: JobsFixture) -> None:
    env.practice.settings.set("jobs.number", "IGN-{workflow}-{date}", practice=True)
    env.accepted()
    assert jobs.preview_job(env.practice, "w1").number == "IGN-W1-20260701"
    await env.deploy("w1")
    assert [job.number for job in env.made()] == ["IGN-W1-20260701"]


async def test_three_hundred_imported_services_deploy_nothing(env: JobsFixture) -> None:
    from xpm_tui.domain.ignition import Proposal, ProposalService
    from xpm_tui.domain.ports import Put
    from xpm_tui.domain.tables import PROPOSALS

    service = ProposalService(name="Annual accounts", service=env.service)
    env.practice.store.commit(
        [
            Put(PROPOSALS, Proposal(id=f"o{n}", name=f"P {n}", client=env.client, state="accepted",
                                    services=(service,)))
            for n in range(1000, 1300)
        ]
    )  # fmt: skip
    env.practice.settings.set("jobs.automatic", "yes", practice=True)
    assert await deployment.deploy_due(env.practice) is None
    reported = jobs.counts(env.practice)
    assert (reported.due, reported.to_take) == (0, 300)
    taken = proposals.take_over(env.practice, every=True)
    assert len(taken) == 300
    assert await deployment.deploy_due(env.practice) is None
    held = await deployment.deploy_jobs(env.practice, jobs.choose(env.practice, due=True), reviewed=False)
    assert held.outcome == "held"
    assert held.stops[0].counted == 300
    assert env.net.asked("job.api/add") == 0
    assert env.practice.snapshot().count(DEPLOYMENTS) == 0
