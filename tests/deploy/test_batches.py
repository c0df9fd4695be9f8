"""Many accepted proposals at once: as many calls are made as were announced."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.application.fixtures import preview_named
from tests.deploy.fixtures import JobsFixture
from tests.support.profile import count
from xpm_tui.application.jobs import deployment
from xpm_tui.application.jobs import queries as jobs
from xpm_tui.application.jobs import workflow_edits as job_editing
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import CLIENTS

MANY = count(12, 500)
NEW = max(2, MANY // 10)


async def test_the_calls_of_many_jobs_are_estimated_exactly(tmp_path: Path) -> None:
    env = JobsFixture(tmp_path, jobs__state_code="INPROGRESS")
    await env.ready()
    fresh = env.practice.ids.new("c", NEW)
    names = [f"{word} Brightwater {n}" for n, word in enumerate(("Kiwi", "Tui", "Moa", "Kea", "Weka") * 100)]
    env.practice.store.commit([Put(CLIENTS, Client(id=id_, name=names[n])) for n, id_ in enumerate(fresh)])
    for n in range(MANY):
        client = fresh[n] if n < NEW else env.clients[n % len(env.clients)]
        env.accepted(f"Bulk {n}", client, partner=env.people[0])
    chosen = jobs.choose(env.practice, due=False, missed=False, jobs=[f"w{n + 1}" for n in range(MANY)])
    views, estimate = jobs.preview_jobs(env.practice, chosen)
    assert all(view.goes for view in views), [view.problems for view in views if not view.goes][:3]
    run = await env.deploy(*(f"w{n + 1}" for n in range(MANY)))
    assert (run.outcome, run.counts["deployed"]) == ("done", MANY)
    # One look and one call for a new client, and one for any other; add, a further template, people and state
    # for each; one list.
    assert run.calls == estimate.calls == 2 * NEW + (MANY - NEW) + 4 * MANY + 1
    assert env.net.asked("job.api/add") == MANY
    assert env.net.asked("job.api/current") == 2  # one of them filled the mirror


async def test_a_client_that_several_jobs_need_is_counted_and_created_once(tmp_path: Path) -> None:
    env = JobsFixture(tmp_path, jobs__number="IGN-{workflow}")
    await env.ready()
    (fresh,) = env.practice.ids.new("c")
    env.practice.store.commit([Put(CLIENTS, Client(id=fresh, name="Weka Brightwater"))])
    for n in range(3):
        env.accepted(f"Shared {n}", fresh)
    batch = preview_named(env.practice, ["w1", "w2", "w3"])
    run = await env.deploy("w1", "w2", "w3")
    # A look and a call for the client, which is read again for the second and the third job; a look at the
    # number, add and a further template for each; one list.
    assert run.calls == batch.calls == 2 + 2 + 3 * 3 + 1
    assert (batch.new, batch.asks, batch.holds, batch.number) == (3, 0, 0, "IGN-W1")
    assert run.outcome == "done"


async def test_an_unfinished_job_is_counted_by_its_remaining_steps(tmp_path: Path) -> None:
    env = JobsFixture(tmp_path)
    await env.ready()
    env.accepted(manager=env.people[0])
    job_editing.edit_workflow(env.practice, "w1", {"state": "NONSENSE"})
    await env.deploy("w1")
    job_editing.edit_workflow(env.practice, "w1", {"state": "INPROGRESS"})
    batch = preview_named(env.practice, deployment.jobs_of_cause(env.practice, "state-code"))
    assert (batch.new, batch.begun, batch.calls) == (0, 1, 2)
    with pytest.raises(BadInput, match="is already in XPM, so this cannot be changed"):
        job_editing.edit_workflow(env.practice, "w1", {"name": "Another"})
    assert (await env.retry()).calls == 2
