"""Undo after further work: what users linked, edited, froze or archived since is respected."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sync.fixtures import SyncFixture, client, linked, xpm, xpm_contact
from tests.sync.test_undo import overwritten, picked, undo
from xpm_tui.domain.ignition import Contact
from xpm_tui.domain.links import Freeze
from xpm_tui.domain.tables import BLOCKED_PAIRS, CLIENTS, FREEZES, PLANNED, PLANS
from xpm_tui.sync.manual.links import link
from xpm_tui.sync.manual.plans import plan_undo
from xpm_tui.sync.planning.links import link_state
from xpm_tui.sync.policy import Policy


def undo_plan(env: SyncFixture, run: str, **options: Any) -> Any:
    plan, records, unclear = plan_undo(
        env.store.snapshot(), run, id=env.ids.new("p")[0], now=env.clock.now(), by="kim",
        tenant="tenant", scopes="scopes", policy=env.policy, **options,
    )  # fmt: skip
    env.put(PLANS, [plan])
    env.put(PLANNED, records)
    return plan, records, unclear


def relink(env: SyncFixture, uuid: str, run: str = "r90", id_: str = "c1", **how: Any) -> None:
    env.store.commit(link(env.store.snapshot(), id_, uuid, now=env.clock.now(), by="lee", run=run, **how))


async def test_a_link_made_while_an_undo_is_reviewed_stays() -> None:
    env = SyncFixture([client(phone="1")], [xpm(1, phone="2"), xpm(2, "Other", phone="3")])
    run = await env.sync()
    plan, records, _ = undo_plan(env, run.id)
    relink(env, "u2")
    ended = await env.apply(plan, records, reviewed=True)
    assert ended.counts.get("moved") == 1
    assert env.link().uuid == "u2"
    assert env.store.snapshot().count(BLOCKED_PAIRS) == 0


async def test_a_push_is_not_undone_in_an_xpm_client_that_was_left_meanwhile() -> None:
    env = SyncFixture(
        [client(phone="1")], [xpm(1, phone="2"), xpm(2, "Other")], links=[linked()],
        policy=Policy(direction="to_xpm"),
    )  # fmt: skip
    run = await env.sync()
    plan, records, _ = undo_plan(env, run.id)
    relink(env, "u2")
    before = len(env.practice.sent)
    ended = await env.apply(plan, records, reviewed=True)
    assert ended.counts.get("moved") == 1
    assert len(env.practice.sent) == before


async def test_an_undo_that_was_planned_twice_does_not_remove_a_later_link() -> None:
    env = SyncFixture([client()], [xpm()])
    run = await env.sync()
    first = undo_plan(env, run.id)
    second = undo_plan(env, run.id)
    await env.apply(first[0], first[1], reviewed=True)
    relink(env, "u1")
    await env.apply(second[0], second[1], reviewed=True)
    assert env.link().uuid == "u1"


async def test_a_pick_with_a_contact_added_manually_stays() -> None:
    env = SyncFixture(rows=[xpm(phone="1")])
    id_ = await picked(env)
    env.edit(id_, contacts=(*env.client(id_).contacts, Contact(id="k77", name="Jo", email="jo@x")))
    _, unclear = await undo(env, "r90")
    assert env.store.snapshot().count(CLIENTS) == 1
    assert [each.why for each in unclear] == ["client-edited"]


async def test_a_pick_that_ignition_has_by_now_stays() -> None:
    env = SyncFixture(rows=[xpm(phone="1")])
    id_ = await picked(env)
    env.edit(id_, client_id="CLI-7", state="active")
    _, unclear = await undo(env, "r90")
    assert env.store.snapshot().count(CLIENTS) == 1
    assert [each.why for each in unclear] == ["client-edited"]


async def test_a_pick_with_a_switched_off_field_filled_in_manually_stays() -> None:
    env = SyncFixture(rows=[xpm()], policy=Policy(off=frozenset({"phone"})))
    id_ = await picked(env)
    env.edit(id_, phone="09 1")
    await undo(env, "r90")
    assert env.store.snapshot().count(CLIENTS) == 1


async def test_a_pick_that_was_linked_elsewhere_since_stays() -> None:
    env = SyncFixture(rows=[xpm(1), xpm(2, "Other")])
    id_ = await picked(env)
    relink(env, "u2", run="r91", id_=id_)
    _, unclear = await undo(env, "r90")
    assert [each.why for each in unclear] == ["relinked"]
    assert env.link(id_).uuid == "u2"


async def test_an_added_contact_edited_after_a_remap_stays() -> None:
    env = SyncFixture(
        [client()], [xpm(1, contacts=(xpm_contact(1, name="Jo"),)), xpm(2, "Other")], links=[linked()]
    )
    run = await env.sync()
    id_ = env.client().contacts[0].id
    env.edit_contact("c1", id_, phone="5", email="jo@new")
    relink(env, "u2")
    await undo(env, run)
    assert [each.email for each in env.client().contacts] == ["jo@new"]


async def test_a_freeze_of_a_person_is_still_theirs_after_an_undo() -> None:
    env, run = await overwritten()
    env.put(FREEZES, [Freeze(id="c1/phone", client="c1", field="phone", reason="mine", by="lee")])
    await undo(env, run, field="phone")
    freeze = env.store.snapshot().get(FREEZES, "c1/phone")
    assert freeze is not None
    assert (freeze.undo, freeze.reason) == (False, "mine")


async def test_an_undone_remap_leaves_a_client_that_was_linked_there_since() -> None:
    env = SyncFixture([client(1), client(2, "Second")], [xpm(1), xpm(2, "Other")], links=[linked()])
    await env.sync()
    relink(env, "u2", run="r90")
    relink(env, "u1", run="r91", id_="c2")
    assert link_state(env.store.snapshot(), env.client("c2")) == "linked"
    await undo(env, "r90")
    assert link_state(env.store.snapshot(), env.client("c2")) == "linked"


async def test_undoing_restores_a_quiet_link_as_quiet() -> None:
    env = SyncFixture([client(1), client(2, "Second")], [xpm(1), xpm(2, "Other")], links=[linked()])
    await env.sync()
    relink(env, "u1", run="r90", id_="c2", quiet=True)
    relink(env, "u2", run="r91", id_="c2")
    await undo(env, "r91")
    assert env.link("c2").quiet
    assert link_state(env.store.snapshot(), env.client("c1")) == "linked"


async def test_an_undo_writes_nothing_to_an_archived_client() -> None:
    env = SyncFixture(
        [client(phone="1")], [xpm(1, phone="2")], links=[linked()], policy=Policy(direction="to_xpm")
    )
    run = await env.sync()
    env.practice.edit("u1", archived=True)
    await env.refresh()
    before = len(env.practice.sent)
    _, unclear = await undo(env, run)
    assert len(env.practice.sent) == before
    assert unclear


async def test_a_value_that_xpm_stored_differently_can_be_undone() -> None:
    env = SyncFixture(
        [client(phone="1 ext 2")], [xpm(1, phone="2")], links=[linked()], policy=Policy(direction="to_xpm")
    )
    real = env.practice.update_client

    async def kept(uuid: str, name: str, values: Any) -> Any:
        return await real(uuid, name, {**values, "phone": str(values["phone"]).replace("ext", "x")})

    env.practice.update_client = kept  # type: ignore[method-assign]
    run = await env.sync()
    env.practice.update_client = real  # type: ignore[method-assign]
    assert await env.changes() == []
    _, unclear = await undo(env, run)
    assert unclear == ()
    assert env.practice.rows["u1"].phone == "2"


CHANGED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "own contact": ({"first_name": "Jo", "last_name": "Tane", "phone": "5"}, {"phone": "6"}),
    "contact": (
        {"contacts": (xpm_contact(1, name="A", email="a@x", primary=True),)},
        {"contacts": (xpm_contact(1, name="A", email="b@x", primary=True),)},
    ),
    "structure": ({"structure": "Company"}, {"structure": "Trust"}),
    "plain": ({"phone": "1", "city": "X"}, {"phone": "2", "city": "Y"}),
}


@pytest.mark.parametrize("level", ["everything", "name", "nothing"])
@pytest.mark.parametrize("direction", ["from_xpm", "to_xpm"])
@pytest.mark.parametrize("case", CHANGED)
async def test_a_pick_is_undone_although_xpm_has_changed_since(case: str, direction: Any, level: Any) -> None:
    """Nobody edited it in Ignition."""
    then, now = CHANGED[case]
    env = SyncFixture(rows=[xpm(**then)], policy=Policy(direction=direction, level=level))
    made = await picked(env)
    env.practice.edit("u1", **now)
    await env.refresh()
    _, unclear = await undo(env, "r90")
    assert made not in {*env.store.snapshot().ids(CLIENTS)}, unclear
