"""The same over the wire form of the sandbox: every sample practice, pulled, then pushed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from tests.service.flows import World
from tests.support.profile import count
from xpm_tui.model.book import TeamMember
from xpm_tui.model.ports import Put
from xpm_tui.model.tables import CLIENTS, STAFF, TEAM
from xpm_tui.service.clients.linking import pick_all
from xpm_tui.service.runs import runner


def writes(world: World) -> list[str]:
    """What was sent to XPM to change something."""
    rows = world.sandbox.log.rows(lambda row: row.method in ("POST", "PUT", "DELETE"))
    return [row.path for row in rows if "practicemanager" in row.path]


@pytest.mark.parametrize("size", [12, count(60, 5_000)])
async def test_pull_then_push_writes_nothing_and_an_edit_is_one_call(size: int, tmp_path: Path) -> None:
    world = World(tmp_path, clients=size, seed=2)
    await world.connect()
    practice = world.practice
    pick_all(practice)
    for place, staff in enumerate(list(practice.snapshot().rows(STAFF))[:2]):
        practice.book.commit([Put(TEAM, TeamMember(id=f"t{place}", name=staff.name, staff=staff.uuid))])
    assert (await runner.run(practice, reviewed=True)).outcome == "done"
    world.clock.move(timedelta(hours=1))
    practice.settings.set("sync.direction", "to_xpm")
    quiet = await runner.run(practice, reviewed=True)
    assert (quiet.outcome, quiet.counts, writes(world)) == ("done", {}, [])
    edited = list(practice.snapshot().rows(CLIENTS))[:5]
    practice.book.commit(
        [Put(CLIENTS, msgspec.structs.replace(client, city="Ōtaki & Co")) for client in edited]
    )
    pushed = await runner.run(practice, reviewed=True)
    assert (pushed.counts["changes"], len(writes(world))) == (5, 5)
    world.clock.move(timedelta(hours=1))
    assert (await runner.run(practice, reviewed=True)).counts == {}
    world.close()
