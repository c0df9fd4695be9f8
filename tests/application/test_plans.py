"""Plans: stored, found, ticked, exported and deleted."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import msgspec
import pytest

from tests.application.fixtures import ticked_changes
from tests.support.fake_xpm import FakeXpm, client, wired
from tests.support.moved_clock import MovedClock
from xpm_tui.application.clients.edits import edit_client
from xpm_tui.application.clients.queries import side_by_side
from xpm_tui.application.practice import OpenPractice, PracticeIdentity, put
from xpm_tui.application.runs import plans, undo_plans
from xpm_tui.application.runs.plans import Selector
from xpm_tui.application.runs.runner import run
from xpm_tui.application.runs.xpm_refresh import refresh
from xpm_tui.commands.plans import plan_result
from xpm_tui.domain.errors import BadInput, NotFound
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import CLIENTS, PLANNED, PLANS
from xpm_tui.domain.xpm import RecordReference

HOSTILE = '=cmd|"/c calc", [/] \x1b[2J\nTrust'


@pytest.fixture
def xpm(practice: OpenPractice, clock: MovedClock) -> FakeXpm:
    practice.store.commit(
        [
            put("identity", PracticeIdentity(tenant="t", title="Hill")),
            *(Put(CLIENTS, Client(id=f"c{n}", name=f"Client {n:05}")) for n in range(5)),
        ]
    )
    made = FakeXpm(clock, [client(0, address=HOSTILE), *(client(number) for number in range(1, 5))])
    wired(practice, made)
    return made


async def test_a_plan_is_kept_with_its_records(practice: OpenPractice, xpm: FakeXpm) -> None:
    with pytest.raises(NotFound, match="no plan yet"):
        plans.load(practice)
    made = await plans.make(practice)
    plan, records = plans.load(practice, made.id)
    assert (plan, len(records)) == (made, 5)
    assert plans.load(practice, "last")[0] == plans.latest_plan(practice) == plan
    assert len(list(ticked_changes(records))) == plan.counts["items"]
    with pytest.raises(NotFound, match="no plan p77"):
        plans.load(practice, "p77")


async def test_ticks_are_kept_and_counted(practice: OpenPractice, xpm: FakeXpm) -> None:
    plan = await plans.make(practice)
    assert plans.tick(practice, plan.id, Selector(field="phone"), False) == 5
    after, records = plans.load(practice, plan.id)
    assert after.counts["items"] == plan.counts["items"] - 5
    assert {change.field for change in ticked_changes(records, on=False)} == {"phone"}
    assert plans.tick(practice, plan.id, Selector(record="c1", field="phone"), True) == 1
    assert plans.tick(practice, plan.id, Selector(record="c1", field="phone"), True) == 0
    with pytest.raises(NotFound):
        plans.tick(practice, plan.id, Selector(record="c99"), False)
    await run(practice, plan_id=plan.id)
    assert [c.id for c in practice.snapshot().rows(CLIENTS) if c.phone] == ["c1"]
    with pytest.raises(BadInput):
        plans.tick(practice, plan.id, Selector(), True)


async def test_a_plan_that_is_not_saved_offers_no_ticks(practice: OpenPractice, xpm: FakeXpm) -> None:
    made = await plans.make(practice)
    plans.tick(practice, made.id, Selector(field="phone"), False)
    plan, records = plans.load(practice, made.id)
    unsaved = msgspec.structs.replace(plan, id=plans.UNSAVED)
    practice.cache[plans.UNSAVED] = (practice.snapshot().position, (unsaved, records))
    offers = [
        any("plan tick" in line for line in plan_result(practice, id_).lines)
        for id_ in (made.id, plans.UNSAVED)
    ]
    assert offers == [True, False]


async def test_the_export_carries_true_values(practice: OpenPractice, xpm: FakeXpm) -> None:
    plan = await plans.make(practice)
    rows = list(csv.DictReader(io.StringIO(plans.export(practice, plan.id), newline="")))
    assert len(rows) == plan.counts["items"]
    (address,) = [row for row in rows if row["field"] == "address"]
    assert (address["new"], address["client"], address["ticked"]) == (HOSTILE, "Client 00000", "yes")
    link = next(row for row in rows if row["field"] == "link")
    assert (link["new"], link["new_name"]) == (client(0).uuid, "Client 00000")


async def test_drafts_that_are_no_longer_needed_are_deleted(
    practice: OpenPractice, xpm: FakeXpm, clock: MovedClock
) -> None:
    await refresh(practice)
    made = []
    for _ in range(6):
        made.append((await plans.make(practice, refresh=False)).id)
        clock.move(timedelta(minutes=5))
    assert set(practice.snapshot().ids(PLANS)) == set(made[-3:])
    assert practice.snapshot().count(PLANNED) == 3 * 5
    clock.move(timedelta(hours=2))
    last = await plans.make(practice, refresh=False)
    assert set(practice.snapshot().ids(PLANS)) == {last.id}


async def test_a_draft_older_than_the_last_sync_is_no_longer_the_newest_plan(
    practice: OpenPractice, xpm: FakeXpm
) -> None:
    looked_at = await plans.make(practice)
    applied = await run(practice)
    assert plans.newest_draft(practice.snapshot()) is None
    back, _, _ = undo_plans.make_undo(practice, applied.id)
    await run(practice, plan_id=back.id, trigger="undo")
    latest = plans.latest_plan(practice)
    assert latest is not None
    assert (latest.id, latest.state) == (applied.plan, "applied") != (looked_at.id, "draft")
    assert plans.newest_draft(practice.snapshot()) is None
    assert plans.load(practice, looked_at.id)[0] == looked_at, "it can still be shown"
    one = await plans.make(practice, only="c2")
    assert plans.newest_draft(practice.snapshot()) == one


async def test_narrowed_plans(practice: OpenPractice, xpm: FakeXpm) -> None:
    await run(practice)
    for number in range(5):
        xpm.edit(client(number).uuid, phone="1", fax="2")
    plan = await plans.make(practice, only="c2", fields=["fax"])
    _, records = plans.load(practice, plan.id)
    assert [(change.record, change.field) for change in ticked_changes(records)] == [("c2", "fax")]


async def test_a_plan_without_a_change_says_what_differs_why_and_what_to_do(
    practice: OpenPractice, clock: MovedClock
) -> None:
    rows = [msgspec.structs.replace(client(n), manager=RecordReference("s9", "Sam [Lee]")) for n in range(5)]
    practice.store.commit(
        [
            put("identity", PracticeIdentity(tenant="t", title="Hill")),
            *(Put(CLIENTS, Client(id=f"c{n}", name=f"Client {n:05}", fax=f"09 {n}")) for n in range(5)),
        ]
    )
    wired(practice, FakeXpm(clock, rows))
    await run(practice, reviewed=True)
    plan = await plans.make(practice)
    made = plan_result(practice, plan.id, most=2)
    found = [*made.data["differences"]]
    assert made.data["counts"]["differences"] == len(found)
    (fax, manager) = [
        each for each in found if each["record"] == "c1" and each["field"] in ("fax", "manager")
    ]
    assert (fax["rule"], fax["ignition"], fax["xpm"]) == ("blank", "09 1", "")
    assert manager["reason"] == "Nobody in your team is linked to Sam [Lee]."
    assert "team link" in manager["hint"]
    reported = "\n".join(made.lines)
    assert f"Nothing to change. {len(found)} fields differ and stay as they are." in reported
    assert "5 fields: Nobody in your team is linked to Sam [Lee]." in reported
    assert "and 3 more" in reported
    what = f"{manager['reason']} {manager['hint']}"
    assert {side.field: side.reason for side in side_by_side(practice, "c1")}["manager"] == what
    assert edit_client(practice, "c1", {"manager": ""})[1] == [f"Manager: {what}"]
