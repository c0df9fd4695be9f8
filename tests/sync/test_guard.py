"""The guard: what stops a run before its first write."""

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
    env = SyncFixture(
        [client(n, phone="1") for n in numbers],
        [xpm(n, phone="1") for n in numbers],
        links=[linked(n) for n in numbers],
    )
    await env.sync()
    return env


async def stops(env: SyncFixture, **options: Any) -> dict[str, Stop]:
    await env.refresh()
    plan, records = env.plan()
    options.setdefault("reviewed", False)
    return {stop.rule: stop for stop in check(env.store.snapshot(), plan, records, GuardLimits(), **options)}


async def test_a_usual_day_passes() -> None:
    env = await practice(30)
    for number in range(1, 21):
        env.practice.edit(f"u{number}", phone=f"2{number}")
    assert await stops(env) == {}


async def test_changes_in_more_than_twenty_or_thirty_percent_stop() -> None:
    env = await practice(30)
    for number in range(1, 22):
        env.practice.edit(f"u{number}", phone=f"2{number}")
    found = await stops(env)
    assert set(found) == {"many-records", "many-of-field:phone"}
    assert (found["many-records"].counted, found["many-records"].limit) == (21, 20)
    assert "21 of 30" in found["many-records"].sentence
    assert "sync --plan" in found["many-records"].sentence
    assert await stops(env, reviewed=True) == {}


async def test_the_share_counts_in_a_large_practice() -> None:
    env = await practice(100)
    for number in range(1, 31):
        env.practice.edit(f"u{number}", phone=f"2{number}")
    assert await stops(env) == {}
    env.practice.edit("u31", phone="231")
    assert set(await stops(env)) == {"many-records", "many-of-field:phone"}


@pytest.mark.parametrize("direction", ["from_xpm", "to_xpm"])
async def test_filling_empty_fields_holds_no_run(direction: Any) -> None:
    """Also people, once the team is linked: nothing that was there is lost."""
    env = await practice(30)
    env.policy = Policy(direction=direction)
    for number in range(1, 31):
        if direction == "from_xpm":
            env.practice.edit(f"u{number}", fax=str(number), manager=staff(1))
        else:
            env.edit(f"c{number}", fax=str(number))
    env.put(TEAM, [member(1, staff="s1")])
    assert await stops(env) == {}
    plan, _ = env.plan()
    assert plan.counts["items"] >= 30
    for number in range(1, 31):
        if direction == "from_xpm":
            env.practice.edit(f"u{number}", phone=f"2{number}")
        else:
            env.edit(f"c{number}", phone=f"2{number}")
    assert set(await stops(env)) == {"many-records", "many-of-field:phone"}


async def test_emptied_fields_stop_earlier() -> None:
    env = await practice(10)
    env.policy = Policy(clear="yes")
    for number in range(1, 6):
        env.practice.edit(f"u{number}", phone="")
    assert await stops(env) == {}
    env.practice.edit("u6", phone="")
    assert set(await stops(env)) == {"many-emptied:phone"}


async def test_unticked_clearings_count_for_nothing() -> None:
    env = await practice(10)
    for number in range(1, 11):
        env.practice.edit(f"u{number}", phone="")
    assert await stops(env) == {}


async def test_first_syncs_are_not_counted_as_changes_of_synced_clients() -> None:
    env = SyncFixture(
        [client(n) for n in range(1, 41)],
        [xpm(n, phone="1") for n in range(1, 41)],
        links=[linked(n) for n in range(1, 41)],
    )
    assert await stops(env) == {}
    assert set(await stops(env, scheduled=True)) == {"first-run"}
    assert await stops(env, scheduled=True, reviewed=True) == {}


async def test_a_short_list_stops_and_marks_nobody_gone() -> None:
    env = await practice(20)
    for number in range(1, 6):
        env.practice.remove(f"u{number}")
    found = await stops(env)
    assert (found["short-list"].counted, found["short-list"].limit) == (5, 20)
    assert not env.mirror("u1").deleted
    assert await stops(env, reviewed=True) == {}


async def test_a_list_a_little_shorter_is_believed() -> None:
    env = await practice(20)
    for number in range(1, 5):
        env.practice.remove(f"u{number}")
    assert await stops(env) == {}
    assert env.mirror("u1").deleted


async def test_a_short_list_that_a_user_has_reviewed_is_the_new_measure() -> None:
    env = await practice(20)
    for number in range(1, 11):
        env.practice.remove(f"u{number}")
    await env.refresh()
    await env.apply(*env.plan(), reviewed=True)
    assert list_counts(env.store.snapshot()).accepted == 10
    assert accept_list(env.store.snapshot()) == []
    await env.refresh()
    assert env.mirror("u1").deleted
    assert await stops(env) == {}


async def test_an_empty_list_stops_every_run_and_marks_nobody_gone() -> None:
    env = await practice(3)
    for number in range(1, 4):
        env.practice.remove(f"u{number}")
    assert set(await stops(env)) == {"empty-list"}
    assert set(await stops(env, reviewed=True)) == {"empty-list"} <= set(ALWAYS)
    assert not env.mirror("u1").deleted


async def test_a_practice_that_never_had_a_client_may_be_empty() -> None:
    assert await stops(SyncFixture()) == {}


async def test_a_masked_value_about_to_be_written_stops_every_run() -> None:
    env = await practice(1)
    plan, _ = env.plan()
    change = Change(record="c1", field="phone", side="ignition", rule="update", new="******789")
    record = PlannedRecord(id="p1/c1", plan="p1", client="c1", uuid="u1", changes=(change,))
    snapshot = env.store.snapshot()
    assert [stop.rule for stop in check(snapshot, plan, [record], GuardLimits(), reviewed=True)] == ["masked"]
    unticked = msgspec.structs.replace(record, changes=(msgspec.structs.replace(change, ticked=False),))
    assert check(snapshot, plan, [unticked], GuardLimits(), reviewed=True) == ()


async def test_more_than_ten_new_jobs_stop() -> None:
    env = await practice(1)
    assert set(await stops(env, new_jobs=11)) == {"new-jobs"}
    assert await stops(env, new_jobs=10) == {}


@pytest.mark.parametrize(
    ("policy", "tenant", "scopes"),
    [(Policy(level="name"), "tenant", "scopes"), (Policy(), "other", "scopes"), (Policy(), "tenant", "more")],
)
async def test_a_plan_made_under_other_conditions_is_refused_as_a_whole(
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
