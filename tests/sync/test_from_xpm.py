"""From XPM, end to end in memory: rule by rule."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sync.fixtures import SyncFixture, changes_of, client, contact, linked, one, xpm, xpm_contact
from xpm_tui.domain.errors import DiskError
from xpm_tui.domain.links import Freeze, Pair, Value
from xpm_tui.domain.tables import CLIENTS, FREEZES, IMAGES, META, PLANS, RUNS
from xpm_tui.sync.manual.plan_review import tick
from xpm_tui.sync.planning.decisions import because_held, change_reason
from xpm_tui.sync.planning.planner import FIRST_APPLIED
from xpm_tui.sync.policy import Policy


async def in_step(**fields: Any) -> SyncFixture:
    """A linked client whose two sides agree."""
    world = SyncFixture([client(**fields)], [xpm(**fields)], links=[linked()])
    await world.sync()
    assert await world.changes() == []
    return world


# What is counted was written


async def test_what_a_full_disk_refused_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = range(1, 301)  # more than one batch
    world = SyncFixture(
        [client(n, phone="1") for n in numbers],
        [xpm(n, phone="1") for n in numbers],
        links=[linked(n) for n in numbers],
    )
    await world.sync()
    for n in numbers:
        world.practice.edit(f"u{n}", phone="2")
    await world.refresh()
    plan, records = world.plan()
    stock, batches = world.store.transact, 0

    def transact(make: Any) -> int:
        nonlocal batches
        batches += 1
        if batches == 2:
            make(world.store.snapshot())
            raise DiskError("The log could not be written: no space left on device.")
        return stock(make)

    monkeypatch.setattr(world.store, "transact", transact)
    with pytest.raises(DiskError):
        await world.apply(plan, records)
    (run,) = [each for each in world.store.snapshot().rows(RUNS) if each.plan == plan.id]
    brought = sum(each.phone == "2" for each in world.store.snapshot().rows(CLIENTS))
    assert 0 < brought < 300
    assert (run.outcome, run.done, run.counts["changes"], run.counts["records"]) == (
        "partial", brought, brought, brought,
    )  # fmt: skip
    monkeypatch.undo()
    assert len(await world.changes()) == 300 - brought


# Rule 1: the master overwrites


async def test_xpms_edit_comes_over() -> None:
    world = await in_step(phone="1")
    world.practice.edit("u1", phone="2")
    change = one(await world.changes(), "phone")
    assert (change.old, change.new, change.rule, change.mark) == ("1", "2", "update", "")
    await world.sync()
    assert world.client().phone == "2"
    assert await world.changes() == []


async def test_an_edit_in_ignition_is_drift_overwritten_and_marked() -> None:
    world = await in_step(phone="1")
    world.edit(phone="3")
    change = one(await world.changes(), "phone")
    assert (change.mark, change.ticked, change.new) == ("drift", True, "1")
    await world.sync()
    assert world.client().phone == "1"


async def test_edits_on_both_sides_are_a_conflict_that_xpm_wins() -> None:
    world = await in_step(phone="1")
    world.edit(phone="3")
    world.practice.edit("u1", phone="2")
    change = one(await world.changes(), "phone")
    assert (change.mark, change.conflict, change.ticked) == ("conflict", True, True)
    await world.sync()
    assert world.client().phone == "2"


async def test_conflicts_wait_where_the_practice_wants_them_held() -> None:
    world = await in_step(phone="1")
    world.policy = Policy(on_conflict="hold")
    world.edit(phone="3")
    world.practice.edit("u1", phone="2")
    change = one(await world.changes(), "phone")
    assert (change.ticked, change.held) == (False, "conflict")
    await world.sync()
    assert world.client().phone == "3"
    assert world.plan()[0].counts["waiting"] == 1


async def test_the_same_edit_on_both_sides_is_agreement() -> None:
    world = await in_step(phone="1")
    world.edit(phone="2")
    world.practice.edit("u1", phone="2")
    assert await world.changes() == []
    await world.sync()
    world.edit(phone="9")
    assert one(await world.changes(), "phone").mark == "drift"


async def test_changing_the_level_keeps_what_was_agreed() -> None:
    world = await in_step(phone="1")
    world.policy = Policy(level="name")
    world.practice.edit("u1", phone="2")
    assert await world.changes() == []
    await world.sync()
    world.policy = Policy()
    assert one(await world.changes(), "phone").rule == "update"


# Rule 2: without a base


async def test_a_first_sync_overwrites_and_says_so() -> None:
    world = SyncFixture([client(phone="1", fax="")], [xpm(phone="2", fax="5")], links=[linked()])
    changes = await world.changes()
    assert (one(changes, "phone").mark, one(changes, "fax").rule) == ("first", "fill")
    assert world.plan()[0].counts["mark:first"] == 1


async def test_the_first_run_is_the_first_that_wrote_something() -> None:
    world = SyncFixture([client(phone="1")], [xpm(phone="2")])
    await world.apply(*world.plan())
    assert world.plan()[0].first
    await world.sync()
    assert not world.plan()[0].first
    assert world.store.snapshot().raw(META, FIRST_APPLIED) is not None


# Rule 3: blanks


async def test_a_blank_that_was_never_filled_keeps_ignitions_value_for_good() -> None:
    world = SyncFixture([client(phone="1")], [xpm()], links=[linked()])
    assert await world.changes() == []
    await world.sync()
    assert world.base().pairs == {"phone": Pair("1", "", "from_xpm")}
    world.edit(phone="4")
    assert await world.changes() == []


async def test_a_clearing_waits_for_a_tick() -> None:
    world = await in_step(phone="1")
    world.practice.edit("u1", phone="")
    await world.refresh()
    plan, records = world.plan()
    change = one(changes_of(records), "phone")
    assert (change.mark, change.ticked, change.new) == ("clearing", False, "")
    await world.apply(plan, records)
    assert world.client().phone == "1"
    await world.apply(plan, tick(records, True, mark="clearing"))
    assert world.client().phone == ""
    assert await world.changes() == []


@pytest.mark.parametrize(("clear", "ticked"), [("yes", [True]), ("never", []), ("ask", [False])])
async def test_clearings_follow_the_setting(clear: str, ticked: list[bool]) -> None:
    world = await in_step(phone="1")
    world.policy = Policy(clear=clear)  # type: ignore[arg-type]
    world.practice.edit("u1", phone="")
    assert [change.ticked for change in await world.changes()] == ticked


async def test_a_name_is_never_cleared() -> None:
    world = await in_step()
    world.policy = Policy(clear="yes")
    world.practice.edit("u1", name="")
    assert await world.changes() == []


# Rule 5: exact names


async def test_an_exact_name_links_and_brings_the_values_in_one_plan() -> None:
    world = SyncFixture([client(phone="1")], [xpm(phone="2")])
    await world.refresh()
    plan, records = world.plan()
    linking = one(changes_of(records), "link")
    assert (linking.new, linking.rule, linking.record) == ("u1", "exact-name", "c1")
    await world.apply(plan, records)
    assert (world.link().uuid, world.link().number, world.client().phone) == ("u1", "1001", "2")
    assert await world.changes() == []


async def test_an_unticked_link_leaves_its_values_too() -> None:
    world = SyncFixture([client(phone="1")], [xpm(phone="2")])
    await world.refresh()
    plan, records = world.plan()
    run = await world.apply(plan, tick(records, False, field="link"))
    assert world.client().phone == "1"
    assert run.counts == {}


async def test_level_nothing_links_by_name_and_carries_nothing() -> None:
    world = SyncFixture([client(phone="1")], [xpm(phone="2")], policy=Policy(level="nothing"))
    assert [change.field for change in await world.changes()] == ["link"]
    await world.sync()
    assert world.client().phone == "1"
    assert world.base().agreed == ()


async def test_level_client_name_carries_the_name_alone() -> None:
    world = SyncFixture(
        [client(phone="1", contacts=(contact(1, name="Jo"),))],
        [xpm(name="New name", phone="2", contacts=(xpm_contact(1, name="Al"),))],
        links=[linked()],
        policy=Policy(level="name"),
    )
    assert [change.field for change in await world.changes()] == ["name"]
    await world.sync()
    assert (world.client().name, world.client().phone) == ("New name", "1")
    assert world.link().contacts == ()


# Rule 6: links that carry nothing


async def test_an_archived_client_still_brings_its_values() -> None:
    world = SyncFixture([client(phone="1")], [xpm(phone="2", archived=True)], links=[linked()])
    assert one(await world.changes(), "phone").new == "2"


async def test_a_quiet_link_carries_nothing() -> None:
    world = SyncFixture([client(phone="1")], [xpm(phone="2")], links=[linked(quiet=True)])
    assert await world.changes() == []


# Freezes


@pytest.mark.parametrize(
    ("field", "left"),
    [("phone", {"fax", "contact_name"}), ("contact_name", {"phone", "fax"}), ("*", set())],
)
async def test_frozen_fields_are_left_alone(field: str, left: set[str]) -> None:
    world = SyncFixture(
        [client(contacts=(contact(1, name="Jo", email="a@b"),))],
        [xpm(phone="2", fax="3", contacts=(xpm_contact(1, name="Al", email="a@b"),))],
        links=[linked()],
    )
    world.put(FREEZES, [Freeze(id=f"c1/{field}", client="c1", field=field)])
    assert {change.field for change in await world.changes()} == left


async def test_a_field_frozen_after_the_plan_is_not_written() -> None:
    world = SyncFixture([client()], [xpm(phone="2", fax="3")], links=[linked()])
    await world.refresh()
    plan, records = world.plan()
    world.put(FREEZES, [Freeze(id="c1/phone", client="c1", field="phone")])
    await world.apply(plan, records)
    assert (world.client().phone, world.client().fax) == ("", "3")


# Rule 8: partial plans, and what moved since


async def test_a_plan_for_one_client_or_some_fields() -> None:
    world = SyncFixture(
        [client(1), client(2)], [xpm(1, phone="1", fax="1"), xpm(2, phone="1")], links=[linked(1), linked(2)]
    )
    await world.refresh()
    assert {c.record for c in changes_of(world.plan(only="c2")[1])} == {"c2"}
    plan, records = world.plan(fields=("fax",))
    assert [change.field for change in changes_of(records)] == ["fax"]
    await world.apply(plan, records)
    assert "phone" not in world.base().agreed


async def test_what_moved_since_the_plan_drops_out_and_the_rest_goes_on() -> None:
    world = SyncFixture(
        [client(number) for number in (1, 2, 3, 4)],
        [xpm(number, phone="1") for number in (1, 2, 3, 4)],
        links=[linked(number) for number in (1, 2, 3)],
    )
    await world.refresh()
    plan, records = world.plan()
    world.edit("c1", fax="9")
    world.practice.edit("u2", fax="9")
    await world.refresh()
    world.put(FREEZES, [])
    world.edit("c4", name="Another name")
    run = await world.apply(plan, records)
    assert (run.outcome, run.counts["moved"], run.done) == ("done", 3, 4)
    assert [world.client(id_).phone for id_ in ("c1", "c2", "c3", "c4")] == ["", "", "1", ""]
    moved = {event.record: event.rule for event in world.events.all if event.key == "sync.moved"}
    assert moved == {"c1": "ignition", "c2": "xpm", "c4": "link"}


async def test_each_commit_has_records_base_image_and_progress_together() -> None:
    world = SyncFixture([client()], [xpm(phone="1")])
    await world.refresh()
    plan, records = world.plan()
    before = len(world.store.commits)
    await world.apply(plan, records)
    tables = [{write.table.name for write in commit} for commit in world.store.commits[before + 1 :]]
    assert tables[0] == {"clients", "links", "base", "images", "runs"}
    assert tables[-1] == {"runs", "meta", "plans"}


async def test_a_stop_is_obeyed_between_batches_and_the_next_run_does_the_rest() -> None:
    clients = [client(number) for number in range(1, 251)]
    world = SyncFixture(clients, [xpm(number, phone="1") for number in range(1, 251)])
    await world.refresh()
    plan, records = world.plan()
    asked = iter([False, True])
    run = await world.apply(plan, records, stop=lambda: next(asked, True))
    assert (run.outcome, run.done, run.total) == ("stopped", 100, 250)
    assert world.store.snapshot().get(PLANS, plan.id) == plan
    assert (await world.sync()).done == 150
    assert await world.changes() == []


async def test_the_image_keeps_what_undo_needs_and_the_events_say_why() -> None:
    world = await in_step(phone="1")
    world.practice.edit("u1", phone="2")
    run = await world.sync()
    image = world.store.snapshot().get(IMAGES, f"{run.id}/c1")
    assert image is not None
    (written,) = image.written
    assert (written.old, written.new, written.pair, written.rule) == ("1", "2", Pair("1", "1"), "update")
    event = world.events.all[-1]
    assert (event.key, event.record, event.field, event.rule) == ("sync.change", "c1", "phone", "update")
    assert "2" not in str(event.numbers)


async def test_an_empty_plan_still_remembers_what_both_sides_agree_on() -> None:
    world = SyncFixture([client(phone="1")], [xpm(phone="1")], links=[linked()])
    await world.refresh()
    plan, records = world.plan()
    assert (records, plan.counts["items"]) == ([], 0)
    run = await world.apply(plan, records)
    assert run.counts["agreed"] > 0
    assert "phone" in world.base().agreed
    before = len(world.store.commits)
    await world.apply(plan, records)
    assert all(write.table in (RUNS, PLANS) for commit in world.store.commits[before:] for write in commit)


async def test_people_are_listed_and_never_fail_a_run() -> None:
    world = SyncFixture([client(1, name="Nobody"), client(2, name="Lead", state="lead")], [xpm(3, phone="1")])
    await world.refresh()
    plan, records = world.plan()
    assert [(person.client, person.reason) for person in plan.people] == [("c1", "unlinked")]
    assert (await world.apply(plan, records)).outcome == "done"


@pytest.mark.parametrize(
    "value", ["ACME [/] Pty", "[@click=app.quit]Click[/]", "\x1b[31mred", "a\u202eb", "株式会社"]
)
async def test_hostile_text_is_carried_as_it_is(value: Value) -> None:
    world = SyncFixture([client()], [xpm(city=value)], links=[linked()])
    await world.sync()
    assert world.client().city == value
    assert await world.changes() == []


def test_every_rule_and_every_hold_has_a_sentence() -> None:
    for rule in ("fill", "first", "update", "drift", "conflict", "clear", "contact", "exact-name", "undo"):
        for side in ("ignition", "xpm"):
            assert change_reason(rule, side).endswith(".")
    assert because_held("conflict").endswith(".")


async def test_a_conflict_in_which_the_master_is_blank_is_held_too() -> None:
    world = SyncFixture(
        [client(phone="1")], [xpm(phone="1")], links=[linked()],
        policy=Policy(clear="yes", on_conflict="hold"),
    )  # fmt: skip
    await world.sync()
    world.practice.edit("u1", phone="")
    world.edit(phone="2")
    await world.sync()
    assert world.client().phone == "2"
