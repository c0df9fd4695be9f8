"""The guard in the whole product: each stop with its numbers, and how to continue."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.simulation import oracle
from tests.simulation.practice import Engine
from tests.simulation.test_counts import edit, pulled
from tests.support.profile import count
from tests.support.virtual import run_virtual
from xpm_tui.application.runs import plans
from xpm_tui.application.runs.runner import release
from xpm_tui.domain.errors import PlanRefused
from xpm_tui.domain.ports import Put
from xpm_tui.domain.runs import Run
from xpm_tui.domain.tables import CLIENTS, LINKS
from xpm_tui.sandbox.faults import Fault

Prepare = Callable[[Engine], Awaitable[None]]


def guarded(folder: Path, scenario: Callable[[Engine], Awaitable[None]], *, clients: int = 60) -> None:
    """Run a scenario over a practice that is in step and has settled for a day."""

    async def go() -> None:
        engine = Engine(folder, clients=clients)
        try:
            await pulled(engine)
            in_xpm(engine, 1, fax="04 0")
            assert (await engine.run(full=True)).counts["changes"] == 1
            await engine.clock.sleep(86_400)
            await scenario(engine)
        finally:
            engine.close()

    run_virtual(go())


def in_xpm(engine: Engine, most: int, **values: str) -> int:
    """A colleague gives many linked clients these values."""
    edited = 0
    for link in list(engine.practice.snapshot().rows(LINKS))[:most]:
        engine.sandbox.colleague.edit(link.uuid, values, engine.sandbox.clock.now())
        edited += 1
    return edited


async def in_step(engine: Engine, most: int, **values: str) -> None:
    """Both sides have these values: filling an empty field is no reason for the guard to hold a run."""
    in_xpm(engine, most, **values)
    plan = await plans.make(engine.practice, full=True)
    assert (await engine.run(plan_id=plan.id)).outcome == "done"


def rules(run: Run) -> set[str]:
    assert run.outcome == "held"
    assert run.exit_code == 4
    assert all(stop.sentence for stop in run.stops)
    return {stop.rule for stop in run.stops}


def test_many_records_are_held_grow_and_are_released(folder: Path) -> None:
    async def scenario(engine: Engine) -> None:
        engine.set(guard_field_count="1000")
        await in_step(engine, 28, city="Here")
        in_xpm(engine, 25, city="Elsewhere")
        held = await engine.run(full=True)
        assert rules(held) == {"many-records"}
        (stop,) = held.stops
        assert (stop.counted, stop.limit) == (25, 20)
        assert engine.practice.snapshot().count(CLIENTS) == engine.practice.snapshot().count(LINKS)
        in_xpm(engine, 28, city="Elsewhere")
        grown = await release(engine.practice, held.id)
        assert rules(grown) == {"many-records"}
        assert grown.stops[0].counted > stop.counted
        done = await release(engine.practice, grown.id)
        assert done.outcome == "done"
        assert oracle.differences(engine, to_xpm=False) == []

    guarded(folder, scenario)


def test_one_field_of_many_is_held_and_passes_when_reviewed(folder: Path) -> None:
    async def scenario(engine: Engine) -> None:
        engine.set(guard_records_count="1000")
        await in_step(engine, 25, phone="04 111")
        in_xpm(engine, 25, phone="04 000")
        held = await engine.run(full=True)
        assert rules(held) == {"many-of-field:phone"}
        plan = await plans.make(engine.practice)
        done = await engine.run(plan_id=plan.id)
        assert (done.outcome, done.counts["changes"]) == ("done", 25)

    guarded(folder, scenario)


def test_emptied_fields_are_held_when_clearing_is_allowed(folder: Path) -> None:
    async def scenario(engine: Engine) -> None:
        engine.set(sync_clear="yes")
        in_xpm(engine, 12, phone="04 000")
        assert (await engine.run(full=True)).outcome == "done"
        in_xpm(engine, 12, phone="")
        held = await engine.run(full=True)
        assert rules(held) == {"many-emptied:phone"}
        assert held.stops[0].counted == 12
        assert (await release(engine.practice, held.id)).outcome == "done"

    guarded(folder, scenario)


@pytest.mark.parametrize("reviewed", [False, True])
def test_an_empty_list_stops_every_run_and_no_release_passes_it(folder: Path, reviewed: bool) -> None:
    async def scenario(engine: Engine) -> None:
        engine.sandbox.faults.add(Fault("empty-list", endpoint="client.api/list", every=1))
        held = await engine.run(full=True, reviewed=reviewed)
        assert rules(held) == {"empty-list"}
        assert rules(await release(engine.practice, held.id)) == {"empty-list"}
        engine.sandbox.faults.clear()
        assert (await engine.run(full=True)).outcome == "done"

    guarded(folder, scenario)


def test_half_a_list_is_held_and_believed_once_reviewed(folder: Path) -> None:
    async def scenario(engine: Engine) -> None:
        engine.sandbox.faults.add(Fault("half-list", endpoint="client.api/list", every=1))
        held = await engine.run(full=True)
        assert "short-list" in rules(held)
        again = await release(engine.practice, held.id)
        assert again.outcome == "done"
        engine.sandbox.faults.clear()
        assert (await engine.run(full=True, reviewed=True)).outcome == "done"
        assert engine.practice.snapshot().count(CLIENTS) == engine.practice.snapshot().count(LINKS)
        assert oracle.differences(engine, to_xpm=False) == []

    guarded(folder, scenario)


def test_a_masked_value_is_never_written(folder: Path) -> None:
    async def scenario(engine: Engine) -> None:
        engine.set(sync_direction="to_xpm")
        client = next(c for c in engine.practice.snapshot().rows(CLIENTS) if not engine.real(c.id).archived)
        masked = msgspec.structs.replace(client, phone="******789")
        engine.practice.store.commit([Put(CLIENTS, masked)])
        for reviewed in (False, True):
            done = await engine.run(reviewed=reviewed)
            assert done.outcome == "done" or rules(done) == {"masked"}
        assert engine.writes() == []

    guarded(folder, scenario, clients=12)


@pytest.mark.parametrize(
    "setting", [{"sync_direction": "to_xpm"}, {"sync_level": "name"}, {"sync_off": "phone"}]
)
def test_a_plan_of_another_policy_is_refused(folder: Path, setting: dict[str, str]) -> None:
    async def scenario(engine: Engine) -> None:
        in_xpm(engine, 2, phone="04 1")
        plan = await plans.make(engine.practice, full=True)
        engine.set(**setting)
        with pytest.raises(PlanRefused) as refused:
            await engine.run(plan_id=plan.id)
        assert refused.value.hint
        assert engine.writes() == []

    guarded(folder, scenario, clients=12)


def test_a_first_run_by_schedule_is_held_until_someone_has_looked(folder: Path) -> None:
    async def go() -> None:
        engine = Engine(folder)
        await engine.connect()
        engine.add(engine.unique_names())
        held = await engine.run(trigger="daily")
        assert rules(held) == {"first-run"}
        assert engine.practice.snapshot().count(LINKS) == 0
        assert (await release(engine.practice, held.id)).outcome == "done"
        assert engine.practice.snapshot().count(LINKS) == len(engine.unique_names())
        await engine.clock.sleep(86_400)
        in_xpm(engine, 2, phone="04 2")
        assert (await engine.run(trigger="daily")).outcome == "done"
        assert oracle.differences(engine, to_xpm=False) == []
        engine.close()

    run_virtual(go())


def test_a_daily_push_waits_for_a_person(folder: Path) -> None:
    async def scenario(engine: Engine) -> None:
        engine.set(sync_direction="to_xpm")
        changed = await edit(engine, 3)
        held = await engine.run(trigger="daily")
        assert rules(held) == {"daily-push"}
        assert engine.writes() == []
        done = await release(engine.practice, held.id)
        assert (done.outcome, len(engine.writes())) == ("done", changed)

    guarded(folder, scenario, clients=12)


def test_the_guard_is_quiet_on_usual_days(folder: Path) -> None:
    """A colleague or two edit every day, for a year in a soak; no day is held."""

    async def scenario(engine: Engine) -> None:
        held: list[Any] = []
        for _ in range(count(12, 365)):
            for _ in range(engine.rng.randrange(5)):
                engine.colleague()
            done = await engine.run(trigger="daily")
            held += done.stops
            await engine.clock.sleep(86_400)
        assert held == []
        assert oracle.differences(engine, to_xpm=False) == []

    guarded(folder, scenario, clients=24)
