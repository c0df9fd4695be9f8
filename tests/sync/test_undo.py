"""Undo of a run, a client or a field: what is restored, what stays, and that it lasts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sync.fixtures import SyncFixture, changes_of, client, contact, linked, xpm, xpm_contact
from xpm_tui.domain.plan import Direction, SkippedUndo
from xpm_tui.domain.ports import Drop
from xpm_tui.domain.runs import Run
from xpm_tui.domain.tables import BASE, BLOCKED_PAIRS, CLIENTS, FREEZES, IMAGES, LINKS, PLANNED, PLANS
from xpm_tui.sync.manual.links import link, unlink
from xpm_tui.sync.manual.picks import pick
from xpm_tui.sync.manual.plans import plan_undo
from xpm_tui.sync.policy import Policy


async def undo(env: SyncFixture, run: Run | str, **options: Any) -> tuple[Run, tuple[SkippedUndo, ...]]:
    plan, records, unclear = plan_undo(
        env.store.snapshot(),
        run if isinstance(run, str) else run.id,
        id=env.ids.new("p")[0],
        now=env.clock.now(),
        by="kim",
        tenant="tenant",
        scopes="scopes",
        policy=env.policy,
        **options,
    )
    env.put(PLANS, [plan])
    env.put(PLANNED, records)
    return await env.apply(plan, records), unclear


async def overwritten() -> tuple[SyncFixture, Run]:
    """A client whose phone, fax and contact a run has overwritten."""
    env = SyncFixture(
        [client(phone="1", fax="2", contacts=(contact(1, name="Jo", email="jo@x"),))],
        [xpm(phone="8", fax="9", contacts=(xpm_contact(1, name="Joanna", email="jo@x"),))],
        links=[linked()],
    )
    return env, await env.sync()


async def test_an_undone_run_restores_the_old_values_for_good() -> None:
    env, run = await overwritten()
    done, unclear = await undo(env, run)
    assert (done.outcome, unclear) == ("done", ())
    assert (env.client().phone, env.client().fax, env.client().contacts[0].name) == ("1", "2", "Jo")
    assert {freeze.field for freeze in env.store.snapshot().rows(FREEZES)} == {
        "phone",
        "fax",
        "k1.contact_name",
    }
    assert all(freeze.undo and "kim" in freeze.reason for freeze in env.store.snapshot().rows(FREEZES))
    assert await env.changes() == []
    await env.sync()
    assert env.client().phone == "1"


async def test_undoing_one_field_leaves_the_others() -> None:
    env, run = await overwritten()
    await undo(env, run, field="phone")
    assert (env.client().phone, env.client().fax) == ("1", "9")
    await undo(env, run)
    assert (env.client().fax, env.client().contacts[0].name) == ("2", "Jo")


async def test_undoing_one_client_leaves_the_others() -> None:
    env = SyncFixture(
        [client(1), client(2)], [xpm(1, phone="1"), xpm(2, phone="2")], links=[linked(1), linked(2)]
    )
    run = await env.sync()
    await undo(env, run, client="c2")
    assert (env.client("c1").phone, env.client("c2").phone) == ("1", "")


async def test_values_changed_since_are_listed_and_the_others_undone() -> None:
    env, run = await overwritten()
    env.edit(phone="77")
    done, unclear = await undo(env, run)
    assert done.outcome == "done"
    assert [(each.field, each.wanted, each.present, each.why) for each in unclear] == [
        ("phone", "1", "77", "edited")
    ]
    assert unclear[0].sentence.endswith(".")
    assert (env.client().phone, env.client().fax) == ("77", "2")


async def test_after_unfreezing_the_field_is_planned_as_it_was_before() -> None:
    env, run = await overwritten()
    await undo(env, run, field="phone")
    for freeze in [*env.store.snapshot().rows(FREEZES)]:
        env.store.commit([Drop(FREEZES, freeze.id)])
    (change,) = await env.changes()
    assert (change.field, change.mark) == ("phone", "first")


async def test_a_run_is_undone_only_once() -> None:
    env, run = await overwritten()
    await undo(env, run)
    env.edit(phone="8")
    done, unclear = await undo(env, run)
    assert (done.counts, unclear) == ({}, ())


async def test_an_undo_can_itself_be_undone() -> None:
    env, run = await overwritten()
    back, _ = await undo(env, run, field="phone")
    await undo(env, back)
    assert env.client().phone == "8"


async def test_an_undone_link_is_removed_with_its_base_for_good() -> None:
    env = SyncFixture([client(phone="1")], [xpm(phone="2")])
    run = await env.sync()
    await undo(env, run)
    snapshot = env.store.snapshot()
    assert (snapshot.count(LINKS), snapshot.count(BASE), snapshot.count(FREEZES)) == (0, 0, 0)
    assert snapshot.count(BLOCKED_PAIRS) == 1
    assert env.client().phone == "1"
    assert await env.changes() == []


async def test_undoing_a_remap_restores_the_former_link() -> None:
    env = SyncFixture([client()], [xpm(1), xpm(2)], links=[linked()])
    await env.sync()
    now = env.clock.now()
    env.store.commit(link(env.store.snapshot(), "c1", "u2", now=now, by="kim", run="r90"))
    await undo(env, "r90")
    assert (env.link().uuid, env.link().number) == ("u1", "1001")


async def test_undoing_an_unlink_restores_the_link() -> None:
    env = SyncFixture([client()], [xpm()], links=[linked()])
    await env.sync()
    env.store.commit(unlink(env.store.snapshot(), "c1", now=env.clock.now(), by="kim", run="r90"))
    await undo(env, "r90")
    assert env.link().uuid == "u1"
    assert env.store.snapshot().count(BLOCKED_PAIRS) == 0


async def test_undoing_an_added_contact_removes_it_for_good() -> None:
    env = SyncFixture([client()], [xpm(contacts=(xpm_contact(1, name="Jo"),))], links=[linked()])
    run = await env.sync()
    assert len(env.client().contacts) == 1
    await undo(env, run)
    assert env.client().contacts == ()
    assert await env.changes() == []


async def test_an_added_contact_that_was_edited_stays_and_is_listed() -> None:
    env = SyncFixture([client()], [xpm(contacts=(xpm_contact(1, name="Jo"),))], links=[linked()])
    run = await env.sync()
    env.edit_contact("c1", env.client().contacts[0].id, phone="5")
    _, unclear = await undo(env, run)
    assert [each.why for each in unclear] == ["contact-edited"]
    assert len(env.client().contacts) == 1


async def picked(env: SyncFixture) -> str:
    await env.refresh()
    made = pick(
        env.store.snapshot(),
        ["u1"],
        ids=env.ids,
        policy=env.policy,
        now=env.clock.now(),
        by="kim",
        run="r90",
    )
    env.store.commit(made.writes)
    return made.created["u1"]


async def test_an_undone_pick_is_removed_from_the_store() -> None:
    env = SyncFixture(rows=[xpm(phone="1", contacts=(xpm_contact(1, name="Jo"),))])
    await picked(env)
    await undo(env, "r90")
    snapshot = env.store.snapshot()
    assert (snapshot.count(CLIENTS), snapshot.count(LINKS), snapshot.count(BASE)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("edited", "in_use", "why"), [(True, False, "client-edited"), (False, True, "in-use")]
)
async def test_a_pick_that_was_edited_or_is_in_use_stays(edited: bool, in_use: bool, why: str) -> None:
    env = SyncFixture(rows=[xpm(phone="1")])
    id_ = await picked(env)
    if edited:
        env.edit(id_, phone="2")
    _, unclear = await undo(env, "r90", in_use=frozenset({id_}) if in_use else frozenset())
    assert [each.why for each in unclear] == [why]
    assert env.store.snapshot().count(CLIENTS) == 1


async def test_undoing_a_push_writes_the_old_values_to_xpm_for_good() -> None:
    env = SyncFixture(
        [client(phone="1", contacts=(contact(1, name="Jo", email="jo@x"),))],
        [xpm(phone="8", contacts=(xpm_contact(1, name="Joanna", email="jo@x"),))],
        links=[linked()],
        policy=Policy(direction="to_xpm"),
    )
    run = await env.sync()
    assert env.practice.rows["u1"].phone == "1"
    done, unclear = await undo(env, run)
    assert (done.outcome, unclear) == ("done", ())
    assert env.practice.rows["u1"].phone == "8"
    assert env.practice.rows["u1"].contacts[0].name == "Joanna"
    assert await env.changes() == []
    assert changes_of(env.plan()[1]) == []


async def test_values_that_a_colleague_changed_since_the_push_are_not_undone() -> None:
    env = SyncFixture(
        [client(phone="1")], [xpm(phone="8")], links=[linked()], policy=Policy(direction="to_xpm")
    )
    run = await env.sync()
    env.practice.edit("u1", phone="55")
    await env.refresh()
    _, unclear = await undo(env, run)
    assert [each.why for each in unclear] == ["edited"]
    assert env.practice.rows["u1"].phone == "55"


async def test_a_contact_added_in_xpm_stays_there_and_is_listed() -> None:
    env = SyncFixture(
        [client(contacts=(contact(1, name="Jo"),))],
        [xpm()],
        links=[linked()],
        policy=Policy(direction="to_xpm"),
    )
    run = await env.sync()
    _, unclear = await undo(env, run)
    assert [each.why for each in unclear] == ["stays-in-xpm"]
    assert len(env.practice.rows["u1"].contacts) == 1


async def test_the_primary_contact_is_restored() -> None:
    env = SyncFixture(
        [client(contacts=(contact(1, name="Jo", primary=True), contact(2, name="Al")))],
        [xpm(contacts=(xpm_contact(1, name="Jo"), xpm_contact(2, name="Al", primary=True)))],
        links=[linked()],
    )
    run = await env.sync()
    assert [each.primary for each in env.client().contacts] == [False, True]
    await undo(env, run)
    assert [each.primary for each in env.client().contacts] == [True, False]
    assert await env.changes() == []


async def test_the_primary_contact_is_restored_in_xpm() -> None:
    env = SyncFixture(
        [client(contacts=(contact(1, name="Jo"), contact(2, name="Al", primary=True)))],
        [xpm(contacts=(xpm_contact(1, name="Jo", primary=True), xpm_contact(2, name="Al")))],
        links=[linked()],
        policy=Policy(direction="to_xpm"),
    )
    run = await env.sync()
    assert [each.primary for each in env.practice.rows["u1"].contacts] == [False, True]
    _, unclear = await undo(env, run)
    assert unclear == ()
    assert [each.primary for each in env.practice.rows["u1"].contacts] == [True, False]
    assert await env.changes() == []


@pytest.mark.parametrize("direction", ["from_xpm", "to_xpm"])
async def test_the_primary_contact_is_restored_when_a_contact_was_added(direction: Direction) -> None:
    jo = [client(contacts=(contact(1, name="Jo", primary=True),))]
    both = [xpm(contacts=(xpm_contact(1, name="Jo"), xpm_contact(2, name="Al", primary=True)))]
    if direction == "to_xpm":
        jo = [client(contacts=(contact(1, name="Jo"), contact(2, name="Al", email="al@x", primary=True)))]
        both = [xpm(contacts=(xpm_contact(1, name="Jo", primary=True),))]
    env = SyncFixture(jo, both, links=[linked()], policy=Policy(direction=direction))
    run = await env.sync()
    _, unclear = await undo(env, run)
    first = env.client() if direction == "from_xpm" else env.practice.rows["u1"]
    assert [each.name for each in first.contacts if each.primary] == ["Jo"]
    assert [each.why for each in unclear] == (["stays-in-xpm"] if direction == "to_xpm" else [])
    assert await env.changes() == []


async def test_an_undo_that_removes_a_link_can_be_undone_with_the_values_that_it_restored_in_xpm() -> None:
    env = SyncFixture(
        [client(phone="1")],
        [xpm(phone="8")],
        policy=Policy(direction="to_xpm"),
    )
    run = await env.sync()
    assert env.practice.rows["u1"].phone == "1"
    back, _ = await undo(env, run)
    assert (env.store.snapshot().get(LINKS, "c1"), env.practice.rows["u1"].phone) == (None, "8")
    image = env.store.snapshot().get(IMAGES, f"{back.id}/c1")
    assert image is not None
    assert {(each.field, each.old, each.new) for each in image.written if each.side == "xpm"} == {
        ("phone", "1", "8")
    }
    again, unclear = await undo(env, back)
    assert (again.outcome, unclear) == ("done", ())
    assert (env.store.snapshot().get(LINKS, "c1") is not None, env.practice.rows["u1"].phone) == (
        True,
        "1",
    )


async def test_an_undo_that_removes_a_link_can_be_undone_in_ignition() -> None:
    env = SyncFixture([client(phone="1")], [xpm(phone="8")])
    run = await env.sync()
    back, _ = await undo(env, run)
    assert (env.store.snapshot().get(LINKS, "c1"), env.client().phone) == (None, "1")
    again, unclear = await undo(env, back)
    assert (again.outcome, unclear) == ("done", ())
    assert (env.store.snapshot().get(LINKS, "c1") is not None, env.client().phone) == (True, "8")
    assert await env.changes() == []
