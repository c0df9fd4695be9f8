"""Jobs whose creation got no answer: held, and decided by the user. Coverage, counts, undo."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.deploy.fixtures import JobsFixture
from xpm_tui.application.jobs import queries as jobs
from xpm_tui.application.jobs import services as library
from xpm_tui.application.jobs import templates
from xpm_tui.application.jobs.deployment import decide_sent
from xpm_tui.deploy.services import likely_templates
from xpm_tui.domain.errors import BadInput, NotFound
from xpm_tui.domain.ignition import Service
from xpm_tui.domain.xpm import Template
from xpm_tui.sandbox.faults import Fault
from xpm_tui.sandbox.switches import Switches


async def lost(env: JobsFixture, *, made: bool) -> None:
    env.sandbox.switches = Switches().changed({"create_lag": 5000})
    env.sandbox.faults.add(Fault("reset", "job.api/add", times=1, after=made))
    env.accepted()
    began = env.clock.now()
    run = await env.deploy("w1")
    assert run.outcome == "held"
    assert env.clock.now() - began >= timedelta(seconds=300)
    row = jobs.row_of(env.practice, "w1")
    assert (row.state, row.cause) == ("held", "unknown")
    assert len(env.made()) == int(made)


async def test_nothing_is_sent_again_until_a_user_decides(env: JobsFixture) -> None:
    await lost(env, made=False)
    for _ in range(3):
        env.clock.move(timedelta(days=1))
        assert (await env.retry()).outcome == "held"
    assert env.net.asked("job.api/add") == 1
    with pytest.raises(BadInput, match="Decide what happened to it"):
        jobs.skip(env.practice, "w1")
    await decide_sent(env.practice, "w1", "again")
    assert (await env.retry()).outcome == "done"
    assert len(env.made()) == 1


async def test_a_job_that_appears_later_is_adopted_and_finished(env: JobsFixture) -> None:
    await lost(env, made=True)
    (there,) = env.made()
    with pytest.raises(BadInput, match="Name the job"):
        await decide_sent(env.practice, "w1", "adopt")
    with pytest.raises(BadInput, match="XPM has no job"):
        await decide_sent(env.practice, "w1", "adopt", "J999999")
    await decide_sent(env.practice, "w1", "adopt", there.number)
    assert (await env.retry()).outcome == "done"
    (whole,) = env.made()
    assert (whole.number, env.tasks_of(whole)) == (there.number, env.wanted_tasks())
    with pytest.raises(BadInput, match="has no write with an unknown outcome"):
        await decide_sent(env.practice, "w1", "drop")


async def test_dropped_is_left_out_and_skipped_can_come_back(env: JobsFixture) -> None:
    await lost(env, made=False)
    assert (await decide_sent(env.practice, "w1", "drop")).state == "skipped"
    assert jobs.skip(env.practice, "w1", undo=True).state == "coming"
    env.sandbox.switches = Switches()
    assert (await env.deploy("w1")).outcome == "done"


async def test_of_two_possible_jobs_neither_is_chosen(env: JobsFixture) -> None:
    """A colleague makes the same job manually while ours is on its way."""
    from dataclasses import replace

    env.sandbox.faults.add(Fault("reset", "job.api/add", times=1, after=True))
    env.accepted()
    handle = env.sandbox.handle

    async def with_colleague(request):  # type: ignore[no-untyped-def]
        response = await handle(request)
        for job in env.made()[:1]:
            there = env.sandbox.practice.jobs
            there.setdefault("J777777", replace(job, number="J777777", uuid=job.uuid[:-4] + "7777"))
        return response

    env.sandbox.handle = with_colleague  # type: ignore[method-assign]
    assert (await env.deploy("w1")).outcome == "held"
    why = jobs.row_of(env.practice, "w1").why
    assert "2 jobs that could be this one" in why
    assert "J777777" in why
    assert env.net.asked("job.api/add") == 1


async def test_counts_show_the_waiting_jobs(env: JobsFixture) -> None:
    env.accepted("Later", start="2026-05-10", repeat="weekly")
    env.accepted("Now", start="2026-05-01", end="2027-01-01")
    reported = jobs.counts(env.practice)
    assert (reported.due, reported.soon, reported.missed, reported.blocked) == (1, 2, 0, "")
    env.clock.move(timedelta(days=8))
    assert jobs.counts(env.practice).missed == 1
    assert [row.id for row in jobs.list_jobs(env.practice, state="missed")] == ["w1/2026-05-10"]
    with pytest.raises(NotFound, match="no job on"):
        jobs.find_job(env.practice, "w1/2026-05-11")


async def test_coverage(env: JobsFixture) -> None:
    library.new_service(env.practice, "Nothing chosen", {})
    same = library.new_service(env.practice, env.names[2].upper(), {})
    listed, services, cover = templates.list_templates(env.practice)
    assert {ref.name for ref in cover.bare} == {"Nothing chosen", env.names[2].upper()}
    assert {view.name for view in listed if view.services} == set(env.names[:2])
    assert len(cover.unused) == len(listed) - 2
    assert [view.proposals[0].name for view in services if view.proposals] == [env.names[2]]
    assert [view.id for view in templates.accept_same(env.practice)] == [same.id]
    assert templates.accept_same(env.practice) == []


def test_templates_are_proposed_by_name() -> None:
    rows = [Template(uuid="a", name="Annual Accounts"), Template(uuid="b", name="Annual accounts 2025"),
            Template(uuid="c", name="Payroll"),
            Template(uuid="d", name="annual-accounts", gone=True)]  # fmt: skip
    found = likely_templates(Service(id="s1", name="annual  accounts"), rows)
    assert [(each.uuid, each.same) for each in found] == [("a", True), ("b", False)]
    assert likely_templates(Service(id="s1", name="[/]"), rows) == []
