"""A contact that several XPM clients share: one record there, several copies here."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from tests.support.profile import count
from tests.sync.fixtures import SyncFixture, changes_of, client, contact, linked, xpm, xpm_contact
from xpm_tui.domain.errors import OutcomeUnknown
from xpm_tui.domain.plan import Change
from xpm_tui.domain.tables import CLIENTS, LINKS, PLANNED, PLANS
from xpm_tui.sync.manual.plans import plan_undo, tick
from xpm_tui.sync.policy import Policy

KERI = {"name": "Keri Moana", "email": "keri@moana.example", "phone": "04 1"}


def both(**more: Any) -> SyncFixture:
    """Two clients, each linked to an XPM client of its own that has the contact x9."""
    rows = [xpm(number, contacts=(xpm_contact(9, **KERI),)) for number in (1, 2)]
    mine = [client(number, contacts=(contact(number, **KERI),), **more) for number in (1, 2)]
    return SyncFixture(mine, rows, links=[linked(1), linked(2)], policy=Policy(direction="to_xpm"))


def edit_there(env: SyncFixture, **values: Any) -> None:
    """A colleague edits the contact in XPM: it is the same at both clients."""
    for uuid in ("u1", "u2"):
        env.practice.edit_contact(uuid, "x9", **values)


def share(env: SyncFixture) -> None:
    """XPM has one record: what was sent for one client shows at the other."""
    sent = env.practice.sent[-1][2]
    name = {key: value for key, value in sent.items() if key in ("phone", "email", "mobile")}
    edit_there(env, **name)


def phones(env: SyncFixture) -> tuple[str, str]:
    return env.client("c1").contacts[0].phone, env.client("c2").contacts[0].phone


async def agreed(**more: Any) -> SyncFixture:
    env = both(**more)
    await env.sync()
    assert not env.practice.sent
    return env


def reported(changes: Sequence[Change]) -> list[tuple[str, str, str, Any, bool]]:
    return [(c.record, c.side, c.rule, c.new, c.ticked) for c in changes]


async def test_an_edit_of_one_copy_is_one_change_that_reaches_all_copies() -> None:
    env = await agreed()
    env.edit("c2", fax="04 9")  # a change of the second client's own is not held up by it
    env.edit_contact("c1", "k1", phone="04 2")
    await env.refresh()
    plan, records = env.plan()
    changes = changes_of(records)
    assert reported(changes) == [
        ("c1/k1", "xpm", "update", "04 2", True),
        ("c2/k2", "ignition", "shared", "04 2", True),
        ("c2", "xpm", "update", "04 9", True),
    ]
    assert (changes[0].also, changes[1].follows) == (("u2",), "c1/k1")
    run = await env.apply(plan, records)
    assert [kind for kind, _, _ in env.practice.sent].count("update contact") == 1
    assert (phones(env), run.counts["changes"], run.counts.get("moved", 0)) == (("04 2", "04 2"), 3, 0)
    share(env)
    assert await env.changes() == []
    env.edit_contact("c2", "k2", phone="04 3")  # and the other way round
    await env.sync()
    share(env)
    assert (phones(env), await env.changes()) == (("04 3", "04 3"), [])


async def test_the_same_edit_of_both_copies_is_one_call() -> None:
    env = await agreed()
    for number in (1, 2):
        env.edit_contact(f"c{number}", f"k{number}", phone="04 2")
    await env.sync()
    share(env)
    assert (len(env.practice.sent), await env.changes()) == (1, [])


async def test_different_edits_are_held_and_named_until_one_is_ticked() -> None:
    env = await agreed()
    env.edit_contact("c1", "k1", phone="04 2")
    env.edit_contact("c2", "k2", phone="04 3")
    for _ in range(2):
        await env.sync()
    assert (env.practice.sent, phones(env)) == ([], ("04 2", "04 3"))
    plan, records = env.plan()
    mains = [change for change in changes_of(records) if not change.follows]
    assert [(c.held, c.also, c.ticked) for c in mains] == [
        ("shared-edits", ("u2",), False),
        ("shared-edits", ("u1",), False),
    ]
    assert not any(c.ticked for r in tick(records, True) for c in r.changes)  # all at once decides nothing
    (ticked,) = tick(records, True, record="c2/k2")
    records = [ticked if each.id == ticked.id else each for each in records]
    env.put(PLANNED, records)
    await env.apply(plan, records, reviewed=True)
    share(env)
    assert (phones(env), await env.changes()) == (("04 3", "04 3"), [])


async def test_unticking_the_change_leaves_the_copies_alone() -> None:
    env = await agreed()
    env.edit_contact("c1", "k1", phone="04 2")
    await env.refresh()
    plan, records = env.plan()
    (record,) = tick(records, False, record="c1/k1")
    assert not any(change.ticked for change in record.changes)
    await env.apply(plan, [record])
    assert (env.practice.sent, phones(env)) == ([], ("04 2", "04 1"))


@pytest.mark.parametrize("lost", [False, True])
async def test_a_write_without_an_answer_updates_every_copy_when_it_is_found(lost: bool) -> None:
    env = await agreed()
    env.edit_contact("c1", "k1", phone="04 2")
    fault = OutcomeUnknown("no answer")
    env.practice.faults = [fault]
    env.practice.lost = [fault] if lost else []
    await env.sync()
    edit_there(env, phone="04 1" if lost else "04 2")
    await env.sync()
    edit_there(env, phone="04 2")
    assert (phones(env), await env.changes()) == (("04 2", "04 2"), [])


async def test_undo_restores_every_copy() -> None:
    env = await agreed()
    env.edit_contact("c1", "k1", phone="04 2")
    run = await env.sync()
    share(env)
    await env.refresh()
    plan, records, unclear = plan_undo(
        env.store.snapshot(), run.id, id="p99", now=env.clock.now(), by="kim", tenant="tenant",
        scopes="scopes", policy=env.policy,
    )  # fmt: skip
    env.put(PLANS, [plan])
    env.put(PLANNED, records)
    await env.apply(plan, records, reviewed=True)
    share(env)
    assert (unclear, phones(env)[1], env.practice.rows["u1"].contacts[0].phone) == ((), "04 1", "04 1")
    assert await env.changes() == []


async def test_from_xpm_one_change_reaches_all_copies_in_one_plan() -> None:
    env = await agreed()
    env.policy = Policy()
    edit_there(env, phone="04 7")
    await env.sync()
    assert (phones(env), await env.changes()) == (("04 7", "04 7"), [])


@pytest.mark.parametrize("seed", range(count(10, 200)))
async def test_copies_never_overwrite_each_other_alternately(seed: int) -> None:
    """Edits of copies and of XPM, switches and syncs in any order: a sync leaves nothing for the next one."""
    dice = Random(seed)
    env = await agreed()
    env.put(CLIENTS, [client(3, contacts=(contact(3, **KERI),))])
    env.practice.add(xpm(3, contacts=(xpm_contact(9, **KERI),)))
    env.put(LINKS, [linked(3)])
    rows = ("u1", "u2", "u3")
    for step in range(8):
        field, number = dice.choice(["phone", "mobile"]), dice.randint(1, 3)
        match dice.randrange(5):
            case 0 | 1:
                env.edit_contact(f"c{number}", f"k{number}", **{field: f"0{step}"})
            case 2:
                for uuid in rows:
                    env.practice.edit_contact(uuid, "x9", **{field: f"9{step}"})
            case 3:
                env.policy = Policy(direction=dice.choice(["from_xpm", "to_xpm"]))
            case _:
                pass
        await env.sync()
        assert not [change for change in await env.changes() if change.ticked], (seed, step)
        there = {tuple(env.practice.rows[uuid].contacts) for uuid in rows}
        assert len(there) == 1, (seed, step)
