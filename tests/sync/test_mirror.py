"""Updating the mirror: rows, absence, base, lists."""

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
    env = SyncFixture(rows=[xpm(1, tax_number=Masked("***123")), xpm(2)])
    first = await env.refresh()
    seen = env.mirror("u1").seen_at
    env.clock.move(timedelta(hours=1))
    env.practice.edit("u2", phone="5")
    again = await env.refresh()
    assert (first.changed, again.changed, again.listed) == (2, 1, 2)
    assert env.mirror("u1").seen_at == seen
    assert env.mirror("u2").seen_at == env.clock.now()


async def test_a_row_that_changes_updates_its_base_in_the_same_commit() -> None:
    env = SyncFixture([client(phone="1")], [xpm(phone="1")], links=[linked()])
    await env.sync()
    env.practice.edit("u1", phone="2")
    await env.refresh()
    assert env.base().pairs == {"phone": Pair("1", "1")}
    (commit,) = [commit for commit in env.store.commits if any(write.table is BASE for write in commit)][-1:]
    assert {write.table.name for write in commit} == {"base", "xpm_clients"}


async def test_a_row_that_changes_back_leaves_the_base_as_it_was() -> None:
    env = SyncFixture([client(phone="1")], [xpm(phone="1")], links=[linked()])
    await env.sync()
    for phone in ("2", "3", "1"):
        env.practice.edit("u1", phone=phone)
        await env.refresh()
    assert env.base().pairs == {}
    assert await env.changes() == []


async def test_absence_counts_at_the_end_of_a_complete_list_only() -> None:
    env = SyncFixture(rows=[xpm(1), xpm(2)])
    await env.refresh()
    env.practice.remove("u1")
    await env.refresh(complete=False)
    assert not env.mirror("u1").deleted
    assert (await env.refresh()).gone == 1
    assert env.mirror("u1").deleted
    assert (await env.refresh()).gone == 0


async def test_a_client_that_returns_is_no_longer_gone() -> None:
    env = SyncFixture([client()], [xpm(1), xpm(2)], links=[linked()])
    await env.sync()
    row = env.practice.rows["u1"]
    env.practice.remove("u1")
    await env.refresh()
    env.practice.add(row)
    await env.refresh()
    assert not env.mirror("u1").deleted
    assert await env.changes() == []


async def test_a_list_that_breaks_off_stores_what_was_read_and_marks_nothing() -> None:
    env = SyncFixture(rows=[xpm(number) for number in range(1, CHUNK + 11)])
    env.practice.cut = CHUNK + 5
    with pytest.raises(XeroError):
        await env.refresh()
    assert env.store.snapshot().count(XPM_CLIENTS) == CHUNK
    assert changed_since(env.store.snapshot()) is None
    env.practice.cut = None
    assert (await env.refresh()).changed == 10


async def test_the_bookmark_is_the_servers_time_and_reaches_back() -> None:
    env = SyncFixture(rows=[xpm()])
    await env.refresh()
    asked = env.clock.now()
    assert changed_since(env.store.snapshot()) == asked - OVERLAP
    env.clock.move(timedelta(hours=3))
    await env.refresh(complete=False)
    facts = list_counts(env.store.snapshot())
    assert (facts.bookmark, facts.complete_at) == (env.clock.now(), asked)


async def test_a_partial_list_brings_only_what_changed() -> None:
    env = SyncFixture(rows=[xpm(1), xpm(2)])
    await env.refresh()
    env.clock.move(timedelta(hours=1))
    env.practice.edit("u2", fax="1")
    await env.refresh(complete=False)
    env.clock.move(timedelta(hours=1))
    overlapping = await env.refresh(complete=False)
    assert (overlapping.listed, overlapping.changed) == (1, 0)
    assert (await env.refresh(complete=False)).listed == 0
    assert env.mirror("u2").fax == "1"


async def test_the_bases_of_all_links_to_a_row_are_updated() -> None:
    quiet = linked(2).__class__(id="c2", uuid="u1", quiet=True)
    env = SyncFixture([client(1, phone="1"), client(2)], [xpm(phone="1")], links=[linked(1), quiet])
    await env.sync()
    env.practice.edit("u1", phone="2")
    assert one(await env.changes(), "phone").record == "c1"


async def test_a_contact_that_disappears_leaves_its_pairs() -> None:
    row = xpm(contacts=(xpm_contact(1, name="Jo"),))
    env = SyncFixture([client()], [row], links=[linked()])
    await env.sync()
    env.practice.edit("u1", contacts=())
    await env.refresh()
    env.practice.edit("u1", contacts=row.contacts)
    assert await env.changes() == []
    assert env.base().pairs == {}


def test_a_list_marks_what_is_missing_and_what_returns() -> None:
    env = SyncFixture()
    env.store.commit(list_writes(env.store.snapshot(), STAFF, [staff(1), staff(2)]))
    assert list_writes(env.store.snapshot(), STAFF, [staff(1), staff(2)]) == []
    env.store.commit(list_writes(env.store.snapshot(), STAFF, [staff(2)]))
    assert [row.gone for row in env.store.snapshot().rows(STAFF)] == [True, False]
    assert list_writes(env.store.snapshot(), STAFF, []) == []
    env.store.commit(list_writes(env.store.snapshot(), STAFF, [staff(1), staff(2)]))
    assert [row.gone for row in env.store.snapshot().rows(STAFF)] == [False, False]


def test_a_job_no_longer_current_is_marked() -> None:
    env = SyncFixture()
    jobs = [XpmJob(number="J1", name="A"), XpmJob(number="J2", name="B")]
    env.store.commit(job_writes(env.store.snapshot(), jobs, env.clock.now()))
    env.store.commit(job_writes(env.store.snapshot(), jobs[:1], env.clock.now()))
    assert [job.gone for job in env.store.snapshot().rows(JOBS)] == [False, True]


async def test_nothing_changed_writes_one_small_fact() -> None:
    env = SyncFixture(rows=[xpm(number) for number in range(1, 30)])
    await env.refresh()
    before = len(env.store.commits)
    await env.refresh()
    assert [[write.table for write in commit] for commit in env.store.commits[before:]] == [[META]]


async def test_a_list_does_not_restore_the_base_of_a_link_that_was_removed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    env = SyncFixture([client(phone="1")], [xpm(phone="1")], links=[linked()])
    await env.sync()
    env.practice.edit("u1", phone="2")
    store, look, commit = env.store, env.store.snapshot, env.store.commit

    def and_then_somebody_unlinks() -> Any:
        """Another process commits between this one's look and its commit; nobody can within a transaction."""
        looked = look()
        if looked.count(LINKS):
            commit(unlink(looked, "c1", now=env.clock.now(), by="lee", run="r90"))
        return looked

    with monkeypatch.context() as patch:
        patch.setattr(store, "snapshot", and_then_somebody_unlinks)
        patch.setattr(store, "transact", lambda make: commit(make(look())))
        commit_rows(store, [env.practice.rows["u1"]], env.clock.now())
        store.snapshot()
    assert env.store.snapshot().count(LINKS) == 0
    assert env.base().agreed == ()
