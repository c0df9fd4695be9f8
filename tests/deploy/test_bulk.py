"""Many acceptances at once: the calls that are said before are the calls that are made."""

from __future__ import annotations

from pathlib import Path

from tests.deploy.world import Deploying
from tests.support.profile import count
from xpm_tui.model.book import Client
from xpm_tui.model.ports import Put
from xpm_tui.model.tables import CLIENTS
from xpm_tui.service import jobs

MANY = count(12, 500)
NEW = max(2, MANY // 10)


async def test_the_calls_of_many_acceptances(tmp_path: Path) -> None:
    world = Deploying(tmp_path, jobs__state_code="INPROGRESS")
    await world.ready()
    fresh = world.practice.ids.new("c", NEW)
    names = [f"{word} Brightwater {n}" for n, word in enumerate(("Kiwi", "Tui", "Moa", "Kea", "Weka") * 100)]
    world.practice.book.commit([Put(CLIENTS, Client(id=id_, name=names[n])) for n, id_ in enumerate(fresh)])
    for n in range(MANY):
        client = fresh[n] if n < NEW else world.clients[n % len(world.clients)]
        world.accepted(f"Bulk {n}", client, partner=world.people[0])
    chosen = jobs.choose(world.practice, due=False, missed=False, jobs=[f"w{n + 1}" for n in range(MANY)])
    views, estimate = jobs.previews(world.practice, chosen)
    assert all(view.goes for view in views), [view.problems for view in views if not view.goes][:3]
    run = await world.deploy(*(f"w{n + 1}" for n in range(MANY)))
    assert (run.outcome, run.counts["deployed"]) == ("done", MANY)
    # One look and one call for a new client; add, a further template, people and state for each; one list.
    assert run.calls == estimate == 2 * NEW + 4 * MANY + 1
    assert world.net.asked("job.api/add") == MANY
    assert world.net.asked("job.api/current") == 2  # one of them filled the mirror
