"""Every step under every fault: never two jobs, never a template twice; done, or held with the reason."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.deploy.fixtures import JobsFixture
from tests.support.profile import PROFILE, count, spread
from xpm_tui.application.jobs import deployment as job_settling
from xpm_tui.application.jobs import queries as jobs
from xpm_tui.application.jobs import workflow_edits as job_editing
from xpm_tui.domain.errors import AppError
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.ports import Put
from xpm_tui.domain.runs import Run
from xpm_tui.domain.tables import CLIENTS, INTENTS
from xpm_tui.sandbox.faults import Fault
from xpm_tui.sandbox.switches import Switches

STEPS = {
    "look for the client": "client.api/search",
    "create the client": "client.api/add",
    "look for jobs": "job.api/current",
    "look for the number": "job.api/get",
    "add": "job.api/add",
    "template": "job.api/applytemplate",
    "people": "job.api/assign",
    "state": "job.api/state",
}
BEFORE = ("401-expired", "401-scope", "403", "409", "429-minute", "429-day", "500", "503", "reset", "hang")
AFTER = ("500", "reset", "hang")
SPOILED = ("cut", "broken-xml", "html", "status-error", "empty")
FAULTS = [
    *(Fault(kind, times=1) for kind in BEFORE),
    *(Fault(kind, times=1, after=True) for kind in AFTER),
    *(Fault(kind, times=1) for kind in SPOILED),
]
TRIES = 4
LAGS = [90] if PROFILE == "default" else [0, 90, 900]
NUMBERS = ["", "IGN-{workflow}"][: count(1, 2)]


@pytest.fixture(scope="module", params=NUMBERS, ids=lambda pattern: pattern or "XPM's numbers")
def env(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobsFixture]:
    env = JobsFixture(tmp_path_factory.mktemp("matrix"), jobs__state_code="INPROGRESS")
    asyncio.run(env.ready())
    env.clock.move(timedelta(days=60))  # Their day has come: a job that nothing was done to is due.
    codes = [state.code for state in env.sandbox.practice.states]
    env.practice.settings.set("jobs.state_code", codes[1], practice=True)
    env.practice.settings.set("jobs.number", request.param, practice=True)
    yield env
    env.close()


def prepared(env: JobsFixture, name: str, *, with_client: bool) -> str:
    """A proposal with two templates, three people and a state; its client is linked, or only in the store."""
    client = env.client
    if with_client:
        (client,) = env.practice.ids.new("c")
        env.practice.store.commit([Put(CLIENTS, Client(id=client, name=f"{name} Limited"))])
    (workflow,) = env.accepted(name, client).workflows
    partner, manager, staff = env.people
    job_editing.edit_workflow(
        env.practice, workflow, {"partner": partner, "manager": manager, "staff": staff}
    )
    return workflow


async def attempt(env: JobsFixture, job: str) -> Run | AppError:
    """One run that takes it up."""
    found = jobs.find_job(env.practice, job)
    try:
        return await job_settling.deploy_jobs(env.practice, [found], reviewed=True)
    except AppError as error:
        return error


async def to_the_end(env: JobsFixture, job: str) -> None:
    """As a user would: again on another day, until it is done or waits for a decision."""
    for _ in range(TRIES):
        row = jobs.row_of(env.practice, job)
        if row.state == "deployed" or row.cause == "unknown":
            return
        await attempt(env, job)
        check_nothing_twice(env, job)
        env.clock.move(timedelta(days=1, minutes=7))


def check_nothing_twice(env: JobsFixture, job: str) -> None:
    row = jobs.row_of(env.practice, job)
    made = env.made(row.name)
    assert len(made) <= 1, [each.number for each in made]
    if made:
        times, wanted = Counter(env.tasks_of(made[0])), Counter(env.wanted_tasks())
        assert times <= wanted, "a template was applied twice"
        client = made[0].client
        clients = [c for c in env.sandbox.practice.clients.values() if c.name == f"{row.name} Limited"]
        assert len(clients) <= 1
        assert not clients or clients[0].uuid == client


def check_whole(env: JobsFixture, job: str) -> None:
    row = jobs.row_of(env.practice, job)
    (made,) = env.made(row.name)
    assert row.number == made.number
    assert env.tasks_of(made) == env.wanted_tasks()
    assert made.partner
    assert made.manager
    assert len(made.assigned) == 1
    assert made.state == env.sandbox.practice.states[1].name
    pending = [i for i in env.practice.snapshot().rows(INTENTS) if i.record == row.id and i.state == "sent"]
    assert pending == []


def case(fault: Fault) -> str:
    return fault.kind + (" after it was done" if fault.after else "")


@pytest.mark.parametrize("lag", LAGS, ids=lambda lag: f"shown after {lag} s")
@pytest.mark.parametrize("step", spread(STEPS, 3))
def test_every_fault_at_every_step(env: JobsFixture, step: str, lag: int) -> None:
    asyncio.run(_all_faults(env, step, lag))


async def _all_faults(env: JobsFixture, step: str, lag: int) -> None:
    env.sandbox.switches = Switches().changed({"create_lag": lag})
    outcomes: Counter[str] = Counter()
    faults = FAULTS if PROFILE != "default" else FAULTS[[*STEPS].index(step) % 2 :: 2]
    for fault in faults:
        name = f"{step} {lag} {case(fault)}"
        workflow = prepared(env, name, with_client="client" in step)
        env.sandbox.faults.add(Fault(fault.kind, STEPS[step], times=1, after=fault.after, seconds=40))
        await attempt(env, workflow)
        env.sandbox.faults.clear()
        check_nothing_twice(env, workflow)
        row = jobs.row_of(env.practice, workflow)
        assert row.state in ("deployed", "held", "failed", "going", "due"), (name, row)
        assert row.state not in ("held", "failed") or row.why, name
        env.clock.move(timedelta(days=1, minutes=7))
        await to_the_end(env, workflow)
        row = jobs.row_of(env.practice, workflow)
        if row.cause == "unknown":
            assert "no answer came" in row.why.lower(), row.why
            await settle(env, workflow)
        elif row.state != "deployed":
            # Whether XPM created the client is unknown: the user decides before any job is sent.
            assert (step, row.cause) == ("create the client", "client-waits"), (name, row)
            held = env.practice.snapshot().find(INTENTS, "state", "held")
            assert row.client
            unsure = any(i.kind == "client.add" and i.record == row.client.id for i in held)
            assert unsure or fault.kind == "status-error", name
            assert env.made(row.name) == []
            outcomes["waits for its client"] += 1
            continue
        row = jobs.row_of(env.practice, workflow)
        assert row.state == "deployed", (name, row)
        check_whole(env, workflow)
        outcomes["deployed"] += 1
    assert outcomes.total() == len(faults)
    assert outcomes["deployed"] >= (3 if step == "create the client" else len(faults)), outcomes


async def settle(env: JobsFixture, workflow: str) -> None:
    """A user looks at XPM and says what became of it."""
    row = jobs.row_of(env.practice, workflow)
    made = env.made(row.name)
    if row.number:
        there = made[0]
        fully = len(env.tasks_of(there)) == len(env.wanted_tasks())
        await job_settling.decide_sent(env.practice, workflow, "adopt" if fully else "again")
    elif made:
        await job_settling.decide_sent(env.practice, workflow, "adopt", made[0].number)
    else:
        await job_settling.decide_sent(env.practice, workflow, "again")
    await attempt(env, workflow)


@pytest.mark.parametrize("edit", [{}, {"name": "Another name"}], ids=["as it was", "edited"])
@pytest.mark.parametrize("lag", [0, 250])
def test_a_job_created_in_spite_of_a_refusal_is_found_before_it_is_sent_again(
    env: JobsFixture, lag: int, edit: dict[str, str]
) -> None:
    asyncio.run(_refused_and_created(env, lag, edit))


async def _refused_and_created(env: JobsFixture, lag: int, edit: dict[str, str]) -> None:
    env.sandbox.switches = Switches().changed({"create_lag": lag})
    name = f"refused {lag} {len(edit)}"
    workflow = prepared(env, name, with_client=False)
    env.sandbox.faults.add(Fault("status-error", STEPS["add"], times=1))
    await attempt(env, workflow)
    env.sandbox.faults.clear()
    row = jobs.row_of(env.practice, workflow)
    assert (row.state, row.number, len(env.made(name))) == ("failed", "", 1)
    job_editing.edit_workflow(env.practice, workflow, edit)
    before = env.net.asked(STEPS["add"])
    await attempt(env, workflow)  # at once: XPM does not list the job yet
    row = jobs.row_of(env.practice, workflow)
    (made,) = env.made(name)
    assert (row.state, row.number) == ("deployed", made.number), row
    assert env.net.asked(STEPS["add"]) == before
    assert not edit or not env.made(edit["name"])
