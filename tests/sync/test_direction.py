"""Changes of direction: what differed under the old master is decided by the new one."""

from __future__ import annotations

import msgspec
import pytest

from tests.sync.fixtures import SyncFixture, client, contact, linked, member, xpm, xpm_contact
from xpm_tui.domain.links import Base, ContactLink, Pair
from xpm_tui.domain.tables import BASE, LINKS, TEAM
from xpm_tui.domain.xpm import RecordReference
from xpm_tui.sync.base import settled_direction
from xpm_tui.sync.planning.planner import list_differences
from xpm_tui.sync.policy import Policy

FROM, TO = Policy(direction="from_xpm"), Policy(direction="to_xpm")


def listed(env: SyncFixture) -> dict[tuple[str, str], str]:
    """What differs and is not planned, with the reason."""
    found = list_differences(env.store.snapshot(), env.policy)
    return {(each.record, each.field): each.why for _, each in found}


async def planned(env: SyncFixture) -> set[tuple[str, str, str]]:
    return {(change.record, change.field, change.rule) for change in await env.changes()}


async def settled(direction: Policy) -> SyncFixture:
    """A practice at rest in one direction, with values and contacts that only one side has."""
    env = SyncFixture(
        [client(phone="1", website="w", contacts=(contact(1, name="Ours", email="o@x"),))],
        [xpm(fax="2", contacts=(xpm_contact(1, name="Theirs", email="t@x"),))],
        links=[linked()],
        policy=direction,
    )
    await env.sync()
    return env


async def test_from_xpm_and_back_each_difference_is_planned_under_its_new_master() -> None:
    env = await settled(FROM)
    assert listed(env) == {
        ("c1", "phone"): "blank",
        ("c1", "website"): "blank",
        ("c1/k1", "contact"): "contact-own",
    }
    env.policy = TO
    assert await planned(env) == {("c1", "phone", "fill"), ("c1/k1", "contact", "contact")}
    assert listed(env) == {("c1", "website"): "direction"}
    for env.policy in (FROM, TO):  # Nothing was applied: looking at the other direction settles nothing.
        await env.refresh()
        assert (env.plan()[0].counts["items"], env.policy.direction) in ((0, "from_xpm"), (2, "to_xpm"))
    await env.sync()
    for env.policy in (TO, FROM, TO):
        assert (await env.sync()).counts.get("changes", 0) == 0


async def test_to_xpm_and_back_each_difference_is_planned_under_its_new_master() -> None:
    env = await settled(TO)
    assert listed(env) == {
        ("c1", "fax"): "blank",
        ("c1", "website"): "direction",
        ("c1/x1", "contact"): "contact-own",
    }
    env.policy = FROM
    assert await planned(env) == {("c1", "fax", "fill"), ("c1/x1", "contact", "contact")}
    await env.sync()
    for env.policy in (FROM, TO, FROM):
        assert (await env.sync()).counts.get("changes", 0) == 0


@pytest.mark.parametrize(
    ("between", "why"),
    [
        (Policy(direction="to_xpm", level="name"), "level-name"),
        (Policy(direction="to_xpm", level="nothing"), "level-nothing"),
        (Policy(direction="to_xpm", off=frozenset({"phone"})), "switched-off"),
    ],
)
async def test_fields_that_are_not_synced_are_listed_and_planned_once_they_are(
    between: Policy, why: str
) -> None:
    env = await settled(FROM)
    env.policy = between
    await env.sync()
    assert listed(env)["c1", "phone"] == why
    env.policy = TO
    assert ("c1", "phone", "fill") in await planned(env)


async def test_a_removed_contact_stays_removed_in_both_directions() -> None:
    env = SyncFixture([client()], [xpm(contacts=(xpm_contact(1, name="A"),))], links=[linked()])
    await env.sync()
    env.practice.edit("u1", contacts=())
    await env.sync()
    (ours,) = env.client().contacts
    for env.policy in (TO, FROM):
        assert await planned(env) == set()
        assert listed(env) == {(f"c1/{ours.id}", "contact"): "removed-in-xpm"}


async def test_an_unlinked_person_is_the_reason_until_the_person_is_linked() -> None:
    env = SyncFixture(
        [client(partner="t1")],
        [xpm(manager=RecordReference("s9"))],
        links=[linked()],
        team=[member(1), member(2)],
    )
    await env.sync()
    assert listed(env) == {("c1", "partner"): "blank", ("c1", "manager"): "unlinked-person"}
    env.policy = TO
    assert await planned(env) == set()
    assert listed(env) == {("c1", "partner"): "unlinked-person", ("c1", "manager"): "blank"}
    env.put(TEAM, [member(1, staff="s1"), member(2, staff="s9")])
    assert await planned(env) == {("c1", "partner", "update")}


@pytest.mark.parametrize(
    ("stored", "direction"),
    [
        (Pair("1", ""), "from_xpm"),
        (Pair("", "2"), "to_xpm"),
        (Pair("t1", "?s1"), "from_xpm"),
        (Pair("00 2", "002"), "to_xpm"),
        (Pair("1", "", "to_xpm"), "to_xpm"),
    ],
)
def test_what_an_earlier_version_accepted_applies_to_one_direction(stored: Pair, direction: str) -> None:
    assert settled_direction(stored) == direction


async def test_a_store_of_an_earlier_version_leaves_no_silent_difference() -> None:
    env = await settled(FROM)
    env.put(BASE, [Base(id="c1", agreed=("phone",), pairs={"phone": Pair("1", "")})])
    assert await planned(env) == set()
    env.policy = TO
    assert ("c1", "phone", "fill") in await planned(env)


async def test_a_contact_that_a_user_dropped_is_not_planned_again() -> None:
    env = await settled(TO)
    own = ContactLink(contact="k9", uuid="", removed="xpm", by_user=True)
    env.edit(contacts=(contact(9, name="Dropped"),))
    env.put(LINKS, [msgspec.structs.replace(env.link(), contacts=(own,))])
    for env.policy in (TO, FROM):
        await env.sync()
        assert listed(env)["c1/k9", "contact"] == "contact-dropped"
