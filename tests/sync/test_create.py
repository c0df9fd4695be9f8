"""Creating a client in XPM, and finding out what became of it: exactly one, or held; never two."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.sync.fixtures import SyncFixture, client, contact, linked, member, xpm
from xpm_tui.domain.errors import DecisionNeeded, NotFound, OutcomeUnknown, Refused
from xpm_tui.domain.links import BlockedPair
from xpm_tui.domain.runs import Intent, Run
from xpm_tui.domain.tables import BLOCKED_PAIRS, IMAGES, INTENTS, LINKS, PLANS, RUNS
from xpm_tui.sync.applying.recovery import (
    Resolved,
    decision_writes,
    end_interrupted_runs,
    resolve,
    unresolved_intents,
)
from xpm_tui.sync.manual.client_creation import CreatedClient, CreationHeld, create_client
from xpm_tui.sync.manual.undo import plan_undo
from xpm_tui.sync.matching.proposals import MatchIndex
from xpm_tui.sync.policy import Policy

LAG = 300.0


async def create(world: SyncFixture, id_: str = "c1", **options: Any) -> CreatedClient:
    options.setdefault("policy", Policy(direction="to_xpm", level="nothing"))
    return await create_client(
        id_,
        store=world.store,
        practice=world.practice,
        clock=world.clock,
        ids=world.ids,
        events=world.events,
        by="kim",
        run="r50",
        create_lag=LAG,
        **options,
    )


async def recover(world: SyncFixture, **options: Any) -> Resolved:
    return await resolve(
        store=world.store,
        practice=world.practice,
        clock=world.clock,
        tell=world.events.emit,
        create_lag=LAG,
        **options,
    )


def the_intent(world: SyncFixture) -> Intent:
    (intent,) = world.store.snapshot().rows(INTENTS)
    return intent


def the_run(world: SyncFixture) -> Run:
    run = world.store.snapshot().get(RUNS, "r50")
    assert run is not None
    return run


async def test_everything_goes_over_whatever_the_level_and_both_are_in_step() -> None:
    ours = client(
        phone="1",
        city="Hobart",
        website="w",
        structure="Trust",
        partner="t1",
        manager="t2",
        contacts=(contact(1, name="Jo", primary=True), contact(2, name="Jo"), contact(3, email="x@y")),
    )
    world = SyncFixture(
        [ours], [xpm(9, name="Kea Ltd", structure="Trust")], team=[member(1, staff="s1"), member(2)]
    )
    await world.refresh()
    made = await create(world)
    ((verb, _, sent),) = world.practice.sent
    assert verb == "add client"
    assert sent == {
        "name": "Client 1",
        "phone": "1",
        "city": "Hobart",
        "structure": "Trust",
        "partner": "s1",
        "contacts": 2,
    }
    assert made.left_out == ("manager",)
    assert world.link().uuid == made.row.uuid
    assert world.link().origin == "created"
    assert {joined.contact for joined in world.link().contacts if joined.uuid} == {"k1", "k2"}
    world.policy = Policy(direction="to_xpm")
    assert [change.held for change in await world.changes()] == ["no-name"]
    assert (the_run(world).outcome, the_run(world).counts) == ("done", {"created": 1})


async def test_a_structure_that_xpm_does_not_use_is_left_out() -> None:
    world = SyncFixture([client(structure="Guild")], [xpm(9, name="Kea Ltd", structure="Trust")])
    await world.refresh()
    assert (await create(world)).left_out == ("structure",)
    assert "structure" not in world.practice.sent[0][2]


@pytest.mark.parametrize("flags", [{}, {"archived": True}, {"prospect": True}])
async def test_a_twin_in_xpm_makes_it_wait(flags: dict[str, Any]) -> None:
    world = SyncFixture([client()], [xpm(7, name="Client 1", **flags)])
    await world.refresh()
    with pytest.raises(CreationHeld) as waits:
        await create(world)
    assert (waits.value.blocked.why, waits.value.blocked.uuids) == ("twin", ("u7",))
    assert world.practice.sent == []


async def test_a_deleted_twin_blocks_nothing() -> None:
    world = SyncFixture([client()], [xpm(7, name="Client 1", deleted=True)])
    await world.refresh()
    assert (await create(world)).row.name == "Client 1"


async def test_a_twin_that_a_colleague_has_just_made_is_seen() -> None:
    world = SyncFixture([client()])
    await world.refresh()
    world.practice.add(xpm(7, name="Client 1"))
    with pytest.raises(CreationHeld):
        await create(world)
    assert world.mirror("u7").name == "Client 1"


async def test_what_is_or_was_linked_unnamed_or_surely_there_waits() -> None:
    world = SyncFixture(
        [client(1), client(2, name=" "), client(3), client(4, name="KEA LTD."), client(5, name="Bob Tui")],
        [xpm(1), xpm(8, name="Kea Limited"), xpm(9, name="Robert Tui", archived=True)],
        links=[linked(1)],
    )
    world.put(BLOCKED_PAIRS, [BlockedPair(id="c3/u9", client="c3", uuid="u9")])
    await world.refresh()
    whys = {}
    for id_ in ("c1", "c2", "c3", "c4", "c5"):
        with pytest.raises(CreationHeld) as waits:
            await create(world, id_)
        whys[id_] = waits.value.blocked.why
        assert waits.value.message.endswith(".")
    assert whys == {"c1": "linked", "c2": "no-name", "c3": "was-linked", "c4": "same", "c5": "near"}
    with pytest.raises(NotFound):
        await create(world, "c99")
    assert world.practice.sent == []


async def test_the_message_names_the_client_in_the_way_and_how_to_go_on() -> None:
    world = SyncFixture(
        [client(name="KEA PLUMBING LTD.")], [xpm(8, name="Kea Plumbing Limited", archived=True)]
    )
    await world.refresh()
    with pytest.raises(CreationHeld) as waits:
        await create(world)
    number = world.mirror("u8").number
    assert "Kea Plumbing Limited" in waits.value.message
    assert f"number {number}, archived" in waits.value.message
    assert f"--different-from {number}" in waits.value.hint
    assert waits.value.exit_code == 4
    assert world.practice.sent == []


def _apart(world: SyncFixture) -> list[BlockedPair]:
    return list(world.store.snapshot().rows(BLOCKED_PAIRS))


async def test_a_user_may_say_that_it_is_a_different_client_and_it_is_remembered() -> None:
    world = SyncFixture(
        [client(name="Kea Plumbing")], [xpm(8, name="Kea Plumbing Ltd"), xpm(9, name="Kea Plumbin")]
    )
    await world.refresh()
    with pytest.raises(CreationHeld) as waits:
        await create(world, different=["u8"])
    assert waits.value.blocked.uuids == ("u9",)
    assert _apart(world) == []
    world.practice.faults = [Refused("No.", words="Busy")]
    with pytest.raises(Refused):
        await create(world, different=["u8", "u9"])
    assert {row.uuid for row in _apart(world) if row.different} == {"u8", "u9"}
    assert (await create(world)).row.name == "Kea Plumbing"


async def test_a_near_one_that_is_linked_elsewhere_blocks_nothing_and_the_same_one_always_does() -> None:
    world = SyncFixture(
        [client(1, name="Bob Tui"), client(2), client(3, name="Kea Ltd"), client(4)],
        [xpm(2, name="Robert Tui"), xpm(4, name="Kea Limited")],
        links=[linked(2), linked(4)],
    )
    await world.refresh()
    assert (await create(world, "c1")).row.name == "Bob Tui"
    with pytest.raises(CreationHeld):
        await create(world, "c3")


async def test_the_second_of_two_that_are_the_same_waits_for_the_first() -> None:
    world = SyncFixture([client(1, name="Kea Ltd"), client(2, name="Kea Limited")])
    await world.refresh()
    index = MatchIndex.build(world.store.snapshot())
    assert (await create(world, "c1", index=index)).row.name == "Kea Ltd"
    with pytest.raises(CreationHeld):
        await create(world, "c2", index=index)


async def test_a_refusal_is_an_end() -> None:
    world = SyncFixture([client()])
    world.practice.faults = [Refused("No.", words="Invalid name")]
    with pytest.raises(Refused):
        await create(world)
    assert (the_intent(world).state, the_intent(world).note) == ("failed", "Invalid name")
    assert the_run(world).outcome == "failed"
    world.practice.faults = []
    assert (await create(world)).client == "c1"


@pytest.mark.parametrize("lag", [0, 90, 299])
async def test_a_lost_answer_is_looked_for_until_it_shows(lag: float) -> None:
    world = SyncFixture([client(phone="1")])
    world.practice.lag = lag
    world.practice.faults = [OutcomeUnknown("No answer.")]
    made = await create(world)
    assert [row.name for row in world.practice.rows.values()] == ["Client 1"]
    assert world.link().uuid == made.row.uuid
    assert the_intent(world).state == "done"
    world.policy = Policy(direction="to_xpm")
    assert await world.changes() == []
    assert len(world.practice.sent) == 1


@pytest.mark.parametrize("made", [True, False])
async def test_what_does_not_show_in_time_is_held_and_never_sent_again(made: bool) -> None:
    world = SyncFixture([client()])
    world.practice.lag = 10_000
    lost = OutcomeUnknown("No answer.")
    world.practice.faults = [lost]
    world.practice.lost = [] if made else [lost]
    with pytest.raises(DecisionNeeded):
        await create(world)
    assert (the_intent(world).state, the_run(world).outcome) == ("held", "held")
    with pytest.raises(CreationHeld) as waits:
        await create(world)
    assert waits.value.blocked.why == "unknown"
    assert len(world.practice.sent) == 1


async def test_several_new_ones_or_another_one_are_held() -> None:
    for rows in (
        [xpm(7, name="Client 1"), xpm(8, name="Client 1")],
        [xpm(7, name="Client 1", phone="other")],
    ):
        world = SyncFixture([client(phone="1" if len(rows) == 1 else "")])
        lost = OutcomeUnknown("No answer.")
        world.practice.faults = [lost]
        world.practice.lost = [lost]
        search = world.practice.search

        async def and_then(
            query: str, world: SyncFixture = world, rows: Any = rows, search: Any = search
        ) -> Any:
            found = await search(query)
            for row in rows:
                world.practice.add(row)
            return found

        world.practice.search = and_then  # type: ignore[method-assign]
        with pytest.raises(DecisionNeeded):
            await create(world)
        assert the_intent(world).state == "held"


# Kills: the process dies at one of the steps, and the next one finds out


@pytest.mark.parametrize("step", ["before sending", "after sending", "before the end"])
@pytest.mark.parametrize("lag", [0, 90, 10_000])
async def test_a_kill_leaves_one_client_or_a_held_write(step: str, lag: float) -> None:
    world = SyncFixture([client(phone="1")])
    world.practice.lag = lag
    commit = world.store.commit

    def dying(writes: Any, **how: Any) -> int:
        state = next((write.row.state for write in writes if write.table is INTENTS), "")
        if (step, state) in (("before sending", "sent"), ("before the end", "done")):
            raise KeyboardInterrupt
        return commit(writes, **how)

    world.store.commit = dying  # type: ignore[method-assign]
    if step == "after sending":

        async def killed(*_: Any) -> Any:
            raise KeyboardInterrupt

        world.practice.add_client = killed  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        await create(world)
    world.store.commit = commit  # type: ignore[method-assign]
    found = await recover(world)
    world.store.commit(end_interrupted_runs(world.store.snapshot(), ["r50"], world.clock.now()))
    assert the_run(world).outcome == "interrupted"
    made = [row for row in world.practice.rows.values() if row.name == "Client 1"]
    if step == "before sending":
        assert (the_intent(world).state, made) == ("failed", [])
    elif step == "before the end" and lag < LAG:
        assert (the_intent(world).state, len(made), world.link().uuid) == ("done", 1, made[0].uuid)
        assert found.changes == 1
    else:
        assert the_intent(world).state == "held"
    assert unresolved_intents(world.store.snapshot()) == []
    assert len(made) <= 1


async def test_without_patience_it_stays_unknown_for_the_next_time() -> None:
    world = SyncFixture([client()])
    world.practice.lag = 90
    world.practice.faults = [OutcomeUnknown("No answer.")]
    with pytest.raises(DecisionNeeded):
        await create(world, stop=lambda: True)
    assert len(unresolved_intents(world.store.snapshot())) == 1
    assert len((await recover(world, patient=False)).waiting) == 1
    world.clock.move(timedelta(seconds=120))
    assert len((await recover(world, patient=False)).done) == 1
    assert world.link().origin == "created"


async def held() -> SyncFixture:
    world = SyncFixture([client()])
    world.practice.lag = 10_000
    world.practice.faults = [OutcomeUnknown("No answer.")]
    with pytest.raises(DecisionNeeded):
        await create(world)
    return world


async def test_a_person_may_adopt_the_one_that_is_ours() -> None:
    world = await held()
    world.practice.lag = 0
    await world.refresh()
    (uuid,) = world.practice.rows
    snapshot, intent = world.store.snapshot(), the_intent(world)
    with pytest.raises(NotFound):
        decision_writes(snapshot, intent.id, "adopt", world.clock.now(), "u404")
    world.store.commit(decision_writes(snapshot, intent.id, "adopt", world.clock.now(), uuid))
    assert (world.link().uuid, the_intent(world).state) == (uuid, "done")
    with pytest.raises(NotFound):
        decision_writes(world.store.snapshot(), intent.id, "drop", world.clock.now())


@pytest.mark.parametrize("choice", ["again", "drop"])
async def test_a_person_may_send_again_or_drop(choice: Any) -> None:
    world = await held()
    world.practice.rows.clear()
    snapshot = world.store.snapshot()
    world.store.commit(decision_writes(snapshot, the_intent(world).id, choice, world.clock.now()))
    assert the_intent(world).state == "failed"
    assert world.store.snapshot().count(LINKS) == 0
    await create(world)
    assert len(world.practice.rows) == 1


async def test_undoing_a_creation_unlinks_and_says_where_xpm_has_it() -> None:
    world = SyncFixture([client()])
    made = await create(world)
    assert [image.created for image in world.store.snapshot().rows(IMAGES)] == [True]
    world.practice.edit(made.row.uuid, web_url="https://xpm.example/Client/9001/Detail")
    await world.refresh()
    plan, records, unclear = plan_undo(
        world.store.snapshot(),
        "r50",
        id="p9",
        now=world.clock.now(),
        by="kim",
        tenant="tenant",
        scopes="scopes",
        policy=world.policy,
    )
    assert [(each.why, each.address) for each in unclear] == [
        ("stays-in-xpm", "https://xpm.example/Client/9001/Detail")
    ]
    world.put(PLANS, [plan])
    await world.apply(plan, records)
    assert world.store.snapshot().count(LINKS) == 0
    assert len(world.practice.rows) == 1
