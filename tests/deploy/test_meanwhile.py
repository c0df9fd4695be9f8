"""A person at a job while a run is at it: what the person was told holds, and no number of a job is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.fixtures import JobsFixture
from xpm_tui.application.jobs import proposals
from xpm_tui.application.jobs import queries as jobs
from xpm_tui.application.jobs import workflow_edits as job_editing
from xpm_tui.application.practice import OpenPractice
from xpm_tui.deploy.executor import Deployer
from xpm_tui.domain.errors import Busy, StoreChanged
from xpm_tui.domain.tables import DEPLOYMENTS


@pytest.fixture
async def world(tmp_path: Path) -> Any:
    world = JobsFixture(tmp_path)
    await world.ready()
    yield world
    world.close()


async def test_a_job_that_is_being_made_cannot_be_skipped(
    world: JobsFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workflow,) = world.accepted().workflows
    real = Deployer._read_client
    told: list[Busy] = []

    async def skipping(self: Deployer, *what: Any) -> None:
        with pytest.raises(Busy) as busy:
            jobs.skip(world.practice, workflow)
        told.append(busy.value)
        await real(self, *what)

    monkeypatch.setattr(Deployer, "_read_client", skipping)
    run = await world.deploy(workflow)
    assert run.outcome == "done"
    assert f"by run {run.id}" in told[0].message
    assert f"runs stop {run.id}" in told[0].hint
    (made,) = world.made()
    assert jobs.row_of(world.practice, workflow).number == made.number


@pytest.mark.parametrize("act", ["skip", "edit", "revoke"])
async def test_who_looked_before_the_run_wrote_is_told(
    world: JobsFixture, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    view = world.accepted()
    (workflow,) = view.workflows
    looked = world.practice.snapshot()
    if act == "skip":
        await world.deploy(workflow)
    else:
        job_editing.edit_workflow(world.practice, workflow, {"budget": "10"})
    acts: dict[str, Callable[[], object]] = {
        "skip": lambda: jobs.skip(world.practice, workflow),
        "edit": lambda: job_editing.edit_workflow(world.practice, workflow, {"name": "Other"}),
        "revoke": lambda: proposals.revoke(world.practice, view.id),
    }
    with monkeypatch.context() as patch:
        patch.setattr(OpenPractice, "snapshot", lambda _: looked)
        with pytest.raises(StoreChanged):
            acts[act]()
    if act == "skip":
        (row,) = world.practice.snapshot().rows(DEPLOYMENTS)
        assert row.number == world.made()[0].number
