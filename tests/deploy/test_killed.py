"""Deploying that is killed at any commit: the next one finishes it, and nothing is there twice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.test_matrix import check_nothing_twice, check_whole, prepared
from tests.deploy.world import Deploying
from tests.support.profile import count
from xpm_tui.sandbox.core.switches import Switches
from xpm_tui.service import deploying, jobs

EVERY = count(3, 1)


class Killed(BaseException):
    """The process is gone: nothing is written any more."""


def kill_at(world: Deploying, commit: int, *, after: bool) -> None:
    """From its n-th commit on, the book of this practice writes nothing."""
    real, made = world.practice.book.commit, 0

    def dying(writes: Sequence[Any]) -> int:
        nonlocal made
        made += 1
        if made > commit or (made == commit and not after):
            raise Killed
        position = real(writes)
        if made == commit:
            raise Killed
        return position

    world.practice.book.commit = dying  # type: ignore[method-assign]


async def deploy_killed(world: Deploying, workflow: str, commit: int, *, after: bool) -> bool:
    """Whether it was killed before it was done; the practice is then opened anew, as after a restart."""
    chosen = jobs.choose(world.practice, [workflow])
    kill_at(world, commit, after=after)
    try:
        await deploying.deploy_jobs(world.practice, chosen, reviewed=True)
    except Killed:
        world.practice.close()
        world.practice = world.open()
        return True
    world.practice.close()
    world.practice = world.open()
    return False


@pytest.mark.parametrize("with_client", [False, True], ids=["linked client", "new client"])
@pytest.mark.parametrize("after", [False, True], ids=["before the commit", "after the commit"])
async def test_the_next_run_finishes_it(tmp_path: Path, after: bool, with_client: bool) -> None:
    world = Deploying(tmp_path, jobs__state_code="INPROGRESS")
    await world.ready()
    world.sandbox.switches = Switches().changed({"create_lag": 45})
    killed, commit = 0, 1
    while True:
        workflow = prepared(world, f"Kill {commit}", with_client=with_client)
        if not await deploy_killed(world, workflow, commit, after=after):
            break
        killed += 1
        check_nothing_twice(world, workflow)
        row = jobs.row_of(world.practice, workflow)
        run = await world.deploy(workflow) if row.state != "deployed" else None
        assert run is None or run.outcome == "done", (commit, run, jobs.row_of(world.practice, workflow))
        check_whole(world, workflow)
        commit += EVERY
    assert killed >= 18 // EVERY
    world.close()
