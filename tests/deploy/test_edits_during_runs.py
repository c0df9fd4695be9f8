"""Users edit jobs while a run works on them: what they saw still holds, and no job number is lost."""

from __future__ import annotations

from collections.abc import Callable
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


async def test_a_job_that_is_being_created_cannot_be_skipped(
    env: JobsFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workflow,) = env.accepted().workflows
    real = Deployer._read_client
    reported: list[Busy] = []

    async def skipping(self: Deployer, *what: Any) -> None:
        with pytest.raises(Busy) as busy:
            jobs.skip(env.practice, workflow)
        reported.append(busy.value)
        await real(self, *what)

    monkeypatch.setattr(Deployer, "_read_client", skipping)
    run = await env.deploy(workflow)
    assert run.outcome == "done"
    assert f"by run {run.id}" in reported[0].message
    assert f"runs stop {run.id}" in reported[0].hint
    (made,) = env.made()
    assert jobs.row_of(env.practice, workflow).number == made.number


@pytest.mark.parametrize("act", ["skip", "edit", "revoke"])
async def test_a_user_who_looked_before_the_run_wrote_is_notified(
    env: JobsFixture, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    view = env.accepted()
    (workflow,) = view.workflows
    looked = env.practice.snapshot()
    if act == "skip":
        await env.deploy(workflow)
    else:
        job_editing.edit_workflow(env.practice, workflow, {"budget": "10"})
    acts: dict[str, Callable[[], object]] = {
        "skip": lambda: jobs.skip(env.practice, workflow),
        "edit": lambda: job_editing.edit_workflow(env.practice, workflow, {"name": "Other"}),
        "revoke": lambda: proposals.revoke(env.practice, view.id),
    }
    with monkeypatch.context() as patch:
        patch.setattr(OpenPractice, "snapshot", lambda _: looked)
        with pytest.raises(StoreChanged):
            acts[act]()
    if act == "skip":
        (row,) = env.practice.snapshot().rows(DEPLOYMENTS)
        assert row.number == env.made()[0].number
