"""Days in a practice: a colleague edits under a plan, an undo lasts, a prospect becomes a client."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.simulation import oracle
from tests.simulation.practice import Engine
from tests.simulation.test_counts import edit
from tests.simulation.test_guard import guarded, in_xpm
from tests.support.virtual import run_virtual
from xpm_tui.application.clients.link_review import clients_to_review
from xpm_tui.application.clients.links import link
from xpm_tui.application.clients.picks import pick
from xpm_tui.application.runs import plans
from xpm_tui.application.runs.undo_plans import make_undo
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import CLIENTS, FREEZES, LINKS, PLANNED


def linked(engine: Engine, most: int = 100) -> list[str]:
    """Clients of the store that may be written in XPM."""
    ids = [each.id for each in engine.practice.snapshot().rows(LINKS)]
    return [id_ for id_ in ids if not engine.real(id_).archived][:most]


@pytest.mark.parametrize("direction", ["from_xpm", "to_xpm"])
def test_a_record_that_moved_under_a_plan_drops_out_and_the_rest_continues(
    folder: Path, direction: str
) -> None:
    async def scenario(engine: Engine) -> None:
        first, second, third = linked(engine, 3)
        engine.set(sync_direction=direction)
        if direction == "to_xpm":
            await edit(engine, 3)
        else:
            in_xpm(engine, 3, phone="04 1")
        plan = await plans.make(engine.practice, full=True)
        touched = [record.client for record in engine.practice.snapshot().find(PLANNED, "plan", plan.id)]
        moved = touched[0]
        if direction == "to_xpm":
            uuid = engine.real(moved).uuid
            engine.sandbox.colleague.edit(uuid, {"phone": "a colleague"}, engine.sandbox.clock.now())
        else:
            client = msgspec.structs.replace(engine.client(moved), city="a person")
            engine.practice.store.commit([Put(CLIENTS, client)])
        await engine.clock.sleep(60)
        done = await engine.run(plan_id=plan.id)
        assert (done.outcome, done.exit_code) == ("done", 0)
        assert done.counts["records"] == len(touched) - 1
        assert done.counts["moved"] == 1
        following = await plans.make(engine.practice, full=True)
        again = engine.practice.snapshot().find(PLANNED, "plan", following.id)
        assert [record.client for record in again] == [moved]
        assert {first, second, third} >= set(touched)

    guarded(folder, scenario, clients=12)


def test_our_own_writes_are_no_move(folder: Path) -> None:
    """A contact that two clients share, and a push that looks again and again what moved."""

    async def scenario(engine: Engine) -> None:
        engine.set(sync_direction="to_xpm")
        changed = await edit(engine, 30, contacts=True)
        done = await engine.run(reviewed=True)
        assert (done.outcome, done.counts.get("moved", 0)) == ("done", 0)
        assert done.counts["records"] == changed
        before = len(engine.writes())
        await engine.clock.sleep(120)
        again = await engine.run(reviewed=True)
        assert again.counts.get("changes", 0) == 0
        assert len(engine.writes()) == before

    guarded(folder, scenario)


@pytest.mark.parametrize("direction", ["from_xpm", "to_xpm"])
def test_an_undone_field_is_still_undone_after_the_next_daily_run(folder: Path, direction: str) -> None:
    async def scenario(engine: Engine) -> None:
        engine.set(sync_direction=direction, sync_daily_push="yes")
        one, other = linked(engine, 2)

        def phone(id_: str) -> str:
            return engine.real(id_).phone if direction == "to_xpm" else engine.client(id_).phone

        before = {id_: phone(id_) for id_ in (one, other)}
        for id_ in (one, other):
            if direction == "to_xpm":
                client = msgspec.structs.replace(engine.client(id_), phone=f"new {id_}")
                engine.practice.store.commit([Put(CLIENTS, client)])
            else:
                uuid = engine.real(id_).uuid
                engine.sandbox.colleague.edit(uuid, {"phone": f"new {id_}"}, engine.sandbox.clock.now())
        done = await engine.run(full=True)
        assert {phone(one), phone(other)} == {f"new {one}", f"new {other}"}
        plan, _, unclear = make_undo(engine.practice, done.id, client=one, field="phone")
        assert unclear == []
        undone = await engine.run(plan_id=plan.id, trigger="undo")
        assert undone.outcome == "done"
        for _ in range(3):
            await engine.clock.sleep(86_400)
            assert (await engine.run(trigger="daily", full=True)).outcome == "done"
            assert phone(one).strip() == before[one].strip()
            assert phone(other) == f"new {other}"
        assert [freeze.field for freeze in engine.practice.snapshot().rows(FREEZES)] == ["phone"]
        assert engine.practice.snapshot().get(LINKS, one) is not None

    guarded(folder, scenario, clients=12)


def test_a_prospect_that_was_made_client_is_proposed_and_linked_again(folder: Path) -> None:
    async def go() -> None:
        engine = Engine(folder, clients=24)
        await engine.connect()
        rows = engine.sandbox.practice.clients_in_order()
        names = [row.name for row in rows if not row.deleted]
        prospect = next(
            r for r in rows if r.prospect and not (r.archived or r.deleted) and names.count(r.name) == 1
        )
        (view,) = pick(engine.practice, [prospect.uuid], anyway=True)
        assert view.client is not None
        await engine.run(reviewed=True)
        made = engine.sandbox.colleague.convert(prospect.uuid, engine.sandbox.clock.now())
        engine.sandbox.colleague.edit(made.uuid, {"phone": "04 777"}, engine.sandbox.clock.now())
        await engine.clock.sleep(3_600)
        done = await engine.run(full=True, reviewed=True)
        assert done.outcome == "done"
        assert engine.client(view.client).phone != "04 777", "nothing is linked again unasked"
        (asked,) = clients_to_review(engine.practice, [view.client])
        assert asked.proposals[0].uuid == made.uuid
        link(engine.practice, view.client, made.uuid)
        await engine.run(reviewed=True)
        assert engine.client(view.client).phone == "04 777"
        assert engine.real(view.client).uuid == made.uuid
        assert oracle.doubles(engine) == []
        engine.close()

    run_virtual(go())


def test_a_plan_of_one_client_or_one_field_touches_nothing_else(folder: Path) -> None:
    async def scenario(engine: Engine) -> None:
        one, other = linked(engine, 2)
        for id_ in (one, other):
            uuid = engine.real(id_).uuid
            values = {"phone": f"04 {id_}", "city": f"City {id_}"}
            engine.sandbox.colleague.edit(uuid, values, engine.sandbox.clock.now())
        done = await engine.run(only=[one], fields=["phone"], full=True)
        assert (done.outcome, done.counts["changes"]) == ("done", 1)
        reported = [(engine.client(id_).phone, engine.client(id_).city) for id_ in (one, other)]
        assert reported[0][0] == f"04 {one}"
        assert reported[0][1] != f"City {one}"
        assert reported[1][0] != f"04 {other}"
        done = await engine.run(only=[one])
        assert done.counts["changes"] == 1
        assert engine.client(other).city != f"City {other}"
        assert (await engine.run()).counts["changes"] == 2
        assert oracle.differences(engine, to_xpm=False) == []

    guarded(folder, scenario, clients=12)
