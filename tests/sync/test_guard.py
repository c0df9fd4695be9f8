"""What stops a run before its first write."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.sync.fixtures import SyncFixture, client, linked, member, staff, xpm
from xpm_tui.domain.errors import PlanRefused
from xpm_tui.domain.plan import Change, PlannedRecord
from xpm_tui.domain.runs import Stop
from xpm_tui.domain.tables import TEAM
from xpm_tui.sync.mirror import accept_list, list_counts
from xpm_tui.sync.planning.guard import ALWAYS, check, refuse_if_outdated, uncovered_stops
from xpm_tui.sync.policy import GuardLimits, Policy


async def practice(count: int) -> SyncFixture:
    """So many clients, in step."""
    numbers = range(1, count + 1)
    world = SyncFixture(
        [client(n, phone="1") for n in numbers],
        [xpm(n, phone="1") for n in numbers],
        links=[linked(n) for n in numbers],
    )
    await world.sync()
    return world


async def stops(world: SyncFixture, **options: Any) -> dict[str, Stop]:
    await world.refresh()
    plan, records = world.plan()
    options.setdefault("reviewed", False)
    return {
        stop.rule: stop for stop in check(world.store.snapshot(), plan, records, GuardLimits(), **options)
    }


async def test_a_usual_day_passes() -> None:
    world = await practice(30)
    for number in range(1, 21):
        world.practice.edit(f"u{number}", phone=f"2{number}")
    assert await stops(world) == {}


async def test_changes_in_more_than_twenty_or_thirty_percent_stop() -> None:
    world = await practice(30)
    for number in range(1, 22):
        world.practice.edit(f"u{number}", phone=f"2{number}")
    found = await stops(world)
    assert set(found) == {"many-records", "many-of-field:phone"}
    assert (found["many-records"].counted, found["many-records"].limit) == (21, 20)
    assert "21 of 30" in found["many-records"].sentence
    assert "sync --plan" in found["many-records"].sentence
    assert await stops(world, reviewed=True) == {}


async def test_the_share_counts_in_a_large_practice() -> None:
    world = await practice(100)
    for number in range(1, 31):
        world.practice.edit(f"u{number}", phone=f"2{number}")
    assert await stops(world) == {}
    world.practice.edit("u31", phone="231")
    assert set(await stops(world)) == {"many-records", "many-of-field:phone"}


@pytest.mark.parametrize("direction", ["from_xpm", "to_xpm"])
async def test_filling_empty_fields_holds_no_run(direction: Any) -> None:
    """Also people, once the team is linked: nothing that was there is lost."""
    world = await practice(30)
    world.policy = Policy(direction=direction)
    for number in range(1, 31):
        if direction == "from_xpm":
            world.practice.edit(f"u{number}", fax=str(number), manager=staff(1))
        else:
            world.edit(f"c{number}", fax=str(number))
    world.put(TEAM, [member(1, staff="s1")])
    assert await stops(world) == {}
    plan, _ = world.plan()
    assert plan.counts["items"] >= 30
    for number in range(1, 31):
        if direction == "from_xpm":
            world.practice.edit(f"u{number}", phone=f"2{number}")
        else:
            world.edit(f"c{number}", phone=f"2{number}")
    assert set(await stops(world)) == {"many-records", "many-of-field:phone"}


async def test_emptied_fields_stop_earlier() -> None:
    world = await practice(10)
    world.policy = Policy(clear="yes")
    for number in range(1, 6):
        world.practice.edit(f"u{number}", phone="")
    assert await stops(world) == {}
    world.practice.edit("u6", phone="")
    assert set(await stops(world)) == {"many-emptied:phone"}


async def test_unticked_clearings_count_for_nothing() -> None:
    world = await practice(10)
    for number in range(1, 11):
        world.practice.edit(f"u{number}", phone="")
    assert await stops(world) == {}


async def test_first_syncs_are_not_counted_against_what_was_in_step() -> None:
    world = SyncFixture(
        [client(n) for n in range(1, 41)],
        [xpm(n, phone="1") for n in range(1, 41)],
        links=[linked(n) for n in range(1, 41)],
    )
    assert await stops(world) == {}
    assert set(await stops(world, scheduled=True)) == {"first-run"}
    assert await stops(world, scheduled=True, reviewed=True) == {}


async def test_a_short_list_stops_and_marks_nobody_gone() -> None:
    world = await practice(20)
    for number in range(1, 6):
        world.practice.remove(f"u{number}")
    found = await stops(world)
    assert (found["short-list"].counted, found["short-list"].limit) == (5, 20)
    assert not world.mirror("u1").deleted
    assert await stops(world, reviewed=True) == {}


async def test_a_list_a_little_shorter_is_believed() -> None:
    world = await practice(20)
    for number in range(1, 5):
        world.practice.remove(f"u{number}")
    assert await stops(world) == {}
    assert world.mirror("u1").deleted


async def test_a_short_list_that_a_person_has_reviewed_is_the_new_measure() -> None:
    world = await practice(20)
    for number in range(1, 11):
        world.practice.remove(f"u{number}")
    await world.refresh()
    await world.apply(*world.plan(), reviewed=True)
    assert list_counts(world.store.snapshot()).accepted == 10
    assert accept_list(world.store.snapshot()) == []
    await world.refresh()
    assert world.mirror("u1").deleted
    assert await stops(world) == {}


async def test_an_empty_list_stops_every_run_and_marks_nobody_gone() -> None:
    world = await practice(3)
    for number in range(1, 4):
        world.practice.remove(f"u{number}")
    assert set(await stops(world)) == {"empty-list"}
    assert set(await stops(world, reviewed=True)) == {"empty-list"} <= set(ALWAYS)
    assert not world.mirror("u1").deleted


async def test_a_practice_that_never_had_a_client_may_be_empty() -> None:
    assert await stops(SyncFixture()) == {}


async def test_a_masked_value_about_to_be_written_stops_every_run() -> None:
    world = await practice(1)
    plan, _ = world.plan()
    change = Change(record="c1", field="phone", side="ignition", rule="update", new="******789")
    record = PlannedRecord(id="p1/c1", plan="p1", client="c1", uuid="u1", changes=(change,))
    snapshot = world.store.snapshot()
    assert [stop.rule for stop in check(snapshot, plan, [record], GuardLimits(), reviewed=True)] == ["masked"]
    unticked = msgspec.structs.replace(record, changes=(msgspec.structs.replace(change, ticked=False),))
    assert check(snapshot, plan, [unticked], GuardLimits(), reviewed=True) == ()


async def test_more_than_ten_new_jobs_stop() -> None:
    world = await practice(1)
    assert set(await stops(world, new_jobs=11)) == {"new-jobs"}
    assert await stops(world, new_jobs=10) == {}


@pytest.mark.parametrize(
    ("policy", "tenant", "scopes"),
    [(Policy(level="name"), "tenant", "scopes"), (Policy(), "other", "scopes"), (Policy(), "tenant", "more")],
)
async def test_a_plan_of_other_circumstances_is_refused_whole(
    policy: Policy, tenant: str, scopes: str
) -> None:
    plan, _ = SyncFixture().plan()
    refuse_if_outdated(plan, Policy(), "tenant", "scopes")
    with pytest.raises(PlanRefused) as refused:
        refuse_if_outdated(plan, policy, tenant, scopes)
    assert refused.value.hint
    assert refused.value.case is not None


def test_a_release_covers_no_count_that_has_grown() -> None:
    before = [Stop(rule="many-records", counted=30), Stop(rule="short-list", counted=5)]
    now = [Stop(rule="many-records", counted=30), Stop(rule="short-list", counted=6), Stop(rule="new-jobs")]
    assert [stop.rule for stop in uncovered_stops(before, now)] == ["short-list", "new-jobs"]
