"""A job that cannot be sent does not stop the others."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from uuid import uuid4

import pytest

from tests.deploy.fixtures import JobsFixture
from xpm_tui.application.jobs import deployment
from xpm_tui.application.jobs import queries as jobs
from xpm_tui.application.jobs import workflow_edits as job_editing
from xpm_tui.domain.errors import AppError
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import CLIENTS, LINKS, XPM_CLIENTS
from xpm_tui.domain.xpm import XpmClient
from xpm_tui.sandbox.colleague import Colleague
from xpm_tui.sandbox.faults import Fault
from xpm_tui.sync.base import block_as_different


@pytest.mark.parametrize(
    "pattern", ["IGN/{workflow}", "IGN {workflow}?", "IGN#{workflow}", "Ä-{workflow}", "../{workflow}"]
)
async def test_an_own_number_with_unusual_characters_leaves_no_job_unfinished(
    env: JobsFixture, pattern: str
) -> None:
    try:
        env.practice.settings.set("jobs.number", pattern, practice=True)
    except AppError:
        return  # it is refused: that keeps nothing back either
    env.accepted("First")
    for _ in range(2):
        with suppress(AppError):
            await env.deploy("w1")
    row = jobs.row_of(env.practice, "w1")
    assert row.state != "going"


async def test_a_name_that_xml_cannot_carry(env: JobsFixture) -> None:
    env.accepted("First")
    env.accepted("Second", env.clients[1])
    job_editing.edit_workflow(env.practice, "w1", {"description": "a\x0bb", "reference": "x\x01"})
    with suppress(AppError):
        await env.deploy("w1", "w2")
    assert jobs.row_of(env.practice, "w1").state == "failed"
    assert jobs.row_of(env.practice, "w2").state == "deployed"


async def test_a_lost_answer_whose_job_cannot_be_read(env: JobsFixture) -> None:
    """XPM refuses to show one job; the others go on."""
    env.accepted("First")
    env.sandbox.faults.add(Fault("500", endpoint="job.api/applytemplate", times=1, after=True))
    env.sandbox.faults.add(Fault("status-error", endpoint="job.api/get", times=0))
    for _ in range(2):
        with suppress(AppError):
            await deployment.deploy_jobs(env.practice, [jobs.find_job(env.practice, "w1")], reviewed=True)
    env.accepted("Second", env.clients[1])
    with suppress(AppError):
        await env.deploy("w2")
    assert jobs.row_of(env.practice, "w2").state == "deployed"


async def test_a_job_that_is_requested_twice_is_created_once(env: JobsFixture) -> None:
    """The same proposal accepted, its job made, then the same job asked for twice in one batch."""
    env.accepted("First")
    chosen = jobs.choose(env.practice, ["w1"])
    await deployment.deploy_jobs(env.practice, [*chosen, *chosen], reviewed=True)
    await deployment.deploy_jobs(env.practice, chosen, reviewed=True)
    assert len(env.made("First")) == 1


@pytest.mark.parametrize("archived", [False, True])
async def test_a_client_whose_name_xpm_has_in_another_form_is_not_created_by_a_deployment(
    env: JobsFixture, archived: bool
) -> None:
    """The job waits, and the match is named with its number, until a user says that it is a different one."""
    practice = env.practice
    there = XpmClient(uuid=str(uuid4()), name="A.B.C. Motors Ltd", number="4711", archived=archived)
    (ours,) = practice.ids.new("c")
    practice.store.commit([Put(XPM_CLIENTS, there), Put(CLIENTS, Client(id=ours, name="ABC Motors Limited"))])
    env.accepted("First", ours)
    before = len(env.sandbox.practice.clients)
    await env.deploy("w1")
    row = jobs.row_of(practice, "w1")
    assert row.state == "held"
    assert "A.B.C. Motors Ltd (number 4711" in row.why
    assert len(env.sandbox.practice.clients) == before
    practice.store.commit([block_as_different(ours, there.uuid, by="kim", now=practice.clock.now())])
    await env.deploy("w1")
    assert jobs.row_of(practice, "w1").state == "deployed"
    assert len(env.sandbox.practice.clients) == before + 1


async def test_each_client_is_read_again_just_before_its_job_is_created(env: JobsFixture) -> None:
    """What a colleague does to a client after the last sync holds that client's job, and no other."""
    xpm, snapshot, now = env.sandbox.practice, env.practice.snapshot(), env.clock.now().timestamp()
    colleague = Colleague(xpm)
    links = [snapshot.get(LINKS, client) for client in env.clients]
    uuids = [link.uuid for link in links if link is not None]
    for number, client in enumerate(env.clients):
        env.accepted(f"Tax {number}", client)
    xpm.put_client(replace(xpm.clients[uuids[0]], archived=True, modified=now))
    xpm.put_client(replace(xpm.clients[uuids[1]], deleted=True, modified=now))
    colleague.merge(uuids[2], uuids[5], now)
    xpm.put_client(replace(xpm.clients[uuids[3]], name="Sold and renamed", modified=now))
    xpm.put_client(replace(xpm.clients[uuids[4]], phone="09 555 0199", modified=now))
    await env.deploy(*(f"w{number}" for number in range(1, 7)))
    rows = [jobs.row_of(env.practice, f"w{number}") for number in range(1, 7)]
    causes = ["client-archived", "client-gone", "client-gone", "client-changed", "", ""]
    assert [row.cause for row in rows] == causes
    assert [row.state for row in rows] == ["held"] * 4 + ["deployed"] * 2
    assert "Sold and renamed" in rows[3].why
    assert sum(len(env.made(f"Tax {number}")) for number in range(6)) == 2
    run = await env.retry()
    assert [jobs.row_of(env.practice, row.id).cause for row in rows] == [*causes[:3], "", "", ""]
    assert run.consequences is not None
    assert run.consequences.requests.client_reads == 1, "those that are archived or gone are known by now"
