"""JobsFixture that is killed at any commit: the next one finishes it, and nothing is there twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.fixtures import JobsFixture
from tests.deploy.test_matrix import check_nothing_twice, check_whole, prepared, settle
from tests.support.profile import count, in_soak
from xpm_tui.application.jobs import deployment
from xpm_tui.application.jobs import queries as jobs
from xpm_tui.application.runs import open_intents
from xpm_tui.sandbox.core.switches import Switches

EVERY = count(3, 1)


class Killed(BaseException):
    """The process is gone: nothing is written any more."""


def kill_at(world: JobsFixture, commit: int, *, after: bool) -> None:
    """From its n-th commit on, the book of this practice writes nothing."""
    made = 0

    def deadly(real: Callable[..., int]) -> Callable[..., int]:
        def dying(*what: Any, **how: Any) -> int:
            nonlocal made
            made += 1
            if made > commit or (made == commit and not after):
                raise Killed
            position = real(*what, **how)
            if made == commit:
                raise Killed
            return position

        return dying

    for name in ("commit", "transact"):
        setattr(world.practice.store, name, deadly(getattr(world.practice.store, name)))


async def deploy_killed(world: JobsFixture, workflow: str, commit: int, *, after: bool) -> bool:
    """Whether it was killed before it was done; the practice is then opened anew, as after a restart."""
    chosen = jobs.choose(world.practice, [workflow])
    kill_at(world, commit, after=after)
    try:
        await deployment.deploy_jobs(world.practice, chosen, reviewed=True)
    except Killed:
        world.practice.close()
        world.practice = world.open()
        return True
    world.practice.close()
    world.practice = world.open()
    return False


@pytest.mark.parametrize("with_client", [False, True], ids=["linked client", "new client"])
@pytest.mark.parametrize("after", [in_soak(False), True], ids=["before the commit", "after the commit"])
async def test_the_next_run_finishes_it(tmp_path: Path, after: bool, with_client: bool) -> None:
    world = JobsFixture(tmp_path, jobs__state_code="INPROGRESS")
    await world.ready()
    world.sandbox.switches = Switches().changed({"create_lag": 45})
    killed = held = 0
    commit = 1
    while True:
        workflow = prepared(world, f"Kill {commit}", with_client=with_client)
        if not await deploy_killed(world, workflow, commit, after=after):
            break
        killed += 1
        check_nothing_twice(world, workflow)
        row = jobs.row_of(world.practice, workflow)
        run = await world.deploy(workflow) if row.state != "deployed" else None
        if run is not None and run.outcome == "held":
            held += 1
            await told_what_became(world, workflow)
        else:
            assert run is None or run.outcome == "done", (commit, run)
        check_whole(world, workflow)
        commit += EVERY
    assert killed >= 18 // EVERY
    # Killed between the note that it goes out and its first byte: nobody can tell, so such a step waits.
    assert held <= (2 + with_client if after else 0)
    world.close()


async def told_what_became(world: JobsFixture, workflow: str) -> None:
    """It waits with a reason, and XPM has nothing of what was sent: a person says so, and it goes on."""
    row = jobs.row_of(world.practice, workflow)
    assert row.why
    for made in world.made(row.name):
        assert world.tasks_of(made) != world.wanted_tasks(), "what XPM has is found and goes on by itself"
    for waiting in open_intents.list_held_writes(world.practice):
        open_intents.decide(world.practice, open_intents.Decision(waiting.intent, "again"))
    if row.cause == "unknown":
        await settle(world, workflow)
    else:
        assert (await world.deploy(workflow)).outcome == "done"
