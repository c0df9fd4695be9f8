"""Creating a client in XPM, and finding out its outcome: exactly one, or held; never two."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.sync.fixtures import (
    LAG,
    SyncFixture,
    client,
    contact,
    creation_run,
    end_interrupted_runs,
    linked,
    member,
    only_intent,
    recover,
    xpm,
)
from xpm_tui.domain.errors import DecisionNeeded, NotFound, OutcomeUnknown, Refused
from xpm_tui.domain.links import BlockedPair
from xpm_tui.domain.tables import BLOCKED_PAIRS, IMAGES, INTENTS, LINKS, PLANS
from xpm_tui.sync.applying.recovery import decision_writes, unresolved_intents
from xpm_tui.sync.manual.client_creation import CreatedClient, CreationHeld, create_client
from xpm_tui.sync.manual.plans import plan_undo
from xpm_tui.sync.matching.proposals import MatchIndex
from xpm_tui.sync.policy import Policy


async def create(env: SyncFixture, id_: str = "c1", **options: Any) -> CreatedClient:
    options.setdefault("policy", Policy(direction="to_xpm", level="nothing"))
    return await create_client(
        id_,
        store=env.store,
        practice=env.practice,
        clock=env.clock,
        ids=env.ids,
        events=env.events,
        by="kim",
        run="r50",
        create_lag=LAG,
        **options,
    )


async def test_a_creation_sends_every_field_at_any_level_and_leaves_nothing_to_sync() -> None:
    ours = client(
        phone="1",
        city="Hobart",
        website="w",
        structure="Trust",
        partner="t1",
        manager="t2",
        contacts=(contact(1, name="Jo", primary=True), contact(2, name="Jo"), contact(3, email="x@y")),
    )
    env = SyncFixture(
        [ours], [xpm(9, name="Kea Ltd", structure="Trust")], team=[member(1, staff="s1"), member(2)]
    )
    await env.refresh()
    made = await create(env)
    ((verb, _, sent),) = env.practice.sent
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
    assert env.link().uuid == made.row.uuid
    assert env.link().origin == "created"
    assert {joined.contact for joined in env.link().contacts if joined.uuid} == {"k1", "k2"}
    env.policy = Policy(direction="to_xpm")
    assert [change.held for change in await env.changes()] == ["no-name"]
    assert (creation_run(env).outcome, creation_run(env).counts) == ("done", {"created": 1})


async def test_a_structure_that_xpm_does_not_use_is_left_out() -> None:
    env = SyncFixture([client(structure="Guild")], [xpm(9, name="Kea Ltd", structure="Trust")])
    await env.refresh()
    assert (await create(env)).left_out == ("structure",)
    assert "structure" not in env.practice.sent[0][2]


@pytest.mark.parametrize("flags", [{}, {"archived": True}, {"prospect": True}])
async def test_a_namesake_in_xpm_holds_the_creation(flags: dict[str, Any]) -> None:
    env = SyncFixture([client()], [xpm(7, name="Client 1", **flags)])
    await env.refresh()
    with pytest.raises(CreationHeld) as waits:
        await create(env)
    assert (waits.value.blocked.why, waits.value.blocked.uuids) == ("twin", ("u7",))
    assert env.practice.sent == []


async def test_a_deleted_namesake_does_not_hold_the_creation() -> None:
    env = SyncFixture([client()], [xpm(7, name="Client 1", deleted=True)])
    await env.refresh()
    assert (await create(env)).row.name == "Client 1"


async def test_a_namesake_that_was_just_created_in_xpm_is_found() -> None:
    env = SyncFixture([client()])
    await env.refresh()
    env.practice.add(xpm(7, name="Client 1"))
    with pytest.raises(CreationHeld):
        await create(env)
    assert env.mirror("u7").name == "Client 1"


async def test_linked_formerly_linked_unnamed_and_similar_clients_are_held() -> None:
    env = SyncFixture(
        [client(1), client(2, name=" "), client(3), client(4, name="KEA LTD."), client(5, name="Bob Tui")],
        [xpm(1), xpm(8, name="Kea Limited"), xpm(9, name="Robert Tui", archived=True)],
        links=[linked(1)],
    )
    env.put(BLOCKED_PAIRS, [BlockedPair(id="c3/u9", client="c3", uuid="u9")])
    await env.refresh()
    whys = {}
    for id_ in ("c1", "c2", "c3", "c4", "c5"):
        with pytest.raises(CreationHeld) as waits:
            await create(env, id_)
        whys[id_] = waits.value.blocked.why
        assert waits.value.message.endswith(".")
    assert whys == {"c1": "linked", "c2": "no-name", "c3": "was-linked", "c4": "same", "c5": "near"}
    with pytest.raises(NotFound):
        await create(env, "c99")
    assert env.practice.sent == []


async def test_the_message_names_the_similar_client_and_how_to_continue() -> None:
    env = SyncFixture(
        [client(name="KEA PLUMBING LTD.")], [xpm(8, name="Kea Plumbing Limited", archived=True)]
    )
    await env.refresh()
    with pytest.raises(CreationHeld) as waits:
        await create(env)
    number = env.mirror("u8").number
    assert "Kea Plumbing Limited" in waits.value.message
    assert f"number {number}, archived" in waits.value.message
    assert f"--different-from {number}" in waits.value.hint
    assert waits.value.exit_code == 4
    assert env.practice.sent == []


def _apart(env: SyncFixture) -> list[BlockedPair]:
    return list(env.store.snapshot().rows(BLOCKED_PAIRS))


async def test_the_answer_that_it_is_a_different_client_is_stored() -> None:
    env = SyncFixture(
        [client(name="Kea Plumbing")], [xpm(8, name="Kea Plumbing Ltd"), xpm(9, name="Kea Plumbin")]
    )
    await env.refresh()
    with pytest.raises(CreationHeld) as waits:
        await create(env, different=["u8"])
    assert waits.value.blocked.uuids == ("u9",)
    assert _apart(env) == []
    env.practice.faults = [Refused("No.", words="Busy")]
    with pytest.raises(Refused):
        await create(env, different=["u8", "u9"])
    assert {row.uuid for row in _apart(env) if row.different} == {"u8", "u9"}
    assert (await create(env)).row.name == "Kea Plumbing"


async def test_a_near_client_that_is_linked_elsewhere_does_not_block_and_the_same_one_does() -> None:
    env = SyncFixture(
        [client(1, name="Bob Tui"), client(2), client(3, name="Kea Ltd"), client(4)],
        [xpm(2, name="Robert Tui"), xpm(4, name="Kea Limited")],
        links=[linked(2), linked(4)],
    )
    await env.refresh()
    assert (await create(env, "c1")).row.name == "Bob Tui"
    with pytest.raises(CreationHeld):
        await create(env, "c3")


async def test_the_second_of_two_namesakes_waits_for_the_first() -> None:
    env = SyncFixture([client(1, name="Kea Ltd"), client(2, name="Kea Limited")])
    await env.refresh()
    index = MatchIndex.build(env.store.snapshot())
    assert (await create(env, "c1", index=index)).row.name == "Kea Ltd"
    with pytest.raises(CreationHeld):
        await create(env, "c2", index=index)


async def test_a_refusal_ends_the_creation() -> None:
    env = SyncFixture([client()])
    env.practice.faults = [Refused("No.", words="Invalid name")]
    with pytest.raises(Refused):
        await create(env)
    assert (only_intent(env).state, only_intent(env).note) == ("failed", "Invalid name")
    assert creation_run(env).outcome == "failed"
    env.practice.faults = []
    assert (await create(env)).client == "c1"


@pytest.mark.parametrize("lag", [0, 90, 299])
async def test_a_record_without_an_answer_is_looked_up_until_xpm_shows_it(lag: float) -> None:
    env = SyncFixture([client(phone="1")])
    env.practice.lag = lag
    env.practice.faults = [OutcomeUnknown("No answer.")]
    made = await create(env)
    assert [row.name for row in env.practice.rows.values()] == ["Client 1"]
    assert env.link().uuid == made.row.uuid
    assert only_intent(env).state == "done"
    env.policy = Policy(direction="to_xpm")
    assert await env.changes() == []
    assert len(env.practice.sent) == 1


@pytest.mark.parametrize("made", [True, False])
async def test_a_record_that_does_not_appear_in_time_is_held_and_never_sent_again(made: bool) -> None:
    env = SyncFixture([client()])
    env.practice.lag = 10_000
    lost = OutcomeUnknown("No answer.")
    env.practice.faults = [lost]
    env.practice.lost = [] if made else [lost]
    with pytest.raises(DecisionNeeded):
        await create(env)
    assert (only_intent(env).state, creation_run(env).outcome) == ("held", "held")
    with pytest.raises(CreationHeld) as waits:
        await create(env)
    assert waits.value.blocked.why == "unknown"
    assert len(env.practice.sent) == 1


async def test_several_new_records_or_a_different_one_are_held() -> None:
    for rows in (
        [xpm(7, name="Client 1"), xpm(8, name="Client 1")],
        [xpm(7, name="Client 1", phone="other")],
    ):
        env = SyncFixture([client(phone="1" if len(rows) == 1 else "")])
        lost = OutcomeUnknown("No answer.")
        env.practice.faults = [lost]
        env.practice.lost = [lost]
        search = env.practice.search

        async def and_then(query: str, env: SyncFixture = env, rows: Any = rows, search: Any = search) -> Any:
            found = await search(query)
            for row in rows:
                env.practice.add(row)
            return found

        env.practice.search = and_then  # type: ignore[method-assign]
        with pytest.raises(DecisionNeeded):
            await create(env)
        assert only_intent(env).state == "held"


# Kills: the process dies at one of the steps, and the next one finds out


@pytest.mark.parametrize("step", ["before sending", "after sending", "before the end"])
@pytest.mark.parametrize("lag", [0, 90, 10_000])
async def test_after_a_kill_there_is_one_client_or_a_held_write(step: str, lag: float) -> None:
    env = SyncFixture([client(phone="1")])
    env.practice.lag = lag
    commit = env.store.commit

    def dying(writes: Any, **how: Any) -> int:
        state = next((write.row.state for write in writes if write.table is INTENTS), "")
        if (step, state) in (("before sending", "sent"), ("before the end", "done")):
            raise KeyboardInterrupt
        return commit(writes, **how)

    env.store.commit = dying  # type: ignore[method-assign]
    if step == "after sending":

        async def killed(*_: Any) -> Any:
            raise KeyboardInterrupt

        env.practice.add_client = killed  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        await create(env)
    env.store.commit = commit  # type: ignore[method-assign]
    found = await recover(env)
    end_interrupted_runs(env, "r50")
    assert creation_run(env).outcome == "interrupted"
    made = [row for row in env.practice.rows.values() if row.name == "Client 1"]
    if step == "before sending":
        assert (only_intent(env).state, made) == ("failed", [])
    elif step == "before the end" and lag < LAG:
        assert (only_intent(env).state, len(made), env.link().uuid) == ("done", 1, made[0].uuid)
        assert found.changes == 1
    else:
        assert only_intent(env).state == "held"
    assert unresolved_intents(env.store.snapshot()) == []
    assert len(made) <= 1


async def test_without_waiting_the_outcome_stays_unknown() -> None:
    env = SyncFixture([client()])
    env.practice.lag = 90
    env.practice.faults = [OutcomeUnknown("No answer.")]
    with pytest.raises(DecisionNeeded):
        await create(env, stop=lambda: True)
    assert len(unresolved_intents(env.store.snapshot())) == 1
    assert len((await recover(env, wait=False)).waiting) == 1
    env.clock.move(timedelta(seconds=120))
    assert len((await recover(env, wait=False)).done) == 1
    assert env.link().origin == "created"


async def held() -> SyncFixture:
    env = SyncFixture([client()])
    env.practice.lag = 10_000
    env.practice.faults = [OutcomeUnknown("No answer.")]
    with pytest.raises(DecisionNeeded):
        await create(env)
    return env


async def test_a_user_may_adopt_the_created_record() -> None:
    env = await held()
    env.practice.lag = 0
    await env.refresh()
    (uuid,) = env.practice.rows
    snapshot, intent = env.store.snapshot(), only_intent(env)
    with pytest.raises(NotFound):
        decision_writes(snapshot, intent.id, "adopt", env.clock.now(), "u404")
    env.store.commit(decision_writes(snapshot, intent.id, "adopt", env.clock.now(), uuid))
    assert (env.link().uuid, only_intent(env).state) == (uuid, "done")
    with pytest.raises(NotFound):
        decision_writes(env.store.snapshot(), intent.id, "drop", env.clock.now())


@pytest.mark.parametrize("choice", ["again", "drop"])
async def test_a_user_may_send_again_or_drop(choice: Any) -> None:
    env = await held()
    env.practice.rows.clear()
    snapshot = env.store.snapshot()
    env.store.commit(decision_writes(snapshot, only_intent(env).id, choice, env.clock.now()))
    assert only_intent(env).state == "failed"
    assert env.store.snapshot().count(LINKS) == 0
    await create(env)
    assert len(env.practice.rows) == 1


async def test_undoing_a_creation_unlinks_and_gives_the_address_in_xpm() -> None:
    env = SyncFixture([client()])
    made = await create(env)
    assert [image.created for image in env.store.snapshot().rows(IMAGES)] == [True]
    env.practice.edit(made.row.uuid, web_url="https://xpm.example/Client/9001/Detail")
    await env.refresh()
    plan, records, unclear = plan_undo(
        env.store.snapshot(),
        "r50",
        id="p9",
        now=env.clock.now(),
        by="kim",
        tenant="tenant",
        scopes="scopes",
        policy=env.policy,
    )
    assert [(each.why, each.address) for each in unclear] == [
        ("stays-in-xpm", "https://xpm.example/Client/9001/Detail")
    ]
    env.put(PLANS, [plan])
    await env.apply(plan, records)
    assert env.store.snapshot().count(LINKS) == 0
    assert len(env.practice.rows) == 1
