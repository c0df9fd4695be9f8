"""Consequences of random plans and their undos, compared with what a practice in memory receives."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from tests.support.profile import count
from tests.sync import practices
from tests.sync.fixtures import SyncFixture
from xpm_tui.domain.ignition import Client, Contact
from xpm_tui.domain.links import Freeze, Link
from xpm_tui.domain.pace import ALL_MINUTE, BACKGROUND_MINUTE, MINUTE, Pace
from xpm_tui.domain.plan import Consequences, Plan, PlannedRecord, Requests
from xpm_tui.domain.runs import Run
from xpm_tui.domain.tables import CLIENTS, FREEZES, LINKS, PLANNED, PLANS
from xpm_tui.domain.xpm import XpmClient
from xpm_tui.sync.consequences import plan_consequences, with_pace
from xpm_tui.sync.manual.plans import plan_undo, tick
from xpm_tui.sync.policy import Clear, Policy

SENT = {
    "update client": "client_updates", "update contact": "contact_updates", "add contact": "contact_additions"
}  # fmt: skip


def sent(env: SyncFixture) -> Counter[str]:
    """What the practice in memory was sent, by the kinds of requests."""
    found = Counter(SENT[verb] for verb, _, _ in env.practice.sent)
    found["checks"] = env.practice.reads.count("clients since")
    return +found


def predicted(found: Consequences) -> Counter[str]:
    kinds = (*SENT.values(), "checks")
    return +Counter({kind: getattr(found.requests, kind) for kind in kinds})


def forget(env: SyncFixture) -> None:
    env.practice.sent.clear()
    env.practice.reads.clear()


async def applied(env: SyncFixture, plan: Plan, records: list[PlannedRecord]) -> tuple[Consequences, Run]:
    found = plan_consequences(env.store.snapshot(), plan, records, env.policy)
    forget(env)
    return found, await env.apply(plan, records, reviewed=True)


@pytest.mark.parametrize("seed", range(count(60, 600)))
async def test_a_random_plan_and_its_undo_have_the_computed_consequences(seed: int) -> None:
    dice = Random(seed)
    people = practices.practice(dice, 12)
    env = SyncFixture(
        people.clients, people.rows, policy=people.policy, links=people.links, team=practices.TEAM
    )
    await env.refresh()
    for _ in range(2):
        plan, records = env.plan()
        links = env.store.snapshot().count(LINKS)
        found, run = await applied(env, plan, records)
        assert run.outcome == "done", run
        assert sent(env) == predicted(found), f"seed {seed}"
        assert run.counts.get("changes", 0) == found.changes, f"seed {seed}"
        assert run.counts.get("moved", 0) == 0
        assert env.store.snapshot().count(LINKS) - links == found.here.links
        await undone(env, run, found)
        for id_ in list(env.store.snapshot().ids(LINKS))[:6]:
            env.put(CLIENTS, [practices.perturbed(dice, env.client(id_), 3)])
        env.clock.move(timedelta(minutes=30))
        await env.refresh()


async def undone(env: SyncFixture, run: Run, found: Consequences) -> None:
    """What an undo says beforehand is what it does, where the mirror is as XPM says."""
    await env.refresh(complete=False)
    plan, records, left = plan_undo(
        env.store.snapshot(), run.id, id=env.ids.new("p")[0], now=env.clock.now(), by="kim",
        tenant="tenant", scopes="scopes", policy=env.policy,
    )  # fmt: skip
    stays = [each for each in left if each.why == "stays-in-xpm"]
    assert len(stays) == found.not_undoable
    env.put(PLANS, [plan])
    env.put(PLANNED, records)
    freezes = env.store.snapshot().count(FREEZES)
    back, run = await applied(env, plan, records)
    assert back.of == "undo"
    assert sent(env) == predicted(back)
    assert run.counts.get("changes", 0) == back.changes
    assert env.store.snapshot().count(FREEZES) - freezes == back.freezes


def row(uuid: str, **values: Any) -> XpmClient:
    return XpmClient(uuid=uuid, **{"name": f"Client {uuid}", "phone": "1", "fax": "2", "city": "A"} | values)


@pytest.mark.parametrize("clear", ["never", "ask", "yes"])
@pytest.mark.parametrize("ticked", [False, True])
async def test_clearings_renames_and_contacts_are_counted_as_they_are_sent(
    clear: Clear, ticked: bool
) -> None:
    env = SyncFixture(
        [Client(id=f"c{n}", name=f"Client u{n}") for n in (1, 2, 3)],
        [row(f"u{n}") for n in (1, 2, 3)],
        links=[Link(id=f"c{n}", uuid=f"u{n}") for n in (1, 2, 3)],
    )
    await env.refresh()
    await env.apply(*env.plan(), reviewed=True)
    env.policy = Policy(direction="to_xpm", clear=clear)
    ann = Contact(id="k1", name="Ann", email="ann@example.com")
    env.edit("c1", name="Renamed", phone="", fax="")
    env.edit("c2", city="", contacts=(ann,))
    env.edit("c3", phone="9", city="B")
    env.practice.edit("u3", phone="", city="C")  # emptied there, and edited there
    await env.refresh()
    plan, records = env.plan()
    if ticked:
        changed = {each.client: each for each in tick(records, True)}
        records = [changed.get(each.client, each) for each in records]
    found, run = await applied(env, plan, records)
    assert run.outcome == "done", run
    updates = [values for verb, _, values in env.practice.sent if verb == "update client"]
    sent_values = Counter(name for values in updates for name in values)
    blanks = [name for values in updates for name, value in values.items() if value == ""]
    clears = clear == "yes" or (clear == "ask" and ticked)
    assert len(blanks) == found.replaced.clearings == (3 if clears else 0)
    assert sent(env) == predicted(found)
    assert found.waiting == (3 if clear == "ask" and not ticked else 0)
    assert (found.replaced.conflicts, sent_values["phone"] > 0) == (2, True)
    assert found.replaced.values == 3 + len(blanks), "the name, and both values that XPM edited, too"
    assert found.xpm.contacts == found.not_undoable == 1


@pytest.mark.parametrize("restricted", ["switched off", "frozen", "synced"])
async def test_only_what_is_sent_of_a_new_contact_decides_whether_it_can_be_sent(restricted: str) -> None:
    env = SyncFixture(
        [Client(id="c1", name="Client u1", contacts=(Contact(id="k1", name="Jo", mobile="02\x0b1"),))],
        [row("u1")],
        links=[Link(id="c1", uuid="u1")],
        policy=Policy(
            direction="to_xpm", off=frozenset({"contact_mobile"} if restricted == "switched off" else ())
        ),
    )
    await env.refresh()
    if restricted == "frozen":
        env.put(FREEZES, [Freeze(id="c1/contact_mobile", client="c1", field="contact_mobile")])
    found, run = await applied(env, *env.plan())
    assert sent(env) == predicted(found)
    assert run.counts.get("changes", 0) == found.changes
    unsendable = restricted == "synced"
    assert run.counts.get("unsendable", 0) == sum(each.number for each in found.kept) == int(unsendable)
    assert found.xpm.contacts == int(not unsendable)


@pytest.mark.parametrize(("calls", "seconds"), [(0, 0), (1, 0), (55, 0), (56, 60), (110, 60), (111, 120)])
def test_the_pace_is_that_of_a_sliding_minute(calls: int, seconds: float) -> None:
    assert Pace().minimum_seconds(calls) == seconds


def test_the_pace_includes_what_is_left_of_the_minute_and_the_day() -> None:
    used = Pace(expiries=tuple(float(second) for second in range(1, 51)), day_left=3)
    assert used.minimum_seconds(5) == 0
    assert used.minimum_seconds(7) == 2
    assert used.beyond_today(5) == 2
    assert Pace(closed=20).minimum_seconds(1) == 20
    assert Pace(expiries=(MINUTE,) * BACKGROUND_MINUTE).minimum_seconds(1) == MINUTE
    assert ALL_MINUTE > BACKGROUND_MINUTE


def test_calls_and_minutes_are_the_sum_of_the_requests() -> None:
    requests = Requests(client_updates=100, checks=1, lists=5, lookups=2)
    found = with_pace(Consequences(of="plan", requests=requests), Pace(day_left=100))
    assert (found.calls, requests.writes, found.minutes, found.beyond_today) == (108, 100, 1, 8)
