"""From XPM: contacts, people, groups, and what is masked."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

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
from xpm_tui.domain.plan import Direction
from xpm_tui.domain.tables import TEAM
from xpm_tui.domain.xpm import RecordReference
from xpm_tui.sync.manual.plan_review import tick
from xpm_tui.sync.planning.contacts import removed_in_xpm
from xpm_tui.sync.policy import Policy


def two_contacts() -> SyncFixture:
    return SyncFixture(
        [client(contacts=(contact(1, name="Jo", email="jo@x", primary=True), contact(2, name="Own")))],
        [
            xpm(
                contacts=(
                    xpm_contact(1, name="Joanna", email="jo@x", mobile="5"),
                    xpm_contact(2, name="Al", primary=True),
                )
            )
        ],
        links=[linked()],
    )


async def test_contacts_are_matched_filled_and_added_and_the_books_own_stay() -> None:
    world = two_contacts()
    changes = await world.changes()
    assert {(change.record, change.field) for change in changes} == {
        ("c1/k1", "contact_name"),
        ("c1/k1", "contact_mobile"),
        ("c1/x2", "contact"),
        ("c1/x2", "contact_primary"),
    }
    first = one(changes, "contact_primary")
    assert (first.old, first.new, first.rule, first.mark) == ("x1", "x2", "first", "first")
    await world.sync()
    named = {each.name: each for each in world.client().contacts}
    assert list(named) == ["Joanna", "Own", "Al"]
    assert [each.name for each in world.client().contacts if each.primary] == ["Al"]
    assert await world.changes() == []


async def test_a_contact_can_come_without_becoming_primary_but_not_the_other_way() -> None:
    world = two_contacts()
    await world.refresh()
    plan, records = world.plan()
    unticked = tick(records, False, field="contact")
    assert [change.field for change in changes_of(unticked) if not change.ticked] == [
        "contact",
        "contact_primary",
    ]
    assert tick(unticked, True, field="contact_primary") == []
    unticked = tick(records, False, field="contact_primary")
    run = await world.apply(plan, unticked)
    assert run.counts["changes"] == sum(change.ticked for change in changes_of(unticked))
    assert {each.name: each.primary for each in world.client().contacts} == {
        "Joanna": True,
        "Own": False,
        "Al": False,
    }
    assert one(await world.changes(), "contact_primary").record == f"c1/{world.client().contacts[2].id}"


async def test_what_is_planned_is_what_is_written() -> None:
    world = two_contacts()
    await world.refresh()
    plan, records = world.plan()
    run = await world.apply(plan, records)
    assert run.counts["changes"] == sum(change.ticked for change in changes_of(records)) == 4


async def test_the_primary_follows_xpm() -> None:
    world = two_contacts()
    await world.sync()
    x1, x2 = world.practice.rows["u1"].contacts
    world.practice.edit_contact("u1", x1.uuid, primary=True)
    world.practice.edit_contact("u1", x2.uuid, primary=False)
    change = one(await world.changes(), "contact_primary")
    assert change.record == "c1/k1"
    await world.sync()
    assert [each.name for each in world.client().contacts if each.primary] == ["Joanna"]
    assert await world.changes() == []


async def test_without_a_primary_in_xpm_ignitions_stays() -> None:
    world = SyncFixture(
        [client(contacts=(contact(1, name="Jo", primary=True),))],
        [xpm(contacts=(xpm_contact(1, name="Jo"),))],
        links=[linked()],
    )
    await world.sync()
    assert world.client().contacts[0].primary
    assert await world.changes() == []


async def test_a_contact_removed_in_ignition_is_never_made_again() -> None:
    world = two_contacts()
    await world.sync()
    world.edit(contacts=world.client().contacts[:2])
    assert [change.field for change in await world.changes()] == []
    await world.sync()
    assert {joined.uuid for joined in world.link().contacts if joined.removed == "ignition"} == {"x2"}
    assert await world.changes() == []


async def test_a_contact_removed_in_xpm_stays_in_ignition_and_is_marked() -> None:
    world = two_contacts()
    await world.sync()
    world.practice.edit_contact("u1", "x1", deleted=True)
    assert await world.changes() == []
    await world.sync()
    assert world.client().contacts[0].name == "Joanna"
    assert [joined.removed for joined in world.link().contacts if joined.contact == "k1"] == ["xpm"]


# People, groups, masked values


async def test_only_linked_people_come_over() -> None:
    row = xpm(partner=RecordReference("s1", "Ana"), manager=RecordReference("s2", "Tom"))
    world = SyncFixture([client()], [row], links=[linked()], team=[member(1, staff="s1"), member(2)])
    changes = await world.changes()
    assert [(change.field, change.new) for change in changes] == [("partner", "s1")]
    await world.sync()
    assert (world.client().partner, world.client().manager) == ("t1", "")
    world.put(TEAM, [member(2, staff="s2")])
    change = one(await world.changes(), "manager")
    assert (change.rule, change.old, change.new) == ("update", "", "s2")


async def test_a_masked_value_is_neither_compared_nor_written() -> None:
    world = SyncFixture([client(phone="1")], [xpm(phone="******789")], links=[linked()])
    assert await world.changes() == []
    await world.sync()
    assert "phone" not in world.base().agreed


async def test_yes_no_and_groups_come_over() -> None:
    row = xpm(tax_registered=True, groups=(RecordReference("g2", "Farms"), RecordReference("g1", "Arts")))
    world = SyncFixture([client()], [row], links=[linked()])
    await world.sync()
    assert (world.client().tax_registered, world.client().groups) == (True, ("Arts", "Farms"))
    assert await world.changes() == []


@pytest.mark.parametrize("direction", ["from_xpm", "to_xpm"])
@pytest.mark.parametrize("left", [True, False])
async def test_a_contact_removed_in_xpm_is_listed_and_cannot_stay_primary(
    direction: Direction, left: bool
) -> None:
    first = xpm_contact(1, name="Hana", email="hana@h.example", primary=True)
    second = xpm_contact(2, name="Tama", email="tama@h.example")
    world = SyncFixture(
        [client()], [xpm(1, contacts=(first, second) if left else (first,))], links=[linked()]
    )
    await world.sync()
    hana = world.client().contacts[0].id
    world.practice.edit("u1", contacts=(replace(second, primary=True),) if left else ())
    world.policy = Policy(direction=direction)
    await world.refresh()
    assert [each.id for each in removed_in_xpm(world.client(), world.link(), world.mirror("u1"))] == [hana]
    change = one(await world.changes(), "contact_primary")
    assert (change.side, change.rule, change.ticked, change.new) == (
        "ignition", "removed", True, "x2" if left else "",
    )  # fmt: skip
    await world.sync()
    assert [each.name for each in world.client().contacts if each.primary] == (["Tama"] if left else [])
    assert (len(world.client().contacts), world.practice.sent) == (1 + left, [])
    assert await world.changes() == []
    assert [each.id for each in removed_in_xpm(world.client(), world.link(), world.mirror("u1"))] == [hana]
