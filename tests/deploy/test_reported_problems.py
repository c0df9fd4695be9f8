"""Problems of jobs are reported without being looked for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.deploy.fixtures import JobsFixture
from xpm_tui.application.jobs import deployment
from xpm_tui.application.jobs import queries as jobs
from xpm_tui.application.jobs import workflow_edits as job_editing
from xpm_tui.application.runs import sync_run
from xpm_tui.domain.errors import AppError
from xpm_tui.sandbox.faults import Fault


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    monkeypatch.setattr(sync_run, "notify", lambda _, reason, why, **__: found.append((reason, why)))
    return found


def automatic(env: JobsFixture, name: str, client: str) -> str:
    (workflow,) = env.accepted(name, client).workflows
    job_editing.edit_workflow(env.practice, workflow, {"automatic": "yes"})
    return workflow


async def test_a_hold_is_reported_although_the_network_fails_later(
    env: JobsFixture, reported: list[tuple[str, str]]
) -> None:
    ids = [automatic(env, f"J{at}", env.clients[at]) for at in range(3)]
    job_editing.edit_workflow(env.practice, ids[1], {"templates": ""})
    env.clock.move(_to(env))
    env.sandbox.faults.add(Fault("403", endpoint="job.api/add", nth=2))
    with pytest.raises(AppError):
        await deployment.deploy_due(env.practice)
    states = [jobs.row_of(env.practice, each).state for each in ids]
    assert states[:2] == ["deployed", "held"]
    assert reported


async def test_jobs_that_failed_at_night_are_reported(
    env: JobsFixture, reported: list[tuple[str, str]]
) -> None:
    one = automatic(env, "J0", env.clients[0])
    env.clock.move(_to(env))
    env.sandbox.faults.add(Fault("status-error", endpoint="job.api/add", times=1))
    run = await deployment.deploy_due(env.practice)
    assert run is not None
    assert jobs.row_of(env.practice, one).state == "failed"
    assert reported


def _to(env: JobsFixture) -> timedelta:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    day = datetime(2026, 7, 1, 8, tzinfo=ZoneInfo("Pacific/Auckland"))
    return day - env.clock.now()
