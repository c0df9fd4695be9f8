"""Creations without an answer, and what people, twins and slow lists do meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sync.fixtures import SyncFixture, client, contact, xpm
from tests.sync.test_create import create, recover
from tests.sync.test_create_staff import create as create_one
from tests.sync.test_create_staff import world as staff_world
from xpm_tui.domain.errors import DecisionNeeded, OutcomeUnknown
from xpm_tui.domain.ignition import TeamMember
from xpm_tui.domain.tables import LINKS, TEAM
from xpm_tui.sync.manual.links import link
from xpm_tui.sync.mirror import refresh_clients
from xpm_tui.sync.planning.links import link_state
from xpm_tui.sync.policy import Policy


def relink(world: SyncFixture, uuid: str, run: str = "r90", id_: str = "c1", **how: Any) -> None:
    world.store.commit(
        link(world.store.snapshot(), id_, uuid, now=world.clock.now(), by="lee", run=run, **how)
    )


async def test_a_link_made_while_a_creation_is_unknown_stays() -> None:
    world = SyncFixture([client()], [xpm(7, "Client One Ltd")])
    await world.refresh()
    world.practice.lag = 90
    world.practice.faults = [OutcomeUnknown("No answer.")]
    with pytest.raises(DecisionNeeded):
        await create(world, stop=lambda: True)
    relink(world, "u7")
    world.practice.lag = 0
    await recover(world, patient=False)
    assert world.link().uuid == "u7"


async def test_two_of_one_name_never_share_what_was_made_for_one() -> None:
    world = SyncFixture([client(1, "Smith"), client(2, "Smith", phone="2")])
    world.practice.lag = 90
    lost, late = OutcomeUnknown("No answer."), OutcomeUnknown("No answer.")
    world.practice.lost = [lost]
    world.practice.faults = [lost, late]
    for id_ in ("c1", "c2"):
        with pytest.raises(DecisionNeeded):
            await create(world, id_, stop=lambda: True)
    world.practice.lag = 0
    await recover(world)
    uuids = [each.uuid for each in world.store.snapshot().rows(LINKS)]
    assert len(uuids) == len(set(uuids))


async def test_what_was_made_for_one_of_a_name_is_not_taken_for_the_other() -> None:
    """Only the one with the phone was made: the one without must not take it."""
    world = SyncFixture([client(1, "Smith"), client(2, "Smith", phone="2")])
    world.practice.lag = 90
    lost, late = OutcomeUnknown("No answer."), OutcomeUnknown("No answer.")
    world.practice.lost = [lost]
    world.practice.faults = [lost, late]
    for id_ in ("c1", "c2"):
        with pytest.raises(DecisionNeeded):
            await create(world, id_, stop=lambda: True)
    world.practice.lag = 0
    await recover(world)
    assert world.store.snapshot().get(LINKS, "c1") is None


async def test_a_client_made_just_now_is_not_gone_because_a_list_lags() -> None:
    world = SyncFixture(
        [client(1)],
        [xpm(number, f"{word} Ltd") for number, word in enumerate("Kea Tui Weka Ruru Titi".split(), 2)],
    )
    await world.refresh()
    world.practice.lag = 200
    await create(world)
    await world.refresh()
    assert link_state(world.store.snapshot(), world.client()) == "linked"


async def test_a_client_made_while_a_list_comes_in_is_not_gone() -> None:
    world = SyncFixture(
        [client(1)],
        [xpm(number, f"{word} Ltd") for number, word in enumerate("Kea Tui Weka Ruru Titi".split(), 2)],
    )
    await world.refresh()
    async with world.practice.clients() as listing:
        await create(world)
        await refresh_clients(listing, store=world.store, clock=world.clock, complete=True)
    assert link_state(world.store.snapshot(), world.client()) == "linked"


async def test_two_people_of_one_name_are_not_made_again_after_a_creation() -> None:
    people = (contact(1, name="Jo", mobile="021 1"), contact(2, name="Jo", mobile="021 2"))
    policy = Policy(direction="to_xpm", off=frozenset({"contact_mobile"}))
    world = SyncFixture([client(contacts=people)], policy=policy)
    made = await create(world, policy=policy)
    await world.sync()
    assert len(world.practice.rows[made.row.uuid].contacts) == 2


async def test_a_staff_record_made_for_one_of_a_name_is_not_taken_for_the_other() -> None:
    team = (TeamMember(id="t1", name="Bo Li"), TeamMember(id="t2", name="Bo Li", email="bo@x.example"))
    made = staff_world(team=team)
    made.practice.lag = 90
    lost, late = OutcomeUnknown("No answer."), OutcomeUnknown("No answer.")
    made.practice.lost = [lost]
    made.practice.faults = [lost, late]
    for id_ in ("t1", "t2"):
        with pytest.raises(DecisionNeeded):
            await create_one(made, id_, stop=lambda: True)
    made.practice.lag = 0
    await recover(made)
    member = made.store.snapshot().get(TEAM, "t1")
    assert member is not None
    assert member.staff == "", "the record was made for t2"
