"""A deployment that is killed at any commit: the next one finishes it, and nothing is created twice."""

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
from xpm_tui.sandbox.switches import Switches

EVERY = count(3, 1)


class Killed(BaseException):
    """The process is gone: nothing is written any more."""


def kill_at(env: JobsFixture, commit: int, *, after: bool) -> None:
    """From its n-th commit on, the store of this practice writes nothing."""
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
        setattr(env.practice.store, name, deadly(getattr(env.practice.store, name)))


async def deploy_killed(env: JobsFixture, workflow: str, commit: int, *, after: bool) -> bool:
    """Whether it was killed before it was done; the practice is then opened again, as after a restart."""
    chosen = jobs.choose(env.practice, [workflow])
    kill_at(env, commit, after=after)
    try:
        await deployment.deploy_jobs(env.practice, chosen, reviewed=True)
    except Killed:
        env.practice.close()
        env.practice = env.open()
        return True
    env.practice.close()
    env.practice = env.open()
    return False


@pytest.mark.parametrize("with_client", [False, True], ids=["linked client", "new client"])
@pytest.mark.parametrize("after", [in_soak(False), True], ids=["before the commit", "after the commit"])
async def test_the_next_run_finishes_it(tmp_path: Path, after: bool, with_client: bool) -> None:
    env = JobsFixture(tmp_path, jobs__state_code="INPROGRESS")
    await env.ready()
    env.sandbox.switches = Switches().changed({"create_lag": 45})
    killed = held = 0
    commit = 1
    while True:
        workflow = prepared(env, f"Kill {commit}", with_client=with_client)
        if not await deploy_killed(env, workflow, commit, after=after):
            break
        killed += 1
        check_nothing_twice(env, workflow)
        row = jobs.row_of(env.practice, workflow)
        run = await env.deploy(workflow) if row.state != "deployed" else None
        if run is not None and run.outcome == "held":
            held += 1
            await told_what_became(env, workflow)
        else:
            assert run is None or run.outcome == "done", (commit, run)
        check_whole(env, workflow)
        commit += EVERY
    assert killed >= 18 // EVERY
    # Killed between the note that it goes out and its first byte: nobody can tell, so such a step waits.
    assert held <= (2 + with_client if after else 0)
    env.close()


async def told_what_became(env: JobsFixture, workflow: str) -> None:
    """It waits with a reason, and XPM has nothing of what was sent: a user says so, and it goes on."""
    row = jobs.row_of(env.practice, workflow)
    assert row.why
    for made in env.made(row.name):
        assert env.tasks_of(made) != env.wanted_tasks(), "what XPM has is found and goes on by itself"
    for waiting in open_intents.list_held_writes(env.practice):
        open_intents.decide(env.practice, open_intents.Decision(waiting.intent, "again"))
    if row.cause == "unknown":
        await settle(env, workflow)
    else:
        assert (await env.deploy(workflow)).outcome == "done"
