"""After an undo nothing is written again: neither what it restored nor what it left."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from tests.support.profile import count
from tests.sync.fixtures import SyncFixture, client, contact, linked, xpm, xpm_contact
from tests.sync.test_undo import overwritten, picked, undo
from tests.sync.test_undo_late import undo_plan
from xpm_tui.domain.field_types import is_same
from xpm_tui.domain.plan import Direction
from xpm_tui.domain.tables import FREEZES, IMAGES, PLANNED
from xpm_tui.sync.consequences import plan_consequences
from xpm_tui.sync.policy import Policy

DIRECTIONS: tuple[Direction, ...] = ("from_xpm", "to_xpm")


def written(env: SyncFixture, uuid: str = "u1") -> Any:
    """The client on the side that sync writes."""
    return env.client() if env.policy.direction == "from_xpm" else env.practice.rows[uuid]


def edit(env: SyncFixture, **values: Any) -> None:
    """Someone edits the client on the side that sync writes."""
    if env.policy.direction == "from_xpm":
        env.edit(**values)
    else:
        env.practice.edit("u1", **values)


def frozen(env: SyncFixture) -> set[str]:
    return {freeze.field for freeze in env.store.snapshot().rows(FREEZES)}


@pytest.mark.parametrize("reported", [True, False], ids=["seen", "unseen"])
@pytest.mark.parametrize("direction", DIRECTIONS)
async def test_a_value_that_a_colleague_changed_since_is_frozen_and_stays(
    direction: Direction, reported: bool
) -> None:
    """Also where the colleague's change is first seen while the undo is applied."""
    old, new = client(phone="1", fax="2"), xpm(phone="8", fax="9")
    env = SyncFixture([old], [new], links=[linked()], policy=Policy(direction=direction))
    run = await env.sync()
    edit(env, phone="55")
    if reported:
        await env.refresh()
    await undo(env, run)
    assert written(env).phone == "55"
    assert frozen(env) == {"phone", "fax"}
    await env.sync()
    assert written(env).phone == "55"
    _, left = await undo(env, run)
    before = {"from_xpm": "2", "to_xpm": "9"}
    assert written(env).fax == before[direction]
    assert [(each.field, each.why) for each in left] == [("phone", "edited")]
    assert await env.changes() == []


@pytest.mark.parametrize("direction", DIRECTIONS)
async def test_a_value_that_was_already_restored_is_frozen_and_not_listed(direction: Direction) -> None:
    env = SyncFixture(
        [client(phone="1")], [xpm(phone="8")], links=[linked()], policy=Policy(direction=direction)
    )
    run = await env.sync()
    edit(env, phone={"from_xpm": "1", "to_xpm": "8"}[direction])
    await env.refresh()
    _, left = await undo(env, run)
    assert (left, frozen(env), await env.changes()) == ((), {"phone"}, [])


async def test_an_undo_of_one_field_freezes_no_other() -> None:
    env, run = await overwritten()
    env.edit(phone="77", fax="78")
    _, left = await undo(env, run, field="fax")
    assert [each.field for each in left] == ["fax"]
    assert frozen(env) == {"fax"}


async def test_a_change_that_is_not_ticked_is_neither_undone_nor_frozen() -> None:
    env, run = await overwritten()
    plan, records, _ = planned(env, run)
    (record,) = records
    unticked = tuple(msgspec.structs.replace(c, ticked=c.field != "phone") for c in record.changes)
    records = [msgspec.structs.replace(record, changes=unticked)]
    env.put(PLANNED, records)
    found = plan_consequences(env.store.snapshot(), plan, records, env.policy)
    await env.apply(plan, records, reviewed=True)
    assert (env.client().phone, env.client().fax) == ("8", "2")
    assert frozen(env) == {"fax", "k1.contact_name"}
    assert {each.field for each in found.frozen} == {"fax", "contact_name"}


