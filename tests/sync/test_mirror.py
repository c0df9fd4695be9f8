"""Bringing the mirror up to date: rows, absence, base, lists."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.sync.fixtures import SyncFixture, client, linked, one, staff, xpm, xpm_contact
from xpm_tui.domain.errors import XeroError
from xpm_tui.domain.links import Pair
from xpm_tui.domain.secret import Masked
from xpm_tui.domain.tables import BASE, JOBS, LINKS, META, STAFF, XPM_CLIENTS
from xpm_tui.domain.xpm import XpmJob
from xpm_tui.sync.manual.links import unlink
from xpm_tui.sync.mirror import (
    CHUNK,
    OVERLAP,
    changed_since,
    commit_rows,
    job_writes,
    list_counts,
    list_writes,
)


async def test_an_unchanged_row_is_not_written_again() -> None:
    world = SyncFixture(rows=[xpm(1, tax_number=Masked("***123")), xpm(2)])
    first = await world.refresh()
    seen = world.mirror("u1").seen_at
    world.clock.move(timedelta(hours=1))
    world.practice.edit("u2", phone="5")
    again = await world.refresh()
    assert (first.changed, again.changed, again.listed) == (2, 1, 2)
    assert world.mirror("u1").seen_at == seen
    assert world.mirror("u2").seen_at == world.clock.now()


async def test_a_row_that_moves_carries_its_base_in_the_same_commit() -> None:
    world = SyncFixture([client(phone="1")], [xpm(phone="1")], links=[linked()])
    await world.sync()
    world.practice.edit("u1", phone="2")
    await world.refresh()
    assert world.base().pairs == {"phone": Pair("1", "1")}
    (commit,) = [commit for commit in world.store.commits if any(write.table is BASE for write in commit)][
        -1:
    ]
    assert {write.table.name for write in commit} == {"base", "xpm_clients"}


async def test_a_row_that_moves_and_moves_back_leaves_no_trace() -> None:
    world = SyncFixture([client(phone="1")], [xpm(phone="1")], links=[linked()])
    await world.sync()
    for phone in ("2", "3", "1"):
        world.practice.edit("u1", phone=phone)
        await world.refresh()
    assert world.base().pairs == {}
    assert await world.changes() == []


async def test_absence_counts_at_the_end_of_a_complete_list_only() -> None:
    world = SyncFixture(rows=[xpm(1), xpm(2)])
    await world.refresh()
    world.practice.remove("u1")
    await world.refresh(complete=False)
    assert not world.mirror("u1").deleted
    assert (await world.refresh()).gone == 1
    assert world.mirror("u1").deleted
    assert (await world.refresh()).gone == 0


async def test_what_comes_back_is_no_longer_gone() -> None:
    world = SyncFixture([client()], [xpm(1), xpm(2)], links=[linked()])
    await world.sync()
    row = world.practice.rows["u1"]
    world.practice.remove("u1")
    await world.refresh()
    world.practice.add(row)
    await world.refresh()
    assert not world.mirror("u1").deleted
    assert await world.changes() == []


async def test_a_list_that_breaks_off_keeps_what_came_and_marks_nothing() -> None:
    world = SyncFixture(rows=[xpm(number) for number in range(1, CHUNK + 11)])
    world.practice.cut = CHUNK + 5
    with pytest.raises(XeroError):
        await world.refresh()
    assert world.store.snapshot().count(XPM_CLIENTS) == CHUNK
    assert changed_since(world.store.snapshot()) is None
    world.practice.cut = None
    assert (await world.refresh()).changed == 10


async def test_the_bookmark_is_the_servers_time_and_reaches_back() -> None:
    world = SyncFixture(rows=[xpm()])
    await world.refresh()
    asked = world.clock.now()
    assert changed_since(world.store.snapshot()) == asked - OVERLAP
    world.clock.move(timedelta(hours=3))
    await world.refresh(complete=False)
    facts = list_counts(world.store.snapshot())
    assert (facts.bookmark, facts.complete_at) == (world.clock.now(), asked)


async def test_a_partial_list_brings_only_what_changed() -> None:
    world = SyncFixture(rows=[xpm(1), xpm(2)])
    await world.refresh()
    world.clock.move(timedelta(hours=1))
    world.practice.edit("u2", fax="1")
    await world.refresh(complete=False)
    world.clock.move(timedelta(hours=1))
    overlapping = await world.refresh(complete=False)
    assert (overlapping.listed, overlapping.changed) == (1, 0)
    assert (await world.refresh(complete=False)).listed == 0
    assert world.mirror("u2").fax == "1"


async def test_all_links_to_a_row_carry_their_base() -> None:
    quiet = linked(2).__class__(id="c2", uuid="u1", quiet=True)
    world = SyncFixture([client(1, phone="1"), client(2)], [xpm(phone="1")], links=[linked(1), quiet])
    await world.sync()
    world.practice.edit("u1", phone="2")
    assert one(await world.changes(), "phone").record == "c1"


async def test_a_contact_that_vanishes_takes_no_pair_along() -> None:
    row = xpm(contacts=(xpm_contact(1, name="Jo"),))
    world = SyncFixture([client()], [row], links=[linked()])
    await world.sync()
    world.practice.edit("u1", contacts=())
    await world.refresh()
    world.practice.edit("u1", contacts=row.contacts)
    assert await world.changes() == []
    assert world.base().pairs == {}


def test_a_list_marks_what_is_missing_and_what_returns() -> None:
    world = SyncFixture()
    world.store.commit(list_writes(world.store.snapshot(), STAFF, [staff(1), staff(2)]))
    assert list_writes(world.store.snapshot(), STAFF, [staff(1), staff(2)]) == []
    world.store.commit(list_writes(world.store.snapshot(), STAFF, [staff(2)]))
    assert [row.gone for row in world.store.snapshot().rows(STAFF)] == [True, False]
    assert list_writes(world.store.snapshot(), STAFF, []) == []
    world.store.commit(list_writes(world.store.snapshot(), STAFF, [staff(1), staff(2)]))
    assert [row.gone for row in world.store.snapshot().rows(STAFF)] == [False, False]


def test_a_job_no_longer_current_is_marked() -> None:
    world = SyncFixture()
    jobs = [XpmJob(number="J1", name="A"), XpmJob(number="J2", name="B")]
    world.store.commit(job_writes(world.store.snapshot(), jobs, world.clock.now()))
    world.store.commit(job_writes(world.store.snapshot(), jobs[:1], world.clock.now()))
    assert [job.gone for job in world.store.snapshot().rows(JOBS)] == [False, True]


async def test_nothing_changed_writes_one_small_fact() -> None:
    world = SyncFixture(rows=[xpm(number) for number in range(1, 30)])
    await world.refresh()
    before = len(world.store.commits)
    await world.refresh()
    assert [[write.table for write in commit] for commit in world.store.commits[before:]] == [[META]]


async def test_a_list_taken_over_does_not_bring_back_what_was_agreed_with_a_link_taken_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = SyncFixture([client(phone="1")], [xpm(phone="1")], links=[linked()])
    await world.sync()
    world.practice.edit("u1", phone="2")
    store, look, commit = world.store, world.store.snapshot, world.store.commit

    def and_then_somebody_unlinks() -> Any:
        """Another process commits between this one's look and its commit; nobody can within a transaction."""
        looked = look()
        if looked.count(LINKS):
            commit(unlink(looked, "c1", now=world.clock.now(), by="lee", run="r90"))
        return looked

    with monkeypatch.context() as patch:
        patch.setattr(store, "snapshot", and_then_somebody_unlinks)
        patch.setattr(store, "transact", lambda make: commit(make(look())))
        commit_rows(store, [world.practice.rows["u1"]], world.clock.now())
        store.snapshot()
    assert world.store.snapshot().count(LINKS) == 0
    assert world.base().agreed == ()
