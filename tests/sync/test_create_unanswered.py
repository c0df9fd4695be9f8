"""Creations without an answer, with edits, duplicates and slow lists meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sync.fixtures import SyncFixture, client, contact, recover, xpm
from tests.sync.test_create import create
from tests.sync.test_create_staff import create as create_one
from tests.sync.test_create_staff import env as staff_env
from xpm_tui.domain.errors import DecisionNeeded, OutcomeUnknown
from xpm_tui.domain.ignition import TeamMember
from xpm_tui.domain.tables import LINKS, TEAM
from xpm_tui.sync.manual.links import link
from xpm_tui.sync.mirror import refresh_clients
from xpm_tui.sync.planning.links import link_state
from xpm_tui.sync.policy import Policy


def relink(env: SyncFixture, uuid: str, run: str = "r90", id_: str = "c1", **how: Any) -> None:
    env.store.commit(link(env.store.snapshot(), id_, uuid, now=env.clock.now(), by="lee", run=run, **how))


async def test_a_link_made_while_a_creation_is_unknown_stays() -> None:
    env = SyncFixture([client()], [xpm(7, "Client One Ltd")])
    await env.refresh()
    env.practice.lag = 90
    env.practice.faults = [OutcomeUnknown("No answer.")]
    with pytest.raises(DecisionNeeded):
        await create(env, stop=lambda: True)
    relink(env, "u7")
    env.practice.lag = 0
    await recover(env, wait=False)
    assert env.link().uuid == "u7"


async def test_a_client_created_for_one_of_two_namesakes_is_not_adopted_for_the_other() -> None:
    """Only the one with the phone was made: the one without must not take it, and they never share it."""
    env = SyncFixture([client(1, "Smith"), client(2, "Smith", phone="2")])
    env.practice.lag = 90
    lost, late = OutcomeUnknown("No answer."), OutcomeUnknown("No answer.")
    env.practice.lost = [lost]
    env.practice.faults = [lost, late]
    for id_ in ("c1", "c2"):
        with pytest.raises(DecisionNeeded):
            await create(env, id_, stop=lambda: True)
    env.practice.lag = 0
    await recover(env)
    assert env.store.snapshot().get(LINKS, "c1") is None
    uuids = [each.uuid for each in env.store.snapshot().rows(LINKS)]
    assert len(uuids) == len(set(uuids))


async def test_a_client_that_was_just_created_is_not_gone_if_a_list_lags_behind() -> None:
    env = SyncFixture(
        [client(1)],
        [xpm(number, f"{word} Ltd") for number, word in enumerate("Kea Tui Weka Ruru Titi".split(), 2)],
    )
    await env.refresh()
    env.practice.lag = 200
    await create(env)
    await env.refresh()
    assert link_state(env.store.snapshot(), env.client()) == "linked"


async def test_a_client_created_while_a_list_is_read_is_not_gone() -> None:
    env = SyncFixture(
        [client(1)],
        [xpm(number, f"{word} Ltd") for number, word in enumerate("Kea Tui Weka Ruru Titi".split(), 2)],
    )
    await env.refresh()
    async with env.practice.clients() as listing:
        await create(env)
        await refresh_clients(listing, store=env.store, clock=env.clock, complete=True)
    assert link_state(env.store.snapshot(), env.client()) == "linked"


async def test_two_contacts_with_one_name_are_not_created_again() -> None:
    people = (contact(1, name="Jo", mobile="021 1"), contact(2, name="Jo", mobile="021 2"))
    policy = Policy(direction="to_xpm", off=frozenset({"contact_mobile"}))
    env = SyncFixture([client(contacts=people)], policy=policy)
    made = await create(env, policy=policy)
    await env.sync()
    assert len(env.practice.rows[made.row.uuid].contacts) == 2


async def test_a_staff_record_created_for_one_namesake_is_not_adopted_for_the_other() -> None:
    team = (TeamMember(id="t1", name="Bo Li"), TeamMember(id="t2", name="Bo Li", email="bo@x.example"))
    made = staff_env(team=team)
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
