"""From XPM: contacts, people, groups, and masked values."""

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
from xpm_tui.sync.manual.plans import tick
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


async def test_contacts_are_matched_filled_and_added_and_the_stores_own_contacts_stay() -> None:
    env = two_contacts()
    changes = await env.changes()
    assert {(change.record, change.field) for change in changes} == {
        ("c1/k1", "contact_name"),
        ("c1/k1", "contact_mobile"),
        ("c1/x2", "contact"),
        ("c1/x2", "contact_primary"),
    }
    first = one(changes, "contact_primary")
    assert (first.old, first.new, first.rule, first.mark) == ("x1", "x2", "first", "first")
    await env.sync()
    named = {each.name: each for each in env.client().contacts}
    assert list(named) == ["Joanna", "Own", "Al"]
    assert [each.name for each in env.client().contacts if each.primary] == ["Al"]
    assert await env.changes() == []


async def test_a_contact_can_come_without_becoming_primary_but_not_the_other_way() -> None:
    env = two_contacts()
    await env.refresh()
    plan, records = env.plan()
    unticked = tick(records, False, field="contact")
    assert [change.field for change in changes_of(unticked) if not change.ticked] == [
        "contact",
        "contact_primary",
    ]
    assert tick(unticked, True, field="contact_primary") == []
    unticked = tick(records, False, field="contact_primary")
    run = await env.apply(plan, unticked)
    assert run.counts["changes"] == sum(change.ticked for change in changes_of(unticked))
    assert {each.name: each.primary for each in env.client().contacts} == {
        "Joanna": True,
        "Own": False,
        "Al": False,
    }
    assert one(await env.changes(), "contact_primary").record == f"c1/{env.client().contacts[2].id}"


async def test_exactly_the_planned_changes_are_written() -> None:
    env = two_contacts()
    await env.refresh()
    plan, records = env.plan()
    run = await env.apply(plan, records)
    assert run.counts["changes"] == sum(change.ticked for change in changes_of(records)) == 4


async def test_the_primary_follows_xpm() -> None:
    env = two_contacts()
    await env.sync()
    x1, x2 = env.practice.rows["u1"].contacts
    env.practice.edit_contact("u1", x1.uuid, primary=True)
    env.practice.edit_contact("u1", x2.uuid, primary=False)
    change = one(await env.changes(), "contact_primary")
    assert change.record == "c1/k1"
    await env.sync()
    assert [each.name for each in env.client().contacts if each.primary] == ["Joanna"]
    assert await env.changes() == []


async def test_without_a_primary_in_xpm_ignitions_stays() -> None:
    env = SyncFixture(
        [client(contacts=(contact(1, name="Jo", primary=True),))],
        [xpm(contacts=(xpm_contact(1, name="Jo"),))],
        links=[linked()],
    )
    await env.sync()
    assert env.client().contacts[0].primary
    assert await env.changes() == []


async def test_a_contact_removed_in_ignition_is_never_created_again() -> None:
    env = two_contacts()
    await env.sync()
    env.edit(contacts=env.client().contacts[:2])
    assert [change.field for change in await env.changes()] == []
    await env.sync()
    assert {joined.uuid for joined in env.link().contacts if joined.removed == "ignition"} == {"x2"}
    assert await env.changes() == []


async def test_a_contact_removed_in_xpm_stays_in_ignition_and_is_marked() -> None:
    env = two_contacts()
    await env.sync()
    env.practice.edit_contact("u1", "x1", deleted=True)
    assert await env.changes() == []
    await env.sync()
    assert env.client().contacts[0].name == "Joanna"
    assert [joined.removed for joined in env.link().contacts if joined.contact == "k1"] == ["xpm"]


# People, groups, masked values


async def test_only_linked_people_are_brought() -> None:
    row = xpm(partner=RecordReference("s1", "Ana"), manager=RecordReference("s2", "Tom"))
    env = SyncFixture([client()], [row], links=[linked()], team=[member(1, staff="s1"), member(2)])
    changes = await env.changes()
    assert [(change.field, change.new) for change in changes] == [("partner", "s1")]
    await env.sync()
    assert (env.client().partner, env.client().manager) == ("t1", "")
    env.put(TEAM, [member(2, staff="s2")])
    change = one(await env.changes(), "manager")
    assert (change.rule, change.old, change.new) == ("update", "", "s2")


async def test_a_masked_value_is_neither_compared_nor_written() -> None:
    env = SyncFixture([client(phone="1")], [xpm(phone="******789")], links=[linked()])
    assert await env.changes() == []
    await env.sync()
    assert "phone" not in env.base().agreed


async def test_flags_and_groups_are_brought() -> None:
    row = xpm(tax_registered=True, groups=(RecordReference("g2", "Farms"), RecordReference("g1", "Arts")))
    env = SyncFixture([client()], [row], links=[linked()])
    await env.sync()
    assert (env.client().tax_registered, env.client().groups) == (True, ("Arts", "Farms"))
    assert await env.changes() == []


@pytest.mark.parametrize("direction", ["from_xpm", "to_xpm"])
@pytest.mark.parametrize("left", [True, False])
async def test_a_contact_removed_in_xpm_is_listed_and_cannot_stay_primary(
    direction: Direction, left: bool
) -> None:
    first = xpm_contact(1, name="Hana", email="hana@h.example", primary=True)
    second = xpm_contact(2, name="Tama", email="tama@h.example")
    env = SyncFixture([client()], [xpm(1, contacts=(first, second) if left else (first,))], links=[linked()])
    await env.sync()
    hana = env.client().contacts[0].id
    env.practice.edit("u1", contacts=(replace(second, primary=True),) if left else ())
    env.policy = Policy(direction=direction)
    await env.refresh()
    assert [each.id for each in removed_in_xpm(env.client(), env.link(), env.mirror("u1"))] == [hana]
    change = one(await env.changes(), "contact_primary")
    assert (change.side, change.rule, change.ticked, change.new) == (
        "ignition", "removed", True, "x2" if left else "",
    )  # fmt: skip
    await env.sync()
    assert [each.name for each in env.client().contacts if each.primary] == (["Tama"] if left else [])
    assert (len(env.client().contacts), env.practice.sent) == (1 + left, [])
    assert await env.changes() == []
    assert [each.id for each in removed_in_xpm(env.client(), env.link(), env.mirror("u1"))] == [hana]
