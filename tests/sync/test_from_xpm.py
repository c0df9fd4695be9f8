"""From XPM, end to end in memory: rule by rule."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sync.fixtures import SyncFixture, changes_of, client, contact, linked, one, xpm, xpm_contact
from xpm_tui.domain.errors import DiskError
from xpm_tui.domain.links import Freeze, Pair, Value
from xpm_tui.domain.tables import CLIENTS, FREEZES, IMAGES, META, PLANS, RUNS
from xpm_tui.sync.manual.plans import tick
from xpm_tui.sync.planning.decisions import because_held, change_reason
from xpm_tui.sync.planning.planner import FIRST_APPLIED
from xpm_tui.sync.policy import Policy


async def in_step(**fields: Any) -> SyncFixture:
    """A linked client whose two sides agree."""
    env = SyncFixture([client(**fields)], [xpm(**fields)], links=[linked()])
    await env.sync()
    assert await env.changes() == []
    return env


# What is counted was written


async def test_a_change_that_a_full_disk_refused_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = range(1, 301)  # more than one batch
    env = SyncFixture(
        [client(n, phone="1") for n in numbers],
        [xpm(n, phone="1") for n in numbers],
        links=[linked(n) for n in numbers],
    )
    await env.sync()
    for n in numbers:
        env.practice.edit(f"u{n}", phone="2")
    await env.refresh()
    plan, records = env.plan()
    stock, batches = env.store.transact, 0

    def transact(make: Any) -> int:
        nonlocal batches
        batches += 1
        if batches == 2:
            make(env.store.snapshot())
            raise DiskError("The log could not be written: no space left on device.")
        return stock(make)

    monkeypatch.setattr(env.store, "transact", transact)
    with pytest.raises(DiskError):
        await env.apply(plan, records)
    (run,) = [each for each in env.store.snapshot().rows(RUNS) if each.plan == plan.id]
    brought = sum(each.phone == "2" for each in env.store.snapshot().rows(CLIENTS))
    assert 0 < brought < 300
    assert (run.outcome, run.done, run.counts["changes"], run.counts["records"]) == (
        "partial", brought, brought, brought,
    )  # fmt: skip
    monkeypatch.undo()
    assert len(await env.changes()) == 300 - brought


# Rule 1: the master overwrites


async def test_an_edit_in_xpm_is_brought() -> None:
    env = await in_step(phone="1")
    env.practice.edit("u1", phone="2")
    change = one(await env.changes(), "phone")
    assert (change.old, change.new, change.rule, change.mark) == ("1", "2", "update", "")
    await env.sync()
    assert env.client().phone == "2"
    assert await env.changes() == []


async def test_an_edit_in_ignition_is_drift_overwritten_and_marked() -> None:
    env = await in_step(phone="1")
    env.edit(phone="3")
    change = one(await env.changes(), "phone")
    assert (change.mark, change.ticked, change.new) == ("drift", True, "1")
    await env.sync()
    assert env.client().phone == "1"


async def test_edits_on_both_sides_are_a_conflict_and_xpms_value_wins() -> None:
    env = await in_step(phone="1")
    env.edit(phone="3")
    env.practice.edit("u1", phone="2")
    change = one(await env.changes(), "phone")
    assert (change.mark, change.conflict, change.ticked) == ("conflict", True, True)
    await env.sync()
    assert env.client().phone == "2"


async def test_conflicts_are_held_if_the_practice_wants_it() -> None:
    env = await in_step(phone="1")
    env.policy = Policy(on_conflict="hold")
    env.edit(phone="3")
    env.practice.edit("u1", phone="2")
    change = one(await env.changes(), "phone")
    assert (change.ticked, change.held) == (False, "conflict")
    await env.sync()
    assert env.client().phone == "3"
    assert env.plan()[0].counts["waiting"] == 1


async def test_the_same_edit_on_both_sides_is_agreement() -> None:
    env = await in_step(phone="1")
    env.edit(phone="2")
    env.practice.edit("u1", phone="2")
    assert await env.changes() == []
    await env.sync()
    env.edit(phone="9")
    assert one(await env.changes(), "phone").mark == "drift"


async def test_changing_the_level_keeps_what_was_agreed() -> None:
    env = await in_step(phone="1")
    env.policy = Policy(level="name")
    env.practice.edit("u1", phone="2")
    assert await env.changes() == []
    await env.sync()
    env.policy = Policy()
    assert one(await env.changes(), "phone").rule == "update"


# Rule 2: without a base


async def test_a_first_sync_overwrites_and_says_so() -> None:
    env = SyncFixture([client(phone="1", fax="")], [xpm(phone="2", fax="5")], links=[linked()])
    changes = await env.changes()
    assert (one(changes, "phone").mark, one(changes, "fax").rule) == ("first", "fill")
    assert env.plan()[0].counts["mark:first"] == 1


async def test_the_first_run_is_the_first_that_wrote_something() -> None:
    env = SyncFixture([client(phone="1")], [xpm(phone="2")])
    await env.apply(*env.plan())
    assert env.plan()[0].first
    await env.sync()
    assert not env.plan()[0].first
    assert env.store.snapshot().raw(META, FIRST_APPLIED) is not None


# Rule 3: blanks


async def test_a_blank_that_was_never_filled_keeps_ignitions_value() -> None:
    env = SyncFixture([client(phone="1")], [xpm()], links=[linked()])
    assert await env.changes() == []
    await env.sync()
    assert env.base().pairs == {"phone": Pair("1", "", "from_xpm")}
    env.edit(phone="4")
    assert await env.changes() == []


async def test_a_clearing_is_not_ticked() -> None:
    env = await in_step(phone="1")
    env.practice.edit("u1", phone="")
    await env.refresh()
    plan, records = env.plan()
    change = one(changes_of(records), "phone")
    assert (change.mark, change.ticked, change.new) == ("clearing", False, "")
    await env.apply(plan, records)
    assert env.client().phone == "1"
    await env.apply(plan, tick(records, True, mark="clearing"))
    assert env.client().phone == ""
    assert await env.changes() == []


@pytest.mark.parametrize(("clear", "ticked"), [("yes", [True]), ("never", []), ("ask", [False])])
async def test_clearings_follow_the_setting(clear: str, ticked: list[bool]) -> None:
    env = await in_step(phone="1")
    env.policy = Policy(clear=clear)  # type: ignore[arg-type]
    env.practice.edit("u1", phone="")
    assert [change.ticked for change in await env.changes()] == ticked


async def test_a_name_is_never_cleared() -> None:
    env = await in_step()
    env.policy = Policy(clear="yes")
    env.practice.edit("u1", name="")
    assert await env.changes() == []


# Rule 5: exact names


async def test_an_exact_name_links_and_brings_the_values_in_one_plan() -> None:
    env = SyncFixture([client(phone="1")], [xpm(phone="2")])
    await env.refresh()
    plan, records = env.plan()
    linking = one(changes_of(records), "link")
    assert (linking.new, linking.rule, linking.record) == ("u1", "exact-name", "c1")
    await env.apply(plan, records)
    assert (env.link().uuid, env.link().number, env.client().phone) == ("u1", "1001", "2")
    assert await env.changes() == []


async def test_an_unticked_link_is_not_written_and_neither_are_its_values() -> None:
    env = SyncFixture([client(phone="1")], [xpm(phone="2")])
    await env.refresh()
    plan, records = env.plan()
    run = await env.apply(plan, tick(records, False, field="link"))
    assert env.client().phone == "1"
    assert run.counts == {}


async def test_level_nothing_links_by_name_and_syncs_no_field() -> None:
    env = SyncFixture([client(phone="1")], [xpm(phone="2")], policy=Policy(level="nothing"))
    assert [change.field for change in await env.changes()] == ["link"]
    await env.sync()
    assert env.client().phone == "1"
    assert env.base().agreed == ()


async def test_level_client_name_syncs_only_the_name() -> None:
    env = SyncFixture(
        [client(phone="1", contacts=(contact(1, name="Jo"),))],
        [xpm(name="New name", phone="2", contacts=(xpm_contact(1, name="Al"),))],
        links=[linked()],
        policy=Policy(level="name"),
    )
    assert [change.field for change in await env.changes()] == ["name"]
    await env.sync()
    assert (env.client().name, env.client().phone) == ("New name", "1")
    assert env.link().contacts == ()


# Rule 6: links that carry nothing


async def test_an_archived_client_still_brings_its_values() -> None:
    env = SyncFixture([client(phone="1")], [xpm(phone="2", archived=True)], links=[linked()])
    assert one(await env.changes(), "phone").new == "2"


async def test_a_quiet_link_syncs_nothing() -> None:
    env = SyncFixture([client(phone="1")], [xpm(phone="2")], links=[linked(quiet=True)])
    assert await env.changes() == []


# Freezes


@pytest.mark.parametrize(
    ("field", "left"),
    [("phone", {"fax", "contact_name"}), ("contact_name", {"phone", "fax"}), ("*", set())],
)
async def test_frozen_fields_are_not_changed(field: str, left: set[str]) -> None:
    env = SyncFixture(
        [client(contacts=(contact(1, name="Jo", email="a@b"),))],
        [xpm(phone="2", fax="3", contacts=(xpm_contact(1, name="Al", email="a@b"),))],
        links=[linked()],
    )
    env.put(FREEZES, [Freeze(id=f"c1/{field}", client="c1", field=field)])
    assert {change.field for change in await env.changes()} == left


async def test_a_field_frozen_after_the_plan_is_not_written() -> None:
    env = SyncFixture([client()], [xpm(phone="2", fax="3")], links=[linked()])
    await env.refresh()
    plan, records = env.plan()
    env.put(FREEZES, [Freeze(id="c1/phone", client="c1", field="phone")])
    await env.apply(plan, records)
    assert (env.client().phone, env.client().fax) == ("", "3")


# Rule 8: partial plans, and what moved since


async def test_a_plan_for_one_client_or_some_fields() -> None:
    env = SyncFixture(
        [client(1), client(2)], [xpm(1, phone="1", fax="1"), xpm(2, phone="1")], links=[linked(1), linked(2)]
    )
    await env.refresh()
    assert {c.record for c in changes_of(env.plan(only="c2")[1])} == {"c2"}
    plan, records = env.plan(fields=("fax",))
    assert [change.field for change in changes_of(records)] == ["fax"]
    await env.apply(plan, records)
    assert "phone" not in env.base().agreed


async def test_records_changed_since_the_plan_are_skipped_and_the_others_continue() -> None:
    env = SyncFixture(
        [client(number) for number in (1, 2, 3, 4)],
        [xpm(number, phone="1") for number in (1, 2, 3, 4)],
        links=[linked(number) for number in (1, 2, 3)],
    )
    await env.refresh()
    plan, records = env.plan()
    env.edit("c1", fax="9")
    env.practice.edit("u2", fax="9")
    await env.refresh()
    env.put(FREEZES, [])
    env.edit("c4", name="Another name")
    run = await env.apply(plan, records)
    assert (run.outcome, run.counts["moved"], run.done) == ("done", 3, 4)
    assert [env.client(id_).phone for id_ in ("c1", "c2", "c3", "c4")] == ["", "", "1", ""]
    moved = {event.record: event.rule for event in env.events.all if event.key == "sync.moved"}
    assert moved == {"c1": "ignition", "c2": "xpm", "c4": "link"}


async def test_each_commit_has_records_base_image_and_progress_together() -> None:
    env = SyncFixture([client()], [xpm(phone="1")])
    await env.refresh()
    plan, records = env.plan()
    before = len(env.store.commits)
    await env.apply(plan, records)
    tables = [{write.table.name for write in commit} for commit in env.store.commits[before + 1 :]]
    assert tables[0] == {"clients", "links", "base", "images", "runs"}
    assert tables[-1] == {"runs", "meta", "plans"}


async def test_a_stop_takes_effect_between_batches_and_the_next_run_does_the_rest() -> None:
    clients = [client(number) for number in range(1, 251)]
    env = SyncFixture(clients, [xpm(number, phone="1") for number in range(1, 251)])
    await env.refresh()
    plan, records = env.plan()
    asked = iter([False, True])
    run = await env.apply(plan, records, stop=lambda: next(asked, True))
    assert (run.outcome, run.done, run.total) == ("stopped", 100, 250)
    rest = env.store.snapshot().get(PLANS, plan.id)
    assert rest is not None
    assert (rest.state, rest.counts["records"], rest.counts["items"]) == ("draft", 150, 300)
    assert (await env.sync()).done == 150
    assert await env.changes() == []


async def test_the_image_keeps_what_undo_needs_and_the_events_say_why() -> None:
    env = await in_step(phone="1")
    env.practice.edit("u1", phone="2")
    run = await env.sync()
    image = env.store.snapshot().get(IMAGES, f"{run.id}/c1")
    assert image is not None
    (written,) = image.written
    assert (written.old, written.new, written.pair, written.rule) == ("1", "2", Pair("1", "1"), "update")
    event = env.events.all[-1]
    assert (event.key, event.record, event.field, event.rule) == ("sync.change", "c1", "phone", "update")
    assert "2" not in str(event.numbers)


async def test_an_empty_plan_still_remembers_what_both_sides_agree_on() -> None:
    env = SyncFixture([client(phone="1")], [xpm(phone="1")], links=[linked()])
    await env.refresh()
    plan, records = env.plan()
    assert (records, plan.counts["items"]) == ([], 0)
    run = await env.apply(plan, records)
    assert run.counts["agreed"] > 0
    assert "phone" in env.base().agreed
    before = len(env.store.commits)
    await env.apply(plan, records)
    assert all(write.table in (RUNS, PLANS) for commit in env.store.commits[before:] for write in commit)


async def test_people_are_listed_and_never_fail_a_run() -> None:
    env = SyncFixture([client(1, name="Nobody"), client(2, name="Lead", state="lead")], [xpm(3, phone="1")])
    await env.refresh()
    plan, records = env.plan()
    assert [(person.client, person.reason) for person in plan.people] == [("c1", "unlinked")]
    assert (await env.apply(plan, records)).outcome == "done"


@pytest.mark.parametrize(
    "value", ["ACME [/] Pty", "[@click=app.quit]Click[/]", "\x1b[31mred", "a\u202eb", "株式会社"]
)
async def test_hostile_text_is_synced_unchanged(value: Value) -> None:
    env = SyncFixture([client()], [xpm(city=value)], links=[linked()])
    await env.sync()
    assert env.client().city == value
    assert await env.changes() == []


def test_every_rule_and_every_hold_has_a_sentence() -> None:
    for rule in ("fill", "first", "update", "drift", "conflict", "clear", "contact", "exact-name", "undo"):
        for side in ("ignition", "xpm"):
            assert change_reason(rule, side).endswith(".")
    assert because_held("conflict").endswith(".")


async def test_a_conflict_in_which_the_master_is_blank_is_held_too() -> None:
    env = SyncFixture(
        [client(phone="1")], [xpm(phone="1")], links=[linked()],
        policy=Policy(clear="yes", on_conflict="hold"),
    )  # fmt: skip
    await env.sync()
    env.practice.edit("u1", phone="")
    env.edit(phone="2")
    await env.sync()
    assert env.client().phone == "2"
