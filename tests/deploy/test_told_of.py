"""Nobody has to look to know."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.fixtures import JobsFixture
from xpm_tui.application.jobs import deployment
from xpm_tui.application.jobs import queries as jobs
from xpm_tui.application.jobs import workflow_edits as job_editing
from xpm_tui.application.runs import sync_run
from xpm_tui.domain.errors import AppError
from xpm_tui.sandbox.core.faults import Fault


@pytest.fixture
async def world(tmp_path: Path) -> Any:
    world = JobsFixture(tmp_path)
    await world.ready()
    yield world
    world.close()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    monkeypatch.setattr(sync_run, "notify", lambda _, reason, why, **__: found.append((reason, why)))
    return found


def automatic(world: JobsFixture, name: str, client: str) -> str:
    (workflow,) = world.accepted(name, client).workflows
    job_editing.edit_workflow(world.practice, workflow, {"automatic": "yes"})
    return workflow


async def test_a_hold_is_told_also_where_the_network_went_away_after_it(
    world: JobsFixture, told: list[tuple[str, str]]
) -> None:
    ids = [automatic(world, f"J{at}", world.clients[at]) for at in range(3)]
    job_editing.edit_workflow(world.practice, ids[1], {"templates": ""})
    world.clock.move(_to(world))
    world.sandbox.faults.add(Fault("403", endpoint="job.api/add", nth=2))
    with pytest.raises(AppError):
        await deployment.deploy_due(world.practice)
    states = [jobs.row_of(world.practice, each).state for each in ids]
    assert states[:2] == ["deployed", "held"]
    assert told


async def test_jobs_that_failed_at_night_are_told(world: JobsFixture, told: list[tuple[str, str]]) -> None:
    one = automatic(world, "J0", world.clients[0])
    world.clock.move(_to(world))
    world.sandbox.faults.add(Fault("status-error", endpoint="job.api/add", times=1))
    run = await deployment.deploy_due(world.practice)
    assert run is not None
    assert jobs.row_of(world.practice, one).state == "failed"
    assert told


def _to(world: JobsFixture) -> timedelta:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    day = datetime(2026, 7, 1, 8, tzinfo=ZoneInfo("Pacific/Auckland"))
    return day - world.clock.now()
