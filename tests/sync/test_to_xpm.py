"""To XPM, end to end in memory: calls, journal, answers, failures."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.sync.fixtures import (
    SyncFixture,
    changes_of,
    client,
    contact,
    linked,
    member,
    one,
    xpm,
    xpm_contact,
)
from xpm_tui.domain.errors import (
    AllowanceUsedUp,
    BadInput,
    EditConflict,
    NotFound,
    OutcomeUnknown,
    Refused,
    XeroError,
)
from xpm_tui.domain.links import Pair
from xpm_tui.domain.ports import Put
from xpm_tui.domain.runs import Intent
from xpm_tui.domain.tables import INTENTS, RUNS
from xpm_tui.domain.xpm import RecordReference
from xpm_tui.sync.applying.recovery import decision_writes, held_intents, resolve
from xpm_tui.sync.consequences import plan_consequences
from xpm_tui.sync.policy import Policy

TO = Policy(direction="to_xpm")


async def in_step(count: int = 1, **fields: Any) -> SyncFixture:
    """Linked clients whose two sides agree, with one contact each."""
    numbers = range(1, count + 1)
    env = SyncFixture(
        [
            client(n, contacts=(contact(n, name=f"Jo {n}", email=f"jo{n}@x", primary=True),), **fields)
            for n in numbers
        ],
        [
            xpm(n, contacts=(xpm_contact(n, name=f"Jo {n}", email=f"jo{n}@x", primary=True),), **fields)
            for n in numbers
        ],
        links=[linked(n) for n in numbers],
        policy=TO,
    )
    await env.sync()
    assert env.practice.sent == []
    assert await env.changes() == []
    return env


def intents(env: SyncFixture) -> list[Intent]:
    return [*env.store.snapshot().rows(INTENTS)]


async def test_an_update_sends_the_name_and_the_changed_elements_only() -> None:
    env = await in_step(phone="1", fax="2")
    env.edit(phone="5", city="Hobart")
    await env.sync()
    assert env.practice.sent == [
        ("update client", "u1", {"name": "Client 1", "phone": "5", "city": "Hobart"})
    ]
    assert env.practice.rows["u1"].fax == "2"
    assert await env.changes() == []


async def test_a_new_name_is_sent_as_the_name() -> None:
    env = await in_step()
    env.edit(name="Renamed")
    await env.sync()
    assert env.practice.sent == [("update client", "u1", {"name": "Renamed"})]


async def test_a_changed_contact_is_one_call_with_its_client_and_its_name() -> None:
    env = await in_step()
    env.edit_contact("c1", "k1", mobile="7", addressee="Ms Jo")
    await env.sync()
    assert env.practice.sent == [
        ("update contact", "u1", {"contact": "x1", "name": "Jo 1", "mobile": "7", "addressee": "Ms Jo"})
    ]
    assert await env.changes() == []


async def test_a_new_contact_is_added_with_its_primary_flag() -> None:
    env = await in_step()
    old = msgspec.structs.replace(env.client().contacts[0], primary=False)
    env.edit(contacts=(old, contact(50, name="Al", email="al@x", primary=True)))
    first = one(await env.changes(), "contact_primary")
    assert (first.record, first.old, first.new) == ("c1/k50", "x1", "k50")
    run = await env.sync()
    assert run.counts["changes"] == 2
    assert [(verb, sent["name"]) for verb, _, sent in env.practice.sent] == [("add contact", "Al")]
    assert [each.name for each in env.practice.rows["u1"].contacts if each.primary] == ["Al"]
    assert await env.changes() == []


async def test_a_push_commits_only_real_changes() -> None:
    env = await in_step(count=3, phone="1")
    for number in (1, 2, 3):
        env.edit(f"c{number}", phone="5")
    await env.refresh()
    plan, records = env.plan()
    before = len(env.store.commits)
    await env.apply(plan, records)
    each = [sorted({write.table.name for write in writes}) for writes in env.store.commits[before:]]
    nothing_but_progress = [names for names in each if names == [RUNS.name]]
    # The run begins and ends, and each client counts as done; nothing of a client is on Ignition's side.
    assert len(nothing_but_progress) == 1 + 3


async def test_the_primary_flag_is_sent_with_the_contacts_other_changes() -> None:
    env = SyncFixture(
        [client(contacts=(contact(1, name="Jo", primary=True), contact(2, name="Al")))],
        [xpm(contacts=(xpm_contact(1, name="Jo", primary=True), xpm_contact(2, name="Al")))],
        links=[linked()],
        policy=TO,
    )
    await env.sync()
    env.edit_contact("c1", "k1", primary=False)
    env.edit_contact("c1", "k2", primary=True, phone="3")
    await env.sync()
    assert env.practice.sent == [
        ("update contact", "u1", {"contact": "x2", "name": "Al", "phone": "3", "primary": True})
    ]
    assert await env.changes() == []


async def test_xpms_own_contacts_are_not_changed() -> None:
    env = SyncFixture([client()], [xpm(contacts=(xpm_contact(1, name="Al"),))], links=[linked()], policy=TO)
    await env.sync()
    assert env.practice.sent == []
    assert env.client().contacts == ()


async def test_a_contact_without_a_name_is_held() -> None:
    env = await in_step()
    env.edit(contacts=(*env.client().contacts, contact(9, email="new@x")))
    change = one(await env.changes(), "contact")
    assert (change.ticked, change.held) == (False, "no-name")


async def test_a_contact_removed_in_xpm_is_never_created_again() -> None:
    env = await in_step()
    env.practice.edit("u1", contacts=())
    await env.sync()
    assert env.practice.sent == []
    assert env.link().contacts[0].removed == "xpm"


async def test_an_edit_in_xpm_is_drift_and_overwritten() -> None:
    env = await in_step(phone="1")
    env.practice.edit("u1", phone="8")
    change = one(await env.changes(), "phone")
    assert (change.mark, change.side, change.new) == ("drift", "xpm", "1")
    await env.sync()
    assert env.practice.rows["u1"].phone == "1"


async def test_linked_people_are_sent_by_uuid_and_unlinked_ones_are_not_sent() -> None:
    env = SyncFixture(
        [client(partner="t1", manager="t2")],
        [xpm(partner=RecordReference("s9", "Somebody"))],
        links=[linked()],
        team=[member(1, staff="s1"), member(2)],
        policy=TO,
    )
    assert [(c.field, c.old, c.new) for c in await env.changes()] == [("partner", "s9", "s1")]
    await env.sync()
    assert env.practice.sent[0][2] == {"name": "Client 1", "partner": "s1"}
    assert await env.changes() == []


async def test_nothing_is_written_to_an_archived_client_and_it_is_listed() -> None:
    env = await in_step(phone="1")
    env.practice.edit("u1", archived=True)
    env.edit(phone="2")
    await env.refresh()
    plan, records = env.plan()
    assert records == []
    assert [(person.client, person.reason) for person in plan.people] == [("c1", "archived")]


async def test_a_contact_of_several_clients_is_overwritten_only_when_ticked() -> None:
    shared = xpm_contact(1, name="Jo", mobile="1", email="a@b")
    ours = {"name": "Jo", "mobile": "1", "email": "a@b"}
    env = SyncFixture(
        [client(1, contacts=(contact(1, **ours),)), client(2, contacts=(contact(2, **ours),))],
        [xpm(1, contacts=(shared,)), xpm(2, contacts=(shared,))],
        links=[linked(1), linked(2)],
        policy=TO,
    )
    await env.sync()
    for uuid in ("u1", "u2"):
        env.practice.edit_contact(uuid, "x1", mobile="2")
    change = one(await env.changes(), "contact_mobile")
    assert (change.record, change.mark, change.ticked, change.held) == ("c1/k1", "drift", False, "shared")
    before = len(env.practice.sent)
    await env.sync()
    assert len(env.practice.sent) == before


# Pull then push


async def test_a_push_after_a_pull_writes_only_what_ignition_alone_has() -> None:
    env = SyncFixture(
        [
            client(1, phone="1", contacts=(contact(1, name="Own", primary=True),)),
            client(2, website="w", partner="t2"),
            client(3, tax_registered=False),
        ],
        [
            xpm(1, fax="2", contacts=(xpm_contact(1, name="A", primary=True), xpm_contact(2, primary=True))),
            xpm(
                2,
                partner=RecordReference("s1"),
                manager=RecordReference("s7"),
                groups=(RecordReference("g", "G"),),
                phone="***1",
            ),
            xpm(3, structure="Trust", contacts=(xpm_contact(3, email="x@y"), xpm_contact(4, email="x@y"))),
        ],
        team=[member(1, staff="s1"), member(2)],
    )
    await env.sync()
    assert await env.changes() == []
    env.policy = TO
    changes = await env.changes()
    assert [(c.record, c.field, c.rule) for c in changes] == [
        ("c1", "phone", "fill"),
        ("c1/k1", "contact", "contact"),
    ]
    await env.sync()
    for env.policy in (TO, Policy(), TO):
        assert await env.changes() == []


# The journal


async def test_each_write_is_intended_then_sent_then_ended_with_its_effects() -> None:
    env = await in_step(phone="1")
    env.edit(phone="2")
    await env.refresh()
    plan, records = env.plan()
    before = len(env.store.commits)
    await env.apply(plan, records)
    steps = [
        (write.row.state, {each.table.name for each in commit})
        for commit in env.store.commits[before:]
        for write in commit
        if isinstance(write, Put) and write.table is INTENTS
    ]
    assert [state for state, _ in steps] == ["intent", "sent", "done"]
    assert steps[0][1] == steps[1][1] == {"intents"}
    assert steps[2][1] >= {"intents", "xpm_clients", "images", "runs"}


async def test_records_that_a_colleague_changes_after_the_plan_are_skipped() -> None:
    env = await in_step(2, phone="1")
    env.edit("c1", phone="2")
    env.edit("c2", phone="2")
    await env.refresh()
    plan, records = env.plan()
    env.practice.edit("u1", fax="7")
    run = await env.apply(plan, records)
    assert (run.outcome, run.counts["moved"]) == ("done", 1)
    assert [uuid for _, uuid, _ in env.practice.sent] == ["u2"]
    assert one(await env.changes(), "phone").record == "c1"


async def test_changes_are_read_every_300_writes_and_own_writes_do_not_count() -> None:
    env = await in_step(301, phone="1")
    for number in range(1, 302):
        env.edit(f"c{number}", phone="2")
    await env.refresh()
    plan, records = env.plan()
    expected = plan_consequences(env.store.snapshot(), plan, records, env.policy)
    env.practice.reads.clear()
    run = await env.apply(plan, records)
    assert env.practice.reads == ["clients since"] * 2
    assert (run.counts["records"], run.calls, expected.calls) == (301, 303, 303)
    assert "moved" not in run.counts


async def test_a_field_edited_meanwhile_is_reported_and_stored() -> None:
    env = await in_step(phone="1", city="Hobart")
    env.edit(phone="2")
    await env.refresh()
    plan, records = env.plan()
    ask = env.practice.update_client

    async def edited_first(*args: object) -> object:
        env.practice.edit("u1", city="Perth")
        return await ask(*args)  # type: ignore[arg-type]

    env.practice.update_client = edited_first  # type: ignore[assignment, method-assign]
    await env.apply(plan, records)
    assert [event.field for event in env.events.all if event.key == "sync.edited"] == ["city"]
    assert env.mirror("u1").city == "Perth"
    assert one(await env.changes(), "city").mark == "drift"


async def test_a_value_that_xpm_stores_differently_is_reported_and_not_sent_again() -> None:
    env = await in_step(phone="1")
    env.edit(phone="00 2")
    ask = env.practice.update_client

    async def altering(*args: object) -> object:
        await ask(*args)  # type: ignore[arg-type]
        env.practice.edit("u1", phone="002")
        return env.practice.rows["u1"]

    env.practice.update_client = altering  # type: ignore[assignment, method-assign]
    await env.sync()
    assert [event.field for event in env.events.all if event.key == "sync.altered"] == ["phone"]
    assert env.base().pairs["phone"] == Pair("00 2", "002", "to_xpm")
    assert await env.changes() == []


# Failures


@pytest.mark.parametrize("fault", [Refused("No.", words="Name is taken"), EditConflict("Busy.")])
async def test_a_refusal_ends_only_its_own_record(fault: Refused) -> None:
    env = await in_step(3, phone="1")
    for id_ in ("c1", "c2", "c3"):
        env.edit(id_, phone="2")
    env.practice.faults = [None, fault]
    run = await env.sync()
    assert (run.outcome, run.counts["refused"], run.counts["records"]) == ("partial", 1, 2)
    (failed,) = [intent for intent in intents(env) if intent.state == "failed"]
    assert (failed.record, failed.note) == ("c2", fault.words or fault.message)
    assert one(await env.changes(), "phone").record == "c2"
    assert (await env.sync()).outcome == "done"
    assert await env.changes() == []


async def test_without_allowance_the_run_ends_and_says_so() -> None:
    env = await in_step(3, phone="1")
    for id_ in ("c1", "c2", "c3"):
        env.edit(id_, phone="2")
    env.practice.faults = [None, AllowanceUsedUp("No calls left today.")]
    with pytest.raises(AllowanceUsedUp):
        await env.sync()
    (run,) = [run for run in env.store.snapshot().rows(RUNS) if run.outcome == "partial"]
    assert (run.case, run.error, run.counts["changes"]) == ("day-limit", "No calls left today.", 1)
    await env.sync()
    assert await env.changes() == []


@pytest.mark.parametrize("took_effect", [True, False])
async def test_an_update_without_an_answer_is_read_again(took_effect: bool) -> None:
    env = await in_step(2, phone="1")
    env.edit("c1", phone="2")
    env.edit("c2", phone="2")
    lost = OutcomeUnknown("No answer.")
    env.practice.faults = [lost]
    env.practice.lost = [] if took_effect else [lost]
    run = await env.sync()
    assert env.practice.rows["u2"].phone == "2"
    assert run.outcome == ("done" if took_effect else "partial")
    left = await env.changes()
    assert [change.record for change in left] == ([] if took_effect else ["c1"])
    await env.sync()
    assert await env.changes() == []
    assert env.practice.rows["u1"].phone == "2"


@pytest.mark.parametrize("took_effect", [True, False])
async def test_a_contact_added_without_an_answer_is_never_added_twice(took_effect: bool) -> None:
    env = await in_step()
    env.edit(contacts=(*env.client().contacts, contact(9, name="Al")))
    lost = OutcomeUnknown("No answer.")
    env.practice.faults = [lost]
    env.practice.lost = [] if took_effect else [lost]
    run = await env.sync()
    assert run.outcome == ("done" if took_effect else "held")
    assert [each.name for each in env.practice.rows["u1"].contacts].count("Al") == int(took_effect)
    left = await env.changes()
    assert [(change.ticked, change.held) for change in left] == ([] if took_effect else [(False, "unknown")])
    await env.sync()
    assert len(env.practice.sent) == 1


async def lost_contact() -> tuple[SyncFixture, str]:
    env = await in_step()
    env.edit(contacts=(*env.client().contacts, contact(9, name="Al")))
    lost = OutcomeUnknown("No answer.")
    env.practice.faults, env.practice.lost = [lost], [lost]
    await env.sync()
    return env, held_intents(env.store.snapshot())[0].id


@pytest.mark.parametrize(("choice", "made"), [("again", 1), ("drop", 0)])
async def test_a_user_may_have_a_held_contact_sent_again_or_dropped(choice: Any, made: int) -> None:
    env, intent = await lost_contact()
    env.store.commit(decision_writes(env.store.snapshot(), intent, choice, env.clock.now()))
    await env.sync()
    assert [each.name for each in env.practice.rows["u1"].contacts].count("Al") == made
    assert await env.changes() == []


async def test_a_user_may_adopt_a_contact_that_appears_late() -> None:
    env, intent = await lost_contact()
    row = env.practice.rows["u1"]
    env.practice.edit("u1", contacts=(*row.contacts, xpm_contact(50, name="Al", phone="9")))
    await env.refresh()
    with pytest.raises(NotFound):
        decision_writes(env.store.snapshot(), intent, "adopt", env.clock.now(), "x404")
    env.store.commit(decision_writes(env.store.snapshot(), intent, "adopt", env.clock.now(), "x50"))
    assert {joined.contact: joined.uuid for joined in env.link().contacts}["k9"] == "x50"
    await env.sync()
    assert len(env.practice.rows["u1"].contacts) == 2


async def two_alike() -> tuple[SyncFixture, list[Intent]]:
    """Two contacts of the same values were sent, and neither answer came; XPM shows one of them later."""
    env = await in_step()
    for number in (8, 9):
        env.edit(contacts=(*env.client().contacts, contact(number, name="Al")))
        lost = OutcomeUnknown("No answer.")
        env.practice.faults, env.practice.lost = [lost], [lost]
        await env.sync()
    row = env.practice.rows["u1"]
    env.practice.edit("u1", contacts=(*row.contacts, xpm_contact(50, name="Al")))
    await env.refresh()
    return env, held_intents(env.store.snapshot())


async def test_one_contact_of_xpm_is_not_adopted_for_two_of_ours() -> None:
    env, intents = await two_alike()
    env.store.commit([Put(INTENTS, msgspec.structs.replace(each, state="sent")) for each in intents])
    found = await resolve(
        store=env.store, practice=env.practice, clock=env.clock, emit=env.events.emit, create_lag=0,
        wait=False,
    )  # fmt: skip
    assert (len(found.done), len(found.held)) == (1, 1)
    assert [joined.uuid for joined in env.link().contacts].count("x50") == 1


async def test_a_user_cannot_adopt_one_contact_for_two_of_ours() -> None:
    env, (first, second) = await two_alike()
    env.store.commit(decision_writes(env.store.snapshot(), first.id, "adopt", env.clock.now(), "x50"))
    with pytest.raises(BadInput, match="Another contact of this client is already linked"):
        decision_writes(env.store.snapshot(), second.id, "adopt", env.clock.now(), "x50")


async def test_an_error_of_another_kind_closes_the_intent_as_not_done() -> None:
    env = await in_step(phone="1")
    env.edit(phone="2")
    env.practice.faults = [XeroError("Out of reach.", repeatable=True)]
    with pytest.raises(XeroError):
        await env.sync()
    assert [intent.state for intent in intents(env)] == ["failed"]
    assert len(changes_of(env.plan()[1])) == 1
