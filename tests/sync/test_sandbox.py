"""Sync over the wire format of the sandbox: every sample practice, From XPM, then To XPM."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from tests.application.fixtures import PracticeFixture
from tests.support.profile import count
from xpm_tui.application.clients.edits import edit_client
from xpm_tui.application.clients.picks import pick_all
from xpm_tui.application.runs import runner
from xpm_tui.domain.ignition import TeamMember
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import CLIENTS, LINKS, STAFF, TEAM


def writes(env: PracticeFixture) -> list[str]:
    """What was sent to XPM to change something."""
    rows = env.sandbox.log.rows(lambda row: row.method in ("POST", "PUT", "DELETE"))
    return [row.path for row in rows if "practicemanager" in row.path]


@pytest.mark.parametrize("size", [12, count(60, 5_000)])
async def test_pull_then_push_writes_nothing_and_an_edit_is_one_call(size: int, tmp_path: Path) -> None:
    env = PracticeFixture(tmp_path, clients=size, seed=2)
    await env.connect()
    practice = env.practice
    pick_all(practice)
    for place, staff in enumerate(list(practice.snapshot().rows(STAFF))[:2]):
        practice.store.commit([Put(TEAM, TeamMember(id=f"t{place}", name=staff.name, staff=staff.uuid))])
    assert (await runner.run(practice, reviewed=True)).outcome == "done"
    env.clock.move(timedelta(hours=1))
    practice.settings.set("sync.direction", "to_xpm")
    quiet = await runner.run(practice, reviewed=True)
    assert (quiet.outcome, quiet.counts, writes(env)) == ("done", {}, [])
    edited = list(practice.snapshot().rows(CLIENTS))[:5]
    practice.store.commit(
        [Put(CLIENTS, msgspec.structs.replace(client, city="Ōtaki & Co")) for client in edited]
    )
    pushed = await runner.run(practice, reviewed=True)
    assert (pushed.counts["changes"], len(writes(env))) == (5, 5)
    env.clock.move(timedelta(hours=1))
    assert (await runner.run(practice, reviewed=True)).counts == {}
    env.close()


async def test_the_referral_source_comes_from_xpm_and_is_never_sent(tmp_path: Path) -> None:
    env = PracticeFixture(tmp_path, clients=12, seed=2)
    await env.connect()
    practice = env.practice
    pick_all(practice)
    theirs = {row.uuid: row.referral for row in env.sandbox.practice.clients.values()}
    links = list(practice.snapshot().rows(LINKS))

    def ours() -> dict[str, str]:
        found = {client.id: client.referral_source for client in practice.snapshot().rows(CLIENTS)}
        return {link.uuid: found[link.id] for link in links}

    assert ours() == {link.uuid: theirs[link.uuid].strip() for link in links}
    assert any(ours().values())
    first = links[0].uuid
    await env.control("colleague", client=first, set={"referral": "A friend of Ōtaki & Co"})
    env.clock.move(timedelta(hours=1))
    assert (await runner.run(practice, reviewed=True)).outcome == "done"
    assert ours()[first] == "A friend of Ōtaki & Co"
    practice.settings.set("sync.direction", "to_xpm")
    edit_client(practice, links[0].id, {"referral_source": "The radio"})
    assert (await runner.run(practice, reviewed=True)).outcome == "done"
    assert writes(env) == []
    assert env.sandbox.practice.clients[first].referral == "A friend of Ōtaki & Co"
    env.close()
