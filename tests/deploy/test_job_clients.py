"""Jobs of other clients, clients that cannot be sent, and start dates edited during a run."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from tests.deploy.fixtures import JobsFixture
from xpm_tui.application.jobs import deployment
from xpm_tui.application.jobs import queries as jobs
from xpm_tui.application.jobs import workflow_edits as job_editing
from xpm_tui.deploy.executor import Deployer
from xpm_tui.domain.errors import AppError, BadInput
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import CLIENTS, DEPLOYMENTS
from xpm_tui.sandbox.faults import Fault


async def test_a_job_of_another_client_is_not_adopted(env: JobsFixture) -> None:
    env.accepted("Other", env.clients[1])
    await env.deploy("w1")
    (other,) = env.made("Other")
    env.practice.store.commit([])  # nothing
    row = env.practice.snapshot().get(DEPLOYMENTS, jobs.row_of(env.practice, "w1").id)
    assert row is not None
    # as if someone had created it in XPM: nothing stored here refers to it
    env.practice.store.commit([Put(DEPLOYMENTS, msgspec.structs.replace(row, number="J99999"))])
    env.accepted()
    env.sandbox.faults.add(Fault("reset", endpoint="job.api/add", times=1))
    await env.deploy("w2")
    assert jobs.row_of(env.practice, "w2").cause == "unknown"
    with pytest.raises(BadInput):
        await deployment.decide_sent(env.practice, "w2", "adopt", other.number)


async def test_a_client_that_cannot_be_sent_holds_no_other_job(env: JobsFixture) -> None:
    (client,) = env.practice.ids.new("c")
    env.practice.store.commit(
        [Put(CLIENTS, Client(id=client, name="Bad Client", phone="0\x0b9", contacts=()))]
    )
    env.accepted("First", client)
    env.accepted("Second", env.clients[1])
    for _ in range(2):
        with suppress(AppError):
            await env.deploy("w1", "w2")
    assert jobs.row_of(env.practice, "w2").state == "deployed"


async def test_a_start_that_is_edited_while_a_run_is_on(
    env: JobsFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    env.accepted("First")
    env.accepted("Second", env.clients[1])
    real = Deployer._checked_preview

    def editing(self: Deployer, row: Any, workflow: Any) -> Any:
        if workflow.id == "w1":
            job_editing.edit_workflow(env.practice, "w2", {"start": "2026-09-15"})
        return real(self, row, workflow)

    monkeypatch.setattr(Deployer, "_checked_preview", editing)
    await env.deploy("w1", "w2")
    assert [str(job.start)[:10] for job in env.made("Second")] in ([], ["2026-09-15"])


async def test_a_recurrence_that_is_partly_created_does_not_move(env: JobsFixture) -> None:
    env.accepted(repeat="monthly")
    env.clock.move(timedelta(days=60))
    env.sandbox.faults.add(Fault("status-error", endpoint="job.api/applytemplate", times=1))
    await env.deploy("w1")
    assert jobs.row_of(env.practice, "w1").number
    with pytest.raises(BadInput):
        job_editing.edit_workflow(env.practice, "w1", {"start": "2026-07-15"})
