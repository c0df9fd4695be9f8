"""Bringing XPM clients into the store."""

from __future__ import annotations

from typing import Any

from tests.sync.fixtures import SyncFixture, client, contact, linked, member, xpm, xpm_contact
from xpm_tui.domain.links import ContactLink
from xpm_tui.domain.tables import BLOCKED_PAIRS, CLIENTS, IMAGES, LINKS, RUNS
from xpm_tui.domain.xpm import RecordReference
from xpm_tui.sync.manual.links import unlink
from xpm_tui.sync.manual.picks import PickResult, pick
from xpm_tui.sync.policy import Policy


async def picking(env: SyncFixture, *uuids: str, **options: Any) -> PickResult:
    await env.refresh()
    picked = pick(
        env.store.snapshot(),
        uuids,
        ids=env.ids,
        policy=env.policy,
        now=env.clock.now(),
        by="kim",
        run=env.ids.new("r")[0],
        **options,
    )
    env.store.commit(picked.writes)
    return picked


def whys(picked: PickResult) -> dict[str, str]:
    return {skipped.uuid: skipped.why for skipped in picked.skipped}


async def test_a_picked_client_has_every_field_and_nothing_left_to_sync() -> None:
    row = xpm(
        phone="1",
        structure="Trust",
        tax_registered=True,
        groups=(RecordReference("g", "Farms"),),
        partner=RecordReference("s1"),
        manager=RecordReference("s9"),
        contacts=(xpm_contact(1, name="Al", email="al@x"), xpm_contact(2, name="Jo", primary=True)),
    )
    env = SyncFixture(rows=[row], team=[member(1, staff="s1")], policy=Policy(level="nothing"))
    picked = await picking(env, "u1")
    made = env.client(picked.created["u1"])
    assert (made.name, made.phone, made.structure, made.tax_registered) == ("Client 1", "1", "Trust", True)
    assert (made.groups, made.partner, made.manager, made.origin) == (("Farms",), "t1", "", "pick")
    assert [(each.name, each.primary) for each in made.contacts] == [("Al", False), ("Jo", True)]
    for policy in (Policy(), Policy(direction="to_xpm")):
        env.policy = policy
        assert await env.changes() == []


async def test_switched_off_fields_are_not_brought_at_creation() -> None:
    env = SyncFixture(rows=[xpm(phone="1", fax="2")], policy=Policy(off=frozenset({"phone"})))
    picked = await picking(env, "u1")
    assert (env.client(picked.created["u1"]).phone, env.client(picked.created["u1"]).fax) == ("", "2")


async def test_a_client_without_contacts_gets_one_from_its_own_name() -> None:
    env = SyncFixture(rows=[xpm(first_name="Jo", last_name="Tane", phone="5", email="jo@x")])
    made = env.client((await picking(env, "u1")).created["u1"])
    (own,) = made.contacts
    assert (own.name, own.email, own.phone, own.primary) == ("Jo Tane", "jo@x", "5", True)
    assert env.link(made.id).contacts == (ContactLink(contact=own.id, uuid="", removed="xpm"),)
    env.policy = Policy(direction="to_xpm")
    assert await env.changes() == []


async def test_the_same_client_in_the_store_is_linked_instead() -> None:
    env = SyncFixture([client(phone="7")], [xpm(phone="1")])
    picked = await picking(env, "u1")
    assert (picked.created, picked.linked) == ({}, {"u1": "c1"})
    assert env.store.snapshot().count(CLIENTS) == 1
    assert env.client().phone == "7"
    assert [change.mark for change in await env.changes()] == ["first"]


async def test_linked_archived_deleted_and_missing_clients_are_skipped() -> None:
    env = SyncFixture([client(1)], [xpm(1), xpm(2, archived=True), xpm(3, deleted=True)], links=[linked(1)])
    assert whys(await picking(env, "u1", "u2", "u3", "u4")) == {
        "u1": "linked",
        "u2": "archived",
        "u3": "deleted",
        "u4": "missing",
    }


async def test_picking_all_brings_prospects_and_skips_ambiguous_clients() -> None:
    env = SyncFixture(
        [client(1, name="Smith & Co"), client(2, name="Near miss")],
        [
            xpm(1, name="SMITH AND CO."),
            xpm(2, name="Twin"),
            xpm(3, name="Twin"),
            xpm(4, name="Prospect", prospect=True),
            xpm(5, name="Looks like it"),
            xpm(6, name="Clear"),
        ],
    )
    uuids = [f"u{number}" for number in range(1, 7)]
    picked = await picking(env, *uuids, bulk=True, find_likely=lambda row: "c2" if row.uuid == "u5" else "")
    assert set(picked.created) == {"u4", "u6"}
    assert whys(picked) == {"u1": "same-name", "u2": "twin", "u3": "twin", "u5": "likely"}
    assert all(skipped.sentence for skipped in picked.skipped)


async def test_a_single_ambiguous_client_may_be_picked_anyway() -> None:
    env = SyncFixture([client(1, name="SMITH")], [xpm(1, name="Smith"), xpm(2, name="Old", archived=True)])
    assert whys(await picking(env, "u1")) == {"u1": "same-name"}
    picked = await picking(env, "u1", "u2", anyway=True)
    assert set(picked.created) == {"u1", "u2"}


async def test_one_namesake_may_be_picked_alone() -> None:
    env = SyncFixture(rows=[xpm(1, name="Twin"), xpm(2, name="Twin")])
    assert set((await picking(env, "u1")).created) == {"u1"}


async def test_a_blocked_pair_is_not_linked_by_picking() -> None:
    env = SyncFixture([client(contacts=(contact(1),))], [xpm()], links=[linked()])
    await env.refresh()
    env.store.commit(
        unlink(env.store.snapshot(), "c1", now=env.clock.now(), by="kim", run=env.ids.new("r")[0])
    )
    assert whys(await picking(env, "u1")) == {"u1": "apart"}


async def test_picking_is_a_run_with_images_unless_nothing_was_picked() -> None:
    env = SyncFixture(rows=[xpm()])
    await picking(env, "u9")
    assert env.store.snapshot().count(RUNS) == 0
    picked = await picking(env, "u1")
    (run,) = env.store.snapshot().rows(RUNS)
    (image,) = env.store.snapshot().rows(IMAGES)
    assert (run.outcome, run.counts["picked"], image.created) == ("done", 1, True)
    assert image.client == picked.created["u1"]
    assert env.store.snapshot().count(LINKS) == 1


async def test_a_client_called_different_does_not_block_and_the_answer_is_stored() -> None:
    env = SyncFixture([client(1, name="RATA LTD"), client(2, name="Rata, Ltd.")], [xpm(1, name="Rata Ltd")])
    assert whys(await picking(env, "u1")) == {"u1": "same-name"}
    picked = await picking(env, "u1", different=["c1"])
    assert whys(picked) == {"u1": "same-name"}, "the other one may still be it"
    picked = await picking(env, "u1", different=["c1", "c2"])
    assert set(picked.created) == {"u1"}
    apart = [row for row in env.store.snapshot().rows(BLOCKED_PAIRS) if row.different]
    assert {(row.client, row.uuid) for row in apart} == {("c1", "u1"), ("c2", "u1")}