async def test_an_edited_pick_that_stays_keeps_its_edit() -> None:
    env = SyncFixture(rows=[xpm(phone="1", contacts=(xpm_contact(1, name="Jo", email="jo@x"),))])
    id_ = await picked(env)
    contact_id = env.client(id_).contacts[0].id
    env.edit(id_, phone="2")
    env.edit_contact(id_, contact_id, email="j@y")
    _, left = await undo(env, "r90")
    assert [each.why for each in left] == ["client-edited"]
    assert frozen(env) == {"phone", f"{contact_id}.contact_email"}
    await env.sync()
    assert (env.client(id_).phone, env.client(id_).contacts[0].email) == ("2", "j@y")


async def test_a_contact_that_stays_in_xpm_keeps_a_colleagues_edits() -> None:
    env = SyncFixture(
        [client(contacts=(contact(1, name="Jo", phone="1"),))], [xpm()], links=[linked()],
        policy=Policy(direction="to_xpm"),
    )  # fmt: skip
    run = await env.sync()
    (made,) = env.practice.rows["u1"].contacts
    env.practice.edit("u1", contacts=(msgspec.structs.replace(made, phone="55"),))
    await env.refresh()
    plan, records, _ = planned(env, run)
    found = plan_consequences(env.store.snapshot(), plan, records, env.policy)
    assert [(each.what, each.records) for each in found.lasting] == [("contact", ("c1/k1",))]
    await undo(env, run)
    await env.sync()
    assert env.practice.rows["u1"].contacts[0].phone == "55"


@pytest.mark.parametrize("stored", ["1\n2 ", "1\r\n2", "1\n2"])
async def test_a_value_in_another_spelling_counts_as_unchanged(stored: str) -> None:
    env = SyncFixture([client(address="0")], [xpm(address="1\n2")], links=[linked()])
    run = await env.sync()
    env.edit(address=stored)
    _, left = await undo(env, run)
    assert (left, env.client().address) == ((), "0")


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (("A", "B"), ["B", "A"], True), ((), None, True), ("", None, True), (False, None, False),
        ("e\u0301 ", "é", True), (("A",), ["A", "B"], False), ("x", "y", False), (True, False, False),
    ],
)  # fmt: skip
def test_stored_and_present_values_are_compared_in_one_form(a: Any, b: Any, same: bool) -> None:
    assert is_same(a, b) is same


def planned(env: SyncFixture, run: Any) -> Any:
    return undo_plan(env, run.id)


FIELDS = ("phone", "fax", "city", "website")


@pytest.mark.parametrize("seed", range(count(6, 100, 400)))
async def test_an_undo_and_a_sync_change_nothing_that_it_restored_or_left(seed: int) -> None:
    dice = random.Random(seed)
    direction = DIRECTIONS[seed % 2]

    def some() -> dict[str, str]:
        return {field: dice.choice(["", "1", "2", "3"]) for field in FIELDS}

    def people(make: Any) -> tuple[Any, ...]:
        return tuple(
            make(n, name=f"P{n}", email=f"p{n}@x", phone=dice.choice("12")) for n in dice.sample((1, 2, 3), 2)
        )

    ours = [client(n, groups=tuple(dice.sample("AB", 1)), contacts=people(contact), **some()) for n in (1, 2)]
    rows = [xpm(n, contacts=people(xpm_contact), **some()) for n in (1, 2)]
    env = SyncFixture(
        ours, rows, links=[linked(1), linked(2)], policy=Policy(direction=direction, clear="yes")
    )
    runs = []
    for _ in range(dice.randint(1, 3)):
        runs.append(await env.sync())
        for n in (1, 2):
            if dice.random() < 0.7:
                env.edit(f"c{n}", **dict(dice.sample(list(some().items()), 2)))
            if dice.random() < 0.7:
                env.practice.edit(f"u{n}", **dict(dice.sample(list(some().items()), 2)))
    if dice.random() < 0.5:
        await env.refresh(complete=False)
    undone = dice.choice(runs)
    scope = {
        (image_.client, written_.record, written_.field)
        for image_ in env.store.snapshot().rows(IMAGES)
        if image_.run == undone.id
        for written_ in image_.written
    }
    await undo(env, undone)
    if dice.random() < 0.3:
        env.policy = Policy(direction=DIRECTIONS[(seed + 1) % 2], clear="yes")
    again = await env.changes()
    assert not {(change.record.partition("/")[0], change.record, change.field) for change in again} & scope
