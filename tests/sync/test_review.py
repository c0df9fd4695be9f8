"""Ticks of a user, what stays reviewed, and the report on duplicates."""

from __future__ import annotations

from tests.sync.fixtures import SyncFixture, changes_of, client, contact, linked, one, xpm, xpm_contact
from xpm_tui.domain.tables import JOBS
from xpm_tui.domain.xpm import RecordReference, XpmJob
from xpm_tui.sync.consequences import plan_consequences
from xpm_tui.sync.manual.plans import keep_review, recount, tick
from xpm_tui.sync.matching.similarity import duplicates
from xpm_tui.sync.policy import Policy


async def two() -> SyncFixture:
    env = SyncFixture(
        [client(1, contacts=(contact(1, name="Jo", email="a@b"),)), client(2)],
        [xpm(1, phone="1", contacts=(xpm_contact(1, name="Al", email="a@b"),)), xpm(2, phone="2", fax="3")],
        links=[linked(1), linked(2)],
    )
    await env.refresh()
    return env


async def test_ticking_a_client_includes_its_contacts_and_ticking_a_field_all_clients() -> None:
    _, records = (await two()).plan()
    assert {c.record for r in tick(records, False, record="c1") for c in r.changes if not c.ticked} == {
        "c1",
        "c1/k1",
    }
    unticked = [c for r in tick(records, False, field="phone") for c in r.changes if not c.ticked]
    assert [(c.record, c.field) for c in unticked] == [("c1", "phone"), ("c2", "phone")]
    assert tick(records, True) == []
    assert tick(records, False, mark="drift") == []


async def test_counts_and_calls_follow_the_ticks() -> None:
    env = await two()
    env.policy = Policy(direction="to_xpm")
    env.edit("c1", city="Hobart")
    env.edit("c2", city="Perth")
    plan, records = env.plan()
    found = plan_consequences(env.store.snapshot(), plan, records, env.policy)
    assert (plan.counts["items"], found.calls) == (3, 4)
    records = [*tick(records, False, record="c1"), *records[1:]]
    again = recount(plan, records)
    found = plan_consequences(env.store.snapshot(), again, records, env.policy)
    assert (again.counts["items"], again.counts["waiting"], found.calls) == (1, 2, 2)


async def test_an_equal_change_keeps_its_tick_and_a_new_one_is_not_reviewed() -> None:
    env = await two()
    _, before = env.plan()
    before = [*tick(before, False, record="c2", field="fax"), before[0]]
    env.practice.edit("u1", city="Hobart")
    env.practice.edit("u2", phone="22")
    await env.refresh()
    kept, unseen = keep_review(before, env.plan()[1])
    assert not one(changes_of(kept), "fax").ticked
    assert [(each.client, len(each.changes)) for each in unseen] == [("c1", 1), ("c2", 1)]
    assert keep_review(kept, kept)[1] == []


async def test_duplicates_on_both_sides_name_the_safest_to_keep_and_the_steps() -> None:
    env = SyncFixture(
        [client(1, name="Smith & Co"), client(2, name="SMITH AND CO"), client(3)],
        [
            xpm(1, name="Acme", archived=True),
            xpm(2, name="ACME.", contacts=(xpm_contact(1),)),
            xpm(3, name="acme"),
            xpm(4, name="Acme", deleted=True),
            xpm(5, name="Smith & Co"),
        ],
        links=[linked(1).__class__(id="c1", uuid="u5"), linked(3)],
    )
    env.put(JOBS, [XpmJob(number="J1", name="Tax", client=RecordReference("u3"))])
    await env.refresh()
    theirs, ours = duplicates(env.store.snapshot())
    assert (theirs.side, theirs.survivor, len(theirs.members)) == ("xpm", "u3", 3)
    assert "only one that is linked" in theirs.why
    assert any("Archive number 1002" in step for step in theirs.steps)
    assert not any("Archive number 1001" in step for step in theirs.steps)
    assert (ours.side, ours.survivor) == ("ignition", "c1")
    assert any("clients ignore c2" in step for step in ours.steps)
